//! Calls without recursion.

use super::Sema;
use crate::diag::{Code, Diagnostic};
use crate::hir::PouId;
use crate::source::Span;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    New,
    Open,
    Done,
}

impl Sema<'_> {
    /// Reports every cycle of calls once, with the whole way round.
    pub(super) fn refuse_recursion(&mut self) {
        let mut marks: crate::arena::Arena<PouId, Mark> = crate::arena::Arena::default();
        self.program.pous.ids().for_each(|_| {
            marks.push(Mark::New);
        });
        for start in self.program.pous.ids().collect::<Vec<_>>() {
            if marks[start] != Mark::New {
                continue;
            }
            // The way from `start`: each unit with how many of its callees were followed. No recursion of our own.
            let mut way: Vec<(PouId, usize)> = vec![(start, 0)];
            marks[start] = Mark::Open;
            while let Some((pou, next)) = way.last_mut() {
                let pou = *pou;
                let callee = self.scopes[pou].callees.get(*next).copied();
                *next += 1;
                match callee {
                    None => {
                        marks[pou] = Mark::Done;
                        way.pop();
                    }
                    Some((to, span)) => match marks[to] {
                        Mark::New => {
                            marks[to] = Mark::Open;
                            way.push((to, 0));
                        }
                        Mark::Open => self.cycle(&way, to, span),
                        Mark::Done => {}
                    },
                }
            }
        }
    }

    fn cycle(&mut self, way: &[(PouId, usize)], to: PouId, span: Span) {
        let from = way.iter().position(|(p, _)| *p == to).unwrap_or(0);
        let name = |p: PouId| self.program.pous[p].name.as_str();
        let mut names: Vec<&str> = way.iter().skip(from).map(|(p, _)| name(*p)).collect();
        names.push(name(to));
        let message = format!("recursion: {}", names.join(" calls "));
        let diagnostic = Diagnostic::new(Code::Recursion, span, message);
        self.report(diagnostic.help("repeat with FOR, WHILE or REPEAT instead"));
    }
}
