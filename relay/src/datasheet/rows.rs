//! rows
/// r
pub struct SheetRow;
/// r
pub const ROWS: &[SheetRow] = &[];
