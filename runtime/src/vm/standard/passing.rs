//! Temporaries of standard blocks that need not be stored, because whoever runs the block's text keeps them at hand.

use super::{body, frame, place, recognise};
use bytecode::image::{Image, Pou};
use bytecode::isa::Role;
use std::collections::HashSet;

/// Temporaries of known blocks that no stretch without branches reads before it has written them: offsets, in order. Their
/// values go from one instruction to the next, so who keeps those at hand need not store them.
pub(in super::super) fn passing(image: &Image) -> Vec<u32> {
    let known = recognise(image);
    let pous = image.pous.iter().zip(known).filter(|(_, known)| known.is_some()).map(|(pou, _)| pou);
    let mut passing: Vec<u32> = pous.flat_map(|pou| passing_of(image, pou)).collect();
    passing.sort_unstable();
    passing
}

fn passing_of(image: &Image, pou: &Pou) -> HashSet<u32> {
    let code = body(image, pou);
    let targets: HashSet<u32> = code.iter().filter(|i| i.op.is_branch()).map(|i| i.operand(0).0).collect();
    let mut passing = frame(image, pou);
    let mut written: HashSet<u32> = HashSet::new();
    for (pc, instr) in (pou.entry..).zip(code) {
        if targets.contains(&pc) {
            written.clear();
        }
        let places =
            || instr.op.roles().into_iter().zip(instr.w).filter_map(|(role, word)| Some((role, place(role, word)?)));
        for (_, at) in places().filter(|(role, at)| !matches!(role, Role::Write(_)) && !written.contains(at)) {
            passing.remove(&at);
        }
        written.extend(places().filter(|(role, _)| matches!(role, Role::Write(_))).map(|(_, at)| at));
        if instr.op.is_branch() {
            written.clear();
        }
    }
    passing
}
