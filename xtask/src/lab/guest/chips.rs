//! Simulated chips (the kernel's gpio-sim): made through configfs, inputs driven and levels read through sysfs.

use std::fs;
use std::path::PathBuf;

const CONFIGFS: &str = "/sys/kernel/config/gpio-sim";

/// One chip.
#[derive(Debug)]
pub struct Chip {
    /// What maps call it.
    pub label: String,
    /// Names of its lines, in the order of their numbers.
    pub lines: Vec<String>,
    /// Its files in sysfs while it is plugged.
    device: Option<PathBuf>,
    /// The number the kernel gave its first line; trace events count from there.
    pub first: u32,
}

impl Chip {
    /// Makes a chip with these lines and plugs it.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn plug_new(label: &str, lines: &[String]) -> Result<Self, String> {
        let bank = format!("{CONFIGFS}/{label}/bank0");
        make(&bank)?;
        write(&format!("{bank}/num_lines"), &lines.len().to_string())?;
        write(&format!("{bank}/label"), label)?;
        for (number, name) in lines.iter().enumerate() {
            make(&format!("{bank}/line{number}"))?;
            write(&format!("{bank}/line{number}/name"), name)?;
        }
        let mut chip = Self { label: label.to_owned(), lines: lines.to_vec(), device: None, first: 0 };
        chip.plug()?;
        Ok(chip)
    }

    /// Plugs the chip.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn plug(&mut self) -> Result<(), String> {
        let folder = format!("{CONFIGFS}/{}", self.label);
        write(&format!("{folder}/live"), "1")?;
        let device = format!(
            "/sys/devices/platform/{}/{}",
            read(&format!("{folder}/dev_name"))?,
            read(&format!("{folder}/bank0/chip_name"))?
        );
        self.device = Some(PathBuf::from(device));
        self.first = first_line(&self.label)?;
        Ok(())
    }

    /// False after [`Chip::unplug`].
    pub const fn is_plugged(&self) -> bool {
        self.device.is_some()
    }

    /// Takes the chip away, whoever uses its lines.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn unplug(&mut self) -> Result<(), String> {
        self.device = None;
        write(&format!("{CONFIGFS}/{}/live", self.label), "0")
    }

    /// Drives an input from outside.
    ///
    /// # Errors
    /// No such line, or the chip is not plugged.
    pub fn drive(&self, line: &str, level: bool) -> Result<(), String> {
        write(&self.file(line, "pull")?, if level { "pull-up" } else { "pull-down" })
    }

    /// The level of a line as the simulated chip has it.
    ///
    /// # Errors
    /// No such line, or the chip is not plugged.
    pub fn level(&self, line: &str) -> Result<bool, String> {
        Ok(read(&self.file(line, "value")?)? == "1")
    }

    fn file(&self, line: &str, what: &str) -> Result<String, String> {
        let device = self.device.as_ref().ok_or_else(|| format!("chip {} is not plugged", self.label))?;
        let number = self.lines.iter().position(|name| name == line);
        let number = number.ok_or_else(|| format!("chip {} has no line {line}", self.label))?;
        Ok(format!("{}/sim_gpio{number}/{what}", device.display()))
    }
}

/// The number the kernel counts a chip's lines from.
fn first_line(label: &str) -> Result<u32, String> {
    let chips = fs::read_dir("/sys/class/gpio").map_err(|e| format!("/sys/class/gpio: {e}"))?;
    for chip in chips.flatten() {
        let path = chip.path().display().to_string();
        if read(&format!("{path}/label")).is_ok_and(|found| found == label) {
            let first = read(&format!("{path}/base"))?;
            return first.parse().map_err(|_| format!("{path}/base says `{first}`"));
        }
    }
    Err(format!("the kernel does not list chip {label} under /sys/class/gpio"))
}

fn make(folder: &str) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|e| format!("mkdir {folder}: {e}"))
}

fn write(path: &str, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|e| format!("writing `{text}` to {path}: {e}"))
}

fn read(path: &str) -> Result<String, String> {
    let text = fs::read_to_string(path).map_err(|e| format!("reading {path}: {e}"))?;
    Ok(text.trim_end().to_owned())
}
