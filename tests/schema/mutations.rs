//! Proves that the walk can fail: each test spoils one thing, and the walk must find exactly that.

use serde_json::{Value, json};

use crate::walk::{Kind, compare};
use crate::{crds, model};

/// The schema at a dotted path below a kind's object, to be spoilt.
fn spoil(crds: &mut [Value], kind: &str, path: &str, change: impl FnOnce(&mut Value)) {
    let crd = crds.iter_mut().find(|crd| crd["spec"]["names"]["kind"] == kind).expect("the kind exists");
    let mut schema = &mut crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    for step in path.split('.') {
        schema = match step {
            "[]" => &mut schema["items"],
            "*" => &mut schema["additionalProperties"],
            name => &mut schema["properties"][name],
        };
        assert!(schema.is_object(), "{path} has no {step}");
    }
    change(schema);
}

/// Asserts that one change of one schema is reported, once, where it was made.
fn found(kind: &str, path: &str, expected: (&str, Kind), change: impl FnOnce(&mut Value)) {
    let mut crds = crds();
    spoil(&mut crds, kind, path, change);
    let reported: Vec<_> = compare(&model(), &crds)
        .unexplained
        .into_iter()
        .map(|difference| (difference.path, difference.kind))
        .collect();
    assert_eq!(reported, [(expected.0.to_owned(), expected.1)]);
}

fn remove(key: &'static str) -> impl FnOnce(&mut Value) {
    move |schema| {
        schema.as_object_mut().and_then(|schema| schema.remove(key)).expect("there is something to remove");
    }
}

fn set(key: &'static str, value: Value) -> impl FnOnce(&mut Value) {
    move |schema| schema[key] = value
}

const SLACK: &str = "spec.configuration.slack";
const WORKSPACE: &str = "Association.spec.configuration.slack.workspaceId";

#[test]
fn a_dropped_pattern_is_found() {
    let path = format!("{SLACK}.workspaceId");
    found("Association", &path, (WORKSPACE, Kind::Pattern), remove("pattern"));
}

#[test]
fn a_pattern_without_anchors_is_found() {
    let path = format!("{SLACK}.workspaceId");
    found("Association", &path, (WORKSPACE, Kind::Pattern), set("pattern", json!("[TE][A-Z0-9]+")));
}

#[test]
fn a_bound_that_is_looser_or_tighter_is_found() {
    let at = "ServiceRegistration.spec.name";
    found("ServiceRegistration", "spec.name", (at, Kind::Max(Some(256))), set("maxLength", json!(256)));
    found("ServiceRegistration", "spec.name", (at, Kind::Max(Some(254))), set("maxLength", json!(254)));
    found("ServiceRegistration", "spec.name", (at, Kind::Max(None)), remove("maxLength"));
    found("ServiceRegistration", "spec.name", (at, Kind::Min(None)), remove("minLength"));
}

#[test]
fn a_bound_that_the_model_lacks_is_found() {
    let path = "spec.configuration.github.repoName";
    let at = "Association.spec.configuration.github.repoName";
    found("Association", path, (at, Kind::Min(Some(1))), set("minLength", json!(1)));
}

#[test]
fn a_deliberate_bound_that_moved_is_found() {
    found(
        "Trigger",
        "spec.schedule.expression",
        ("Trigger.spec.schedule.expression", Kind::Max(Some(255))),
        set("maxLength", json!(255)),
    );
    found(
        "ServiceRegistration",
        "spec.tags",
        ("ServiceRegistration.spec.tags", Kind::Max(Some(50))),
        set("maxProperties", json!(50)),
    );
}

#[test]
fn a_range_of_numbers_that_is_looser_is_found() {
    let path = "spec.schedule.timeRange.recurrence.monthly.dayOfMonth";
    found("Trigger", path, (&format!("Trigger.{path}"), Kind::Max(Some(32))), set("maximum", json!(32)));
}

#[test]
fn a_list_of_other_size_is_found() {
    let path = "spec.mode.serviceManaged.subnetIds";
    let at = format!("PrivateConnection.{path}");
    found("PrivateConnection", path, (&at, Kind::Max(Some(21))), set("maxItems", json!(21)));
    found("PrivateConnection", path, (&at, Kind::Min(None)), remove("minItems"));
}

#[test]
fn an_enum_value_that_is_dropped_or_added_is_found() {
    let path = "spec.configuration.mcpserver.toolDetails.[].toolClassification";
    let at = "Association.spec.configuration.mcpserver.toolDetails[].toolClassification";
    let change = set("enum", json!(["READ_ONLY", "MUTATIVE"]));
    found("Association", path, (at, Kind::Enum), change);
    let change = set("enum", json!(["READ_ONLY", "MUTATIVE", "DESTRUCTIVE", "OTHER"]));
    found("Association", path, (at, Kind::Enum), change);
}

