//! The interpreter's private instructions.
//!
//! An instruction is an opcode and five words: 16-bit words for programs that fit the narrow window, 32-bit words
//! for all others; both forms run through the same code. A word is an absolute offset in the window of
//! [`Memory`](super::super::Memory), an index into a side table, or a number, as the opcode says. Numbers that may
//! need 32 bits in either form are split over two words, low half first.
//!
//! A fused instruction takes the slot of the first instruction it replaces; the replaced ones stay in their slots
//! behind it. So branches may still lead into the middle, every slot keeps one canonical place for traps, and a
//! fused instruction may take operands from the slots it covers.

/// Opcode. In the comments, `a` to `e` are the words, and `:=` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
#[rustfmt::skip] // rows by meaning read better than 250 lines of one name each
pub(super) enum Opc {
    // Copy of 1, 2, 4 or 8 bytes: a := b.
    Mov1, Mov2, Mov4, Mov8,
    // Booleans (bytes 0 or 1), the ones that boolean blocks are made of: a := b op c; `SelB` a := b ? d : c.
    MovB, NotB, AndB, OrB, XorB, XnorB, AndNotB, OrNotB, SelB,
    // Bit strings: a := b op c; the amount of a shift is a u32.
    Not1, Not2, Not4, Not8, And1, And2, And4, And8, Or1, Or2, Or4, Or8, Xor1, Xor2, Xor4, Xor8, AndNot1, AndNot2,
    AndNot4, AndNot8, Shl2, Shl4, Shl8, Shr2, Shr4, Shr8,
    // Wrapping integers of any sign: a := b op c.
    Add2, Add4, Add8, Sub2, Sub4, Sub8, Mul2, Mul4, Mul8,
    // Integer division, trapping on zero: a := b op c.
    DivI16, DivI32, DivI64, DivU16, DivU32, ModI16, ModI32, ModI64, ModU16, ModU32,
    // Floats: a := b op c.
    AddF32, AddF64, SubF32, SubF64, MulF32, MulF64, DivF32, DivF64,
    // Smaller and greater: a := b op c.
    MinI16, MinI32, MinI64, MinF32, MinF64, MaxI16, MaxI32, MaxI64, MaxF32, MaxF64,
    // Comparison: bool a := b op c (greater and greater-or-equal come with operands swapped).
    Eq1, Eq2, Eq4, Eq8, EqF32, EqF64, Ne1, Ne2, Ne4, Ne8, NeF32, NeF64,
    LtI16, LtI32, LtI64, LtU8, LtU16, LtU32, LtF32, LtF64, LeI16, LeI32, LeI64, LeU8, LeU16, LeU32, LeF32, LeF64,
    // Selection: a := b ? d : c.
    Sel1, Sel2, Sel4, Sel8,
    // Widening from the first size to the second, with zeros or the sign: a := b.
    Zext12, Zext14, Zext18, Zext24, Zext28, Zext48, Sext12, Sext14, Sext18, Sext24, Sext28, Sext48,
    // Frequent conversions: a := b.
    I32ToF32, I32ToF64, I16ToF32, F32ToF64, F64ToF32,
    /// Any other pure operation: a := op(b, c, d), e counts the table of rare operations.
    Rare,
    /// a := bit c of the byte at b.
    LdBit,
    /// Bit c of the byte at a := b.
    StBit,
    /// a := the time.
    Time,
    // a := element c of the array at b; d elements, lowest index e (signed), elements adjacent.
    LdX1, LdX2, LdX4, LdX8,
    // Element b of the array at a := c; d elements, lowest index e (signed), elements adjacent.
    StX1, StX2, StX4, StX8,
    // The same with the array at the address register and row d of the table of accesses.
    LdXE1, LdXE2, LdXE4, LdXE8, StXE1, StXE2, StXE4, StXE8,
    /// a := b as index less the lower bound; c counts the table of bounds.
    Bound,
    /// Address register := a, b (split).
    LeaData,
    /// Address register := own instance + a, b (split).
    LeaOwn,
    /// Address register := where reference c points + a, b (split); d is its number in its POU.
    LeaRef,
    /// Second address register := address register.
    Keep,
    // a := what the address register points at, and the other way round.
    LdE1, LdE2, LdE4, LdE8, StE1, StE2, StE4, StE8,
    /// Copies a, b (split) bytes from the address register to the second one.
    CopyE,
    /// Reference a := address register.
    BindE,
    /// Reference a := element c of the array at the address register, row d.
    BindXE,
    // Goes on at d: always, where b, where not b. `L`: d is a charge, which is taken on the way.
    Jmp, JmpL, Jt, JtL, Jf, JfL,
    /// Charges a, b (split).
    Charge,
    /// Runs the body at d without an own instance, or on one its operands already name.
    Call,
    /// Runs the body at d on the instance at the address register.
    CallE,
    /// The same on element c of the array of instances at the address register, row e.
    CallXE,
    // A standard block on the instance at the address register; d is its body as code, e what that charges.
    TonE, TofE, TpE, CtuE, CtdE, CtudE, RTrigE, FTrigE, SrE, RsE,
    // A standard block on the instance at a, after its inputs were set to b, c and e; d is what it charges and the slots it covers
    // ([`weight_and_slots`]), of which the last is one of the row above.
    Ton, Tof, Tp, Ctu, Ctd, RTrig, FTrig, Sr, Rs,
    /// Returns.
    Ret,
    /// Runs c records of boolean block a, b (split), covering d slots.
    Block,
    // Comparison into a and conditional branch to d, covering 2 slots: where true, where false, `L` with its charge.
    TEq4, TLEq4, FEq4, FLEq4, TNe4, TLNe4, FNe4, FLNe4,
    TLtI32, TLLtI32, FLtI32, FLLtI32, TLeI32, TLLeI32, FLeI32, FLLeI32,
    TEq2, TLEq2, FEq2, FLEq2, TNe2, TLNe2, FNe2, FLNe2,
    TLtI16, TLLtI16, FLtI16, FLLtI16, TLeI16, TLLeI16, FLeI16, FLLeI16,
    TLtI64, TLLtI64, FLtI64, FLLtI64, TLeI64, TLLeI64, FLeI64, FLLeI64,
    TLtF32, TLLtF32, FLtF32, FLLtF32, TLeF32, TLLeF32, FLeF32, FLLeF32,
    // The end of a counting loop, covering 3 slots: comparison of b and c into a, e added to b (`Up`) or to c (`Down`), and back to d with
    // its charge where the comparison was true.
    UpLtI32, UpLeI32, DownLtI32, DownLeI32, UpLtI16, UpLeI16, DownLtI16, DownLeI16,
}

