//! The retained store: what of a controller survives a restart and a power loss.
//!
//! - [`mod@file`]: the database, its rows, atomic commits; [`model`]: what is in it, as plain values;
//! - [`layout`]: which bytes of the data segment are kept, and how they find their variables again;
//! - [`tap`]: the scan thread's end, which copies and never waits;
//! - [`keeper`]: the helper thread that commits; [`log`]: the fault log;
//! - [`power_cut`]: power cuts on a simulated disk, [`history`]: commits from a seed, both for the reliability suite;
//! - [`moment`]: when something was kept; [`codes`]: what can go wrong.
//!
//! Terms: a *commit* is on the medium when it returns. The *maximum age* is how old the newest commit may be when the
//! power fails: what changed later is lost. Values and counts are of completed scans only.
//!
//! Invariants: the scan thread neither allocates nor waits for the store; whatever is wrong with a file ends in a coded
//! message, never in a panic and never in silently forgotten latches.

pub mod codes;
pub mod file;
pub mod history;
pub mod keeper;
pub mod layout;
pub mod log;
pub mod model;
pub mod moment;
pub mod power_cut;
pub mod tap;

pub use codes::{StoreCode, StoreError};
pub use file::{Change, Opened, StoreFile, open};
pub use model::{Acknowledged, Document, LogEntry, LogSource, StoredValue};
pub use moment::Moment;
