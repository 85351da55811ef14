//! Switching rate (rule 2c): at most N ON edges in any sliding 60 s.
//!
//! A ring holds the times of the last N edges; another one is within the limit exactly when the oldest of them is more than 60 s ago. The window counts as
//! closed at both ends, so edges exactly 60 s apart share it. An edge takes effect when its write is acknowledged, which may be late: the newest
//! entry then moves to that time. Times are signed, because history from before this start may lie before the clock's zero.

/// Length of the sliding window: the data sheets state operations per minute.
pub const WINDOW_NS: u64 = 60_000_000_000;

/// Most edges a window can be told to hold.
pub const EDGES_MAX: u32 = 1_000;

const WINDOW: i64 = 60_000_000_000;

/// One remembered edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Edge {
    /// None yet.
    Never,
    /// It really happened, at that time.
    Real(i64),
    /// From before this start, or lost history: it may have happened, at that time at the latest.
    Assumed(i64),
}

impl Edge {
    fn within(self, now: i64) -> bool {
        match self {
            Self::Never => false,
            Self::Real(at) | Self::Assumed(at) => now.saturating_sub(at) <= WINDOW,
        }
    }
}

/// The last N edges of one channel.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RateWindow {
    /// The ring, as long as the limit; empty where there is no limit.
    edges: Vec<Edge>,
    /// Where the next edge goes: the oldest entry.
    oldest: usize,
    /// The newest edge's write is not acknowledged yet.
    unconfirmed: bool,
}

/// A time as it is kept here.
fn signed(time_ns: u64) -> i64 {
    i64::try_from(time_ns).unwrap_or(i64::MAX)
}

impl RateWindow {
    /// A window for `limit` edges without history; 0 means no limit.
    pub(crate) fn new(limit: u32) -> Self {
        let limit = usize::try_from(limit.min(EDGES_MAX)).unwrap_or(0);
        Self { edges: vec![Edge::Never; limit], oldest: 0, unconfirmed: false }
    }

    /// Lost history counts as full: as if all edges had been just now.
    pub(crate) fn assume_full(&mut self, now_ns: u64) {
        self.edges.fill(Edge::Assumed(signed(now_ns)));
        self.oldest = 0;
    }

    /// Takes over edges from before this start, given by their age, oldest first. They refuse like real ones but are not reported as an excess again.
    pub(crate) fn restore(&mut self, now_ns: u64, ages_ns: impl Iterator<Item = u64>) {
        for age_ns in ages_ns.filter(|&age_ns| age_ns <= WINDOW_NS) {
            self.push(Edge::Assumed(signed(now_ns).saturating_sub(signed(age_ns))));
        }
    }

    fn push(&mut self, edge: Edge) {
        if let Some(slot) = self.edges.get_mut(self.oldest) {
            *slot = edge;
            self.oldest += 1;
            if self.oldest >= self.edges.len() {
                self.oldest = 0;
            }
        }
    }

    /// Whether one more edge now keeps the limit, lost history counted as full.
    pub(crate) fn permits(&self, now_ns: u64) -> bool {
        self.edges.get(self.oldest).is_none_or(|edge| !edge.within(signed(now_ns)))
    }

    /// Whether one more edge now exceeds the limit by what really happened.
    pub(crate) fn exceeds(&self, now_ns: u64) -> bool {
        self.edges.get(self.oldest).is_some_and(|edge| matches!(edge, Edge::Real(_)) && edge.within(signed(now_ns)))
    }

    /// When one more edge keeps the limit again, if it does not now. `None` when it does.
    pub(crate) fn free_at_ns(&self, now_ns: u64) -> Option<u64> {
        match self.edges.get(self.oldest) {
            Some(edge @ (Edge::Real(at) | Edge::Assumed(at))) if edge.within(signed(now_ns)) => {
                u64::try_from(at.saturating_add(WINDOW).saturating_add(1)).ok()
            }
            Some(_) | None => None,
        }
    }

    /// Notes an ON edge whose write has just been issued.
    pub(crate) fn note_edge(&mut self, now_ns: u64) {
        self.push(Edge::Real(signed(now_ns)));
        self.unconfirmed = true;
    }

    /// The newest edge's write, or a later one, has been acknowledged: it took effect now at the latest.
    pub(crate) fn confirm(&mut self, now_ns: u64) {
        if !std::mem::take(&mut self.unconfirmed) {
            return;
        }
        let newest = self.oldest.checked_sub(1).unwrap_or(self.edges.len().saturating_sub(1));
        if let Some(slot) = self.edges.get_mut(newest) {
            *slot = Edge::Real(signed(now_ns));
        }
    }

