//! Rules about instructions, branches and calls.

// A rule concerns a few operations of many; naming the rest in every match would hide which.
#![allow(clippy::wildcard_enum_match_arm)]

use super::layout::{Scalars, Scope, Spot, Target, Want, is_at, is_at_each};
use super::{At, Rule, VerifyError, require};
use crate::image::{Access, Image, Pou, PouKind};
use crate::isa::{Extra, Instr, Op, Operand, Role, Ty};
use crate::scalar::ScalarType;
use crate::types::{PouId, TypeId};

pub(super) fn check(image: &Image) -> Result<(), VerifyError> {
    for pou in &image.pous {
        let scalars = Scalars::of(image, pou.instance);
        let scope = Scope { image, own: pou.instance, references: &pou.references, scalars: &scalars };
        let checker = Checker { image, pou, scope };
        let body = image.code.get(pou.entry as usize..pou.end as usize).unwrap_or_default();
        for (pc, instr) in (pou.entry..).zip(body) {
            checker.instruction(pc, instr)?;
        }
        checker.flow(body)?;
    }
    calls_form_no_cycle(image)
}

struct Checker<'a> {
    image: &'a Image,
    pou: &'a Pou,
    scope: Scope<'a>,
}

impl Checker<'_> {
    fn instruction(&self, pc: u32, instr: &Instr) -> Result<(), VerifyError> {
        let at = At::Instruction(pc);
        require(instr.op.class().admits(instr.ty), Rule::OpType, at)?;
        require(extra_is_valid(instr), Rule::OpExtra, at)?;
        for (i, role) in instr.op.roles().into_iter().enumerate() {
            self.word(instr, i, role, at)?;
        }
        self.access(instr, at)?;
        match instr.op {
            Op::Copy => self.copy(instr, at),
            Op::Bind | Op::BindX => self.bind(instr, at),
            Op::Call | Op::CallI | Op::CallX => self.call(instr, at),
            _ => Ok(()),
        }
    }

    /// What can be said about one word on its own.
    fn word(&self, instr: &Instr, i: usize, role: Role, at: At) -> Result<(), VerifyError> {
        let operand = instr.operand(i);
        let windowed = || require(self.scope.window(operand).is_some(), Rule::OperandWindow, at);
        match role {
            Role::None => require(operand.0 == 0, Rule::UnusedWord, at),
            Role::Read(ty) => {
                windowed()?;
                require(self.is_scalar(instr, operand, ty), Rule::OperandPlace, at)
            }
            Role::Write(ty) => {
                windowed()?;
                require(self.is_scalar(instr, operand, ty), Rule::OperandPlace, at)?;
                require(!self.scope.is_read_only(operand), Rule::ReadOnly, at)
            }
            Role::ReadBase(_) | Role::Place | Role::PlaceBase => windowed(),
            Role::WriteBase(_) => {
                windowed()?;
                require(!self.scope.is_read_only(operand), Rule::ReadOnly, at)
            }
            Role::ReadImageByte => self.image_byte(operand, at),
            Role::WriteImageByte => {
                self.image_byte(operand, at)?;
                require(!self.scope.is_read_only(operand), Rule::ReadOnly, at)
            }
            Role::Access => require((operand.0 as usize) < self.image.accesses.len(), Rule::AccessPlace, at),
            Role::Target => require((self.pou.entry..self.pou.end).contains(&operand.0), Rule::BranchTarget, at),
            // Judged with the whole instruction, in `copy`, `bind` and `call`.
            Role::Pou | Role::Type | Role::RefIndex | Role::Number => Ok(()),
        }
    }

    fn is_scalar(&self, instr: &Instr, operand: Operand, ty: Ty) -> bool {
        instr.role_type(ty).is_some_and(|t| self.scope.is_scalar(operand, t))
    }

    fn image_byte(&self, operand: Operand, at: At) -> Result<(), VerifyError> {
        let inside = matches!(self.scope.target(operand), Some(Target::ProcessImage(_)));
        require(inside, Rule::ImageByte, at)
    }

    /// Indexed operations: every element must be what the operation reads, writes, binds or calls.
    fn access(&self, instr: &Instr, at: At) -> Result<(), VerifyError> {
        let (base, access, want) = match instr.op {
            Op::LdX => (1, 3, Some(Want::Scalar(instr.ty))),
            Op::StX => (0, 2, Some(Want::Scalar(instr.ty))),
            Op::BindX => (1, 3, self.reference(self.pou, instr.operand(0).0).map(Want::Type)),
            Op::CallX => (1, 3, self.instance_of(instr.operand(0).0).map(Want::Type)),
            _ => return Ok(()),
        };
        let row: Option<&Access> = self.image.accesses.get(instr.operand(access).0 as usize);
        let spot = self.typed(instr.operand(base));
        let reached = matches!((spot, row, want), (Some(spot), Some(row), Some(want)) if is_at_each(self.image, spot, *row, want));
        require(reached, Rule::AccessPlace, at)
    }

    fn typed(&self, operand: Operand) -> Option<Spot> {
        match self.scope.target(operand) {
            Some(Target::Typed(spot)) => Some(spot),
            Some(Target::ProcessImage(_)) | None => None,
        }
    }

    fn is_type(&self, operand: Operand, ty: TypeId) -> bool {
        self.typed(operand).is_some_and(|spot| is_at(self.image, spot, Want::Type(ty)))
    }

    fn copy(&self, instr: &Instr, at: At) -> Result<(), VerifyError> {
        let ty = TypeId(instr.operand(2).0);
        let same = self.is_type(instr.operand(0), ty) && self.is_type(instr.operand(1), ty);
        require(same, Rule::CopyPlace, at)?;
        require(!self.scope.is_read_only(instr.operand(0)), Rule::ReadOnly, at)
    }

    fn reference(&self, pou: &Pou, index: u32) -> Option<TypeId> {
        pou.references.get(index as usize).copied()
    }

    fn bind(&self, instr: &Instr, at: At) -> Result<(), VerifyError> {
        let good = if instr.op == Op::Bind {
            let pou = self.image.pou(PouId(instr.operand(0).0));
            let ty = pou.and_then(|p| self.reference(p, instr.operand(1).0));
            ty.is_some_and(|ty| self.is_type(instr.operand(2), ty)) && !self.scope.is_read_only(instr.operand(2))
        } else {
            // The elements' type was checked as an access.
            !self.scope.is_read_only(instr.operand(1))
        };
        require(good, Rule::BindPlace, at)
    }

    fn instance_of(&self, pou: u32) -> Option<TypeId> {
        let pou = self.image.pou(PouId(pou))?;
        if pou.kind == PouKind::FunctionBlock { pou.instance } else { None }
    }

    fn call(&self, instr: &Instr, at: At) -> Result<(), VerifyError> {
        let pou = instr.operand(0).0;
        let good = match instr.op {
            Op::Call => self.image.pou(PouId(pou)).is_some_and(|p| p.kind == PouKind::Function),
            Op::CallI => self.instance_of(pou).is_some_and(|ty| self.is_type(instr.operand(1), ty)),
            _ => self.instance_of(pou).is_some(),
        };
        // A body writes its instance; constants hold none, but say so in the rule's own words.
        let writable = instr.op == Op::Call || !self.scope.is_read_only(instr.operand(1));
        require(good && writable, Rule::CallTarget, at)
    }

    /// Charges and the end of the body.
    fn flow(&self, body: &[Instr]) -> Result<(), VerifyError> {
        let entry = self.pou.entry;
        let last = self.pou.end.saturating_sub(1);
        let charged = body.first().is_some_and(|i| charge_of(i) >= Some(self.pou.end - entry));
        require(charged, Rule::EntryCharge, At::Instruction(entry))?;
        for (pc, instr) in (entry..).zip(body) {
            let target = instr.operand(0).0;
            if instr.op.is_branch() && target <= pc {
                let header = self.image.code.get(target as usize);
                let charged = header.is_some_and(|h| charge_of(h) > Some(pc - target));
                require(charged, Rule::BackwardCharge, At::Instruction(pc))?;
            }
        }
        require(body.last().is_some_and(|i| i.op.ends_flow()), Rule::FlowEnd, At::Instruction(last))
    }
}

