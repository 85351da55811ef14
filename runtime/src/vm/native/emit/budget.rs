//! Traps, and the budget whose end is one of them.

use super::super::abi::{Record, TRAPPED};
use super::super::code_number;
use super::super::flat::Line;
use super::{Defect, Done, Emit, field, flags};
use crate::vm::trap::TrapCode;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{BlockArg, InstBuilder, Value, types};
use std::mem::offset_of;

impl Emit<'_, '_> {
    pub(super) fn via(&self) -> u32 {
        self.scope.via.unwrap_or(self.line.pc)
    }

    /// Ends the function with a trap where the condition holds; `value` makes the trap's value there.
    pub(in super::super) fn trap_if(
        &mut self,
        condition: Value,
        code: TrapCode,
        value: impl FnOnce(&mut Self) -> Value,
    ) {
        let (failed, next) = (self.cold_block(), self.b.create_block());
        self.b.ins().brif(condition, failed, &[], next, &[]);
        self.b.switch_to_block(failed);
        self.b.seal_block(failed);
        let value = value(self);
        self.trap(code, value);
        self.b.switch_to_block(next);
        self.b.seal_block(next);
    }

    pub(super) fn trap(&mut self, code: TrapCode, value: Value) {
        let (pc, via) = (i64::from(self.line.pc), i64::from(self.via()));
        let code = self.b.ins().iconst(types::I32, i64::from(code_number(code)));
        let pc = self.b.ins().iconst(types::I32, pc);
        let via = self.b.ins().iconst(types::I32, via);
        let left = self.b.use_var(self.left);
        let args = [code, pc, via, value, left].map(BlockArg::Value);
        self.b.ins().jump(self.trap_block, &args);
    }

    /// Where all traps of the function end.
    pub(super) fn trap_tail(&mut self) {
        let block = self.trap_block;
        let params = [types::I32, types::I32, types::I32, types::I64, types::I64];
        let [code, pc, via, value, left] = params.map(|ty| self.b.append_block_param(block, ty));
        self.b.set_cold_block(block);
        self.b.switch_to_block(block);
        let fields = [
            (code, offset_of!(Record, code)),
            (pc, offset_of!(Record, pc)),
            (via, offset_of!(Record, via)),
            (value, offset_of!(Record, value)),
            (left, offset_of!(Record, left)),
        ];
        for (value, offset) in fields {
            self.b.ins().store(flags(), value, self.record, field(offset));
        }
        self.finish(TRAPPED);
    }

    pub(super) fn load_left(&mut self) {
        let left = self.b.ins().load(types::I64, flags(), self.record, field(offset_of!(Record, left)));
        self.b.def_var(self.left, left);
    }

    pub(super) fn save_left(&mut self) {
        let left = self.b.use_var(self.left);
        self.b.ins().store(flags(), left, self.record, field(offset_of!(Record, left)));
    }

    /// Charges the budget for the line at hand, and for those that its check serves, too.
    pub(in super::super) fn charge(&mut self) -> Done {
        if self.plan.is_charged_before(self.at) {
            return Ok(());
        }
        let charges: Vec<(Line, u32)> = self
            .plan
            .charges(self.at)
            .filter_map(|at| {
                let line = *self.flat.lines.get(at as usize)?;
                Some((line, *self.program.instr(line)?.w.first()?))
            })
            .collect();
        let left = self.b.use_var(self.left);
        let total: i64 = charges.iter().map(|(_, units)| i64::from(*units)).sum();
        let total = self.b.ins().iconst(types::I64, total);
        let short = self.b.ins().icmp(IntCC::UnsignedLessThan, left, total);
        let (failed, next) = (self.cold_block(), self.b.create_block());
        self.b.ins().brif(short, failed, &[], next, &[]);
        self.b.switch_to_block(failed);
        self.b.seal_block(failed);
        self.short_of(&charges)?;
        self.b.switch_to_block(next);
        self.b.seal_block(next);
        let left = self.b.ins().isub(left, total);
        self.b.def_var(self.left, left);
        // In a region the mark of its first charge stands: a store in every turn would be half the work of a small loop. The
        // entry of what is inlined says nothing: where it can hang, in a loop, it leaves a mark of its own.
        let unit = self.program.image.pous.get(self.scope.pou as usize);
        let is_entry = unit.is_some_and(|unit| unit.entry == self.line.pc);
        let enters = self.scope.via.is_some() && is_entry && !self.plan.is_head(self.at);
        if self.region().is_none() && !enters {
            self.leave_mark(self.line.pc);
        }
        Ok(())
    }

    /// Leaves word of where the program is: a plain store, as a relaxed atomic one is.
    pub(super) fn leave_mark(&mut self, pc: u32) {
        let mark = self.b.ins().load(types::I64, flags(), self.record, field(offset_of!(Record, mark)));
        let pc = self.b.ins().iconst(types::I32, i64::from(pc));
        self.b.ins().store(flags(), pc, mark, 0);
    }

    /// Traps at the first of these charges that is not covered; one is not.
    fn short_of(&mut self, charges: &[(Line, u32)]) -> Done {
        let (line, scope) = (self.line, self.scope);
        for (number, (charge, units)) in charges.iter().enumerate() {
            self.line = *charge;
            self.scope = *self.flat.scopes.get(charge.scope as usize).ok_or(Defect)?;
            let zero = self.b.ins().iconst(types::I64, 0);
            if number + 1 == charges.len() {
                self.trap(TrapCode::BudgetSpent, zero);
                break;
            }
            let left = self.b.use_var(self.left);
            let units = self.b.ins().iconst(types::I64, i64::from(*units));
            let short = self.b.ins().icmp(IntCC::UnsignedLessThan, left, units);
            self.trap_if(short, TrapCode::BudgetSpent, |_| zero);
            let left = self.b.ins().isub(left, units);
            self.b.def_var(self.left, left);
        }
        (self.line, self.scope) = (line, scope);
        Ok(())
    }
}
