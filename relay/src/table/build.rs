//! From configuration to table: names, references, times and interlock rules. The electrical checks are next door.

use super::{CHANNELS_MAX, Channel, ChannelTable, GROUPS_MAX, Group, Life, RateLimit, Windows};
use super::{electrical, groups};
use crate::config::{
    ACK_LIMIT_DEFAULT_NS, ActuatorConfig, BankConfig, ChannelConfig, FeedbackConfig, MARGIN_DEFAULT_PERCENT, Restart,
    SafeValue,
};
use crate::datasheet::{ContactForm, DataSheet};
use crate::finding::{Finding, FindingCode};
use crate::id::{PerChannel, PerGroup, channel_ids};
use crate::quantity::Duration;

/// Longest time any key may ask for: 24 h. Sums of a few such times stay far below `u64::MAX` ns (584 years).
pub(super) const TIME_MAX_NS: u64 = 86_400_000_000_000;

/// Greatest margin: 1000 %.
const MARGIN_MAX_PERCENT: u32 = 1_000;

pub(super) fn build(config: &BankConfig) -> (Option<ChannelTable>, Vec<Finding>) {
    let mut findings = Vec::new();
    check_sheets(config, &mut findings);
    if config.channels.len() > CHANNELS_MAX || config.groups.len() > GROUPS_MAX {
        let message = format!(
            "{} channels and {} groups; a bank may have {CHANNELS_MAX} and {GROUPS_MAX}",
            config.channels.len(),
            config.groups.len()
        );
        findings
            .push(Finding::new(FindingCode::TooMany, message).help("split the installation over several controllers"));
        return (None, findings);
    }
    check_bank_times(config, &mut findings);
    let sheets: Vec<Option<&DataSheet>> =
        config.channels.iter().map(|channel| find_sheet(config, channel, &mut findings)).collect();
    let mut channels: Vec<Channel> = Vec::with_capacity(config.channels.len());
    for (index, (channel, sheet)) in config.channels.iter().zip(&sheets).enumerate() {
        let earlier = config.channels.get(..index).unwrap_or(&[]);
        check_channel(channel, earlier, &mut findings);
        electrical::check_load(config, channel, *sheet, &mut findings);
        channels.push(make_channel(config, channel, *sheet));
    }
    electrical::check_supply(config, &sheets, &mut findings);
    let groups = groups::make_groups(config, &mut channels, &mut findings);
    set_pending_limits(config, &groups, &mut channels);
    let table = ChannelTable {
        group_count: groups.len(),
        channels: PerChannel::from_vec(channels),
        groups: PerGroup::from_vec(groups),
        scan_period_ns: config.scan_period_ns,
        ack_limit_ns: config.ack_limit_ns.unwrap_or(ACK_LIMIT_DEFAULT_NS),
    };
    (Some(table), findings)
}

fn check_sheets(config: &BankConfig, findings: &mut Vec<Finding>) {
    for (index, sheet) in config.sheets.iter().enumerate() {
        findings.extend(sheet.check());
        if config.sheets.iter().take(index).any(|earlier| earlier.name.eq_ignore_ascii_case(&sheet.name)) {
            let message = format!("the data sheet `{}` is given twice", sheet.name);
            findings.push(
                Finding::new(FindingCode::SheetTwice, message)
                    .sheet(&sheet.name)
                    .key("relays")
                    .help("remove one, or rename one"),
            );
        }
    }
}

fn check_bank_times(config: &BankConfig, findings: &mut Vec<Finding>) {
    if config.scan_period_ns == 0 || config.scan_period_ns > TIME_MAX_NS {
        let message = format!("the scan period is {}", Duration::from_ns(config.scan_period_ns));
        findings.push(
            Finding::new(FindingCode::TimeImplausible, message).key("scan").help("give a scan period such as `10 ms`"),
        );
    }
    if let Some(limit_ns) = config.ack_limit_ns
        && (limit_ns == 0 || limit_ns > TIME_MAX_NS)
    {
        let message = format!("the limit for acknowledging a write is {}", Duration::from_ns(limit_ns));
        findings.push(
            Finding::new(FindingCode::TimeImplausible, message)
                .key("ack_limit")
                .help("leave it out for 1 s, or give a time below 24 h"),
        );
    }
}

fn find_sheet<'c>(
    config: &'c BankConfig,
    channel: &ChannelConfig,
    findings: &mut Vec<Finding>,
) -> Option<&'c DataSheet> {
    let name = channel.relay.as_deref()?;
    let sheet = config.sheets.iter().find(|sheet| sheet.name.eq_ignore_ascii_case(name));
    if sheet.is_none() {
        let known: Vec<&str> = config.sheets.iter().map(|sheet| sheet.name.as_str()).collect();
        let help = if known.is_empty() {
            "list its file under `relays:`".to_owned()
        } else {
            format!("known sheets: {}", known.join(", "))
        };
        findings.push(
            Finding::new(FindingCode::SheetUnknown, format!("no data sheet is named `{name}`"))
                .channel(&channel.name)
                .key("relay")
                .help(help),
        );
    }
    sheet
}

