//! The symbols of an image: declared variables of globals and program instances, by their paths.
//!
//! They follow from the program and its layout alone, so they can be made while code is made. Only the numbers of their
//! types are given out later: those are counted in the order in which types come into use in the whole image.

use super::Input;
use super::layout::{Layout, Storage};
use super::types::TypeTable;
use crate::ast::Area;
use crate::hir::{Class, Program, Variable};
use crate::map::HashSet;
use crate::source::SourceMap;
use crate::types::Ty;
use bytecode::TypeId;
use bytecode::image::{Place, Symbol, SymbolRole};
use bytecode::types::Retention;

/// Symbols that wait for the numbers of their types.
pub(crate) struct Symbols {
    /// Sorted by path, none twice.
    rows: Vec<Row>,
    /// Their types, in the order of the declarations.
    types: Vec<Ty>,
}

/// A symbol, of this type.
struct Row {
    symbol: Symbol,
    ty: Ty,
}

impl Symbols {
    /// The symbols of a program.
    pub(crate) fn new(program: &Program, layout: &Layout, sources: &SourceMap) -> Self {
        let maker = Maker { program, layout, sources };
        let rows = maker.rows();
        let mut seen = HashSet::default();
        let types = rows.iter().map(|row| row.ty).filter(|ty| seen.insert(*ty)).collect();
        let mut rows = sorted_by_path(rows);
        rows.dedup_by(|a, b| a.symbol.path == b.symbol.path);
        Self { rows, types }
    }

    /// With the numbers of their types.
    pub(super) fn numbered(self, input: &Input<'_>, types: &mut TypeTable) -> Vec<Symbol> {
        for ty in self.types {
            types.id(input, ty);
        }
        self.rows.into_iter().map(|Row { symbol, ty }| Symbol { ty: types.id(input, ty), ..symbol }).collect()
    }
}

/// Symbols in the order of their paths. Rows beside the strings decide most comparisons by a number: large programs have
/// hundreds of thousands of symbols, and reading two distant strings for each comparison took longer than all else here.
fn sorted_by_path(symbols: Vec<Row>) -> Vec<Row> {
    const HEAD: usize = size_of::<u128>();
    let head = |path: &str| {
        let mut bytes = [0u8; HEAD];
        bytes.iter_mut().zip(path.bytes()).for_each(|(to, from)| *to = from);
        u128::from_be_bytes(bytes)
    };
    let mut rows: Vec<(u128, usize)> = symbols.iter().enumerate().map(|(i, row)| (head(&row.symbol.path), i)).collect();
    let path = |row: &(u128, usize)| symbols.get(row.1).map(|r| r.symbol.path.as_str());
    // Equal paths keep the order of the declarations.
    rows.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| path(a).cmp(&path(b))).then(a.1.cmp(&b.1)));
    let mut taken: Vec<Option<Row>> = symbols.into_iter().map(Some).collect();
    rows.iter().filter_map(|(_, at)| taken.get_mut(*at).and_then(Option::take)).collect()
}

struct Maker<'a> {
    program: &'a Program,
    layout: &'a Layout,
    sources: &'a SourceMap,
}

impl Maker<'_> {
    /// In the order of the declarations.
    fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for (id, global) in self.program.globals.iter() {
            let at = self.layout.globals[id];
            rows.push(self.row(global.name.to_string(), global, at, global.retention));
        }
        for (instance, base) in self.program.instances.iter().zip(&self.layout.instances) {
            for (var, variable) in self.program.pous[instance.pou].vars.iter() {
                let hidden = matches!(variable.class, Class::Hidden | Class::Temp | Class::Result | Class::InOut);
                let at = match self.layout.storage(instance.pou, var) {
                    Storage::Own(offset) => base + offset,
                    Storage::Image if variable.location.is_some() => 0,
                    Storage::Image | Storage::Frame(_) | Storage::Reference(_) => continue,
                };
                if !hidden {
                    let path = format!("{}.{}", instance.name, variable.name);
                    let retention = variable.retention.within(instance.retention);
                    let retention = if variable.constant { Retention::NonRetain } else { retention };
                    rows.push(self.row(path, variable, at, retention));
                }
            }
        }
        rows
    }

    fn row(&self, path: String, variable: &Variable, at: u32, retention: Retention) -> Row {
        let (place, role, address) = match &variable.location {
            Some(location) => {
                let byte = self.layout.location(location);
                let place = location.bit.map_or(Place::Byte(byte), |bit| Place::Bit { offset: byte, bit });
                let role = match location.area {
                    Area::Input => SymbolRole::Input,
                    Area::Output => SymbolRole::Output,
                    Area::Memory => SymbolRole::Flag,
                };
                (place, role, location.text.clone())
            }
            None => {
                let instance = self.program.types.as_instance(variable.ty).is_some();
                let role = if instance { SymbolRole::Instance } else { SymbolRole::Variable };
                (Place::Byte(at), role, String::new())
            }
        };
        let symbol = Symbol {
            path,
            place,
            ty: TypeId(0),
            role,
            retention,
            constant: variable.constant,
            address,
            line: self.sources.get(variable.span.file).map_or(1, |file| file.line_column(variable.span.start).line),
            file: variable.span.file.0,
        };
        Row { symbol, ty: variable.ty }
    }
}
