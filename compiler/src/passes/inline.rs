//! Small functions and blocks go into their callers.
//!
//! A function's parameters, result and variables become temporaries of the caller; a block works on its instance directly;
//! VAR_IN_OUT become the variables they stand for. Library blocks stay calls, because engines run them as one
//! instruction. A POU that is inlined everywhere stays in the image: its rungs can still be named.

use crate::hir::{PouId, Program};
use crate::ir::{Base, Func, Inst, InstKind, Label, Mem, Target, Temp, Val};
use bytecode::ScalarType;
use std::collections::HashMap;

/// Longest body that is inlined: about what the call itself costs with its parameters.
const BODY_MAX: usize = 24;

/// A caller does not grow beyond this by inlining.
const CALLER_MAX: usize = 1 << 18;

pub(super) fn run(program: &Program, done: &[Func], func: &mut Func) {
    if !func.code.iter().any(|i| matches!(i.kind, InstKind::Call(..))) {
        return;
    }
    let by_pou: HashMap<PouId, &Func> = done.iter().map(|f| (f.pou, f)).collect();
    let mut bodies: HashMap<PouId, &Func> = HashMap::new();
    for inst in &func.code {
        if let InstKind::Call(pou, _) = inst.kind
            && let Some(body) = by_pou.get(&pou)
            && is_small(program, body)
        {
            bodies.insert(pou, body);
        }
    }
    bodies.retain(|pou, _| only_scalars(func, *pou));
    if bodies.is_empty() || func.code.len() > CALLER_MAX {
        return;
    }
    let code = std::mem::take(&mut func.code);
    let mut inliner = Inliner { func, bodies: &bodies, frames: HashMap::new(), bound: Vec::new() };
    for inst in code {
        inliner.inst(inst);
    }
}

fn is_small(program: &Program, body: &Func) -> bool {
    let instructions = body.code.iter().filter(|i| !matches!(i.kind, InstKind::Label(_))).count();
    // A loop is not worth it, and its head must keep its place.
    let mut seen: Vec<Label> = Vec::new();
    let loops = body.code.iter().any(|i| match i.kind {
        InstKind::Label(label) => {
            seen.push(label);
            false
        }
        InstKind::Jump(to) | InstKind::Branch { to, .. } => seen.contains(&to),
        _ => false,
    });
    !program.pous[body.pou].library
        && instructions <= BODY_MAX
        && !loops
        && body.own_refs.is_empty()
        && only_scalars(body, body.pou)
}

/// Does the code touch this POU's frame only as scalars?
fn only_scalars(func: &Func, pou: PouId) -> bool {
    let frame = |mem: Mem| mem.base == Base::Frame(pou);
    !func.code.iter().any(|i| match i.kind {
        InstKind::Load { base, .. } | InstKind::Store { base, .. } | InstKind::BindElement { base, .. } => frame(base),
        InstKind::Copy { dst, src, .. } => frame(dst) || frame(src),
        InstKind::Initialise { dst, .. } => frame(dst),
        InstKind::Bind { place, .. } => frame(place),
        _ => false,
    })
}

struct Inliner<'f> {
    func: &'f mut Func,
    bodies: &'f HashMap<PouId, &'f Func>,
    /// The temporary for each place of an inlined POU's frame.
    frames: HashMap<(Mem, ScalarType), Temp>,
    /// References bound for the call that follows.
    bound: Vec<(PouId, u8, Mem)>,
}

