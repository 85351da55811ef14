//! Runs conformance cases.

use crate::case::{Case, Step, Value, period_ns};
use bytecode::scalar::{Scalar, ScalarType};
use bytecode::{Image, VerifiedImage};
use compiler::ast::LiteralKind;
use compiler::diag::{Style, render_all};
use compiler::source::{SourceMap, Span};
use compiler::{Options, compile};
use runtime::vm::reference::Reference;
use runtime::vm::{Budget, Engine, Interpreter, Memory, Native, Trap};
use std::path::Path;

/// Units a scan may spend: enough for every conformance program that ends.
const BUDGET: u64 = 10_000_000;

/// Compiles, verifies and runs the program at `path` as the file beside it says.
///
/// # Errors
/// What was not as expected, with the step.
pub fn run_file(path: &Path) -> Result<(), String> {
    let beside = path.with_extension("yaml");
    let text = std::fs::read_to_string(&beside).map_err(|e| format!("{}: {e}", beside.display()))?;
    let case: Case = serde_yaml::from_str(&text).map_err(|e| format!("{}: {e}", beside.display()))?;
    let mut map = SourceMap::new();
    let mut ids = Vec::new();
    let others = case.with.iter().map(|name| path.with_file_name(name));
    for file in std::iter::once(path.to_path_buf()).chain(others) {
        let text = std::fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
        ids.push(map.add(file.display().to_string(), text));
    }
    for optimise in [false, true] {
        let compiled = compile(&map, &ids, Options { optimise });
        let shown = || render_all(&map, &compiled.diagnostics, Style::Plain);
        let Some(image) = compiled.image.clone() else { return Err(format!("does not compile:\n{}", shown())) };
        let found: Vec<&str> = compiled.diagnostics.iter().map(|d| d.code.as_str()).collect();
        if let Some(warnings) = case.warnings.as_ref().filter(|w| found != **w) {
            return Err(format!("findings {found:?}, expected {warnings:?}:\n{}", shown()));
        }
        let verified = bytecode::verify::verify(image).map_err(|e| format!("optimise={optimise}: {e}"))?;
        run_case(&case, &verified).map_err(|e| format!("optimise={optimise}: {e}"))?;
    }
    Ok(())
}

fn run_case(case: &Case, image: &VerifiedImage) -> Result<(), String> {
    let period = period_ns(&case.scan)?;
    let mut machines = Machines::new(image);
    let mut now_ns = 0i64;
    for (number, step) in case.steps.iter().enumerate() {
        let at = |e: String| format!("step {number}: {e}");
        for (name, value) in &step.set {
            machines.write(name, value).map_err(at)?;
        }
        for scan in 0..step.scans.max(1) {
            let result = machines.scan(now_ns).map_err(at)?;
            now_ns += period;
            let last = scan + 1 == step.scans.max(1);
            check_fault(step, last, result, image.image()).map_err(at)?;
        }
        if step.fault.is_some() {
            // What is in memory after a fault is diagnostic only.
            return Ok(());
        }
        for (name, value) in &step.expect {
            machines.expect(name, value).map_err(at)?;
        }
    }
    Ok(())
}

fn check_fault(step: &Step, last: bool, result: Option<Trap>, image: &Image) -> Result<(), String> {
    match (result, &step.fault) {
        (None, None) => Ok(()),
        (None, Some(_)) if !last => Ok(()),
        (None, Some(code)) => Err(format!("no fault, {code} was expected")),
        (Some(trap), expected) => {
            let place = trap.describe(image);
            let as_expected = expected.as_deref() == Some(trap.code.code())
                && step.line.is_none_or(|line| line == place.line)
                && step.column.is_none_or(|column| column == place.column)
                && step.unit.as_ref().is_none_or(|unit| *unit == place.pou)
                && step.rung.as_ref().is_none_or(|rung| *rung == place.rung)
                && step.value.is_none_or(|value| value == trap.value);
            if as_expected {
                return Ok(());
            }
            Err(format!("fault `{place}` with value {}, expected {step:?}", trap.value))
        }
    }
}

/// The same image on every engine.
struct Machines<'a> {
    image: &'a Image,
    reference: (Reference, Memory),
    interpreter: (Interpreter, Memory),
    native: (Native, Memory),
}

impl<'a> Machines<'a> {
    fn new(image: &'a VerifiedImage) -> Self {
        Self {
            image: image.image(),
            reference: (Reference::load(image), Memory::new(image.image())),
            interpreter: (Interpreter::load(image), Memory::new(image.image())),
            native: (Native::load(image), Memory::new(image.image())),
        }
    }

    /// Runs every program once on all engines, which have to agree.
    fn scan(&mut self, now_ns: i64) -> Result<Option<Trap>, String> {
        for program in 0..self.image.programs.len() {
            let mut left = Budget::new(BUDGET);
            let expected = self.reference.0.run(&mut self.reference.1, program, now_ns, &mut left);
            let expected = (expected, left);
            alike(&mut self.interpreter, program, now_ns, expected)?;
            alike(&mut self.native, program, now_ns, expected)?;
            if let Err(trap) = expected.0 {
                return Ok(Some(trap));
            }
        }
        self.same_data("interpreter", &self.interpreter.1)?;
        self.same_data("native", &self.native.1)?;
        Ok(None)
    }