#[test]
fn a_member_that_is_dropped_is_found() {
    let path = "spec.service.gitlab";
    let at = "ServiceRegistration.spec.serviceDetails.gitlab.groupId";
    found("ServiceRegistration", path, (at, Kind::Absent), |schema| {
        schema["properties"].as_object_mut().and_then(|all| all.remove("groupId")).expect("it is there");
    });
}

#[test]
fn a_member_that_the_model_lacks_is_found() {
    let at = "ServiceRegistration.spec.serviceDetails.gitlab.other";
    found("ServiceRegistration", "spec.service.gitlab", (at, Kind::Extra), |schema| {
        schema["properties"]["other"] = json!({ "type": "string" });
    });
}

#[test]
fn a_member_that_is_no_longer_required_is_found() {
    let path = "spec.mode.serviceManaged";
    let at = "PrivateConnection.spec.mode.serviceManaged.vpcId";
    let change = set("required", json!(["hostAddress", "subnetIds"]));
    found("PrivateConnection", path, (at, Kind::NotRequired), change);
}

#[test]
fn a_member_that_is_newly_required_is_found() {
    let path = "spec.configuration.servicenow";
    let at = "Association.spec.configuration.servicenow.instanceId";
    found("Association", path, (at, Kind::Required), set("required", json!(["instanceId"])));
}

#[test]
fn another_type_is_found() {
    let at = "Association.spec.configuration.slack.bidirectional.enabled";
    found(
        "Association",
        &format!("{SLACK}.bidirectional.enabled"),
        (at, Kind::Type),
        set("type", json!("string")),
    );
}

#[test]
fn a_union_that_is_no_longer_exactly_one_is_found() {
    let path = "spec.schedule.timeRange.recurrence";
    let at = format!("Trigger.{path}");
    found("Trigger", path, (&at, Kind::Union), remove("x-kubernetes-validations"));
    found("Trigger", path, (&at, Kind::Union), remove("maxProperties"));
}

#[test]
fn a_credential_that_is_written_in_the_spec_is_found() {
    let path = "spec.service.gitlab.tokenValue";
    let at = "ServiceRegistration.spec.serviceDetails.gitlab.tokenValue";
    let mut crds = crds();
    spoil(&mut crds, "ServiceRegistration", path, |schema| {
        *schema = json!({ "type": "string", "pattern": "^(?:[a-zA-Z0-9._-]+)$", "description": "" });
    });
    let reported = compare(&model(), &crds).unexplained;
    assert!(reported.iter().any(|found| found.path == at && found.kind == Kind::Inline), "{reported:?}");
}

#[test]
fn a_check_of_a_maps_keys_that_is_dropped_is_found() {
    let path = "spec.service.mcpserversigv4.authorizationConfig.customHeaders";
    let at = "ServiceRegistration.spec.serviceDetails.mcpserversigv4.authorizationConfig.customHeaders";
    found("ServiceRegistration", path, (at, Kind::Keys), remove("x-kubernetes-validations"));
}

#[test]
fn a_key_of_a_map_of_known_keys_that_is_dropped_is_found() {
    let at = "Association.spec.capabilities.CODE_CHANGE_RISK_ANALYSIS";
    found("Association", "spec.capabilities", (at, Kind::Absent), |schema| {
        let keys = schema["properties"].as_object_mut().expect("there are keys");
        keys.remove("CODE_CHANGE_RISK_ANALYSIS").expect("it is there");
    });
}

#[test]
fn a_deprecated_member_that_does_not_say_so_is_found() {
    let path = "spec.configuration.github.runtimeRoleArn";
    let at = format!("Association.{path}");
    found("Association", path, (&at, Kind::Deprecated), set("description", json!("A role.")));
}

#[test]
fn an_entry_of_the_table_that_explains_nothing_is_found() {
    let mut crds = crds();
    spoil(&mut crds, "Association", "spec.configuration.mcpserver.tools", remove("maxItems"));
    let unused = compare(&model(), &crds).unused;
    let paths: Vec<&str> = unused.iter().map(|entry| entry.path).collect();
    assert_eq!(paths, ["**.mcpserver.tools"]);
}

#[test]
fn a_change_of_the_model_is_found() {
    let mut model = model();
    model["shapes"]["GitHubConfiguration"]["members"]["added"] = json!({ "shape": "String" });
    let reported: Vec<_> = compare(&model, &crds()).unexplained;
    let [only] = reported.as_slice() else { panic!("{reported:?}") };
    assert_eq!(
        (only.path.as_str(), only.kind),
        ("Association.spec.configuration.github.added", Kind::Absent)
    );
}
