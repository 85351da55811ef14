//! The subcommands, one module each. A command takes its arguments and the console, and gives an exit code or a refusal.

mod ack;
mod bench;
mod build;
mod check;
mod ci;
mod completions;
mod disasm;
mod doctor;
mod draw;
mod explain;
mod faults;
mod fmt;
mod lines;
mod man;
mod mutate;
mod prove;
mod relays;
mod retain;
mod run;
mod status;
mod test;

pub use lines::line_level;

use crate::args::Command;
use crate::exit::{Exit, Refusal};
use crate::terminal::Console;

/// Runs a subcommand.
///
/// # Errors
/// Why it does not go on.
pub fn dispatch(command: &Command, console: &Console) -> Result<Exit, Refusal> {
    match command {
        Command::Run(args) => run::run(args, console),
        Command::Check(args) => check::run(args, console),
        Command::Ci(args) => ci::run(args, console),
        Command::Test(args) => test::run(args, console),
        Command::Mutate(args) => mutate::run(args, console),
        Command::Prove(args) => prove::run(args, console),
        Command::Build(args) => build::run(args, console),
        Command::Disasm(args) => disasm::run(args, console),
        Command::Draw(args) => draw::run(args, console),
        Command::Fmt(args) => fmt::run(args, console),
        Command::Relays(args) => relays::run(args, console),
        Command::Doctor(args) => doctor::run(args, console),
        Command::Lines(args) => lines::run(args, console),
        Command::Bench(args) => bench::run(args, console),
        Command::Status(args) => status::run(args, console),
        Command::Retain(args) => retain::run(args, console),
        Command::Faults(args) => faults::run(args, console),
        Command::Ack(args) => ack::run(args, console),
        Command::Explain(args) => explain::run(args, console),
        Command::Completions(args) => completions::run(args, console),
        Command::Man(args) => man::run(args, console),
    }
}
