//! The properties of a program: those of its file, those in its text, and those nobody has to ask for; each with its place.
//!
//! In the text a property is a comment that begins with `(*#` and holds one entry of the list in a property file:
//! `(*# { id: never-both, kind: never-together, of: [fwd, rev] } *)`.

use super::only::Only;
use super::work::Work;
use crate::args::ProveArgs;
use crate::exit::Refusal;
use crate::files;
use lint::Region;
use prove::property::{File, Kind, Property};
use relay::quantity::Duration;
use relay::{Restart, SafeValue};
use runtime::config::yaml::{self, Node, SizeLimit, Value};
use std::path::PathBuf;

/// A property with its place.
type Placed = (Property, Region);

/// What is asked of a program.
#[derive(Debug, Default)]
pub struct Gathered {
    /// The properties, in this order: those that need no asking, those of the text, those of the file.
    pub properties: Vec<Property>,
    /// Where each of them stands.
    places: Vec<Region>,
    /// What the plant excludes.
    pub assume: Vec<String>,
}

impl Gathered {
    /// Where a property stands; line 0 where it is written nowhere.
    #[must_use]
    pub fn place(&self, id: &str) -> Option<&Region> {
        let at = self.properties.iter().position(|property| property.id == id)?;
        self.places.get(at)
    }

    /// Leaves out what is not asked.
    pub fn keep(&mut self, only: Only<'_>) {
        let mut kept = Self { assume: std::mem::take(&mut self.assume), ..Self::default() };
        for (property, place) in self.properties.drain(..).zip(self.places.drain(..)) {
            if only.takes(&property.id) {
                kept.add(property, place);
            }
        }
        *self = kept;
    }

    fn add(&mut self, property: Property, place: Region) {
        self.properties.push(property);
        self.places.push(place);
    }
}

/// Every property of a program.
///
/// # Errors
/// The file of properties cannot be read, or a property has a mistake.
pub fn gather(args: &ProveArgs, work: &Work) -> Result<Gathered, Refusal> {
    let (mut written, assume) = from_file(args, work)?;
    let mut all = in_text(work)?;
    all.append(&mut written);
    let own = own(work).into_iter().filter(|(own, _)| !all.iter().any(|(p, _)| p.id == own.id)).collect::<Vec<_>>();
    let mut gathered = Gathered { assume, ..Gathered::default() };
    for (mut property, place) in own.into_iter().chain(all) {
        // Whoever writes one that needs no asking words it himself; two of one name are a mistake.
        if gathered.properties.iter().any(|p| p.id == property.id) {
            let what = format!("{}two properties are called `{}`", at(&place), property.id);
            return Err(Refusal::findings(what, "give each a name of its own"));
        }
        settle_safe_state(&mut property, work);
        gathered.add(property, place);
    }
    Ok(gathered)
}

fn at(place: &Region) -> String {
    if place.line == 0 { String::new() } else { format!("{}:{}:{}: ", place.file, place.line, place.column) }
}

fn from_file(args: &ProveArgs, work: &Work) -> Result<(Vec<Placed>, Vec<String>), Refusal> {
    let Some(path) = args.properties.clone().or_else(|| beside(work)) else { return Ok(Default::default()) };
    let text = files::read_text(&path)?;
    let file: File = prove::property::read(&text)
        .map_err(|error| Refusal::findings(format!("{}: {error}", files::shown(&path)), "see docs/proof.md"))?;
    let name = path.display().to_string();
    let places = places(&text, "properties");
    let place = |index: usize| {
        let place = places.get(index).map(|node| node.place);
        place.map_or_else(
            || Region { file: name.clone(), ..Region::default() },
            |place| lint::map_region(&name, &text, place),
        )
    };
    let properties = file.properties.into_iter().enumerate().map(|(index, p)| (p, place(index))).collect();
    Ok((properties, file.assume))
}

/// `NAME.properties.yaml` beside the first file, where there is one.
fn beside(work: &Work) -> Option<PathBuf> {
    let first = work.files.first()?;
    let stem = first.file_stem()?.to_str()?;
    Some(first.with_file_name(format!("{stem}.properties.yaml"))).filter(|path| path.exists())
}

