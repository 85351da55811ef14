//! Interlock groups: members and cut-offs found by name, and what they must be like.

use super::build::{Found, TIME_MAX_NS};
use super::{Channel, Group};
use crate::config::{BankConfig, ChannelConfig, GroupConfig, SafeValue, StopValue};
use crate::datasheet::ContactForm;
use crate::finding::{Finding, FindingCode};
use crate::id::{ChannelId, channel_ids, group_ids};
use crate::quantity::Duration;

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

pub(super) fn make_groups(config: &BankConfig, channels: &mut [Channel], findings: &mut Vec<Finding>) -> Vec<Group> {
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
    if members > 1 {
        check_exclusion(group, channel, &mut found);
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
        let help = "wire an auxiliary contact and name the input under `feedback`";
        found(
            FindingCode::GroupNoFeedback,
            "feedback",
            "it has no read-back, so a welded contact cannot be seen".to_owned(),
            help,
        );
    }
}

/// What two members need to exclude each other: contacts that open at power loss, and time.
fn check_exclusion(group: &GroupConfig, channel: &Channel, found: Found<'_>) {
    if channel.contact == ContactForm::Nc {
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
    if group.dead_time_ns < channel.windows.break_ns {
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
