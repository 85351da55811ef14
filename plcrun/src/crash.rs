//! What a user sees of a panic: one plain message, never a backtrace.
//!
//! No input may lead to a panic, so each is a defect of plcrun. A panic on the scan thread is caught by the runtime, which
//! writes the safe values before anything is printed; a helper thread's panic ends that helper alone. This module only
//! gives the message its form. `PLCRUN_BACKTRACE=1` adds what a developer wants to see.

use std::io::Write;

/// Replaces Rust's panic message by ours.
pub fn install() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(String::new, |l| format!(" at {}:{}", l.file(), l.line()));
        let text = describe(info.payload(), &place, std::thread::current().name());
        // The terminal may be in raw mode, where a line feed alone does not return to the left margin.
        let text = text.replace('\n', "\r\n");
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
        if std::env::var_os("PLCRUN_BACKTRACE").is_some_and(|v| v == "1") {
            let backtrace = std::backtrace::Backtrace::force_capture().to_string().replace('\n', "\r\n");
            let _ = std::io::stderr().lock().write_all(backtrace.as_bytes());
        }
    }));
}

fn describe(payload: &(dyn std::any::Any + Send), place: &str, thread: Option<&str>) -> String {
    let message = payload
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    let thread = thread.unwrap_or("unnamed");
    format!(
        "\nerror: plcrun met a defect of its own in the {thread} thread{place}: {message}\n  help: please report this with the command \
         and the files used; PLCRUN_BACKTRACE=1 adds details for the report\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_names_thread_place_and_remedy() {
        let text = describe(&"boom", " at src/x.rs:7", Some("scan"));
        assert!(text.contains("in the scan thread at src/x.rs:7: boom"), "{text}");
        assert!(text.contains("help: please report"), "{text}");
    }
}
