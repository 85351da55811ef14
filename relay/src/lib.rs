//! Relay physics: data sheets, the guard, interlock groups, the contact model and wear.
//!
//! The guard stands between the program's commanded outputs and the lines, and is the only way there: drivers accept nothing but [`Permitted`], and only
//! [`Guard::arbitrate`] writes one. Everything here is pure: no I/O, no clock, no threads; times come in as nanoseconds. So the same code runs on the
//! controller, in the simulator, in timeline tests and inside proofs.
//!
//! The way of the data: [`BankConfig`] (plain values) -> [`ChannelTable::build`] (checked, or [`Finding`]s) -> [`Guard::new`] -> once per scan
//! [`Guard::arbitrate`].
//!
//! Terms: a *channel* is a program output bound to one line, one relay and one load; *on* and *off* speak of the load, *line* of the coil's level; a *group* is
//! a set of channels of which at most one may conduct. "Rule 2a" and the like are the numbered rules of `docs/relays.md`.
//!
//! The guard gives diagnosis and protects equipment. It is no SIL or PL safety function.

mod config;
pub mod contact;
pub mod datasheet;
mod event;
mod feedback;
mod finding;
mod guard;
mod id;
mod prng;
pub mod quantity;
mod rate;
mod retained;
mod table;
mod wear;

pub use config::{
    ACK_LIMIT_DEFAULT_NS, ActuatorConfig, BankConfig, ChannelConfig, FeedbackConfig, FeedbackContact, GroupConfig,
    Installation, LoadConfig, MARGIN_DEFAULT_PERCENT, OvervoltageCategory, RatePolicy, Restart, SafeValue, StopValue,
    SupplyConfig, Suppression,
};
pub use datasheet::{ContactForm, DataSheet, LoadKind};
pub use event::{Blame, Detail, Event, EventCode, EventSink, Fault, Refusal, Trip, WaitReason};
pub use feedback::ReadBack;
pub use finding::{Finding, FindingCode, Severity};
pub use guard::{
    AcknowledgeRefused, ChannelStatus, ContactEstimate, Guard, GuardState, Inputs, Pending, Permitted, Phase,
    SupplyReading, Write,
};
pub use id::{ChannelId, GroupId, WriteId};
pub use prng::SplitMix64;
pub use rate::{EDGES_MAX, WINDOW_NS};
pub use retained::{Restored, RetainedBank, RetainedChannel};
pub use table::{Built, CHANNELS_MAX, Channel, ChannelTable, GROUPS_MAX, Group, Life, RateLimit, Windows};
pub use wear::{LifeAlarm, Wear, WearReport};
