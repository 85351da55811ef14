//! `plcrun retain show|export|clear`: what of a program is kept, for eyes and machines, and how to be rid of it.

use crate::args::{ClearArgs, RetainCommand, RetainExportArgs, RetainShowArgs};
use crate::exit::{Exit, Refusal};
use crate::state_dir::{self, Reached, refusal};
use crate::table::{aligned, grouped};
use crate::terminal::Console;
use runtime::state::Held;
use runtime::store::file::keep_aside;
use runtime::store::{Change, Document, Moment, StoreCode, StoreFile, StoredValue};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Shows, exports or clears.
///
/// # Errors
/// The state directory or its store cannot be had, or the program runs.
pub fn run(command: &RetainCommand, console: &Console) -> Result<Exit, Refusal> {
    match command {
        RetainCommand::Show(args) => show(args, console),
        RetainCommand::Export(args) => export(args, console),
        RetainCommand::Clear(args) => clear(args, console),
    }
}

fn show(args: &RetainShowArgs, console: &Console) -> Result<Exit, Refusal> {
    let directory = state_dir::locate(&args.state)?;
    let document = state_dir::document(&directory)?;
    console.print(&listing(&document))?;
    Ok(Exit::Clean)
}

fn listing(document: &Document) -> String {
    let Some(saved) = &document.saved else { return "nothing is kept yet\n".to_owned() };
    let mut text = format!("program {}, last written {}\n\n", document.program, saved.text());
    text.push_str(&values(&document.values, "values"));
    if !document.values_aside.is_empty() {
        text.push('\n');
        text.push_str(&values(&document.values_aside, "kept aside, because no variable of the program fits"));
    }
    let mut rows = vec![["channel", "relay", "operations", "latched"].map(str::to_owned).to_vec()];
    for channel in document.channels.values() {
        rows.push(vec![
            channel.name.clone(),
            channel.relay.clone().unwrap_or_else(|| "none".to_owned()),
            grouped(channel.wear.operations()),
            channel.fault.map_or_else(|| "-".to_owned(), |fault| fault.name().to_owned()),
        ]);
    }
    if rows.len() > 1 {
        text.push('\n');
        text.push_str(&aligned(&rows));
    }
    for record in document.channels_aside.values() {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "kept aside: the record of channel {}, {} operations",
            record.name,
            grouped(record.wear.operations())
        );
    }
    text
}

fn values(values: &BTreeMap<String, StoredValue>, what: &str) -> String {
    if values.is_empty() {
        return format!("no {what}\n");
    }
    let mut rows = vec![[what, "type", "value", ""].map(str::to_owned).to_vec()];
    for value in values.values() {
        let kind = if value.persistent { "persistent" } else { "" };
        rows.push(vec![value.path.clone(), value.elementary.name().to_owned(), value.text(), kind.to_owned()]);
    }
    aligned(&rows)
}

fn export(args: &RetainExportArgs, console: &Console) -> Result<Exit, Refusal> {
    let directory = state_dir::locate(&args.state)?;
    let document = state_dir::document(&directory)?;
    let json = serde_json::to_string_pretty(&document).map_err(|e| {
        Refusal::findings(format!("the store has no JSON form: {e}"), "this is a defect of plcrun: please report it")
    })?;
    console.print(&format!("{json}\n"))?;
    Ok(Exit::Clean)
}

fn clear(args: &ClearArgs, console: &Console) -> Result<Exit, Refusal> {
    let directory = state_dir::locate(&args.state)?;
    let held = match state_dir::reach(&directory)? {
        Reached::Stopped(held) => held,
        Reached::Running(directory) => {
            let what = format!("a program runs on {}: it would write everything again", directory.path().display());
            return Err(Refusal::wrong_use(what, "stop it first").coded(StoreCode::InUse.code()));
        }
    };
    if !held.store().exists() {
        console.print("nothing is kept yet\n")?;
        return Ok(Exit::Clean);
    }
    if args.damaged {
        return clear_damaged(&held, console);
    }
    let (file, document) = StoreFile::open(&held.store()).map_err(|e| refusal(&e))?;
    let changes = changes(args, &document)?;
    let saved = document.saved.clone().unwrap_or_else(Moment::now);
    file.commit(&changes, &saved).map_err(|e| refusal(&e))?;
    console.print(&format!("{} cleared\n", crate::project::plural(changes.len(), "record")))?;
    Ok(Exit::Clean)
}

/// The rows to take out.
fn changes(args: &ClearArgs, document: &Document) -> Result<Vec<Change>, Refusal> {
    let mut changes = Vec::new();
    let all = args.all;
    for (key, value) in &document.values {
        if all || (args.retain && !value.persistent) || (args.persistent && value.persistent) {
            changes.push(Change::Value(key.clone(), None));
        }
    }
    if all || args.unmatched {
        changes.extend(document.values_aside.keys().map(|key| Change::ValueAside(key.clone(), None)));
        changes.extend(document.channels_aside.keys().map(|key| Change::ChannelAside(key.clone(), None)));
    }
    for name in &args.channel {
        let key = name.to_lowercase();
        if !document.channels.contains_key(&key) {
            return Err(Refusal::wrong_use(
                format!("the store has no record of a channel `{name}`"),
                "`plcrun retain show` lists them",
            ));
        }
        let days = document.days.get(&key).into_iter().flat_map(BTreeMap::keys);
        changes.extend(days.map(|day| Change::Day(key.clone(), *day, None)));
        changes.push(Change::Channel(key, None));
    }
    let latched = document
        .channels
        .values()
        .find(|c| c.fault.is_some() && args.channel.iter().any(|n| n.eq_ignore_ascii_case(&c.name)));
    if let Some(latched) = latched {
        return Err(Refusal::wrong_use(
            format!("a fault is latched on {}: its record stays until it is acknowledged", latched.name),
            format!("`plcrun ack {}` first", latched.name),
        ));
    }
    Ok(changes)
}

fn clear_damaged(held: &Held, console: &Console) -> Result<Exit, Refusal> {
    match StoreFile::open(&held.store()) {
        Err(error) if error.code == StoreCode::Damaged => {
            let aside = keep_aside(&held.store()).map_err(|e| refusal(&e))?;
            console.print(&format!("{error}\nkept aside as {}; the next start begins anew\n", aside.display()))?;
            Ok(Exit::Clean)
        }
        Err(error) => Err(refusal(&error)),
        Ok(_) => Err(Refusal::wrong_use("the store is not damaged", "nothing was done; `--all` clears its values")),
    }
}
