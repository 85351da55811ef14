//! Whether a second thread may help: compiling is the work of one, unless a text is long and a processor is free.
//!
//! What a helper makes is taken only where it is exactly what would have been made without it, so that results do not depend
//! on the machine.

use std::num::NonZero;
use std::sync::OnceLock;

/// True where this process may run on more than one processor. Asked once: the answer costs as much as a small text.
pub(crate) fn help() -> bool {
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    *PROCESSORS.get_or_init(|| std::thread::available_parallelism().map_or(1, NonZero::get)) > 1
}
