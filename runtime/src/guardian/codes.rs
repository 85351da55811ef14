//! What the guardian finds: codes F40 to F43 of the fault table.

use crate::fault_codes::{Blame, fault_codes};

fault_codes! {
    /// Why the guardian switched the outputs off.
    GuardianCode
    ProcessDied "F40" Platform "the scan process died" "the message says by which signal or exit code; `dmesg` tells of a kill for want of memory; if plcrun itself failed, please report it with the program";
    HeartbeatLost "F41" Platform "the scan process gave no sign of life in time" "a loop or a driver hangs, or something keeps it from its CPU: give it a real-time priority, or lengthen `guardian: heartbeat` if its scans may take so long";
    NotStopped "F42" Platform "the scan process did not end in time after it was told to stop" "something keeps it from ending, such as a driver or a disk; `dmesg` may say what";
    ProcessStopped "F43" Platform "the scan process was stopped" "SIGSTOP or a debugger froze it with its outputs as they were: neither belongs on a process with real lines";
}

impl GuardianCode {
    /// The number kept in a record.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::ProcessDied => 40,
            Self::HeartbeatLost => 41,
            Self::NotStopped => 42,
            Self::ProcessStopped => 43,
        }
    }

    /// The code of a number kept in a record.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.number() == number)
    }
}
