//! Loop-invariant code: what a loop computes anew in every turn, always the same, is computed before it.
//!
//! Only operations without any effect but their result, which cannot trap, move: so it does not matter that the loop might
//! not have come to them. Inner loops come first, and what leaves one may leave the next one, too.

use crate::ir::{Base, Func, Inst, InstKind, Label, Mem, Val};
use bytecode::Op;
use bytecode::image::Access;

/// Operations that leave one loop, at most: each holds a value as long as the loop runs.
const LEAVING_MAX: usize = 8;
/// Instructions looked at, per instruction of the code: bounds deep nests.
const WORK_FACTOR: usize = 16;

pub(super) fn run(func: &mut Func) {
    let mut loops = loops(func);
    if loops.is_empty() {
        return;
    }
    // Inner ones are shorter.
    loops.sort_by_key(|(head, end)| (end - head, *head));
    let written = times_written(func);
    let mut work = func.code.len().saturating_mul(WORK_FACTOR);
    // Loops around one stay where they are, and those inside it are done.
    for (head, end) in loops {
        let Some(left) = work.checked_sub(end - head) else { return };
        work = left;
        let leaving = leaving(func, head, end, &written);
        move_before(func, head, &leaving);
    }
}

/// Loops as the positions of their head's label and of the jump back, where nothing enters but from above.
fn loops(func: &Func) -> Vec<(usize, usize)> {
    let mut position = vec![usize::MAX; func.labels as usize];
    let mut jumps: Vec<(usize, usize)> = Vec::new();
    let mut found: Vec<(usize, usize)> = Vec::new();
    for (at, inst) in func.code.iter().enumerate() {
        if let InstKind::Label(Label(label)) = inst.kind
            && let Some(slot) = position.get_mut(label as usize)
        {
            *slot = at;
        }
    }
    for (at, inst) in func.code.iter().enumerate() {
        if let InstKind::Jump(Label(label)) | InstKind::Branch { to: Label(label), .. } = inst.kind {
            let to = position.get(label as usize).copied().unwrap_or(usize::MAX);
            jumps.push((to, at));
            if to < at {
                found.push((to, at));
            }
        }
    }
    jumps.sort_unstable();
    found.retain(|(head, end)| {
        let falls_in = head.checked_sub(1).and_then(|before| func.code.get(before));
        let from = jumps.partition_point(|(to, _)| to < head);
        let into = jumps.get(from..).unwrap_or_default().iter().take_while(|(to, _)| to <= end);
        // One way back, so that the loop is these instructions and no more.
        let ways_back = jumps.iter().skip(from).take_while(|(to, _)| to == head).count();
        falls_in.is_none_or(|inst| !matches!(inst.kind, InstKind::Jump(_) | InstKind::Return))
            && into.into_iter().all(|(_, at)| (head..=end).contains(&at))
            && ways_back == 1
    });
    found
}

fn times_written(func: &Func) -> Vec<u32> {
    let mut times = vec![0; func.temps.len()];
    for inst in &func.code {
        if let Some((Val::Temp(temp), _)) = inst.kind.written()
            && let Some(n) = times.get_mut(temp.0 as usize)
        {
            *n += 1;
        }
    }
    times
}

/// What a loop writes.
#[derive(Default)]
struct Writes {
    temps: Vec<Val>,
    places: Vec<(Mem, u32)>,
    /// Any variable may be written.
    anything: bool,
}

impl Writes {
    fn of(code: &[Inst]) -> Self {
        let mut writes = Self::default();
        for inst in code {
            match inst.kind.written() {
                Some((Val::Mem(place), ty)) => writes.places.push((place, ty.size())),
                Some((temp, _)) => writes.temps.push(temp),
                None => {}
            }
            match inst.kind {
                InstKind::StoreBit { byte, .. } => writes.places.push((Mem { base: Base::Image, offset: byte }, 1)),
                InstKind::Store { ty, base, access, .. } => {
                    let Access { count, stride, .. } = access;
                    let bytes = count.saturating_sub(1).saturating_mul(stride).saturating_add(ty.size());
                    writes.places.push((base, bytes));
                }
                InstKind::Copy { .. }
                | InstKind::Initialise { .. }
                | InstKind::Bind { .. }
                | InstKind::BindElement { .. }
                | InstKind::Call(..) => writes.anything = true,
                _ => {}
            }
        }
        writes
    }

