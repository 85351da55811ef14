//! What is told apart: every scalar of every instance, globals, and places of the process image.
//!
//! The elements of an array share one key, and so do the instances in an array. A function has one frame. A key is *open* where
//! its value at the start of a scan is not the program's work alone: inputs, retained values, memories of edges. It is *shared* where
//! another variable of another width stands on the same bits; such a key can always be anything.

use super::domain::{Value, instance_of};
use crate::walk::{self, Visitor};
use bytecode::types::Retention;
use compiler::arena::Id as _;
use compiler::ast::Area;
use compiler::evaluate::bits_int;
use compiler::hir::{Class, GlobalId, Init, Location, Place, PouId, Program, Root, VarId, Variable};
use compiler::types::Ty;
use std::collections::{HashMap, HashSet};

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(pub(crate) u32);

/// What a key stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// A program instance.
    Instance(u32),
    /// A global variable.
    Global(GlobalId),
    /// A place of the process image: area, first bit, bits.
    Image(Area, u64, u64),
    /// The frame of a function.
    Frame(PouId),
    /// A variable of an instance or frame.
    Of(Key, VarId),
}

/// What is known of a key whatever the program does.
#[derive(Clone, Debug)]
pub(crate) struct Info {
    pub ty: Ty,
    pub initial: Value,
    pub open: bool,
    pub shared: bool,
    /// Its instance is retained.
    kept: bool,
    /// Initial values of the fields of an instance.
    fields: Vec<(VarId, Init)>,
}

/// What a path leads to.
enum Found {
    Global(GlobalId),
    /// A variable of an instance: the instance, its unit, the variable.
    Of(Key, PouId, VarId),
}

/// All keys of a program, made as they are needed.
#[derive(Debug)]
pub(crate) struct Keys<'p> {
    program: &'p Program,
    numbers: HashMap<Part, Key>,
    infos: Vec<Info>,
    parts: Vec<Part>,
    shared: HashSet<(Area, u64, u64)>,
    /// Keys that the I/O map binds as inputs.
    bound: HashSet<Part>,
}

impl<'p> Keys<'p> {
    pub fn new(program: &'p Program) -> Self {
        let shared = overlapping(program);
        let (numbers, infos, parts, bound) = Default::default();
        Self { program, numbers, infos, parts, shared, bound }
    }

    pub fn info(&self, key: Key) -> Option<&Info> {
        self.infos.get(key.0 as usize)
    }

    pub fn ty(&self, key: Key) -> Ty {
        self.info(key).map_or(Ty::ERROR, |info| info.ty)
    }

    /// The unit of an instance (or of the elements of an array of instances).
    pub fn unit(&self, key: Key) -> Option<PouId> {
        instance_of(&self.program.types, self.ty(key))
    }

    fn add(&mut self, part: Part, info: impl FnOnce(&Self) -> Info) -> Key {
        if let Some(key) = self.numbers.get(&part) {
            return *key;
        }
        let info = info(self);
        let key = Key(u32::try_from(self.infos.len()).unwrap_or(u32::MAX));
        self.infos.push(info);
        self.parts.push(part.clone());
        self.numbers.insert(part, key);
        key
    }

    pub fn instance(&mut self, number: u32) -> Option<Key> {
        let program = self.program;
        let instance = program.instances.get(number as usize)?;
        let ty = program.pous[instance.pou].instance?;
        let kept = matches!(instance.retention, Retention::Retain | Retention::Persistent);
        let plain = |_: &Self| Info { ty, initial: Value::Any, open: false, shared: false, kept, fields: Vec::new() };
        Some(self.add(Part::Instance(number), plain))
    }

    pub fn frame(&mut self, pou: PouId) -> Key {
        let plain = |_: &Self| Info {
            ty: Ty::VOID,
            initial: Value::Any,
            open: false,
            shared: false,
            kept: false,
            fields: Vec::new(),
        };
        self.add(Part::Frame(pou), plain)
    }