/// The items of a list of a YAML text; none where it cannot be read here, which costs places only.
fn places(text: &str, list: &str) -> Vec<Node> {
    let limit = SizeLimit { bytes_max: yaml::TEXT_BYTES_MAX, remedy: "" };
    let Ok(root) = yaml::parse(text, limit) else { return Vec::new() };
    let Value::Map(rows) = root.value else { return Vec::new() };
    let found = rows.into_iter().find(|(key, _)| key.value.word() == list);
    match found.map(|(_, node)| node.value) {
        Some(Value::List(items)) => items,
        Some(_) | None => Vec::new(),
    }
}

/// No fault in any scan, and of each interlock group never two commanded at once.
fn own(work: &Work) -> Vec<Placed> {
    let file = work.files.first().map(|path| path.display().to_string()).unwrap_or_default();
    let whole = Region { file, ..Region::default() };
    let mut properties = vec![(Property::new("no-fault", Kind::Terminates), whole)];
    let table = &work.map.channels;
    for id in table.group_ids() {
        let group = table.group(id);
        let of: Vec<String> = group.members().iter().map(|m| table.channel(*m).name.clone()).collect();
        // A channel whose name is no variable of the program has nothing the program could say about it.
        if of.iter().all(|name| work.image.image().variable(name).is_ok()) {
            let property = Property::new(format!("interlock-{}", group.name), Kind::NeverTogether { of });
            properties.push((property, group_place(work, &group.name)));
        }
    }
    properties
}

/// Where an interlock group stands in the I/O map.
fn group_place(work: &Work, group: &str) -> Region {
    let file = &work.map.file;
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let named = |node: &Node| match &node.value {
        Value::Map(rows) => rows.iter().any(|(key, value)| key.value.word() == "name" && value.value.word() == group),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) | Value::List(_) => false,
    };
    let node = places(&text, "interlocks").into_iter().find(named);
    node.map_or_else(
        || Region { file: file.clone(), ..Region::default() },
        |node| lint::map_region(file, &text, node.place),
    )
}

fn in_text(work: &Work) -> Result<Vec<Placed>, Refusal> {
    let mut properties = Vec::new();
    for comment in work.compiled.files.iter().flat_map(|tree| &tree.comments) {
        let text = work.sources.slice(comment.span);
        let Some(inside) = text.strip_prefix("(*#").and_then(|rest| rest.strip_suffix("*)")) else { continue };
        let place = lint::region(&work.sources, comment.span);
        let property = prove::property::read_one(inside.trim()).map_err(|error| {
            let help = "write (*# { id: NAME, kind: KIND, ... } *), as in a property file; see docs/proof.md";
            Refusal::findings(format!("{}this is no property: {error}", at(&place)), help)
        })?;
        properties.push((property, place));
    }
    Ok(properties)
}

/// What is safe follows from the I/O map (`safe:`), where a property does not say it. Where it names no output either, those are
/// meant that do not start by themselves.
fn settle_safe_state(property: &mut Property, work: &Work) {
    let Kind::StaysSafe { outputs, safe, .. } = &mut property.kind else { return };
    if !safe.is_empty() {
        return;
    }
    let (table, image) = (&work.map.channels, work.image.image());
    if outputs.is_empty() {
        let bound: Vec<_> =
            table.ids().map(|id| table.channel(id)).filter(|c| image.variable(&c.name).is_ok()).collect();
        let manual = || bound.iter().filter(|channel| channel.restart == Restart::Manual);
        // Without a map every output may start by itself, and then all are meant.
        let all = manual().next().is_none();
        let meant = bound.iter().filter(|channel| all || channel.restart == Restart::Manual);
        outputs.extend(meant.map(|channel| channel.name.clone()));
    }
    let value = |name: &String| {
        let channel = table.ids().map(|id| table.channel(id)).find(|c| c.name.eq_ignore_ascii_case(name));
        match channel.map(|channel| channel.safe) {
            Some(SafeValue::On) => name.clone(),
            Some(SafeValue::Off) => format!("NOT {name}"),
            None => format!("NOT ({name})"),
        }
    };
    *safe = outputs.iter().map(value).collect::<Vec<_>>().join(" AND ");
}

/// A duration as a person writes it.
#[must_use]
pub fn time(ns: u64) -> String {
    Duration::from_ns(ns).to_string()
}
