//! The state of the abstract run: what holds at the start of a scan, and what was written and assumed since.

use super::domain::Value;
use super::keys::{Key, Keys, index};
use compiler::hir::{Place, PouId, Program, Root, Step, VarId};
use compiler::source::Span;
use std::collections::HashMap;

/// Statements and elements of one abstract scan at most: a second's work. Programs whose instances unfold to more are left alone.
pub const VISITS_MAX: u32 = 2_000_000;

/// What is seen where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Site {
    /// The condition of IF, WHILE, REPEAT or CMP.
    Condition,
    /// The operand of a contact.
    Contact,
    /// The power into a coil.
    Coil,
    /// A divisor.
    Divisor,
    /// The selector of CASE.
    Selector,
    /// A rung that is reached: TRUE.
    Rung,
}

/// Values that differ from those below, by key.
pub(super) type Layer = HashMap<Key, Value>;

/// Where a body is run.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    /// The instance, or a function's frame.
    pub owner: Key,
    /// The unit.
    pub unit: PouId,
    /// What its VAR_IN_OUT stand for, and whether that is a part of something.
    pub references: HashMap<VarId, (Key, bool)>,
}

/// The abstract run.
#[derive(Debug)]
pub(crate) struct State<'p> {
    pub(super) program: &'p Program,
    pub(crate) keys: Keys<'p>,
    /// What a variable can be at the start of a scan, by key.
    start: Vec<Value>,
    /// What was written in this round, by key.
    written: Vec<Option<Value>>,
    pub(super) layers: Vec<Layer>,
    /// The place is reached.
    pub(super) live: bool,
    /// A RETURN was met in the unit being run.
    pub(super) returned: bool,
    seen: Option<HashMap<(Site, Span), Value>>,
    /// Nothing is observed while this is above 0.
    pub(super) muted: u32,
    visits: u32,
}

impl<'p> State<'p> {
    pub fn new(program: &'p Program) -> Self {
        Self {
            program,
            keys: Keys::new(program),
            start: Vec::new(),
            written: Vec::new(),
            layers: Vec::new(),
            live: true,
            returned: false,
            seen: None,
            muted: 0,
            visits: 0,
        }
    }

    /// One scan: every program instance once. Tasks run in any order, so each starts from what holds at the start of scans.
    pub fn scan(&mut self, assumed: &[(Key, Value)]) -> HashMap<Key, Value> {
        self.visits = 0;
        self.written.clear();
        let mut finals = HashMap::new();
        for number in 0..self.program.instances.len() {
            let Some(number) = u32::try_from(number).ok() else { break };
            let Some(owner) = self.keys.instance(number) else { continue };
            let Some(unit) = self.keys.unit(owner) else { continue };
            self.layers = vec![assumed.iter().copied().collect()];
            self.live = true;
            self.run_unit(&Frame { owner, unit, references: HashMap::new() });
            for (key, value) in std::mem::take(&mut self.layers).into_iter().flatten() {
                finals.entry(key).and_modify(|v: &mut Value| *v = v.join(value)).or_insert(value);
            }
        }
        finals
    }

    /// A scan that leaves no trace.
    pub fn what_if(&mut self, assumed: &[(Key, Value)]) -> HashMap<Key, Value> {
        self.muted += 1;
        let written = std::mem::take(&mut self.written);
        let finals = self.scan(assumed);
        self.written = written;
        self.muted -= 1;
        finals
    }

    /// Takes what was written into what holds at the start. True where nothing grew.
    pub fn grow(&mut self, widen: bool) -> bool {
        let mut stable = true;
        for (key, info) in self.keys.iter() {
            let at = index(key);
            let known = self.start.get(at).copied();
            let before = known.unwrap_or(info.initial);
            let written = self.written.get(at).copied().flatten();
            let mut after = written.map_or(before, |w| before.join(w));
            if widen && after != before {
                after = before.widened(after, Value::full(scalar_of(self.program, info.ty)));
            }
            stable &= known.is_some() && after == before;
            match self.start.get_mut(at) {
                Some(slot) => *slot = after,
                None => self.start.push(after),
            }
        }
        stable
    }

    /// What holds at the start is no more than what is initial or was written in this round.
    pub fn narrow(&mut self) {
        for (key, info) in self.keys.iter() {
            let at = index(key);
            let written = self.written.get(at).copied().flatten();
            if let Some(slot) = self.start.get_mut(at) {
                *slot = written.map_or(info.initial, |w| info.initial.join(w));
            }
        }
    }

    /// From now on what is seen is kept.
    pub fn observe(&mut self) {
        self.seen = Some(HashMap::new());
    }

    pub fn seen(&self, site: Site, span: Span) -> Option<Value> {
        self.seen.as_ref()?.get(&(site, span)).copied()
    }

