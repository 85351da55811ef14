//! The contract between compiler and engines: instruction set, image format, verifier, disassembler.
//!
//! - [`isa`]: typed three-address instructions over static data;
//! - [`scalar`]: what the operations mean, once for constant folding, engines and proofs;
//! - [`types`] and [`image`]: what a compiled program is made of;
//! - [`path`]: variables by name; [`near`]: the name that was meant;
//! - [`mod@retained`]: what of the data outlives the program;
//! - [`wire`]: an image as bytes, and back;
//! - [`mod@verify`]: the only way to a [`VerifiedImage`], the only thing an engine accepts;
//! - [`disasm`]: an image as text.
//!
//! This room imports no other room and does no I/O.

pub mod disasm;
pub mod image;
pub mod isa;
pub mod near;
pub mod path;
pub mod retained;
pub mod scalar;
pub mod types;
pub mod verify;
pub mod wire;

pub use image::Image;
pub use isa::{Instr, Op, Operand, Window};
pub use retained::{RETAINED_MAX, RetainedSlot, TooManyRetained, retained};
pub use scalar::ScalarType;
pub use types::{PouId, Retention, TypeId};
pub use verify::{VerifiedImage, verify};
