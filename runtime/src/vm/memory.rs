//! The data segment of a running program.
//!
//! One buffer holds, in this order: the data segment (process image first), the constant pool at the next multiple
//! of 8, and a few scratch bytes of the interpreter. Only the data segment is visible from outside. The buffer is at
//! least [`NARROW_WINDOW`] bytes long, so that the interpreter can address a small program with 16-bit offsets.
//!
//! Whoever writes a BOOL variable from outside writes 0 or 1: [`Memory::write`] sees to it, raw access does not.
//! Another value harms nothing but that variable: engines may then differ about whether it is true.

use bytecode::Image;
use bytecode::image::Place;
use bytecode::scalar::{Scalar, ScalarType};

/// Bytes of the window that 16-bit offsets reach: every offset up to 65535, a field of an instance there, and 8 bytes from it.
pub(super) const NARROW_WINDOW: usize = 65_536 + NEAR + 8;

/// Fields of the instances that an instruction knows stand less than this behind the instance.
pub(super) const NEAR: usize = 64;

/// Scratch bytes after the constant pool: 4 operands of 8 bytes.
pub(super) const SCRATCH_BYTES: usize = 32;

/// Where things stand in the buffer, in bytes. Engines compute the same layout from the same image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Bytes of the data segment, from 0.
    pub(super) data_bytes: usize,
    /// Where the constant pool begins.
    pub(super) constants_at: usize,
    /// Bytes of the constant pool.
    pub(super) constant_bytes: usize,
    /// Where the scratch bytes begin.
    pub(super) scratch_at: usize,
    /// Bytes in use.
    pub(super) used_bytes: usize,
}

impl Layout {
    pub(super) fn of(image: &Image) -> Self {
        let data_bytes = image.data.size as usize;
        let constants_at = data_bytes.next_multiple_of(8);
        let constant_bytes = image.constants.bytes.len();
        let scratch_at = (constants_at + constant_bytes).next_multiple_of(8);
        Self { data_bytes, constants_at, constant_bytes, scratch_at, used_bytes: scratch_at + SCRATCH_BYTES }
    }
}

/// The data segment of a running program, and the constants it reads.
#[derive(Clone, Debug)]
pub struct Memory {
    window: Vec<u8>,
    layout: Layout,
    inputs_end: usize,
    outputs_end: usize,
    flags_end: usize,
}

impl Memory {
    /// The data segment of this image as it stands before the first scan.
    #[must_use]
    pub fn new(image: &Image) -> Self {
        let layout = Layout::of(image);
        let mut window = vec![0; layout.used_bytes.saturating_add(8).max(NARROW_WINDOW)];
        copy_to(&mut window, 0, &image.initial_data());
        copy_to(&mut window, layout.constants_at, &image.constants.bytes);
        let inputs_end = image.data.outputs_at() as usize;
        let outputs_end = image.data.flags_at() as usize;
        let flags_end = image.data.process_image_bytes() as usize;
        Self { window, layout, inputs_end, outputs_end, flags_end }
    }

    /// The input image (%I).
    #[must_use]
    pub fn inputs(&self) -> &[u8] {
        self.window.get(..self.inputs_end).unwrap_or_default()
    }

    /// The input image (%I), to be written before a scan.
    pub fn inputs_mut(&mut self) -> &mut [u8] {
        self.window.get_mut(..self.inputs_end).unwrap_or_default()
    }

    /// The output image (%Q): what the program commands.
    #[must_use]
    pub fn outputs(&self) -> &[u8] {
        self.window.get(self.inputs_end..self.outputs_end).unwrap_or_default()
    }

    /// The output image (%Q), for forces after a scan.
    pub fn outputs_mut(&mut self) -> &mut [u8] {
        self.window.get_mut(self.inputs_end..self.outputs_end).unwrap_or_default()
    }

    /// The flags (%M).
    #[must_use]
    pub fn flags(&self) -> &[u8] {
        self.window.get(self.outputs_end..self.flags_end).unwrap_or_default()
    }

    /// The flags (%M).
    pub fn flags_mut(&mut self) -> &mut [u8] {
        self.window.get_mut(self.outputs_end..self.flags_end).unwrap_or_default()
    }

    /// The whole data segment, process image included, as snapshots take it.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        self.window.get(..self.layout.data_bytes).unwrap_or_default()
    }

    /// The whole data segment, to be restored from a snapshot of the same image.
    pub fn data_mut(&mut self) -> &mut [u8] {
        self.window.get_mut(..self.layout.data_bytes).unwrap_or_default()
    }

    /// The bits of a scalar at a symbol's place (see [`Scalar::to_bits`]); `None` outside the data segment.
    #[must_use]
    pub fn read(&self, place: Place, ty: ScalarType) -> Option<u64> {
        match place {
            Place::Bit { offset, bit } => Some(u64::from(self.data().get(offset as usize)? >> (bit & 7) & 1)),
            Place::Byte(offset) => {
                let bytes = self.data().get(offset as usize..)?.get(..ty.size() as usize)?;
                let bits = u64::load(bytes);
                Some(if ty == ScalarType::Bool { u64::from(bits != 0) } else { bits })
            }
        }
    }

    /// Writes the low bits of `bits` as a scalar at a symbol's place; a BOOL becomes 0 or 1. False when the place is
    /// outside the data segment, and then nothing is written.
    pub fn write(&mut self, place: Place, ty: ScalarType, bits: u64) -> bool {
        match place {
            Place::Bit { offset, bit } => {
                let Some(byte) = self.data_mut().get_mut(offset as usize) else { return false };
                let mask = 1 << (bit & 7);
                *byte = if bits == 0 { *byte & !mask } else { *byte | mask };
                true
            }
            Place::Byte(offset) => {
                let bits = if ty == ScalarType::Bool { u64::from(bits != 0) } else { bits };
                let size = ty.size() as usize;
                let Some(to) = self.data_mut().get_mut(offset as usize..).and_then(|to| to.get_mut(..size)) else {
                    return false;
                };
                for (to, from) in to.iter_mut().zip(bits.to_le_bytes()) {
                    *to = from;
                }
                true
            }
        }
    }

    pub(super) fn layout(&self) -> Layout {
        self.layout
    }

    /// The whole buffer, at least [`NARROW_WINDOW`] bytes.
    pub(super) fn window_mut(&mut self) -> &mut [u8] {
        &mut self.window
    }
}

fn copy_to(window: &mut [u8], at: usize, from: &[u8]) {
    if let Some(to) = window.get_mut(at..).and_then(|w| w.get_mut(..from.len())) {
        to.copy_from_slice(from);
    }
}
