//! Configurations and capabilities of associations: what identifies one, where it differs from the spec, and what is sent.
//! An update replaces either as a whole, so what others set there has to be sent with it. What is peculiar about a
//! configuration is in the catalog. Pure.

use serde_json::{Map, Value, json};

use crate::api::association::AssociationSpec;
use crate::api::catalog::{self, ServiceOf};
use crate::api::standards::Standards;
use crate::document;
use crate::reconcile::state::drift::{self, Change, Drift, Remedy};

/// What identifies an association within its space.
pub fn key(service_id: &str, configuration: &Value) -> Value {
    let key = document::variant(configuration).map_or("", |(key, _)| key);
    // Whatever AWS calls the service, the configuration alone tells these apart.
    let is_assumed = matches!(catalog::configuration(key).service, ServiceOf::Assumed(_));
    json!([(!is_assumed).then_some(service_id), natural(configuration)])
}

/// What identifies an association within its service and space: the configuration's key and natural key.
pub fn natural(configuration: &Value) -> Value {
    let normal = Standards::of("Association", "configuration").normal(configuration);
    let Some((key, settings)) = document::variant(&normal) else { return Value::Null };
    let identity = catalog::configuration(key).identity;
    let values: Vec<&Value> = identity.iter().filter_map(|member| settings.pointer(member)).collect();
    json!([key, values])
}

/// The part of a spec that is AWS's, with the fields that references fill.
pub fn of(spec: &AssociationSpec) -> Value {
    let mut configuration = json!(spec.configuration);
    let row = spec.configuration.row();
    for reference in row.references {
        if let Some(part) = configuration[row.key].pointer_mut(reference.at)
            && document::take(part, reference.field).is_some()
        {
            part[reference.fills] = "".into();
        }
    }
    json!({ "configuration": configuration, "capabilities": spec.capabilities })
}

/// Where the configuration `key` differs in what the spec sets.
pub fn compare(key: &str, desired: &Value, observed: &Value) -> Vec<Change> {
    let Some((found, settings)) = document::variant(observed) else {
        return vec![Change::hidden("configuration")];
    };
    if found != key {
        let change = Change::new("configuration", Some(found.into()), Some(key.into()));
        return vec![change.fixed_by(Remedy::Replace)];
    }
    let standards = Standards::of("Association", "configuration").member(key);
    let place = format!("configuration.{key}");
    let sensitive = catalog::configuration(key).sensitive;
    let is_sensitive = |change: &Change| {
        let member = change.path.strip_prefix(&place).unwrap_or_default().replace('.', "/");
        sensitive.contains(&member.as_str())
    };
    drift::compare_set(standards, &place, settings, &desired[key])
        .into_iter()
        .map(|change| if is_sensitive(&change) { change.sensitive() } else { change })
        .collect()
}

/// Whether the value at `pointer` of a spec with this configuration is sensitive.
pub fn conceals(key: &str, pointer: &str) -> bool {
    let Some(within) = pointer.strip_prefix(&format!("/configuration/{key}")) else { return false };
    catalog::configuration(key).sensitive.iter().any(|hidden| within.starts_with(hidden))
}

/// Where the capabilities differ in what the spec sets. One that AWS doesn't show is disabled.
pub fn compare_capabilities(desired: Option<&Value>, observed: Option<&Value>) -> Vec<Change> {
    let Some(desired) = desired else { return Vec::new() };
    let mut changes =
        drift::compare_set(Standards::NONE, "capabilities", observed.unwrap_or(&Value::Null), desired);
    changes.retain(|change| change.observed.is_some() || change.desired != Some(false.into()));
    changes
}

/// The configuration to send: what the spec sets, plus what others set, without what the spec dropped.
pub fn configuration(desired: &Value, observed: &Value, drift: &Drift) -> Value {
    // What others set was for something else.
    if is_of_another(desired, observed) {
        return desired.clone();
    }
    let mut sent = observed.clone();
    remove_output(&mut sent);
    // Below the key; a part in which the spec no longer sets anything is removed as a whole.
    remove_dropped(&mut sent, "configuration", 2, desired, drift);
    overlay(&mut sent, desired);
    for settings in sent.as_object_mut().into_iter().flat_map(Map::values_mut) {
        drop_other_tools(settings, desired);
    }
    sent
}

/// Removes what only AWS sets.
pub fn remove_output(configuration: &mut Value) {
    for (key, settings) in configuration.as_object_mut().into_iter().flatten() {
        for member in catalog::configuration(key).output_only {
            remove(settings, member);
        }
    }
}

/// Whether the spec sets another account, repository or workspace than AWS has.
fn is_of_another(desired: &Value, observed: &Value) -> bool {
    let standards = Standards::of("Association", "configuration");
    let (desired, observed) = (standards.normal(desired), standards.normal(observed));
    let Some((key, settings)) = document::variant(&desired) else { return true };
    catalog::configuration(key).identity.iter().any(|member| {
        settings.pointer(member).is_some_and(|wanted| observed[key].pointer(member) != Some(wanted))
    })
}

