//! Licences of every dependency, from what their manifests declare.

use serde_json::Value;

/// Licences a permissively licensed product may link statically, by SPDX identifier. MPL-2.0 is file-level copyleft:
/// linking is free, changed files of the library would have to be published.
const ACCEPTED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

fn is_accepted(expression: &str) -> bool {
    // Old manifests write `MIT/Apache-2.0` for a choice.
    let expression = expression.replace('/', " OR ");
    let Ok(expression) = spdx::Expression::parse(&expression) else { return false };
    expression.evaluate(|requirement| ACCEPTED.contains(&requirement.to_string().as_str()))
}

/// Checks every package of `cargo metadata`.
///
/// # Errors
/// The packages whose licence is not accepted, one a line.
pub fn run(metadata: &Value) -> Result<usize, String> {
    let packages = metadata.get("packages").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let text = |p: &Value, key: &str| p.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let refused = packages.iter().filter(|p| !is_accepted(&text(p, "license")));
    let refused: Vec<String> = refused
        .map(|p| {
            format!("{} {}: licence `{}` is not accepted", text(p, "name"), text(p, "version"), text(p, "license"))
        })
        .collect();
    if refused.is_empty() { Ok(packages.len()) } else { Err(refused.join("\n")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_judged() {
        assert!(is_accepted("MIT OR Apache-2.0"));
        assert!(is_accepted("MIT/Apache-2.0"));
        assert!(is_accepted("GPL-3.0-only OR MIT"));
        assert!(is_accepted("(MIT OR Apache-2.0) AND Unicode-3.0"));
        assert!(is_accepted("Apache-2.0 WITH LLVM-exception"));
        assert!(!is_accepted("GPL-3.0-only"));
        assert!(!is_accepted("MIT AND GPL-2.0-only"));
        assert!(!is_accepted(""));
    }
}
