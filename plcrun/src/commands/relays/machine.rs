//! The same for machines: one JSON object. Times are nanoseconds, lives and counts operations; what is not known is null.

use super::wear::{ChannelWear, End, Gold};
use super::{Counts, Report};
use relay::datasheet::ROWS;
use relay::{Channel, ContactForm};
use runtime::store::moment::date_text;
use serde_json::{Map, Value, json};

/// The object, with a newline at the end.
pub fn object(report: &Report<'_>) -> String {
    let table = &report.map.channels;
    let wear = report.wear.as_deref().unwrap_or_default();
    let channels: Vec<Value> =
        table.ids().enumerate().map(|(index, id)| channel(table.channel(id), wear.get(index))).collect();
    let groups: Vec<Value> = table
        .group_ids()
        .map(|id| {
            let group = table.group(id);
            let members: Vec<&str> = group.members().iter().map(|m| table.channel(*m).name.as_str()).collect();
            let cutoff = group.cutoff.map(|c| table.channel(c).name.as_str());
            json!({ "name": group.name, "members": members, "dead_time_ns": group.dead_time_ns, "cutoff": cutoff })
        })
        .collect();
    let sheets: Vec<Value> = report
        .map
        .sheets
        .iter()
        .map(|sheet| {
            let rows: Map<String, Value> =
                ROWS.iter().map(|row| (row.key.to_owned(), Value::String((row.print)(sheet)))).collect();
            json!({ "name": sheet.name, "rows": rows })
        })
        .collect();
    let object = json!({ "channels": channels, "interlocks": groups, "sheets": sheets, "store": store(report.counts) });
    format!("{object}\n")
}

fn store(counts: &Counts) -> Value {
    match counts {
        Counts::NoPlace => Value::Null,
        Counts::NotYet(directory) => json!({ "directory": directory.path().display().to_string(), "state": "empty" }),
        Counts::Unread => json!({ "state": "unreadable" }),
        Counts::Kept(directory, document) => json!({
            "directory": directory.path().display().to_string(), "state": "read", "program": document.program,
            "saved": document.saved.as_ref().map(|saved| saved.text()),
        }),
    }
}

fn channel(channel: &Channel, wear: Option<&ChannelWear>) -> Value {
    let contact = match channel.contact {
        ContactForm::No => "no",
        ContactForm::Nc => "nc",
    };
    let life = channel.relay.as_ref().map(|_| &channel.life);
    json!({
        "name": channel.name, "relay": channel.relay, "contact": contact,
        "on_after_ns": channel.windows.make_ns, "off_after_ns": channel.windows.break_ns,
        "min_off_ns": channel.windows.min_off_ns,
        "electrical_life": life.map(|l| l.electrical), "mechanical_life": life.map(|l| l.mechanical),
        "wear": wear.map(|worn| worn_json(channel, worn)),
    })
}

fn worn_json(channel: &Channel, worn: &ChannelWear) -> Value {
    let share = |count: u64, whole: u64| (whole > 0).then(|| count as f64 / whole as f64);
    let (days_left, date) = match worn.end {
        End::Reached => (Some(0.0), None),
        End::In(days, date) => (Some(days), date.map(date_text)),
        End::NotInSight | End::Unknown => (None, None),
    };
    let gold = match worn.gold {
        Gold::None => "none",
        Gold::Intact => "intact",
        Gold::Spent => "spent",
        Gold::Missed => "spent_and_needed",
    };
    json!({
        "recorded": worn.recorded,
        "loaded_operations": worn.wear.loaded_operations, "unloaded_operations": worn.wear.unloaded_operations,
        "short_pulses": worn.wear.short_pulses, "unverified_operations": worn.wear.unverified_operations,
        "observed_ns": worn.wear.observed_ns, "life_alarm": worn.wear.life_alarm,
        "used_electrical": share(worn.wear.loaded_operations, channel.life.electrical),
        "used_mechanical": share(worn.wear.operations(), channel.life.mechanical),
        "operations_per_day": worn.per_day, "of_whole_days": worn.of_days,
        "days_left": days_left, "end_of_life": date,
        "gold_layer": gold, "gold_spent": worn.wear.gold_spent,
        "fault": worn.fault.map(|fault| fault.name()),
    })
}