/// Removes the member at `pointer`, in which `*` is any item of a list.
fn remove(value: &mut Value, pointer: &str) {
    let Some((step, rest)) = pointer.trim_start_matches('/').split_once('/') else {
        document::take(value, pointer.trim_start_matches('/'));
        return;
    };
    match value {
        Value::Array(items) if step == "*" => items.iter_mut().for_each(|item| remove(item, rest)),
        Value::Object(members) => members.get_mut(step).into_iter().for_each(|member| remove(member, rest)),
        _ => {}
    }
}

/// The capabilities to send, in the same way; none if the spec doesn't mention them and never did.
pub fn capabilities(desired: Option<&Value>, observed: Option<&Value>, drift: &Drift) -> Option<Value> {
    if desired.is_none() && !drift.touches("capabilities") {
        return None;
    }
    let none = json!({});
    let desired = desired.unwrap_or(&none);
    let mut sent = observed.cloned().unwrap_or_else(|| json!({}));
    remove_dropped(&mut sent, "capabilities", 1, desired, drift);
    overlay(&mut sent, desired);
    Some(sent)
}

/// Removes from `sent` what the spec dropped from its member `part`: with each field, the largest part around it, more
/// than `depth` members deep, in which `desired` has nothing.
fn remove_dropped(sent: &mut Value, part: &str, depth: usize, desired: &Value, drift: &Drift) {
    for pointer in drift.0.iter().filter_map(|change| change.dropped.as_deref()) {
        let Some(mut pointer) = pointer.strip_prefix('/').and_then(|rest| rest.strip_prefix(part)) else {
            continue;
        };
        while let Some((above, _)) = pointer.rsplit_once('/')
            && above.matches('/').count() >= depth
            && desired.pointer(above).is_none()
        {
            pointer = above;
        }
        let Some((above, key)) = pointer.rsplit_once('/') else { continue };
        if let Some(above) = sent.pointer_mut(above) {
            document::take(above, key);
        }
    }
}

/// Overwrites with what `desired` sets; lists are replaced as a whole.
fn overlay(sent: &mut Value, desired: &Value) {
    match (sent, desired) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in new {
                overlay(old.entry(key).or_insert(Value::Null), value);
            }
        }
        (_, Value::Null) => {}
        (sent, desired) => sent.clone_from(desired),
    }
}