    pub fn global(&mut self, id: GlobalId) -> Key {
        let variable = &self.program.globals[id];
        if let Some(location) = &variable.location {
            return self.image(location, variable.ty, Some(variable));
        }
        let part = Part::Global(id);
        self.add(part.clone(), |keys| keys.describe(&part, variable, None, false))
    }

    /// A variable of an instance or frame. `unit` is what the owner is an instance or frame of.
    pub fn of(&mut self, owner: Key, unit: PouId, var: VarId) -> Key {
        let variable = &self.program.pous[unit].vars[var];
        if let Some(location) = &variable.location {
            return self.image(location, variable.ty, Some(variable));
        }
        let part = Part::Of(owner, var);
        self.add(part.clone(), |keys| {
            let owner = keys.info(owner);
            let kept = owner.is_some_and(|o| o.kept);
            let init = owner.and_then(|o| o.fields.iter().find(|(v, _)| *v == var)).map(|(_, init)| init.clone());
            keys.describe(&part, variable, init, kept)
        })
    }

    /// A place of the process image. `variable` names it, where it has a name.
    pub fn image(&mut self, location: &Location, ty: Ty, variable: Option<&Variable>) -> Key {
        let (first, bits) = extent(location, ty);
        let part = Part::Image(location.area, first, bits);
        let place = (location.area, first, bits);
        self.add(part.clone(), |keys| {
            let mut info = match variable {
                Some(variable) => keys.describe(&part, variable, None, false),
                None => Info { ty, initial: zero(ty), open: false, shared: false, kept: false, fields: Vec::new() },
            };
            info.open |= location.area == Area::Input;
            info.shared = keys.shared.contains(&place);
            info
        })
    }

    fn describe(&self, part: &Part, variable: &Variable, init: Option<Init>, kept: bool) -> Info {
        let init = init.unwrap_or_else(|| variable.init.clone());
        let kept = match variable.retention {
            Retention::Unstated => kept,
            Retention::NonRetain => false,
            Retention::Retain | Retention::Persistent => true,
        };
        let of_program = matches!(part, Part::Of(owner, _) if self.parts.get(owner.0 as usize).is_some_and(|p| matches!(p, Part::Instance(_))));
        // Nobody calls a program: its inputs come from the I/O map, or from whoever sets them.
        let from_outside = of_program && variable.class == Class::Input;
        let open = kept || from_outside || variable.class == Class::Hidden || self.bound.contains(part);
        let scalar_ty = self.program.types.as_array(variable.ty).map_or(variable.ty, |(element, _)| element);
        let fields = if let Init::Fields(fields) = &init { fields.clone() } else { Vec::new() };
        let initial = initial(&init, scalar_ty);
        Info { ty: variable.ty, initial, open, shared: false, kept, fields }
    }

    /// Marks what the I/O map binds as an input, by the path of its variable (`instance.name`).
    pub fn bind(&mut self, path: &str) {
        match self.find(path) {
            Some(Found::Global(id)) => {
                self.bound.insert(Part::Global(id));
            }
            Some(Found::Of(owner, unit, var)) if self.program.pous[unit].vars[var].location.is_none() => {
                self.bound.insert(Part::Of(owner, var));
            }
            Some(Found::Of(..)) | None => {}
        }
    }

    /// The key of a variable by its path.
    pub fn at_path(&mut self, path: &str) -> Option<Key> {
        Some(match self.find(path)? {
            Found::Global(id) => self.global(id),
            Found::Of(owner, unit, var) => self.of(owner, unit, var),
        })
    }

    fn find(&mut self, path: &str) -> Option<Found> {
        let program = self.program;
        let (first, mut rest) = path.split_once('.').unwrap_or((path, ""));
        let global = program.globals.iter().find(|(_, v)| v.name.eq_ignore_ascii_case(first));
        let mut key = match global {
            Some((id, _)) if rest.is_empty() => return Some(Found::Global(id)),
            Some((id, _)) => self.global(id),
            None => {
                let number = program.instances.iter().position(|i| i.name.eq_ignore_ascii_case(first))?;
                self.instance(u32::try_from(number).ok()?)?
            }
        };
        loop {
            let (word, behind) = rest.split_once('.').unwrap_or((rest, ""));
            let unit = self.unit(key)?;
            let (var, _) = program.pous[unit].vars.iter().find(|(_, v)| v.name.eq_ignore_ascii_case(word))?;
            if behind.is_empty() {
                return Some(Found::Of(key, unit, var));
            }
            key = self.of(key, unit, var);
            rest = behind;
        }
    }

