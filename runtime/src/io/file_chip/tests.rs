use super::*;

fn scratch() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chip");
    (folder, path)
}

fn levels_of(lines: &[(usize, u8)]) -> Levels {
    let mut levels: Levels = [0; crate::io::LINES_PER_REQUEST_MAX];
    for (at, level) in lines {
        levels[*at] = *level;
    }
    levels
}

#[test]
fn a_map_names_it_with_a_prefix() {
    assert_eq!(FileChip::path_in("file:/dev/shm/chip"), Some(Path::new("/dev/shm/chip")));
    assert_eq!(FileChip::path_in("gpiochip0"), None);
}

#[test]
fn two_users_see_the_same_lines_and_changes() {
    let (_folder, path) = scratch();
    let (ours, theirs) = (FileChip::open(&path).unwrap(), FileChip::open(&path).unwrap());
    assert_eq!((ours.lines(), ours.levels(), ours.last_change()), (32, 0, 0));
    ours.drive(31, true).unwrap();
    ours.drive(31, true).unwrap();
    theirs.drive_all(0x8000_0003, 1).unwrap();
    assert_eq!(ours.levels(), 1);
    let seen = ours.changes_after(0);
    let edges: Vec<Vec<_>> = seen.iter().map(|c| c.edges().collect()).collect();
    assert_eq!(edges, [vec![(31, true)], vec![(0, true), (31, false)]]);
    assert!(seen.iter().all(|c| c.pid == Some(std::process::id()) && 0 < c.from_ns && c.from_ns <= c.until_ns));
    assert!(seen[0].until_ns <= seen[1].from_ns);
    assert_eq!(ours.changes_after(1), seen[1..]);
    assert_eq!(ours.changes_after(2), []);
}

#[test]
fn changes_of_many_writers_are_in_the_order_of_their_times() {
    let (_folder, path) = scratch();
    FileChip::create(&path, 4).unwrap();
    std::thread::scope(|scope| {
        for line in 0..4 {
            let path = &path;
            scope.spawn(move || {
                let chip = FileChip::observe(path).unwrap();
                (0..500).for_each(|n| chip.drive(line, n % 2 == 0).unwrap());
            });
        }
    });
    let changes = FileChip::observe(&path).unwrap().changes_after(0);
    assert_eq!(changes.len(), 2000);
    for (number, pair) in (1..).zip(changes.windows(2)) {
        assert_eq!((pair[0].number, pair[1].number), (number, number + 1));
        assert!(pair[0].from_ns <= pair[1].from_ns, "{pair:?}");
        assert_eq!(pair[0].after, pair[1].before);
        assert_eq!(pair[0].edges().count(), 1);
    }
}

#[test]
fn the_ring_forgets_the_oldest_changes() {
    let (_folder, path) = scratch();
    let chip = FileChip::open(&path).unwrap();
    for n in 0..CHANGES_KEPT + 10 {
        chip.drive(0, n % 2 == 0).unwrap();
    }
    let changes = chip.changes_after(0);
    assert_eq!(changes.len() as u64, CHANGES_KEPT);
    assert_eq!(changes[0].number, 11);
}

#[test]
fn a_writer_killed_halfway_is_known_by_its_neighbours() {
    let (_folder, path) = scratch();
    let chip = FileChip::open(&path).unwrap();
    chip.drive(0, true).unwrap();
    // What a process does that is killed between swap and description: line 1 goes high, and nobody says so.
    chip.layout().state.store(join(2, 0b11), Release);
    chip.drive(0, false).unwrap();
    let changes = chip.changes_after(0);
    assert_eq!((changes[1].number, changes[1].pid), (2, None));
    assert_eq!(changes[1].edges().collect::<Vec<_>>(), [(1, true)]);
    assert_eq!((changes[1].from_ns, changes[1].until_ns), (changes[0].until_ns, changes[2].from_ns));
    // The same as the newest change: only the levels tell of it.
    chip.layout().state.store(join(4, 0), Release);
    let last = chip.changes_after(3);
    assert_eq!(last.len(), 1);
    assert_eq!((last[0].pid, last[0].after), (None, 0));
}

