//! The checks beyond the schema, on a folder with mistakes of every kind; and every format.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
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
            "team.yaml:120 consent spec.agentSpaceRef",
            "values.yaml:2 yaml ",
        ]
    );
    assert_eq!(
        report.summary,
        Summary { files: 2, objects: 9, passed_over: 2, skills: 1, errors: 13, warnings: 2 }
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
fn an_owner_in_another_namespace_has_to_allow_a_reference() {
    const OURS: &str = "apiVersion: devopsagent.dev/v1alpha1\n";
    let space = |says: &str| {
        format!(
            "{OURS}kind: AgentSpace\nmetadata: {{name: s, namespace: platform}}\nspec: {{name: S{says}}}\n---\n"
        )
    };
    let trigger = format!(
        "{OURS}kind: Trigger\nmetadata: {{name: a}}\nspec: {{agentSpaceRef: {{name: s, namespace: platform}}, type: schedule, \
         schedule: {{expression: rate(1 day)}}, action: {{a: b}}}}\n"
    );
    let labelled = ", allowedNamespaces: {from: Selector, selector: {matchLabels: {team: shop}}}";
    let namespace = |team: &str| {
        format!("---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: shop, labels: {{team: {team}}}}}\n")
    };
    let named = "matchLabels: {kubernetes.io/metadata.name: shop}";
    let by_name = format!(", allowedNamespaces: {{from: Selector, selector: {{{named}}}}}");
    let cases = [
        ("", String::new(), Some(Level::Error)),
        (", allowedNamespaces: {from: All}", String::new(), None),
        (", allowedNamespaces: {from: Names, names: [shop]}", String::new(), None),
        (", allowedNamespaces: {from: Names, names: [other]}", String::new(), Some(Level::Error)),
        (labelled, String::new(), Some(Level::Warning)),
        (labelled, namespace("shop"), None),
        (labelled, namespace("other"), Some(Level::Error)),
        (&by_name, String::new(), None),
    ];
    for (says, more, expected) in cases {
        let found = of(&format!("{}{trigger}{more}", space(says)), true);
        let levels: Vec<(Level, Check)> = found.iter().map(|(level, check, ..)| (*level, *check)).collect();
        let expected: Vec<(Level, Check)> =
            expected.map(|level| (level, Check::Consent)).into_iter().collect();
        assert_eq!(levels, expected, "{says} {more} {found:?}");
    }
    // An account without a word is everybody's, and one with a word isn't, also for objects that don't name it.
    let account = |says: &str| {
        format!(
            "{OURS}kind: AWSAccount\nmetadata: {{name: default}}\nspec: {{region: us-east-1{says}}}\n---\n"
        )
    };
    let mine = format!("{OURS}kind: AgentSpace\nmetadata: {{name: s}}\nspec: {{name: S}}\n");
    assert_eq!(of(&format!("{}{mine}", account("")), true), []);
    let found = of(&format!("{}{mine}", account(", allowedNamespaces: {from: Names, names: [other]}")), true);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].3.contains("AWSAccount default doesn't allow the namespace shop"), "{found:?}");
}

#[test]
fn a_skill_is_read_wherever_the_files_have_it() {
    let skill = "---\nname: other\ndescription: x\n---\n";
    let encoded = STANDARD.encode(skill);
    let asset = |content: &str| {
        format!(
            "apiVersion: devopsagent.dev/v1alpha1\nkind: Asset\nmetadata: {{name: a, namespace: shop}}\nspec:\n  agentSpaceRef: \
             {{name: s}}\n  assetType: skill\n  metadata: {{name: one, description: x}}\n  content: {content}\n---\n\
             apiVersion: v1\nkind: Secret\nmetadata: {{name: i, namespace: shop}}\ndata: {{k: {encoded}, z: {}}}\n---\n\
             apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: i, namespace: shop}}\ndata: {{k: {skill:?}, SKILL.md: {skill:?}}}\n",
            STANDARD.encode(zipped(skill)),
        )
    };
    let file = |source: &str| format!("{{files: [{{path: SKILL.md, {source}}}]}}");
    let named = "its name is \"other\"";
    for (content, said) in [
        (file(&format!("text: {skill:?}")), named),
        (file(&format!("base64: {encoded}")), named),
        (file("configMapKeyRef: {name: i, key: k}"), named),
        (file("secretKeyRef: {name: i, key: k}"), named),
        ("{configMapRef: {name: i}}".to_owned(), named),
        ("{zip: {secretKeyRef: {name: i, key: z}}}".to_owned(), named),
        ("{zip: {secretKeyRef: {name: i, key: k}}}".to_owned(), "the archive can't be used"),
    ] {
        let found = of(&asset(&content), false);
        let skills: Vec<_> = found.iter().filter(|(_, check, ..)| *check == Check::Skill).collect();
        assert!(skills.len() == 1 && skills[0].3.contains(said), "{content}: {found:?}");
    }
}

fn zipped(skill: &str) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("SKILL.md", zip::write::SimpleFileOptions::default()).unwrap();
    std::io::Write::write_all(&mut zip, skill.as_bytes()).unwrap();
    zip.finish().unwrap().into_inner()
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
    assert_eq!((json["kind"].as_str(), json["summary"]["errors"].as_u64()), (Some("Validation"), Some(13)));
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
