//! Numbers without gaps: temporaries, labels and origins that no instruction mentions any more are forgotten.
//!
//! Inlining copies these tables with the code. Without this pass they would keep what inner bodies once needed, and a
//! chain of small functions that call each other would grow with the square of its length.

use crate::ir::{Func, InstKind, Label, Temp, Val};

/// Old numbers to new ones, given in the order of first mention.
struct Numbers {
    new: Vec<Option<u32>>,
    old: Vec<u32>,
}

impl Numbers {
    fn new(len: usize) -> Self {
        Self { new: vec![None; len], old: Vec::new() }
    }

    /// The new number. A number outside of the table stays what it is.
    fn of(&mut self, old: u32) -> u32 {
        let Some(slot) = self.new.get_mut(old as usize) else { return old };
        let old_numbers = &mut self.old;
        *slot.get_or_insert_with(|| {
            old_numbers.push(old);
            u32::try_from(old_numbers.len() - 1).unwrap_or(u32::MAX)
        })
    }

    /// The entries of the table that are still mentioned, in their new order.
    fn kept<T: Copy>(&self, table: &[T]) -> Vec<T> {
        self.old.iter().filter_map(|old| table.get(*old as usize).copied()).collect()
    }
}

pub(super) fn run(func: &mut Func) {
    let mut temps = Numbers::new(func.temps.len());
    let mut labels = Numbers::new(func.labels as usize);
    let mut origins = Numbers::new(func.origins.len());
    for inst in &mut func.code {
        inst.origin = origins.of(inst.origin);
        let mut temp = |val: &mut Val| {
            if let Val::Temp(Temp(number)) = val {
                *number = temps.of(*number);
            }
        };
        inst.kind.reads(|val, _| temp(val));
        if let Some(dst) = inst.kind.written_mut() {
            temp(dst);
        }
        match &mut inst.kind {
            InstKind::Label(Label(label))
            | InstKind::Jump(Label(label))
            | InstKind::Branch { to: Label(label), .. } => {
                *label = labels.of(*label);
            }
            _ => {}
        }
    }
    func.temps = temps.kept(&func.temps);
    func.origins = origins.kept(&func.origins);
    func.labels = u32::try_from(labels.old.len()).unwrap_or(u32::MAX);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passes::testing::{func, kinds, mov, own, t};

    #[test]
    fn what_is_not_mentioned_goes() {
        let code = vec![InstKind::Jump(Label(4)), mov(t(7), own(0)), mov(own(1), t(7)), InstKind::Label(Label(4))];
        let mut f = func(9, 6, code);
        run(&mut f);
        let expected = [InstKind::Jump(Label(0)), mov(t(0), own(0)), mov(own(1), t(0)), InstKind::Label(Label(0))];
        assert_eq!(kinds(&f), expected);
        assert_eq!((f.temps.len(), f.labels), (1, 1));
    }
}
