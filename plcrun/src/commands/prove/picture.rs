//! The timing diagram of a way to break a property.
//!
//! Only what the property depends on is drawn: the inputs that matter, the outputs and variables whose values take part in
//! the question, and the names the property itself speaks of. Values are those of the engine that runs plants, noted scan by
//! scan while the way is replayed.

use super::gather::time;
use super::relays::Relays;
use super::work::Work;
use bytecode::image::{Image, Place, SymbolRole};
use bytecode::types::{Elementary, FieldRole, TypeId, TypeKind};
use prove::condition::Condition;
use prove::model::Model;
use prove::names::Member;
use prove::property::Kind;
use prove::prover::{Report, Way};
use std::collections::BTreeSet;
use timeline::diagram::{Diagram, Level, Line, Mark, Role, Span};

/// Most rows: a screen.
const ROWS_MAX: usize = 20;
/// Rows from which on inputs that only stand still are left out.
const ROWS_FULL: usize = 12;
/// Most moments in one picture: more cannot be told apart on a terminal.
const INSTANTS_MAX: usize = 22;
/// Elements of an array that are followed.
const ELEMENTS_MAX: u64 = 32;
/// Ways up to so many scans are noted scan by scan; of longer ones the beginning and the end of each step.
const NOTED_MAX: u64 = 1_000_000;
/// So many scans at both ends of a step of a longer way.
const EDGE: u64 = 1_000;

/// A scalar of the program.
struct Scalar {
    path: String,
    role: SymbolRole,
    place: Place,
    elementary: Elementary,
    bytes: u32,
}

impl Scalar {
    /// First bit of the data, and how many.
    fn bits(&self) -> (usize, usize) {
        match self.place {
            Place::Bit { offset, bit } => (offset as usize * 8 + usize::from(bit), 1),
            Place::Byte(offset) if self.elementary == Elementary::Bool => (offset as usize * 8, 1),
            Place::Byte(offset) => (offset as usize * 8, self.bytes as usize * 8),
        }
    }

    fn value(&self, data: &[u8]) -> u64 {
        match self.place {
            Place::Bit { offset, bit } => data.get(offset as usize).map_or(0, |byte| u64::from(byte >> bit & 1)),
            Place::Byte(offset) => {
                let bytes = data.iter().skip(offset as usize).take(self.bytes.min(8) as usize);
                bytes.enumerate().fold(0, |value, (at, byte)| value | u64::from(*byte) << (8 * at))
            }
        }
    }
}

/// What a row shows.
enum What {
    Scalar(Scalar),
    /// The line of a channel, by number.
    Line(usize),
    /// The contact of a channel.
    Contact(usize),
}

/// A row being noted.
struct Row {
    what: What,
    name: String,
    asked: bool,
    /// From when on, and the value.
    changes: Vec<(u64, u64)>,
}

impl Row {
    fn is_still(&self) -> bool {
        self.changes.len() < 2
    }

    /// What matters most comes first when there are too many.
    fn rank(&self) -> usize {
        match (self.asked, self.role(), self.is_still()) {
            (true, ..) => 0,
            (false, Role::Coil | Role::Line | Role::Contact, _) => 1,
            (false, Role::Input, false) => 2,
            (false, Role::Variable, _) => 3,
            (false, Role::Input, true) => 4,
        }
    }

    fn role(&self) -> Role {
        match &self.what {
            What::Line(_) => Role::Line,
            What::Contact(_) => Role::Contact,
            What::Scalar(scalar) => match scalar.role {
                SymbolRole::Input => Role::Input,
                SymbolRole::Output => Role::Coil,
                SymbolRole::Flag | SymbolRole::Variable | SymbolRole::Instance => Role::Variable,
            },
        }
    }

    fn level(&self, value: u64) -> Level {
        let elementary = match &self.what {
            What::Scalar(scalar) => scalar.elementary,
            What::Line(_) | What::Contact(_) => Elementary::Bool,
        };
        match (elementary, value) {
            (Elementary::Bool, 0) => Level::Off,
            (Elementary::Bool, _) => Level::On,
            (other, bits) => Level::Text(bytecode::path::show(other, bits)),
        }
    }

