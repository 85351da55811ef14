//! What the guardian says of a death: one message, made in a fixed buffer, on a terminal that was given back first.

use super::places::Place;
use super::process::can_write;
use super::record::Off;
use super::text::{Milliseconds, Text};
use super::watch::{ChildState, Death};
use crate::clock::NS_PER_S;
use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcsetattr};
use std::fmt::{self, Write as _};
use std::io::Write as _;

/// Longest message: a dozen lines.
const MESSAGE_BYTES: usize = 3072;
/// How long a reader that does not read is waited for, in milliseconds. The outputs are off by then.
const WAIT_MS: i32 = 1000;

/// Where the guardian speaks.
#[derive(Debug)]
pub(super) struct Voice {
    json: bool,
    /// The terminal's settings before anybody changed them.
    terminal: Option<Termios>,
    on_terminal: bool,
    text: Text<MESSAGE_BYTES>,
}

impl Voice {
    pub(super) fn of_this_process(json: bool) -> Self {
        let stdin = rustix::stdio::stdin();
        let terminal = isatty(stdin).then(|| tcgetattr(stdin).ok()).flatten();
        let on_terminal = isatty(rustix::stdio::stderr());
        Self { json, terminal, on_terminal, text: Text::new() }
    }

    /// Gives the terminal back and says what happened.
    pub(super) fn tell(&mut self, report: Report<'_>) {
        if let Some(terminal) = &self.terminal {
            // Where this fails the terminal is gone.
            let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, terminal);
        }
        if self.json {
            self.text.set(format_args!("{}\n", Json(&report)));
        } else if self.on_terminal {
            self.text.set(format_args!("\r\x1b[K\n{report}"));
        } else {
            self.text.set(format_args!("{report}"));
        }
        self.say();
    }

    /// Says that the scan process is started again.
    pub(super) fn restart(&mut self, pause_ns: u64) {
        let seconds = pause_ns / NS_PER_S;
        if self.json {
            self.text.set(format_args!(
                "{{\"level\":\"WARN\",\"kind\":\"restart\",\"message\":\"the program is restarted in {seconds} s, as the map says\"}}\n"
            ));
        } else {
            self.text.set(format_args!("warning: the program is restarted in {seconds} s, as the map says\n"));
        }
        self.say();
    }

    fn say(&self) {
        // A reader that does not read keeps nobody from ending; a message that cannot be written is in the black box.
        if self.json {
            if can_write(libc::STDOUT_FILENO, WAIT_MS) {
                let _ = rustix::io::write(rustix::stdio::stdout(), self.text.as_bytes());
            }
        } else if can_write(libc::STDERR_FILENO, WAIT_MS) {
            // Not buffered: one write.
            let _ = std::io::stderr().write(self.text.as_bytes());
        }
    }
}

/// A death in words.
pub(super) struct Report<'a> {
    pub(super) death: &'a Death,
    pub(super) pid: i32,
    /// Where in the program it was, if it was in one.
    pub(super) place: Place,
    pub(super) chips: &'a [String],
    pub(super) results: &'a [Off],
    /// Whether the black box took it, or the error number.
    pub(super) kept: Result<(), i32>,
}

/// How a process ended, in words.
struct Ended(ChildState);

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ChildState::Exited(code) => write!(f, "exit code {code}"),
            ChildState::Killed(signal) => match signal_name(signal) {
                Some(name) => f.write_str(name),
                None => write!(f, "signal {signal}"),
            },
            ChildState::Running | ChildState::Stopped => f.write_str("still there"),
        }
    }
}

/// The names people know of the signals that end processes.
const fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        libc::SIGKILL => "SIGKILL",
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGBUS => "SIGBUS",
        libc::SIGABRT => "SIGABRT",
        libc::SIGILL => "SIGILL",
        libc::SIGFPE => "SIGFPE",
        libc::SIGTERM => "SIGTERM",
        libc::SIGINT => "SIGINT",
        libc::SIGHUP => "SIGHUP",
        libc::SIGXCPU => "SIGXCPU",
        libc::SIGSYS => "SIGSYS",
        _ => return None,
    })
}

impl Report<'_> {
    /// The chips that did not take the last OFF.
    fn failed(&self) -> impl Iterator<Item = (&str, i32)> {
        self.chips.iter().map(String::as_str).zip(self.results.iter().map(|off| off.errno)).filter(|(_, e)| *e != 0)
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let d = self.death;
        writeln!(f, "fault[{}]: {}", d.code.code(), d.code.text())?;
        writeln!(
            f,
            "  process {}, {} ({} scans complete); it ended by {}",
            self.pid,
            d.step.words(),
            d.scans,
            Ended(d.state)
        )?;
        if !self.place.is_unknown() {
            writeln!(f, "  last seen in {}", self.place)?;
        }
        if d.age_ns > 0 {
            writeln!(f, "  its sign of life was {} overdue", Milliseconds(d.age_ns))?;
        }
        let (off, dead, last) = (Milliseconds(d.off_ns), Milliseconds(d.dead_ns), Milliseconds(d.last_off_ns));
        if d.failed == 0 {
            f.write_str("  the outputs are off")?;
        } else {
            f.write_str("  OFF could not be written to")?;
            for (chip, errno) in self.failed() {
                write!(f, " {chip} (system error {errno})")?;
            }
            f.write_str(": the hardware must bring it to rest; all other outputs are off")?;
        }
        writeln!(
            f,
            "\n  after it was found: OFF written within {off}, the process dead within {dead}, OFF again within {last}"
        )?;
        if let Err(errno) = self.kept {
            writeln!(
                f,
                "  the black box could not be written (system error {errno}): the next start will not know of this"
            )?;
        }
        writeln!(f, "  blame: {}\n  help: {}", d.code.blame().name(), d.code.remedy())
    }
}

