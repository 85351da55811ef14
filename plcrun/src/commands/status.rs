//! `plcrun status`: asks a running program how it does, through its control socket.
//!
//! The scan makes a copy of its counters only when it is asked, so a program nobody asks pays nothing.

use crate::args::StatusArgs;
use crate::exit::{Exit, Refusal};
use crate::state_dir::{self, Reached};
use crate::table::{aligned, exact_time, grouped, short_time};
use crate::terminal::Console;
use runtime::control::{Request, Status};
use runtime::scan::Figures;
use runtime::state::StateDir;

/// Asks and prints.
///
/// # Errors
/// Nothing runs on the state directory, or it does not answer.
pub fn run(args: &StatusArgs, console: &Console) -> Result<Exit, Refusal> {
    let directory = state_dir::locate(&args.state)?;
    let status = match state_dir::reach(&directory)? {
        Reached::Running(directory) => state_dir::ask(&directory, &Request::Status)?.status,
        Reached::Stopped(_held) => return Err(nothing_runs(&directory)),
    };
    let Some(status) = status else {
        return Err(Refusal::findings(
            "the program that runs answered something else than its status",
            "it may be of another version: compare `plcrun --version`",
        ));
    };
    let text = if args.json { machine(&status) } else { people(&status, &directory) };
    console.print(&text)?;
    Ok(if status.fault.is_empty() { Exit::Clean } else { Exit::Fault })
}

fn nothing_runs(directory: &StateDir) -> Refusal {
    let shown = directory.path().display();
    Refusal::findings(
        format!("no program runs on {shown}"),
        format!("`plcrun faults --state {shown}` shows how earlier runs ended"),
    )
}

/// Everything in one line.
fn machine(status: &Status) -> String {
    // Our own structure always has a JSON form.
    serde_json::to_string(status).map(|line| format!("{line}\n")).unwrap_or_default()
}

fn people(status: &Status, directory: &StateDir) -> String {
    let timing = &status.timing;
    let cell = |name: &str, value: String| vec![name.to_owned(), value];
    let mode = if status.fault.is_empty() { status.mode.clone() } else { format!("{}, {}", status.mode, status.fault) };
    let mut rows = vec![
        cell("program", format!("{}, process {}, state in {}", status.program, status.pid, directory.path().display())),
        cell("mode", mode),
        cell("engine", timing.engine.clone()),
        cell("scans", format!("{}, every {}", grouped(status.scan), exact_time(timing.period_ns))),
        cell("overruns", format!("{}, {} scans left out", grouped(timing.overruns), grouped(timing.skipped))),
    ];
    if timing.lost > 0 {
        rows.push(cell("lost", format!("{} messages to the log and trace found no room", grouped(timing.lost))));
    }
    if !status.open_faults.is_empty() {
        let open = status.open_faults.join(", ");
        rows.push(cell("faults", format!("not acknowledged: {open} (`plcrun faults` has them in full)")));
    }
    let mut text = aligned(&rows);
    text.push('\n');
    text.push_str(&aligned(&times(status)));
    if !status.channels.is_empty() {
        text.push('\n');
        text.push_str(&aligned(&channels(status)));
    }
    text
}

fn times(status: &Status) -> Vec<Vec<String>> {
    let timing = &status.timing;
    let mut rows = vec![["", "p50", "p99", "p99.9", "max"].map(str::to_owned).to_vec()];
    for (name, figures) in [("scan time", timing.scan), ("wake-up", timing.wake), ("jitter", timing.jitter)] {
        let Figures { count, p50_ns, p99_ns, p999_ns, max_ns } = figures;
        let mut row = vec![name.to_owned()];
        let shown = |ns| if count == 0 { "-".to_owned() } else { short_time(ns) };
        row.extend([p50_ns, p99_ns, p999_ns, max_ns].map(shown));
        rows.push(row);
    }
    rows
}

fn channels(status: &Status) -> Vec<Vec<String>> {
    let mut rows = vec![["channel", "commanded", "output", "fault"].map(str::to_owned).to_vec()];
    let level = |on: bool| if on { "on" } else { "off" }.to_owned();
    for channel in &status.channels {
        let fault = if channel.fault.is_empty() { "-".to_owned() } else { channel.fault.clone() };
        rows.push(vec![channel.name.clone(), level(channel.commanded), level(channel.on), fault]);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::control::{ChannelState, Timing};

    fn status() -> Status {
        let figures = Figures { count: 3, p50_ns: 3_200, p99_ns: 8_100, p999_ns: 12_000, max_ns: 20_000 };
        let timing = Timing {
            engine: "interpreter".into(),
            period_ns: 1_000_000,
            overruns: 2,
            skipped: 5,
            lost: 0,
            scan: figures,
            wake: figures,
            jitter: Figures::default(),
        };
        let fwd = ChannelState { name: "fwd".into(), commanded: true, on: false, fault: "welded".into() };
        let (program, mode) = ("Main".to_owned(), "running".to_owned());
        Status { program, pid: 7, scan: 1234, mode, timing, channels: vec![fwd], ..Status::default() }
    }

    #[test]
    fn people_read_timing_channels_and_faults() {
        let text = people(&status(), &StateDir::at("s"));
        for line in [
            "program   Main, process 7, state in s\n",
            "scans     1 234, every 1 ms\n",
            "overruns  2, 5 scans left out\n",
            "wake-up    3.20 us  8.10 us  12.0 us  20.0 us\n",
            "jitter     -        -        -        -\n",
            "fwd      on         off     welded\n",
        ] {
            assert!(text.contains(line), "{line:?} is not in:\n{text}");
        }
        assert!(!text.contains("lost") && !text.contains("faults"), "{text}");
        let open =
            Status { open_faults: vec!["#3 F01".into()], fault: "F02".into(), mode: "faulted".into(), ..status() };
        let text = people(&open, &StateDir::at("s"));
        assert!(text.contains("mode      faulted, F02\n") && text.contains("not acknowledged: #3 F01 ("), "{text}");
    }

    #[test]
    fn machines_read_the_same_status_back() {
        assert_eq!(serde_json::from_str::<Status>(&machine(&status())).unwrap(), status());
    }
}
