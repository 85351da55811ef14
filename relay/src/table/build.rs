//! From configuration to table: names, references, times and interlock rules. The electrical checks are next door.

use super::electrical;
use super::{CHANNELS_MAX, Channel, ChannelTable, GROUPS_MAX, Group, Life, RateLimit, Windows};
use crate::config::{
    ACK_LIMIT_DEFAULT_NS, ActuatorConfig, BankConfig, ChannelConfig, FeedbackConfig, GroupConfig,
    MARGIN_DEFAULT_PERCENT, Restart, SafeValue, StopValue,
};
use crate::datasheet::{ContactForm, DataSheet};
use crate::finding::{Finding, FindingCode};
use crate::id::{ChannelId, PerChannel, PerGroup, channel_ids, group_ids};
use crate::quantity::Duration;

/// Longest time any key may ask for: 24 h. Sums of a few such times stay far below `u64::MAX` ns (584 years).
const TIME_MAX_NS: u64 = 86_400_000_000_000;

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
    let groups = make_groups(config, &mut channels, &mut findings);
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

/// Finds a channel of the configuration by name, or reports it.
fn resolve(
    config: &BankConfig,
    group: &GroupConfig,
    name: &str,
    key: &'static str,
    findings: &mut Vec<Finding>,
) -> Option<ChannelId> {
    let id = channel_ids(config.channels.len())
        .zip(&config.channels)
        .find(|(_, channel)| channel.name.eq_ignore_ascii_case(name));
    if id.is_none() {
        let known: Vec<&str> = config.channels.iter().map(|channel| channel.name.as_str()).collect();
        let message = format!("no channel is named `{name}`");
        findings.push(
            Finding::new(FindingCode::GroupMemberUnknown, message)
                .group(&group.name)
                .key(key)
                .help(format!("the channels are: {}", known.join(", "))),
        );
    }
    id.map(|(id, _)| id)
}

fn make_groups(config: &BankConfig, channels: &mut [Channel], findings: &mut Vec<Finding>) -> Vec<Group> {
    let mut groups = Vec::with_capacity(config.groups.len());
    for (index, (id, group)) in group_ids(config.groups.len()).zip(&config.groups).enumerate() {
        let mut found = |code, key, message: String, help: &str| {
            findings.push(Finding::new(code, message).group(&group.name).key(key).help(help));
        };
        let twice = config.groups.iter().take(index).any(|other| other.name.eq_ignore_ascii_case(&group.name));
        if group.name.trim().is_empty() || twice {
            found(
                FindingCode::GroupNameBad,
                "name",
                "the group's name is missing or used twice".to_owned(),
                "give each group a name of its own",
            );
        }
        if group.dead_time_ns > TIME_MAX_NS {
            let message = format!("`dead_time` is {}", Duration::from_ns(group.dead_time_ns));
            found(FindingCode::TimeImplausible, "dead_time", message, "give a time below 24 h; check the unit");
        }
        if group.channels.len() < 2 && (group.channels.is_empty() || group.cutoff.is_none()) {
            let message = format!("the group has {} member(s)", group.channels.len());
            found(
                FindingCode::GroupSize,
                "channels",
                message,
                "name at least two channels, or one channel and a `cutoff`",
            );
        }
        let mut members: Vec<ChannelId> = Vec::with_capacity(group.channels.len());
        for name in &group.channels {
            let Some(member) = resolve(config, group, name, "channels", findings) else { continue };
            if members.contains(&member) {
                let message = format!("`{name}` is named twice");
                findings.push(
                    Finding::new(FindingCode::GroupMemberTwice, message)
                        .group(&group.name)
                        .key("channels")
                        .help("name it once"),
                );
            } else {
                members.push(member);
            }
        }
        let cutoff = group.cutoff.as_deref().and_then(|name| resolve(config, group, name, "cutoff", findings));
        for &member in &members {
            if let (Some(channel), Some(settings)) =
                (channels.get_mut(member.index()), config.channels.get(member.index()))
            {
                channel.groups.push(id);
                check_member(group, channel, settings, members.len(), findings);
            }
        }
        if let Some(cutoff) = cutoff {
            check_cutoff(group, cutoff, &members, channels, findings);
            if let Some(channel) = channels.get_mut(cutoff.index()) {
                channel.cutoff_of.push(id);
            }
        }
        groups.push(Group { name: group.name.clone(), dead_time_ns: group.dead_time_ns, cutoff, members });
    }
    groups
}

