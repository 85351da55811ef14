//! The simulated relay: coil level over time in, contact out.