    /// Does the operand hold the same in every turn?
    fn leave(&self, val: Val, size: u32) -> bool {
        match val {
            Val::Const(_) => true,
            Val::Temp(_) => !self.temps.contains(&val),
            // A reference may only be followed where the code said so.
            Val::Mem(Mem { base: Base::Ref(_), .. }) => false,
            Val::Mem(place) => {
                !self.anything && !self.places.iter().any(|(other, bytes)| place.may_alias(size, *other, *bytes))
            }
        }
    }
}

/// Positions in the loop of what can leave it, in order.
fn leaving(func: &Func, head: usize, end: usize, times_written: &[u32]) -> Vec<usize> {
    let code = func.code.get(head..=end).unwrap_or_default();
    let mut writes = Writes::of(code);
    let mut found = Vec::new();
    for (at, inst) in code.iter().enumerate() {
        let InstKind::Apply { op, dst: dst @ Val::Temp(temp), .. } = inst.kind else { continue };
        let once = times_written.get(temp.0 as usize) == Some(&1);
        let mut same = once && op != Op::Mov && inst.kind.is_pure();
        let mut kind = inst.kind;
        kind.reads(|val, ty| same &= writes.leave(*val, ty.size()));
        if same {
            found.push(head + at);
            writes.temps.retain(|temp| *temp != dst);
            if found.len() == LEAVING_MAX {
                break;
            }
        }
    }
    found
}

fn move_before(func: &mut Func, head: usize, leaving: &[usize]) {
    let Some(last) = leaving.last() else { return };
    // Down from the last: each passes those that stay.
    let Some(stretch) = func.code.get_mut(head..=*last) else { return };
    let (mut moved, mut stay) = (Vec::with_capacity(leaving.len()), Vec::with_capacity(stretch.len()));
    for (at, inst) in stretch.iter().enumerate() {
        let goes = leaving.binary_search(&(head + at)).is_ok();
        if goes { moved.push(*inst) } else { stay.push(*inst) }
    }
    for (slot, inst) in stretch.iter_mut().zip(moved.into_iter().chain(stay)) {
        *slot = inst;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passes::testing::{func, kinds, mov, op, own, t};

    fn after(code: Vec<InstKind>) -> Vec<InstKind> {
        let mut f = func(8, 3, code);
        run(&mut f);
        kinds(&f)
    }

    fn turn(body: Vec<InstKind>) -> Vec<InstKind> {
        let mut code = vec![InstKind::Label(Label(0))];
        code.extend(body);
        code.push(InstKind::Branch { to: Label(0), cond: own(7), when: true });
        code.push(InstKind::Return);
        code
    }

    #[test]
    fn what_does_not_change_is_computed_before_the_loop() {
        let (first, second) = (op(Op::And, t(0), own(0), own(1)), op(Op::Or, t(1), t(0), own(2)));
        let found = after(turn(vec![mov(own(5), own(6)), first, second, mov(own(7), t(1))]));
        assert_eq!(found[..3], [first, second, InstKind::Label(Label(0))]);
    }

    #[test]
    fn what_the_loop_may_change_stays() {
        let invariant = op(Op::And, t(0), own(0), own(1));
        let call = InstKind::Call(crate::hir::PouId(1), crate::ir::Target::Function);
        let behind = Val::Mem(Mem { base: Base::Ref(0), offset: 0 });
        for other in [mov(own(0), own(3)), call, mov(behind, own(3))] {
            let code = turn(vec![invariant, mov(own(7), t(0)), other]);
            assert_eq!(after(code.clone()), code, "{other:?}");
        }
        // Could trap, or is written twice.
        let divide = InstKind::Apply {
            op: Op::Div,
            ty: bytecode::ScalarType::I32,
            source: None,
            dst: t(0),
            args: [own(0), own(4), Val::Const(0)],
        };
        let code = turn(vec![divide]);
        assert_eq!(after(code.clone()), code);
        let code = turn(vec![invariant, mov(t(0), Val::Const(1))]);
        assert_eq!(after(code.clone()), code);
    }

    #[test]
    fn out_of_an_inner_loop_and_the_one_around_it() {
        let invariant = op(Op::And, t(0), own(0), own(1));
        let inner = Label(1);
        let found = after(turn(vec![
            InstKind::Label(inner),
            invariant,
            mov(own(3), t(0)),
            InstKind::Branch { to: inner, cond: own(6), when: true },
        ]));
        assert_eq!(found[..3], [invariant, InstKind::Label(Label(0)), InstKind::Label(inner)]);
    }

    #[test]
    fn not_out_of_what_is_entered_from_elsewhere() {
        let mut code = vec![InstKind::Jump(Label(1))];
        code.extend(turn(vec![op(Op::And, t(0), own(0), own(1)), InstKind::Label(Label(1))]));
        assert_eq!(after(code.clone()), code);
    }
}
