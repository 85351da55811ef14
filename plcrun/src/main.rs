//! The `plcrun` command: arguments, subcommands, terminal output and exit codes.
//!
//! Owns what a user sees and nothing else. What a program means is decided by the compiler, what a relay may do by the
//! guard, when a scan runs by the runtime; this room loads files, calls them, and turns results into text and exit codes
//! ([`exit::Exit`]). One module per subcommand under [`commands`]; what `run` shows stands apart from what it does.
//!
//! Standard output carries results, standard error carries messages. Nothing here panics: a panic would be a defect, and
//! [`crash`] turns it into a plain message instead of a backtrace.

mod args;
mod commands;
mod crash;
mod discover;
mod exit;
mod files;
mod iomap;
mod parallel;
mod project;
mod settings;
mod state_dir;
mod table;
mod terminal;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

fn main() -> ExitCode {
    crash::install();
    let cli = match args::parse(std::env::args_os().collect()) {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(args::explain(&error).code()),
    };
    let console = terminal::Console::new(cli.color);
    // A panic has been explained by the hook; here it only gets an exit code that a service does not take for an orderly stop.
    let result = catch_unwind(AssertUnwindSafe(|| commands::dispatch(&cli.command, &console)));
    let exit = match result {
        Ok(Ok(exit)) => exit,
        Ok(Err(refusal)) => {
            console.refusal(&refusal);
            refusal.exit
        }
        Err(_) => exit::Exit::Fault,
    };
    ExitCode::from(exit.code())
}
