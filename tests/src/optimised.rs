//! The optimiser changes nothing that can be seen: an image of unoptimised code beside one of optimised code.

use bytecode::VerifiedImage;
use bytecode::image::{Place, ProgramInstance, Symbol};
use compiler::source::SourceMap;
use compiler::{Options, compile};
use runtime::vm::{Budget, Engine, Interpreter, Memory, Trap, TrapCode};

/// Units a scan may spend.
const BUDGET: u64 = 1_000_000;

/// What is asked of two scans one of which has spent its budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    /// Both have, at the same line.
    Alike,
    /// The unoptimised one at least: calls that were inlined cost nothing, so the other one may get further.
    UnoptimisedFirst,
}

/// The image of a program.
///
/// # Errors
/// It does not compile, or is not verified.
pub fn image(text: &str, optimise: bool) -> Result<VerifiedImage, String> {
    let mut sources = SourceMap::new();
    let file = sources.add("program", text);
    let compiled = compile(&sources, &[file], Options { optimise });
    let image = compiled.image.ok_or_else(|| format!("it does not compile: {:?}", compiled.diagnostics.first()))?;
    bytecode::verify(image).map_err(|e| e.to_string())
}

/// Runs both images with these inputs in each scan: how many scans ended without a fault.
///
/// # Errors
/// Where outputs, flags, variables or faults differ.
pub fn compare(
    plain: &VerifiedImage,
    optimised: &VerifiedImage,
    inputs: &[Vec<u8>],
    spent: Spent,
) -> Result<usize, String> {
    let mut machines = [Machine::new(plain), Machine::new(optimised)];
    for (number, (scan, inputs)) in (0_i64..).zip(inputs).enumerate() {
        let [one, two] = machines.each_mut().map(|machine| machine.scan(inputs, scan * 10_000_000));
        match (one, two) {
            (Ok(()), Ok(())) => {}
            (Err(a), Err(b)) if a == b => return Ok(number),
            (Err(a), _) if a.is_out_of_budget && spent == Spent::UnoptimisedFirst => return Ok(number),
            (one, two) => return Err(format!("scan {scan}: {one:?} unoptimised, {two:?} optimised")),
        }
        let [one, two] = machines.each_ref().map(Machine::visible);
        if let Some(at) = one.iter().zip(two).position(|(a, b)| a != b) {
            let (name, values) = (name_at(plain, at), [one.get(at), two.get(at)]);
            return Err(format!("scan {scan}: byte {at} ({name}) differs, unoptimised and optimised: {values:?}"));
        }
        if one.len() != two.len() {
            return Err(format!("{} and {} bytes of variables", one.len(), two.len()));
        }
    }
    Ok(inputs.len())
}

/// The variable that begins nearest before a byte.
fn name_at(image: &VerifiedImage, at: usize) -> &str {
    let start = |symbol: &Symbol| match symbol.place {
        Place::Byte(offset) | Place::Bit { offset, .. } => offset as usize,
    };
    let before = image.symbols.iter().filter(|symbol| start(symbol) <= at);
    before.max_by_key(|symbol| start(symbol)).map_or("the process image", |symbol| symbol.path.as_str())
}

struct Machine<'i> {
    image: &'i VerifiedImage,
    engine: Interpreter,
    memory: Memory,
}

/// A fault as it is told: the instruction may be another.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    trap: String,
    line: Option<u32>,
    is_out_of_budget: bool,
}

impl<'i> Machine<'i> {
    fn new(image: &'i VerifiedImage) -> Self {
        Self { engine: Interpreter::load(image), memory: Memory::new(image.image()), image }
    }

    fn scan(&mut self, inputs: &[u8], now_ns: i64) -> Result<(), Told> {
        for (to, from) in self.memory.inputs_mut().iter_mut().zip(inputs) {
            *to = *from;
        }
        for program in 0..self.image.programs.len() {
            let ran = self.engine.run(&mut self.memory, program, now_ns, &mut Budget::new(BUDGET));
            ran.map_err(|trap| self.told(&trap))?;
        }
        Ok(())
    }

    /// Process image, globals and program instances with all that is in them: what has the same place in both images.
    fn visible(&self) -> &[u8] {
        let end_of = |program: &ProgramInstance| {
            let ty = self.image.pou(program.pou).and_then(|pou| pou.instance).and_then(|ty| self.image.ty(ty));
            (program.offset + ty.map_or(0, |ty| ty.size)) as usize
        };
        let end = self.image.programs.iter().map(end_of).max().unwrap_or(0);
        self.memory.data().get(..end).unwrap_or_else(|| self.memory.data())
    }

    fn told(&self, trap: &Trap) -> Told {
        Told {
            trap: format!("{:?} {:?}", trap.code, trap.value),
            line: self.image.source_place(trap.pc).map(|place| place.line),
            is_out_of_budget: trap.code == TrapCode::BudgetSpent,
        }
    }
}
