//! Ladder bodies as drawings: Unicode or ASCII text, and SVG.
//!
//! One model feeds every form: `model` makes symbols of the syntax tree, `layout` gives every symbol its place on a grid of
//! characters, `text` and `svg` only paint. A drawing shows what the text says; it resolves no names beyond the
//! declarations of the same file (types and addresses of variables) and needs no checked program.

mod layout;
mod model;
mod svg;
mod text;

use crate::ast::File;
use crate::source::SourceMap;

/// The characters of a drawing in text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Style {
    /// Box-drawing characters.
    #[default]
    Unicode,
    /// `-`, `|` and `+` only.
    Ascii,
}

/// Every ladder of a file as text, each under its unit's name. Empty where the file has no ladder.
#[must_use]
pub fn draw_text(map: &SourceMap, file: &File, style: Style) -> String {
    text::paint(&layout::place(&model::sheets(map, file)), style)
}

/// Every ladder of a file as one SVG document, sized by its content. It takes the colour of the text around it and has no
/// background, so it fits light and dark pages.
#[must_use]
pub fn draw_svg(map: &SourceMap, file: &File) -> String {
    svg::paint(&layout::place(&model::sheets(map, file)))
}
