//! Never by accident: what is refused on real lines, and when real lines may be energised at all. One place, used by
//! the command line and by timeline tests.

use crate::config::{Head, IoMap};
use std::fmt;

/// How a map was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapOrigin {
    /// Named on the command line.
    Given,
    /// Found by its name beside the program.
    FoundBeside,
}

/// Something that belongs to simulation only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimulationOnly {
    /// Virtual time.
    VirtualTime,
    /// Stimuli from a timeline file.
    Play,
    /// `--set`.
    Set,
    /// Typed toggles.
    Toggle,
    /// Timeline tests.
    Test,
}

impl SimulationOnly {
    /// What the user asked for.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::VirtualTime => "virtual time (`--virtual`)",
            Self::Play => "`--play`",
            Self::Set => "`--set`",
            Self::Toggle => "typing an input's name",
            Self::Test => "`plcrun test`",
        }
    }
}

/// Why real lines stay untouched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The request belongs to simulation only.
    Simulation {
        /// What was asked for.
        what: SimulationOnly,
        /// The map.
        file: String,
    },
    /// The map was found, not given, and does not say `live: true`.
    NotLive {
        /// The map.
        file: String,
    },
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Simulation { what, file } => write!(
                f,
                "{} is refused because {file} names real lines: use a map without `gpio`, so that nothing moves by accident",
                what.name()
            ),
            Self::NotLive { file } => write!(
                f,
                "{file} names real lines but was only found beside the program: give it with `--io {file}`, or write `live: true` in it"
            ),
        }
    }
}

impl std::error::Error for Refused {}

/// May this map be run so?
///
/// # Errors
/// The first of `asked` that is refused on real lines, or a map with real lines that was neither given nor live.
pub fn check(map: &IoMap, origin: MapOrigin, asked: &[SimulationOnly]) -> Result<(), Refused> {
    decide(map.has_real_lines(), map.live, &map.file, origin, asked)
}

/// As [`check`], for the head of a map: before a line is requested.
///
/// # Errors
/// As [`check`].
pub fn check_head(head: &Head, origin: MapOrigin, asked: &[SimulationOnly]) -> Result<(), Refused> {
    decide(head.has_real_lines, head.live, &head.path.display().to_string(), origin, asked)
}

fn decide(real: bool, live: bool, file: &str, origin: MapOrigin, asked: &[SimulationOnly]) -> Result<(), Refused> {
    if !real {
        return Ok(());
    }
    let file = || file.to_owned();
    if let Some(what) = asked.first() {
        return Err(Refused::Simulation { what: *what, file: file() });
    }
    match origin {
        MapOrigin::FoundBeside if !live => Err(Refused::NotLive { file: file() }),
        MapOrigin::FoundBeside | MapOrigin::Given => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::files::Texts;
    use crate::config::load;
    use bytecode::Image;
    use std::path::Path;

    /// A map without variables: one input that only the guard reads, as the coils' supply.
    fn map(live: bool, gpio: &str) -> IoMap {
        let text = format!("live: {live}\nsupply: {{ sensed: s }}\ninputs: {{ s: {{ {gpio} }} }}\n");
        let loaded = load(Path::new("a.io.yaml"), &Texts::new().with("a.io.yaml", text), &Image::default());
        loaded.map.unwrap_or_else(|| panic!("{:?}", loaded.findings))
    }

    const LINE: &str = "gpio: { chip: c, line: 1 }";

    #[test]
    fn simulated_maps_allow_everything() {
        let all = [SimulationOnly::VirtualTime, SimulationOnly::Play, SimulationOnly::Set, SimulationOnly::Toggle];
        assert_eq!(check(&map(false, ""), MapOrigin::FoundBeside, &all), Ok(()));
    }

    #[test]
    fn real_lines_refuse_simulation_by_name() {
        for what in [SimulationOnly::VirtualTime, SimulationOnly::Play, SimulationOnly::Set, SimulationOnly::Test] {
            let refused = check(&map(true, LINE), MapOrigin::Given, &[what]).unwrap_err().to_string();
            assert!(refused.starts_with(what.name()) && refused.contains("a.io.yaml names real lines"), "{refused}");
        }
    }

    #[test]
    fn real_lines_need_to_be_given_or_live() {
        assert_eq!(check(&map(false, LINE), MapOrigin::Given, &[]), Ok(()));
        assert_eq!(check(&map(true, LINE), MapOrigin::FoundBeside, &[]), Ok(()));
        let refused = check(&map(false, LINE), MapOrigin::FoundBeside, &[]).unwrap_err().to_string();
        assert!(refused.contains("--io a.io.yaml") && refused.contains("live: true"), "{refused}");
    }
}
