//! After construction the guard does not allocate, whatever happens: shown by an allocator that counts.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]
#![allow(unsafe_code, reason = "a global allocator cannot be written without; this one only counts and passes on")]

use relay::{
    ActuatorConfig, BankConfig, ChannelConfig, ChannelTable, EventSink, FeedbackConfig, GroupConfig, Guard, Inputs,
    Phase, SplitMix64, SupplyReading, WriteId,
};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is passed on unchanged to the system's allocator, which keeps the contract; counting touches no memory it manages.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn allocations() -> u64 {
    ALLOCATIONS.with(Cell::get)
}

#[test]
fn a_thousand_wild_scans_allocate_nothing() {
    let mut bank = BankConfig::new(10_000_000);
    bank.sheets.push(serde_yaml::from_str(include_str!("../../io-config/relays/wago-859-386.yaml")).unwrap());
    bank.ack_limit_ns = Some(100_000_000);
    for index in 0..12 {
        let mut channel = ChannelConfig::new(format!("out{index}"));
        channel.relay = Some("wago-859-386".to_owned());
        channel.feedback = (index % 2 == 0).then(FeedbackConfig::default);
        channel.actuator = Some(ActuatorConfig { pull_in_ns: 1_000_000, drop_out_ns: 1_000_000 });
        channel.stagger_ns = 15_000_000;
        bank.channels.push(channel);
    }
    for (name, members) in [("x", &["out0", "out1", "out2"][..]), ("y", &["out2", "out3"]), ("z", &["out4", "out5"])] {
        let mut group = GroupConfig::new(name, members, 20_000_000);
        group.cutoff = Some("out11".to_owned());
        bank.groups.push(group);
    }
    let table = Arc::new(ChannelTable::build(&bank).table.unwrap());
    let mut guard = Guard::new(Arc::clone(&table));
    let mut record = guard.retained();
    let mut sink = EventSink::for_table(&table);
    let mut generator = SplitMix64::new(20_261_123);
    let mut commanded = vec![false; table.len()];
    let mut feedback = vec![false; table.len()];
    let mut acknowledged = vec![WriteId::NONE; table.len()];
    let (mut events, mut writes) = (0, 0);

    let before = allocations();
    for scan in 0..1_000_u64 {
        for ((commanded, feedback), write) in commanded.iter_mut().zip(&mut feedback).zip(guard.permitted().all()) {
            *commanded ^= generator.up_to(9) == 0;
            // The read-back mostly follows, so that channels switch; sometimes it does not, so that they fault.
            *feedback = write.on ^ (generator.up_to(199) == 0);
        }
        let inputs = Inputs {
            now_ns: scan * 10_000_000,
            phase: if scan % 97 == 0 { Phase::Stop } else { Phase::Run },
            commanded: &commanded,
            acknowledged: &acknowledged,
            feedback: &feedback,
            supply: if scan % 41 == 0 { SupplyReading::Bad } else { SupplyReading::Good },
            ambient: None,
        };
        guard.arbitrate(&inputs, &mut sink);
        if generator.up_to(4) > 0 {
            for write in guard.permitted().due() {
                acknowledged[write.channel.index()] = write.id;
                writes += 1;
            }
        }
        for id in table.ids() {
            std::hint::black_box(guard.status(id));
            if generator.up_to(30) == 0 {
                let _ = guard.acknowledge_fault(id, &mut sink);
            }
        }
        guard.update_retained(&mut record);
        events += sink.events().len();
        sink.clear();
    }
    assert_eq!(allocations(), before, "the guard allocated or freed memory");
    assert!(events > 1_000 && writes > 500, "the scans must really have been wild: {events} events, {writes} writes");
    assert_eq!(sink.lost(), 0);
    // The counter counts: making the record anew allocates.
    std::hint::black_box(guard.retained());
    assert!(allocations() > before);
}
