//! Workflow commands of GitHub: each finding becomes an annotation of the changed line.

use crate::finding::{Finding, Severity};

/// One command per shown finding and line.
#[must_use]
pub fn commands(findings: &[Finding]) -> String {
    findings.iter().filter(|f| f.is_shown()).map(command).collect()
}

fn command(finding: &Finding) -> String {
    let word = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let region = &finding.region;
    let mut properties = vec![format!("file={}", property(&region.file))];
    if region.line > 0 {
        properties.push(format!("line={},col={}", region.line, region.column));
        properties.push(format!("endLine={}", region.end_line.max(region.line)));
        // The end of a column is read only where both are in one line.
        if region.end_line == region.line {
            properties.push(format!("endColumn={}", region.end_column));
        }
    }
    properties.push(format!("title={}", property(finding.code)));
    let mut message = finding.message.clone();
    for line in finding.notes.iter().chain(&finding.helps) {
        message.push('\n');
        message.push_str(line);
    }
    format!("::{word} {}::{}\n", properties.join(","), data(&message))
}

/// The text of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_property_or_the_line_is_escaped() {
        assert_eq!(property("a,b:c%\n"), "a%2Cb%3Ac%25%0A");
        assert_eq!(data("50 %, a:b"), "50 %25, a:b");
    }
}
