//! Deliberate defects of the scan thread, for the suites that show what becomes of them. Only with the cargo feature `inject`;
//! no released program has it.
//!
//! `PLCRUN_INJECT=WHAT@SCAN` acts once, in the scan of that number:
//!
//! | WHAT | what it does |
//! |---|---|
//! | `panic` | panics in the middle of the scan |
//! | `hang` | loops for ever, without a system call |
//! | `sleep` | sleeps for ever, as a driver that does not answer does |
//! | `abort` | ends the process by SIGABRT |
//! | `exit` | ends the process with exit code 0 |
//! | `backwards` | measured time falls back by a second |

use crate::clock::{Clock, NS_PER_S, Wake};
use std::cell::Cell;
use std::sync::OnceLock;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Panic,
    Hang,
    Sleep,
    Abort,
    Exit,
    Backwards,
}

/// The variable's meaning; text that means nothing is a mistake of the suite and said at once.
fn parse(text: &str) -> Option<(What, u64)> {
    let (what, scan) = text.split_once('@')?;
    let what = match what {
        "panic" => What::Panic,
        "hang" => What::Hang,
        "sleep" => What::Sleep,
        "abort" => What::Abort,
        "exit" => What::Exit,
        "backwards" => What::Backwards,
        _ => return None,
    };
    Some((what, scan.parse().ok()?))
}

fn asked() -> Option<(What, u64)> {
    static ASKED: OnceLock<Option<(What, u64)>> = OnceLock::new();
    *ASKED.get_or_init(|| {
        let text = std::env::var("PLCRUN_INJECT").ok()?;
        let asked = parse(&text);
        if asked.is_none() {
            eprintln!("warning: PLCRUN_INJECT={text} is not understood: write WHAT@SCAN, see runtime/src/inject.rs");
        }
        asked
    })
}

/// Does what is asked for in this scan.
#[expect(clippy::panic, reason = "it is what was asked for")]
pub fn act(scan: u64) {
    match asked().filter(|(_, at)| *at == scan).map(|(what, _)| what) {
        Some(What::Panic) => panic!("injected in scan {scan}"),
        Some(What::Hang) => loop {
            std::hint::spin_loop();
        },
        Some(What::Sleep) => loop {
            std::thread::sleep(std::time::Duration::from_secs(3600));
        },
        Some(What::Abort) => std::process::abort(),
        Some(What::Exit) => std::process::exit(0),
        Some(What::Backwards) | None => {}
    }
}

/// A clock that falls back by a second from the scan asked for on.
#[derive(Debug)]
pub struct Falling<'c, C> {
    clock: &'c C,
    back_ns: Cell<u64>,
}

impl<'c, C> Falling<'c, C> {
    /// A clock on another.
    pub const fn new(clock: &'c C) -> Self {
        Self { clock, back_ns: Cell::new(0) }
    }

    /// The next scan's number.
    pub fn scan(&self, scan: u64) {
        if asked() == Some((What::Backwards, scan)) {
            self.back_ns.set(NS_PER_S);
        }
    }
}

impl<C: Clock> Clock for Falling<'_, C> {
    fn now_ns(&self) -> u64 {
        self.clock.now_ns().saturating_sub(self.back_ns.get())
    }

    fn sleep_until(&self, deadline_ns: u64) -> Wake {
        self.clock.sleep_until(deadline_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_understood_or_refused() {
        assert_eq!(parse("panic@7"), Some((What::Panic, 7)));
        assert_eq!(parse("hang@100"), Some((What::Hang, 100)));
        assert_eq!(parse("hang"), None);
        assert_eq!(parse("swing@1"), None);
        assert_eq!(parse("hang@x"), None);
    }
}
