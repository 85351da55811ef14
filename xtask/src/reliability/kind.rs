//! The ways in which a controller is struck, and what must follow.

use super::plant::{HEARTBEAT_NS, PERIOD_NS};

/// 1 ms.
const MS: u64 = 1_000_000;

/// A way to strike a controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// SIGKILL to the scan process.
    ScanKilled,
    /// SIGKILL to the guardian.
    GuardianKilled,
    /// SIGSTOP to the scan process, SIGCONT after a random time.
    Stopped,
    /// A loop of the program that does not end.
    EndlessLoop,
    /// A hang of plcrun itself on the scan thread.
    Hang,
    /// A panic on the scan thread.
    Panic,
    /// Writes of one chip fail, some or all from now on.
    WriteError,
    /// One chip is unplugged.
    ChipGone,
    /// SIGKILL to both processes.
    BothKilled,
}

impl Kind {
    /// Every way.
    pub const ALL: &'static [Self] = &[
        Self::ScanKilled,
        Self::GuardianKilled,
        Self::Stopped,
        Self::EndlessLoop,
        Self::Hang,
        Self::Panic,
        Self::WriteError,
        Self::ChipGone,
        Self::BothKilled,
    ];

    /// The name of its series.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ScanKilled => "scan process killed",
            Self::GuardianKilled => "guardian killed",
            Self::Stopped => "scan process stopped",
            Self::EndlessLoop => "endless loop",
            Self::Hang => "hang injected",
            Self::Panic => "panic injected",
            Self::WriteError => "write error",
            Self::ChipGone => "chip unplugged",
            Self::BothKilled => "both killed",
        }
    }

    /// Rounds of the full series.
    pub const fn full(self) -> u32 {
        match self {
            Self::ScanKilled => 2000,
            Self::GuardianKilled
            | Self::Stopped
            | Self::EndlessLoop
            | Self::Hang
            | Self::Panic
            | Self::WriteError
            | Self::ChipGone
            | Self::BothKilled => 500,
        }
    }

    /// Controllers side by side. A loop of the highest class takes a whole CPU from the others: two at most.
    pub const fn controllers(self) -> usize {
        match self {
            Self::EndlessLoop | Self::Hang => 2,
            Self::ScanKilled
            | Self::GuardianKilled
            | Self::Stopped
            | Self::Panic
            | Self::WriteError
            | Self::ChipGone
            | Self::BothKilled => 4,
        }
    }

    /// The product is told to fail by itself in a scan of this number.
    pub fn injection(self, scan: u64) -> Option<String> {
        match self {
            Self::Hang => Some(format!("hang@{scan}")),
            Self::Panic => Some(format!("panic@{scan}")),
            Self::ScanKilled
            | Self::GuardianKilled
            | Self::Stopped
            | Self::EndlessLoop
            | Self::WriteError
            | Self::ChipGone
            | Self::BothKilled => None,
        }
    }

    /// The time from the blow to the last OFF that is expected; `None` where nobody is left to write one.
    pub const fn expected_ns(self) -> Option<u64> {
        match self {
            // The kernel tells the guardian of a stopped process as it does of a dead one.
            Self::ScanKilled
            | Self::GuardianKilled
            | Self::Stopped
            | Self::Panic
            | Self::WriteError
            | Self::ChipGone => Some(2 * PERIOD_NS + 5 * MS),
            // A sign of life is promised for the next scan: the limit runs from there.
            Self::EndlessLoop | Self::Hang => Some(HEARTBEAT_NS + PERIOD_NS + 5 * MS),
            Self::BothKilled => None,
        }
    }

    /// The exit code of the first process; `None` where a signal ends it.
    pub const fn exit_code(self) -> Option<i32> {
        match self {
            Self::ScanKilled
            | Self::Stopped
            | Self::EndlessLoop
            | Self::Hang
            | Self::Panic
            | Self::WriteError
            | Self::ChipGone => Some(3),
            Self::GuardianKilled | Self::BothKilled => None,
        }
    }
}
