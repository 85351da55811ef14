//! docs/rules.md is made from the table of rules. `UPDATE_DOCS=1 cargo test -p lint --test reference` rewrites it.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

#[test]
fn the_page_of_rules_is_in_step_with_the_table() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/rules.md");
    let wanted = lint::reference_markdown();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&page, &wanted).unwrap();
    }
    let given = std::fs::read_to_string(&page).unwrap_or_default();
    assert!(given == wanted, "docs/rules.md is out of step; UPDATE_DOCS=1 cargo test -p lint --test reference");
}
