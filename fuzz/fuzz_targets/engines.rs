//! Programs made of any bytes, on every engine: traps, budget and every variable agree.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = conformance::generate::program(bytes);
    if let Err(broken) = conformance::hostile::generated(&text) {
        panic!("{broken}\n{text}");
    }
});