    /// Keys with their numbers and what they are.
    pub fn iter(&self) -> impl Iterator<Item = (Key, &Info)> {
        (0..).map(Key).zip(&self.infos)
    }
}

/// First bit and number of bits in the area.
fn extent(location: &Location, ty: Ty) -> (u64, u64) {
    let first = u64::from(location.byte) * 8 + u64::from(location.bit.unwrap_or(0));
    let bits = if location.bit.is_some() { 1 } else { ty.scalar().map_or(8, |s| u64::from(s.bits()).max(8)) };
    (first, bits)
}

fn zero(ty: Ty) -> Value {
    if ty.scalar().is_some_and(|s| !s.is_float()) { Value::Range(0, 0) } else { Value::Any }
}

fn initial(init: &Init, ty: Ty) -> Value {
    match (init, ty.scalar()) {
        (_, None) => Value::Any,
        (_, Some(scalar)) if scalar.is_float() => Value::Any,
        (Init::Default | Init::Fields(_), Some(_)) => Value::Range(0, 0),
        (Init::Scalar(bits), Some(scalar)) => {
            let number = bits_int(*bits, scalar);
            Value::Range(number, number)
        }
        // The elements behind the written ones are 0.
        (Init::Elements(runs), Some(_)) => {
            runs.iter().fold(Value::Range(0, 0), |value, (_, init)| value.join(initial(init, ty)))
        }
    }
}

/// Places of the process image on whose bits something of another extent stands.
fn overlapping(program: &Program) -> HashSet<(Area, u64, u64)> {
    struct Addresses<'s>(&'s mut HashSet<(Area, u64, u64)>);
    impl<'a> Visitor<'a> for Addresses<'_> {
        fn read(&mut self, place: &'a Place) {
            if let Root::Address(location) = &place.root {
                let (first, bits) = extent(location, place.ty);
                self.0.insert((location.area, first, bits));
            }
        }
        fn write(&mut self, place: &'a Place, _: walk::Write<'a>) {
            self.read(place);
        }
    }
    let mut all = HashSet::new();
    for (_, pou) in walk::units(program) {
        walk::unit(pou, &mut Addresses(&mut all));
        note_located(pou.vars.values(), &mut all);
    }
    note_located(program.globals.values(), &mut all);
    let number = |area: &Area| match area {
        Area::Input => 0,
        Area::Output => 1,
        Area::Memory => 2,
    };
    let mut sorted: Vec<(Area, u64, u64)> = all.into_iter().collect();
    sorted.sort_by_key(|(area, first, bits)| (number(area), *first, *bits));
    let mut shared = HashSet::new();
    for (index, later) in sorted.iter().enumerate() {
        // Nothing is wider than 64 bits, so only near ones can reach this far.
        let near = sorted.get(..index).unwrap_or_default().iter().rev();
        for earlier in near.take_while(|e| e.0 == later.0 && e.1 + 64 > later.1).filter(|e| e.1 + e.2 > later.1) {
            shared.insert(*earlier);
            shared.insert(*later);
        }
    }
    shared
}

fn note_located<'a>(variables: impl Iterator<Item = &'a Variable>, all: &mut HashSet<(Area, u64, u64)>) {
    for variable in variables {
        if let Some(location) = &variable.location {
            let (first, bits) = extent(location, variable.ty);
            all.insert((location.area, first, bits));
        }
    }
}

/// The number of a key, for tables beside this one.
pub(crate) fn index(key: Key) -> usize {
    VarId(key.0).index()
}
