//! The report as SARIF 2.1.0, which code scanning reads.

use std::io;

use serde_json::{Value, json};

use crate::ctl::Error;

use super::finding::{Check, Finding, Level};
use super::report::Report;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// The report.
pub fn text(report: &Report) -> Result<String, Error> {
    let rules = Check::TABLE.iter().map(|(_, name, what)| {
        json!({ "id": name, "shortDescription": { "text": what }, "defaultConfiguration": { "level": "error" } })
    });
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "kubectl-devopsagent validate",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": "https://devops-agent-operator.github.io/devops-agent-operator/ctl/validate.html",
                "rules": rules.collect::<Vec<Value>>(),
            } },
            "results": report.findings.iter().map(result).collect::<Vec<Value>>(),
        }],
    });
    Ok(serde_json::to_string_pretty(&document).map_err(io::Error::from)? + "\n")
}

fn result(finding: &Finding) -> Value {
    json!({
        "ruleId": finding.check.name(),
        "level": match finding.level { Level::Error => "error", Level::Warning => "warning" },
        "message": { "text": finding.sentence() },
        "locations": [{ "physicalLocation": {
            // Relative, as code scanning wants it, unless the file was named otherwise.
            "artifactLocation": { "uri": finding.file.trim_start_matches("./") },
            "region": { "startLine": finding.line, "startColumn": finding.column },
        } }],
    })
}
