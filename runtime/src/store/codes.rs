//! What can be wrong with the state directory, the retained store and the control socket: one row each.
//!
//! The table drives messages, `plcrun explain` and `docs/retained.md`; a test keeps the page in step. A [`StoreError`]
//! is one such row with the words of the case.

use crate::config::Severity;
use std::fmt;

macro_rules! store_codes {
    ($($name:ident $code:literal $severity:ident $what:literal $remedy:literal;)*) => {
        /// What a message about the state directory or the store is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum StoreCode { $(#[doc = $what] $name,)* }

        impl StoreCode {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable code, such as `S010`.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// Refuses the start, or only warns.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }

            /// What is wrong, in a few words.
            #[must_use]
            pub const fn what(self) -> &'static str {
                match self { $(Self::$name => $what,)* }
            }

            /// What to do about it.
            #[must_use]
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$name => $remedy,)* }
            }
        }
    };
}
store_codes! {
    Directory "S001" Error "the state directory cannot be made or written" "give this user the directory, or name another one with `--state DIR` or `store: { path: DIR }`";
    InUse "S002" Error "another plcrun runs on this state directory" "stop the other one first, or give this program a state directory of its own with `--state DIR`";
    Nowhere "S003" Error "no place is known for the state directory" "name one with `--state DIR` or `store: { path: DIR }`: neither the service manager nor HOME gives one";
    Damaged "S010" Error "the retained store is damaged" "look at the plant, then `plcrun retain clear --damaged` keeps the file aside and the next start is a cold one; `store: { on_damage: cold }` does the same by itself";
    DamagedAside "S011" Warning "the retained store was damaged: it is kept aside and everything begins anew" "check counts, recipes and latched faults by hand; the file that is kept aside is for whoever wants to look into it";
    OtherVersion "S012" Error "the retained store was written by another version of plcrun" "start with the version that wrote it, or move the file away and begin anew";
    Unopenable "S013" Error "the retained store cannot be opened" "give this user the right to write the file and its directory, or mount the file system for writing";
    Locked "S014" Error "another process has the retained store open" "end the process that holds the file: it is no running plcrun of this state directory";
    WriteFailed "S020" Warning "the retained store cannot be written: what changes from now on would be lost at a power cut" "free space, or mount the file system for writing; plcrun goes on and tries again";
    WritesAgain "S021" Note "the retained store is written again" "nothing to do";
    Slow "S022" Warning "the retained store is slower than its maximum age" "raise `store: { max_age: ... }`, or put the state directory on a faster medium";
    NoFit "S030" Warning "retained values that no variable of this program fits: they are kept aside" "`plcrun retain show` lists them; `plcrun retain clear --unmatched` drops them";
    NoChannel "S031" Warning "a relay record that no channel of this map fits: it is kept aside" "where the module was replaced or moved this is right; `plcrun retain clear --unmatched` drops it";
    TooMany "S032" Error "more retained values than the store takes" "declare fewer variables RETAIN; elements of an array count one by one";
    Unacknowledged "S040" Error "a fault of an earlier run is not acknowledged" "find the cause (`plcrun faults`), mend it, then `plcrun ack --all`";
    Socket "S050" Warning "the control socket cannot be made" "`plcrun ack` then works only while the program is stopped; free the path, or shorten it to less than 100 characters";
    NoAnswer "S051" Error "the running plcrun does not answer on its control socket" "look at its log; where it is gone, run the command again";
}

/// A row with the words of the case: where, and what the system said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError {
    /// Which row.
    pub code: StoreCode,
    /// Path or name it happened at, and the system's own words.
    pub detail: String,
}

impl StoreError {
    /// A row with its case.
    pub fn new(code: StoreCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.what(), self.detail)
    }
}

impl std::error::Error for StoreError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_in_order() {
        let codes: Vec<_> = StoreCode::ALL.iter().map(|c| c.code()).collect();
        let mut sorted = codes.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(codes, sorted);
    }
}
