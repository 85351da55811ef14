//! Tokens: what the lexer makes of the text and the parser reads.
//!
//! A token is a kind and a byte range; its text stays in the source. Comments are no tokens, they stand beside them
//! ([`Lexed::comments`]) with their positions.

use crate::ast::Comment;
use crate::diag::Diagnostic;

/// The result of the lexer.
#[derive(Clone, Debug, Default)]
pub struct Lexed {
    /// All tokens; the last one is always [`TokenKind::End`].
    pub tokens: Vec<Token>,
    /// All comments in the order of the text.
    pub comments: Vec<Comment>,
    /// What was wrong with characters and literals.
    pub diagnostics: Vec<Diagnostic>,
}

/// One token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Which.
    pub kind: TokenKind,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// The kinds of token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// A name that is no keyword.
    Name,
    /// A reserved word.
    Keyword(Keyword),
    /// A number, duration, date or typed literal; a malformed one was reported by the lexer.
    Literal,
    /// A text in single quotes.
    Text,
    /// A text in double quotes.
    WideText,
    /// `%IX0.0`; a malformed one was reported by the lexer.
    Address,
    /// `{...}`
    Pragma,
    /// An operator or a separator.
    Symbol(Symbol),
    /// Something unreadable, reported by the lexer: whoever stumbles over it says nothing.
    Bad,
    /// The end of the text.
    End,
}

macro_rules! keywords {
    ($($name:ident = $text:literal,)*) => {
        /// Reserved words. Words with a meaning only in one place (contacts, coils, `TASK`, `ON`, `ST`) are names.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Keyword {
            $(
                #[doc = concat!("`", $text, "`")]
                $name,
            )*
        }

        impl Keyword {
            /// Every reserved word.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// In capitals.
            #[must_use]
            pub fn text(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// The keyword with this spelling in capitals.
            fn from_capitals(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$name),)* _ => None }
            }
        }
    };
}

keywords! {
    Program = "PROGRAM", EndProgram = "END_PROGRAM",
    Function = "FUNCTION", EndFunction = "END_FUNCTION",
    FunctionBlock = "FUNCTION_BLOCK", EndFunctionBlock = "END_FUNCTION_BLOCK",
    Configuration = "CONFIGURATION", EndConfiguration = "END_CONFIGURATION",
    Resource = "RESOURCE", EndResource = "END_RESOURCE",
    Type = "TYPE", EndType = "END_TYPE",
    Struct = "STRUCT", EndStruct = "END_STRUCT",
    Var = "VAR", VarInput = "VAR_INPUT", VarOutput = "VAR_OUTPUT", VarInOut = "VAR_IN_OUT", VarTemp = "VAR_TEMP",
    VarGlobal = "VAR_GLOBAL", VarExternal = "VAR_EXTERNAL", VarAccess = "VAR_ACCESS", VarConfig = "VAR_CONFIG",
    EndVar = "END_VAR",
    Constant = "CONSTANT", Retain = "RETAIN", NonRetain = "NON_RETAIN", Persistent = "PERSISTENT",
    At = "AT", REdge = "R_EDGE", FEdge = "F_EDGE",
    Array = "ARRAY", Of = "OF", RefTo = "REF_TO",
    If = "IF", Then = "THEN", Elsif = "ELSIF", Else = "ELSE", EndIf = "END_IF",
    Case = "CASE", EndCase = "END_CASE",
    For = "FOR", To = "TO", By = "BY", Do = "DO", EndFor = "END_FOR",
    While = "WHILE", EndWhile = "END_WHILE",
    Repeat = "REPEAT", Until = "UNTIL", EndRepeat = "END_REPEAT",
    Exit = "EXIT", Continue = "CONTINUE", Return = "RETURN",
    And = "AND", Or = "OR", Xor = "XOR", Not = "NOT", Mod = "MOD", AndThen = "AND_THEN", OrElse = "OR_ELSE",
    True = "TRUE", False = "FALSE",
    Ladder = "LADDER", EndLadder = "END_LADDER", Rung = "RUNG", EndSt = "END_ST",
}

/// Longest reserved word: `END_FUNCTION_BLOCK` and `END_CONFIGURATION` have 18 and 17 letters.
const KEYWORD_CHARS_MAX: usize = 18;

impl Keyword {
    /// The keyword with this spelling in any case.
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        if text.len() > KEYWORD_CHARS_MAX {
            return None;
        }
        let mut buffer = [0u8; KEYWORD_CHARS_MAX];
        for (to, from) in buffer.iter_mut().zip(text.bytes()) {
            // Most names that are no keyword have a digit, and no keyword has one.
            if from.is_ascii_digit() {
                return None;
            }
            *to = from.to_ascii_uppercase();
        }
        let capitals = buffer.get(..text.len())?;
        Self::from_capitals(std::str::from_utf8(capitals).ok()?)
    }
}

macro_rules! symbols {
    ($($name:ident = $text:literal,)*) => {
        /// Operators and separators of one or two characters; a longer one stands before its beginnings.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Symbol {
            $(
                #[doc = concat!("`", $text, "`")]
                $name,
            )*
        }

        impl Symbol {
            /// Every symbol, longer ones before their beginnings.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The symbol that is written so.
            #[must_use]
            pub fn find(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$name),)* _ => None }
            }

            /// As it is written.
            #[must_use]
            pub fn text(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

symbols! {
    Assign = ":=", Arrow = "=>", NotEqual = "<>", LessEqual = "<=", GreaterEqual = ">=", Power = "**", DotDot = "..",
    Equal = "=", Less = "<", Greater = ">", Plus = "+", Minus = "-", Star = "*", Slash = "/", Ampersand = "&",
    ParenOpen = "(", ParenClose = ")", BracketOpen = "[", BracketClose = "]",
    Comma = ",", Semicolon = ";", Colon = ":", Dot = ".", Caret = "^",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_keyword_is_found_in_any_case() {
        for keyword in Keyword::ALL {
            assert_eq!(Keyword::find(&keyword.text().to_lowercase()), Some(*keyword));
            assert!(keyword.text().len() <= KEYWORD_CHARS_MAX);
        }
        assert_eq!(Keyword::find("END_FUNCTION_BLOCKS"), None);
        assert_eq!(Keyword::find(""), None);
    }

    #[test]
    fn no_symbol_hides_a_longer_one() {
        for (index, symbol) in Symbol::ALL.iter().enumerate() {
            for later in &Symbol::ALL[index + 1..] {
                assert!(!later.text().starts_with(symbol.text()), "{symbol:?} hides {later:?}");
            }
        }
    }
}
