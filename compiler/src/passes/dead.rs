//! Results nobody reads: temporaries, copies of a place to itself, and parameters or local variables of a frame that are
//! written again before anybody reads them.

use crate::ir::{Base, Func, InstKind, Mem, Val};
use bytecode::Op;

/// Frame places remembered at a time.
const OVERWRITTEN_MAX: usize = 16;

pub(super) fn run(func: &mut Func) {
    let mut reads = vec![0u32; func.temps.len()];
    for inst in &func.code {
        let mut kind = inst.kind;
        kind.reads(|val, _| count(&mut reads, *val, |n| n + 1));
    }
    let mut keep: Vec<bool> = Vec::with_capacity(func.code.len());
    let mut overwritten: Vec<Mem> = Vec::new();
    let own_frame = Base::Frame(func.pou);
    // From the end: when a result goes, its operands may go too.
    for inst in func.code.iter().rev() {
        let mut kind = inst.kind;
        let needless = is_needless(&kind, &reads, &overwritten);
        keep.push(!needless);
        if needless {
            kind.reads(|val, _| count(&mut reads, *val, |n| n.saturating_sub(1)));
            continue;
        }
        match kind {
            InstKind::Apply { .. } | InstKind::LoadBit { .. } | InstKind::StoreBit { .. } => {
                if let Some((Val::Mem(mem), _)) = kind.written()
                    && mem.base == own_frame
                    && overwritten.len() < OVERWRITTEN_MAX
                {
                    overwritten.push(mem);
                }
                kind.reads(|val, _| {
                    if let Val::Mem(read) = *val {
                        overwritten.retain(|mem| !mem.may_alias(8, read, 8));
                    }
                });
            }
            _ => overwritten.clear(),
        }
    }
    let mut keep = keep.into_iter().rev();
    func.code.retain(|_| keep.next().unwrap_or(true));
}

fn count(reads: &mut [u32], val: Val, f: impl Fn(u32) -> u32) {
    if let Val::Temp(temp) = val
        && let Some(n) = reads.get_mut(temp.0 as usize)
    {
        *n = f(*n);
    }
}

fn is_needless(kind: &InstKind, reads: &[u32], overwritten: &[Mem]) -> bool {
    if let InstKind::Apply { op: Op::Mov, dst, args: [src, ..], .. } = kind
        && dst == src
    {
        return true;
    }
    match kind.written() {
        Some((Val::Temp(temp), _)) => kind.is_pure() && reads.get(temp.0 as usize) == Some(&0),
        Some((Val::Mem(mem), _)) => kind.is_pure() && overwritten.contains(&mem),
        Some((Val::Const(_), _)) | None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passes::testing::{func, kinds, mov, op, own, t};

    #[test]
    fn chains_of_unread_results_go_in_one_pass() {
        let code = vec![op(Op::And, t(0), own(0), own(1)), op(Op::Not, t(1), t(0), Val::Const(0)), mov(own(5), own(6))];
        let mut f = func(2, 0, code);
        run(&mut f);
        assert_eq!(kinds(&f), vec![mov(own(5), own(6))]);
    }

    #[test]
    fn a_frame_place_written_twice_is_written_once() {
        let frame = Val::Mem(Mem { base: Base::Frame(crate::hir::PouId(0)), offset: 0 });
        let mut f = func(0, 0, vec![mov(frame, Val::Const(0)), mov(frame, own(1))]);
        run(&mut f);
        assert_eq!(kinds(&f), vec![mov(frame, own(1))]);
        let read_between = vec![mov(frame, Val::Const(0)), mov(own(2), frame), mov(frame, own(1))];
        let mut f = func(0, 0, read_between.clone());
        run(&mut f);
        assert_eq!(kinds(&f), read_between);
    }

    #[test]
    fn what_may_trap_stays() {
        let args = [own(0), own(4), Val::Const(0)];
        let divide = InstKind::Apply { op: Op::Div, ty: bytecode::ScalarType::I32, source: None, dst: t(0), args };
        let mut f = func(1, 0, vec![divide]);
        run(&mut f);
        assert_eq!(kinds(&f), vec![divide]);
    }
}
