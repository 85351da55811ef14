//! What tests of this room share; no test uses all of it.
#![allow(dead_code, clippy::unwrap_used, reason = "helpers of tests: a failure is a panic")]

use compiler::source::SourceMap;
use compiler::{Compiled, Options, compile};
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
