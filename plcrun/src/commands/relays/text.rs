//! The listing for people: waits, interlocks, modules with their data sheets, wear.

use super::wear::ChannelWear;
use super::{Counts, Report};
use crate::table::{aligned, exact_time, grouped};
use relay::datasheet::ROWS;
use relay::{ChannelTable, ContactForm, RatePolicy, SafeValue, StopValue};
use runtime::config::IoMap;
use std::fmt::Write as _;

/// Everything, one table after the other.
pub fn listing(report: &Report<'_>) -> String {
    let table = &report.map.channels;
    if table.is_empty() {
        return "no outputs\n".to_owned();
    }
    let mut text = aligned(&channel_rows(table));
    let groups = group_rows(table);
    if groups.len() > 1 {
        text.push('\n');
        text.push_str(&aligned(&groups));
    }
    if !report.map.sheets.is_empty() {
        text.push('\n');
        text.push_str(&aligned(&module_rows(report.map)));
        for sheet in &report.map.sheets {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "\ndata sheet {}", sheet.name);
            let rows = ROWS.iter().map(|row| vec![format!("  {}", row.title), (row.print)(sheet)]);
            text.push_str(&aligned(&rows.collect::<Vec<_>>()));
        }
    }
    text.push('\n');
    text.push_str(&source(report));
    if let Some(wear) = &report.wear {
        text.push_str(&aligned(&wear_rows(table, wear)));
        text.push_str(&aside(report));
    }
    text
}

/// Where the counts below come from, or why there are none.
fn source(report: &Report<'_>) -> String {
    match report.counts {
        Counts::NoPlace => "operations are not kept: the map has no real lines and names no state directory \
            (`--state DIR` names one)\n"
            .to_owned(),
        Counts::NotYet(directory) => {
            format!("operations unknown: nothing is kept yet in {}\n", directory.path().display())
        }
        Counts::Unread => "operations unknown: the store cannot be read\n".to_owned(),
        Counts::Kept(directory, document) => {
            let place = directory.path().display();
            let saved = document.saved.as_ref().map_or_else(|| "its start".to_owned(), |saved| saved.text());
            format!("operations of program {} as of {saved}, from {place}\n", document.program)
        }
    }
}

fn wear_rows(table: &ChannelTable, wear: &[ChannelWear]) -> Vec<Vec<String>> {
    let heading = [
        "channel",
        "loaded",
        "unloaded",
        "electrical",
        "mechanical",
        "per day",
        "end of life",
        "gold layer",
        "latched",
    ];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for (id, worn) in table.ids().zip(wear) {
        let channel = table.channel(id);
        let sheet = |text: String| if channel.relay.is_some() { text } else { "-".to_owned() };
        let share = |count: u64, whole: u64| sheet(format!("{:.3} %", 100.0 * count as f64 / whole.max(1) as f64));
        rows.push(vec![
            channel.name.clone(),
            grouped(worn.wear.loaded_operations),
            grouped(worn.wear.unloaded_operations),
            share(worn.wear.loaded_operations, channel.life.electrical),
            share(worn.wear.operations(), channel.life.mechanical),
            worn.per_day.map_or_else(|| "unknown".to_owned(), per_day),
            sheet(worn.end.text()),
            sheet(worn.gold.text().to_owned()),
            worn.fault.map_or_else(|| "-".to_owned(), |fault| fault.name().to_owned()),
        ]);
    }
    rows
}

/// `8 640` or, where it is little, `0.4`.
fn per_day(rate: f64) -> String {
    // A cast from f64 saturates.
    if rate >= 10.0 { grouped(rate.round() as u64) } else { format!("{rate:.1}") }
}

/// Records of modules that are no longer where they were.
fn aside(report: &Report<'_>) -> String {
    let mut text = String::new();
    let Some(document) = report.counts.document() else { return text };
    let table = &report.map.channels;
    let fits = |name: &str, relay: &Option<String>| {
        table.ids().map(|id| table.channel(id)).any(|c| c.name.eq_ignore_ascii_case(name) && c.relay == *relay)
    };
    let unfit = document.channels.values().filter(|record| !fits(&record.name, &record.relay));
    for record in unfit.chain(document.channels_aside.values()) {
        let relay = record.relay.as_deref().unwrap_or("no relay");
        let operations = grouped(record.wear.operations());
        let _ = writeln!(text, "no channel of this map: {} ({relay}), {operations} operations", record.name);
    }
    text
}

/// What to order: one line for each data sheet that a channel uses.
fn module_rows(map: &IoMap) -> Vec<Vec<String>> {
    let mut rows = vec![["relay", "pieces", "manufacturer", "module", "coil"].map(str::to_owned).to_vec()];
    for sheet in &map.sheets {
        let uses = |relay: &Option<String>| relay.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(&sheet.name));
        let pieces = map.channels.ids().filter(|id| uses(&map.channels.channel(*id).relay)).count();
        rows.push(vec![
            sheet.name.clone(),
            pieces.to_string(),
            sheet.manufacturer.clone(),
            sheet.title.clone(),
            format!("{}, {}", sheet.coil_voltage, sheet.coil_current),
        ]);
    }
    rows
}

fn channel_rows(table: &ChannelTable) -> Vec<Vec<String>> {
    let heading = [
        "channel",
        "relay",
        "contact",
        "on after",
        "off after",
        "least off",
        "ON per 60 s",
        "life loaded",
        "mechanical",
        "feedback",
        "stop",
        "safe",
    ];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for id in table.ids() {
        let c = table.channel(id);
        let sheet = |text: String| if c.relay.is_some() { text } else { "-".to_owned() };
        let rate = match c.rate.policy {
            RatePolicy::Warn => format!("{} warn", c.rate.edges),
            RatePolicy::Enforce => format!("{} enforce", c.rate.edges),
        };
        rows.push(vec![
            c.name.clone(),
            c.relay.clone().unwrap_or_else(|| "none".to_owned()),
            match c.contact {
                ContactForm::No => "no".to_owned(),
                ContactForm::Nc => "nc".to_owned(),
            },
            exact_time(c.windows.make_ns),
            exact_time(c.windows.break_ns),
            exact_time(c.windows.min_off_ns),
            sheet(rate),
            sheet(grouped(c.life.electrical)),
            sheet(grouped(c.life.mechanical)),
            if c.feedback.is_some() { "yes" } else { "no" }.to_owned(),
            match c.stop {
                StopValue::Off => "off",
                StopValue::On => "on",
                StopValue::Hold => "hold",
            }
            .to_owned(),
            match c.safe {
                SafeValue::Off => "off",
                SafeValue::On => "on",
            }
            .to_owned(),
        ]);
    }
    rows
}

fn group_rows(table: &ChannelTable) -> Vec<Vec<String>> {
    let mut rows = vec![["interlock", "members", "dead time", "cut-off"].map(str::to_owned).to_vec()];
    for id in table.group_ids() {
        let group = table.group(id);
        let members: Vec<&str> = group.members().iter().map(|m| table.channel(*m).name.as_str()).collect();
        rows.push(vec![
            group.name.clone(),
            members.join(", "),
            exact_time(group.dead_time_ns),
            group.cutoff.map_or_else(|| "-".to_owned(), |c| table.channel(c).name.clone()),
        ]);
    }
    rows
}