fn check_member(
    group: &GroupConfig,
    channel: &Channel,
    settings: &ChannelConfig,
    members: usize,
    findings: &mut Vec<Finding>,
) {
    let mut found = |code, key, message: String, help: &str| {
        findings.push(Finding::new(code, message).channel(&channel.name).group(&group.name).key(key).help(help));
    };
    if members > 1 && (channel.stop != StopValue::Off || channel.safe != SafeValue::Off) {
        let message = "a group member must have `stop: off` and `safe: off`".to_owned();
        found(
            FindingCode::GroupStopValue,
            if channel.stop == StopValue::Off { "safe" } else { "stop" },
            message,
            "set both to `off`",
        );
    }
    if members > 1 && channel.contact == ContactForm::Nc {
        let message =
            "the load sits on a normally closed contact: it is on at every power loss, whatever the other members do"
                .to_owned();
        let reason = group.nc_reason.as_deref().unwrap_or("").trim();
        if reason.is_empty() {
            found(
                FindingCode::GroupNc,
                "contact",
                message,
                "use the normally open contact, or write `nc_reason` in the group",
            );
        } else {
            found(
                FindingCode::GroupNcAccepted,
                "nc_reason",
                format!("{message} (accepted: {reason})"),
                "make sure that hardware excludes what a power loss does here",
            );
        }
    }
    if channel.relay.is_none() && settings.actuator.is_none() {
        let message = "nothing says how long its contact takes to open".to_owned();
        found(
            FindingCode::GroupDirect,
            "relay",
            message,
            "name its data sheet under `relay`, or give `actuator` times",
        );
    }
    if channel.feedback.is_none() {
        let mut help = "wire an auxiliary contact and name the input under `feedback`".to_owned();
        if channel.relay.is_some() {
            help.push_str("; see the data sheet's status indication for what its light can tell");
        }
        found(
            FindingCode::GroupNoFeedback,
            "feedback",
            "it has no read-back, so a welded contact cannot be seen".to_owned(),
            &help,
        );
    }
    if members > 1 && group.dead_time_ns < channel.windows.break_ns {
        let message = format!(
            "the dead time {} is shorter than its contact may take to open, {} with margin; the guard waits for both, {} in all",
            Duration::from_ns(group.dead_time_ns),
            Duration::from_ns(channel.windows.break_ns),
            Duration::from_ns(group.dead_time_ns.saturating_add(channel.windows.break_ns)),
        );
        found(
            FindingCode::GroupDeadTime,
            "dead_time",
            message,
            "write a dead time of at least that length, so that the map says what happens",
        );
    }
}

fn check_cutoff(
    group: &GroupConfig,
    cutoff: ChannelId,
    members: &[ChannelId],
    channels: &[Channel],
    findings: &mut Vec<Finding>,
) {
    if members.contains(&cutoff) {
        let message = "the cut-off is a member of the group it cuts off".to_owned();
        findings.push(
            Finding::new(FindingCode::GroupMemberTwice, message)
                .group(&group.name)
                .key("cutoff")
                .help("name a channel that feeds the members, such as the main contactor"),
        );
    }
    let Some(channel) = channels.get(cutoff.index()) else { return };
    if channel.stop != StopValue::Off || channel.safe != SafeValue::Off || channel.contact == ContactForm::Nc {
        let message =
            "the cut-off of a group must have `stop: off`, `safe: off` and a normally open contact".to_owned();
        findings.push(
            Finding::new(FindingCode::CutoffStopValue, message)
                .channel(&channel.name)
                .group(&group.name)
                .key("cutoff")
                .help("change the channel, or name another cut-off"),
        );
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
