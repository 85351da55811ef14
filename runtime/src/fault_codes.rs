//! The form of every table of faults: stable code, who has to act, what happened, what to do about it.
//!
//! Traps of the program ([`crate::vm`]), faults of the scan ([`crate::scan`]) and of drivers ([`crate::io`]) are one table
//! each, beside what raises them, all of this form; [`crate::scan::fault::fault_table`] puts them together.

/// Who has to act on a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Blame {
    /// The author of the PLC program.
    Program,
    /// plcrun or the machine it runs on.
    Platform,
    /// Wiring, relays, supply.
    Field,
}

impl Blame {
    /// In one word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::Platform => "platform",
            Self::Field => "field",
        }
    }
}

/// Makes an enum of fault codes from its table. A row is `Name "F01" Blame "text" "remedy";`.
macro_rules! fault_codes {
    ($(#[$doc:meta])* $Codes:ident $($name:ident $code:literal $blame:ident $text:literal $remedy:literal;)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $Codes { $(#[doc = $text] $name,)* }

        impl $Codes {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code people look up, such as `F01`.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// Who has to act.
            #[must_use]
            pub const fn blame(self) -> Blame {
                match self { $(Self::$name => Blame::$blame,)* }
            }

            /// What happened, in a few words.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What to do about it.
            #[must_use]
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$name => $remedy,)* }
            }
        }
    };
}
pub(crate) use fault_codes;
