//! Judges what an observer has seen of output lines: two members of a group together, a dead time short, an ON that must not be.
//!
//! Whoever observes (the laboratory's kernel trace, the host's file chips) makes [`Event`]s of one controller, in the order of time.
//! Every write is an event, also one that changes nothing: after a death nobody may even try.

/// A line was set to a level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// CLOCK_MONOTONIC.
    pub t_ns: u64,
    /// Its name.
    pub line: String,
    /// The level written.
    pub on: bool,
    /// The level before, as far as events told it.
    pub was_on: bool,
    /// The thread or process that wrote; 0: nobody, the line was let go.
    pub writer: i32,
}

impl Event {
    /// True if this write changed the level.
    pub const fn is_edge(&self) -> bool {
        self.on != self.was_on
    }
}

/// Lines of which at most one may be on.
#[derive(Clone, Copy, Debug)]
pub struct Group<'a> {
    /// Their names, or beginnings of them that no other line has.
    pub members: &'a [&'a str],
    /// Least time from one member's OFF to another's ON.
    pub lock_ns: u64,
    /// By how much the observer's times may be cut off.
    pub step_ns: u64,
}

/// Two members on together, or one on too soon after another.
pub fn exclusion<'a>(events: impl IntoIterator<Item = &'a Event>, group: Group<'_>) -> Vec<String> {
    let mut findings = Vec::new();
    // For each member whether it is on, and when it last went off.
    let mut states: Vec<(bool, Option<u64>)> = vec![(false, None); group.members.len()];
    for edge in events.into_iter().filter(|event| event.is_edge()) {
        let Some(member) = group.members.iter().position(|name| edge.line.starts_with(name)) else { continue };
        if let Some(state) = states.get_mut(member) {
            *state = if edge.on { (true, state.1) } else { (false, Some(edge.t_ns)) };
        }
        let others = states.iter().enumerate().filter(|(other, _)| edge.on && *other != member);
        for (_, (on, last_off_ns)) in others {
            if *on {
                findings.push(format!("two members on together: {} at {:.3} ms", edge.line, ms(edge.t_ns)));
            }
            let lock_ns = last_off_ns.map_or(u64::MAX, |off_ns| edge.t_ns.saturating_sub(off_ns));
            if lock_ns.saturating_add(group.step_ns) < group.lock_ns {
                findings.push(format!("{} on {:.3} ms after another's off", edge.line, ms(lock_ns)));
            }
        }
    }
    findings
}

/// What may still be switched on after a blow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// Nothing: who could write is dead.
    Nothing,
    /// What the scan that was awake may still have decided: each line once.
    OneScan,
}

/// Lines written on later than `from_ns` that must not be. Writes, not only edges: nobody may even try.
pub fn late(events: &[Event], from_ns: u64, allowed: After) -> Vec<String> {
    let late: Vec<&Event> = events.iter().filter(|event| event.on && event.t_ns > from_ns).collect();
    let excess = late.iter().enumerate().filter(|(at, event)| match allowed {
        After::Nothing => true,
        After::OneScan => {
            event.is_edge() && late.iter().take(*at).any(|earlier| earlier.is_edge() && earlier.line == event.line)
        }
    });
    excess
        .map(|(_, event)| format!("{} ON by {} {:.3} ms after", event.line, event.writer, ms(event.t_ns - from_ns)))
        .collect()
}

/// Nanoseconds as milliseconds, for people.
#[allow(clippy::cast_precision_loss)] // times of minutes at most
pub fn ms(time_ns: u64) -> f64 {
    time_ns as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOTOR: Group<'_> = Group { members: &["fwd", "rev"], lock_ns: 33_500_000, step_ns: 1_000 };

    fn event(t_us: u64, line: &str, on: bool) -> Event {
        Event { t_ns: t_us * 1000, line: line.to_owned(), on, was_on: !on, writer: 7 }
    }

    #[test]
    fn a_sound_reversal_has_no_finding() {
        let edges = [
            event(0, "fwd0", true),
            event(100, "fwd0", false),
            event(33_599, "rev0", true),
            event(40_000, "rev0", false),
        ];
        assert!(exclusion(&edges, MOTOR).is_empty());
    }

    #[test]
    fn two_members_together_are_found() {
        let edges = [event(0, "fwd0", true), event(1, "main0", true), event(90_000, "rev0", true)];
        let findings = exclusion(&edges, MOTOR);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].contains("together: rev0"), "{findings:?}");
    }

    #[test]
    fn a_short_dead_time_is_found() {
        let edges = [event(0, "rev1", true), event(1_000, "rev1", false), event(34_000, "fwd1", true)];
        assert!(exclusion(&edges, MOTOR)[0].contains("33.000 ms after"), "{:?}", exclusion(&edges, MOTOR));
    }

    #[test]
    fn an_on_after_the_death_is_found_even_where_it_changes_nothing() {
        let again = Event { was_on: true, ..event(20, "fwd0", true) };
        let events = [event(5, "fwd0", true), again, event(30, "fwd0", false)];
        assert_eq!(late(&events, 10_000, After::Nothing).len(), 1);
        assert!(late(&events, 20_000, After::Nothing).is_empty());
    }

    #[test]
    fn one_scan_may_end_but_no_second_one_begins() {
        let events =
            [event(20, "fwd0", true), event(21, "main0", true), event(22, "fwd0", false), event(30, "fwd0", true)];
        assert_eq!(late(&events, 10_000, After::OneScan), ["fwd0 ON by 7 0.020 ms after"]);
    }
}
