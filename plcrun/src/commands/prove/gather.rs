//! The properties of a program: those of its file, those in its text, and those nobody has to ask for.
//!
//! In the text a property is a comment that begins with `(*#` and holds one entry of the list in a property file:
//! `(*# { id: never-both, kind: never-together, of: [fwd, rev] } *)`.

use super::Work;
use crate::args::ProveArgs;
use crate::exit::Refusal;
use crate::files;
use prove::property::{File, Kind, Property};
use relay::quantity::Duration;

/// Every property to be asked, in this order: those that need no asking, those of the text, those of the file.
pub fn gather(args: &ProveArgs, work: &Work, trees: &[compiler::ast::File]) -> Result<File, Refusal> {
    let mut file = from_file(args)?;
    let mut written = in_text(work, trees)?;
    written.append(&mut file.properties);
    // Whoever writes one of these words it himself.
    let mut properties: Vec<Property> = own(work);
    properties.retain(|own| !written.iter().any(|p| p.id == own.id));
    properties.append(&mut written);
    if let Some(twice) = properties.iter().enumerate().find(|(i, p)| properties.iter().take(*i).any(|q| q.id == p.id)) {
        let what = format!("two properties are called `{}`", twice.1.id);
        return Err(Refusal::findings(what, "give each a name of its own"));
    }
    if let Some(only) = &args.only {
        properties.retain(|p| p.id.contains(only.as_str()));
        if properties.is_empty() {
            let what = format!("no property has `{only}` in its name");
            return Err(Refusal::wrong_use(what, "leave `--only` out to see the names"));
        }
    }
    Ok(File { properties, assume: file.assume })
}

fn from_file(args: &ProveArgs) -> Result<File, Refusal> {
    let beside = || {
        let first = args.files.first()?;
        let stem = first.file_stem()?.to_str()?;
        Some(first.with_file_name(format!("{stem}.properties.yaml"))).filter(|path| path.exists())
    };
    let Some(path) = args.properties.clone().or_else(beside) else { return Ok(File::default()) };
    let text = files::read_text(&path)?;
    prove::property::read(&text)
        .map_err(|error| Refusal::findings(format!("{}: {error}", files::shown(&path)), "see docs/proof.md"))
}

/// No fault in any scan, and of each interlock group never two commanded at once.
fn own(work: &Work) -> Vec<Property> {
    let mut properties = vec![Property { id: "no-fault".to_owned(), kind: Kind::Terminates }];
    let table = &work.map.channels;
    for id in table.group_ids() {
        let group = table.group(id);
        let of: Vec<String> = group.members().iter().map(|m| table.channel(*m).name.clone()).collect();
        // A channel whose name is no variable of the program has nothing the program could say about it.
        if of.iter().all(|name| work.image.image().variable(name).is_ok()) {
            let id = format!("interlock-{}", group.name);
            properties.push(Property { id, kind: Kind::NeverTogether { of } });
        }
    }
    properties
}

fn in_text(work: &Work, trees: &[compiler::ast::File]) -> Result<Vec<Property>, Refusal> {
    let mut properties = Vec::new();
    for comment in trees.iter().flat_map(|tree| &tree.comments) {
        let text = work.sources.slice(comment.span);
        let Some(inside) = text.strip_prefix("(*#").and_then(|rest| rest.strip_suffix("*)")) else { continue };
        let property = prove::property::read_one(inside.trim()).map_err(|error| {
            let place = work.sources.place(comment.span);
            let at = place.map_or(String::new(), |(file, at)| format!("{file}:{}:{}: ", at.line, at.column));
            let help = "write (*# { id: NAME, kind: KIND, ... } *), as in a property file; see docs/proof.md";
            Refusal::findings(format!("{at}this is no property: {error}"), help)
        })?;
        properties.push(property);
    }
    Ok(properties)
}

/// A duration as a person writes it.
#[must_use]
pub fn time(ns: u64) -> String {
    Duration::from_ns(ns).to_string()
}
