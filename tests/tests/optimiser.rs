//! The optimiser changes nothing that can be seen: every program, optimised and not, on the same random inputs.
#![allow(clippy::unwrap_used, clippy::panic)]

use bytecode::VerifiedImage;
use compiler::source::SourceMap;
use compiler::{Options, compile};
use runtime::vm::{Budget, Engine, Interpreter, Memory, Trap};
use std::path::Path;

const SCANS: i64 = 400;
const SCAN_NS: i64 = 10_000_000;

struct Machine {
    image: VerifiedImage,
    engine: Interpreter,
    memory: Memory,
}

impl Machine {
    fn new(text: &str, optimise: bool) -> Option<Self> {
        let mut map = SourceMap::new();
        let id = map.add("program", text);
        let image = bytecode::verify::verify(compile(&map, &[id], Options { optimise }).image?).unwrap();
        Some(Self { engine: Interpreter::load(&image), memory: Memory::new(image.image()), image })
    }

    fn scan(&mut self, inputs: &[u8], now_ns: i64) -> Result<(), Trap> {
        self.memory.inputs_mut().copy_from_slice(inputs);
        for program in 0..self.image.image().programs.len() {
            self.engine.run(&mut self.memory, program, now_ns, &mut Budget::new(1_000_000))?;
        }
        Ok(())
    }

    /// Process image, globals and program instances: what has the same place in both images.
    fn visible(&self) -> &[u8] {
        let image = self.image.image();
        let end_of = |p: &bytecode::image::ProgramInstance| {
            let ty = image.pou(p.pou).and_then(|pou| pou.instance).and_then(|ty| image.ty(ty));
            (p.offset + ty.map_or(0, |t| t.size)) as usize
        };
        let end = image.programs.iter().map(end_of).max().unwrap_or(0);
        self.memory.data().get(..end).unwrap()
    }
}

fn compare(path: &Path, seed: u64) {
    let text = std::fs::read_to_string(path).unwrap();
    let (Some(mut plain), Some(mut optimised)) = (Machine::new(&text, false), Machine::new(&text, true)) else {
        return;
    };
    let mut random = seed | 1;
    let mut inputs = vec![0u8; plain.memory.inputs().len()];
    for scan in 0..SCANS {
        // Few inputs change at a time, so that timers get somewhere.
        for byte in &mut inputs {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            if random.is_multiple_of(5) {
                *byte ^= 1 << ((random >> 8) % 8);
            }
        }
        let (one, two) = (plain.scan(&inputs, scan * SCAN_NS), optimised.scan(&inputs, scan * SCAN_NS));
        match (one, two) {
            (Ok(()), Ok(())) => assert_eq!(plain.visible(), optimised.visible(), "{} scan {scan}", path.display()),
            (Err(a), Err(b)) => {
                let line = |m: &Machine, t: &Trap| m.image.image().source_place(t.pc).map(|p| p.line);
                assert_eq!((a.code, a.value), (b.code, b.value), "{} scan {scan}", path.display());
                assert_eq!(line(&plain, &a), line(&optimised, &b), "{} scan {scan}", path.display());
                return;
            }
            (one, two) => panic!("{} scan {scan}: {one:?} unoptimised, {two:?} optimised", path.display()),
        }
    }
}

#[test]
fn every_program_does_the_same_optimised() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = conformance::files_below(&root.join("lang"), &["st", "ld"]).unwrap();
    files.extend(conformance::files_below(&root.join("../programs"), &["st", "ld"]).unwrap());
    assert!(files.len() > 20);
    for file in &files {
        (1..=4).for_each(|seed| compare(file, seed * 0x9E37_79B9));
    }
}
