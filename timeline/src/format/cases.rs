//! Tables of cases: one test for each row, made by putting the row's values into the text of the test.
//!
//! Works on the tree, before anything is read: whatever may stand in a test may come from a row.

use super::{Reader, at_node, located_key};
use crate::model::{At, Located};
use runtime::config::yaml::{Node, Value};

/// The most rows of one table.
const ROWS_MAX: usize = 10_000;

/// The most values all tests of one table may have: a hundred thousand steps.
const VALUES_MAX: usize = 1_000_000;

/// One row: names and values.
struct Row {
    place: runtime::config::finding::Place,
    values: Vec<(Located, Node)>,
}

impl Reader<'_> {
    /// The tests of an entry: itself, or one for each row of its `cases`.
    pub(super) fn cases(&mut self, node: &Node) -> Vec<Node> {
        let Value::Map(entries) = &node.value else { return vec![node.clone()] };
        let Some((_, table)) = entries.iter().find(|(key, _)| key.value.word() == "cases") else {
            return vec![node.clone()];
        };
        let mut rows = self.rows(table);
        if rows.len().saturating_mul(values(node)) > VALUES_MAX {
            self.problem(at_node(table), "the table makes too many steps", "split the test, or take fewer rows");
            rows.truncate(1);
        }
        let mut used: Vec<String> = Vec::new();
        let mut tests = Vec::new();
        for row in &rows {
            let mut filler = Filler { row, used: &mut used, unknown: Vec::new() };
            let mut test = filler.node(node);
            let unknown = filler.unknown;
            for (at, name) in unknown {
                let names: Vec<&str> = row.values.iter().map(|(name, _)| name.text.as_str()).collect();
                self.problem(
                    at,
                    format!("no column of the table is called `{name}`"),
                    format!("it has {}", names.join(", ")),
                );
            }
            test.place = row.place;
            if let Value::Map(entries) = &mut test.value {
                entries.retain(|(key, _)| key.value.word() != "cases");
                let named = entries.iter_mut().find(|(key, _)| key.value.word() == "name");
                let same = |other: &Node| matches!(&other.value, Value::Map(e) if e.iter().any(|(k, v)| k.value.word() == "name" && v.value.word().contains('$')));
                if let Some((_, name)) = named.filter(|_| !same(node)) {
                    let values: Vec<String> = row
                        .values
                        .iter()
                        .map(|(name, value)| format!("{} {}", name.text, value.value.word()))
                        .collect();
                    name.value = Value::Text(format!("{} [{}]", name.value.word(), values.join(", ")));
                }
            }
            tests.push(test);
        }
        for (name, _) in rows.first().map(|row| row.values.as_slice()).unwrap_or_default() {
            if !used.contains(&name.text) {
                let help = format!("write `${}` where its value belongs", name.text);
                self.problem(name.at, format!("the column `{}` is not used in the test", name.text), help);
            }
        }
        tests
    }

    fn rows(&mut self, table: &Node) -> Vec<Row> {
        let rows = match &table.value {
            Value::Map(_) => self.table(table),
            Value::List(items) => items.iter().filter_map(|item| self.row(item)).collect(),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => Vec::new(),
        };
        if rows.is_empty() {
            let help = "write `cases: { columns: [a, out], rows: [[true, false]] }` or a list of mappings";
            self.problem(at_node(table), "`cases` has no rows", help);
        }
        if rows.len() > ROWS_MAX {
            self.problem(at_node(table), format!("`cases` has more than {ROWS_MAX} rows"), "split the test");
        }
        rows
    }

    /// A row with its own names.
    fn row(&mut self, node: &Node) -> Option<Row> {
        let Value::Map(entries) = &node.value else {
            let message = format!("a row is a mapping of names to values, here stands {}", node.value.kind());
            self.problem(at_node(node), message, "write `- { a: true, out: false }`");
            return None;
        };
        let values: Vec<(Located, Node)> =
            entries.iter().map(|(key, value)| (located_key(key), value.clone())).collect();
        for (name, _) in &values {
            self.check_column(name);
        }
        Some(Row { place: node.place, values })
    }

    /// Columns and rows apart.
    fn table(&mut self, node: &Node) -> Vec<Row> {
        let (mut columns, mut rows) = (Vec::new(), Vec::new());
        for (key, value) in self.fields(node, "`cases`", &["columns", "rows"]) {
            match key.value.word().as_ref() {
                "columns" => columns = self.texts(value, "a column"),
                _ => rows = self.items(value, "`rows`").to_vec(),
            }
        }
        for column in &columns {
            self.check_column(column);
        }
        let mut found = Vec::new();
        for row in rows {
            let cells = self.items(&row, "a row").to_vec();
            if cells.len() == columns.len() {
                let values = columns.iter().cloned().zip(cells).collect();
                found.push(Row { place: row.place, values });
            } else {
                let message = format!("the row has {} values for {} columns", cells.len(), columns.len());
                self.problem(at_node(&row), message, "give each column one value");
            }
        }
        found
    }

    fn check_column(&mut self, name: &Located) {
        if name.text.is_empty() || !name.text.chars().all(is_name) {
            let message = format!("`{}` is no name of a column", name.text);
            self.problem(name.at, message, "use letters, digits and `_`");
        }
    }
}

/// Single values in a tree. Its depth is bounded by the reader of YAML.
fn values(node: &Node) -> usize {
    match &node.value {
        Value::List(items) => items.iter().map(values).sum(),
        Value::Map(entries) => {
            entries.iter().filter(|(key, _)| key.value.word() != "cases").map(|(_, value)| 1 + values(value)).sum()
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => 1,
    }
}

fn is_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// Puts the values of one row into a tree.
struct Filler<'a> {
    row: &'a Row,
    used: &'a mut Vec<String>,
    unknown: Vec<(At, String)>,
}

impl Filler<'_> {
    fn node(&mut self, node: &Node) -> Node {
        let value = match &node.value {
            Value::Text(text) => self.text(text, at_node(node)),
            Value::List(items) => Value::List(items.iter().map(|item| self.node(item)).collect()),
            Value::Map(entries) => Value::Map(
                entries
                    .iter()
                    // The table itself holds values, not places for them.
                    .filter(|(key, _)| key.value.word() != "cases")
                    .map(|(key, value)| (self.node(key), self.node(value)))
                    .collect(),
            ),
            other @ (Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_)) => other.clone(),
        };
        Node { place: node.place, value }
    }

    /// A text that is `$name` alone becomes the value itself; within a text the value stands as text.
    fn text(&mut self, text: &str, at: At) -> Value {
        if let Some(name) = text.trim().strip_prefix('$')
            && let Some(value) = self.value(name)
        {
            return value;
        }
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            filled.push_str(before);
            let (name, behind) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
                Some(pair) => pair,
                None => after.split_at(after.find(|letter| !is_name(letter)).unwrap_or(after.len())),
            };
            match self.value(name) {
                Some(value) => filled.push_str(&value.word()),
                None if name.is_empty() => filled.push('$'),
                None => {
                    if !self.unknown.iter().any(|(other, _)| *other == at) {
                        self.unknown.push((at, name.to_owned()));
                    }
                }
            }
            rest = behind;
        }
        filled.push_str(rest);
        Value::Text(filled)
    }

    fn value(&mut self, name: &str) -> Option<Value> {
        let (column, value) = self.row.values.iter().find(|(column, _)| column.text == name)?;
        if !self.used.contains(&column.text) {
            self.used.push(column.text.clone());
        }
        Some(value.value.clone())
    }
}
