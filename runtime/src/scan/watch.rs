//! What changed from one scan to the next, for traces, event lines and timeline tests.
//!
//! A [`Watch`] compares a controller with what it saw before and hands each [`Change`] to a sink. Changes are `Copy` and
//! name inputs and channels by number, so that the scan thread can send them without allocating; [`Names`] turns them
//! into the rows of a trace. Without a watch a scan pays nothing.

use super::fault::{Fault, FaultReport};
use super::plc::{Contact, Mode, Plc};
use crate::clock::{NS_PER_MS, NS_PER_US};
use crate::config::{InputId, IoMap};
use crate::io::{Driver, ExpanderCode, ExpanderState};
use crate::vm::Engine;
use bytecode::VerifiedImage;
use bytecode::path::show;
use relay::{ChannelId, ChannelStatus, Detail, Event, Guard, Refusal};
use std::sync::Arc;

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// An input as the program sees it.
    Input(InputId, bool),
    /// A located variable that is no BOOL, by position in [`IoMap::words`]: an input as set, an output as committed.
    Word(u16, u64),
    /// What the program commands.
    Commanded(ChannelId, bool),
    /// The level of the coil that was written.
    Line(ChannelId, bool),
    /// The load contact.
    Contact(ChannelId, Contact),
    /// The guard reported something.
    Event(Event),
    /// A port expander, by position in [`IoMap::expanders`], failed or came back.
    Expander(u8, ExpanderState),
    /// A port expander lost what was set up and was set up anew, with its outputs off.
    ExpanderAnew(u8),
    /// The run ended by a fault.
    Fault(Fault),
    /// The run was stopped in order.
    Stopped,
    /// The scan ended after the next one was due.
    Overrun {
        /// How much after the scan was due it ended.
        late_ns: u64,
    },
}

/// A change with its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Measured time at the start of the scan, in nanoseconds since start.
    pub at_ns: u64,
    /// Number of the scan, from 1.
    pub scan: u64,
    /// What changed.
    pub kind: ChangeKind,
}

/// Remembers a controller's state to find what changes. Everything counts as changed in the first scan.
#[derive(Clone, Debug)]
pub struct Watch {
    inputs: Vec<Option<bool>>,
    words: Vec<Option<u64>>,
    commanded: Vec<Option<bool>>,
    lines: Vec<Option<bool>>,
    contacts: Vec<Option<Contact>>,
    /// Working at first: a run begins with every expander answering.
    expanders: Vec<ExpanderState>,
    /// How often each was set up: once, before the run.
    starts: Vec<u32>,
    running: bool,
}

impl Watch {
    /// A watch of a controller with this map.
    #[must_use]
    pub fn new(map: &IoMap) -> Self {
        let channels = map.outputs.len();
        Self {
            inputs: vec![None; map.inputs.len()],
            words: vec![None; map.words.len()],
            commanded: vec![None; channels],
            lines: vec![None; channels],
            contacts: vec![None; channels],
            expanders: vec![ExpanderState::Working; map.expanders.len()],
            starts: vec![1; map.expanders.len()],
            running: true,
        }
    }

