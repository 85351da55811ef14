//! The cyclic executive: which programs run in which scan.
//!
//! All tasks of a configuration run in one thread, one after the other, never preempting each other. The *base tick* is
//! the greatest common divisor of the task intervals; every scan stands on a multiple of it. Within a scan the due tasks
//! run by priority (0 first), then in the order of the configuration. Every task has phase 0: it is due at the first
//! scan and at each multiple of its interval from there. When scans were skipped after an overrun, a task that was due
//! in between runs once in the next scan, never several times.

use bytecode::Image;
use std::fmt;

/// Shortest base tick: 100 us. Below it the scan's own system calls take most of the time.
pub const TICK_MIN_NS: u64 = 100_000;
/// Longest base tick: 10 s. A relay or an operator should not wait longer for any reaction.
pub const TICK_MAX_NS: u64 = 10_000_000_000;
/// Longest task interval in base ticks: intervals that only share a tick this much shorter than themselves are a mistake.
pub const TICKS_PER_INTERVAL_MAX: u64 = 100_000;

/// One task of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedTask {
    /// Index into [`Image::tasks`]; `None` for programs that no task names.
    pub task: Option<u32>,
    /// Due every so many base ticks.
    pub every: u64,
    /// Indices into [`Image::programs`], in order.
    pub programs: Vec<u32>,
}

/// The plan of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Time between two scans.
    pub tick_ns: u64,
    /// Tasks in the order they run in.
    pub tasks: Vec<PlannedTask>,
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanError {
    /// The greatest common divisor of the intervals is outside 100 us to 10 s.
    Tick {
        /// The divisor.
        tick_ns: u64,
        /// Task names with their intervals.
        intervals: String,
    },
    /// An interval is more than [`TICKS_PER_INTERVAL_MAX`] base ticks long.
    TooFar {
        /// The divisor.
        tick_ns: u64,
        /// Task names with their intervals.
        intervals: String,
    },
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |ns: u64| relay::quantity::Duration::from_ns(ns);
        match self {
            Self::Tick { tick_ns, intervals } => write!(
                f,
                "the scan would have to run every {} to meet the intervals {intervals}; it runs every {} to {}: \
                 choose intervals that are multiples of one another",
                show(*tick_ns),
                show(TICK_MIN_NS),
                show(TICK_MAX_NS)
            ),
            Self::TooFar { tick_ns, intervals } => write!(
                f,
                "the intervals {intervals} have only {} in common, more than {TICKS_PER_INTERVAL_MAX} times shorter than the \
                 longest: choose intervals that are multiples of one another",
                show(*tick_ns)
            ),
        }
    }
}

impl std::error::Error for PlanError {}

impl Plan {
    /// Plans the tasks of an image. `period_ns` is the interval of tasks that have none of their own and of programs
    /// that no task names (those run last, as IEC 61131-3 asks of programs without a task).
    ///
    /// # Errors
    /// Intervals that no sensible base tick meets.
    pub fn new(image: &Image, period_ns: u64) -> Result<Self, PlanError> {
        let mut rows: Vec<(u32, u64, PlannedTask)> = Vec::new();
        for (index, task) in (0_u32..).zip(&image.tasks) {
            let interval = if task.interval_ns == 0 { period_ns } else { task.interval_ns };
            let planned = PlannedTask { task: Some(index), every: 0, programs: task.programs.clone() };
            rows.push((task.priority, interval, planned));
        }
        let named: Vec<u32> = image.tasks.iter().flat_map(|t| t.programs.iter().copied()).collect();
        let count = u32::try_from(image.programs.len()).unwrap_or(u32::MAX);
        let rest: Vec<u32> = (0..count).filter(|p| !named.contains(p)).collect();
        if !rest.is_empty() || rows.is_empty() {
            rows.push((u32::MAX, period_ns, PlannedTask { task: None, every: 0, programs: rest }));
        }
        let tick_ns = rows.iter().fold(0, |tick, row| gcd(tick, row.1));
        let intervals = || {
            let one = |row: &(u32, u64, PlannedTask)| {
                let task = row.2.task.and_then(|t| image.tasks.get(t as usize));
                let name = task.map_or("without a task", |t| t.name.as_str());
                format!("{} ({name})", relay::quantity::Duration::from_ns(row.1))
            };
            rows.iter().map(one).collect::<Vec<_>>().join(", ")
        };
        if !(TICK_MIN_NS..=TICK_MAX_NS).contains(&tick_ns) {
            return Err(PlanError::Tick { tick_ns, intervals: intervals() });
        }
        if rows.iter().any(|row| row.1 / tick_ns > TICKS_PER_INTERVAL_MAX) {
            return Err(PlanError::TooFar { tick_ns, intervals: intervals() });
        }
        // A stable sort: the order of the configuration stays within a priority.
        rows.sort_by_key(|row| row.0);
        let tasks =
            rows.into_iter().map(|(_, interval, task)| PlannedTask { every: interval / tick_ns, ..task }).collect();
        Ok(Self { tick_ns, tasks })
    }

