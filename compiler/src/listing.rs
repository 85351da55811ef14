//! The intermediate code as text, as it is lowered and after each pass that changes it: for people who want to see what
//! the optimiser makes of their program. The form is for reading only; nothing reads it back.
//!
//! `t3` is a temporary, `own+4` a place of the instance, `global+8`, `image+1` and `ref0+4` places elsewhere, `Name+0` the
//! frame of a function. A comment names the source line where it changes.

use crate::codegen::{self, layout::Layout};
use crate::compile::lowered_all;
use crate::diag::Diagnostic;
use crate::hir::Program;
use crate::ir::{Base, Func, Inst, InstKind, Mem, Target, Val, arity, operand_type};
use crate::passes;
use crate::source::SourceMap;
use bytecode::ScalarType;
use bytecode::isa::Op;
use std::collections::HashMap;
use std::fmt::Write;

/// The code of every unit at every stage of a typed program that has no errors; a stage that changed nothing is left out.
///
/// # Errors
/// As for [`crate::compile::generate`]: a limit of the image format is exceeded.
pub fn stages(sources: &SourceMap, program: &Program) -> Result<String, Box<Diagnostic>> {
    let layout = Layout::new(program).map_err(|e| codegen::too_large(program, e.0))?;
    let mut funcs = lowered_all(program, &layout)?;
    let mut text = String::new();
    let mut last: HashMap<crate::hir::PouId, String> = HashMap::new();
    let mut watch = |stage: &str, func: &Func| {
        let lines = Lines { sources, program }.of(func);
        if last.get(&func.pou) != Some(&lines) {
            let name = &program.pous[func.pou].name;
            // Writing to a String does not fail.
            let _ = writeln!(text, "; {name}: {stage}, {} instructions\n{lines}", func.code.len());
            last.insert(func.pou, lines);
        }
    };
    for func in &funcs {
        watch("as lowered", func);
    }
    passes::optimise_watched(program, &layout, &mut funcs, &mut watch);
    Ok(text)
}

struct Lines<'a> {
    sources: &'a SourceMap,
    program: &'a Program,
}

impl Lines<'_> {
    fn of(&self, func: &Func) -> String {
        let mut text = String::new();
        let mut line_before = None;
        for Inst { kind, origin } in &func.code {
            let line = func.origins.get(*origin as usize).map(|o| {
                let file = self.sources.get(o.span.file).filter(|_| !o.library);
                file.map_or(("the library".to_owned(), 0), |f| (f.name().to_owned(), f.line_column(o.span.start).line))
            });
            if let Some((file, number)) = line.as_ref().filter(|_| line != line_before) {
                let _ = if *number == 0 { writeln!(text, "; {file}") } else { writeln!(text, "; {file}:{number}") };
            }
            line_before = line;
            let indent = if matches!(kind, InstKind::Label(_)) { "" } else { "    " };
            let _ = writeln!(text, "{indent}{}", self.instruction(kind));
        }
        text
    }

    fn instruction(&self, kind: &InstKind) -> String {
        let bool_value = |val: &Val| self.value(*val, ScalarType::Bool);
        match kind {
            InstKind::Apply { op, ty, source, dst, args } => self.apply(*op, (*ty, *source), *dst, args),
            InstKind::LoadBit { dst, byte, bit } => format!("{} := image+{byte}.{bit}", bool_value(dst)),
            InstKind::StoreBit { byte, bit, src } => format!("image+{byte}.{bit} := {}", bool_value(src)),
            InstKind::Load { ty, dst, base, index, .. } => {
                format!("{} := {}", self.value(*dst, *ty), self.element(*base, *index))
            }
            InstKind::Store { ty, base, index, src, .. } => {
                format!("{} := {}", self.element(*base, *index), self.value(*src, *ty))
            }
            InstKind::Bound { ty, dst, index, lower, upper } => {
                let (dst, index) = (self.value(*dst, ScalarType::I32), self.value(*index, *ty));
                format!("{dst} := {index} within {lower}..{upper}, from {lower}")
            }
            InstKind::Copy { dst, src, .. } => format!("{} := whole {}", self.place(*dst), self.place(*src)),
            InstKind::Initialise { dst, pou, var } => {
                let unit = &self.program.pous[*pou];
                format!("{} := initial value of {}.{}", self.place(*dst), unit.name, unit.vars[*var].name)
            }
            InstKind::Bind { pou, reference, place } => {
                format!("{} ref{reference} -> {}", self.program.pous[*pou].name, self.place(*place))
            }
            InstKind::BindElement { reference, base, index, .. } => {
                format!("ref{reference} -> {}", self.element(*base, *index))
            }
            InstKind::Label(label) => format!("L{}:", label.0),
            InstKind::Jump(label) => format!("jump L{}", label.0),
            InstKind::Branch { to, cond, when } => {
                format!("{} {} jump L{}", if *when { "if" } else { "unless" }, bool_value(cond), to.0)
            }
            InstKind::Call(pou, target) => {
                let name = &self.program.pous[*pou].name;
                match target {
                    Target::Function => format!("call {name}"),
                    Target::Instance(place) => format!("call {name} on {}", self.place(*place)),
                }
            }
            InstKind::Return => "return".to_owned(),
        }
    }

    fn apply(&self, op: Op, (ty, source): (ScalarType, Option<ScalarType>), dst: Val, args: &[Val; 3]) -> String {
        let operand = |(i, arg): (usize, &Val)| self.value(*arg, operand_type(op, ty, source, i));
        let operands: Vec<String> = args.iter().take(arity(op)).enumerate().map(operand).collect();
        let dst = self.value(dst, ty);
        let types = source.map_or_else(|| ty.name().to_owned(), |from| format!("{}.{}", ty.name(), from.name()));
        if op == Op::Mov {
            return format!("{dst} := {}", operands.concat());
        }
        format!("{dst} := {}.{types} {}", op.mnemonic(), operands.join(", "))
    }

    fn element(&self, base: Mem, index: Val) -> String {
        format!("{}[{}]", self.place(base), self.value(index, ScalarType::I32))
    }

    fn value(&self, val: Val, ty: ScalarType) -> String {
        match val {
            Val::Const(bits) => constant(bits, ty),
            Val::Temp(temp) => format!("t{}", temp.0),
            Val::Mem(place) => self.place(place),
        }
    }

    fn place(&self, Mem { base, offset }: Mem) -> String {
        match base {
            Base::Own => format!("own+{offset}"),
            Base::Frame(pou) => format!("{}+{offset}", self.program.pous[pou].name),
            Base::Global => format!("global+{offset}"),
            Base::Image => format!("image+{offset}"),
            Base::Ref(number) => format!("ref{number}+{offset}"),
        }
    }
}

/// A constant as its type shows it.
fn constant(bits: u64, ty: ScalarType) -> String {
    match ty {
        ScalarType::Bool => if bits == 0 { "FALSE" } else { "TRUE" }.to_owned(),
        ScalarType::F32 => format!("{:?}", f32::from_bits(u32::try_from(bits & 0xffff_ffff).unwrap_or(0))),
        ScalarType::F64 => format!("{:?}", f64::from_bits(bits)),
        ScalarType::I8 | ScalarType::I16 | ScalarType::I32 | ScalarType::I64 => {
            let unused = 64 - ty.bits();
            ((bits << unused).cast_signed() >> unused).to_string()
        }
        ScalarType::U8 | ScalarType::U16 | ScalarType::U32 | ScalarType::U64 => bits.to_string(),
    }
}
