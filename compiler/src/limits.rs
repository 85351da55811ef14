//! Limits of the front end, with their arithmetic. Every message about a limit names it and its value.

/// Greatest length of one source file: 32 MiB. 100,000 seal-in rungs with their declarations are 19 MB.
pub const FILE_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Greatest number of tokens in one file: 8 million. 100,000 seal-in rungs in Structured Text, three statements each, have 4.5 million.
pub const TOKENS_MAX: usize = 8_000_000;

/// Greatest depth of nesting (parentheses, branches, statements, unary operators, comments). Each level of parentheses costs the
/// recursive-descent parser a few stack frames, together below 4 KiB in an unoptimised build; 64 levels stay below 256 KiB,
/// an eighth of the 2 MiB that a thread of a test has. Drawings and proofs recurse less per level.
pub const NESTING_MAX: u32 = 64;

/// Greatest number of operators in one expression between two parentheses: 100,000. That is a rung of a thousand contacts
/// a hundred times over; a longer one is a defect of whatever wrote it, and would hold its memory of about 300 bytes for
/// each operator to no use.
pub const OPERATORS_MAX: usize = 100_000;

/// Greatest length of a name in characters. The standard asks for at least 6 significant ones; cross-reference tables stay readable at 64.
pub const IDENT_CHARS_MAX: usize = 64;

/// Diagnostics given for one file. After 100 mistakes nobody reads on, and a damaged file must not fill the memory with messages.
pub const DIAGNOSTICS_MAX: usize = 100;
