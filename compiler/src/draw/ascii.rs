//! Texts of a drawing in ASCII: what titles, comments and pins hold besides, spelt with the letters a plain terminal has.
//!
//! Happens before the layout, because a spelling may be longer than its letter.

use super::model::{Block, Node, Pin, Sheet};

/// Every text of the sheets in ASCII.
pub(super) fn spell(sheets: &mut [Sheet]) {
    for sheet in sheets {
        text(&mut sheet.heading);
        for rung in &mut sheet.rungs {
            rung.comments.iter_mut().for_each(text);
            text(&mut rung.title);
            nodes(&mut rung.nodes);
        }
    }
}

/// Branches nest at most as deep as the parser allows.
fn nodes(of: &mut [Node]) {
    for node in of {
        match node {
            Node::Parallel(legs) => legs.iter_mut().for_each(|leg| nodes(leg)),
            Node::Contact { name, address, .. } | Node::Coil { name, address, .. } => {
                text(name);
                text(address);
            }
            Node::Note { lines, .. } => lines.iter_mut().for_each(text),
            Node::Block(Block { instance, title, inputs, outputs }) => {
                text(instance);
                text(title);
                for Pin { name, value } in inputs.iter_mut().chain(outputs) {
                    text(name);
                    text(value);
                }
            }
            Node::Exit { text: label, .. } => text(label),
            Node::Invert | Node::Wire => {}
        }
    }
}

fn text(text: &mut String) {
    if !text.is_ascii() {
        *text = text
            .chars()
            .map(|letter| if letter.is_ascii() { letter.to_string() } else { spelt(letter).into() })
            .collect();
    }
}

/// How a letter or sign is written without it; `?` where there is no custom.
fn spelt(letter: char) -> &'static str {
    match letter {
        'ä' | 'æ' => "ae",
        'ö' | 'œ' => "oe",
        'ü' => "ue",
        'Ä' | 'Æ' => "Ae",
        'Ö' | 'Œ' => "Oe",
        'Ü' => "Ue",
        'ß' => "ss",
        'à' | 'á' | 'â' | 'ã' | 'å' | 'ą' | 'ă' => "a",
        'À' | 'Á' | 'Â' | 'Ã' | 'Å' => "A",
        'è' | 'é' | 'ê' | 'ë' | 'ę' | 'ě' => "e",
        'È' | 'É' | 'Ê' | 'Ë' => "E",
        'ì' | 'í' | 'î' | 'ï' => "i",
        'ò' | 'ó' | 'ô' | 'õ' | 'ø' => "o",
        'Ò' | 'Ó' | 'Ô' | 'Õ' | 'Ø' => "O",
        'ù' | 'ú' | 'û' | 'ů' => "u",
        'ç' | 'ć' | 'č' => "c",
        'ñ' | 'ń' | 'ň' => "n",
        'ś' | 'š' => "s",
        'Š' => "S",
        'ž' | 'ź' | 'ż' => "z",
        'Ž' => "Z",
        'ł' => "l",
        'ř' => "r",
        'ý' => "y",
        '°' => "deg",
        'µ' | 'μ' => "u",
        'Ω' | '\u{2126}' => "Ohm",
        'Δ' => "Delta",
        '€' => "EUR",
        '²' => "2",
        '³' => "3",
        '½' => "1/2",
        '×' => "x",
        '÷' => "/",
        '±' => "+/-",
        '≤' => "<=",
        '≥' => ">=",
        '≠' => "<>",
        '¬' => "~",
        '→' | '►' => "->",
        '←' => "<-",
        '–' | '—' | '−' => "-",
        '·' | '•' => "*",
        '…' => "...",
        '„' | '“' | '”' | '«' | '»' => "\"",
        '‘' | '’' => "'",
        '\u{A0}' | '\u{2009}' | '\u{202F}' => " ",
        _ => "?",
    }
}