/// `toolDetails` that the spec doesn't set name the earlier tools.
fn drop_other_tools(settings: &mut Value, desired: &Value) {
    let names = |list: &Value, of: fn(&Value) -> &Value| {
        let mut names: Vec<String> =
            list.as_array().into_iter().flatten().map(|item| of(item).to_string()).collect();
        names.sort();
        names
    };
    let is_set = document::variant(desired).is_some_and(|(_, desired)| desired.get("toolDetails").is_some());
    let details = &settings["toolDetails"];
    if is_set
        || details.is_null()
        || names(details, |item| &item["name"]) == names(&settings["tools"], |item| item)
    {
        return;
    }
    document::take(settings, "toolDetails");
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::123456789012:role/a";

    fn dropped(pointer: &str) -> Change {
        let path = pointer.trim_start_matches('/').replace('/', ".");
        Change { dropped: Some(pointer.to_owned()), ..Change::hidden(path) }
    }

    #[test]
    fn what_others_set_is_neither_compared_nor_lost_with_an_update() {
        let observed = json!({ "aws": {
            "accountId": "123456789012", "assumableRoleArn": ROLE, "agentElevatedRoleArn": "theirs",
            "agentElevatedRoleArnStatus": "valid",
        } });
        let mut desired = json!({ "aws": { "accountId": "123456789012", "assumableRoleArn": ROLE } });
        assert!(compare("aws", &desired, &observed).is_empty());
        desired["aws"]["assumableRoleArn"] = "other".into();
        let changes = compare("aws", &desired, &observed);
        assert_eq!(Drift(changes.clone()).paths(), ["configuration.aws.assumableRoleArn"]);
        let sent = configuration(&desired, &observed, &Drift(changes));
        desired["aws"]["agentElevatedRoleArn"] = "theirs".into();
        assert_eq!(sent, desired);
    }

    #[test]
    fn of_another_account_nothing_is_carried_over() {
        let observed = json!({ "aws": { "accountId": "1", "agentElevatedRoleArn": "theirs" } });
        let desired = json!({ "aws": { "accountId": "2" } });
        assert_eq!(configuration(&desired, &observed, &Drift::default()), desired);
    }

    #[test]
    fn what_identifies_it_is_dropped_and_left_alone_like_any_other_field() {
        let observed =
            json!({ "github": { "repoId": "1", "instanceIdentifier": "ghes", "runtimeRoleArn": ROLE } });
        let desired = json!({ "github": { "repoId": "1" } });
        assert_eq!(configuration(&desired, &observed, &Drift::default()), observed);
        let drift = Drift(vec![dropped("/configuration/github/instanceIdentifier")]);
        let left = json!({ "github": { "repoId": "1", "runtimeRoleArn": ROLE } });
        assert_eq!(configuration(&desired, &observed, &drift), left);
    }

    #[test]
    fn what_is_dropped_goes_with_what_can_not_be_without_it() {
        let observed = json!({ "slack": {
            "workspaceId": "T1", "bidirectional": { "roleArn": ROLE, "enabled": true },
            "transmissionTarget": { "opsOncallTarget": { "channelId": "C1", "channelName": "a" } },
        } });
        let desired = json!({ "slack": {
            "workspaceId": "T1", "transmissionTarget": { "opsOncallTarget": { "channelId": "C1" } },
        } });
        let drift = Drift(vec![
            dropped("/configuration/slack/bidirectional/roleArn"),
            dropped("/configuration/slack/transmissionTarget/opsOncallTarget/channelName"),
        ]);
        assert_eq!(configuration(&desired, &observed, &drift), desired);
    }

    #[test]
    fn tool_details_of_other_tools_are_not_sent() {
        let observed = json!({ "mcpserver": { "tools": ["a"], "toolDetails": [{ "name": "a" }] } });
        let other = json!({ "mcpserver": { "tools": ["b"] } });
        assert_eq!(configuration(&other, &observed, &Drift::default()), other);
        let same = json!({ "mcpserver": { "tools": ["a"] } });
        assert_eq!(configuration(&same, &observed, &Drift::default()), observed);
    }

    #[test]
    fn a_capability_is_dropped_by_itself() {
        let observed = json!({ "MINE": { "enabled": true }, "THEIRS": { "enabled": true } });
        assert!(
            compare_capabilities(Some(&json!({ "MINE": { "enabled": true } })), Some(&observed)).is_empty()
        );
        let drift = Drift(vec![dropped("/capabilities/MINE/enabled")]);
        assert_eq!(
            capabilities(None, Some(&observed), &drift),
            Some(json!({ "THEIRS": { "enabled": true } }))
        );
        assert_eq!(capabilities(None, Some(&observed), &Drift::default()), None);
    }

    #[test]
    fn a_capability_that_is_not_there_is_disabled() {
        let off = json!({ "MINE": { "enabled": false } });
        assert!(compare_capabilities(Some(&off), None).is_empty());
        let on = json!({ "MINE": { "enabled": true } });
        assert_eq!(Drift(compare_capabilities(Some(&on), None)).paths(), ["capabilities.MINE.enabled"]);
    }

    fn unit(id: &str, accounts: &Value) -> Value {
        json!({"sourceAwsOrg": {
            "accountType": "source",
            "organizationalUnit": {"organizationalUnitId": id, "accountIds": accounts},
        }})
    }

    fn paths(desired: &Value, observed: &Value) -> Vec<String> {
        compare("sourceAwsOrg", desired, observed).into_iter().map(|change| change.path).collect()
    }

    #[test]
    fn an_organization_is_the_same_whatever_aws_calls_its_service() {
        let one = unit("r-ab12", &Value::Null);
        assert_eq!(key("aws", &one), key("aws-organization", &unit("r-ab12", &json!(["111111111111"]))));
        assert_ne!(key("aws", &one), key("aws", &unit("ou-ab12-c3d4e5f6", &Value::Null)));
        let account = json!({"sourceAws": {"accountId": "111111111111"}});
        assert_ne!(key("aws", &account), key("other", &account));
    }

    #[test]
    fn the_deployment_is_no_drift() {
        let mut observed = unit("r-ab12", &Value::Null);
        observed["sourceAwsOrg"]["deploymentState"] = json!({"deployedAccountCount": 3});
        let desired = unit("r-ab12", &Value::Null);
        assert_eq!(paths(&desired, &observed), Vec::<String>::new());
    }

    #[test]
    fn accounts_that_aws_lists_are_no_drift() {
        let listed = unit("r-ab12", &json!(["222222222222", "111111111111"]));
        let whole = json!({"sourceAwsOrg": {"organizationalUnit": {"organizationalUnitId": "r-ab12"}}});
        assert_eq!(paths(&whole, &listed), Vec::<String>::new());
        let accounts = "configuration.sourceAwsOrg.organizationalUnit.accountIds";
        assert_eq!(paths(&unit("r-ab12", &json!(["111111111111"])), &listed), [accounts]);
        let turned = unit("r-ab12", &json!(["111111111111", "222222222222"]));
        assert_eq!(paths(&turned, &listed), Vec::<String>::new(), "their order means nothing");
        let drift = Drift(vec![dropped("/configuration/sourceAwsOrg/organizationalUnit/accountIds")]);
        assert_eq!(
            configuration(&whole, &listed, &drift)["sourceAwsOrg"]["organizationalUnit"],
            whole["sourceAwsOrg"]["organizationalUnit"]
        );
    }
}
