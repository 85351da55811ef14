//! The table of diagnostic codes.
//!
//! One row per finding: name, code, severity, short title, explanation, and an example with its cure. The enum, the
//! lookups and docs/diagnostics.md come from this table alone. Codes are stable: a row may be reworded, its number never
//! gets another meaning, and a retired number is not used again.
//!
//! Ranges: E01 reading characters, E02 syntax, E03 names, E04 types, E05 declarations and addresses, E06 ladder,
//! E07 calls, E08 limits; W0 warnings.

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// No image is made.
    Error,
    /// An image is made; look at it all the same.
    Warning,
}

impl Severity {
    /// `error` or `warning`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// Expands the table. A row is
/// `Name = "E0101" Error, "title", "explanation", "wrong example" => "mended example";`
/// (both examples may be `""` where no short one exists).
macro_rules! codes {
    ($($name:ident = $code:literal $severity:ident, $title:literal, $explanation:literal, $wrong:literal => $right:literal;)*) => {
        /// The codes of all diagnostics; see docs/diagnostics.md for each.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(
                #[doc = $title]
                $name,
            )*
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable code, for example `E0101`.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }

            /// Error or warning.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity),* }
            }

            /// A few words that name the finding.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title),* }
            }

            /// Why it is one and what to do.
            #[must_use]
            pub fn explanation(self) -> &'static str {
                match self { $(Self::$name => $explanation),* }
            }

            /// A text with the finding and the same text mended; both empty where no short example exists.
            #[must_use]
            pub fn example(self) -> (&'static str, &'static str) {
                match self { $(Self::$name => ($wrong, $right)),* }
            }
        }
    };
}

codes! {
    // --- E01: reading characters (lexer) -------------------------------------------------------------------------------
    UnknownCharacter = "E0101" Error, "unknown character",
        "The character has no meaning outside comments and titles.",
        "motor := start $ stop;" => "motor := start AND stop;";
    UnterminatedComment = "E0102" Error, "comment without end",
        "A comment that begins with `(*` ends with `*)`, one that begins with `/*` ends with `*/`. Comments nest: every opening needs its own end.",
        "(* pump 1" => "(* pump 1 *)";
    UnterminatedText = "E0103" Error, "text without end",
        "A text ends on its own line with the quote it began with. A quote inside a text is written `$'` or `$\"`.",
        "RUNG \"Main pump:" => "RUNG \"Main pump\":";
    MalformedNumber = "E0104" Error, "malformed number",
        "A number is digits, perhaps with single underscores between them. Before `#` stands the base 2, 8, 10 or 16, and only digits of that base follow. A real number has digits on both sides of its point.",
        "x := 2#1021;" => "x := 2#1011;";
    MalformedDuration = "E0105" Error, "malformed duration",
        "A duration is `T#` followed by numbers with the units d, h, m, s, ms, us, ns, each unit at most once and in this order; only the last number may have a decimal point.",
        "PT := T#500ms2s" => "PT := T#2s500ms";
    UnterminatedPragma = "E0106" Error, "pragma without end",
        "A pragma begins with `{` and ends with `}`.",
        "start {power : BOOL;" => "start {power} : BOOL;";
    MalformedAddress = "E0107" Error, "malformed address",
        "An address is `%`, then I, Q or M, then the width X, B, W, D or L (or nothing for one bit), then numbers with points between them.",
        "start AT %IZ0.1 : BOOL;" => "start AT %IX0.1 : BOOL;";
    MalformedName = "E0108" Error, "malformed name",
        "A name begins with a letter or an underscore and goes on with letters, digits and single underscores; it does not end with an underscore.",
        "motor__1 : BOOL;" => "motor_1 : BOOL;";
    MalformedLiteral = "E0109" Error, "malformed typed literal",
        "Behind `TYPE#` stands a value of that type.",
        "x := INT#;" => "x := INT#5;";

    // --- E02: syntax (parser) ------------------------------------------------------------------------------------------
    UnexpectedToken = "E0201" Error, "something else was expected here",
        "The text does not go on as the grammar of docs/language.md says. The message names what could stand here.",
        "x := 1 + ;" => "x := 1 + 2;";
    MissingSemicolon = "E0202" Error, "semicolon missing",
        "Every declaration, every statement and every rung ends with a semicolon.",
        "a := 1\nb := 2;" => "a := 1;\nb := 2;";
    MissingEnd = "E0203" Error, "closing keyword missing",
        "What a keyword opens, the matching END keyword closes: IF ... END_IF, VAR ... END_VAR, PROGRAM ... END_PROGRAM.",
        "IF a THEN b := 1;" => "IF a THEN b := 1; END_IF;";
    EqualInsteadOfAssign = "E0204" Error, "`=` where `:=` is meant",
        "`:=` gives a value, `=` compares two values.",
        "a = 1;" => "a := 1;";
    UnknownElement = "E0205" Error, "unknown ladder element",
        "Elements of a rung are contacts (NO, NC, RISE, FALL), comparisons (GT, GE, EQ, NE, LE, LT, CMP), INV, WIRE, coils (COIL, NCOIL, SET, RST, COIL_RISE, COIL_FALL), JMP, RET, functions and function block instances, branches in brackets, and ST ... END_ST. Each has parentheses, even where they are empty.",
        "RUNG: NO(start) COL(motor);" => "RUNG: NO(start) COIL(motor);";
    ElementOperands = "E0206" Error, "wrong operands of a ladder element",
        "Contacts and coils have one operand, comparisons two, INV, WIRE and RET none, JMP the label of a rung. A coil writes, so its operand is a variable or an address.",
        "RUNG: NO(a, b) COIL(c);" => "RUNG: NO(a) NO(b) COIL(c);";
    EmptySeries = "E0207" Error, "empty rung or leg",
        "A rung and every leg of a branch hold at least one element. A plain wire is written WIRE().",
        "RUNG: [NO(a), ] COIL(b);" => "RUNG: [NO(a), WIRE()] COIL(b);";
    NotYet = "E0208" Error, "part of the standard that comes in a later version",
        "The text is proper IEC 61131-3, but this version does not read it.",
        "" => "";
    ForeignFile = "E0209" Error, "file of another tool",
        "The ending .ld is used by other programs too. Files of other ladder editors cannot be imported yet; linker scripts are not programs.",
        "" => "";
    OutsideUnit = "E0210" Error, "text outside of a program unit",
        "Outside of PROGRAM, FUNCTION, FUNCTION_BLOCK, CONFIGURATION, TYPE and VAR_GLOBAL nothing but comments and pragmas may stand.",
        "VAR x : INT; END_VAR" => "PROGRAM Main VAR x : INT; END_VAR END_PROGRAM";
    MissingBracket = "E0211" Error, "closing bracket missing",
        "Every opening bracket has its closing one within the statement, declaration or rung.",
        "x := (a + b;" => "x := (a + b);";
    MisplacedPragma = "E0212" Error, "pragma in the wrong place",
        "Pragmas stand before a program unit, a section, a rung or a statement, or inside a declaration.",
        "x := a {note} + b;" => "{note} x := a + b;";
    WrongEnd = "E0213" Error, "wrong closing keyword",
        "The closing keyword does not belong to what is open.",
        "IF a THEN b := 1; END_WHILE;" => "IF a THEN b := 1; END_IF;";

    // --- E05: declarations and addresses -------------------------------------------------------------------------------
    IncompleteAddress = "E0501" Error, "address without a number",
        "Addresses with `*`, to be filled in by a configuration, are not supported: every located variable has its number in the text.",
        "start AT %I* : BOOL;" => "start AT %IX0.0 : BOOL;";

    // --- E08: limits ---------------------------------------------------------------------------------------------------
    FileTooLarge = "E0801" Error, "file too large",
        "One source file may have 16 MiB. Split the program into several files.",
        "" => "";
    TooManyTokens = "E0802" Error, "too many words in one file",
        "One source file may have 4,000,000 words, numbers and signs. Split the program into several files.",
        "" => "";
    NestingTooDeep = "E0803" Error, "nesting too deep",
        "Parentheses, branches, statements, unary operators and comments may nest 64 levels deep. Split the expression with a variable in between, or the statement with a function.",
        "" => "";
    NameTooLong = "E0804" Error, "name too long",
        "A name may have 64 characters.",
        "" => "";
    TooManyMistakes = "E0805" Error, "too many mistakes",
        "After 100 findings in one file the rest is not reported. Mend the first ones and try again.",
        "" => "";
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Code {
    /// The code with this text, for `plcrun explain E0101`; case does not matter.
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str().eq_ignore_ascii_case(text))
    }
}

