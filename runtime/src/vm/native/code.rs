//! The native code of a program, and every unsafe line of the engine.
//!
//! Why running it is sound:
//! - it is made from a verified image: every operand lies in the data segment or the constant pool, indices are checked
//!   against bounds the verifier has held against the data, references point at such places or are found unbound;
//! - the memory has the layout it was made for, which [`Code::run`]'s caller has compared;
//! - it writes nothing but that memory, the record and the table of references, all exclusively borrowed while it runs,
//!   and the mark, which lives as long as the process and is only ever stored to as a whole;
//! - its stack is bounded: calls form no cycle, and `compile` refuses what would need much of it;
//! - its pages were written before they became executable and are never both: the provider maps them for writing, and
//!   `finalize_definitions` takes that right away when it gives the other.
#![allow(unsafe_code, reason = "calling code that was just made has no safe wrapper")]

use super::abi::Record;
use cranelift_jit::JITModule;
use cranelift_module::FuncId;

/// A program's own body: record, memory, own pointer; 0 where it ended without a trap.
type Entry = unsafe extern "C" fn(*mut Record, *mut u8, *mut u8) -> u32;

/// Code that is ready to run.
pub(super) struct Code {
    /// Taken only by `drop`.
    module: Option<JITModule>,
    /// Per program instance: its function, and where its instance stands.
    entries: Vec<(Entry, u32)>,
}

impl Code {
    /// The functions of the program instances, which must be bodies of this module and finalised.
    pub(super) fn new(module: JITModule, roots: &[(FuncId, u32)]) -> Self {
        let entry = |id: FuncId| {
            let address = module.get_finalized_function(id);
            // SAFETY: `compile` gave every body the signature of `Entry`, under the host's calling convention.
            unsafe { core::mem::transmute::<*const u8, Entry>(address) }
        };
        let entries = roots.iter().map(|(id, own)| (entry(*id), *own)).collect();
        Self { module: Some(module), entries }
    }

    /// Runs a program instance: its status, or `None` when there is none of this number. The memory must have the
    /// layout the code was made for.
    pub(super) fn run(
        &self,
        program: usize,
        memory: &mut [u8],
        references: &mut [u32],
        record: &mut Record,
    ) -> Option<u32> {
        let (entry, own) = *self.entries.get(program)?;
        let own_bytes = memory.get_mut(own as usize..)?.as_mut_ptr();
        record.references = references.as_mut_ptr();
        // SAFETY: see the head of this file. All three pointers stay valid for the call, and nothing else uses what they
        // lead to meanwhile.
        Some(unsafe { entry(record, own_bytes.sub(own as usize), own_bytes) })
    }
}

impl Drop for Code {
    fn drop(&mut self) {
        self.entries.clear();
        if let Some(module) = self.module.take() {
            // SAFETY: no function of it is running, because `run` borrows `self`, and the pointers to them are gone.
            unsafe { module.free_memory() }
        }
    }
}

/// Copies bytes between two places of the memory, which may be the same.
///
/// # Safety
/// Both places have that many bytes. Native code calls it for whole arrays only, which the verifier has found there.
pub(super) unsafe extern "C" fn move_bytes(to: *mut u8, from: *const u8, bytes: usize) {
    // SAFETY: the caller's promise.
    unsafe { core::ptr::copy(from, to, bytes) }
}
