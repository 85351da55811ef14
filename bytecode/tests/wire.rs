//! The image file: round trips, damage, hostile bytes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a test may stop at what it did not expect

mod common;

use bytecode::verify::{LoadError, load};
use bytecode::wire::{WireError, decode, encode};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

#[test]
fn reads_back_what_it_wrote() {
    let image = common::image();
    let bytes = encode(&image).unwrap();
    assert_eq!(decode(&bytes).unwrap(), image);
    assert_eq!(encode(&decode(&bytes).unwrap()).unwrap(), bytes, "the same image gives the same bytes");
    load(&bytes).unwrap();
}

#[test]
fn retention_is_read_back_and_an_unknown_one_refused() {
    use bytecode::Retention::{NonRetain, Persistent, Retain, Unstated};
    for (code, retention) in (0u8..).zip([Unstated, NonRetain, Retain, Persistent]) {
        let mut image = common::image();
        image.symbols[0].retention = retention;
        assert_eq!(decode(&encode(&image).unwrap()).unwrap(), image);
        assert_eq!(bytecode::Retention::from_code(code), Some(retention));
    }
    assert_eq!(bytecode::Retention::from_code(4), None);
}

#[test]
fn every_flipped_bit_is_refused() {
    let bytes = encode(&common::image()).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(decode(&damaged).is_err(), "bit {bit} flipped unnoticed");
    }
}

#[test]
fn flipped_bits_of_a_large_image_are_refused() {
    let mut image = common::image();
    // About 2 MB of code, never called.
    for n in 0..50_000u32 {
        let entry = u32::try_from(image.code.len()).unwrap();
        image.code.push(common::ins(bytecode::Op::Charge, bytecode::ScalarType::Bool, [2, 0, 0, 0]));
        image.code.push(common::ins(bytecode::Op::Ret, bytecode::ScalarType::Bool, [0; 4]));
        image.pous.push(bytecode::image::Pou {
            name: format!("f{n}"),
            kind: bytecode::image::PouKind::Function,
            entry,
            end: entry + 2,
            instance: None,
            references: vec![],
        });
    }
    let bytes = encode(&image).unwrap();
    load(&bytes).unwrap();
    // A fixed pseudo-random sample: the same bits in every run.
    let mut state = 0x1234_5678_9abc_def0u64;
    let mut damaged = bytes.clone();
    for _ in 0..60 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let bit = usize::try_from(state >> 11).unwrap() % (bytes.len() * 8);
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(decode(&damaged).is_err(), "bit {bit} flipped unnoticed");
        damaged[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn every_cut_and_every_addition_is_refused() {
    let bytes = encode(&common::image()).unwrap();
    for n in 0..bytes.len() {
        assert!(decode(&bytes[..n]).is_err(), "{n} bytes accepted");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert!(matches!(decode(&longer), Err(WireError::Length { .. })));
}

#[test]
fn other_files_and_other_versions_are_named() {
    assert_eq!(decode(b"PROGRAM main"), Err(WireError::NotAnImage));
    let mut bytes = encode(&common::image()).unwrap();
    bytes[4] = 9;
    let error = decode(&bytes).unwrap_err();
    assert_eq!(error, WireError::OtherVersion { found: 9 });
    assert!(error.to_string().contains("rebuild the image from its source"));
}

/// Makes damaged bytes look undamaged, so that the reader and the verifier behind the digest are tested too.
fn sign(bytes: &mut [u8]) {
    let length = bytes.len() as u64;
    bytes[8..16].copy_from_slice(&length.to_le_bytes());
    let mut hash = Sha256::new();
    hash.update(&bytes[..16]);
    hash.update(&bytes[48..]);
    bytes[16..48].copy_from_slice(&hash.finalize());
}

#[test]
fn signed_damage_is_read_without_panic_and_what_is_accepted_is_whole() {
    let bytes = encode(&common::image()).unwrap();
    let mut accepted = 0;
    for at in 48..bytes.len() {
        for flip in [1u8, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] ^= flip;
            sign(&mut damaged);
            if let Ok(image) = load(&damaged) {
                // What the verifier lets through can be written and read again.
                assert_eq!(load(&encode(image.image()).unwrap()).as_ref(), Ok(&image));
                accepted += 1;
            }
        }
    }
    // Names, line numbers and initial values may change freely; the rest may not.
    assert!(accepted > 0 && accepted < bytes.len() * 3 / 2, "{accepted} accepted");
}

proptest! {
    #[test]
    fn any_bytes_are_refused_or_run(tail in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut bytes = encode(&common::image()).unwrap();
        bytes.truncate(48);
        bytes.extend(tail);
        sign(&mut bytes);
        prop_assert!(matches!(load(&bytes), Err(LoadError::Wire(_) | LoadError::Verify(_))));
    }

    #[test]
    fn several_signed_damages(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut bytes = encode(&common::image()).unwrap();
        for (at, value) in changes {
            let at = 48 + at.index(bytes.len() - 48);
            bytes[at] = value;
        }
        sign(&mut bytes);
        let _ = load(&bytes);
    }
}
