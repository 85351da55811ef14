//! Any text through lexer, parser, renderer, drawing and formatter; `compiler::selfcheck` says what must hold.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(broken) = compiler::selfcheck::front_end(text) {
        panic!("{broken}");
    }
});
