//! The terminal while a program runs: event lines above, one live status line below.
//!
//! One [`Screen`] owns standard output, through the thread of a [`Printer`]. On a terminal the last row shows the status and what is being typed; a line is
//! printed by clearing that row, writing the line, and drawing the row again, so neither garbles the other. Elsewhere only
//! lines are written. A reader that has gone away never stops the program that is being run: output is then dropped. Any other
//! write error does not stop it either, and is told when the run is over. Call [`Screen::drain`] before anything else writes where people read.
//!
//! Raw mode is taken only where this process owns the terminal; taking it in the background would stop the process, and
//! with it the scan. It also keeps Ctrl-Z from stopping a program whose outputs would stay as they are.

use super::printer::Printer;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Standard output, shared by the event lines and the status line.
#[derive(Clone, Debug)]
pub struct Screen {
    inner: Arc<Mutex<Inner>>,
}

/// Columns of a terminal that does not say: what every terminal has had since the first ones.
const COLUMNS_UNKNOWN: usize = 80;

#[derive(Debug)]
struct Inner {
    out: Out,
    /// Draw a status row.
    live: bool,
    /// The terminal is in raw mode: a line feed alone does not return to the margin.
    raw: bool,
    status: String,
    prompt: String,
}

/// The way out.
#[derive(Debug)]
enum Out {
    /// A thread of its own.
    Printer(Printer),
    /// Directly, where no thread can be had; the first write error.
    Direct(Option<String>),
}

/// What the terminal of this process allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// Standard output is a terminal: a status row can be drawn.
    pub live: bool,
    /// Standard input is a terminal this process owns: keys can be read one by one.
    pub keys: bool,
}

impl Abilities {
    /// Only lines: neither a status row nor keys.
    pub const NONE: Self = Self { live: false, keys: false };

    /// Looks at the streams.
    #[must_use]
    pub fn of_this_process() -> Self {
        let live = std::io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|t| t != "dumb");
        let keys = live && std::io::stdin().is_terminal() && owns_terminal();
        Self { live, keys }
    }
}

/// A background process that touches the terminal's settings is stopped by the kernel; so only the foreground one does.
pub fn owns_terminal() -> bool {
    match rustix::termios::tcgetpgrp(std::io::stdin()) {
        Ok(group) => group == rustix::process::getpgrp(),
        Err(_) => false,
    }
}

impl Screen {
    /// Takes standard output. With `keys`, the terminal goes into raw mode until [`Self::close`].
    #[must_use]
    pub fn open(abilities: Abilities) -> Self {
        let raw = abilities.keys && crossterm::terminal::enable_raw_mode().is_ok();
        let (status, prompt) = (String::new(), String::new());
        let out = Printer::start(std::io::stdout()).map_or(Out::Direct(None), Out::Printer);
        let inner = Inner { out, live: abilities.live, raw, status, prompt };
        Self { inner: Arc::new(Mutex::new(inner)) }
    }

    /// Is there a status row?
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.lock().live
    }

    /// Are keys read one by one?
    #[must_use]
    pub fn is_raw(&self) -> bool {
        self.lock().raw
    }

    /// The first error in writing, where there was one. The program went on: nobody reads what a plant needs.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        match &self.lock().out {
            Out::Printer(printer) => printer.failure(),
            Out::Direct(failure) => failure.clone(),
        }
    }

    /// Waits until everything was printed, or its reader was given up.
    pub fn drain(&self) {
        self.lock().drain();
    }

    /// Prints one or several lines above the status row.
    pub fn line(&self, text: &str) {
        let mut inner = self.lock();
        let lines = format!("{}\n", text.trim_end_matches('\n'));
        let mut shown = inner.clearing();
        shown.push_str(&if inner.raw { lines.replace('\n', "\r\n") } else { lines });
        shown.push_str(&inner.row());
        inner.write(&shown);
    }

    /// Replaces the status row's text.
    pub fn status(&self, text: &str) {
        let mut inner = self.lock();
        if !inner.live || inner.status == text {
            return;
        }
        text.clone_into(&mut inner.status);
        inner.redraw();
    }

    /// Replaces what is shown as being typed.
    pub fn prompt(&self, text: &str) {
        let mut inner = self.lock();
        text.clone_into(&mut inner.prompt);
        if inner.live {
            inner.redraw();
        }
    }

    /// Takes the status row away and gives the terminal back. Lines may still be printed.
    pub fn close(&self) {
        let mut inner = self.lock();
        let clearing = inner.clearing();
        inner.live = false;
        inner.write(&clearing);
        if inner.raw {
            inner.raw = false;
            inner.drain();
            // Where this fails the terminal is gone.
            let _ = crossterm::terminal::disable_raw_mode();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A thread that panicked while printing leaves at worst half a line.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn clearing(&self) -> String {
        if self.live { "\r\x1b[K".to_owned() } else { String::new() }
    }

    fn row(&self) -> String {
        if !self.live {
            return String::new();
        }
        // A serial console does not know its size and says 0. One column is left free: a terminal wraps when the last one is
        // written.
        let columns = crossterm::terminal::size().map_or(0, |(columns, _)| usize::from(columns));
        let width = if columns == 0 { COLUMNS_UNKNOWN } else { columns }.saturating_sub(1);
        status_row(&self.status, &self.prompt, width)
    }

    fn redraw(&mut self) {
        let text = format!("{}{}", self.clearing(), self.row());
        self.write(&text);
    }

    fn write(&mut self, text: &str) {
        match &mut self.out {
            _ if text.is_empty() => {}
            Out::Printer(printer) => printer.print(text),
            Out::Direct(failure) => {
                let mut out = std::io::stdout();
                if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
                    failure.get_or_insert_with(|| error.to_string());
                }
            }
        }
    }

    fn drain(&mut self) {
        if let Out::Printer(printer) = &mut self.out {
            printer.drain();
        }
    }
}

/// Status and prompt in one row of at most `width` characters; the prompt matters more, its end most.
fn status_row(status: &str, prompt: &str, width: usize) -> String {
    if prompt.is_empty() {
        return status.chars().take(width).collect();
    }
    let length = prompt.chars().count();
    let prompt: String = prompt.chars().skip(length.saturating_sub(width.saturating_sub(2))).collect();
    let left = width.saturating_sub(prompt.chars().count() + 3);
    let status: String = status.chars().take(left).collect();
    if status.is_empty() { format!("> {prompt}") } else { format!("{status} > {prompt}") }
}

impl Write for Screen {
    /// For the log: each call carries whole lines.
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.line(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_never_exceeds_the_terminal() {
        for width in 0..40 {
            for (status, prompt) in [("scan 12  p50 3 us", ""), ("scan 12  p50 3 us", "fwd_pb"), ("", "äöüß")] {
                let row = status_row(status, prompt, width);
                assert!(row.chars().count() <= width.max(2), "{width}: {row:?}");
            }
        }
        assert_eq!(status_row("scan 12", "fwd", 80), "scan 12 > fwd");
        assert_eq!(status_row("scan 12", "abcdefgh", 8), "> cdefgh");
    }
}
