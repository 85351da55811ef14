//! The contract between compiler and engines: instruction set, image format, verifier, disassembler.
