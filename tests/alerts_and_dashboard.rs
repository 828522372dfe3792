//! Alerts and dashboard use only existing metrics and labels, and every alert is tested.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can not be set up has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use devops_agent_operator::metrics::table::{Row, TABLE, Type};
use regex::Regex;
use serde_json::Value;

/// What Prometheus adds to everything that it scrapes from a pod.
const TARGET: [&str; 4] = ["job", "instance", "pod", "le"];
/// Metrics of ours begin with one of these.
const NAME: &str =
    r"\b(?:devopsagent|controller_runtime|workqueue|rest_client|leader_election|process)_[a-z0-9_]+\b";

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn yaml(path: &Path) -> Value {
    serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn alerts() -> Vec<Value> {
    let rules = yaml(&file("charts/devops-agent-operator/files/alerts.yaml"));
    let groups = rules["groups"].as_array().unwrap().clone();
    groups.iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// Every query, with where it is.
fn queries() -> Vec<(String, String)> {
    let mut queries: Vec<_> =
        alerts().iter().map(|alert| (text(&alert["alert"]), text(&alert["expr"]))).collect();
    let dashboard = fs::read_to_string(file("charts/devops-agent-operator/files/dashboard.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&dashboard).unwrap();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            queries.push((format!("panel {}", text(&panel["title"])), text(&target["expr"])));
        }
    }
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        if let Some(query) = variable["definition"].as_str() {
            queries.push((format!("variable {}", text(&variable["name"])), query.to_owned()));
        }
    }
    queries
}

fn row(name: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| {
        let of_histogram = ["_bucket", "_sum", "_count"]
            .iter()
            .filter_map(|suffix| name.strip_suffix(suffix))
            .any(|base| row.kind == Type::Histogram && row.name == base);
        (row.name == name && row.kind != Type::Histogram) || of_histogram
    })
}

#[test]
fn alerts_and_dashboard_use_only_metrics_and_labels_that_exist() {
    let name = Regex::new(NAME).unwrap();
    let selector = Regex::new(r"([a-z_:]+)\{([^}]*)\}").unwrap();
    let label = Regex::new(r#"([a-z_]+)\s*(?:=~|!~|!=|=)\s*""#).unwrap();
    let mut used = BTreeSet::new();
    for (place, query) in queries() {
        for found in name.find_iter(&query) {
            let row = row(found.as_str());
            used.insert(row.unwrap_or_else(|| panic!("{place}: there is no {}", found.as_str())).name);
        }
        for found in selector.captures_iter(&query) {
            let row = row(&found[1]).unwrap_or_else(|| panic!("{place}: {} is not in the table", &found[1]));
            for label in label.captures_iter(&found[2]) {
                let known = row.labels.contains(&&label[1]) || TARGET.contains(&&label[1]);
                assert!(known, "{place}: {} has no label {}", row.name, &label[1]);
            }
        }
    }
    assert!(used.len() > 20, "queries are not read: {used:?}");
}

#[test]
fn every_alert_says_how_bad_it_is_what_it_means_and_where_to_read_on() {
    for alert in alerts() {
        let name = text(&alert["alert"]);
        assert!(["critical", "warning", "info"].contains(&&*text(&alert["labels"]["severity"])), "{name}");
        let annotations = &alert["annotations"];
        assert!(text(&annotations["summary"]).len() > 10 && text(&annotations["description"]).len() > 20);
        let page = format!("/runbooks/{}.html", name.to_lowercase());
        assert!(text(&annotations["runbook_url"]).ends_with(&page), "{name}");
    }
}

#[test]
fn every_alert_has_a_test_in_which_it_fires_and_one_in_which_it_does_not() {
    let mut tested: BTreeMap<String, BTreeSet<bool>> = BTreeMap::new();
    for entry in fs::read_dir(file("tests/alerts")).unwrap() {
        let tests = yaml(&entry.unwrap().path());
        for test in tests["tests"].as_array().unwrap() {
            for check in test["alert_rule_test"].as_array().unwrap() {
                let fires = check["exp_alerts"].as_array().is_some_and(|alerts| !alerts.is_empty());
                tested.entry(text(&check["alertname"])).or_default().insert(fires);
            }
        }
    }
    for alert in alerts() {
        let name = text(&alert["alert"]);
        assert_eq!(tested.remove(&name), Some(BTreeSet::from([false, true])), "{name}");
    }
    assert!(tested.is_empty(), "tests of alerts that are no more: {tested:?}");
}

#[test]
fn every_alert_of_objects_is_tested_with_their_names_and_with_their_number() {
    let mut tested: BTreeMap<String, BTreeSet<bool>> = BTreeMap::new();
    let tests = yaml(&file("tests/alerts/resources.yaml"));
    for test in tests["tests"].as_array().unwrap() {
        for check in test["alert_rule_test"].as_array().unwrap() {
            for alert in check["exp_alerts"].as_array().unwrap() {
                let named = alert["exp_labels"].get("name").is_some();
                tested.entry(text(&check["alertname"])).or_default().insert(named);
            }
        }
    }
    let of_objects = |alert: &Value| text(&alert["expr"]).contains("devopsagent_resource_problems{");
    let names: Vec<_> =
        alerts().iter().filter(|alert| of_objects(alert)).map(|alert| text(&alert["alert"])).collect();
    assert!(names.len() >= 5, "{names:?}");
    for name in names {
        assert_eq!(tested.get(&name), Some(&BTreeSet::from([false, true])), "{name}");
    }
}
