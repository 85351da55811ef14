//! K109 to K113: rules of style and size. Those about names and numbers are off until a project asks for them.

use crate::config::RuleOptions;
use crate::context::Context;
use crate::finding::Severity;
use crate::rule::{Check, Draft, Example, OptionDefault, Rule, RuleOption};
use crate::walk::{self, Visitor, Write, units};
use compiler::hir::{Body, Class, Element, ElementKind, Expr, ExprKind, Place, Rung, Step, Stmt, StmtKind, Variable};
use compiler::source::Span;
use compiler::types::Ty;

/// Numbers without a name.
pub const NUMBERS: Rule = Rule {
    code: "K109",
    severity: Severity::Note,
    on: false,
    title: "magic number",
    explanation: "A number or duration in the logic whose meaning only its author knows. 0, 1 and indices of arrays are left alone, and so are labels of CASE and initial values.",
    fix: "Give it a name: VAR CONSTANT.",
    options: &[],
    examples: &[
        Example::rejected(
            "PROGRAM Main
VAR go AT %IX0.0 : BOOL; lamp AT %QX0.0 : BOOL; delay : TON; END_VAR
delay(IN := go, PT := «T#2500ms);
lamp := delay.Q;
END_PROGRAM",
        ),
        Example::accepted(
            "PROGRAM Main
VAR CONSTANT settling : TIME := T#2500ms; END_VAR
VAR go AT %IX0.0 : BOOL; lamp AT %QX0.0 : BOOL; delay : TON; END_VAR
delay(IN := go, PT := settling);
lamp := delay.Q;
END_PROGRAM",
        ),
    ],
    check: Check::Program(numbers),
};

struct Numbers<'c, 'a, 'f> {
    context: &'c Context<'a>,
    indices: Vec<Span>,
    found: &'f mut Vec<Draft>,
}

impl Numbers<'_, '_, '_> {
    fn place(&mut self, place: &Place) {
        for step in &place.steps {
            if let Step::Index(list) = step {
                self.indices.extend(list.iter().map(|i| i.span));
            }
        }
    }
}

impl<'a> Visitor<'a> for Numbers<'_, '_, '_> {
    fn read(&mut self, place: &'a Place) {
        self.place(place);
    }

    fn write(&mut self, place: &'a Place, _: Write<'a>) {
        self.place(place);
    }

    fn expression(&mut self, expr: &'a Expr) {
        let ExprKind::Const(bits) = expr.kind else { return };
        let text = self.context.text(expr.span);
        let literal = text.starts_with(|c: char| c.is_ascii_digit()) || text.contains('#');
        let telling = expr.ty != Ty::BOOL && bits > 1 && !self.indices.contains(&expr.span);
        if literal && telling {
            self.found.push(Draft::new(expr.span, format!("what does {text} stand for?")));
        }
    }
}

fn numbers(context: &Context<'_>, _: &RuleOptions, found: &mut Vec<Draft>) {
    for (_, pou) in units(context.program) {
        walk::unit(pou, &mut Numbers { context, indices: Vec::new(), found });
    }
}

/// Names that do not fit a project's patterns.
pub const NAMES: Rule = Rule {
    code: "K110",
    severity: Severity::Note,
    on: false,
    title: "name that does not fit the project's pattern",
    explanation: "Names that follow one pattern can be read without looking them up. Each pattern is a regular expression for the whole name.",
    fix: "Rename it, or change the pattern in plcrun.yaml.",
    options: &[
        RuleOption { name: "variable", default: OptionDefault::Pattern("[a-z][a-z0-9_]*"), meaning: "variables" },
        RuleOption {
            name: "constant",
            default: OptionDefault::Pattern("[A-Za-z][A-Za-z0-9_]*"),
            meaning: "CONSTANT variables",
        },
        RuleOption {
            name: "unit",
            default: OptionDefault::Pattern("[A-Z][A-Za-z0-9]*"),
            meaning: "programs, functions and function blocks",
        },
    ],
    examples: &[
        Example::rejected(
            "PROGRAM Main
VAR «Lamp AT %QX0.0 : BOOL; go AT %IX0.0 : BOOL; END_VAR
Lamp := go;
END_PROGRAM",
        ),
        Example::accepted(
            "PROGRAM Main
VAR lamp AT %QX0.0 : BOOL; go AT %IX0.0 : BOOL; END_VAR
lamp := go;
END_PROGRAM",
        ),
    ],
    check: Check::Program(names),
};

