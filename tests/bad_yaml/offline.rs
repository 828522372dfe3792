//! `kubectl devopsagent validate` on the same table, without a cluster: what the API server refuses at a create, it
//! refuses too, at the same field and in the same words. And it takes all YAML of our own.

#[path = "../docs/markdown.rs"]
#[allow(dead_code, clippy::unwrap_used, reason = "other tests use the rest, and may unwrap")]
mod markdown;

use std::fs;
use std::path::PathBuf;

use devops_agent_operator::ctl::manifests::Files;
use devops_agent_operator::ctl::validate::{Check, Finding, Level, Problem, Validator};
use serde_json::Value;

use super::table;
use markdown::{pages, root, split};

fn validator() -> Validator {
    Validator::new().expect("the CRDs can be used")
}

fn problems(validator: &Validator, object: &Value) -> Vec<Problem> {
    validator.problems(object["kind"].as_str().unwrap_or_default(), &mut object.clone())
}

#[test]
fn validate_takes_what_is_good() {
    let validator = validator();
    for (name, object) in table::good() {
        assert_eq!(problems(&validator, &object), [], "{name}");
    }
}

#[test]
fn validate_refuses_what_the_api_server_refuses() {
    let (validator, good) = (validator(), table::good());
    let mut failures = Vec::new();
    let rows = table::rows();
    // What is refused because of how the object was before can't be known.
    let creates = rows.iter().filter(|row| !row.update);
    for row in creates {
        let mut object = good[&row.of].clone();
        object["metadata"]["name"] = Value::from("bad");
        table::merge(&mut object, &row.patch);
        let found = problems(&validator, &object);
        let entry = format!("{}[", row.field);
        let about = |problem: &&Problem| problem.field == row.field || problem.field.starts_with(&entry);
        if !found.iter().filter(about).any(|problem| problem.message.contains(&row.says)) {
            failures.push(format!("{}: not {} at {}, but: {found:?}", row.it, row.says, row.field));
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

fn shown(findings: &[Finding]) -> String {
    let line = |finding: &Finding| format!("{}:{}: {}", finding.file, finding.line, finding.sentence());
    findings.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn all_examples_are_valid_and_complete() {
    let files =
        Files::new(vec![root().join("examples")], "default").read().expect("the examples can be read");
    let report = validator().report(&files, true);
    assert!(report.summary.objects > 100 && report.summary.passed_over > 10, "{:?}", report.summary);
    assert!(report.findings.is_empty(), "{}", shown(&report.findings));
}

#[test]
fn all_yaml_of_the_documentation_is_valid() {
    let validator = validator();
    let (mut objects, mut wrong) = (0, Vec::new());
    for page in pages().into_iter().chain([root().join("README.md")]) {
        let text = fs::read_to_string(&page).expect("the page can be read");
        let blocks = split(&text).0.into_iter().filter(|block| block.language() == "yaml");
        for block in blocks.filter(|block| !block.info.contains("ignore")) {
            let name = format!("{} (block at line {})", page.display(), block.line);
            let report = validator.report(&Files::text(&name, &block.text, "default"), false);
            objects += report.summary.objects;
            // A part of an object isn't checked, and what a page refers to may be on another.
            wrong.extend(report.findings.into_iter().filter(|finding| finding.level == Level::Error));
        }
    }
    assert!(objects > 50, "{objects}");
    let wrong: Vec<Finding> = wrong.into_iter().filter(|finding| finding.check != Check::Yaml).collect();
    assert!(wrong.is_empty(), "{}", shown(&wrong));
}

#[test]
fn what_the_operator_left_in_the_cluster_is_valid() {
    let folder: PathBuf = root().join("argocd/resource_customizations/devopsagent.dev");
    let files = Files::new(vec![folder], "default").read().expect("the fixtures can be read");
    let report = validator().report(&files, false);
    assert!(report.summary.objects > 50, "{:?}", report.summary);
    let checks = [Check::Schema, Check::UnknownField, Check::Rule, Check::Kind];
    let wrong: Vec<Finding> =
        report.findings.into_iter().filter(|finding| checks.contains(&finding.check)).collect();
    assert!(wrong.is_empty(), "{}", shown(&wrong));
}
