//! Writes the tables of tests, when asked to. What they say is read in review, and checked against `states.json`.

use std::fs;
use std::path::Path;
use std::sync::Once;

use serde_json::{Value, json};

use crate::argocd::{Customization, customizations, fixtures, timeless};

/// Writes `health_test.yaml`, `action_test.yaml` and the outputs of the actions, if the environment asks for it.
pub fn write_if_asked() {
    static ONCE: Once = Once::new();
    if std::env::var("DEVOPS_AGENT_WRITE_FIXTURES").is_ok_and(|value| value == "1") {
        ONCE.call_once(|| customizations().iter().for_each(write));
    }
}

fn write(one: &Customization) {
    let fixtures = fixtures(&one.kind);
    let tests: Vec<Value> = fixtures
        .iter()
        .map(|(state, object)| {
            json!({"inputPath": format!("testdata/{state}.yaml"), "healthStatus": one.health(object)})
        })
        .collect();
    save(&one.folder.join("health_test.yaml"), &json!({ "tests": tests }));
    let discovered: Vec<Value> = ["healthy", "suspended", "approval", "deleting", "webhook"]
        .into_iter()
        .filter_map(|state| {
            let object = fixtures.get(state)?;
            let path = format!("../testdata/{state}.yaml");
            Some(json!({"inputPath": path, "result": one.discover(object)}))
        })
        .collect();
    let mut tests = Vec::new();
    for action in one.actions() {
        let (from, to) = match action.as_str() {
            "reconcile" => ("healthy", "reconciled"),
            "pause" => ("healthy", "paused"),
            "resume" => ("suspended", "resumed"),
            "approve" => ("approval", "approved"),
            "rotate-webhook" => ("webhook", "rotated"),
            other => panic!("which test has the action {other}?"),
        };
        let output = format!("testdata/{to}.yaml");
        save(&one.folder.join("actions").join(&output), &timeless(one.run(&action, &fixtures[from])));
        let input = format!("../testdata/{from}.yaml");
        tests.push(json!({"action": action, "inputPath": input, "expectedOutputPath": output}));
    }
    let all = json!({"discoveryTests": discovered, "actionTests": tests});
    save(&one.folder.join("actions/action_test.yaml"), &all);
}

fn save(path: &Path, value: &Value) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, serde_saphyr::to_string(value).unwrap()).unwrap();
}
