//! What tests of this room share.

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
