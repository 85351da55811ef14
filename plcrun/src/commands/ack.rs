//! `plcrun ack`: an operator acknowledges latched faults and the faults of earlier runs. Recorded with time and user.
//!
//! While the program runs, the guard decides, and the command says what it decided. While it is stopped the latch is
//! taken out of the store; the guard of the next start looks at the read-back again before it energises anything.

use crate::args::AckArgs;
use crate::exit::{Exit, Refusal};
use crate::state_dir::{self, Reached, refusal};
use crate::terminal::Console;
use runtime::control::{AckResult, Request, operator};
use runtime::state::Held;
use runtime::store::moment::wall_now_ns;
use runtime::store::{Acknowledged, Change, Document, Moment, StoreFile};

/// Acknowledges what was named.
///
/// # Errors
/// Nothing was named, or the store cannot be had.
pub fn run(args: &AckArgs, console: &Console) -> Result<Exit, Refusal> {
    let directory = state_dir::locate(&args.state)?;
    if args.channels.is_empty() && !args.all {
        let open = open_faults(&state_dir::document(&directory)?);
        let what = if open.is_empty() {
            "nothing waits for an acknowledgement".to_owned()
        } else {
            format!("say what is acknowledged; open are: {}", open.join(", "))
        };
        return Err(Refusal::wrong_use(
            what,
            "`plcrun ack CHANNEL...` or `plcrun ack --all`; `plcrun faults` shows the log",
        ));
    }
    let on_behalf = std::env::var("SUDO_USER").ok();
    let results = match state_dir::reach(&directory)? {
        Reached::Running(directory) => {
            let request = Request::Ack { channels: args.channels.clone(), all: args.all, on_behalf };
            state_dir::ask(&directory, &request)?.ack.unwrap_or_default()
        }
        Reached::Stopped(held) => {
            let uid = rustix::process::getuid().as_raw();
            let by = Acknowledged { wall_ns: wall_now_ns(), user: operator(uid, on_behalf.as_deref()) };
            in_store(&held, args, &by)?
        }
    };
    tell(&results, console)
}

fn tell(results: &[AckResult], console: &Console) -> Result<Exit, Refusal> {
    let accepted = results.iter().filter(|result| result.refused.is_empty());
    let text: String = accepted.map(|result| format!("{}: acknowledged\n", result.name)).collect();
    let text = if results.is_empty() { "nothing waited for an acknowledgement\n".to_owned() } else { text };
    console.print(&text)?;
    let refused: Vec<String> = results
        .iter()
        .filter(|result| !result.refused.is_empty())
        .map(|result| format!("{}: not acknowledged: {}", result.name, result.refused))
        .collect();
    if refused.is_empty() { Ok(Exit::Clean) } else { Err(Refusal::findings(refused.join("\n  "), "")) }
}

/// What waits: latched channels, and the faults of earlier runs.
fn open_faults(document: &Document) -> Vec<String> {
    let latched = document.channels.values().filter(|c| c.fault.is_some()).map(|c| c.name.clone());
    let runs = document.unacknowledged_runs().map(|entry| format!("#{} {}", entry.number, entry.code));
    latched.chain(runs).collect()
}

fn in_store(held: &Held, args: &AckArgs, by: &Acknowledged) -> Result<Vec<AckResult>, Refusal> {
    let (file, mut document) = StoreFile::open(&held.store()).map_err(|e| refusal(&e))?;
    let names: Vec<String> = if args.all {
        document.channels.values().filter(|c| c.fault.is_some()).map(|c| c.name.clone()).collect()
    } else {
        args.channels.clone()
    };
    let (mut results, mut changes, mut touched) = (Vec::new(), Vec::new(), Vec::new());
    for name in names {
        let key = name.to_lowercase();
        let Some(channel) = document.channels.get_mut(&key) else {
            results.push(AckResult::refused(&name, "the store has no channel of this name"));
            continue;
        };
        if channel.fault.take().is_none() {
            results.push(AckResult::refused(&name, "no fault is latched on this channel"));
            continue;
        }
        results.push(AckResult::accepted(&channel.name));
        changes.push(Change::Channel(key, Some(channel.clone())));
        touched.extend(document.log_acknowledge_channel(&name, by));
    }
    if args.all {
        let runs = document.log_acknowledge_runs(by);
        if !runs.is_empty() {
            results.push(AckResult::accepted(AckResult::RUNS));
        }
        touched.extend(runs);
    }
    changes.extend(document.log_rows(touched));
    // The age of everything else stays what it is.
    let saved = document.saved.clone().unwrap_or_else(Moment::now);
    file.commit(&changes, &saved).map_err(|e| refusal(&e))?;
    Ok(results)
}
