//! Which properties `--only` means: the one of exactly that name where a program (or its guard) has one, else all with it in their name.

/// What is asked of one program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Only<'a> {
    /// Everything.
    All,
    /// This property.
    This(&'a str),
    /// What has this in its name.
    Part(&'a str),
}

impl<'a> Only<'a> {
    /// What is meant among these names.
    pub fn new<'n>(only: Option<&'a str>, mut names: impl Iterator<Item = &'n str>) -> Self {
        match only {
            None => Self::All,
            Some(only) if names.any(|name| name == only) => Self::This(only),
            Some(only) => Self::Part(only),
        }
    }

    /// Is a property of this name asked?
    pub fn takes(self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::This(only) => name == only,
            Self::Part(only) => name.contains(only),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_name_means_one_property_and_a_part_all_that_have_it() {
        let names = ["contacts-pause", "contacts-pause-250-ms", "pause"];
        let taken = |only: Option<&str>| -> Vec<&str> {
            let only = Only::new(only, names.iter().copied());
            names.iter().copied().filter(|name| only.takes(name)).collect()
        };
        assert_eq!(taken(None), names);
        assert_eq!(taken(Some("contacts-pause")), ["contacts-pause"]);
        assert_eq!(taken(Some("pause")), ["pause"]);
        assert_eq!(taken(Some("contacts")), ["contacts-pause", "contacts-pause-250-ms"]);
        assert!(taken(Some("lock")).is_empty());
    }
}
