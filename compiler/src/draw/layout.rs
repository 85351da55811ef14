//! Places on a grid of characters.
//!
//! A column is one character wide, a row one line high. Every node of a rung lies on the row of its wire and needs `up` rows
//! above and `down` rows below it. It spans the columns `x..=x + width`; its last column is the first of its neighbour, so
//! wires join without further thought.

use super::model::{Block, Node, RungModel, Sheet};
use crate::source::Span;

/// What a text is, for its looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Heading,
    Number,
    Title,
    Comment,
    Name,
    Address,
    Pin,
    Code,
}

/// Which point of a text its column names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// Something to paint.
#[derive(Clone, Debug)]
pub(super) enum Mark {
    /// A horizontal wire.
    Wire { from: usize, to: usize, row: usize },
    /// A vertical wire of a branch.
    Drop { column: usize, from: usize, to: usize },
    /// A power rail.
    Rail { column: usize, from: usize, to: usize },
    /// A junction of more than two wires.
    Dot { column: usize, row: usize },
    /// Two bars with a sign between them; `column` is the sign's.
    Contact { column: usize, row: usize, glyph: &'static str, of: Option<Span> },
    /// Two brackets with a sign between them.
    Coil { column: usize, row: usize, glyph: &'static str, of: Option<Span> },
    /// A box with its title in the middle of the upper edge.
    Frame { left: usize, right: usize, top: usize, bottom: usize, title: String, of: Option<Span> },
    /// The head of an arrow to the right.
    Arrow { column: usize, row: usize },
    /// A text; `of` is what it names.
    Text { column: usize, row: usize, text: String, anchor: Anchor, role: Role, of: Option<Span> },
}

/// Everything with its place.
pub(super) struct Picture {
    pub(super) columns: usize,
    pub(super) rows: usize,
    pub(super) marks: Vec<Mark>,
}

/// Column of the left rail: three digits of the rung number and a blank before it.
const RAIL: usize = 4;
/// Wire between a rail and the first or last element.
const LEAD: usize = 2;
/// Narrowest distance between the rails.
const WIDTH_MIN: usize = 56;
/// A rung wider than this goes on in the next line.
const WIDTH_MAX: usize = 108;
/// A rung that cannot be cut below this width is not drawn: four times what fits a screen serves nobody, and memory is the
/// product of the widest rung and the number of rows.
const WIDTH_DRAWN_MAX: usize = 400;

/// Places all ladders one below the other.
pub(super) fn place(sheets: &[Sheet]) -> Picture {
    let mut canvas = Canvas { picture: Picture { columns: 0, rows: 0, marks: Vec::new() } };
    let mut row = 0;
    for sheet in sheets {
        canvas.text(0, row, sheet.heading.clone(), Anchor::Start, Role::Heading);
        row = canvas.sheet(sheet, row + 2) + 2;
    }
    canvas.join_wires();
    canvas.picture
}

/// Size of a node or a series.
#[derive(Clone, Copy, Default)]
struct Size {
    width: usize,
    up: usize,
    down: usize,
}

struct Canvas {
    picture: Picture,
}

fn length(text: &str) -> usize {
    text.chars().count()
}

impl Canvas {
    fn push(&mut self, mark: Mark, columns: usize, row: usize) {
        self.picture.columns = self.picture.columns.max(columns);
        self.picture.rows = self.picture.rows.max(row + 1);
        self.picture.marks.push(mark);
    }

    fn text(&mut self, column: usize, row: usize, text: String, anchor: Anchor, role: Role) {
        self.text_of(column, row, text, (anchor, role), None);
    }

    /// A text that names an element or a rung.
    fn text_of(&mut self, column: usize, row: usize, text: String, (anchor, role): (Anchor, Role), of: Option<Span>) {
        if text.is_empty() {
            return;
        }
        let reach = match anchor {
            Anchor::Start => column + length(&text),
            Anchor::Middle => column + length(&text) / 2 + 1,
            Anchor::End => column + 1,
        };
        self.push(Mark::Text { column, row, text, anchor, role, of }, reach, row);
    }

    fn wire(&mut self, from: usize, to: usize, row: usize) {
        if from < to {
            self.push(Mark::Wire { from, to, row }, to + 1, row);
        }
    }

    /// Makes one wire of those that join end to end.
    fn join_wires(&mut self) {
        let mut wires = Vec::new();
        self.picture.marks.retain(|mark| match mark {
            Mark::Wire { from, to, row } => {
                wires.push((*row, *from, *to));
                false
            }
            Mark::Drop { .. }
            | Mark::Rail { .. }
            | Mark::Dot { .. }
            | Mark::Contact { .. }
            | Mark::Coil { .. }
            | Mark::Frame { .. }
            | Mark::Arrow { .. }
            | Mark::Text { .. } => true,
        });
        wires.sort_unstable();
        let mut joined: Vec<(usize, usize, usize)> = Vec::new();
        for (row, from, to) in wires {
            match joined.last_mut() {
                Some((last_row, _, last_to)) if *last_row == row && from <= *last_to => *last_to = to.max(*last_to),
                Some(_) | None => joined.push((row, from, to)),
            }
        }
        self.picture.marks.extend(joined.into_iter().map(|(row, from, to)| Mark::Wire { from, to, row }));
    }

    fn drop(&mut self, column: usize, from: usize, to: usize) {
        self.push(Mark::Drop { column, from, to }, column + 1, to);
    }

    /// All rungs between two rails; gives the row below.
    fn sheet(&mut self, sheet: &Sheet, top: usize) -> usize {
        let fits = |lines: &Vec<&[Node]>| lines.iter().all(|line| size_of_series(line).width <= WIDTH_DRAWN_MAX);
        let lines: Vec<Option<Vec<&[Node]>>> =
            sheet.rungs.iter().map(|rung| Some(wrap(&rung.nodes)).filter(fits)).collect();
        // A continued line needs room for its marker.
        let needed =
            lines.iter().flatten().flatten().map(|line| size_of_series(line).width + 8 + 2 * LEAD).max().unwrap_or(0);
        let width = needed.max(WIDTH_MIN);
        let mut row = top;
        for (rung, lines) in sheet.rungs.iter().zip(&lines) {
            row = self.rung(rung, lines.as_deref(), width, row) + 1;
        }
        for column in [RAIL, RAIL + width] {
            self.push(Mark::Rail { column, from: top, to: row.max(top + 2) - 2 }, column + 1, row.max(top + 2) - 2);
        }
        row
    }

    /// One rung, perhaps over several lines; gives the row below.
    fn rung(&mut self, rung: &RungModel, lines: Option<&[&[Node]]>, width: usize, top: usize) -> usize {
        let mut row = top;
        for comment in &rung.comments {
            self.text(RAIL + 2, row, comment.clone(), Anchor::Start, Role::Comment);
            row += 1;
        }
        if !rung.title.is_empty() {
            self.text(RAIL + 2, row, rung.title.clone(), Anchor::Start, Role::Title);
            row += 1;
        }
        let lines = match lines {
            Some(lines) if !lines.is_empty() => lines,
            Some(_) => return self.remark(rung, "(could not be read)", row),
            None => return self.remark(rung, "(a branch or an operand is too wide to be drawn)", row),
        };
        let last = lines.len().saturating_sub(1);
        for (index, line) in lines.iter().enumerate() {
            let size = size_of_series(line);
            row += size.up;
            if index == 0 {
                self.text_of(RAIL - 2, row, rung.number.to_string(), (Anchor::End, Role::Number), Some(rung.span));
            }
            let (mut from, mut to) = (RAIL, RAIL + width);
            if index > 0 {
                self.text(RAIL + 2, row, index.to_string(), Anchor::Start, Role::Number);
                self.push(Mark::Arrow { column: RAIL + 4, row }, RAIL + 5, row);
                from = RAIL + 4;
            }
            if index < last {
                to = RAIL + width - 4;
                self.push(Mark::Arrow { column: to, row }, to + 1, row);
                self.text(to + 2, row, (index + 1).to_string(), Anchor::Start, Role::Number);
            }
            // A short lead keeps branches off the rails.
            self.wire(from, from + LEAD, row);
            self.series(line, from + LEAD, row, to - from - 2 * LEAD);
            if !matches!(line.last(), Some(Node::Exit { .. })) {
                self.wire(to - LEAD, to, row);
            }
            row += size.down + 1;
        }
        row
    }

    /// A rung of which only a remark is drawn; gives the row below.
    fn remark(&mut self, rung: &RungModel, remark: &str, row: usize) -> usize {
        self.text(RAIL - 2, row, rung.number.to_string(), Anchor::End, Role::Number);
        self.text(RAIL + 2, row, remark.to_owned(), Anchor::Start, Role::Comment);
        row + 1
    }

    /// Nodes one behind the other over exactly `width` columns; outputs go to the right end.
    fn series(&mut self, nodes: &[Node], x: usize, row: usize, width: usize) {
        let natural = size_of_series(nodes).width;
        let gap = width.saturating_sub(natural);
        let outputs = nodes.iter().rev().take_while(|node| is_output(node)).count();
        let split = if outputs == 0 { nodes.len() } else { nodes.len() - outputs };
        let mut at = x;
        for (index, node) in nodes.iter().enumerate() {
            if index == split {
                self.wire(at, at + gap, row);
                at += gap;
            }
            let size = size_of(node);
            self.node(node, at, row, size);
            at += size.width;
        }
        if split == nodes.len() {
            self.wire(at, at + gap, row);
        }
    }

    fn node(&mut self, node: &Node, x: usize, row: usize, size: Size) {
        let end = x + size.width;
        let middle = x + size.width / 2;
        match node {
            Node::Contact { name, glyph, address, span } | Node::Coil { name, glyph, address, span } => {
                self.wire(x, middle - 1, row);
                self.wire(middle + 1, end, row);
                self.text_of(middle, row - 1, name.clone(), (Anchor::Middle, Role::Name), Some(*span));
                self.text(middle, row + 1, address.clone(), Anchor::Middle, Role::Address);
                let (column, glyph, of) = (middle, *glyph, Some(*span));
                let mark = match node {
                    Node::Contact { .. } => Mark::Contact { column, row, glyph, of },
                    Node::Coil { .. }
                    | Node::Parallel(_)
                    | Node::Note { .. }
                    | Node::Block(_)
                    | Node::Invert
                    | Node::Wire
                    | Node::Exit { .. } => Mark::Coil { column, row, glyph, of },
                };
                self.push(mark, middle + 2, row);
            }
            Node::Invert => {
                self.wire(x, middle - 1, row);
                self.wire(middle + 1, end, row);
                self.push(Mark::Contact { column: middle, row, glyph: "¬", of: None }, middle + 2, row);
            }
            Node::Wire => self.wire(x, end, row),
            Node::Exit { text, jump } => {
                self.wire(x, x + 2, row);
                self.push(Mark::Arrow { column: x + 2, row }, x + 3, row);
                let role = if *jump { Role::Title } else { Role::Name };
                self.text(x + 4, row, text.clone(), Anchor::Start, role);
            }
            Node::Note { title, lines, span } => self.note((title, *span), lines, x, row, size),
            Node::Block(block) => self.block(block, x, row, size),
            Node::Parallel(legs) => self.parallel(legs, x, row, size),
        }
    }

    fn note(&mut self, (title, span): (&str, Span), lines: &[String], x: usize, row: usize, size: Size) {
        let (left, right) = (x + 1, x + size.width - 1);
        self.wire(x, left, row);
        self.wire(right, x + size.width, row);
        let (bottom, title, of) = (row + lines.len(), title.to_owned(), Some(span));
        self.push(Mark::Frame { left, right, top: row - 1, bottom, title, of }, right + 1, bottom);
        for (index, line) in lines.iter().enumerate() {
            self.text_of(left + 2, row + index, line.clone(), (Anchor::Start, Role::Code), of);
        }
    }

    fn block(&mut self, block: &Block, x: usize, row: usize, size: Size) {
        let (value_in, value_out) =
            (widest(block.inputs.iter().map(|pin| &pin.value)), widest(block.outputs.iter().map(|pin| &pin.value)));
        let left = x + 1 + if value_in > 0 { value_in + 2 } else { 0 };
        let right = x + size.width - 1 - if value_out > 0 { value_out + 2 } else { 0 };
        let bottom = row + block.inputs.len().max(block.outputs.len());
        self.wire(x, left, row);
        self.wire(right, x + size.width, row);
        let title = block.title.clone();
        self.push(Mark::Frame { left, right, top: row - 1, bottom, title, of: None }, right + 1, bottom);
        self.text(usize::midpoint(left, right), row - 2, block.instance.clone(), Anchor::Middle, Role::Name);
        for (index, pin) in block.inputs.iter().enumerate() {
            self.text(left + 1, row + index, pin.name.clone(), Anchor::Start, Role::Pin);
            if !pin.value.is_empty() {
                self.text(left - 2, row + index, pin.value.clone(), Anchor::End, Role::Code);
                self.wire(left - 1, left, row + index);
            }
        }
        for (index, pin) in block.outputs.iter().enumerate() {
            self.text(right - 1, row + index, pin.name.clone(), Anchor::End, Role::Pin);
            if !pin.value.is_empty() {
                self.text(right + 2, row + index, pin.value.clone(), Anchor::Start, Role::Code);
                self.wire(right, right + 1, row + index);
            }
        }
    }

    fn parallel(&mut self, legs: &[Vec<Node>], x: usize, row: usize, size: Size) {
        let (left, right) = (x + 1, x + size.width - 1);
        self.wire(x, left, row);
        self.wire(right, x + size.width, row);
        let mut at = row;
        let mut below = 0;
        for (index, leg) in legs.iter().enumerate() {
            let leg_size = size_of_series(leg);
            if index > 0 {
                at += below + 1 + leg_size.up;
            }
            below = leg_size.down;
            self.series(leg, left, at, right - left);
            if index + 1 < legs.len() && legs.len() > 1 {
                self.push(Mark::Dot { column: left, row: at }, left + 1, at);
                self.push(Mark::Dot { column: right, row: at }, right + 1, at);
            }
        }
        if at > row {
            self.drop(left, row, at);
            self.drop(right, row, at);
        }
    }
}

/// Cuts a rung into lines that are not wider than the limit, where its elements allow.
fn wrap(nodes: &[Node]) -> Vec<&[Node]> {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut width = 0;
    for (index, node) in nodes.iter().enumerate() {
        let next = size_of(node).width;
        if index > start && width + next > WIDTH_MAX - 8 {
            lines.extend(nodes.get(start..index));
            start = index;
            width = 0;
        }
        width += next;
    }
    if !nodes.is_empty() {
        lines.extend(nodes.get(start..));
    }
    lines
}

/// True for what ends at the right rail: coils, jumps, and branches of them.
fn is_output(node: &Node) -> bool {
    match node {
        Node::Coil { .. } | Node::Exit { .. } => true,
        Node::Parallel(legs) => legs.iter().all(|leg| leg.last().is_some_and(is_output)),
        Node::Contact { .. } | Node::Note { .. } | Node::Block(_) | Node::Invert | Node::Wire => false,
    }
}

fn widest<'a>(texts: impl Iterator<Item = &'a String>) -> usize {
    texts.map(|text| length(text)).max().unwrap_or(0)
}

fn size_of_series(nodes: &[Node]) -> Size {
    nodes.iter().map(size_of).fold(Size::default(), |sum, size| Size {
        width: sum.width + size.width,
        up: sum.up.max(size.up),
        down: sum.down.max(size.down),
    })
}

fn size_of(node: &Node) -> Size {
    match node {
        Node::Contact { name, address, .. } | Node::Coil { name, address, .. } => {
            let text = length(name).max(length(address)).max(3);
            // An even width, so that the sign stands in the middle column.
            Size { width: (text + 4) & !1, up: 1, down: usize::from(!address.is_empty()) }
        }
        Node::Invert => Size { width: 6, up: 0, down: 0 },
        Node::Wire => Size { width: 6, up: 0, down: 0 },
        Node::Exit { text, .. } => Size { width: 6 + length(text), up: 0, down: 0 },
        Node::Note { title, lines, .. } => {
            let inner = widest(lines.iter()).max(length(title) + 2);
            Size { width: inner + 5, up: 1, down: lines.len() }
        }
        Node::Block(block) => size_of_block(block),
        Node::Parallel(legs) => {
            let mut size = Size::default();
            for (index, leg) in legs.iter().enumerate() {
                let leg = size_of_series(leg);
                size.width = size.width.max(leg.width + 2);
                if index == 0 {
                    size.up = leg.up;
                    size.down = leg.down;
                } else {
                    size.down += 1 + leg.up + leg.down;
                }
            }
            size
        }
    }
}

fn size_of_block(block: &Block) -> Size {
    let rows = block.inputs.len().max(block.outputs.len());
    let pins = widest(block.inputs.iter().map(|pin| &pin.name)) + widest(block.outputs.iter().map(|pin| &pin.name)) + 2;
    let inner = pins.max(length(&block.title) + 2).max(length(&block.instance).saturating_sub(1));
    let values = |width: usize| if width > 0 { width + 2 } else { 0 };
    let outside = values(widest(block.inputs.iter().map(|pin| &pin.value)))
        + values(widest(block.outputs.iter().map(|pin| &pin.value)));
    Size { width: inner + outside + 3, up: if block.instance.is_empty() { 1 } else { 2 }, down: rows }
}