    fn put(&mut self, at_ns: u64, value: u64) {
        if self.changes.last().is_none_or(|(_, last)| *last != value) {
            self.changes.push((at_ns, value));
        }
    }
}

/// Notes what happens on a way.
pub struct Recorder {
    rows: Vec<Row>,
    every_scan: bool,
    tick_ns: u64,
}

impl Recorder {
    /// For a way that answers a question.
    #[must_use]
    pub fn new(way: &Way, report: &Report, model: &Model, work: &Work) -> Self {
        let image = work.image.image();
        let texts = report.property.kind.texts();
        let conditions: Vec<Condition> =
            texts.iter().filter_map(|text| Condition::parse(text, work.names()).ok()).collect();
        let asked: Vec<&(String, prove::condition::Read)> = conditions.iter().flat_map(|c| &c.reads).collect();
        let inputs: BTreeSet<usize> = way.steps.iter().flat_map(|(settings, _)| settings.iter().map(|s| s.0)).collect();
        let cone = cone(report, model);
        let read = work.read_by_writers(asked.iter().map(|(name, read)| (name.as_str(), read.variable.symbol)));
        let mut known = BTreeSet::new();
        let mut rows: Vec<Row> = Vec::new();
        for scalar in scalars(image) {
            let (first, count) = scalar.bits();
            let asked = asked.iter().any(|(_, read)| read.variable.place == scalar.place);
            let lits = model.after.get(first, count);
            let matters = match scalar.role {
                SymbolRole::Input => (first..first + count).any(|bit| inputs.contains(&bit)),
                SymbolRole::Output | SymbolRole::Flag | SymbolRole::Variable | SymbolRole::Instance => {
                    // What always has the value of another row tells nothing new.
                    let inside =
                        lits.iter().any(|lit| lit.value().is_none() && cone.get(lit.node()).copied().unwrap_or(false));
                    (inside || read.contains(&scalar.path.to_ascii_uppercase())) && (known.insert(lits) || asked)
                }
            };
            if matters || asked {
                let name = work.short(&scalar.path).to_owned();
                rows.push(Row { what: What::Scalar(scalar), name, asked, changes: Vec::new() });
            }
        }
        rows.extend(channel_rows(&conditions, work));
        Self { rows, every_scan: way.scans() <= NOTED_MAX, tick_ns: work.map.plan.tick_ns }
    }

    /// A scan is over: the `repeat`th of a step of so many.
    pub fn scan(&mut self, scan: u64, (repeat, scans): (u64, u64), data: &[u8], relays: Option<&Relays<'_>>) {
        if let Some(relays) = relays {
            self.relays(scan, relays);
        }
        if !self.every_scan && repeat > EDGE && repeat + EDGE < scans {
            return;
        }
        self.note(scan, data, |_| true);
    }

    /// Contacts move between two scans as well.
    fn relays(&mut self, scan: u64, relays: &Relays<'_>) {
        let at_ns = scan.saturating_sub(1).saturating_mul(self.tick_ns);
        let shown = relays.shown();
        for row in &mut self.rows {
            match row.what {
                What::Scalar(_) => {}
                What::Line(channel) => {
                    row.put(at_ns, u64::from(shown.get(channel).is_some_and(|shown| shown.line)));
                }
                What::Contact(channel) => {
                    for (_, edge) in relays.edges.iter().filter(|(moved, _)| *moved == channel) {
                        row.put(edge.at_ns, u64::from(edge.conducting));
                    }
                    row.put(at_ns, u64::from(shown.get(channel).is_some_and(|shown| shown.contact)));
                }
            }
        }
    }

    /// A scan ended with a fault: only what it was given counts.
    pub fn fault(&mut self, scan: u64, data: &[u8]) {
        self.note(scan, data, |role| role == SymbolRole::Input);
    }

