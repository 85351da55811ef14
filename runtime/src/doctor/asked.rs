//! What is asked of the machine: the lines and settings of an I/O map, and the state directory.
//!
//! The map is read by itself, without its program: which chips it names and how the scan runs is all that counts here.

use crate::config::model::{Gpio, Map};
use crate::config::yaml::{self, Key};
use crate::rt::RtSettings;

/// What is asked of the machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The map; `None` where the machine is looked at by itself.
    pub map: Option<AskedMap>,
    /// Where state is kept; `None` where nothing keeps any.
    pub state: Option<String>,
}

impl Asked {
    /// Does the map touch a real line?
    #[must_use]
    pub fn has_real_lines(&self) -> bool {
        self.map.as_ref().is_some_and(|m| m.any_chip || !m.chips.is_empty())
    }
}

/// What a map asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedMap {
    /// Chips by name, path or label, as written, each once; `true` where an output is on it.
    pub chips: Vec<(String, bool)>,
    /// A line is found by its name alone, on whichever chip it is.
    pub any_chip: bool,
    /// Such a line is an output.
    pub any_chip_outputs: bool,
    /// Real-time settings.
    pub rt: RtSettings,
    /// `store: { path: ... }`, as written.
    pub store_path: Option<String>,
    /// `guardian: { watchdog: ... }`: a device.
    pub watchdog: Option<String>,
}

impl AskedMap {
    /// Reads the text of a map.
    ///
    /// # Errors
    /// The first mistake, with its place: a map with mistakes asks for nothing certain.
    pub fn read(text: &str) -> Result<Self, String> {
        let (map, problems) = yaml::read::<Map>(text);
        if let Some(problem) = problems.first() {
            return Err(format!("line {}: {}", problem.place.line, problem.message));
        }
        Ok(Self::of(&map.unwrap_or_default()))
    }

    fn of(map: &Map) -> Self {
        let mut asked = Self {
            chips: Vec::new(),
            any_chip: false,
            any_chip_outputs: false,
            rt: RtSettings::default(),
            store_path: map.store.get().and_then(|store| store.path.get().cloned()),
            watchdog: map.guardian.get().and_then(|guardian| guardian.watchdog.get().cloned()),
        };
        for (_, _, input) in map.inputs.get().into_iter().flat_map(|e| &e.rows) {
            asked.line(input.get().map(|i| &i.gpio), false);
        }
        for (_, _, output) in map.outputs.get().into_iter().flat_map(|e| &e.rows) {
            asked.line(output.get().map(|o| &o.gpio), true);
        }
        if let Some(rt) = map.rt.get() {
            asked.rt.priority = rt.priority.or(asked.rt.priority);
            asked.rt.cpu = rt.cpu.get().copied();
            asked.rt.lock_memory = rt.lock_memory.or(asked.rt.lock_memory);
        }
        asked
    }

    fn line(&mut self, gpio: Option<&Key<Gpio>>, output: bool) {
        let Some(gpio) = gpio.and_then(Key::get) else { return };
        let Some(chip) = gpio.chip.get() else {
            self.any_chip = true;
            self.any_chip_outputs |= output;
            return;
        };
        match self.chips.iter_mut().find(|(name, _)| name == chip) {
            Some((_, outputs)) => *outputs |= output,
            None => self.chips.push((chip.clone(), output)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chips_are_named_once_and_outputs_are_told_from_inputs() {
        let text = "inputs:\n  a: { gpio: { chip: gpiochip0, line: 4 } }\n  b: { gpio: { line: GPIO7 } }\n\
                    outputs:\n  k: { gpio: { chip: gpiochip1, line: 1 } }\n  m: { gpio: { chip: gpiochip1, line: 2 } }\n\
                    rt: { cpu: 3 }\nguardian: { watchdog: /dev/watchdog1 }\nstore: { path: state }\n";
        let asked = AskedMap::read(text).unwrap();
        assert_eq!(asked.chips, [("gpiochip0".to_owned(), false), ("gpiochip1".to_owned(), true)]);
        assert!(asked.any_chip && !asked.any_chip_outputs);
        assert_eq!(asked.rt.cpu, Some(3));
        assert_eq!((asked.store_path.as_deref(), asked.watchdog.as_deref()), (Some("state"), Some("/dev/watchdog1")));
        assert!(Asked { map: Some(asked), state: None }.has_real_lines());
        assert!(AskedMap::read("inputs: [").unwrap_err().starts_with("line "));
    }
}
