//! Any sections of an image file through reader, verifier and every engine.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Err(broken) = conformance::hostile::image(bytes) {
        panic!("{broken}");
    }
});
