//! Panics of the scan thread wait with their message until the safe values are written.
//!
//! The standard panic hook prints before the stack unwinds. [`install_hook`] puts one in its place that keeps quiet
//! while the current thread scans and remembers the message instead; everything else prints as always.

use std::cell::{Cell, RefCell};
use std::panic;
use std::sync::Once;

thread_local! {
    static SCANNING: Cell<bool> = const { Cell::new(false) };
    static MESSAGE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Marks the current thread as scanning until it is dropped.
#[derive(Debug)]
pub(crate) struct Scanning(());

impl Scanning {
    pub(crate) fn begin() -> Self {
        SCANNING.with(|s| s.set(true));
        Self(())
    }
}

impl Drop for Scanning {
    fn drop(&mut self) {
        SCANNING.with(|s| s.set(false));
    }
}

/// Installs the hook, once for the process.
pub fn install_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if SCANNING.with(Cell::get) {
                MESSAGE.with(|m| *m.borrow_mut() = Some(info.to_string()));
            } else {
                before(info);
            }
        }));
    });
}

/// The message of a panic this thread kept back, once.
#[must_use]
pub fn take_message() -> Option<String> {
    MESSAGE.with(|m| m.borrow_mut().take())
}
