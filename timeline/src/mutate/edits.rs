//! The edits: a walk over the syntax tree that notes every small change worth trying.

use super::Kind;
use compiler::ast::{
    AccessorKind, Arg, ArgKind, BinaryOp, Body, Call, CaseLabel, Chain, CoilKind, ContactKind, Element, ElementKind,
    Expr, ExprKind, File, ForLoop, Init, InitKind, Item, Ladder, Literal, LiteralKind, Place, Rung, Series, Stmt,
    StmtKind, UnaryOp, VarSection, Variable,
};
use compiler::source::Span;

/// A replacement of a part of the text.
pub(super) struct Edit {
    pub kind: Kind,
    pub span: Span,
    pub replacement: String,
}

/// All edits of a file.
pub(super) fn edits(file: &File, text: &str) -> Vec<Edit> {
    let mut walk = Walk { text, edits: Vec::new() };
    for item in &file.items {
        match item {
            Item::Pou(pou) => {
                pou.sections.iter().for_each(|section| walk.section(section));
                match &pou.body {
                    Body::Statements(statements) => walk.statements(statements),
                    Body::Ladder(ladder) => walk.ladder(ladder),
                }
            }
            Item::Globals(section) => walk.section(section),
            // A task's interval is no logic, and types have no bodies.
            Item::Configuration(_) | Item::Types(_) => {}
        }
    }
    walk.edits
}

struct Walk<'t> {
    text: &'t str,
    edits: Vec<Edit>,
}