impl Inliner<'_> {
    fn inst(&mut self, inst: Inst) {
        match inst.kind {
            InstKind::Bind { pou, reference, place } if self.bodies.contains_key(&pou) => {
                self.bound.retain(|(p, r, _)| (*p, *r) != (pou, reference));
                self.bound.push((pou, reference, place));
            }
            InstKind::Call(pou, target) => match self.bodies.get(&pou) {
                Some(body) => self.body(body, target),
                None => self.func.code.push(inst),
            },
            kind => {
                let mut kind = kind;
                self.values(&mut kind, |mem| mem);
                self.func.code.push(Inst { kind, ..inst });
            }
        }
    }

    /// Exchanges scalars in frames of inlined POUs for temporaries, other places by `place`.
    fn values(&mut self, kind: &mut InstKind, place: impl Fn(Mem) -> Mem) {
        let mut exchange = |val: &mut Val, ty: ScalarType| {
            let Val::Mem(mem) = *val else { return };
            *val = match mem.base {
                Base::Frame(pou) if self.bodies.contains_key(&pou) => {
                    let func = &mut *self.func;
                    Val::Temp(*self.frames.entry((mem, ty)).or_insert_with(|| func.temp(ty)))
                }
                Base::Own | Base::Frame(_) | Base::Global | Base::Image | Base::Ref(_) => Val::Mem(place(mem)),
            };
        };
        kind.reads(&mut exchange);
        if let Some((_, ty)) = kind.written()
            && let Some(dst) = kind.written_mut()
        {
            exchange(dst, ty);
        }
    }

    fn body(&mut self, body: &Func, target: Target) {
        let bound = std::mem::take(&mut self.bound);
        let place = |mem: Mem| match (mem.base, target) {
            (Base::Own, Target::Instance(instance)) => instance.plus(mem.offset),
            (Base::Ref(reference), _) => {
                let to = bound.iter().find(|(pou, r, _)| *pou == body.pou && *r == reference);
                to.map_or(mem, |(_, _, place)| place.plus(mem.offset))
            }
            (Base::Own | Base::Frame(_) | Base::Global | Base::Image, _) => mem,
        };
        let first_label = self.func.labels;
        self.func.labels += body.labels;
        let first_temp = u32::try_from(self.func.temps.len()).unwrap_or(u32::MAX);
        self.func.temps.extend(&body.temps);
        let first_origin = u32::try_from(self.func.origins.len()).unwrap_or(u32::MAX);
        self.func.origins.extend(&body.origins);
        let label = |l: Label| Label(first_label + l.0);
        let end = self.func.label();
        for inst in &body.code {
            let mut kind = inst.kind;
            shift_temps(&mut kind, first_temp);
            self.values(&mut kind, place);
            match &mut kind {
                InstKind::Label(l) | InstKind::Jump(l) => *l = label(*l),
                InstKind::Branch { to, .. } => *to = label(*to),
                InstKind::Return => kind = InstKind::Jump(end),
                InstKind::Load { base, .. } | InstKind::Store { base, .. } | InstKind::BindElement { base, .. } => {
                    *base = place(*base);
                }
                InstKind::Copy { dst, src, .. } => {
                    *dst = place(*dst);
                    *src = place(*src);
                }
                InstKind::Initialise { dst, .. } => *dst = place(*dst),
                InstKind::Bind { place: to, .. } => *to = place(*to),
                InstKind::Call(_, Target::Instance(at)) => *at = place(*at),
                InstKind::Call(_, Target::Function)
                | InstKind::Apply { .. }
                | InstKind::LoadBit { .. }
                | InstKind::StoreBit { .. }
                | InstKind::Bound { .. } => {}
            }
            self.func.code.push(Inst { kind, origin: first_origin + inst.origin });
        }
        let origin = self.func.code.last().map_or(0, |i| i.origin);
        self.func.code.push(Inst { kind: InstKind::Label(end), origin });
    }
}

fn shift_temps(kind: &mut InstKind, by: u32) {
    let shift = |val: &mut Val| {
        if let Val::Temp(temp) = val {
            temp.0 += by;
        }
    };
    kind.reads(|val, _| shift(val));
    if let Some(dst) = kind.written_mut() {
        shift(dst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passes::testing::{func, kinds, mov, own};

    #[test]
    fn a_blocks_variables_are_those_of_its_instance() {
        let program = program_with_block();
        let mut body = func(0, 0, vec![mov(own(0), own(1)), InstKind::Return]);
        body.pou = PouId(1);
        let instance = Mem { base: Base::Own, offset: 16 };
        let mut caller = func(0, 0, vec![InstKind::Call(PouId(1), Target::Instance(instance)), InstKind::Return]);
        run(&program, &[body], &mut caller);
        assert_eq!(kinds(&caller)[0], mov(own(16), own(17)));
        assert!(!kinds(&caller).iter().any(|k| matches!(k, InstKind::Call(..))));
    }

    fn program_with_block() -> Program {
        let mut map = crate::source::SourceMap::new();
        let text = "PROGRAM P VAR b : B; END_VAR b(); END_PROGRAM FUNCTION_BLOCK B VAR_OUTPUT x, y : BOOL; END_VAR x := y; END_FUNCTION_BLOCK";
        let id = map.add("p.st", text);
        let compiled = crate::compile(&map, &[id], crate::Options::default());
        assert!(compiled.image.is_some(), "{:?}", compiled.diagnostics);
        compiled.program
    }
}
