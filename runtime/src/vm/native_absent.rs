//! What stands for native code in a build without it: the interpreter, which says so.

use super::{Budget, Engine, Interpreter, Memory, Trap};
use bytecode::VerifiedImage;
use std::sync::atomic::AtomicU32;

const ABSENT: &str = "this plcrun was built without it";

/// Native code, where this build has it. This one has not.
#[derive(Debug)]
pub struct Native(Interpreter);

/// The native code of an image as text; there is none in this build.
///
/// # Errors
/// Always: it says so.
pub fn listing(_: &VerifiedImage) -> Result<String, String> {
    Err(ABSENT.to_owned())
}

#[cfg(test)]
impl Native {
    /// Tests ask for it in every build.
    pub(super) fn load_without_inlining(image: &VerifiedImage) -> Self {
        Self::load(image)
    }
}

impl Engine for Native {
    fn load(image: &VerifiedImage) -> Self {
        Self(Interpreter::load(image))
    }

    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn fallback(&self) -> Option<&str> {
        Some(ABSENT)
    }

    fn observe(&mut self, at: &'static AtomicU32) {
        self.0.observe(at);
    }

    fn marks(&self) -> Vec<(u32, u32)> {
        self.0.marks()
    }

    fn run(&mut self, memory: &mut Memory, program: usize, now_ns: i64, budget: &mut Budget) -> Result<(), Trap> {
        self.0.run(memory, program, now_ns, budget)
    }
}
