//! Findings about an I/O map: what is wrong, where, and how to mend it.
//!
//! One table ([`Code`]) gives code, severity and explanation of each finding; `docs/io.md` carries the same table and a
//! test keeps them in step. Findings about relays come from the relay room with codes of their own (`R...`); this room
//! adds file, line and column to them.

use std::fmt;

/// A place in a text file. Line and column count from 1; 0 means that no place is known (an empty file).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Line from 1.
    pub line: u32,
    /// Column from 1, in characters.
    pub column: u32,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The map is refused.
    Error,
    /// The map is taken; somebody should look.
    Warning,
    /// Worth knowing; changes no exit code.
    Note,
}

impl Severity {
    /// The word printed before the code.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

macro_rules! codes {
    ($($name:ident $code:literal $severity:ident $title:literal;)*) => {
        /// What a finding is about. The meaning of each is its row.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $(#[doc = $title] $name,)* }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable code, such as `C004`.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// Refuses the map, or only warns.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }

            /// One line for tables and documentation.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}
codes! {
    Unreadable "C001" Error "a file of the map cannot be read";
    NotYaml "C002" Error "the text is not YAML, has a key twice, or nests too deep";
    UnknownKey "C003" Error "a key that no section of the map has";
    BadValue "C004" Error "a value of the wrong kind, unit or range";
    MissingKey "C005" Error "a key that must be there is missing";
    TooLarge "C006" Error "the file is larger than a map may be";
    UnknownVariable "C010" Error "the program has no variable of this name";
    WrongType "C011" Error "the variable is not a BOOL";
    WrongDirection "C012" Error "an input bound to an output address, or the other way round";
    BoundTwice "C013" Error "one variable bound twice";
    Unbound "C014" Error "a located variable that the map does not bind";
    AmbiguousName "C015" Error "several program instances have a variable of this name";
    ConstantVariable "C016" Error "a CONSTANT cannot be bound";
    LineTwice "C020" Error "one line used twice";
    TwoSources "C021" Error "an input or output names more than one place it is wired to";
    NoSource "C022" Error "an input or output that names no place it is wired to";
    KeyNeedsRelay "C023" Error "a key that has a meaning only for a relay, without a relay";
    BiasRefused "C024" Error "`bias` is not available through this kernel interface";
    TooManyLines "C026" Error "more lines of one chip and direction than one request holds";
    BadSheet "C032" Error "a data sheet that cannot be read";
    UnknownChannel "C033" Error "no output of this name";
    UnknownInput "C034" Error "no input of this name";
    FeedbackShared "C036" Error "one feedback input read back for two channels";
    ScanRange "C040" Error "a scan setting outside its range";
    RtRange "C041" Error "a real-time setting outside its range";
    WordOnLines "C042" Error "a located variable that is no BOOL, on a map with real lines";
    StoreRange "C043" Error "a setting of the retained store outside its range";
    GuardianRange "C046" Error "a guardian setting outside its range";
    BrokenWireTrue "C050" Warning "a broken wire of this input would read TRUE";
    WordSimulated "C051" Warning "a located variable that is no BOOL lives on the simulated rack only";
    UnusedSheet "C052" Warning "a data sheet that no output uses";
    StopNotMarked "C053" Warning "an input that looks like a stop button is not marked `stop: true`";
    DebounceShort "C054" Warning "a debounce time shorter than one scan has no effect";
    HeartbeatShort "C058" Warning "a heartbeat shorter than the limit for a late scan";
    UnknownExpander "C070" Error "no port expander of this name";
    ExpanderAddress "C071" Error "an address or a bus that this kind of port expander does not have";
    ExpanderLine "C072" Error "the port expander has no line of this number";
    ExpanderTwice "C073" Error "two port expanders at one address of one bus";
    ExpanderGuarded "C074" Error "an output that must be guarded, on a port expander that keeps its levels when plcrun dies";
    ExpanderRange "C075" Error "a time of a port expander outside its range, or too many of them";
    ExpanderFeedback "C076" Error "a read-back through a port expander that would take its failure for an open contact";
    UnusedExpander "C077" Warning "a port expander that no input or output uses";
    ExpanderOutputOnly "C078" Warning "a line of a port expander that its data sheet allows as an output only";
    ExpanderStartsOn "C079" Warning "an output on a port expander that is on from power-up until plcrun runs";
    ExpanderKeeps "C080" Note "an output on a port expander keeps its level when plcrun dies";
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Stable code: `C...` from [`Code`], or `R...` from the relay room.
    pub code: &'static str,
    /// Refuses the map, or only warns.
    pub severity: Severity,
    /// File as given by the caller, or a source file of the program; empty for the program where the image names none.
    pub file: String,
    /// Line and column.
    pub place: Place,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub remedy: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]: {}", self.severity.word(), self.code, self.message)?;
        if self.file.is_empty() {
            write!(f, "\n  --> the program")?;
        } else if self.place.line == 0 {
            write!(f, "\n  --> {}", self.file)?;
        } else {
            write!(f, "\n  --> {}:{}:{}", self.file, self.place.line, self.place.column)?;
        }
        if !self.remedy.is_empty() {
            write!(f, "\n  help: {}", self.remedy)?;
        }
        Ok(())
    }
}

/// Findings gathered while one map is read: never only the first.
#[derive(Debug, Default)]
pub struct Findings {
    rows: Vec<Finding>,
}

impl Findings {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a finding of this room.
    pub fn add(&mut self, code: Code, file: &str, place: Place, message: impl Into<String>, remedy: impl Into<String>) {
        self.rows.push(Finding {
            code: code.code(),
            severity: code.severity(),
            file: file.to_owned(),
            place,
            message: message.into(),
            remedy: remedy.into(),
        });
    }

    /// Adds a finding made elsewhere.
    pub fn push(&mut self, finding: Finding) {
        self.rows.push(finding);
    }

    /// Is there an error among them?
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.rows.iter().any(|f| f.severity == Severity::Error)
    }

    /// All of them in the order of file and place, errors and warnings mixed, exact repetitions dropped.
    #[must_use]
    pub fn into_sorted(mut self) -> Vec<Finding> {
        self.rows.sort_by(|a, b| (&a.file, a.place, a.code).cmp(&(&b.file, b.place, b.code)));
        self.rows.dedup();
        self.rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_ordered() {
        let codes: Vec<_> = Code::ALL.iter().map(|c| c.code()).collect();
        let mut sorted = codes.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(codes, sorted);
    }

    #[test]
    fn a_finding_reads_like_a_compiler_message() {
        let mut findings = Findings::new();
        findings.add(
            Code::UnknownKey,
            "a.io.yaml",
            Place { line: 3, column: 5 },
            "unknown key `pul_in`",
            "write `pull_in`",
        );
        let text = findings.into_sorted().first().map(ToString::to_string);
        assert_eq!(
            text.as_deref(),
            Some("error[C003]: unknown key `pul_in`\n  --> a.io.yaml:3:5\n  help: write `pull_in`")
        );
    }
}
