//! What a timeline file says, not yet compared with a program: names are text, values are literals.
//!
//! Times are nanoseconds from the start of the test. A table of cases is no part of the model: the reader makes a test of
//! each row.

/// Line and column in the timeline file, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct At {
    /// Line.
    pub line: u32,
    /// Column, in characters.
    pub column: u32,
}

/// A text and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// As written.
    pub text: String,
    /// Where.
    pub at: At,
}

/// A whole timeline file.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeline {
    /// The files of the program, relative to the timeline file: one project.
    pub program: Vec<Located>,
    /// Further versions of the program; the tests are run on each of them alone.
    pub also: Vec<Located>,
    /// The I/O map, relative to the timeline file.
    pub io: Option<Located>,
    /// Scan period.
    pub scan_ns: Option<u64>,
    /// Seed of everything random in the simulation, such as contact bounce.
    pub seed: Option<u64>,
    /// The tests, in the order of the file.
    pub tests: Vec<Test>,
}

/// One test: starts from power-up, runs on its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// Its name.
    pub name: String,
    /// Where it begins.
    pub at: At,
    /// It runs at least so long; otherwise until everything in it has happened.
    pub until_ns: Option<u64>,
    /// What happens and what is expected, in the order of time.
    pub steps: Vec<Step>,
    /// Conditions that may hold in no scan.
    pub never: Vec<Located>,
    /// Conditions that hold in every scan.
    pub always: Vec<Located>,
    /// Conditions over time: entries of `always` that are mappings.
    pub rules: Vec<Rule>,
    /// Stimuli drawn at random, beside the steps.
    pub random: Option<Random>,
    /// A recorded trace the run is compared with.
    pub golden: Option<Golden>,
}

/// A condition over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Where it stands.
    pub at: At,
    /// What it asks for.
    pub kind: RuleKind,
}

/// The conditions over time.
#[derive(Clone, Debug, PartialEq)]
pub enum RuleKind {
    /// Each time `when` becomes TRUE, `then` holds in some scan not later than `within_ns` after it.
    Within {
        /// The cause.
        when: Located,
        /// The effect.
        then: Located,
        /// The longest time between them.
        within_ns: u64,
    },
    /// From the moment `when` (else `hold` itself) becomes TRUE, `hold` holds in every scan until `until` does.
    Hold {
        /// What begins it; `None`: `hold` becoming TRUE.
        when: Option<Located>,
        /// What holds.
        hold: Located,
        /// What ends it.
        until: Located,
    },
}

/// Stimuli drawn at random.
#[derive(Clone, Debug, PartialEq)]
pub struct Random {
    /// Where it stands.
    pub at: At,
    /// The inputs; `None`: all a person can operate.
    pub inputs: Option<Vec<Located>>,
    /// How long each run is.
    pub for_ns: u64,
    /// Seed of the first run; `None`: the file's.
    pub seed: Option<u64>,
    /// How many runs.
    pub runs: u32,
}

/// A recorded trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Golden {
    /// The file, relative to the timeline file.
    pub file: Located,
    /// Names that are recorded; empty: every output.
    pub of: Vec<Located>,
}

/// One moment of a test.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// When.
    pub at_ns: u64,
    /// Where it stands.
    pub at: At,
    /// What is done to the inputs and to the rack, in the order of the text.
    pub stimuli: Vec<Stimulus>,
    /// What must hold at the end of the scan that contains the time.
    pub expectations: Vec<Expectation>,
}

