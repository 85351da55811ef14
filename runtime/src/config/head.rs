//! The head of a map: what has to be known before anything is known of the program.
//!
//! The guardian requests the output lines before the compiler runs, so it reads the map without a program: names and lines of
//! the outputs, and the sections that concern the process as a whole. The whole map is checked later by [`super::load`], on
//! the very text that was read here ([`Head::files`]), so that both see the same map.
//!
//! A map with a mistake in its text has no head: nothing is requested then, and [`super::load`] tells of the mistake.

use super::files::{Files, Kept};
use super::model::{self, Map};
use super::{Level, guardian, inputs, validate, yaml};
use crate::config::GpioLine;
use crate::guardian::GuardianSettings;
use crate::io::gpio::RestLine;
use crate::rt::RtSettings;
use relay::ContactForm;
use std::path::{Path, PathBuf};

/// The head of a map.
#[derive(Clone, Debug)]
pub struct Head {
    /// File it came from, as given.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// `live: true` stands in it.
    pub live: bool,
    /// Anything in it is a real line.
    pub has_real_lines: bool,
    /// Real outputs in the order of the text, each with the level that leaves its load off.
    pub outputs: Vec<RestLine>,
    /// The guardian process.
    pub guardian: GuardianSettings,
    /// Real-time settings.
    pub rt: RtSettings,
    /// The whole map as written.
    pub map: Map,
}

impl Head {
    /// Files in which this map reads as it did here.
    #[must_use]
    pub fn files<'f>(&self, others: &'f dyn Files) -> Kept<'f> {
        Kept { path: self.path.clone(), text: self.text.clone(), others }
    }
}

/// Reads the head of the map at `path`. `None` where it cannot be read or its text has a mistake.
#[must_use]
pub fn head(path: &Path, files: &dyn Files) -> Option<Head> {
    let text = files.read(path).ok()?;
    let (map, problems) = yaml::read::<Map>(&text);
    let map = map.filter(|_| problems.is_empty())?;
    let rows = map.outputs.get().map(|outputs| outputs.rows.as_slice()).unwrap_or_default();
    let outputs = rows.iter().filter_map(|(_, name, output)| rest_line(name, output.get()?)).collect();
    Some(Head {
        path: path.to_path_buf(),
        live: map.live.or(false),
        has_real_lines: inputs::has_gpio(&map),
        outputs,
        guardian: guardian::as_written(map.guardian.get()),
        rt: validate::rt_as_written(map.rt.get()),
        text,
        map,
    })
}

/// An output's line; `None` on the simulated rack, and where a key is missing that the whole check asks for.
fn rest_line(name: &str, output: &model::Output) -> Option<RestLine> {
    let gpio = output.gpio.get()?;
    let active_low = gpio.active.or(Level::High) == Level::Low;
    let line = GpioLine { chip: gpio.chip.get().cloned(), line: gpio.line.get()?.clone(), active_low };
    // On the break contact of a relay the load is off while the coil is driven. Without a relay there is no such contact.
    let on_break_contact = output.contact.or(ContactForm::No) == ContactForm::Nc && !output.relay.is_absent();
    Some(RestLine { name: name.to_owned(), line, energised: on_break_contact })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::NS_PER_MS;
    use crate::config::Line;
    use crate::config::files::Texts;
    use crate::guardian::RestartPolicy;

    fn head_of(text: &str) -> Option<Head> {
        head(Path::new("m"), &Texts::new().with("m", text))
    }

    #[test]
    fn outputs_have_the_level_that_leaves_their_load_off() {
        let head = head_of(
            "live: true\nguardian: { heartbeat: 200 ms, restart: back_off }\nrt: { priority: 7 }\ninputs: { i: { gpio: { chip: c, line: 9 } } }\noutputs:\n  \
             a: { gpio: { chip: c, line: 1 } }\n  b: { relay: r, contact: nc, gpio: { line: K2, active: low } }\n  c: { sim: {} }\n",
        )
        .unwrap();
        assert!(head.live && head.has_real_lines);
        assert_eq!(
            (head.guardian.heartbeat_ns, head.guardian.restart),
            (Some(200 * NS_PER_MS), RestartPolicy::BackOff)
        );
        assert_eq!(head.rt.priority, 7);
        let [a, b] = head.outputs.as_slice() else { panic!("{:?}", head.outputs) };
        assert_eq!((a.name.as_str(), a.energised, a.line.active_low), ("a", false, false));
        assert_eq!((b.name.as_str(), b.energised, b.line.active_low), ("b", true, true));
        assert_eq!(b.line.line, Line::Name("K2".to_owned()));
    }

    #[test]
    fn a_map_with_a_mistake_has_no_head() {
        assert!(head_of("outputs: { a: { gpi: { chip: c, line: 1 } } }").is_none());
        assert!(head_of("outputs: [").is_none());
        assert!(head(Path::new("none"), &Texts::new()).is_none());
        assert!(head_of("live: false").is_some_and(|head| head.outputs.is_empty() && !head.has_real_lines));
    }

    #[test]
    fn the_text_that_was_read_is_read_again() {
        let texts = Texts::new().with("m", "live: true\n").with("sheet", "x");
        let head = head(Path::new("m"), &texts).unwrap();
        let changed = Texts::new().with("m", "live: false\n").with("sheet", "x");
        let kept = head.files(&changed);
        assert_eq!(kept.read(Path::new("m")), Ok("live: true\n".to_owned()));
        assert_eq!(kept.read(Path::new("sheet")), Ok("x".to_owned()));
    }
}
