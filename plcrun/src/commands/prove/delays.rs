//! Which delays of simulated relays make a way happen that was found with contacts at their worst.
//!
//! There the way says at which scans a moving contact conducts. A simulated relay has one delay for each movement, in percent of
//! the typical times: for each movement the percentage is chosen with which the contact does most of what the way says, and within
//! what the margin allows. Where a way asks for more than that (a contact that opens and closes again while it moves), plainer
//! choices are tried: closed for as long as it can be, all relays at once, typical, or as slow as they may be.

use super::relays::Delay;
use prove::guard::follow::stretches;
use prove::guard::wired::{Contacts, Wired};
use prove::model::{Input, Model};
use prove::prover::Way;
use relay::contact::{Defect, SimulatedContact};
use relay::{ContactForm, SplitMix64};
use std::collections::BTreeMap;

/// Channels up to which all plain choices are tried with each other.
const CHANNELS_MAX: usize = 3;

/// A change of a line: in which scan, of which channel, to which coil level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineChange {
    /// Counted from 1.
    pub scan: u64,
    /// The channel's number.
    pub channel: usize,
    /// The coil's new level.
    pub coil: bool,
}

/// Where the way wants a channel's contact, in runs of scans.
type Wanted = Vec<(u64, u64, bool)>;

/// Choices of delays, the best one first.
/// `asked`: channels the property names.
pub fn choices(
    way: &Way,
    model: &Model,
    wired: &Wired<'_>,
    (asked, changes): (&[usize], &[LineChange]),
    seed: u64,
) -> Vec<Vec<Delay>> {
    let mut wanted = wanted(way, model);
    for channel in asked {
        wanted.entry(*channel).or_default();
    }
    let mut generator = SplitMix64::new(seed);
    let seeds: Vec<u64> = wired.channels.iter().map(|_| generator.next_u64()).collect();
    let (mut best, mut limits) = (Vec::new(), Vec::new());
    // Closes at once and opens as late as it may: what a dead time fears.
    let mut longest_closed: Vec<Delay> = Vec::new();
    for (channel, wanted) in &wanted {
        let (Some(row), Some(id)) = (wired.channels.get(*channel), wired.table.ids().nth(*channel)) else { continue };
        let [worst, typical] =
            [Contacts::Worst, Contacts::Typical].map(|kind| stretches(kind, wired.table.channel(id), row));
        let most = |n: usize| longest(worst.get(n).map_or(0, |s| s.to_ns), typical.get(n).map_or(0, |s| s.to_ns));
        // By the direction of the coil; the smaller one serves both.
        let limit = most(0).min(most(1));
        limits.push((*channel, limit));
        let own: Vec<LineChange> = changes.iter().filter(|change| change.channel == *channel).copied().collect();
        let closes = |change: &LineChange| change.coil == (row.model.form == ContactForm::No);
        longest_closed.extend(own.iter().map(|change| Delay {
            scan: change.scan,
            channel: *channel,
            percent: if closes(change) { 0 } else { limit },
        }));
        if wanted.is_empty() {
            best.extend(longest_closed.iter().filter(|delay| delay.channel == *channel).copied());
        }
        let relay = SimulatedContact::new(row.model, seeds.get(*channel).copied().unwrap_or(0));
        best.extend(chosen(relay, &own, wanted, limit, model.tick_ns));
    }
    best.sort_by_key(|delay: &Delay| (delay.scan, delay.channel));
    longest_closed.sort_by_key(|delay| (delay.scan, delay.channel));
    let mut all = vec![best, longest_closed];
    limits.truncate(CHANNELS_MAX);
    for number in 0..3_usize.pow(u32::try_from(limits.len()).unwrap_or(0)) {
        let mut rest = number;
        let mut delays = Vec::new();
        for (channel, limit) in &limits {
            let percent = [*limit, 0, 100].get(rest % 3).copied().unwrap_or(100);
            rest /= 3;
            delays.push(Delay { scan: 1, channel: *channel, percent });
        }
        all.push(delays);
    }
    all
}

/// The greatest percentage of the typical time that stays within the longest one.
fn longest(worst_ns: u64, typical_ns: u64) -> u32 {
    let percent = worst_ns.saturating_mul(100).checked_div(typical_ns).unwrap_or(100);
    u32::try_from(percent).unwrap_or(100)
}

/// What the way says of each contact it speaks of.
fn wanted(way: &Way, model: &Model) -> BTreeMap<usize, Wanted> {
    let mut wanted: BTreeMap<usize, Wanted> = BTreeMap::new();
    let mut scan = 1_u64;
    for ((_, scans), others) in way.steps.iter().zip(&way.others) {
        let last = scan.saturating_add(*scans).saturating_sub(1);
        for (number, value) in others {
            if let Some(Input::Contact(channel)) = model.inputs.get(*number as usize) {
                wanted.entry(*channel as usize).or_default().push((scan, last, *value));
            }
        }
        scan = last.saturating_add(1);
    }
    wanted
}

/// The delay of each movement of one relay.
fn chosen(relay: SimulatedContact, changes: &[LineChange], wanted: &Wanted, limit: u32, tick_ns: u64) -> Vec<Delay> {
    let at = |scan: u64| scan.saturating_sub(1).saturating_mul(tick_ns);
    let Some((_, last, _)) = wanted.last() else { return Vec::new() };
    let end = last.saturating_add(1);
    let mut relay = relay;
    let mut coil = false;
    let mut delays: Vec<Delay> = Vec::new();
    for (number, change) in changes.iter().enumerate() {
        let until = changes.get(number + 1).map_or(end, |next| next.scan);
        let mut best: Option<(usize, u32, SimulatedContact)> = None;
        for percent in [100, 0, limit].into_iter().chain(1..limit) {
            let mut trial = relay.clone();
            trial.inject(Defect::Slow(percent));
            trial.advance(at(change.scan), coil);
            let mut misses = 0;
            for scan in change.scan..until {
                trial.advance(at(scan), change.coil);
                misses += usize::from(wants(wanted, scan).is_some_and(|wants| wants != trial.conducts()));
                // Behind its last movement nothing is left to choose.
                if scan > change.scan.saturating_add(SETTLED_SCANS) {
                    break;
                }
            }
            if best.as_ref().is_none_or(|(least, ..)| misses < *least) {
                best = Some((misses, percent, trial));
            }
        }
        let Some((_, percent, trial)) = best else { continue };
        relay = trial;
        coil = change.coil;
        if delays.last().map_or(100, |last| last.percent) != percent {
            delays.push(Delay { scan: change.scan, channel: change.channel, percent });
        }
    }
    delays
}

/// Scans after a change that are looked at: the longest stretch at the shortest tick that is usual.
const SETTLED_SCANS: u64 = 2_000;

fn wants(wanted: &Wanted, scan: u64) -> Option<bool> {
    let at = wanted.partition_point(|(_, last, _)| *last < scan);
    wanted.get(at).filter(|(first, ..)| *first <= scan).map(|(_, _, value)| *value)
}
