//! The report as `JUnit`'s XML: a test case for each file, which fails by the errors in it.

use std::fmt::Write;

use super::finding::{Finding, Level};
use super::report::Report;

/// The report.
pub fn text(report: &Report) -> String {
    let failed = |file: &&String| of(report, file, Level::Error).next().is_some();
    let (tests, failures) = (report.files.len(), report.files.iter().filter(failed).count());
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let counts = format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"0\"");
    let _ = writeln!(xml, "<testsuites name=\"kubectl devopsagent validate\" {counts}>");
    let _ = writeln!(xml, "  <testsuite name=\"validate\" {counts}>");
    for file in &report.files {
        let _ = writeln!(xml, "    <testcase classname=\"validate\" name=\"{}\">", escaped(file));
        let errors: Vec<String> = of(report, file, Level::Error).map(line).collect();
        if let Some(first) = errors.first() {
            let _ = writeln!(
                xml,
                "      <failure message=\"{}\">{}</failure>",
                escaped(first),
                escaped(&errors.join("\n"))
            );
        }
        let warnings: Vec<String> = of(report, file, Level::Warning).map(line).collect();
        if !warnings.is_empty() {
            let _ = writeln!(xml, "      <system-out>{}</system-out>", escaped(&warnings.join("\n")));
        }
        xml.push_str("    </testcase>\n");
    }
    xml + "  </testsuite>\n</testsuites>\n"
}

fn of<'a>(report: &'a Report, file: &'a str, level: Level) -> impl Iterator<Item = &'a Finding> {
    report.findings.iter().filter(move |finding| finding.file == file && finding.level == level)
}

fn line(finding: &Finding) -> String {
    format!("{}:{}: {} [{}]", finding.file, finding.line, finding.sentence(), finding.check.name())
}

/// Text within XML, without what XML can't contain at all.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            character if character.is_control() => escaped.push('\u{fffd}'),
            character => escaped.push(character),
        }
    }
    escaped
}
