//! What a person needs to follow the code of an image: files, rungs, places.

use super::Input;
use crate::arena::Arena;
use crate::hir::{Body, PouId};
use crate::ir::{Func, InstKind};
use crate::map::{HashMap, HashSet};
use crate::source::{LineColumn, Span};
use crate::stdlib;
use bytecode::image::{Debug, Rung, SourcePlace};

/// A rung: POU and position in its body.
type RungAt = (PouId, u32);

/// The one rung each POU runs in, where all its calls stand in one rung: a body without rungs of its own is then part of
/// that rung for everybody who asks where something happened. Only calls that can happen count: bodies that were inlined
/// everywhere are in the image too.
fn calling_rungs(input: &Input<'_>) -> HashMap<PouId, RungAt> {
    let funcs: HashMap<PouId, &Func> = input.funcs.iter().map(|f| (f.pou, f)).collect();
    let roots: HashSet<PouId> = input.program.instances.iter().map(|i| i.pou).collect();
    let mut waiting: HashMap<PouId, usize> = HashMap::default();
    let mut calls: HashMap<PouId, Vec<(PouId, Option<RungAt>)>> = HashMap::default();
    let mut open: Vec<PouId> = roots.iter().copied().collect();
    while let Some(pou) = open.pop() {
        let Some(func) = funcs.get(&pou).filter(|_| !calls.contains_key(&pou)) else { continue };
        let from = calls.entry(pou).or_default();
        for inst in &func.code {
            if let InstKind::Call(callee, _) = inst.kind {
                let rung = func.origins.get(inst.origin as usize).and_then(|o| o.rung);
                from.push((callee, rung));
                *waiting.entry(callee).or_default() += 1;
                open.push(callee);
            }
        }
    }
    // Callers first; calls have no cycle.
    let mut ready: Vec<PouId> = roots.into_iter().collect();
    let mut found: HashMap<PouId, Option<RungAt>> = HashMap::default();
    while let Some(caller) = ready.pop() {
        let inherited = found.get(&caller).copied().flatten();
        for (callee, rung) in calls.remove(&caller).unwrap_or_default() {
            let rung = rung.or(inherited);
            let known = found.entry(callee).or_insert(rung);
            if *known != rung {
                *known = None;
            }
            if let Some(left) = waiting.get_mut(&callee) {
                *left -= 1;
                if *left == 0 {
                    ready.push(callee);
                }
            }
        }
    }
    found.into_iter().filter_map(|(pou, rung)| Some((pou, rung?))).collect()
}

/// Collects places while code is made.
pub(super) struct Describer<'a> {
    input: &'a Input<'a>,
    rungs: HashMap<RungAt, u32>,
    called_in: HashMap<PouId, RungAt>,
    places: Vec<SourcePlace>,
    /// The POU and origin of the row before.
    before: Option<(PouId, u32)>,
    /// Where the last origin stood: the next one is mostly further on in the same line, however long that is.
    last: Option<(Span, bool, LineColumn)>,
}

impl<'a> Describer<'a> {
    pub(super) fn new(input: &'a Input<'a>) -> Self {
        let mut rungs = HashMap::default();
        for func in input.funcs {
            if let Body::Ladder(ladder) = &input.program.pous[func.pou].body {
                for (number, _) in (0u32..).zip(ladder) {
                    let next = u32::try_from(rungs.len()).unwrap_or(u32::MAX);
                    rungs.insert((func.pou, number), next);
                }
            }
        }
        let called_in = calling_rungs(input);
        Self { input, rungs, called_in, places: Vec::new(), before: None, last: None }
    }

    /// Number of a file in the image: those of the project, then the library's.
    fn file(&self, span: Span, library: bool) -> u32 {
        let files = u32::try_from(self.input.sources.iter().count()).unwrap_or(0);
        if library { files + span.file.0 } else { span.file.0 }
    }

    fn line_column(&self, span: Span, library: bool) -> LineColumn {
        let map = if library { &stdlib::library().sources } else { self.input.sources };
        map.get(span.file).map_or(LineColumn { line: 1, column: 1 }, |f| f.line_column(span.start))
    }

    /// The same as [`Self::line_column`], counted from the place before where that is in the same line.
    fn next_line_column(&mut self, span: Span, library: bool) -> LineColumn {
        let map = if library { &stdlib::library().sources } else { self.input.sources };
        let from_last = self.last.and_then(|(last, same, at)| {
            if same != library || last.file != span.file {
                return None;
            }
            let (first, end) = (last.start.min(span.start), last.start.max(span.start));
            let between = map.get(span.file)?.text().get(first as usize..end as usize)?;
            if between.contains('\n') {
                return None;
            }
            let characters = u32::try_from(between.chars().count()).ok()?;
            let forward = last.start <= span.start;
            let column = if forward { at.column + characters } else { at.column.saturating_sub(characters) };
            Some(LineColumn { column, ..at })
        });
        let at = from_last.unwrap_or_else(|| self.line_column(span, library));
        self.last = Some((span, library, at));
        at
    }

    /// The next instruction, `pc`, comes from this origin of the POU's code.
    pub(super) fn origin(&mut self, func: &Func, origin: u32, pc: usize) {
        if self.before == Some((func.pou, origin)) {
            return;
        }
        self.before = Some((func.pou, origin));
        let Some(from) = func.origins.get(origin as usize) else { return };
        let at = self.next_line_column(from.span, from.library);
        let rung = from.rung.or_else(|| self.called_in.get(&func.pou).copied());
        let rung = rung.and_then(|r| self.rungs.get(&r)).copied().unwrap_or(SourcePlace::NO_RUNG);
        let pc = u32::try_from(pc).unwrap_or(u32::MAX);
        let file = self.file(from.span, from.library);
        let place = SourcePlace { pc, file, line: at.line, column: at.column, rung };
        match self.places.last_mut() {
            Some(last) if last.pc == pc => *last = place,
            Some(_) | None => self.places.push(place),
        }
    }

    pub(super) fn finish(self, input: &Input<'_>, numbers: &Arena<PouId, Option<u32>>) -> Debug {
        let mut files: Vec<String> = input.sources.iter().map(|(_, f)| f.name().to_owned()).collect();
        files.extend(stdlib::library().sources.iter().map(|(_, f)| f.name().to_owned()));
        let mut rungs = Vec::new();
        for func in input.funcs {
            let pou = &input.program.pous[func.pou];
            let Body::Ladder(ladder) = &pou.body else { continue };
            for rung in ladder {
                rungs.push(Rung {
                    pou: bytecode::PouId(numbers[func.pou].unwrap_or(0)),
                    label: rung.label.clone(),
                    title: rung.title.clone(),
                    file: self.file(rung.span, pou.library),
                    line: self.line_column(rung.span, pou.library).line,
                });
            }
        }
        Debug { files, rungs, places: self.places }
    }
}
