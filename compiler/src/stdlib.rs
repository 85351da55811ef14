//! The standard function blocks, as IEC text in compiler/std.
//!
//! The text is the definition: engines may run a block as one instruction only where its body is this one. Parsed once
//! per process; spans of library POUs belong to [`Library::sources`].

use crate::ast;
use crate::map::HashMap;
use crate::parser::parse;
use crate::source::SourceMap;
use smol_str::SmolStr;
use std::sync::OnceLock;

/// Names and texts of the library's files.
const FILES: [(&str, &str); 4] = [
    ("std/timers.st", include_str!("../std/timers.st")),
    ("std/counters.st", include_str!("../std/counters.st")),
    ("std/edges.st", include_str!("../std/edges.st")),
    ("std/bistable.st", include_str!("../std/bistable.st")),
];

/// The parsed library.
#[derive(Debug)]
pub struct Library {
    /// Its texts.
    pub sources: SourceMap,
    files: Vec<ast::File>,
    /// Positions of the blocks: file and item, by upper-case name.
    blocks: HashMap<SmolStr, (usize, usize)>,
}

impl Library {
    fn load() -> Self {
        let mut sources = SourceMap::new();
        let ids: Vec<_> = FILES.iter().map(|(name, text)| sources.add(*name, *text)).collect();
        // The library's own text has no findings: the test below keeps it so.
        let files: Vec<ast::File> = ids.into_iter().map(|id| parse(&sources, id).0).collect();
        let mut blocks = HashMap::default();
        for (f, file) in files.iter().enumerate() {
            for (i, item) in file.items.iter().enumerate() {
                if let ast::Item::Pou(pou) = item {
                    blocks.insert(pou.name.key(), (f, i));
                }
            }
        }
        Self { sources, files, blocks }
    }

    /// Every block's name in upper case, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.blocks.keys().map(SmolStr::as_str).collect();
        names.sort_unstable();
        names
    }
}

/// The library.
#[must_use]
pub fn library() -> &'static Library {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    LIBRARY.get_or_init(Library::load)
}

/// The standard block of this upper-case name.
#[must_use]
pub fn find_block(key: &str) -> Option<&'static ast::Pou> {
    let library = library();
    let (file, item) = library.blocks.get(key)?;
    match library.files.get(*file)?.items.get(*item)? {
        ast::Item::Pou(pou) => Some(pou),
        ast::Item::Configuration(_) | ast::Item::Globals(_) | ast::Item::Types(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_has_no_findings() {
        let library = library();
        for (id, file) in library.sources.iter() {
            assert_eq!(parse(&library.sources, id).1, vec![], "{}", file.name());
        }
        assert_eq!(
            library.names(),
            [
                "CTD",
                "CTD_DINT",
                "CTD_LINT",
                "CTD_UDINT",
                "CTD_ULINT",
                "CTU",
                "CTUD",
                "CTUD_DINT",
                "CTUD_LINT",
                "CTUD_UDINT",
                "CTUD_ULINT",
                "CTU_DINT",
                "CTU_LINT",
                "CTU_UDINT",
                "CTU_ULINT",
                "F_TRIG",
                "RS",
                "R_TRIG",
                "SR",
                "TOF",
                "TOF_LTIME",
                "TOF_TIME",
                "TON",
                "TON_LTIME",
                "TON_TIME",
                "TP",
                "TP_LTIME",
                "TP_TIME"
            ]
        );
    }
}
