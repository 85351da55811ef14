//! What tests of this room share; no test uses all of it.
#![allow(dead_code, clippy::unwrap_used, clippy::panic, reason = "helpers of tests: a failure is a panic")]

use bytecode::Image;
use compiler::source::SourceMap;
use compiler::{Compiled, Options, compile};
use prove::guard::wired::{Reading, Reads, Wire, Wired, WiredChannel};
use runtime::config::files::Files;
use runtime::config::{BoolPlace, ChannelValue, InputId, IoMap, Source};
use std::path::{Path, PathBuf};

/// The workspace's folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// The program in these files.
pub fn compiled(paths: &[PathBuf]) -> Compiled {
    let mut map = SourceMap::new();
    let ids: Vec<_> =
        paths.iter().map(|p| map.add(p.display().to_string(), std::fs::read_to_string(p).unwrap())).collect();
    compile(&map, &ids, Options::default())
}

/// The program in this text.
pub fn compiled_text(text: &str) -> Compiled {
    let mut map = SourceMap::new();
    let id = map.add("text", text);
    compile(&map, &[id], Options::default())
}

/// So long that no answer depends on how busy the machine is.
pub fn patient() -> prove::prover::Options {
    let long = std::time::Duration::from_secs(1200);
    prove::prover::Options { time_limit: long, premise_limit: Some(long), ..prove::prover::Options::default() }
}

/// An I/O map, which must fit the program.
pub fn map(file: &Path, files: &dyn Files, image: &Image) -> IoMap {
    let loaded = runtime::config::load(file, files, image);
    loaded.map.unwrap_or_else(|| panic!("{}: {:?}", file.display(), loaded.findings))
}

fn bit(place: BoolPlace) -> Option<usize> {
    match place {
        BoolPlace::Byte(at) => Some(at as usize * 8),
        BoolPlace::Bit(at, bit) => Some(at as usize * 8 + usize::from(bit)),
        BoolPlace::Nowhere => None,
    }
}

/// What a map says of the wiring, as the command reads it.
pub fn wired(map: &IoMap) -> Wired<'_> {
    let wire = |id: InputId| {
        let input = map.input_at(id).unwrap();
        let number = u32::try_from(id.index()).unwrap();
        Wire { number, place: bit(input.place), debounce_ns: input.debounce_ns, stop: input.stop }
    };
    let channel = |output: &runtime::config::Output| WiredChannel {
        output: bit(output.place).unwrap(),
        feedback: output.feedback.map(wire),
        model: output.model,
    };
    let reads = map.inputs.iter().filter_map(|input| {
        let Source::Channel(id, value) = input.source else { return None };
        let what = match value {
            ChannelValue::Ready => Reading::Ready,
            ChannelValue::Pending => Reading::Pending,
            ChannelValue::Fault => Reading::Fault,
            ChannelValue::Line => Reading::Line,
            ChannelValue::Contact => Reading::Contact,
            ChannelValue::Commanded => Reading::Commanded,
        };
        Some(Reads { place: bit(input.place)?, channel: id.index(), what })
    });
    Wired {
        table: &map.channels,
        channels: map.outputs.iter().map(channel).collect(),
        supply: map.supply.map(wire),
        reads: reads.collect(),
    }
}