/// The same for machines: one object.
struct Json<'a>(&'a Report<'a>);

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(report) = self;
        let d = report.death;
        let [program, unit, rung, source] = report.place.parts().map(Escaped);
        write!(
            f,
            "{{\"level\":\"ERROR\",\"message\":\"fault {code}: {text}\",\"kind\":\"fault\",\"scan\":{scans},\"code\":\"{code}\",\"blame\":\"{blame}\",\
             \"help\":\"{help}\",\"pid\":{pid},\"ended\":\"{ended}\",\"step\":\"{step}\",\
             \"program\":\"{program}\",\"unit\":\"{unit}\",\"rung\":\"{rung}\",\"place\":\"{source}\",\"heartbeat_age_us\":{age},\"off_us\":{off},\"dead_us\":{dead},\
             \"last_off_us\":{last},\"off_failed\":[",
            code = d.code.code(),
            text = d.code.text(),
            scans = d.scans,
            blame = d.code.blame().name(),
            help = d.code.remedy(),
            pid = report.pid,
            ended = Ended(d.state),
            step = d.step.words(),
            age = d.age_ns / 1000,
            off = d.off_ns / 1000,
            dead = d.dead_ns / 1000,
            last = d.last_off_ns / 1000,
        )?;
        for (at, (chip, errno)) in report.failed().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{{\"chip\":\"{}\",\"errno\":{errno}}}", Escaped(chip))?;
        }
        f.write_str("]}")
    }
}

/// Text inside a JSON string.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                c if c.is_control() => write!(f, "\\u{:04x}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::codes::GuardianCode;
    use super::super::page::Step;
    use super::*;

    const DEATH: Death = Death {
        code: GuardianCode::ProcessDied,
        state: ChildState::Killed(libc::SIGKILL),
        scans: 12,
        step: Step::Sleeping,
        place: (0, 0),
        age_ns: 0,
        detected_ns: 0,
        off_ns: 5_000,
        dead_ns: 7_000,
        last_off_ns: 9_000,
        failed: 0,
        stopping: false,
    };

    #[test]
    fn a_message_says_what_where_and_what_to_do() {
        let chips = ["gpiochip0".to_owned()];
        let report = Report {
            death: &DEATH,
            pid: 7,
            place: Place::UNKNOWN,
            chips: &chips,
            results: &[Off::of("gpiochip0")],
            kept: Ok(()),
        };
        let text = report.to_string();
        let expected = "fault[F40]: the scan process died\n  process 7, while it waited for the next scan (12 scans complete); it ended by SIGKILL\n  \
                        the outputs are off\n  after it was found: OFF written within 0.005 ms, the process dead within 0.007 ms, OFF again within 0.009 ms\n  \
                        blame: platform\n  help: ";
        assert!(text.starts_with(expected), "{text}");
    }

    #[test]
    fn a_chip_that_did_not_take_off_is_named() {
        let chips = ["gpiochip0".to_owned(), "file:/a\"b".to_owned()];
        let mut results = [Off::of(&chips[0]), Off::of(&chips[1])];
        results[1].errno = libc::ENODEV;
        let death = Death { failed: 1, age_ns: 120_000_001, ..DEATH };
        let place = Place::of_bytes("main\u{1f}PROGRAM Main\u{1f}sp\"in\u{1f}p.ld:12:3".as_bytes());
        let report = Report { death: &death, pid: 7, place, chips: &chips, results: &results, kept: Err(libc::ENOSPC) };
        let text = report.to_string();
        assert!(text.contains("OFF could not be written to file:/a\"b (system error 19): the hardware"), "{text}");
        assert!(text.contains("120.000 ms overdue") && text.contains("(system error 28)"), "{text}");
        assert!(text.contains("\n  last seen in program main, PROGRAM Main, rung sp\"in, p.ld:12:3\n"), "{text}");
        let json: serde_json::Value = serde_json::from_str(&Json(&report).to_string()).unwrap();
        assert_eq!(json["off_failed"][0]["chip"], "file:/a\"b");
        assert_eq!((json["rung"].as_str(), json["place"].as_str()), (Some("sp\"in"), Some("p.ld:12:3")));
        assert_eq!((json["code"].as_str(), json["scan"].as_u64()), (Some("F40"), Some(12)));
    }
}