    fn note(&mut self, scan: u64, data: &[u8], of: impl Fn(SymbolRole) -> bool) {
        let at_ns = scan.saturating_sub(1).saturating_mul(self.tick_ns);
        for row in &mut self.rows {
            let value = match &row.what {
                What::Scalar(scalar) if of(scalar.role) => scalar.value(data),
                What::Scalar(_) | What::Line(_) | What::Contact(_) => continue,
            };
            row.put(at_ns, value);
        }
    }

    /// The diagram of a way of so many scans that ends with `said`, so long after the beginning of the last one.
    #[must_use]
    pub fn diagram(mut self, scans: u64, said: String, (tick_ns, moment_ns): (u64, u64)) -> Diagram {
        self.choose();
        let end_ns = scans.saturating_mul(tick_ns);
        let mark_ns = scans.saturating_sub(1).saturating_mul(tick_ns).saturating_add(moment_ns);
        let mut instants: Vec<u64> = self.rows.iter().flat_map(|row| &row.changes).map(|(at_ns, _)| *at_ns).collect();
        instants.sort_unstable();
        instants.dedup();
        let skipped = instants.len().saturating_sub(INSTANTS_MAX);
        let from_ns = instants.get(skipped).filter(|_| skipped > 0).map_or(0, |at| at.saturating_sub(2 * tick_ns));
        // The last scan is drawn somewhat longer, so that its values can be read.
        let to_ns = end_ns.saturating_add(end_ns.saturating_sub(from_ns) / 16);
        let lines = self.rows.iter().map(|row| line(row, from_ns, to_ns)).collect();
        let notes =
            if skipped > 0 { vec![format!("what was before {} is left out", time(from_ns))] } else { Vec::new() };
        let marks = vec![Mark { at_ns: mark_ns, text: said }];
        Diagram { from_ns, to_ns, tick_ns, lines, marks, notes, rungs: Vec::new() }
    }

    /// The rows that are drawn, in the order of the picture: inputs, variables, outputs.
    fn choose(&mut self) {
        let all_zero = |row: &Row| row.changes.iter().all(|(_, value)| *value == 0);
        self.rows.retain(|row| row.asked || !row.is_still() || !all_zero(row));
        // Variables that stand still tell something only where the property names them.
        self.rows.retain(|row| row.asked || !row.is_still() || row.role() == Role::Input);
        self.rows.sort_by_key(Row::rank);
        let moving = self.rows.iter().filter(|row| row.rank() < 4).count();
        self.rows.truncate(if moving >= ROWS_FULL { moving.min(ROWS_MAX) } else { ROWS_FULL.max(moving) });
        self.rows.sort_by_key(|row| match row.role() {
            Role::Input => 0,
            Role::Variable => 1,
            Role::Coil => 2,
            Role::Line => 3,
            Role::Contact => 4,
        });
    }
}

/// Line and contact of each channel the conditions name, and of the others of its interlock groups.
fn channel_rows(conditions: &[Condition], work: &Work) -> Vec<Row> {
    let table = &work.map.channels;
    let members: Vec<(usize, Member)> = conditions.iter().flat_map(|c| c.members.iter().copied()).collect();
    let mut rows = Vec::new();
    for id in table.ids() {
        let named = |id: relay::ChannelId| members.iter().any(|(channel, _)| *channel == id.index());
        let mut others = table.channel(id).groups().iter().flat_map(|group| table.group(*group).members());
        if !named(id) && !others.any(|other| named(*other)) {
            continue;
        }
        let name = &table.channel(id).name;
        for (member, what) in [(Member::Line, What::Line(id.index())), (Member::Contact, What::Contact(id.index()))] {
            let asked = members.contains(&(id.index(), member));
            rows.push(Row { what, name: format!("{name}.{}", member.name()), asked, changes: Vec::new() });
        }
    }
    rows
}

fn line(row: &Row, from_ns: u64, end_ns: u64) -> Line {
    let mut spans: Vec<Span> = Vec::new();
    for (at_ns, value) in &row.changes {
        let at_ns = (*at_ns).max(from_ns);
        match spans.last_mut() {
            // Before the window.
            Some(last) if last.from_ns == at_ns => last.level = row.level(*value),
            last => {
                if let Some(last) = last {
                    last.to_ns = at_ns;
                }
                spans.push(Span { from_ns: at_ns, to_ns: end_ns, level: row.level(*value) });
            }
        }
    }
    Line { name: row.name.clone(), role: row.role(), asked: row.asked, spans }
}

