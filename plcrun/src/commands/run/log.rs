//! Event lines: through `tracing`, as text for people or as JSON for machines.
//!
//! Everything said while a program runs goes through here, so that it is written above the status row and never beside it.
//! Nothing is logged on the scan thread; what it has to say comes here by the runtime's bounded channel.

use super::screen::Screen;
use crate::args::LogFormat;
use crate::terminal::{Tint, tinted};
use std::fmt::Write as _;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;

/// How lines look.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Text or JSON.
    pub format: LogFormat,
    /// Only warnings and faults.
    pub quiet: bool,
    /// Colours in text.
    pub color: bool,
    /// JSON lines carry the time of day; not in virtual time, where the same run gives the same output.
    pub time_of_day: bool,
}

/// Sends everything logged from now on to the screen. Only the first call of a process has an effect.
pub fn install(screen: &Screen, settings: Settings) {
    // The summary is what a quiet run is for.
    let filter = if settings.quiet {
        let summary = "plcrun::commands::run::summary";
        Targets::new().with_default(LevelFilter::WARN).with_target(summary, LevelFilter::INFO)
    } else {
        Targets::new().with_default(LevelFilter::INFO)
    };
    let to = screen.clone();
    let builder = tracing_subscriber::fmt().with_writer(move || to.clone());
    // An error says that a subscriber is installed already: then that one stays.
    let _ = match (settings.format, settings.time_of_day) {
        (LogFormat::Text, _) => tracing::subscriber::set_global_default(
            builder.event_format(Plain { color: settings.color }).finish().with(filter),
        ),
        (LogFormat::Json, true) => tracing::subscriber::set_global_default(
            builder.json().flatten_event(true).with_target(false).finish().with(filter),
        ),
        (LogFormat::Json, false) => tracing::subscriber::set_global_default(
            builder.json().flatten_event(true).with_target(false).without_time().finish().with(filter),
        ),
    };
}

/// The message alone, marked where it is a warning or worse.
struct Plain {
    color: bool,
}

impl<S, N> FormatEvent<S, N> for Plain
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut to: Writer<'_>, event: &Event<'_>) -> std::fmt::Result {
        let mut message = Message::default();
        event.record(&mut message);
        let level = *event.metadata().level();
        // Lines with columns carry the mark in a column of their own.
        if level == Level::ERROR && !message.has_columns {
            write!(to, "{}: ", tinted(self.color, Tint::Bad, "error"))?;
        } else if level == Level::WARN && !message.has_columns {
            write!(to, "{}: ", tinted(self.color, Tint::Doubtful, "warning"))?;
        }
        writeln!(to, "{}", message.text)
    }
}

/// Changes name their scan; their lines have columns.
const COLUMNS: &str = "scan";

/// Picks the message out of an event's fields.
#[derive(Default)]
struct Message {
    text: String,
    has_columns: bool,
}

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            // Writing to a String cannot fail.
            let _ = write!(self.text, "{value:?}");
        }
        self.has_columns |= field.name() == COLUMNS;
    }
}
