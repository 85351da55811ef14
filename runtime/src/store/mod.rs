//! The retained store: what of a controller survives a restart and a power loss.

pub mod codes;

pub use codes::{StoreCode, StoreError};
