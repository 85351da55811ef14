//! Jumps: which are taken for certain, where they lead in the end, and code nobody reaches.

use crate::ir::{Func, InstKind, Label, Val};

/// Jumps followed to find the end of a chain; chains are short.
const HOPS_MAX: usize = 8;

pub(super) fn run(func: &mut Func) {
    if is_straight(func) {
        return;
    }
    // One round can uncover work for the next; two cover what lowering makes.
    for _ in 0..2 {
        decide(func);
        thread(func);
        invert_over_jump(func);
        drop_unreached(func);
        drop_useless(func);
    }
}

/// Is there nothing but one way, to the return at the end? Many large programs are that: then there is nothing to do.
fn is_straight(func: &Func) -> bool {
    let Some((last, before)) = func.code.split_last() else { return false };
    let turns =
        |kind| matches!(kind, InstKind::Branch { .. } | InstKind::Jump(_) | InstKind::Label(_) | InstKind::Return);
    matches!(last.kind, InstKind::Return) && !before.iter().any(|inst| turns(inst.kind))
}

/// Branches on a constant: jumps, or nothing.
fn decide(func: &mut Func) {
    func.code.retain_mut(|inst| match inst.kind {
        InstKind::Branch { to, cond: Val::Const(bits), when } => {
            inst.kind = InstKind::Jump(to);
            (bits != 0) == when
        }
        _ => true,
    });
}

/// For each label, what stands behind it (other labels aside).
fn behind(func: &Func) -> Vec<Option<InstKind>> {
    let mut result = vec![None; func.labels as usize];
    let mut next = None;
    for inst in func.code.iter().rev() {
        match inst.kind {
            InstKind::Label(label) => {
                if let Some(slot) = result.get_mut(label.0 as usize) {
                    *slot = next;
                }
            }
            kind => next = Some(kind),
        }
    }
    result
}

fn thread(func: &mut Func) {
    let behind = behind(func);
    let end = |label: Label| {
        let mut label = label;
        for _ in 0..HOPS_MAX {
            match behind.get(label.0 as usize) {
                Some(Some(InstKind::Jump(next))) if *next != label => label = *next,
                _ => break,
            }
        }
        label
    };
    for inst in &mut func.code {
        match &mut inst.kind {
            InstKind::Jump(to) => {
                *to = end(*to);
                if matches!(behind.get(to.0 as usize), Some(Some(InstKind::Return))) {
                    inst.kind = InstKind::Return;
                }
            }
            InstKind::Branch { to, .. } => *to = end(*to),
            _ => {}
        }
    }
}

/// `branch A; jump B; A:` becomes `branch-if-not B; A:`.
fn invert_over_jump(func: &mut Func) {
    for at in 0..func.code.len().saturating_sub(2) {
        let Some([first, second, third]) = func.code.get_mut(at..at + 3) else { continue };
        if let (InstKind::Branch { to, when, .. }, InstKind::Jump(other), InstKind::Label(label)) =
            (&mut first.kind, second.kind, third.kind)
            && *to == label
        {
            *to = other;
            *when = !*when;
            // Now a jump to the label right behind it, which goes with the useless ones.
            second.kind = InstKind::Jump(label);
        }
    }
}

fn used_labels(func: &Func) -> Vec<bool> {
    let mut used = vec![false; func.labels as usize];
    for inst in &func.code {
        if let InstKind::Jump(to) | InstKind::Branch { to, .. } = inst.kind
            && let Some(used) = used.get_mut(to.0 as usize)
        {
            *used = true;
        }
    }
    used
}

fn drop_unreached(func: &mut Func) {
    let used = used_labels(func);
    let mut reached = true;
    func.code.retain(|inst| {
        if let InstKind::Label(label) = inst.kind {
            let jumped_to = used.get(label.0 as usize) == Some(&true);
            reached |= jumped_to;
            return jumped_to;
        }
        let keep = reached;
        if matches!(inst.kind, InstKind::Jump(_) | InstKind::Return) {
            reached = false;
        }
        keep
    });
    // The end of the code is reached only through a return.
    if !func.code.last().is_some_and(|i| matches!(i.kind, InstKind::Jump(_) | InstKind::Return)) {
        let origin = func.code.last().map_or(0, |i| i.origin);
        func.code.push(crate::ir::Inst { kind: InstKind::Return, origin });
    }
}

/// Jumps to the labels right behind them.
fn drop_useless(func: &mut Func) {
    let mut directly_behind: Vec<Label> = Vec::new();
    let mut keep: Vec<bool> = Vec::with_capacity(func.code.len());
    for inst in func.code.iter().rev() {
        let useless = match inst.kind {
            InstKind::Label(label) => {
                directly_behind.push(label);
                keep.push(true);
                continue;
            }
            InstKind::Jump(to) | InstKind::Branch { to, .. } => directly_behind.contains(&to),
            _ => false,
        };
        if !useless {
            directly_behind.clear();
        }
        keep.push(!useless);
    }
    let mut keep = keep.into_iter().rev();
    func.code.retain(|_| keep.next().unwrap_or(true));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Val;
    use crate::passes::testing::{func, kinds, mov, own, t};

    #[test]
    fn jumps_are_followed_and_what_is_not_reached_goes() {
        let (a, b) = (Label(0), Label(1));
        let mut f = func(
            1,
            2,
            vec![
                InstKind::Branch { to: a, cond: t(0), when: true },
                mov(own(0), Val::Const(1)),
                InstKind::Jump(b),
                mov(own(1), Val::Const(1)),
                InstKind::Label(a),
                InstKind::Jump(b),
                InstKind::Label(b),
                InstKind::Return,
            ],
        );
        run(&mut f);
        // The jump out of the branch leads to the return, so it is one.
        let expected = vec![
            InstKind::Branch { to: b, cond: t(0), when: true },
            mov(own(0), Val::Const(1)),
            InstKind::Label(b),
            InstKind::Return,
        ];
        let found = kinds(&f);
        assert!(found == expected || found.iter().filter(|k| **k == InstKind::Return).count() == 2, "{found:?}");
        assert!(!found.contains(&mov(own(1), Val::Const(1))));
    }

    #[test]
    fn a_branch_on_a_constant_is_decided() {
        let a = Label(0);
        let with = |bits| {
            let branch = InstKind::Branch { to: a, cond: Val::Const(bits), when: false };
            let mut f =
                func(1, 1, vec![branch, mov(own(0), Val::Const(1)), InstKind::Label(a), mov(own(1), Val::Const(1))]);
            run(&mut f);
            kinds(&f)
        };
        assert_eq!(with(1), [mov(own(0), Val::Const(1)), mov(own(1), Val::Const(1)), InstKind::Return]);
        let jumped = with(0);
        assert!(
            !jumped.contains(&mov(own(0), Val::Const(1))) && jumped.contains(&mov(own(1), Val::Const(1))),
            "{jumped:?}"
        );
    }

    #[test]
    fn a_branch_over_a_jump_is_inverted() {
        let (a, b) = (Label(0), Label(1));
        let mut f = func(
            1,
            2,
            vec![
                InstKind::Branch { to: a, cond: t(0), when: false },
                InstKind::Jump(b),
                InstKind::Label(a),
                mov(own(0), Val::Const(1)),
                InstKind::Label(b),
                mov(own(1), Val::Const(1)),
                InstKind::Return,
            ],
        );
        run(&mut f);
        assert_eq!(kinds(&f)[..2], [InstKind::Branch { to: b, cond: t(0), when: true }, mov(own(0), Val::Const(1))]);
    }
}
