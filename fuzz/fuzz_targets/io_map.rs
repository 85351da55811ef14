//! Any text as an I/O map.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(broken) = conformance::hostile::io_map(text) {
        panic!("{broken}");
    }
});
