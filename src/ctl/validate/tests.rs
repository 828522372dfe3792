//! The checks beyond the schema, on a folder with mistakes of every kind; and every format.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::report::Format;
use super::*;

fn mistakes() -> Report {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ctl/mistakes");
    let manifests = Files::new(vec![folder], "default").read().unwrap();
    Validator::new().unwrap().report(&manifests, false)
}

fn of(text: &str, complete: bool) -> Vec<(Level, Check, u64, String)> {
    let report = Validator::new().unwrap().report(&Files::text("x.yaml", text, "shop"), complete);
    report.findings.into_iter().map(|found| (found.level, found.check, found.line, found.message)).collect()
}

#[test]
fn every_check_finds_its_mistake_at_its_line() {
    let report = mistakes();
    let found: Vec<String> = report
        .findings
        .iter()
        .map(|finding| {
            let file = Path::new(&finding.file).file_name().unwrap().to_string_lossy();
            format!(
                "{file}:{} {} {}",
                finding.line,
                finding.check.name(),
                finding.field.as_deref().unwrap_or("")
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            "SKILL.md:1 skill ",
            "SKILL.md:1 skill ",
            "SKILL.md:1 skill ",
            "team.yaml:9 unknown-field spec.descripton",
            "team.yaml:12 schema spec.operatorApp.iam.roleArn",
            "team.yaml:22 clash ",
            "team.yaml:52 key spec.service.gitlab.tokenValue.secretKeyRef",
            "team.yaml:68 key spec.service.gitlab.tokenValue.secretKeyRef",
            "team.yaml:78 reference spec.agentSpaceRef",
            "team.yaml:80 rule spec.serviceRef",
            "team.yaml:86 rule spec.configuration.aws.assumableRoleArn",
            "team.yaml:89 kind kind",
            "team.yaml:106 arn spec.action.role",
            "values.yaml:2 yaml ",
        ]
    );
    assert_eq!(
        report.summary,
        Summary { files: 2, objects: 8, passed_over: 2, skills: 1, errors: 12, warnings: 2 }
    );
    let text = report.rendered(Format::Text, Paint::none()).unwrap();
    assert!(
        text.contains("is description meant?") && text.contains("there are checkout, payments"),
        "{text}"
    );
    assert!(!text.contains("glpat"), "no value of a Secret is shown: {text}");
}

#[test]
fn an_object_that_is_there_twice_or_has_no_place_is_found() {
    let space =
        "apiVersion: devopsagent.dev/v1alpha1\nkind: AgentSpace\nmetadata: {name: a}\nspec: {name: A}\n";
    let found = of(&format!("{space}---\n{space}"), false);
    assert_eq!(found.iter().filter(|(_, check, ..)| *check == Check::Duplicate).count(), 1);
    // In different namespaces they are two objects, which describe one space.
    let other = space.replace("{name: a}", "{name: a, namespace: other}");
    let found = of(&format!("{space}---\n{other}"), false);
    assert_eq!(found.iter().map(|(_, check, ..)| *check).collect::<Vec<_>>(), [Check::Clash]);
    let observed = other.replace("{name: A}", "{name: A, managementPolicy: Observe}");
    assert_eq!(of(&format!("{space}---\n{observed}"), false), []);
}

#[test]
fn what_is_referred_to_may_be_in_the_cluster_unless_the_files_are_all() {
    let trigger = "apiVersion: devopsagent.dev/v1alpha1\nkind: Trigger\nmetadata: {name: a}\nspec: {agentSpaceRef: {name: s}, \
                   type: schedule, schedule: {expression: rate(1 day)}, action: {a: b}}\n";
    let levels = |complete| of(trigger, complete).into_iter().map(|(level, ..)| level).collect::<Vec<_>>();
    assert_eq!(levels(false), [Level::Warning]);
    assert_eq!(levels(true), [Level::Error]);
}

#[test]
fn metadata_is_checked_and_lists_are_opened() {
    let text = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: devopsagent.dev/v1alpha1\n  kind: AgentSpace\n  metadata:\n    \
                name: Bad_Name\n    label: {}\n  spec: {name: A}\n- apiVersion: devopsagent.dev/v1\n  kind: AgentSpace\n";
    let found: Vec<(Check, u64)> =
        of(text, false).into_iter().map(|(_, check, line, _)| (check, line)).collect();
    assert_eq!(found, [(Check::Schema, 7), (Check::UnknownField, 8), (Check::Kind, 10)]);
}

#[test]
fn sarif_and_json_have_every_finding() {
    let report = mistakes();
    let read =
        |format| -> Value { serde_json::from_str(&report.rendered(format, Paint::none()).unwrap()).unwrap() };
    let json = read(Format::Json);
    assert_eq!((json["kind"].as_str(), json["summary"]["errors"].as_u64()), (Some("Validation"), Some(12)));
    assert_eq!(json["findings"].as_array().unwrap().len(), report.findings.len());
    let sarif = read(Format::Sarif);
    let run = &sarif["runs"][0];
    assert_eq!(run["results"].as_array().unwrap().len(), report.findings.len());
    let rules: BTreeMap<&str, &Value> = run["tool"]["driver"]["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| (rule["id"].as_str().unwrap(), rule))
        .collect();
    for result in run["results"].as_array().unwrap() {
        assert!(rules.contains_key(result["ruleId"].as_str().unwrap()));
        let place = &result["locations"][0]["physicalLocation"];
        assert!(
            place["artifactLocation"]["uri"].is_string() && place["region"]["startLine"].as_u64() > Some(0)
        );
    }
}

#[test]
fn junit_has_a_case_for_each_file() {
    let xml = mistakes().rendered(Format::Junit, Paint::none()).unwrap();
    assert_eq!(xml.matches("<testcase ").count(), 3);
    assert_eq!(xml.matches("<failure ").count(), 2, "{xml}");
    assert!(xml.contains("tests=\"3\" failures=\"2\""));
    assert!(!xml.contains('\u{1b}'));
}
