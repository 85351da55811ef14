//! Arguments of the commands that look into a program's state directory: `status`, `retain`, `faults`, `ack`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Which program's state is meant.
#[derive(Args, Clone, Debug)]
pub struct StateArgs {
    /// State directory of the program; without it the only one there is.
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Program whose state directory is meant.
    #[arg(long, value_name = "FILE", conflicts_with = "state")]
    pub program: Option<PathBuf>,
    /// I/O map of that program, where it is not beside it.
    #[arg(long, value_name = "MAP", requires = "program")]
    pub io: Option<PathBuf>,
}

/// `plcrun retain`.
#[derive(Clone, Debug, Subcommand)]
pub enum RetainCommand {
    /// List values, relay records and what is kept aside.
    Show(RetainShowArgs),
    /// Everything in the store as JSON.
    Export(RetainExportArgs),
    /// Take records out of the store of a stopped program.
    Clear(ClearArgs),
}

/// `plcrun retain show`.
#[derive(Args, Clone, Debug)]
pub struct RetainShowArgs {
    /// Whose state.
    #[command(flatten)]
    pub state: StateArgs,
}

/// `plcrun retain export`.
#[derive(Args, Clone, Debug)]
pub struct RetainExportArgs {
    /// Whose state.
    #[command(flatten)]
    pub state: StateArgs,
}

/// `plcrun retain clear`.
#[derive(Args, Clone, Debug)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true))]
pub struct ClearArgs {
    /// RETAIN variables begin with their initial values at the next start.
    #[arg(long, group = "what")]
    pub retain: bool,
    /// PERSISTENT variables too.
    #[arg(long, group = "what")]
    pub persistent: bool,
    /// What is kept aside because nothing fits it.
    #[arg(long, group = "what")]
    pub unmatched: bool,
    /// Counts and switching history of a channel: its module was replaced. May be repeated.
    #[arg(long, value_name = "NAME", group = "what")]
    pub channel: Vec<String>,
    /// All variables, and what is kept aside; records of relays and the fault log stay.
    #[arg(long, group = "what")]
    pub all: bool,
    /// A damaged store: keep the file aside, so that the next start begins anew.
    #[arg(long, group = "what", conflicts_with_all = ["retain", "persistent", "unmatched", "channel", "all"])]
    pub damaged: bool,
    /// Whose state.
    #[command(flatten)]
    pub state: StateArgs,
}

/// `plcrun status`.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Times are those since the start of the run: wake-up is from the moment a scan was due to its start, jitter how far\n\
    the distance of two starts is from that of the moments they were due.\n\n\
    Exit codes: 0 it runs, 1 nothing runs or it does not answer, 2 wrong use, 3 it has faulted and comes to rest."
)]
pub struct StatusArgs {
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
    /// Whose state.
    #[command(flatten)]
    pub state: StateArgs,
}

/// `plcrun faults`.
#[derive(Args, Clone, Debug)]
pub struct FaultsArgs {
    /// One JSON object per entry and line.
    #[arg(long)]
    pub json: bool,
    /// Whose state.
    #[command(flatten)]
    pub state: StateArgs,
}

/// `plcrun ack`.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Recorded with time and user. Exit codes: 0 acknowledged, 1 something was refused, 2 wrong use."
)]
pub struct AckArgs {
    /// Channels whose latched fault is acknowledged.
    #[arg(value_name = "CHANNEL")]
    pub channels: Vec<String>,
    /// Everything that is latched, and the faults that ended earlier runs.
    #[arg(long, conflicts_with = "channels")]
    pub all: bool,
    /// Whose state.
    #[command(flatten)]
    pub state: StateArgs,
}