/// The weight of a charge; `None`, which is less than any, for other instructions.
fn charge_of(instr: &Instr) -> Option<u32> {
    (instr.op == Op::Charge).then_some(instr.operand(0).0)
}

fn extra_is_valid(instr: &Instr) -> bool {
    match instr.op.extra() {
        Extra::None => instr.x == 0,
        Extra::Bit => instr.x <= 7,
        Extra::Scalar => {
            let Some(source) = instr.role_type(Ty::Extra) else { return false };
            match instr.op {
                Op::Trunc => source.is_float(),
                Op::Bits => {
                    source.size() == instr.ty.size() && source != ScalarType::Bool && instr.ty != ScalarType::Bool
                }
                _ => true,
            }
        }
    }
}

/// Depth-first over the call graph with an explicit stack: no cycle, however deep.
fn calls_form_no_cycle(image: &Image) -> Result<(), VerifyError> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    let mut marks = vec![Mark::New; image.pous.len()];
    for root in 0..image.pous.len() {
        if marks.get(root) != Some(&Mark::New) {
            continue;
        }
        // Each entry: a POU and the next of its instructions to look at.
        let mut open: Vec<(usize, u32)> = vec![(root, image.pous.get(root).map_or(0, |p| p.entry))];
        while let Some((index, pc)) = open.pop() {
            if let Some(mark) = marks.get_mut(index) {
                *mark = Mark::Open;
            }
            let end = image.pous.get(index).map_or(0, |p| p.end);
            let rest = image.code.get(pc as usize..end as usize).unwrap_or_default();
            let call = (pc..).zip(rest).find(|(_, i)| i.op.is_call());
            let Some((at, instr)) = call else {
                if let Some(mark) = marks.get_mut(index) {
                    *mark = Mark::Done;
                }
                continue;
            };
            open.push((index, at + 1));
            let callee = instr.operand(0).0 as usize;
            match marks.get(callee) {
                Some(Mark::New) => open.push((callee, image.pous.get(callee).map_or(0, |p| p.entry))),
                Some(Mark::Open) => {
                    return Err(VerifyError { rule: Rule::CallCycle, at: At::Instruction(at) });
                }
                Some(Mark::Done) | None => {}
            }
        }
    }
    Ok(())
}
