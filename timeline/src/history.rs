//! The last changes of a run, kept for the report of a failure.
//!
//! Watches every variable of an elementary type (timers' running times excepted, which change in every scan) and every
//! channel, and keeps the newest changes of all and the last change of each. Bounded by the number of names, however long
//! the run is.

use crate::condition::{Value, View, read};
use crate::names::{ChannelIndex, Member, Source, visible_fields};
use crate::prepare::show_value;
use crate::report::{Change, Moment};
use bytecode::Image;
use bytecode::image::{Place, Symbol, SymbolRole};
use bytecode::path::Variable;
use bytecode::types::{Elementary, TypeId, TypeKind};
use runtime::config::IoMap;
use std::collections::{BTreeMap, VecDeque};

/// Changes shown with a failure: what fits on a screen together with the failure itself.
pub const CHANGES_SHOWN: usize = 12;
/// How many of them are changes of the names the failed expectation asks for, where there are that many.
const ASKED_SHOWN: usize = 6;
/// Newest changes kept: some scans of a busy program, so that what is asked for is usually among them.
const NEWEST_KEPT: usize = 1_024;
/// Most names watched: beyond it a report would not be read, and the second run would crawl.
const NAMES_MAX: usize = 20_000;
/// Elements of one array that are watched.
const ELEMENTS_MAX: u64 = 64;

/// One watched name.
#[derive(Clone, Debug)]
struct Row {
    name: String,
    source: Source,
    last: Option<Value>,
    changed: Option<Entry>,
}

/// One change of a watched name.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Number of the change: later ones have higher numbers.
    count: u64,
    row: usize,
    moment: Moment,
    from: Value,
    to: Value,
}

/// What has changed so far.
#[derive(Clone, Debug)]
pub struct History {
    rows: Vec<Row>,
    newest: VecDeque<Entry>,
    /// Counts changes, to tell which of one scan came first in the order of the names.
    count: u64,
}

impl History {
    /// Watches the names of a program on a map.
    #[must_use]
    pub fn new(image: &Image, map: &IoMap) -> Self {
        let rows = watched(image, map).into_iter().map(|(name, source)| Row::new(name, source)).collect();
        Self { rows, newest: VecDeque::with_capacity(NEWEST_KEPT), count: 0 }
    }

    /// Looks at the state after a scan.
    pub fn record(&mut self, moment: Moment, view: &impl View) {
        for (index, row) in self.rows.iter_mut().enumerate() {
            let to = read(&row.source, view);
            if let Some(from) = row.last.filter(|from| *from != to) {
                self.count += 1;
                let entry = Entry { count: self.count, row: index, moment, from, to };
                row.changed = Some(entry);
                if self.newest.len() == NEWEST_KEPT {
                    self.newest.pop_front();
                }
                self.newest.push_back(entry);
            }
            row.last = Some(to);
        }
    }

    /// The last changes, oldest first: those of the names asked for, and the newest of the others.
    #[must_use]
    pub fn recent(&self, asked: &[(String, Source)]) -> Vec<Change> {
        let wanted = |entry: &Entry| {
            self.rows.get(entry.row).is_some_and(|row| asked.iter().any(|(_, source)| *source == row.source))
        };
        let mut chosen: BTreeMap<u64, Entry> = BTreeMap::new();
        // The last change of each name asked for may be older than everything that is kept of the others.
        let lasts = self.rows.iter().filter_map(|row| row.changed).filter(wanted);
        let newest_wanted = self.newest.iter().rev().filter(|entry| wanted(entry)).copied();
        for entry in lasts.chain(newest_wanted.take(ASKED_SHOWN)).take(CHANGES_SHOWN) {
            chosen.insert(entry.count, entry);
        }
        for entry in self.newest.iter().rev().filter(|entry| !wanted(entry)) {
            if chosen.len() >= CHANGES_SHOWN {
                break;
            }
            chosen.insert(entry.count, *entry);
        }
        chosen.values().filter_map(|entry| self.change(entry)).collect()
    }

    fn change(&self, entry: &Entry) -> Option<Change> {
        let row = self.rows.get(entry.row)?;
        let shown = |value: Value| show_value(&row.source, value);
        Some(Change { moment: entry.moment, name: row.name.clone(), from: shown(entry.from), to: shown(entry.to) })
    }
}

impl Row {
    fn new(name: String, source: Source) -> Self {
        Self { name, source, last: None, changed: None }
    }
}

/// The names of a program on a map that are watched: inputs, variables of elementary types, members of channels.
#[must_use]
pub fn watched(image: &Image, map: &IoMap) -> Vec<(String, Source)> {
    let mut rows = Vec::new();
    let lone = image.programs.len() == 1;
    // Inputs first: they are the cause of what changes in the same scan.
    for inputs in [true, false] {
        let wanted = |symbol: &Symbol| {
            !symbol.constant && !symbol.path.starts_with('#') && (symbol.role == SymbolRole::Input) == inputs
        };
        for (index, symbol) in image.symbols.iter().enumerate().filter(|(_, symbol)| wanted(symbol)) {
            let name = shown_name(symbol, lone);
            add(image, &mut rows, name, Variable { place: symbol.place, ty: symbol.ty, symbol: index });
        }
    }
    for (index, output) in map.outputs.iter().enumerate() {
        for member in [Member::Line, Member::Contact, Member::Pending, Member::Fault] {
            let name = format!("{}.{}", output.name, member.name());
            rows.push((name, Source::Channel { channel: ChannelIndex(index), member }));
        }
    }
    rows
}

/// The name a person would use: without the program where there is only one.
fn shown_name(symbol: &Symbol, lone: bool) -> String {
    match symbol.path.split_once('.') {
        Some((_, rest)) if lone => rest.to_owned(),
        Some(_) | None => symbol.path.clone(),
    }
}

/// Adds the elementary parts of a variable. Types refer only to earlier ones, so this ends.
fn add(image: &Image, rows: &mut Vec<(String, Source)>, name: String, variable: Variable) {
    if rows.len() >= NAMES_MAX {
        return;
    }
    let Some(ty) = image.ty(variable.ty) else { return };
    let Place::Byte(base) = variable.place else {
        let source = Source::Variable { variable, elementary: Elementary::Bool };
        rows.push((name, source));
        return;
    };
    let part = |offset: u32, ty: TypeId| Variable { place: Place::Byte(base.saturating_add(offset)), ty, ..variable };
    match &ty.kind {
        TypeKind::Elementary(Elementary::Time | Elementary::Ltime) => {}
        TypeKind::Elementary(elementary) => {
            rows.push((name, Source::Variable { variable, elementary: *elementary }));
        }
        TypeKind::Instance { .. } | TypeKind::Structure { .. } => {
            for field in visible_fields(ty).filter(|field| field.ty < variable.ty) {
                add(image, rows, format!("{name}.{}", field.name), part(field.offset, field.ty));
            }
        }
        TypeKind::Array { element, dimensions, stride } if *element < variable.ty => {
            let [dimension] = dimensions.as_slice() else { return };
            for index in 0..dimension.len().min(ELEMENTS_MAX) {
                let number = i64::from(dimension.lower).saturating_add(i64::try_from(index).unwrap_or(i64::MAX));
                let offset = u32::try_from(index).unwrap_or(u32::MAX).saturating_mul(*stride);
                add(image, rows, format!("{name}[{number}]"), part(offset, *element));
            }
        }
        TypeKind::Array { .. } | TypeKind::Enumeration { .. } | TypeKind::Text { .. } => {}
    }
}
