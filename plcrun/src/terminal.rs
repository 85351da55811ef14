//! Where text goes: standard output and error, colours, and pipes that close early.
//!
//! Colours appear on terminals only, unless `--color` says otherwise; `NO_COLOR` switches them off. A reader that goes
//! away (`| head`) is no error: what it did not want is dropped. Any other write error is reported.

use crate::exit::Refusal;
use std::io::{ErrorKind, IsTerminal, Write};

/// What `--color` asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// Where the output is a terminal and NO_COLOR is not set.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

impl ColorChoice {
    fn on(self, is_terminal: bool, no_color: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => is_terminal && !no_color,
        }
    }
}

/// The two streams and whether each takes colours.
#[derive(Clone, Copy, Debug)]
pub struct Console {
    /// Colours on standard output.
    pub color_out: bool,
    /// Colours on standard error.
    pub color_err: bool,
}

/// How a word is shown where colours are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tint {
    /// A failure.
    Bad,
    /// Something to look at.
    Doubtful,
    /// A success.
    Good,
    /// A heading.
    Strong,
}

impl Tint {
    const fn escape(self) -> &'static str {
        match self {
            Self::Bad => "\x1b[1;31m",
            Self::Doubtful => "\x1b[1;33m",
            Self::Good => "\x1b[32m",
            Self::Strong => "\x1b[1m",
        }
    }
}

/// `text` in a tint, or plain.
#[must_use]
pub fn tinted(color: bool, tint: Tint, text: &str) -> String {
    if color { format!("{}{text}\x1b[0m", tint.escape()) } else { text.to_owned() }
}

impl Console {
    /// Looks at the streams and at NO_COLOR.
    #[must_use]
    pub fn new(choice: ColorChoice) -> Self {
        // no-color.org: present and not empty, whatever its value.
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        Self {
            color_out: choice.on(std::io::stdout().is_terminal(), no_color),
            color_err: choice.on(std::io::stderr().is_terminal(), no_color),
        }
    }

    /// Writes a result to standard output.
    ///
    /// # Errors
    /// Any write error but a reader that has gone.
    pub fn print(&self, text: &str) -> Result<(), Refusal> {
        write_all(&mut std::io::stdout().lock(), text.as_bytes()).map_err(|e| unwritable(&e.to_string()))
    }

    /// Writes a message to standard error. Nobody can be told where this fails, so it is not.
    pub fn message(&self, text: &str) {
        let _ = write_all(&mut std::io::stderr().lock(), text.as_bytes());
    }

    /// Says why the command does not go on.
    pub fn refusal(&self, refusal: &Refusal) {
        let text = refusal.to_string();
        let text = match text.strip_prefix("error") {
            Some(rest) => format!("{}{rest}\n", tinted(self.color_err, Tint::Bad, "error")),
            None => format!("{text}\n"),
        };
        self.message(&text);
    }

    /// The compiler's rendering style for standard error.
    #[must_use]
    pub fn style_err(&self) -> compiler::diag::Style {
        style(self.color_err)
    }
}

/// Standard output did not take what there was to say.
#[must_use]
pub fn unwritable(why: &str) -> Refusal {
    Refusal::findings(format!("standard output cannot be written: {why}"), "look at where it is redirected to")
}

fn style(color: bool) -> compiler::diag::Style {
    if color { compiler::diag::Style::Coloured } else { compiler::diag::Style::Plain }
}

/// Writes and flushes; a reader that has gone is no error.
fn write_all(stream: &mut impl Write, bytes: &[u8]) -> std::io::Result<()> {
    match stream.write_all(bytes).and_then(|()| stream.flush()) {
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_need_a_terminal_unless_asked_for() {
        assert!(ColorChoice::Auto.on(true, false));
        assert!(!ColorChoice::Auto.on(false, false));
        assert!(!ColorChoice::Auto.on(true, true));
        assert!(ColorChoice::Always.on(false, true));
        assert!(!ColorChoice::Never.on(true, false));
    }

    #[test]
    fn a_reader_that_went_away_is_no_error_and_a_full_disk_is_one() {
        struct Fails(ErrorKind);
        impl Write for Fails {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(self.0.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        assert!(write_all(&mut Fails(ErrorKind::BrokenPipe), b"x").is_ok());
        assert!(write_all(&mut Fails(ErrorKind::StorageFull), b"x").is_err());
    }
}