    /// Is this task due in the scan at `tick`, when the scan before stood at `last`? `None` is the first scan.
    #[must_use]
    pub const fn due(every: u64, tick: u64, last: Option<u64>) -> bool {
        match last {
            None => true,
            // Due where a multiple of the interval lies in (last, tick]. `every` is at least 1 by construction.
            Some(last) => match (tick.checked_div(every), last.checked_div(every)) {
                (Some(now), Some(then)) => now > then,
                (None, _) | (_, None) => true,
            },
        }
    }
}

const fn gcd(a: u64, b: u64) -> u64 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytecode::PouId;
    use bytecode::image::{ProgramInstance, Task};

    const MS: u64 = 1_000_000;

    fn image(tasks: &[(&str, u64, u32, &[u32])], programs: u32) -> Image {
        let task = |t: &(&str, u64, u32, &[u32])| Task {
            name: t.0.to_owned(),
            interval_ns: t.1,
            priority: t.2,
            programs: t.3.to_vec(),
        };
        let program = |n: u32| ProgramInstance { name: format!("p{n}"), pou: PouId(0), offset: 0 };
        Image {
            tasks: tasks.iter().map(task).collect(),
            programs: (0..programs).map(program).collect(),
            ..Image::default()
        }
    }

    #[test]
    fn base_tick_is_the_common_divisor_and_priority_orders() {
        let image = image(&[("slow", 30 * MS, 2, &[0]), ("fast", 20 * MS, 1, &[1, 2]), ("also", 20 * MS, 1, &[3])], 5);
        let plan = Plan::new(&image, 50 * MS).unwrap();
        assert_eq!(plan.tick_ns, 10 * MS);
        let rows: Vec<_> = plan.tasks.iter().map(|t| (t.task, t.every, t.programs.clone())).collect();
        assert_eq!(rows, [(Some(1), 2, vec![1, 2]), (Some(2), 2, vec![3]), (Some(0), 3, vec![0]), (None, 5, vec![4])]);
    }

    #[test]
    fn programs_without_tasks_take_the_period() {
        let plan = Plan::new(&image(&[], 1), 7 * MS).unwrap();
        assert_eq!(
            plan,
            Plan { tick_ns: 7 * MS, tasks: vec![PlannedTask { task: None, every: 1, programs: vec![0] }] }
        );
        let plan = Plan::new(&image(&[("t", 0, 0, &[0])], 1), 7 * MS).unwrap();
        assert_eq!(plan.tasks[0].every, 1);
    }

    #[test]
    fn absurd_intervals_are_refused_by_name() {
        let bad = image(&[("a", 10 * MS, 0, &[0]), ("b", 7_001_000, 0, &[1])], 2);
        let text = Plan::new(&bad, MS).unwrap_err().to_string();
        assert!(text.contains("10 ms (a), 7001 us (b)"), "{text}");
        let far = image(&[("a", 100_000, 0, &[0]), ("b", 20_000 * MS, 0, &[1])], 2);
        assert!(matches!(Plan::new(&far, MS), Err(PlanError::TooFar { .. })));
        assert!(matches!(Plan::new(&image(&[], 1), 0), Err(PlanError::Tick { .. })));
    }

    #[test]
    fn a_task_due_in_a_skipped_scan_runs_once_in_the_next() {
        assert!(Plan::due(5, 0, None));
        assert!(!Plan::due(5, 4, Some(3)));
        assert!(Plan::due(5, 5, Some(4)));
        assert!(Plan::due(5, 7, Some(4)));
        assert!(Plan::due(5, 17, Some(4)));
        assert!(!Plan::due(5, 8, Some(7)));
    }
}