#[test]
fn a_request_reads_writes_and_fails_as_told() {
    let (_folder, path) = scratch();
    let chip = FileChip::open(&path).unwrap();
    let mut outputs = chip.request(&[5, 1], Some(&levels_of(&[]))).unwrap();
    let mut inputs = chip.request(&[7], None).unwrap();
    outputs.set(&levels_of(&[(0, 1)])).unwrap();
    assert_eq!(chip.levels(), 1 << 5);
    chip.drive(7, true).unwrap();
    let mut levels = levels_of(&[]);
    inputs.get(&mut levels).unwrap();
    assert_eq!(levels[0], 1);
    outputs.get(&mut levels).unwrap();
    assert_eq!(levels[..2], [1, 0]);

    chip.fail(Failing::Writes(libc::EIO, 2));
    assert_eq!(outputs.set(&levels_of(&[])), Err(libc::EIO));
    assert_eq!(outputs.set(&levels_of(&[])), Err(libc::EIO));
    assert_eq!(chip.levels() >> 5 & 1, 1, "a failed write changes nothing");
    outputs.set(&levels_of(&[])).unwrap();
    assert_eq!(chip.levels() >> 5 & 1, 0);

    chip.fail(Failing::Reads(libc::EIO));
    assert_eq!(inputs.get(&mut levels), Err(libc::EIO));
    outputs.set(&levels_of(&[(0, 1)])).unwrap();
    chip.fail(Failing::Gone);
    assert_eq!((inputs.get(&mut levels), outputs.set(&levels_of(&[]))), (Err(libc::ENODEV), Err(libc::ENODEV)));
    chip.fail(Failing::Nothing);
    inputs.get(&mut levels).unwrap();
    assert_eq!(chip.counts(), Counts { reads: 5, writes: 6 });
}

#[test]
fn a_line_belongs_to_one_request_until_that_is_given_back() {
    let (_folder, path) = scratch();
    let (chip, other) = (FileChip::open(&path).unwrap(), FileChip::open(&path).unwrap());
    let outputs = chip.request(&[3], Some(&levels_of(&[(0, 1)]))).unwrap();
    let inputs = chip.request(&[4], None).unwrap();
    assert_eq!(chip.levels(), 1 << 3, "written by the request itself");
    assert!(chip.is_held(3) && other.is_held(3) && other.is_held(4) && !other.is_held(5));
    assert_eq!(other.request(&[5, 3], None).err(), Some(3));
    assert!(!other.is_held(5), "a request that fails holds nothing");
    assert_eq!((other.holder(3), other.outputs()), (std::process::id(), 1 << 3));
    let refused = other.drive(3, true).unwrap_err().to_string();
    assert!(refused.contains("line 3 is an output of process"), "{refused}");
    other.drive(4, true).unwrap();
    drop((outputs, inputs));
    assert!(!chip.is_held(3) && !other.is_held(4));
    assert_eq!(chip.levels() & 1 << 3, 1 << 3, "a line given back keeps its level");
    other.drive(3, false).unwrap();
}

#[test]
fn what_is_no_chip_is_refused_and_left_alone() {
    let (_folder, path) = scratch();
    std::fs::write(&path, "notes").unwrap();
    let refused = FileChip::open(&path).unwrap_err().to_string();
    assert!(refused.contains("is no file chip of this version"), "{refused}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "notes");
    std::fs::write(&path, vec![7; Layout::BYTES]).unwrap();
    assert!(FileChip::open(&path).is_err());
    let mut other_version = Layout::empty(8);
    other_version[8] = 99;
    std::fs::write(&path, other_version).unwrap();
    assert!(FileChip::open(&path).is_err());
    assert!(FileChip::open(Path::new("/")).is_err());
    assert!(FileChip::open(Path::new("chip")).unwrap_err().to_string().contains("absolute"));
    assert!(FileChip::open(Path::new("/nowhere/at/all")).unwrap_err().to_string().contains("cannot make it"));
    std::fs::remove_file(&path).unwrap();
    assert!(FileChip::observe(&path).is_err());
    assert!(FileChip::create(&path, 33).is_err() && FileChip::create(&path, 0).is_err());
    assert_eq!(FileChip::create(&path, 8).unwrap().lines(), 8);
    let refused = FileChip::open(&path).unwrap().drive(8, true).unwrap_err().to_string();
    assert!(refused.contains("only 0 to 7"), "{refused}");
    assert_eq!(FileChip::create(&path, 9).unwrap().lines(), 8, "the one that is there is opened");
}