    pub(super) fn note(&mut self, site: Site, span: Span, value: Value) {
        if self.muted == 0
            && self.live
            && let Some(seen) = &mut self.seen
        {
            seen.entry((site, span)).and_modify(|v| *v = v.join(value)).or_insert(value);
        }
    }

    /// Counts a statement or element; false where the budget is spent.
    pub(super) fn visit(&mut self) -> bool {
        self.visits = self.visits.saturating_add(1);
        self.visits <= VISITS_MAX
    }

    pub fn is_spent(&self) -> bool {
        self.visits > VISITS_MAX
    }

    /// What a key can be at the start of a scan.
    pub fn at_start(&self, key: Key) -> Value {
        let Some(info) = self.keys.info(key) else { return Value::Any };
        if info.open || info.shared {
            return Value::full(scalar_of(self.program, info.ty));
        }
        self.start.get(index(key)).copied().unwrap_or(info.initial)
    }

    /// What a key can be now.
    pub(super) fn get(&self, key: Key) -> Value {
        if self.keys.info(key).is_some_and(|info| info.shared) {
            return self.at_start(key);
        }
        let found = self.layers.iter().rev().find_map(|layer| layer.get(&key)).copied();
        found.unwrap_or_else(|| self.at_start(key))
    }

    /// A key is given a value; `weak`: or keeps its old one.
    pub(super) fn set(&mut self, key: Key, value: Value, weak: bool) {
        if !self.live {
            return;
        }
        let full = Value::full(scalar_of(self.program, self.keys.ty(key)));
        let value = full.meet(value).unwrap_or(full);
        let now = if weak { self.get(key).join(value) } else { value };
        if self.written.len() <= index(key) {
            self.written.resize(index(key) + 1, None);
        }
        if let Some(slot) = self.written.get_mut(index(key)) {
            *slot = Some(slot.map_or(value, |w| w.join(value)));
        }
        if let Some(layer) = self.layers.last_mut() {
            layer.insert(key, now);
        }
    }

    /// From here on a key is known to be one of these; the place is not reached where it cannot be.
    pub(super) fn assume(&mut self, key: Key, value: Value) {
        if self.keys.info(key).is_some_and(|info| info.shared) {
            return;
        }
        match self.get(key).meet(value) {
            Some(value) => {
                if let Some(layer) = self.layers.last_mut() {
                    layer.insert(key, value);
                }
            }
            None => self.live = false,
        }
    }

    pub(super) fn push(&mut self) {
        self.layers.push(Layer::new());
    }

    pub(super) fn pop(&mut self) -> Layer {
        self.layers.pop().unwrap_or_default()
    }

    /// Goes on with what holds at the end of any of these ways; with none of them the place is not reached.
    pub(super) fn join(&mut self, ways: Vec<Layer>) {
        self.live = !ways.is_empty();
        let mut keys: Vec<Key> = ways.iter().flat_map(|way| way.keys().copied()).collect();
        keys.sort_unstable();
        keys.dedup();
        for key in keys {
            let mut values = ways.iter().map(|way| way.get(&key).copied().unwrap_or_else(|| self.get(key)));
            let Some(first) = values.next() else { continue };
            let value = values.fold(first, Value::join);
            self.put(key, value);
        }
    }

    /// A value that is no new writing.
    pub(super) fn put(&mut self, key: Key, value: Value) {
        if let Some(layer) = self.layers.last_mut() {
            layer.insert(key, value);
        }
    }

    /// Forgets what exactly was written in a layer, because part of it may not have been done: what remains is all a key can
    /// ever be.
    pub(super) fn loosen(&mut self, layer: &mut Layer) {
        for (key, value) in layer.iter_mut() {
            *value = self.at_start(*key).join(*value);
        }
    }

    /// The key of a place, and whether it is only a part of what the key stands for.
    pub(super) fn key(&mut self, place: &Place, frame: &Frame) -> (Key, bool) {
        let mut weak = super::is_weak(&place.steps);
        let mut key = match &place.root {
            Root::Local(var) => match frame.references.get(var) {
                Some((key, part)) => {
                    weak |= part;
                    *key
                }
                None => self.keys.of(frame.owner, frame.unit, *var),
            },
            Root::Global(id) => self.keys.global(*id),
            Root::Address(location) => self.keys.image(location, place.ty, None),
        };
        for step in &place.steps {
            if let Step::Field(unit, var) = step {
                key = self.keys.of(key, *unit, *var);
            }
        }
        (key, weak)
    }
}

/// The type of the elements of an array, else the type itself.
pub(super) fn scalar_of(program: &Program, ty: compiler::types::Ty) -> compiler::types::Ty {
    program.types.as_array(ty).map_or(ty, |(element, _)| element)
}
