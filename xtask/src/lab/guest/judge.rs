//! Judges the edges of one controller's outputs: two members together, a dead time short, an ON that must not be.

use super::bench::{Event, ms};

/// Members of the interlock group, without the controller's number.
const GROUP: [&str; 2] = ["fwd", "rev"];
/// reverse.io.yaml: surely open after (drop-out 4 ms + bounce 5 ms) + 50 %, then 20 ms.
pub const LOCK_NS: u64 = 33_500_000;
/// The trace says times in microseconds, cut off.
const TRACE_STEP_NS: u64 = 1_000;

/// Two members on together, or one on too soon after the other, in the order of time. Edges are of one controller.
pub fn exclusion<'a>(edges: impl IntoIterator<Item = &'a Event>) -> Vec<String> {
    let mut findings = Vec::new();
    let mut on: [bool; 2] = [false; 2];
    let mut last_off_ns: [Option<u64>; 2] = [None; 2];
    for edge in edges {
        let Some(member) = GROUP.iter().position(|name| edge.line.starts_with(name)) else { continue };
        let other = 1 - member;
        if let (Some(state), Some(off)) = (on.get_mut(member), last_off_ns.get_mut(member)) {
            *state = edge.on;
            if !edge.on {
                *off = Some(edge.t_ns);
                continue;
            }
        }
        if on.get(other) == Some(&true) {
            findings.push(format!("two members on together: {} at {:.3} ms", edge.line, ms(edge.t_ns)));
        }
        if let Some(off) = last_off_ns.get(other).copied().flatten() {
            let lock_ns = edge.t_ns.saturating_sub(off);
            if lock_ns + TRACE_STEP_NS < LOCK_NS {
                findings.push(format!("{} on {:.3} ms after the other's off", edge.line, ms(lock_ns)));
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
        .map(|(_, event)| {
            format!("{} ON by thread {} {:.3} ms after", event.line, event.thread, ms(event.t_ns - from_ns))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(t_us: u64, line: &str, on: bool) -> Event {
        Event { t_ns: t_us * 1000, line: line.to_owned(), on, was_on: !on, thread: 7 }
    }

    #[test]
    fn a_sound_reversal_has_no_finding() {
        let edges = [
            event(0, "fwd0", true),
            event(100, "fwd0", false),
            event(33_600, "rev0", true),
            event(40_000, "rev0", false),
        ];
        assert!(exclusion(&edges).is_empty());
    }

    #[test]
    fn two_members_together_are_found() {
        let edges = [event(0, "fwd0", true), event(1, "main0", true), event(90_000, "rev0", true)];
        let findings = exclusion(&edges);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].contains("together: rev0"), "{findings:?}");
    }

    #[test]
    fn a_short_dead_time_is_found() {
        let edges = [event(0, "rev1", true), event(1_000, "rev1", false), event(34_000, "fwd1", true)];
        assert!(exclusion(&edges)[0].contains("33.000 ms after"), "{:?}", exclusion(&edges));
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
        assert_eq!(late(&events, 10_000, After::OneScan), ["fwd0 ON by thread 7 0.020 ms after"]);
    }
}