impl Walk<'_> {
    fn slice(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    fn edit(&mut self, kind: Kind, span: Span, replacement: impl Into<String>) {
        self.edits.push(Edit { kind, span, replacement: replacement.into() });
    }

    fn section(&mut self, section: &VarSection) {
        for init in section.declarations.iter().filter_map(|var| var.init.as_ref()) {
            self.init(init);
        }
    }

    fn init(&mut self, init: &Init) {
        match &init.kind {
            InitKind::Expr(expr) => self.expr(expr),
            InitKind::Array(items) => {
                items.iter().flat_map(|item| &item.values).for_each(|value| self.init(value));
            }
            InitKind::Fields(fields) => fields.iter().for_each(|field| self.init(&field.value)),
            InitKind::Error => {}
        }
    }

    fn ladder(&mut self, ladder: &Ladder) {
        for rung in &ladder.rungs {
            self.rung(rung);
        }
    }

    fn rung(&mut self, rung: &Rung) {
        // A label may be jumped to: then the mutant does not compile and does not count.
        self.edit(Kind::RungLost, rung.span, "");
        self.series(&rung.series);
    }

    fn series(&mut self, series: &Series) {
        series.elements.iter().for_each(|element| self.element(element));
    }

    fn element(&mut self, element: &Element) {
        let span = element.span;
        match &element.kind {
            ElementKind::Contact { kind, operand } => {
                let inside = self.slice(operand.span).to_owned();
                self.edit(Kind::ContactInverted, span, format!("{}({inside})", inverted(*kind).keyword()));
                if matches!(kind, ContactKind::Rise | ContactKind::Fall) {
                    self.edit(Kind::EdgeLost, span, format!("NO({inside})"));
                }
                self.edit(Kind::Bridged, span, "WIRE()");
                self.expr(operand);
            }
            ElementKind::Compare { op, left, right } => {
                if let Some(other) = neighbour(*op) {
                    let keyword = Span { end: span.start + 2, ..span };
                    self.edit(Kind::OperatorSwapped, keyword, comparison(other));
                }
                self.edit(Kind::Bridged, span, "WIRE()");
                self.expr(left);
                self.expr(right);
            }
            ElementKind::Condition(expr) => {
                self.invert(expr);
                self.edit(Kind::Bridged, span, "WIRE()");
                self.expr(expr);
            }
            ElementKind::Invert => self.edit(Kind::Bridged, span, "WIRE()"),
            ElementKind::Coil { kind, operand } => {
                if let Some(other) = opposite(*kind) {
                    let inside = self.slice(operand.span()).to_owned();
                    self.edit(Kind::CoilInverted, span, format!("{}({inside})", other.keyword()));
                }
                self.edit(Kind::CoilLost, span, "WIRE()");
            }
            ElementKind::Call(call) => self.call(call),
            ElementKind::Branch(legs) => self.branch(span, legs),
            ElementKind::Statements(statements) => self.statements(statements),
            ElementKind::Wire | ElementKind::Jump(_) | ElementKind::Return => {}
        }
    }

    fn branch(&mut self, span: Span, legs: &[Series]) {
        for lost in 0..legs.len() {
            let rest = legs.iter().enumerate().filter(|(index, _)| *index != lost);
            let rest: Vec<&str> = rest.map(|(_, leg)| self.slice(leg.span)).collect();
            if !rest.is_empty() {
                let replacement = format!("[{}]", rest.join(", "));
                self.edit(Kind::LegDropped, span, replacement);
            }
        }
        legs.iter().for_each(|leg| self.series(leg));
    }

    fn statements(&mut self, statements: &[Stmt]) {
        statements.iter().for_each(|statement| self.statement(statement));
    }

    fn statement(&mut self, statement: &Stmt) {
        match &statement.kind {
            StmtKind::Assign { target, value } => {
                self.edit(Kind::StatementLost, statement.span, ";");
                self.place(target);
                self.expr(value);
            }
            StmtKind::Call(call) => {
                self.edit(Kind::StatementLost, statement.span, ";");
                self.call(call);
            }
            StmtKind::If { branches, otherwise } => {
                for branch in branches {
                    self.invert(&branch.condition);
                    self.expr(&branch.condition);
                    self.statements(&branch.body);
                }
                self.statements(otherwise.as_deref().unwrap_or_default());
            }
            StmtKind::Case { selector, arms, otherwise } => {
                self.expr(selector);
                for arm in arms {
                    arm.labels.iter().for_each(|label| self.label(label));
                    self.statements(&arm.body);
                }
                self.statements(otherwise.as_deref().unwrap_or_default());
            }
            StmtKind::For(each) => self.for_loop(each),
            StmtKind::While { condition, body } | StmtKind::Repeat { body, until: condition } => {
                self.expr(condition);
                self.statements(body);
            }
            StmtKind::Exit | StmtKind::Continue | StmtKind::Return | StmtKind::Empty | StmtKind::Error => {}
        }
    }

    fn for_loop(&mut self, each: &ForLoop) {
        self.expr(&each.from);
        self.expr(&each.to);
        each.by.iter().for_each(|by| self.expr(by));
        self.statements(&each.body);
    }

    fn label(&mut self, label: &CaseLabel) {
        match label {
            CaseLabel::Value(value) => self.expr(value),
            CaseLabel::Range(range) => {
                self.expr(&range.low);
                self.expr(&range.high);
            }
        }
    }

    fn place(&mut self, place: &Place) {
        match place {
            Place::Variable(variable) => self.variable(variable),
            Place::Address(_) => {}
        }
    }

    fn variable(&mut self, variable: &Variable) {
        for accessor in &variable.accessors {
            match &accessor.kind {
                AccessorKind::Index(indices) => indices.iter().for_each(|index| self.expr(index)),
                AccessorKind::Field(_) | AccessorKind::Part { .. } | AccessorKind::Deref => {}
            }
        }
    }

    fn call(&mut self, call: &Call) {
        call.args.iter().for_each(|arg| self.argument(arg));
    }

    fn argument(&mut self, arg: &Arg) {
        match arg.kind {
            ArgKind::Positional | ArgKind::Input(_) => arg.value.iter().for_each(|value| self.expr(value)),
            // Where a result goes is a place.
            ArgKind::Output { .. } => {}
        }
    }

    fn invert(&mut self, condition: &Expr) {
        let inside = self.slice(condition.span).to_owned();
        self.edit(Kind::ConditionInverted, condition.span, format!("NOT ({inside})"));
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Literal(literal) => self.literal(literal),
            ExprKind::Variable(variable) => self.variable(variable),
            ExprKind::Call(call) => self.call(call),
            ExprKind::Unary { op, operand } => {
                match op {
                    UnaryOp::Not => {
                        let inside = self.slice(operand.span).to_owned();
                        self.edit(Kind::ConditionInverted, expr.span, inside);
                    }
                    UnaryOp::Neg | UnaryOp::Plus => {}
                }
                self.expr(operand);
            }
            ExprKind::Chain(chain) => self.chain(chain),
            ExprKind::Paren(inner) => self.expr(inner),
            ExprKind::Address(_) | ExprKind::Error => {}
        }
    }

    fn chain(&mut self, chain: &Chain) {
        self.expr(&chain.first);
        for item in &chain.rest {
            if let Some(other) = neighbour(item.op) {
                self.edit(Kind::OperatorSwapped, item.op_span, other.symbol());
            }
            self.expr(&item.operand);
        }
    }

    fn literal(&mut self, literal: &Literal) {
        let span = literal.span;
        match &literal.kind {
            LiteralKind::Bool { value } => {
                self.edit(Kind::ValueInverted, span, if *value { "FALSE" } else { "TRUE" });
            }
            LiteralKind::Int { prefix, negative, magnitude, base: _ } => {
                let prefix = prefix.as_ref().map(|p| format!("{}#", p.text)).unwrap_or_default();
                let sign = if *negative { "-" } else { "" };
                let others = [magnitude.checked_add(1), magnitude.checked_sub(1)];
                for other in others.into_iter().flatten() {
                    self.edit(Kind::NumberChanged, span, format!("{prefix}{sign}{other}"));
                }
            }
            LiteralKind::Duration { long, value_ns } => {
                let prefix = if *long { "LTIME" } else { "T" };
                // Nothing under a microsecond is a preset of a scan.
                for other in
                    [value_ns / 2, value_ns.saturating_mul(2)].map(|ns| ns / 1000).into_iter().filter(|us| *us > 0)
                {
                    self.edit(Kind::PresetChanged, span, format!("{prefix}#{other}us"));
                }
            }
            LiteralKind::Real { prefix, value } => {
                let prefix = prefix.as_ref().map(|p| format!("{}#", p.text)).unwrap_or_default();
                self.edit(Kind::NumberChanged, span, format!("{prefix}{:?}", value + 1.0));
            }
            LiteralKind::Text { .. } | LiteralKind::Date { .. } | LiteralKind::Enum { .. } | LiteralKind::Error => {}
        }
    }
}