    /// Ages of the edges inside the window, oldest first, for the retained store. Assumed edges are kept too.
    pub(crate) fn ages_ns(&self, now_ns: u64) -> impl Iterator<Item = u64> {
        let now = signed(now_ns);
        let (newer, older) = self.edges.split_at_checked(self.oldest).unwrap_or((&[], &[]));
        older.iter().chain(newer).filter(move |edge| edge.within(now)).filter_map(move |edge| match *edge {
            Edge::Never => None,
            Edge::Real(at) | Edge::Assumed(at) => u64::try_from(now.saturating_sub(at)).ok(),
        })
    }

    /// The same history seen from another zero of time: ring turned to its start, edges outside the window forgotten.
    pub(crate) fn rebase(&mut self, now_ns: u64, new_now_ns: u64) {
        let (now, new_now) = (signed(now_ns), signed(new_now_ns));
        if self.oldest <= self.edges.len() {
            self.edges.rotate_left(self.oldest);
            self.oldest = 0;
        }
        for edge in &mut self.edges {
            let moved = |at: i64| new_now.saturating_sub(now.saturating_sub(at));
            *edge = match *edge {
                old if !old.within(now) => Edge::Never,
                Edge::Never => Edge::Never,
                Edge::Real(at) => Edge::Real(moved(at)),
                Edge::Assumed(at) => Edge::Assumed(moved(at)),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    const S: u64 = 1_000_000_000;

    #[test]
    fn the_seventh_edge_waits_for_the_first_to_leave_the_window() {
        let mut window = RateWindow::new(6);
        for second in 0..6 {
            assert!(window.permits(second * S), "{second}");
            window.note_edge(second * S);
            window.confirm(second * S);
        }
        assert!(!window.permits(60 * S), "exactly 60 s apart share the window");
        assert_eq!(window.free_at_ns(10 * S), Some(60 * S + 1));
        assert!(window.permits(60 * S + 1));
    }

    #[test]
    fn a_late_acknowledgement_moves_the_edge() {
        let mut window = RateWindow::new(1);
        window.note_edge(0);
        window.confirm(5 * S);
        assert!(!window.permits(64 * S));
        assert!(window.permits(66 * S));
        window.confirm(60 * S);
        assert!(window.permits(66 * S), "only the first acknowledgement counts");
    }

    #[test]
    fn lost_history_refuses_but_is_not_reported_as_exceeded() {
        let mut window = RateWindow::new(2);
        window.assume_full(10 * S);
        assert!(!window.permits(70 * S));
        assert!(!window.exceeds(70 * S));
        assert!(window.permits(71 * S));
    }

    #[test]
    fn history_survives_in_ages() {
        let mut window = RateWindow::new(3);
        for second in [1, 20, 40, 50] {
            window.note_edge(second * S);
        }
        let ages: Vec<u64> = window.ages_ns(60 * S).collect();
        assert_eq!(ages, [40 * S, 20 * S, 10 * S]);
        let mut restored = RateWindow::new(3);
        restored.restore(5 * S, ages.iter().map(|age| age + 10 * S));
        assert!(!restored.permits(5 * S) && !restored.permits(15 * S));
        assert!(restored.permits(15 * S + 1));
    }

    #[test]
    fn no_limit_permits_everything() {
        let mut window = RateWindow::new(0);
        for _ in 0..10 {
            assert!(window.permits(0) && !window.exceeds(0));
            window.note_edge(0);
        }
    }

    proptest::proptest! {
        /// Against a plain list of all edges: what the ring permits never puts more than N edges into one window, and it refuses nothing needlessly.
        #[test]
        fn the_ring_agrees_with_a_list(limit in 1_u32..5, gaps in proptest::collection::vec(0_u64..40_000_000_000, 1..60)) {
            let mut window = RateWindow::new(limit);
            let (mut edges, mut now_ns) = (VecDeque::new(), 0);
            for gap in gaps {
                now_ns += gap;
                let recent = edges.iter().filter(|&&at| now_ns - at <= WINDOW_NS).count();
                let permitted = recent < usize::try_from(limit).unwrap();
                proptest::prop_assert_eq!(window.permits(now_ns), permitted);
                let mut moved = window.clone();
                moved.rebase(now_ns, 1_000 * S);
                proptest::prop_assert_eq!(moved.permits(1_000 * S), permitted);
                if permitted {
                    window.note_edge(now_ns);
                    window.confirm(now_ns);
                    edges.push_back(now_ns);
                }
            }
        }
    }
}
