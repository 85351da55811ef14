//! Ladder bodies as drawings: Unicode or ASCII text, and SVG.
//!
//! One model feeds every form: `model` makes symbols of the syntax tree, `layout` gives every symbol its place on a grid of
//! characters, `text` and `svg` only paint. A drawing shows what the text says; it resolves no names beyond declarations
//! (types and addresses of variables, power pins of blocks) and needs no checked program.

mod ascii;
mod layout;
mod model;
mod svg;
mod text;

use crate::ast::File;
use crate::source::{SourceMap, Span};
use std::collections::HashMap;

/// The characters of a drawing in text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Style {
    /// Box-drawing characters.
    #[default]
    Unicode,
    /// ASCII only: `-`, `|` and `+`, and texts spelt without other letters.
    Ascii,
}

/// The colour of an element, by where it is written.
pub type Tones = HashMap<Span, Tone>;

/// What the colour of an element says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tone {
    /// The tests have seen all of it.
    Covered,
    /// The tests have seen one way of it.
    Half,
    /// The tests have not seen it.
    Missed,
    /// It conducts, or has power.
    On,
    /// It does not conduct.
    Off,
}

/// What is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Drawing<'a> {
    /// The texts.
    pub map: &'a SourceMap,
    /// The file whose ladders are drawn.
    pub file: &'a File,
    /// All files of the project: their globals and blocks are known to the drawing. May hold `file` itself.
    pub project: &'a [File],
    /// Only the rungs with this label (upper or lower case), or with this number in their ladder.
    pub rung: Option<&'a str>,
}

impl<'a> Drawing<'a> {
    /// Every ladder of a file that stands alone.
    #[must_use]
    pub fn new(map: &'a SourceMap, file: &'a File) -> Self {
        Self { map, file, project: &[], rung: None }
    }

    /// Is there a rung to draw?
    #[must_use]
    pub fn has_rungs(&self) -> bool {
        model::sheets(self).iter().any(|sheet| !sheet.rungs.is_empty())
    }

    /// The ladders as text, each under its unit's name. Empty where there is none.
    #[must_use]
    pub fn text(&self, style: Style) -> String {
        self.coloured_text(style, &Tones::new())
    }

    /// The ladders as text with terminal colours where `tones` names an element.
    #[must_use]
    pub fn coloured_text(&self, style: Style, tones: &Tones) -> String {
        let mut sheets = model::sheets(self);
        if style == Style::Ascii {
            ascii::spell(&mut sheets);
        }
        text::paint(&layout::place(&sheets), style, tones)
    }

    /// The ladders as one SVG document, sized by its content. It takes the colour of the text around it and has no
    /// background, so it fits light and dark pages.
    #[must_use]
    pub fn svg(&self) -> String {
        self.coloured_svg(&Tones::new())
    }

    /// The same with colours where `tones` names an element.
    #[must_use]
    pub fn coloured_svg(&self, tones: &Tones) -> String {
        svg::paint(&layout::place(&model::sheets(self)), tones)
    }
}

/// Every ladder of a file as text; see [`Drawing::text`].
#[must_use]
pub fn draw_text(map: &SourceMap, file: &File, style: Style) -> String {
    Drawing::new(map, file).text(style)
}

/// Every ladder of a file as one SVG document; see [`Drawing::svg`].
#[must_use]
pub fn draw_svg(map: &SourceMap, file: &File) -> String {
    Drawing::new(map, file).svg()
}
