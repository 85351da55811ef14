//! Small functions and blocks go into their callers.
//!
//! A function's parameters, result and variables become temporaries of the caller; a block works on its instance directly;
//! VAR_IN_OUT become the variables they stand for. Library blocks stay calls, because engines run them as one
//! instruction. What may fault stays a call too: a fault names the unit it happened in. A POU that is inlined
//! everywhere stays in the image: its rungs can still be named.
//!
//! Growth is bounded: every call written in the text becomes at most [`BODY_MAX`] instructions, because a body that
//! has grown beyond that by inlining is not small any more.

use crate::hir::{PouId, Program};
use crate::ir::{Base, Func, Inst, InstKind, Label, Mem, Origin, Target, Temp, Val, may_trap};
use bytecode::ScalarType;
use std::collections::{HashMap, HashSet};

/// Longest body that is inlined: about what the call itself costs with its parameters.
const BODY_MAX: usize = 24;

/// A caller does not grow beyond this by inlining.
const CALLER_MAX: usize = 1 << 18;

/// Small bodies of the POUs that are done: what may go into their callers. Bounded like the text they come from.
#[derive(Default)]
pub(super) struct Bodies(HashMap<PouId, Func>);

impl Bodies {
    /// Keeps the code of a POU that is done, where it is small enough.
    pub(super) fn offer(&mut self, program: &Program, func: &Func) {
        if is_small(program, func) {
            self.0.insert(func.pou, func.clone());
        }
    }
}

pub(super) fn run(small: &Bodies, func: &mut Func) {
    let mut bodies: HashMap<PouId, &Func> = HashMap::new();
    for inst in &func.code {
        if let InstKind::Call(pou, _) = inst.kind
            && let Some(body) = small.0.get(&pou)
        {
            bodies.insert(pou, body);
        }
    }
    if bodies.is_empty() || func.code.len() > CALLER_MAX {
        return;
    }
    for pou in frames_not_scalar(func) {
        bodies.remove(&pou);
    }
    let code = std::mem::take(&mut func.code);
    let mut inliner = Inliner { func, bodies: &bodies, frames: HashMap::new(), bound: Vec::new() };
    for inst in code {
        inliner.inst(inst);
    }
}

fn is_small(program: &Program, body: &Func) -> bool {
    let instructions = body.code.iter().filter(|i| !matches!(i.kind, InstKind::Label(_))).take(BODY_MAX + 1).count();
    if program.pous[body.pou].library || instructions > BODY_MAX || !body.own_refs.is_empty() {
        return false;
    }
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
    !loops && !body.code.iter().any(|i| may_fault(&i.kind)) && !frames_not_scalar(body).contains(&body.pou)
}

/// Can it end the scan?
fn may_fault(kind: &InstKind) -> bool {
    match kind {
        InstKind::Apply { op, ty, .. } => may_trap(*op, *ty) && !kind.is_pure(),
        InstKind::Load { .. } | InstKind::Store { .. } | InstKind::Bound { .. } | InstKind::BindElement { .. } => true,
        // A reference of an inlined body is a variable of its caller.
        _ => false,
    }
}

/// The POUs whose frames the code touches not only as scalars.
fn frames_not_scalar(func: &Func) -> HashSet<PouId> {
    let mut pous = HashSet::new();
    let mut note = |mem: Mem| {
        if let Base::Frame(pou) = mem.base {
            pous.insert(pou);
        }
    };
    for inst in &func.code {
        match inst.kind {
            InstKind::Load { base, .. } | InstKind::Store { base, .. } | InstKind::BindElement { base, .. } => {
                note(base)
            }
            InstKind::Copy { dst, src, .. } => {
                note(dst);
                note(src);
            }
            InstKind::Initialise { dst, .. } => note(dst),
            InstKind::Bind { place, .. } => note(place),
            _ => {}
        }
    }
    pous
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
                Some(body) => self.body(body, target, inst.origin),
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

    /// The body of a call. Its instructions keep their line, and where they stand in no rung of their own they are part
    /// of the rung that calls.
    fn body(&mut self, body: &Func, target: Target, call_origin: u32) {
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
        let rung = self.func.origins.get(call_origin as usize).and_then(|o| o.rung);
        self.func.origins.extend(body.origins.iter().map(|o| Origin { rung: o.rung.or(rung), ..*o }));
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
        run(&offered(&program, &body), &mut caller);
        assert_eq!(kinds(&caller)[0], mov(own(16), own(17)));
        assert!(!kinds(&caller).iter().any(|k| matches!(k, InstKind::Call(..))));
    }

    fn offered(program: &Program, body: &Func) -> Bodies {
        let mut small = Bodies::default();
        small.offer(program, body);
        small
    }

    #[test]
    fn what_may_fault_stays_in_its_unit() {
        use bytecode::Op;
        let program = program_with_block();
        let divide = |divisor| {
            let args = [own(4), divisor, Val::Const(0)];
            InstKind::Apply { op: Op::Div, ty: ScalarType::I32, source: None, dst: own(8), args }
        };
        let inlined = |divisor| {
            let mut body = func(0, 0, vec![divide(divisor), InstKind::Return]);
            body.pou = PouId(1);
            let instance = Mem { base: Base::Own, offset: 16 };
            let mut caller = func(0, 0, vec![InstKind::Call(PouId(1), Target::Instance(instance)), InstKind::Return]);
            run(&offered(&program, &body), &mut caller);
            !kinds(&caller).iter().any(|k| matches!(k, InstKind::Call(..)))
        };
        assert!(!inlined(own(12)));
        assert!(inlined(Val::Const(10)), "a division by a constant cannot fault");
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