/// Which nodes of the model the question depends on.
fn cone(report: &Report, model: &Model) -> Vec<bool> {
    let (mut reached, mut open) = (vec![false; model.graph.len()], Vec::new());
    let Some(system) = &report.system else { return reached };
    let latches = system.latches.iter().filter_map(|own| model.latches.get(own.model as usize)).map(|latch| latch.next);
    let counters = system.counters.iter().filter_map(|own| model.counters.get(own.model as usize));
    let counters = counters.flat_map(|counter| [counter.run, counter.hold]);
    let conditions = report.conditions.iter().map(|(_, lit)| *lit);
    for root in latches.chain(counters).chain(conditions).chain([report.bad]) {
        model.graph.reach(root, &mut reached, &mut open);
    }
    reached
}

/// Every scalar a person can name: of instances what they put out.
fn scalars(image: &Image) -> Vec<Scalar> {
    let mut found = Vec::new();
    for symbol in image.symbols.iter().filter(|symbol| !symbol.constant) {
        descend(image, &symbol.path, symbol.role, (symbol.place, symbol.ty), &mut found);
    }
    found
}

fn descend(image: &Image, path: &str, role: SymbolRole, (place, ty): (Place, TypeId), found: &mut Vec<Scalar>) {
    let Some(t) = image.ty(ty) else { return };
    match (&t.kind, place) {
        (TypeKind::Elementary(elementary), _) => {
            let bytes = t.size;
            found.push(Scalar { path: path.to_owned(), role, place, elementary: *elementary, bytes });
        }
        (TypeKind::Array { element, dimensions, stride }, Place::Byte(offset)) => {
            let [dimension] = dimensions.as_slice() else { return };
            for (index, at) in (0..dimension.len().min(ELEMENTS_MAX)).zip(0u32..) {
                let number = i64::from(dimension.lower) + i64::try_from(index).unwrap_or(0);
                let place = Place::Byte(offset + at * stride);
                descend(image, &format!("{path}[{number}]"), role, (place, *element), found);
            }
        }
        (TypeKind::Instance { fields }, Place::Byte(offset)) => {
            for field in fields.iter().filter(|field| field.role == FieldRole::Output) {
                let place = Place::Byte(offset + field.offset);
                descend(image, &format!("{path}.{}", field.name), SymbolRole::Instance, (place, field.ty), found);
            }
        }
        (
            TypeKind::Structure { .. }
            | TypeKind::Enumeration { .. }
            | TypeKind::Text { .. }
            | TypeKind::Array { .. }
            | TypeKind::Instance { .. },
            _,
        ) => {}
    }
}

/// What is wrong at the end of a way, in a few words.
#[must_use]
pub fn broken(kind: &Kind, holding: &[String]) -> String {
    match kind {
        Kind::Invariant { expr, when: None } => format!("not: {expr}"),
        Kind::Invariant { expr, when: Some(when) } => format!("{when}, but not: {expr}"),
        Kind::NeverTogether { .. } => format!("{} together", holding.join(" and ")),
        Kind::DeadTime { of, time, .. } => match (holding, of.as_slice()) {
            ([begins], [a, b]) => format!("{begins} less than {time} after {}", if begins == a { b } else { a }),
            ([begins], _) => format!("{begins} less than {time} after another one"),
            (several, _) => format!("{} together", several.join(" and ")),
        },
        Kind::Responds { then, within, .. } => format!("no {then} within {within}"),
        Kind::Holds { expr, time, .. } => format!("{expr} ended before {time}"),
        Kind::StaysSafe { fault, safe, .. } => format!("not acknowledged since {fault}, but not: {safe}"),
        Kind::Reachable { expr } => expr.clone(),
        Kind::Terminates => "a fault".to_owned(),
    }
}
