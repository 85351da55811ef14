//! The virtual machine: engines that run verified images over one data segment.
//!
//! Owns [`Engine`] (interchangeable), [`Memory`] (the data segment), [`Budget`] (what bounds a scan) and [`Trap`] (how a
//! scan ends early). Three engines stand here: [`Native`], which makes machine code when it loads an image,
//! [`Interpreter`], which translates the canonical code into a private form then, and [`reference::Reference`], which
//! runs canonical code one instruction after the other and is what tests compare every other engine with.
//!
//! What all engines agree on, to the bit:
//! - the whole data segment after a scan that ended without a trap, but for the temporaries of standard blocks
//!   (TON and its like): an engine that runs such a block as one instruction does not write them, and nothing else
//!   reads them;
//! - the trap (code, canonical place, value), and how much budget was left, after one that did not. What is
//!   in the data segment then is diagnostic: nothing of it may be committed.
//!
//! Engines accept verified images only. They do not allocate in [`Engine::run`], and panic on no image.
//! They know nothing of tasks, clocks and drivers: the scan hands them the time.

mod eval;
mod interp;
mod memory;
#[cfg(feature = "native")]
mod native;
#[cfg(not(feature = "native"))]
#[path = "native_absent.rs"]
mod native;
pub mod reference;
mod references;
mod standard;
mod trap;

pub use crate::fault_codes::Blame;
pub use interp::Interpreter;
pub use memory::Memory;
pub use native::{Native, listing as native_listing};
pub use trap::{Trap, TrapCode, TrapPlace};

use bytecode::VerifiedImage;
use std::sync::atomic::AtomicU32;

/// Was this built with native code? The machine may still refuse it, which [`Engine::fallback`] tells.
pub const HAS_NATIVE: bool = cfg!(feature = "native");

/// Runs the programs of one image.
///
/// References (VAR_IN_OUT) are bound anew in every run; an engine keeps nothing from one run to the next that the
/// data segment does not show.
pub trait Engine {
    /// Prepares an image to be run: takes time linear in its code, and all the memory the engine will need.
    fn load(image: &VerifiedImage) -> Self
    where
        Self: Sized;

    /// Name on the command line and in reports.
    fn name(&self) -> &'static str;

    /// Why another engine than this one runs the program, in a few words; `None` where none does.
    fn fallback(&self) -> Option<&str> {
        None
    }

    /// From now on the engine leaves word of where it is: a mark, stored at entries of units and at loops: every turn, or once for a loop
    /// and what it holds. A unit that is part of its caller's code need not leave one of its own. An engine that cannot stays silent.
    fn observe(&mut self, _at: &'static AtomicU32) {}

    /// What its marks mean: each with its canonical instruction.
    fn marks(&self) -> Vec<(u32, u32)> {
        Vec::new()
    }

    /// Runs a program instance once. `program` counts [`bytecode::Image::programs`]; `memory` is one made for the
    /// same image; `now_ns` is the scan's time, the same for every timer; `budget` is charged by the code itself.
    ///
    /// # Errors
    /// The trap that ended the scan. The data segment is then diagnostic only.
    fn run(&mut self, memory: &mut Memory, program: usize, now_ns: i64, budget: &mut Budget) -> Result<(), Trap>;
}

/// What a scan may still spend, in the units of `charge` instructions (about one canonical instruction each).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    left: u64,
}

impl Budget {
    /// A budget of this many units.
    #[must_use]
    pub const fn new(units: u64) -> Self {
        Self { left: units }
    }

    /// Units left.
    #[must_use]
    pub const fn left(&self) -> u64 {
        self.left
    }

    /// Takes `units`; false when there are not as many left, and then takes nothing.
    #[must_use]
    #[inline]
    pub const fn charge(&mut self, units: u32) -> bool {
        match self.left.checked_sub(units as u64) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests;