    /// Hands every change since the last call to `sink`. Call it after each scan. Does not allocate.
    pub fn compare<E: Engine, D: Driver>(&mut self, plc: &Plc<E, D>, mut sink: impl FnMut(Change)) {
        let (at_ns, scan) = (plc.now_ns(), plc.scan());
        let mut tell = |kind: ChangeKind| sink(Change { at_ns, scan, kind });
        for ((index, status), old) in (0_u8..).zip(plc.expanders()).zip(&mut self.starts) {
            if status.counters.starts > std::mem::replace(old, status.counters.starts) {
                tell(ChangeKind::ExpanderAnew(index));
            }
        }
        for ((index, status), old) in (0_u8..).zip(plc.expanders()).zip(&mut self.expanders) {
            if std::mem::replace(old, status.state) != status.state {
                tell(ChangeKind::Expander(index, status.state));
            }
        }
        for (id, old) in plc.map().input_ids().zip(&mut self.inputs) {
            let level = plc.input(id);
            if old.replace(level) != Some(level) {
                tell(ChangeKind::Input(id, level));
            }
        }
        for ((index, (_, bits)), old) in (0_u16..).zip(plc.words()).zip(&mut self.words) {
            if old.replace(bits) != Some(bits) {
                tell(ChangeKind::Word(index, bits));
            }
        }
        for (id, old) in plc.table().ids().zip(&mut self.commanded) {
            let commanded = plc.commanded(id);
            if old.replace(commanded) != Some(commanded) {
                tell(ChangeKind::Commanded(id, commanded));
            }
        }
        for event in plc.events() {
            tell(ChangeKind::Event(*event));
        }
        for ((id, status), old) in plc.table().ids().zip(plc.statuses()).zip(&mut self.lines) {
            if old.replace(status.line) != Some(status.line) {
                tell(ChangeKind::Line(id, status.line));
            }
        }
        for (id, old) in plc.table().ids().zip(&mut self.contacts) {
            let contact = plc.contact(id);
            if old.replace(contact) != Some(contact) {
                tell(ChangeKind::Contact(id, contact));
            }
        }
        let running = plc.mode() == Mode::Running;
        if self.running && !running {
            match plc.mode() {
                Mode::Faulted(fault) => tell(ChangeKind::Fault(fault)),
                Mode::Stopped => tell(ChangeKind::Stopped),
                Mode::Running => {}
            }
        }
        self.running = running;
    }
}

/// Names for changes: turns them into trace rows and sentences. Belongs to whoever watches, never to the scan thread.
#[derive(Clone, Debug)]
pub struct Names {
    map: Arc<IoMap>,
    image: Arc<VerifiedImage>,
    chips: Vec<String>,
    /// Never steps: it knows the words for waits and refusals.
    words: Guard,
}

/// One row of a trace: `t_us,scan,kind,name,value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Microseconds since start.
    pub t_us: u64,
    /// Number of the scan, from 1.
    pub scan: u64,
    /// input, word, commanded, line, contact or event.
    pub kind: &'static str,
    /// Name of the input or channel; `plcrun` for events of the run itself.
    pub name: String,
    /// 0 or 1, the contact's word, or the event's code and text.
    pub value: String,
}

/// First line of a trace file.
pub const TRACE_HEADER: &str = "t_us,scan,kind,name,value";

impl Row {
    /// The row as a line of CSV (RFC 4180 quoting), without the line end.
    #[must_use]
    pub fn csv(&self) -> String {
        let Self { t_us, scan, kind, name, value } = self;
        format!("{t_us},{scan},{kind},{},{}", quoted(name), quoted(value))
    }
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

/// What happened to a port expander: code, text and the system's own words.
fn expander_text(state: ExpanderState) -> String {
    let (code, text) = (state.code().code(), state.code().text());
    match state {
        ExpanderState::Failed(errno) => format!("{code} {text}: {}", std::io::Error::from_raw_os_error(errno)),
        ExpanderState::Working | ExpanderState::Lost | ExpanderState::Late => format!("{code} {text}"),
    }
}

impl Names {
    /// Names of a program and its map. `chips` are the names of the driver's chips.
    #[must_use]
    pub fn new(map: Arc<IoMap>, image: Arc<VerifiedImage>, chips: Vec<String>) -> Self {
        let words = Guard::new(Arc::new(map.channels.clone()));
        Self { map, image, chips, words }
    }

    /// The map.
    #[must_use]
    pub fn map(&self) -> &IoMap {
        &self.map
    }

    /// A fault in words.
    #[must_use]
    pub fn fault(&self, fault: &Fault) -> FaultReport {
        fault.describe(&self.image, &self.chips)
    }

    /// What keeps a channel from being on, in words for a status line: `waiting: direction lock after rev, 1.2 s`.
    /// `None` when nothing does.
    #[must_use]
    pub fn status(&self, id: ChannelId, status: &ChannelStatus, now_ns: u64) -> Option<String> {
        if let Some(fault) = status.fault {
            return Some(format!("fault: {}", fault.event().text()));
        }
        if let Some(trip) = status.trip {
            return Some(format!("tripped: {}", trip.event().text()));
        }
        if let Some(pending) = status.pending {
            let reason = self.words.describe_wait(pending.reason);
            // Tenths of a second, rounded up, so that a wait never reads 0.0 s.
            let tenths = pending.due_ns.map(|due_ns| due_ns.saturating_sub(now_ns).div_ceil(100 * NS_PER_MS));
            let due = tenths.map_or_else(String::new, |t| format!(", {}.{} s", t / 10, t % 10));
            return Some(format!("waiting: {reason}{due}"));
        }
        status.refusal.map(|refusal| format!("refused: {}", self.refusal(id, refusal)))
    }

