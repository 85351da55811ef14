//! `plcrun completions SHELL`: made from the same definition that reads the command line. The package installs them.

use crate::args::{self, CompletionsArgs};
use crate::exit::{Exit, Refusal};
use crate::terminal::Console;

/// Prints the script.
///
/// # Errors
/// Standard output cannot be written.
pub fn run(args: &CompletionsArgs, console: &Console) -> Result<Exit, Refusal> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut args::definition(), "plcrun", &mut script);
    console.print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Clean)
}
