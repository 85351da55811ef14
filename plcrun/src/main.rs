//! The plcrun command.
fn main() {}