fn names(context: &Context<'_>, options: &RuleOptions, found: &mut Vec<Draft>) {
    let mut judge = |kind: &str, what: &str, name: &str, span: Span| {
        if !options.matches(kind, name) {
            let message = format!("{what} `{name}` does not match `{}`", options.pattern(kind));
            found.push(Draft::new(span, message));
        }
    };
    let variable = |v: &Variable| {
        let named = !v.name.is_empty() && !v.name.contains('#');
        (named && !matches!(v.class, Class::Result | Class::Hidden))
            .then(|| if v.constant { ("constant", "the constant") } else { ("variable", "the variable") })
    };
    for (_, pou) in units(context.program) {
        judge("unit", "the unit", &pou.name, pou.span);
        for v in pou.vars.values() {
            if let Some((kind, what)) = variable(v) {
                judge(kind, what, &v.name, v.span);
            }
        }
    }
    for v in context.program.globals.values() {
        if let Some((kind, what)) = variable(v) {
            judge(kind, what, &v.name, v.span);
        }
    }
}

/// Units with too many decisions.
pub const COMPLEXITY: Rule = Rule {
    code: "K111",
    severity: Severity::Warning,
    on: true,
    title: "unit with too many decisions",
    explanation: "Each condition of IF, WHILE and REPEAT, each arm of CASE, each FOR and each jump is one more way through the unit. Beyond the limit nobody tests them all. Contacts of a ladder are not counted: coverage shows them.",
    fix: "Move parts that belong together into function blocks of their own.",
    options: &[RuleOption { name: "limit", default: OptionDefault::Number(30), meaning: "decisions in one unit" }],
    examples: &[
        Example::rejected(
            "PROGRAM «Main
VAR x AT %IB0 : USINT; y AT %QB0 : USINT; END_VAR
CASE x OF
  0: y := 1; 1: y := 2; 2: y := 3; 3: y := 4; 4: y := 5; 5: y := 6; 6: y := 7; 7: y := 8; 8: y := 9; 9: y := 10;
  10: y := 1; 11: y := 2; 12: y := 3; 13: y := 4; 14: y := 5; 15: y := 6; 16: y := 7; 17: y := 8; 18: y := 9; 19: y := 10;
  20: y := 1; 21: y := 2; 22: y := 3; 23: y := 4; 24: y := 5; 25: y := 6; 26: y := 7; 27: y := 8; 28: y := 9; 29: y := 10;
  30: y := 1;
ELSE
  y := 0;
END_CASE;
END_PROGRAM",
        ),
        Example::accepted(
            "PROGRAM Main
VAR x AT %IB0 : USINT; y AT %QB0 : USINT; END_VAR
CASE x OF
  0: y := 1; 1: y := 2;
ELSE
  y := 0;
END_CASE;
END_PROGRAM",
        ),
    ],
    check: Check::Program(complexity),
};

fn complexity(context: &Context<'_>, options: &RuleOptions, found: &mut Vec<Draft>) {
    struct Decisions(u64);
    impl<'a> Visitor<'a> for Decisions {
        fn element(&mut self, element: &'a Element) {
            self.0 += u64::from(matches!(element.kind, ElementKind::Jump(_) | ElementKind::Return));
        }
        fn statement(&mut self, statement: &'a Stmt) {
            self.0 += match &statement.kind {
                StmtKind::If { branches, .. } => branches.len() as u64,
                StmtKind::Case { arms, .. } => arms.len() as u64,
                StmtKind::For(_) | StmtKind::While(..) | StmtKind::Repeat(..) => 1,
                _ => 0,
            };
        }
    }
    let limit = options.number("limit");
    for (_, pou) in units(context.program) {
        let mut decisions = Decisions(0);
        walk::unit(pou, &mut decisions);
        if decisions.0 > limit {
            let message = format!("`{}` has {} decisions, more than {limit}", pou.name, decisions.0);
            found.push(Draft::new(pou.span, message));
        }
    }
}

/// Statements or branches in each other.
pub const NESTING: Rule = Rule {
    code: "K112",
    severity: Severity::Warning,
    on: true,
    title: "nesting too deep to follow",
    explanation: "Statements stand in one another, or branches of a rung in one another, deeper than a reader can keep in mind.",
    fix: "Leave early (RETURN, CONTINUE), or move the inner part into a function or block; give a part of a rung a coil of its own.",
    options: &[
        RuleOption { name: "statements", default: OptionDefault::Number(5), meaning: "levels of IF, CASE and loops" },
        RuleOption { name: "branches", default: OptionDefault::Number(4), meaning: "levels of branches in a rung" },
    ],
    examples: &[
        Example::rejected(
            "PROGRAM Main
VAR a AT %IX0.0 : BOOL; b AT %IX0.1 : BOOL; n : INT; lamp AT %QX0.0 : BOOL; END_VAR
IF a THEN
  IF b THEN
    FOR n := 0 TO 3 DO
      IF n > 1 THEN
        IF NOT lamp THEN
          «IF n > 2 THEN lamp := TRUE; END_IF;
        END_IF;
      END_IF;
    END_FOR;
  END_IF;
ELSE
  lamp := FALSE;
END_IF;
END_PROGRAM",
        ),
        Example::accepted(
            "PROGRAM Main
VAR a AT %IX0.0 : BOOL; b AT %IX0.1 : BOOL; lamp AT %QX0.0 : BOOL; END_VAR
IF a THEN
  IF b THEN lamp := TRUE; END_IF;
ELSE
  lamp := FALSE;
END_IF;
END_PROGRAM",
        ),
    ],
    check: Check::Program(nesting),
};