const fn inverted(kind: ContactKind) -> ContactKind {
    match kind {
        ContactKind::Open => ContactKind::Closed,
        ContactKind::Closed => ContactKind::Open,
        ContactKind::Rise => ContactKind::Fall,
        ContactKind::Fall => ContactKind::Rise,
    }
}

const fn opposite(kind: CoilKind) -> Option<CoilKind> {
    match kind {
        CoilKind::Normal => Some(CoilKind::Negated),
        CoilKind::Negated => Some(CoilKind::Normal),
        CoilKind::Set => Some(CoilKind::Reset),
        CoilKind::Reset => Some(CoilKind::Set),
        CoilKind::Rise => Some(CoilKind::Fall),
        CoilKind::Fall => Some(CoilKind::Rise),
    }
}

/// The operator that is most easily written in its place.
const fn neighbour(op: BinaryOp) -> Option<BinaryOp> {
    Some(match op {
        BinaryOp::Mul => BinaryOp::Div,
        BinaryOp::Div => BinaryOp::Mul,
        BinaryOp::Add => BinaryOp::Sub,
        BinaryOp::Sub => BinaryOp::Add,
        BinaryOp::Lt => BinaryOp::Le,
        BinaryOp::Le => BinaryOp::Lt,
        BinaryOp::Gt => BinaryOp::Ge,
        BinaryOp::Ge => BinaryOp::Gt,
        BinaryOp::Eq => BinaryOp::Ne,
        BinaryOp::Ne => BinaryOp::Eq,
        BinaryOp::And => BinaryOp::Or,
        BinaryOp::Or => BinaryOp::And,
        BinaryOp::AndThen => BinaryOp::OrElse,
        BinaryOp::OrElse => BinaryOp::AndThen,
        BinaryOp::Xor => BinaryOp::Or,
        BinaryOp::Power | BinaryOp::Mod => return None,
    })
}

/// The element's keyword of a comparison.
const fn comparison(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Lt => "LT",
        BinaryOp::Le => "LE",
        BinaryOp::Gt => "GT",
        BinaryOp::Ge => "GE",
        BinaryOp::Eq => "EQ",
        BinaryOp::Ne
        | BinaryOp::Power
        | BinaryOp::Mul
        | BinaryOp::Div
        | BinaryOp::Mod
        | BinaryOp::Add
        | BinaryOp::Sub
        | BinaryOp::And
        | BinaryOp::AndThen
        | BinaryOp::Xor
        | BinaryOp::Or
        | BinaryOp::OrElse => "NE",
    }
}