/// The text of docs/diagnostics.md; a test keeps the file in step.
#[must_use]
pub fn reference_markdown() -> String {
    use std::fmt::Write as _;
    let mut rows: Vec<Code> = Code::ALL.to_vec();
    rows.sort_by_key(|code| code.as_str());
    let mut text = String::from(
        "# Diagnostics\n\n\
         Every finding of the compiler has a stable code. This page is made from the table in `compiler/src/diag/codes.rs`;\n\
         `UPDATE_DOCS=1 cargo test -p compiler --test reference` rewrites it.\n\n\
         | code | | finding |\n|---|---|---|\n",
    );
    for code in &rows {
        let link = code.as_str().to_ascii_lowercase();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| [{code}](#{link}) | {} | {} |", code.severity().as_str(), code.title());
    }
    for code in &rows {
        let link = code.as_str().to_ascii_lowercase();
        let _ = write!(text, "\n<a id=\"{link}\"></a>\n## {code}: {}\n\n{}\n", code.title(), code.explanation());
        let (wrong, right) = code.example();
        if !wrong.is_empty() {
            let _ = write!(text, "\n```\n{wrong}\n```\n\nmended:\n\n```\n{right}\n```\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_their_letter_is_their_severity() {
        let mut seen = std::collections::BTreeSet::new();
        for code in Code::ALL {
            assert!(seen.insert(code.as_str()), "{code} stands twice in the table");
            let letter = match code.severity() {
                Severity::Error => 'E',
                Severity::Warning => 'W',
            };
            assert!(code.as_str().starts_with(letter), "{code}");
            assert_eq!(code.as_str().len(), 5, "{code}");
            assert!(!code.title().ends_with('.') && code.explanation().ends_with('.'), "{code}");
            let (wrong, right) = code.example();
            assert_eq!(wrong.is_empty(), right.is_empty(), "{code}: an example needs its cure");
        }
    }
}
