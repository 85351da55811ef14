//! `plcrun relays`: what the guard knows of each channel before anything is energised.
//!
//! Times are those the guard waits, with bounce, actuator and margin; they stand in `docs/relays.md`, chapter by chapter.

use crate::args::RelaysArgs;
use crate::exit::{Exit, Refusal};
use crate::project;
use crate::table::{aligned, exact_time, grouped};
use crate::terminal::Console;
use crate::{files, iomap};
use relay::{ChannelTable, ContactForm, RatePolicy, SafeValue, StopValue};
use runtime::config::IoMap;
use runtime::config::files::Disk;

/// Lists the channels of the program's map.
///
/// # Errors
/// The program or the map has errors, or there is no map.
pub fn run(args: &RelaysArgs, console: &Console) -> Result<Exit, Refusal> {
    let origin = iomap::find(args.io.as_deref(), &args.files);
    iomap::must_exist(&origin)?;
    if origin == iomap::Origin::None {
        let first = args.files.first().map(|p| files::shown(p)).unwrap_or_default();
        return Err(Refusal::wrong_use(
            format!("{first} has no I/O map beside it, so no channel has a relay"),
            "name one with `--io`",
        ));
    }
    let project = project::load(&args.files, console)?;
    let map = iomap::required_at(&origin, project.image.image(), None, &Disk, console)?;
    console.print(&listing(&map))?;
    Ok(Exit::Clean)
}

fn listing(map: &IoMap) -> String {
    let table = &map.channels;
    if table.is_empty() {
        return "no outputs\n".to_owned();
    }
    let mut text = aligned(&channel_rows(table));
    let groups = group_rows(table);
    if groups.len() > 1 {
        text.push('\n');
        text.push_str(&aligned(&groups));
    }
    if !map.sheets.is_empty() {
        text.push('\n');
        text.push_str(&aligned(&module_rows(map)));
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