/// Word of an instruction.
pub(super) trait Word: Copy + core::fmt::Debug + 'static {
    /// As an offset, index or unsigned number.
    fn at(self) -> usize;
    /// As a signed number.
    fn number(self) -> i32;
    /// The word that holds this, if it fits: as a signed number, or as any other.
    fn of(word: u32, signed: bool) -> Option<Self>;
}

impl Word for u16 {
    #[inline(always)]
    fn at(self) -> usize {
        usize::from(self)
    }
    #[inline(always)]
    fn number(self) -> i32 {
        i32::from(self.cast_signed())
    }
    fn of(word: u32, signed: bool) -> Option<Self> {
        if signed { i16::try_from(word.cast_signed()).ok().map(i16::cast_unsigned) } else { Self::try_from(word).ok() }
    }
}

impl Word for u32 {
    #[inline(always)]
    fn at(self) -> usize {
        self as usize
    }
    #[inline(always)]
    fn number(self) -> i32 {
        self.cast_signed()
    }
    fn of(word: u32, _signed: bool) -> Option<Self> {
        Some(word)
    }
}

/// An instruction with words of 16 or 32 bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ins<W> {
    pub(super) op: Opc,
    pub(super) a: W,
    pub(super) b: W,
    pub(super) c: W,
    pub(super) d: W,
    pub(super) e: W,
}

impl Ins<u32> {
    pub(super) const fn new(op: Opc, [a, b, c, d, e]: [u32; 5]) -> Self {
        Self { op, a, b, c, d, e }
    }

    /// The same with words of another width, if all fit.
    pub(super) fn fit<W: Word>(self) -> Option<Ins<W>> {
        let signed = matches!(
            self.op,
            Opc::LdX1 | Opc::LdX2 | Opc::LdX4 | Opc::LdX8 | Opc::StX1 | Opc::StX2 | Opc::StX4 | Opc::StX8
        );
        Some(Ins {
            op: self.op,
            a: W::of(self.a, false)?,
            b: W::of(self.b, false)?,
            c: W::of(self.c, false)?,
            d: W::of(self.d, false)?,
            e: W::of(self.e, signed)?,
        })
    }
}

impl<W: Word> Ins<W> {
    /// The 32-bit number split over words a and b.
    #[inline(always)]
    pub(super) fn split(&self) -> usize {
        self.a.at() | self.b.at() << 16
    }
}

/// A number as two words, low half first.
pub(super) const fn halves(number: u32) -> (u32, u32) {
    (number & 0xffff, number >> 16)
}

/// One record of a boolean block: to := bit (s0 + 2 s1 + 4 s2 + 8 s3) of the truth table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<W> {
    pub(super) from: [W; 4],
    pub(super) to: W,
    pub(super) table: u16,
}

impl Record<u32> {
    pub(super) fn fit<W: Word>(self) -> Option<Record<W>> {
        let [s0, s1, s2, s3] = self.from;
        let word = |w| W::of(w, false);
        Some(Record { from: [word(s0)?, word(s1)?, word(s2)?, word(s3)?], to: word(self.to)?, table: self.table })
    }
}

/// Slots a standard block covers, at most: the moves of three inputs, the place and the call.
const SLOTS_MAX: usize = 7;

/// What a standard block charges and how many slots it covers, in one word; `None` where they do not fit.
pub(super) fn weight_with_slots(weight: u32, slots: u32) -> Option<u32> {
    let slots_fit = slots as usize <= SLOTS_MAX;
    weight
        .checked_mul(SLOTS_MAX as u32 + 1)
        .map(|word| word | slots)
        .filter(|word| slots_fit && *word <= u32::from(u16::MAX))
}

/// The two again.
#[inline(always)]
pub(super) const fn weight_and_slots(word: usize) -> (usize, usize) {
    (word / (SLOTS_MAX + 1), word % (SLOTS_MAX + 1))
}
