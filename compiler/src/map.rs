//! Hash tables of the compiler: seeded like the standard ones, with a hash that is quicker on names and numbers.
//!
//! A large program asks them some ten million times. No result may depend on their order.

pub(crate) use foldhash::{HashMap, HashSet};
