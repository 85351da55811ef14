//! The optimiser changes nothing that can be seen: an image of unoptimised code beside one of optimised code.

use bytecode::VerifiedImage;
use bytecode::image::{Place, Symbol};
use bytecode::types::TypeKind;
use compiler::source::SourceMap;
use compiler::{Options, compile};
use runtime::vm::{Budget, Engine, Interpreter, Memory, Trap, TrapCode};

/// Units a scan may spend. Calls that were inlined cost less, so the two images run out of them at different places.
const BUDGET: u64 = 200_000;

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
pub fn compare(plain: &VerifiedImage, optimised: &VerifiedImage, inputs: &[Vec<u8>]) -> Result<usize, String> {
    let mut machines = [Machine::new(plain), Machine::new(optimised)];
    for (number, (scan, inputs)) in (0_i64..).zip(inputs).enumerate() {
        let [one, two] = machines.each_mut().map(|machine| machine.scan(inputs, scan * 10_000_000));
        match (one, two) {
            (Ok(()), Ok(())) => {}
            (Err(a), b) | (b, Err(a)) if a.is_out_of_budget || b.as_ref().is_err_and(|b| b.is_out_of_budget) => {
                return Ok(number);
            }
            (Err(a), Err(b)) if a == b => return Ok(number),
            (one, two) => return Err(format!("scan {scan}: {one:?} unoptimised, {two:?} optimised")),
        }
        let [one, two] = machines.each_ref().map(|m| observed(m.image, &m.memory));
        if let Some(at) = one.iter().zip(&two).position(|(a, b)| a != b).or((one.len() != two.len()).then_some(0)) {
            let name =
                at.checked_sub(2).and_then(|at| plain.symbols.get(at)).map_or("the process image", |s| s.path.as_str());
            return Err(format!(
                "scan {scan}: {name} differs, {:?} unoptimised, {:?} optimised",
                one.get(at),
                two.get(at)
            ));
        }
    }
    Ok(inputs.len())
}

/// What can be seen of the memory between two scans: outputs, flags, and the bytes of every variable. What else is in it
/// may be a temporary, which engines need not store.
#[must_use]
pub fn observed(image: &VerifiedImage, memory: &Memory) -> Vec<Vec<u8>> {
    let value = |symbol: &Symbol| {
        let ty = image.ty(symbol.ty)?;
        let element = if let TypeKind::Array { element, .. } = ty.kind { image.ty(element)? } else { ty };
        let scalar = element.scalar()?;
        match symbol.place {
            Place::Bit { .. } => memory.read(symbol.place, scalar).map(|bits| vec![u8::from(bits != 0)]),
            Place::Byte(offset) => memory.data().get(offset as usize..)?.get(..ty.size as usize).map(<[u8]>::to_vec),
        }
    };
    let areas = [memory.outputs().to_vec(), memory.flags().to_vec()];
    areas.into_iter().chain(image.symbols.iter().map(|symbol| value(symbol).unwrap_or_default())).collect()
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

    fn told(&self, trap: &Trap) -> Told {
        Told {
            trap: format!("{:?} {:?}", trap.code, trap.value),
            line: self.image.source_place(trap.pc).map(|place| place.line),
            is_out_of_budget: trap.code == TrapCode::BudgetSpent,
        }
    }
}
