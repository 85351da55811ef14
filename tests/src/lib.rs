//! Conformance files and their runner.
