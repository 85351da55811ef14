use super::*;

const TICK: u64 = 10;

fn grid(now: u64) -> Grid {
    Grid::new(TICK, now)
}

#[test]
fn the_first_deadline_is_a_multiple_that_has_not_passed() {
    assert_eq!(grid(0).deadline_ns, 0);
    assert_eq!(grid(1).deadline_ns, 10);
    assert_eq!(grid(10).deadline_ns, 10);
}

#[test]
fn an_overrun_skips_to_the_next_grid_point_and_never_bursts() {
    let mut grid = grid(0);
    // Finished at 3: on to 10. Finished at 20 exactly: the next is due then and nothing is left out.
    assert_eq!((grid.next(3), grid.deadline_ns), (0, 10));
    assert_eq!((grid.next(20), grid.deadline_ns), (0, 20));
    // Due at 20, finished at 47: 30 and 40 are left out, one scan at 50.
    assert_eq!((grid.next(47), grid.deadline_ns), (2, 50));
    assert_eq!((grid.next(51), grid.deadline_ns), (0, 60));
}

#[test]
fn a_tick_of_nothing_does_not_divide_by_it() {
    let mut grid = Grid::new(0, 5);
    assert_eq!((grid.next(7), grid.deadline_ns), (1, 7));
}

proptest::proptest! {
    #[test]
    fn deadlines_rise_and_stay_on_the_grid(
        tick in 1_u64..1000,
        steps in proptest::collection::vec((0_u64..5000, 0_u64..5000), 1..50),
    ) {
        let mut grid = Grid::new(tick, 0);
        let mut index = 0;
        for (late, long) in steps {
            let before = grid.deadline_ns;
            let finished = before + late + long;
            let skipped = grid.next(finished);
            assert!(grid.deadline_ns > before, "never two scans at one grid point");
            assert_eq!(grid.deadline_ns % tick, 0);
            assert!(grid.deadline_ns >= finished, "never in the past");
            assert!(grid.deadline_ns < finished.max(before + 1) + tick, "never later than the next");
            index += 1 + skipped;
            assert_eq!(grid.deadline_ns, index * tick, "every grid point is scanned or counted as skipped");
        }
    }
}