    fn refusal(&self, id: ChannelId, refusal: Refusal) -> String {
        match refusal {
            // The guard here has seen no edges: it cannot say when the next is free.
            Refusal::Rate => "switching rate".to_owned(),
            Refusal::NotSeenOff
            | Refusal::OtherOn(_)
            | Refusal::Conflict(_)
            | Refusal::Fault
            | Refusal::GroupFault(_)
            | Refusal::Tripped
            | Refusal::Supply
            | Refusal::Ambient
            | Refusal::CutOff(_)
            | Refusal::Expired => self.words.describe_refusal(id, refusal),
        }
    }

    /// Name of an input.
    #[must_use]
    pub fn input(&self, id: InputId) -> &str {
        self.map.input_at(id).map_or("?", |i| &i.name)
    }

    /// Name of a channel.
    #[must_use]
    pub fn channel(&self, id: ChannelId) -> &str {
        self.map.output_at(id).map_or("?", |o| &o.name)
    }

    /// Name of a port expander, by position in [`IoMap::expanders`].
    #[must_use]
    pub fn expander(&self, index: u8) -> &str {
        self.map.expanders.get(usize::from(index)).map_or("?", |e| e.name.as_str())
    }

    /// A change as a row of a trace.
    #[must_use]
    pub fn row(&self, change: &Change) -> Row {
        let bit = |level: bool| u8::from(level).to_string();
        let (kind, name, value) = match change.kind {
            ChangeKind::Input(id, level) => ("input", self.input(id), bit(level)),
            ChangeKind::Word(index, bits) => match self.map.words.get(usize::from(index)) {
                Some(word) => {
                    let kind = if word.input { "input" } else { "commanded" };
                    (kind, word.name.as_str(), show(word.elementary, bits))
                }
                None => ("commanded", "?", bits.to_string()),
            },
            ChangeKind::Commanded(id, level) => ("commanded", self.channel(id), bit(level)),
            ChangeKind::Line(id, level) => ("line", self.channel(id), bit(level)),
            ChangeKind::Contact(id, contact) => ("contact", self.channel(id), contact.name().to_owned()),
            ChangeKind::Event(event) => {
                ("event", event.channel.map_or("plcrun", |c| self.channel(c)), self.event_text(&event))
            }
            ChangeKind::Expander(index, state) => ("event", self.expander(index), expander_text(state)),
            ChangeKind::ExpanderAnew(index) => {
                let code = ExpanderCode::Anew;
                ("event", self.expander(index), format!("{} {}", code.code(), code.text()))
            }
            ChangeKind::Fault(fault) => {
                let report = self.fault(&fault);
                ("event", "plcrun", format!("{} {}", report.code, report.text))
            }
            ChangeKind::Stopped => ("event", "plcrun", "stopped".to_owned()),
            ChangeKind::Overrun { late_ns } => ("event", "plcrun", format!("overrun {} us", late_ns / NS_PER_US)),
        };
        Row { t_us: change.at_ns / NS_PER_US, scan: change.scan, kind, name: name.to_owned(), value }
    }

    /// An event of the guard in words: code, text and what more is known.
    #[must_use]
    pub fn event_text(&self, event: &Event) -> String {
        let detail = match event.detail {
            Detail::None => String::new(),
            Detail::Wait(reason) => self.words.describe_wait(reason),
            Detail::Refusal(refusal) => event.channel.map_or_else(String::new, |id| self.refusal(id, refusal)),
            Detail::Group(group) => self.map.channels.group(group).name.clone(),
            Detail::TimeNs(ns) => relay::quantity::Duration::from_ns(ns).to_string(),
            Detail::Count(count) => count.to_string(),
        };
        let (code, text) = (event.code.code(), event.code.text());
        if detail.is_empty() { format!("{code} {text}") } else { format!("{code} {text}: {detail}") }
    }
}