fn nesting(context: &Context<'_>, options: &RuleOptions, found: &mut Vec<Draft>) {
    let mut depths = Depths { statements: options.number("statements"), branches: options.number("branches"), found };
    for (_, pou) in units(context.program) {
        match &pou.body {
            Body::Statements(list) => depths.list(list, 0),
            Body::Ladder(rungs) => rungs.iter().for_each(|rung| depths.series(&rung.series, 0)),
        }
    }
}

struct Depths<'f> {
    statements: u64,
    branches: u64,
    found: &'f mut Vec<Draft>,
}

impl Depths<'_> {
    fn list(&mut self, list: &[Stmt], depth: u64) {
        for statement in list {
            let inner: Vec<&[Stmt]> = match &statement.kind {
                StmtKind::If { branches, otherwise } => {
                    branches.iter().map(|(_, b)| b.as_slice()).chain([otherwise.as_slice()]).collect()
                }
                StmtKind::Case { arms, otherwise, .. } => {
                    arms.iter().map(|(_, b)| b.as_slice()).chain([otherwise.as_slice()]).collect()
                }
                StmtKind::For(l) => vec![&l.body],
                StmtKind::While(_, body) | StmtKind::Repeat(body, _) => vec![body],
                _ => continue,
            };
            if depth >= self.statements {
                let message = format!("this is level {} of statements, more than {}", depth + 1, self.statements);
                self.found.push(Draft::new(statement.span, message));
                // What is deeper still is the same finding.
                continue;
            }
            inner.into_iter().for_each(|list| self.list(list, depth + 1));
        }
    }

    fn series(&mut self, elements: &[Element], depth: u64) {
        for element in elements {
            match &element.kind {
                ElementKind::Branch(_) if depth >= self.branches => {
                    let message = format!("this is level {} of branches, more than {}", depth + 1, self.branches);
                    self.found.push(Draft::new(element.span, message));
                }
                ElementKind::Branch(legs) => legs.iter().for_each(|leg| self.series(leg, depth + 1)),
                ElementKind::Powered { body, .. } => self.list(body, 0),
                _ => {}
            }
        }
    }
}

/// Rungs that fill a page.
pub const RUNGS: Rule = Rule {
    code: "K113",
    severity: Severity::Warning,
    on: true,
    title: "rung with too many elements",
    explanation: "A rung that does not fit a sheet of paper cannot be followed with a finger.",
    fix: "Give parts of it coils of their own, with names that say what they mean.",
    options: &[RuleOption {
        name: "limit",
        default: OptionDefault::Number(24),
        meaning: "contacts, conditions, blocks and coils in one rung",
    }],
    examples: &[
        Example::rejected(
            "PROGRAM Main
VAR a AT %IX0.0 : BOOL; b AT %IX0.1 : BOOL; lamp AT %QX0.0 : BOOL; END_VAR
LADDER
«RUNG: [NO(a) NO(b), NC(a) NO(b), NO(a) NC(b), NC(a) NC(b)] [NO(a) NO(b), NC(a) NO(b), NO(a) NC(b), NC(a) NC(b)]
  [NO(a) NO(b), NC(a) NO(b), NO(a) NC(b), NC(a) NC(b)] COIL(lamp);
END_LADDER
END_PROGRAM",
        ),
        Example::accepted(
            "PROGRAM Main
VAR a AT %IX0.0 : BOOL; b AT %IX0.1 : BOOL; lamp AT %QX0.0 : BOOL; END_VAR
LADDER
RUNG: [NO(a) NO(b), NC(a) NC(b)] COIL(lamp);
END_LADDER
END_PROGRAM",
        ),
    ],
    check: Check::Program(rungs),
};

fn rungs(context: &Context<'_>, options: &RuleOptions, found: &mut Vec<Draft>) {
    struct Elements<'f> {
        limit: u64,
        found: &'f mut Vec<Draft>,
    }
    impl<'a> Visitor<'a> for Elements<'_> {
        fn rung(&mut self, rung: &'a Rung) {
            let count = count(&rung.series);
            if count > self.limit {
                let message = format!("this rung has {count} elements, more than {}", self.limit);
                self.found.push(Draft::new(rung.span, message));
            }
        }
    }
    let limit = options.number("limit");
    for (_, pou) in units(context.program) {
        walk::unit(pou, &mut Elements { limit, found });
    }
}

fn count(elements: &[Element]) -> u64 {
    let of = |element: &Element| match &element.kind {
        ElementKind::Branch(legs) => legs.iter().map(|leg| count(leg)).sum(),
        ElementKind::Wire => 0,
        _ => 1,
    };
    elements.iter().map(of).sum()
}