    fn same_data(&self, engine: &str, memory: &Memory) -> Result<(), String> {
        // Behind the program instances stand frames: what a POU leaves there when it returns means nothing.
        let ends = self.image.programs.iter().filter_map(|p| {
            let ty = self.image.pou(p.pou)?.instance?;
            Some((p.offset + self.image.ty(ty)?.size) as usize)
        });
        let end = ends.max().unwrap_or(0);
        let (one, two) = (self.reference.1.data(), memory.data());
        match one.iter().take(end).zip(two).enumerate().find(|(_, (a, b))| a != b) {
            Some((at, (a, b))) => Err(format!("byte {at} of the data segment: reference {a}, {engine} {b}")),
            None => Ok(()),
        }
    }

    fn write(&mut self, name: &str, value: &Value) -> Result<(), String> {
        let variable = self.image.variable(name).map_err(|e| e.to_string())?;
        let ty = self.image.scalar_of(&variable).ok_or_else(|| format!("`{name}` is not a single value"))?;
        let bits = bits_of(value, ty)?;
        for memory in [&mut self.reference.1, &mut self.interpreter.1, &mut self.native.1] {
            if !memory.write(variable.place, ty, bits) {
                return Err(format!("`{name}` cannot be written"));
            }
        }
        Ok(())
    }

    fn expect(&self, name: &str, value: &Value) -> Result<(), String> {
        let variable = self.image.variable(name).map_err(|e| e.to_string())?;
        let ty = self.image.scalar_of(&variable).ok_or_else(|| format!("`{name}` is not a single value"))?;
        let found = self.reference.1.read(variable.place, ty).ok_or_else(|| format!("`{name}` cannot be read"))?;
        let wanted = bits_of(value, ty)?;
        if same(found, wanted, ty) { Ok(()) } else { Err(format!("{name} is {}, expected {value:?}", show(found, ty))) }
    }
}

/// Runs a program on an engine, which has to end as the reference engine did.
fn alike<E: Engine>(
    (engine, memory): &mut (E, Memory),
    program: usize,
    now_ns: i64,
    (expected, left): (Result<(), Trap>, Budget),
) -> Result<(), String> {
    let mut budget = Budget::new(BUDGET);
    let got = engine.run(memory, program, now_ns, &mut budget);
    if got == expected && budget == left {
        return Ok(());
    }
    let (left, budget) = (left.left(), budget.left());
    Err(format!("the engines differ: reference {expected:?} with {left} left, {} {got:?} with {budget}", engine.name()))
}

/// Reals may differ in the last digits: expectations are written in decimal.
fn same(a: u64, b: u64, ty: ScalarType) -> bool {
    match ty {
        ScalarType::F32 => {
            near(f64::from(<f32 as Scalar>::from_bits(a)), f64::from(<f32 as Scalar>::from_bits(b)), 1e-6)
        }
        ScalarType::F64 => near(f64::from_bits(a), f64::from_bits(b), 1e-14),
        ScalarType::Bool
        | ScalarType::I8
        | ScalarType::U8
        | ScalarType::I16
        | ScalarType::U16
        | ScalarType::I32
        | ScalarType::U32
        | ScalarType::I64
        | ScalarType::U64 => a == b,
    }
}

fn near(a: f64, b: f64, relative: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= relative * a.abs().max(b.abs())
}

fn show(bits: u64, ty: ScalarType) -> String {
    match ty {
        ScalarType::Bool => (bits != 0).to_string(),
        ScalarType::F32 => <f32 as Scalar>::from_bits(bits).to_string(),
        ScalarType::F64 => f64::from_bits(bits).to_string(),
        ScalarType::I8
        | ScalarType::U8
        | ScalarType::I16
        | ScalarType::U16
        | ScalarType::I32
        | ScalarType::U32
        | ScalarType::I64
        | ScalarType::U64 => compiler::evaluate::bits_int(bits, ty).to_string(),
    }
}

fn bits_of(value: &Value, ty: ScalarType) -> Result<u64, String> {
    let number = |v: i128| {
        if ty.is_float() {
            #[allow(clippy::cast_precision_loss)] // expectations are small
            Ok(compiler::evaluate::real_bits(v as f64, ty))
        } else {
            let bits = compiler::evaluate::int_bits(v, ty);
            if compiler::evaluate::bits_int(bits, ty) == v { Ok(bits) } else { Err(format!("{v} does not fit {ty}")) }
        }
    };
    match value {
        Value::Bool(b) if ty == ScalarType::Bool => Ok(u64::from(*b)),
        Value::Bool(b) => Err(format!("{b} is no value of {ty}")),
        Value::Int(v) => number(i128::from(*v)),
        Value::Real(v) if ty.is_float() => Ok(compiler::evaluate::real_bits(*v, ty)),
        Value::Real(v) => Err(format!("{v} is no value of {ty}")),
        Value::Text(text) => {
            let special = match text.as_str() {
                "inf" => Some(f64::INFINITY),
                "-inf" => Some(f64::NEG_INFINITY),
                "nan" => Some(f64::NAN),
                _ => None,
            };
            if let Some(v) = special.filter(|_| ty.is_float()) {
                return Ok(compiler::evaluate::real_bits(v, ty));
            }
            match compiler::literal::decode(text, Span::default()).map_err(|d| d.message)? {
                LiteralKind::Bool { value } => number(i128::from(value)),
                LiteralKind::Int { magnitude, negative, .. } => {
                    number(if negative { -i128::from(magnitude) } else { i128::from(magnitude) })
                }
                LiteralKind::Duration { value_ns, .. } => number(i128::from(value_ns)),
                LiteralKind::Real { value, .. } => Ok(compiler::evaluate::real_bits(value, ty)),
                LiteralKind::Text { .. } | LiteralKind::Date { .. } | LiteralKind::Enum { .. } | LiteralKind::Error => {
                    Err(format!("`{text}` is no value"))
                }
            }
        }
    }
}
