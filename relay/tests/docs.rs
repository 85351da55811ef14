//! `docs/relays.md` is in step with the tables of the code. `RELAY_DOCS=write cargo test -p relay --test docs` rewrites its tables.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use relay::datasheet::{DataSheet, ROWS};
use relay::{EventCode, FindingCode};
use std::fmt::Write;

fn rows() -> String {
    let sheet: DataSheet = serde_yaml::from_str(include_str!("../../io-config/relays/wago-859-386.yaml")).unwrap();
    let mut table = String::from("| key | row | WAGO 859-386 | used for |\n|---|---|---|---|\n");
    for row in ROWS {
        writeln!(table, "| `{}` | {} | {} | {} |", row.key, row.title, (row.print)(&sheet), row.used_for).unwrap();
    }
    table
}

fn findings() -> String {
    let mut table = String::from("| code | severity | finding | why it matters |\n|---|---|---|---|\n");
    for code in FindingCode::ALL {
        writeln!(table, "| {} | {} | {} | {} |", code.code(), code.severity(), code.title(), code.explanation())
            .unwrap();
    }
    table
}

fn events() -> String {
    let mut table = String::from("| code | blame | event | what it means |\n|---|---|---|---|\n");
    for code in EventCode::ALL {
        writeln!(table, "| {} | {} | {} | {} |", code.code(), code.blame(), code.text(), code.explanation()).unwrap();
    }
    table
}

/// The page with the table between two marks replaced.
fn with_table(page: &str, mark: &str, table: &str) -> String {
    let open = format!("<!-- {mark} -->\n");
    let (before, rest) = page.split_once(&open).unwrap_or_else(|| panic!("no mark {mark} in docs/relays.md"));
    let (_, after) = rest.split_once("<!-- end -->").unwrap_or_else(|| panic!("mark {mark} is not closed"));
    format!("{before}{open}{table}<!-- end -->{after}")
}

#[test]
fn the_page_shows_the_tables_of_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/relays.md");
    let page = std::fs::read_to_string(path).unwrap();
    let mut expected = page.clone();
    for (mark, table) in [("rows", rows()), ("findings", findings()), ("events", events())] {
        expected = with_table(&expected, mark, &table);
    }
    if std::env::var("RELAY_DOCS").is_ok_and(|wish| wish == "write") {
        std::fs::write(path, &expected).unwrap();
    } else {
        assert!(
            page == expected,
            "docs/relays.md is out of step; run `RELAY_DOCS=write cargo test -p relay --test docs`"
        );
    }
}

/// Every code a sheet row's use names exists.
#[test]
fn codes_named_by_the_rows_exist() {
    let known: Vec<&str> =
        FindingCode::ALL.iter().map(|code| code.code()).chain(EventCode::ALL.iter().map(|code| code.code())).collect();
    let mut named = 0;
    let texts = ROWS.iter().map(|row| row.used_for).chain([include_str!("../../io-config/relays/wago-859-386.yaml")]);
    for text in texts {
        for word in text.split(|c: char| !c.is_ascii_alphanumeric()) {
            let is_code = word.len() >= 3
                && word.starts_with(['R', 'G'])
                && word.bytes().skip(1).all(|byte| byte.is_ascii_digit());
            if is_code {
                assert!(known.contains(&word), "{word} is no code");
                named += 1;
            }
        }
    }
    assert!(named > 30, "{named}");
}
