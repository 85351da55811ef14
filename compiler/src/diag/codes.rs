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
        "RUNG: NO(start) motor;" => "RUNG: NO(start) COIL(motor);";
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
        "One source file may have 32 MiB. Split the program into several files.",
        "" => "";
    TooManyTokens = "E0802" Error, "too many words in one file",
        "One source file may have 8,000,000 words, numbers and signs. Split the program into several files.",
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
    // --- E03: names ----------------------------------------------------------------------------------------------------
    UnknownName = "E0301" Error, "unknown name",
        "Nothing with this name is declared here. Variables are declared in the unit itself; globals are made known in it with VAR_EXTERNAL or taken from VAR_GLOBAL directly.",
        "motr := TRUE;" => "motor := TRUE;";
    DuplicateName = "E0302" Error, "name declared twice",
        "A name means one thing in its scope. Names compare without regard to case.",
        "VAR a : INT; A : BOOL; END_VAR" => "VAR a : INT; b : BOOL; END_VAR";
    UnknownType = "E0303" Error, "unknown type",
        "The type is neither elementary nor a function block of the project or the library.",
        "delay : TIMER_ON;" => "delay : TON;";
    UnknownField = "E0304" Error, "unknown parameter or field",
        "The function, block or instance has no parameter of this name that can be reached from here. Inputs and outputs of an instance can be reached from outside, its local variables cannot.",
        "delay(PR := T#1s);" => "delay(PT := T#1s);";
    ReservedName = "E0305" Error, "name taken by the standard",
        "The name is that of a standard type, function or function block; another meaning would mislead every reader.",
        "FUNCTION_BLOCK TON" => "FUNCTION_BLOCK MyDelay";
    ExternalMismatch = "E0306" Error, "VAR_EXTERNAL does not match VAR_GLOBAL",
        "A VAR_EXTERNAL repeats name and type of a VAR_GLOBAL; it has no initial value and no address of its own.",
        "VAR_EXTERNAL speed : REAL; END_VAR" => "VAR_EXTERNAL speed : INT; END_VAR";

    // --- E04: types ----------------------------------------------------------------------------------------------------
    TypeMismatch = "E0401" Error, "types do not match",
        "Only conversions that keep every value happen by themselves (SINT to INT, INT to REAL, BYTE to WORD, TIME to LTIME and so on). All others are written, so that a reader sees where a value can change.",
        "i := d;" => "i := DINT_TO_INT(d);";
    LiteralRange = "E0402" Error, "number outside the range of its type",
        "The value does not fit the type it is given to.",
        "x := SINT#200;" => "x := INT#200;";
    OperandType = "E0403" Error, "operator does not exist for these types",
        "Arithmetic needs numbers (or durations), AND, OR, XOR and NOT need BOOL or bit strings, conditions need BOOL.",
        "a := word1 + 1;" => "a := WORD_TO_UINT(word1) + 1;";
    NotConstant = "E0404" Error, "constant expression needed",
        "Array bounds, initial values, CASE labels and properties of tasks are worked out by the compiler, so they consist of literals and CONSTANT variables.",
        "a : ARRAY [1..n] OF INT;" => "a : ARRAY [1..10] OF INT;";
    DivisionByZero = "E0405" Error, "division by zero",
        "The divisor is the constant 0: this would be a fault in every scan.",
        "x := y / 0;" => "x := y / 2;";
    IndexRange = "E0406" Error, "index outside the array",
        "The index is a constant outside the declared bounds: this would be a fault in every scan.",
        "a : ARRAY [0..9] OF INT; ... a[10] := 1;" => "a[9] := 1;";
    NotIndexable = "E0407" Error, "this part does not exist",
        "Brackets need an array with that many dimensions, a point needs an instance or (with a number) a bit string.",
        "i[1] := 2;" => "a[1] := 2;";
    LaterType = "E0408" Error, "type that comes in a later version",
        "Strings, structures, enumerations, subranges, dates and references are read but not yet compiled by this version.",
        "" => "";
    CaseLabels = "E0409" Error, "CASE labels overlap",
        "Each value selects one arm only.",
        "1..5: a := 1; 3: a := 2;" => "1..2, 4..5: a := 1; 3: a := 2;";
    ConditionType = "E0410" Error, "BOOL needed",
        "Conditions, contacts and coils work on BOOL.",
        "IF counter THEN" => "IF counter > 0 THEN";
    RealEquality = "W0411" Warning, "REAL compared for equality",
        "Rounding makes = and <> of REAL values depend on the last bit. Compare with a tolerance.",
        "IF level = 4.2 THEN" => "IF ABS(level - 4.2) < 0.01 THEN";

    // --- E05: declarations and addresses, continued --------------------------------------------------------------------
    AddressWidth = "E0502" Error, "address does not fit the type",
        "One bit (X) holds a BOOL, B a BYTE, SINT or USINT, W a WORD, INT or UINT, D a DWORD, DINT, UDINT or REAL, L an LWORD, LINT, ULINT, LREAL, TIME or LTIME.",
        "speed AT %QX0.0 : INT;" => "speed AT %QW0 : INT;";
    AddressForm = "E0503" Error, "address in a form that is not supported",
        "A bit address has a byte and a bit from 0 to 7 (%IX0.7); wider addresses have one number that counts in their own width (%IW1 is bytes 2 and 3).",
        "start AT %IX0.8 : BOOL;" => "start AT %IX1.0 : BOOL;";
    LocationPlace = "E0504" Error, "address not allowed here",
        "Located variables stand in VAR of a PROGRAM and in VAR_GLOBAL. A function block gets its inputs and outputs by parameters, so that every instance can have its own.",
        "" => "";
    SectionPlace = "E0505" Error, "section not allowed here",
        "Functions have no memory, so no RETAIN and no instances; VAR_GLOBAL stands outside of units; CONSTANT and RETAIN exclude each other, and so do NON_RETAIN and RETAIN or PERSISTENT. A PROGRAM has no caller, so no VAR_IN_OUT; what begins anew or stands elsewhere (VAR_TEMP, VAR_IN_OUT, VAR_EXTERNAL) is not retained.",
        "" => "";
    ArrayBounds = "E0506" Error, "array bounds reversed or too large",
        "The lower bound comes first and is at most the upper bound; both fit DINT.",
        "a : ARRAY [10..1] OF INT;" => "a : ARRAY [1..10] OF INT;";
    InitialValue = "E0507" Error, "initial value does not fit the variable",
        "An array takes a list in brackets with at most as many values as elements, an instance takes its inputs in parentheses, everything else one value.",
        "a : ARRAY [0..1] OF INT := [1, 2, 3];" => "a : ARRAY [0..2] OF INT := [1, 2, 3];";
    TaskProperty = "E0508" Error, "task cannot be made",
        "A task has an INTERVAL (a duration greater than 0) and a PRIORITY (0 is the most urgent). Tasks started by an event (SINGLE) come in a later version.",
        "TASK fast(INTERVAL := T#0s);" => "TASK fast(INTERVAL := T#10ms, PRIORITY := 0);";
    NoProgram = "E0509" Error, "nothing to run",
        "A project has at least one PROGRAM; with several programs or several CONFIGURATIONs it has to say which one runs.",
        "" => "";
    PowerPin = "E0510" Error, "{power} in the wrong place",
        "The pragma marks one BOOL input and one BOOL output of a function block as the pins the power of a rung goes through.",
        "" => "";
    InstancePlace = "E0511" Error, "function block instance not allowed here",
        "Instances live in VAR of a program or function block, in VAR_GLOBAL, and are passed by VAR_IN_OUT. Functions and VAR_TEMP have no memory to keep them.",
        "" => "";
    WriteRefused = "E0512" Error, "this cannot be written",
        "Constants, inputs (%I), the control variable of a FOR loop inside it, a block's own inputs and the outputs of another instance are not written.",
        "%IX0.0 := TRUE;" => "%QX0.0 := TRUE;";

    // --- E06: ladder ---------------------------------------------------------------------------------------------------
    UnknownLabel = "E0601" Error, "unknown rung",
        "JMP names the label of a rung of the same ladder.",
        "JMP(nowhere)" => "JMP(manual)";
    BackwardJump = "E0602" Error, "jump backwards",
        "JMP goes forward only, so that every scan comes to its end. Loops are written in Structured Text.",
        "" => "";
    JumpPlace = "E0603" Error, "JMP or RET not at the end of its rung",
        "JMP and RET stand last in their rung and outside of branches.",
        "RUNG: JMP(done) COIL(a);" => "RUNG: COIL(a) JMP(done);";
    DoubleCoil = "E0604" Error, "two coils drive one variable",
        "The last one wins, so the first one has no effect that a reader would expect. Use one coil behind a branch, or SET and RST. Where it is meant, write {allow E0604 \"reason\"} before the rung.",
        "RUNG: NO(a) COIL(m); RUNG: NO(b) COIL(m);" => "RUNG: [NO(a), NO(b)] COIL(m);";
    PowerConflict = "E0605" Error, "power pin written by name",
        "In a ladder this input is driven by the power on its left. Put contacts before the block, or write EN and every other input by name.",
        "RUNG: delay(IN := start, PT := T#1s);" => "RUNG: NO(start) delay(PT := T#1s);";
    NoPowerPin = "E0606" Error, "block without a power pin",
        "CTUD counts by CU and CD, so both are written by name and nothing stands to its left.",
        "RUNG: NO(up) parts(CD := down, PV := 5);" => "RUNG: parts(CU := up, CD := down, PV := 5);";
    SetAfterReset = "W0607" Warning, "SET after RST",
        "The last one wins: here SET wins over RST. For stop before start the RST belongs below the SET.",
        "RUNG: NO(stop) RST(m); RUNG: NO(start) SET(m);" => "RUNG: NO(start) SET(m); RUNG: NO(stop) RST(m);";
    EdgeAtPowerUp = "W0608" Warning, "edge at power-up",
        "R_TRIG fires in its first call when CLK is TRUE then, F_TRIG when it is FALSE: a button held down at power-up, or a signal that was never TRUE, switches an output on. The check follows the edge from the block to a %Q output of the same unit.",
        "RUNG: NO(start) edge() SET(motor);" => "RUNG: RISE(start) SET(motor);";

    // --- E07: calls ----------------------------------------------------------------------------------------------------
    Recursion = "E0701" Error, "recursion",
        "Programs of a controller do not call themselves, directly or through others, and a block does not contain itself: memory and time must be known before the start.",
        "" => "";
    ArgumentCount = "E0702" Error, "wrong number of arguments",
        "Without names every input is given in the order of the declaration; with names each at most once.",
        "x := LIMIT(0, y);" => "x := LIMIT(0, y, 100);";
    ArgumentStyle = "E0703" Error, "argument passed the wrong way",
        "Inputs and VAR_IN_OUT take `name := value`, outputs `name => variable`; named and unnamed arguments do not mix.",
        "delay(IN := a, T#1s);" => "delay(IN := a, PT := T#1s);";
    InOutArgument = "E0704" Error, "VAR_IN_OUT needs a variable of exactly its type",
        "The block works on the variable itself. A literal, an expression, a CONSTANT, a BOOL with an address or a part of a bit string has no place of its own: copy it to a variable, call, and copy it back.",
        "swap(a := 5);" => "x := 5; swap(a := x);";
    NotCallable = "E0705" Error, "this cannot be called",
        "Functions are called in expressions and as statements, function blocks through an instance. Programs are started by tasks.",
        "TON(IN := a);" => "delay(IN := a);";
    NoResult = "E0706" Error, "statement without effect",
        "The result of the function is not used. Assign it, or leave the call out.",
        "ABS(x);" => "y := ABS(x);";
    LoopOnly = "E0707" Error, "EXIT or CONTINUE outside of a loop",
        "EXIT leaves and CONTINUE goes on with the innermost FOR, WHILE or REPEAT.",
        "" => "";
    CalledTwice = "W0708" Warning, "instance called twice",
        "One instance has one memory: called twice in a scan, a timer or counter sees two different inputs per scan. Use an instance for each call.",
        "" => "";
    ResultUnassigned = "W0709" Warning, "function result never assigned",
        "The function returns what its result variable holds at the end; nothing assigns it, so it is always 0.",
        "" => "";

    // --- E08: limits, continued ----------------------------------------------------------------------------------------
    DataTooLarge = "E0806" Error, "too much data",
        "The variables of a project may take 64 MiB, each area of the process image 64 KiB, one variable reached by reference 2 MiB, and at most 65,536 values may be retained.",
        "" => "";
    TooManyReferences = "E0807" Error, "too many references in one unit",
        "A unit may have 256 references: its VAR_IN_OUT parameters and the nested array elements one statement works on.",
        "" => "";
    CodeTooLarge = "E0808" Error, "too much code",
        "A project may have 16 million instructions.",
        "" => "";
    ExpressionTooLong = "E0809" Error, "expression too long",
        "An expression may have 100,000 operators, and 256 different ones of one level in a row. Give parts of it variables of their own.",
        "" => "";

    // --- W09: things a careful reader asks about -----------------------------------------------------------------------
    UnusedVariable = "W0901" Warning, "variable never used",
        "Nothing reads or writes it. Leave it out, or use it.",
        "" => "";
    NeverWritten = "W0902" Warning, "contact nothing writes",
        "The variable is read, has no address, and nothing gives it a value: the contact never changes.",
        "" => "";
    NeverRead = "W0903" Warning, "coil nothing reads",
        "The variable is written, but nothing reads it and it has no address.",
        "" => "";
    UnknownPragma = "W0904" Warning, "allow without a known code or reason",
        "A finding is allowed at its place by {allow CODE \"reason\"}; both are needed.",
        "{allow E0604}" => "{allow E0604 \"spare coil for the test bench\"}";
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
         The text of a compilation shows at most 100 findings, errors first, and counts the rest; `plcrun check --json` gives all of them.\n\n\
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
