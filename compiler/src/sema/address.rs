//! Addresses: where `%IX0.3` and its kin stand in the process image, and which types they hold.

use super::Sema;
use crate::ast::{Address, AddressSize, Area};
use crate::diag::{Code, Diagnostic};
use crate::hir::Location;
use crate::types::Ty;
use bytecode::types::Elementary;

/// Greatest size of each area of the process image: 64 KiB, half a million inputs.
pub(super) const AREA_BYTES_MAX: u32 = 64 * 1024;

/// Bytes an address of this width takes.
fn width_bytes(size: AddressSize) -> u32 {
    match size {
        AddressSize::Bit | AddressSize::Byte => 1,
        AddressSize::Word => 2,
        AddressSize::Double => 4,
        AddressSize::Long => 8,
    }
}

/// The type of an address used without a declaration: BOOL or a bit string.
pub(super) fn address_type(size: AddressSize) -> Ty {
    match size {
        AddressSize::Bit => Ty::BOOL,
        AddressSize::Byte => Ty::of(Elementary::Byte),
        AddressSize::Word => Ty::of(Elementary::Word),
        AddressSize::Double => Ty::of(Elementary::Dword),
        AddressSize::Long => Ty::of(Elementary::Lword),
    }
}

impl Sema<'_> {
    /// Where an address stands. Bits are `byte.bit`; wider addresses count in their own width.
    pub(super) fn locate(&mut self, address: &Address) -> Option<Location> {
        let form =
            |message: String, help: String| Some(Diagnostic::new(Code::AddressForm, address.span, message).help(help));
        let width = width_bytes(address.size);
        let (byte, bit, wrong) = match (address.size, address.path.as_slice()) {
            (AddressSize::Bit, [byte, bit @ 0..=7]) => (*byte, u8::try_from(*bit).ok(), None),
            (AddressSize::Bit, [byte, bit]) => {
                let help =
                    format!("bits count from 0 to 7; bit {bit} may be bit {} of byte {}", bit % 8, byte + bit / 8);
                (0, None, form(format!("`{}` names bit {bit} of a byte", address.text), help))
            }
            (AddressSize::Bit, [bit]) => {
                let help = format!("write byte and bit with a point: {}.{}", bit / 8, bit % 8);
                (0, None, form(format!("`{}` has no bit number", address.text), help))
            }
            (_, [number]) => (number.saturating_mul(width), None, None),
            (_, _) => {
                let help = "a byte, word, double or long address has one number, counted in its own width".to_owned();
                (0, None, form(format!("`{}` has too many numbers", address.text), help))
            }
        };
        if let Some(diagnostic) = wrong {
            self.report(diagnostic);
            return None;
        }
        let end = byte.saturating_add(width);
        if end > AREA_BYTES_MAX {
            let message = format!("`{}` lies beyond the process image of {AREA_BYTES_MAX} bytes", address.text);
            self.error(Code::DataTooLarge, address.span, message);
            return None;
        }
        let bytes = &mut self.program.image_bytes;
        let used = match address.area {
            Area::Input => &mut bytes.input,
            Area::Output => &mut bytes.output,
            Area::Memory => &mut bytes.memory,
        };
        *used = (*used).max(end);
        Some(Location { area: address.area, byte, bit, text: address.text.clone() })
    }

    /// Checks that a variable of this type fits the address.
    pub(super) fn check_width(&mut self, address: &Address, ty: Ty) -> bool {
        if ty.is_error() {
            return false;
        }
        let fits = match ty.scalar() {
            Some(scalar) if address.size == AddressSize::Bit => ty == Ty::BOOL && scalar.bits() == 1,
            Some(scalar) => ty != Ty::BOOL && scalar.size() == width_bytes(address.size),
            None => false,
        };
        if !fits {
            let name = self.type_name(ty);
            let message = format!("a variable of type {name} does not fit `{}`", address.text);
            let help = match ty.scalar() {
                Some(scalar) => {
                    let letter = match (ty == Ty::BOOL, scalar.size()) {
                        (true, _) => "X",
                        (false, 1) => "B",
                        (false, 2) => "W",
                        (false, 4) => "D",
                        (false, _) => "L",
                    };
                    format!("{name} needs an address with {letter}")
                }
                None => "only single values have addresses: give each element its own variable".to_owned(),
            };
            self.report(Diagnostic::new(Code::AddressWidth, address.span, message).help(help));
        }
        fits
    }
}