/// What can be done from outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Stimulus {
    /// An input gets a value and keeps it.
    Set {
        /// The input.
        input: Located,
        /// The value.
        value: Literal,
    },
    /// An input follows a contact of the simulated rack from now on.
    Follow {
        /// The input.
        input: Located,
        /// The channel.
        channel: Located,
    },
    /// A button is held for a while.
    Press {
        /// The input.
        input: Located,
        /// How long.
        for_ns: u64,
    },
    /// An input becomes FALSE.
    Release {
        /// The input.
        input: Located,
    },
    /// An input changes its value.
    Toggle {
        /// The input.
        input: Located,
    },
    /// A relay gets a defect, or is mended.
    Defect {
        /// The channel.
        channel: Located,
        /// Which.
        kind: DefectKind,
    },
    /// The operator acknowledges the latched fault of a channel.
    Acknowledge {
        /// The channel.
        channel: Located,
    },
    /// The supply of the coils fails or returns.
    Supply {
        /// Inside its window.
        ok: bool,
        /// It returns by itself after so long.
        for_ns: Option<u64>,
        /// Where it stands.
        at: At,
    },
    /// The wiring of an input gets a defect, or is mended.
    InputDefect {
        /// The input.
        input: Located,
        /// Which.
        kind: InputDefectKind,
    },
    /// The controller loses its power and starts again.
    PowerCut {
        /// How long it is without power.
        for_ns: u64,
        /// Where it stands.
        at: At,
    },
}

impl Stimulus {
    /// How long it takes effect after its time, where it ends by itself.
    #[must_use]
    pub fn duration_ns(&self) -> u64 {
        match self {
            Self::Press { for_ns, .. } | Self::PowerCut { for_ns, .. } => *for_ns,
            Self::Supply { for_ns, .. } => for_ns.unwrap_or(0),
            Self::Set { .. }
            | Self::Follow { .. }
            | Self::Release { .. }
            | Self::Toggle { .. }
            | Self::Defect { .. }
            | Self::InputDefect { .. }
            | Self::Acknowledge { .. } => 0,
        }
    }
}

/// The defects a simulated relay can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DefectKind {
    /// None: the relay is mended.
    None,
    /// The contact that carries the load stays closed once it is closed.
    Welded,
    /// The coil is interrupted: the contact never moves.
    OpenCoil,
    /// Pull-in, bounce and drop-out take so many times as long.
    Slow {
        /// At least 2.
        factor: u32,
    },
    /// Pull-in, bounce and drop-out take so much of their typical times, from the next movement on.
    Delays {
        /// 0 moves at once.
        percent: u32,
    },
    /// The feedback input reads open whatever the contact does.
    FeedbackStuckOpen,
    /// The feedback input reads closed whatever the contact does.
    FeedbackStuckClosed,
}

impl DefectKind {
    /// The words of the file, in the order of the documentation.
    pub const WORDS: [&'static str; 7] =
        ["none", "welded", "open_coil", "slow", "delays", "feedback_stuck_open", "feedback_stuck_closed"];
}

/// The defects the wiring of an input can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InputDefectKind {
    /// None: the wiring is mended.
    None,
    /// After each change the level jumps about for so long.
    Bouncing {
        /// How long.
        for_ns: u64,
    },
    /// Reads FALSE whatever happens: a broken wire.
    StuckOff,
    /// Reads TRUE whatever happens: a short circuit.
    StuckOn,
}

impl InputDefectKind {
    /// The words of the file, in the order of the documentation.
    pub const WORDS: [&'static str; 4] = ["none", "bouncing", "stuck_off", "stuck_on"];
}

/// A value as written in a timeline file.
#[derive(Clone, Debug, PartialEq)]
pub struct Literal {
    /// Which.
    pub kind: LiteralKind,
    /// Where.
    pub at: At,
}

/// The kinds of values.
#[derive(Clone, Debug, PartialEq)]
pub enum LiteralKind {
    /// `true`, `false`
    Bool(bool),
    /// `5`, `16#FF`
    Int(i128),
    /// `2.5`
    Real(f64),
    /// `T#2s`, `500 ms`
    Time(i64),
    /// `closed`, `welded`
    Word(String),
}

/// What must hold at a moment.
#[derive(Clone, Debug, PartialEq)]
pub enum Expectation {
    /// A variable or channel member has this value.
    Equals {
        /// Its name.
        name: Located,
        /// The value.
        value: Literal,
    },
    /// A condition holds.
    Holds(Located),
}

impl Expectation {
    /// Where it stands.
    #[must_use]
    pub fn at(&self) -> At {
        match self {
            Self::Equals { name, .. } => name.at,
            Self::Holds(condition) => condition.at,
        }
    }
}
