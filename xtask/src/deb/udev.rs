//! What a file of udev rules gives a device: enough of udev's language for the package's own rules, to try them where no udev runs.
//!
//! Known are the matches `SUBSYSTEM` and `KERNEL` (`==`, `!=`, with `*`, `?` and `[a-z]` in the pattern) and the assignments `GROUP` and `MODE` (`=`, the last one
//! counts). Anything else is refused, so that a rule that this module does not understand is not taken for one that was tried.

/// What the rules say of a device node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// Its group.
    pub group: Option<String>,
    /// Its permissions.
    pub mode: Option<String>,
}

/// Applies rules to a device.
///
/// # Errors
/// A line that is no rule, or one of those this module does not know; with its number.
pub fn given(rules: &str, subsystem: &str, kernel: &str) -> Result<Given, String> {
    let mut given = Given::default();
    for (number, line) in (1..).zip(rules.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let terms = terms(line).ok_or_else(|| format!("line {number} is no rule: {line}"))?;
        let mut applies = true;
        for Term { key, operator, value } in &terms {
            let seen = match *key {
                "SUBSYSTEM" => subsystem,
                "KERNEL" => kernel,
                "GROUP" | "MODE" => continue,
                other => return Err(format!("line {number}: the key {other} is not known here")),
            };
            applies &= match *operator {
                "==" => matches(value, seen),
                "!=" => !matches(value, seen),
                other => return Err(format!("line {number}: {key} is compared, not set by {other}")),
            };
        }
        for Term { key, operator, value } in terms {
            let to = match key {
                "GROUP" => &mut given.group,
                "MODE" => &mut given.mode,
                _ => continue,
            };
            if operator != "=" {
                return Err(format!("line {number}: {key} is set by =, not by {operator}"));
            }
            if key == "MODE" && u32::from_str_radix(value, 8).map_or(true, |mode| mode > 0o7777) {
                return Err(format!("line {number}: {value} is no mode"));
            }
            if applies {
                *to = Some(value.to_owned());
            }
        }
    }
    Ok(given)
}

struct Term<'a> {
    key: &'a str,
    operator: &'a str,
    value: &'a str,
}

/// `KEY OPERATOR "value"`, separated by commas.
fn terms(line: &str) -> Option<Vec<Term<'_>>> {
    let mut terms = Vec::new();
    let mut rest = line;
    loop {
        let end = rest.find(|c: char| !c.is_ascii_uppercase())?;
        let (key, after) = rest.split_at_checked(end).filter(|(key, _)| !key.is_empty())?;
        let quote = after.find('"')?;
        let (operator, after) = after.split_at_checked(quote)?;
        // A value without quotes would run on to the quotes of the next term.
        let operator = Some(operator.trim()).filter(|operator| operator.chars().all(|c| "=!+:-".contains(c)))?;
        let (value, after) = after.get(1..)?.split_once('"')?;
        terms.push(Term { key, operator, value });
        rest = after.trim_start();
        if rest.is_empty() {
            return Some(terms);
        }
        rest = rest.strip_prefix(',')?.trim_start();
    }
}

/// A shell's pattern, as udev takes it.
fn matches(pattern: &str, text: &str) -> bool {
    let Some(first) = pattern.chars().next() else { return text.is_empty() };
    let after = pattern.get(first.len_utf8()..).unwrap_or_default();
    let mut rest = text.chars();
    match first {
        '*' => matches(after, text) || (rest.next().is_some() && matches(pattern, rest.as_str())),
        '?' => rest.next().is_some() && matches(after, rest.as_str()),
        '[' => {
            let Some((set, after)) = after.split_once(']') else { return false };
            rest.next().is_some_and(|c| in_set(set, c)) && matches(after, rest.as_str())
        }
        _ => rest.next() == Some(first) && matches(after, rest.as_str()),
    }
}

/// Single characters and ranges such as `0-9`.
fn in_set(set: &str, c: char) -> bool {
    let all: Vec<char> = set.chars().collect();
    let range = |w: &[char]| matches!(w, [from, '-', to] if (*from..=*to).contains(&c));
    all.windows(3).any(range) || (!set.contains('-') && all.contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_s_rules_give_chips_and_the_sleep_limit_to_the_group_and_nothing_else() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let rules = std::fs::read_to_string(root.join("packaging/udev/60-plcrun.rules")).unwrap();
        let ours = Given { group: Some("gpio".to_owned()), mode: Some("0660".to_owned()) };
        for (subsystem, kernel) in [("gpio", "gpiochip0"), ("gpio", "gpiochip12"), ("misc", "cpu_dma_latency")] {
            assert_eq!(given(&rules, subsystem, kernel), Ok(ours.clone()), "{kernel}");
        }
        // A watchdog restarts the box when it is not fed: nobody gets it unasked.
        for (subsystem, kernel) in
            [("watchdog", "watchdog0"), ("misc", "watchdog"), ("gpio", "export"), ("tty", "gpiochip0")]
        {
            assert_eq!(given(&rules, subsystem, kernel), Ok(Given::default()), "{kernel}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for (wrong, why) in [
            ("SUBSYSTEM==\"gpio\" GROUP=\"gpio\"", "no rule"),
            ("SUBSYSTEM==gpio, GROUP=\"gpio\"", "no rule"),
            ("SUBSYSTEM==\"gpio\", GROUP==\"gpio\"", "set by ="),
            ("SUBSYSTEM=\"gpio\", GROUP=\"gpio\"", "compared"),
            ("SUBSYSTEM==\"gpio\", MODE=\"rw\"", "no mode"),
            ("SUBSYSTEM==\"gpio\", RUN=\"x\"", "not known"),
        ] {
            let said = given(wrong, "gpio", "gpiochip0").unwrap_err();
            assert!(said.contains(why) && said.starts_with("line 1"), "{wrong}: {said}");
        }
    }

    #[test]
    fn patterns_are_a_shell_s() {
        for (pattern, text, wanted) in [
            ("gpiochip[0-9]*", "gpiochip3", true),
            ("gpiochip[0-9]*", "gpiochip", false),
            ("gpiochip[0-9]*", "gpiochipx", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("[xy]", "y", true),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, text), wanted, "{pattern} {text}");
        }
    }
}