fn check_channel(channel: &ChannelConfig, earlier: &[ChannelConfig], findings: &mut Vec<Finding>) {
    let mut found = |code, key, message: String, help: &str| {
        findings.push(Finding::new(code, message).channel(&channel.name).key(key).help(help));
    };
    if channel.name.trim().is_empty() {
        found(
            FindingCode::ChannelNameBad,
            "name",
            "a channel has no name".to_owned(),
            "name it like the program output it serves",
        );
    }
    if earlier.iter().any(|other| other.name.eq_ignore_ascii_case(&channel.name)) {
        found(
            FindingCode::ChannelNameBad,
            "name",
            "the name is used twice".to_owned(),
            "every channel serves one output of its own",
        );
    }
    check_channel_times(channel, &mut found);
    check_channel_safety(channel, &mut found);
}

/// Where a check puts what it found about one channel: code, key, message, help.
pub(super) type Found<'f> = &'f mut dyn FnMut(FindingCode, &'static str, String, &str);

fn check_channel_times(channel: &ChannelConfig, found: Found<'_>) {
    let actuator = channel.actuator.unwrap_or_default();
    let feedback = channel.feedback.unwrap_or_default();
    let times = [
        ("pull_in", actuator.pull_in_ns),
        ("drop_out", actuator.drop_out_ns),
        ("debounce", feedback.debounce_ns),
        ("input_age", feedback.input_age_ns),
        ("min_off", channel.min_off_ns.unwrap_or(0)),
        ("pending_limit", channel.pending_limit_ns.unwrap_or(0)),
        ("stagger", channel.stagger_ns),
    ];
    for (key, time_ns) in times {
        if time_ns > TIME_MAX_NS {
            found(
                FindingCode::TimeImplausible,
                key,
                format!("`{key}` is {}", Duration::from_ns(time_ns)),
                "give a time below 24 h; check the unit",
            );
        }
    }
    if channel.margin_percent > MARGIN_MAX_PERCENT {
        let message = format!("the margin is {} %", channel.margin_percent);
        found(
            FindingCode::MarginImplausible,
            "margin",
            message,
            "the default is 50 %; more than 1000 % is surely a slip",
        );
    } else if channel.margin_percent < MARGIN_DEFAULT_PERCENT && channel.relay.is_some() {
        let message =
            format!("the margin is {} %, below the default of {MARGIN_DEFAULT_PERCENT} %", channel.margin_percent);
        found(
            FindingCode::MarginThin,
            "margin",
            message,
            "raise it, unless the times in the sheet are guaranteed limits",
        );
    }
}

/// What gives up a protection needs a written reason; a safe state must survive a power loss.
fn check_channel_safety(channel: &ChannelConfig, found: Found<'_>) {
    let reason_given = |reason: &Option<String>| reason.as_deref().is_some_and(|text| !text.trim().is_empty());
    if channel.safe == SafeValue::On && !reason_given(&channel.safe_reason) {
        found(
            FindingCode::ReasonMissing,
            "safe",
            "`safe: on` has no reason".to_owned(),
            "write the reason beside it, or set `safe: off`",
        );
    }
    if channel.restart == Restart::Auto && !reason_given(&channel.restart_reason) {
        found(
            FindingCode::ReasonMissing,
            "restart",
            "`restart: auto` has no reason".to_owned(),
            "write the reason beside it, or set `restart: manual`",
        );
    }
    let plain = channel.relay.is_none() && channel.load.is_none() && channel.actuator.is_none();
    if plain && channel.restart == Restart::Manual {
        found(
            FindingCode::StartsDark,
            "restart",
            "it has no relay, and an ON from power-up on is refused until it was commanded off once".to_owned(),
            "for a lamp write `restart: auto` with `restart_reason`; for a drive enable this is right",
        );
    }
    let safe_on = channel.safe == SafeValue::On;
    let needs_coil = match channel.contact {
        ContactForm::No => safe_on,
        ContactForm::Nc => !safe_on,
    };
    if needs_coil {
        let state = if safe_on { "on" } else { "off" };
        let message = format!("`safe: {state}` on this contact needs the coil energised; a power loss cannot give it");
        let other = if safe_on {
            "put the load on the normally closed contact"
        } else {
            "put the load on the normally open contact"
        };
        found(FindingCode::SafeNeedsCoil, "safe", message, other);
    }
}

/// `time` with `percent` on top, rounded up, so that a margin never vanishes in rounding.
fn with_margin(time_ns: u64, percent: u32) -> u64 {
    let extra = (u128::from(time_ns) * u128::from(percent)).div_ceil(100);
    time_ns.saturating_add(u64::try_from(extra).unwrap_or(u64::MAX))
}

fn make_windows(config: &BankConfig, channel: &ChannelConfig, sheet: Option<&DataSheet>) -> Windows {
    let ActuatorConfig { pull_in_ns, drop_out_ns } = channel.actuator.unwrap_or_default();
    let FeedbackConfig { debounce_ns, input_age_ns, .. } = channel.feedback.unwrap_or_default();
    let sum = |times: &[u64]| times.iter().fold(0_u64, |total, &time| total.saturating_add(time));
    let (relay_make_ns, relay_break_ns) = sheet.map_or((0, 0), |sheet| {
        let pull_in_ns = sum(&[sheet.pull_in_time.ns, sheet.bounce_time.ns]);
        let drop_out_ns = sum(&[sheet.drop_out_time.ns, sheet.bounce_time.ns]);
        match channel.contact {
            ContactForm::No => (pull_in_ns, drop_out_ns),
            ContactForm::Nc => (drop_out_ns, pull_in_ns),
        }
    });
    let make_ns = with_margin(sum(&[relay_make_ns, pull_in_ns]), channel.margin_percent);
    let break_ns = with_margin(sum(&[relay_break_ns, drop_out_ns]), channel.margin_percent);
    let read_ns = sum(&[debounce_ns, input_age_ns, config.scan_period_ns]);
    Windows {
        make_ns,
        break_ns,
        min_off_ns: channel.min_off_ns.unwrap_or_else(|| with_margin(relay_break_ns, channel.margin_percent)),
        on_due_ns: make_ns.saturating_add(read_ns),
        off_due_ns: break_ns.saturating_add(read_ns),
        pulse_min_ns: relay_make_ns,
    }
}

fn make_channel(config: &BankConfig, channel: &ChannelConfig, sheet: Option<&DataSheet>) -> Channel {
    let loaded = channel.load.is_some_and(|load| load.current.microamps > 0);
    let above_gold = sheet.zip(channel.load).is_some_and(|(sheet, load)| electrical::above_gold(sheet, &load));
    let frequency =
        sheet.map(|sheet| if loaded { sheet.switching_frequency.loaded } else { sheet.switching_frequency.unloaded });
    let gold_plated = sheet.is_some_and(|sheet| sheet.gold_limit.is_some());
    Channel {
        name: channel.name.clone(),
        relay: channel.relay.clone(),
        contact: channel.contact,
        windows: make_windows(config, channel, sheet),
        feedback: channel.feedback,
        rate: RateLimit { edges: frequency.map_or(0, |rate| rate.operations), policy: channel.rate },
        pending_limit_ns: channel.pending_limit_ns.unwrap_or(0),
        stop: channel.stop,
        safe: channel.safe,
        restart: channel.restart,
        stagger_ns: channel.stagger_ns,
        coil_window_millivolts: sheet.map(DataSheet::coil_window_millivolts),
        ambient_operating: sheet.map(|sheet| sheet.ambient_operating),
        ambient_storage: sheet.map(|sheet| sheet.ambient_storage),
        life: Life {
            electrical: sheet.map_or(0, |sheet| sheet.electrical_life.operations),
            mechanical: sheet.map_or(0, |sheet| sheet.mechanical_life),
            loaded,
            above_gold,
            needs_gold: gold_plated && loaded && !above_gold,
        },
        groups: Vec::new(),
        cutoff_of: Vec::new(),
    }
}

/// Default of `pending_limit` (rule 3): the longest wait the channel can meet. Lock and least off time run side by side, stagger follows them; the write
/// before the wait is acknowledged one scan later and the grant falls on a scan, so two scans are added.
fn set_pending_limits(config: &BankConfig, groups: &[Group], channels: &mut [Channel]) {
    let stagger_ns = channels.iter().fold(0_u64, |total, channel| total.saturating_add(channel.stagger_ns));
    let breaks: Vec<u64> = channels.iter().map(|channel| channel.windows.break_ns).collect();
    for (id, (channel, settings)) in channel_ids(channels.len()).zip(channels.iter_mut().zip(&config.channels)) {
        if settings.pending_limit_ns.is_some() {
            continue;
        }
        let lock = |group: &Group| {
            let others = group.members.iter().filter(|&&member| member != id);
            others
                .filter_map(|member| breaks.get(member.index()))
                .max()
                .map_or(0, |&longest| longest.saturating_add(group.dead_time_ns))
        };
        let lock_ns = channel.groups.iter().filter_map(|group| groups.get(group.index())).map(lock).max().unwrap_or(0);
        let own_stagger_ns = if channel.stagger_ns > 0 { stagger_ns } else { 0 };
        channel.pending_limit_ns = lock_ns
            .max(channel.windows.min_off_ns)
            .saturating_add(own_stagger_ns)
            .saturating_add(config.scan_period_ns.saturating_mul(2));
    }
}
