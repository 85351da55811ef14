//! `t := a op b; m := t` becomes `m := a op b` where nothing in between touches `m` and nobody else reads `t`.

use crate::ir::{Base, Func, InstKind, Mem, Val};
use bytecode::Op;

/// How far back the operation may stand.
const REACH: usize = 6;

pub(super) fn run(func: &mut Func) {
    let (reads, writes) = counts(func);
    for at in 0..func.code.len() {
        let Some(InstKind::Apply { op: Op::Mov, dst, args: [Val::Temp(temp), ..], .. }) =
            func.code.get(at).map(|i| i.kind)
        else {
            continue;
        };
        let once = |counts: &[u32]| counts.get(temp.0 as usize) == Some(&1);
        if !once(&reads) || !once(&writes) {
            continue;
        }
        if let Some(from) = source(func, at, Val::Temp(temp), dst)
            && let Some(inst) = func.code.get_mut(from)
            && let Some(place) = inst.kind.written_mut()
        {
            *place = dst;
            // The copy now copies the variable to itself, which the next pass drops.
            if let Some(InstKind::Apply { args: [src, ..], .. }) = func.code.get_mut(at).map(|i| &mut i.kind) {
                *src = dst;
            }
        }
    }
}

fn counts(func: &Func) -> (Vec<u32>, Vec<u32>) {
    let mut reads = vec![0; func.temps.len()];
    let mut writes = vec![0; func.temps.len()];
    let count = |counts: &mut Vec<u32>, val: Val| {
        if let Val::Temp(temp) = val
            && let Some(n) = counts.get_mut(temp.0 as usize)
        {
            *n += 1;
        }
    };
    for inst in &func.code {
        let mut kind = inst.kind;
        kind.reads(|val, _| count(&mut reads, *val));
        if let Some((dst, _)) = kind.written() {
            count(&mut writes, dst);
        }
    }
    (reads, writes)
}

/// Where `temp` is computed, if its result may go to `dst` already there.
fn source(func: &Func, at: usize, temp: Val, dst: Val) -> Option<usize> {
    for from in (at.saturating_sub(REACH)..at).rev() {
        let mut kind = func.code.get(from)?.kind;
        if kind.written().is_some_and(|(written, _)| written == temp) {
            return (!matches!(kind, InstKind::Bound { .. })).then_some(from);
        }
        let to_image = matches!(dst, Val::Mem(Mem { base: Base::Image, .. }));
        let bit = matches!(kind, InstKind::LoadBit { .. } | InstKind::StoreBit { .. });
        let mut touches = !(matches!(kind, InstKind::Apply { .. }) || (bit && !to_image));
        let meets = |val: Val| match (val, dst) {
            (Val::Mem(a), Val::Mem(b)) => a.may_alias(8, b, 8),
            (a, b) => a == b,
        };
        kind.reads(|val, _| touches |= meets(*val));
        touches |= kind.written().is_some_and(|(written, _)| meets(written));
        if touches {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passes::testing::{func, kinds, mov, op, own, t};

    #[test]
    fn a_result_goes_where_it_is_copied_to() {
        let mut f = func(1, 0, vec![op(Op::And, t(0), own(0), own(1)), mov(own(9), t(0))]);
        run(&mut f);
        assert_eq!(kinds(&f)[0], op(Op::And, own(9), own(0), own(1)));
    }

    #[test]
    fn not_when_the_variable_is_read_in_between() {
        let code = vec![op(Op::And, t(0), own(0), own(1)), mov(own(20), own(9)), mov(own(9), t(0))];
        let mut f = func(1, 0, code.clone());
        run(&mut f);
        assert_eq!(kinds(&f), code);
    }

    #[test]
    fn not_when_somebody_else_reads_the_result() {
        let code = vec![op(Op::And, t(0), own(0), own(1)), mov(own(9), t(0)), mov(own(30), t(0))];
        let mut f = func(1, 0, code.clone());
        run(&mut f);
        assert_eq!(kinds(&f), code);
    }
}
