//! Configurations of associations: what identifies one, and where it differs from the spec. Pure.

use serde_json::{Value, json};

use crate::api::AssociationStatus;
use crate::api::association::Configuration;
use crate::api::standards::Standards;
use crate::engine::drift::{self, Change, Remedy};
use crate::wire;

use super::deployment;

/// Fields of a configuration that the model marks sensitive.
const SENSITIVE: &[&str] = &["customerEmail"];
/// Fields that AWS fills in where the spec has no word on them.
const DEFAULTED: &[&str] = &["bidirectional.enabled"];

/// What identifies an association within its space.
pub fn key(service_id: &str, configuration: &Value) -> Value {
    // What AWS calls the service of an organization is not documented: the configuration alone tells it apart.
    let service_id = Some(service_id).filter(|_| configuration.get(deployment::KEY).is_none());
    json!([service_id, natural(configuration)])
}

/// What identifies an association within its service and space: the configuration's key and natural key.
pub fn natural(configuration: &Value) -> Value {
    let normal = Standards::of("Association", "configuration").normal(configuration);
    let Some((key, settings)) = wire::variant(&normal) else { return Value::Null };
    let members: &[&str] = match key {
        "aws" | "sourceAws" => &["accountId", "accountType"],
        deployment::KEY => &["organizationalUnit/organizationalUnitId"],
        "github" => &["repoId", "instanceIdentifier"],
        "gitlab" => &["projectId", "instanceIdentifier"],
        "azure" => &["subscriptionId"],
        "azuredevops" => &["organizationName", "projectId"],
        "slack" => &["workspaceId"],
        "msteams" => &["teamId"],
        "releaseManagement" => &["name"],
        _ => &[],
    };
    let values: Vec<&Value> =
        members.iter().filter_map(|member| settings.pointer(&format!("/{member}"))).collect();
    json!([key, values])
}

/// Where the configuration differs from the one that is desired, which has this key.
pub fn compare(
    (wanted, desired): (&str, &Value),
    observed: &Value,
    status: &AssociationStatus,
) -> Vec<Change> {
    let Some((key, settings)) = wire::variant(observed) else {
        return vec![Change::hidden("configuration")];
    };
    if key != wanted {
        let change = Change::new("configuration", Some(key.into()), Some(wanted.into()));
        return vec![change.mended_by(Remedy::Replace)];
    }
    // Only what this version knows is compared: AWS adds members, and sets some itself.
    let known = serde_json::from_value::<Configuration>(observed.clone())
        .ok()
        .and_then(|known| serde_json::to_value(known).ok())
        .and_then(|mut known| known.get_mut(key).map(Value::take))
        .unwrap_or_else(|| settings.clone());
    let prefix = format!("configuration.{key}");
    let standards = Standards::of("Association", "configuration").member(key);
    drift::compare_as(standards, &prefix, &known, &desired[key])
        .into_iter()
        .filter(|change| {
            // AWS may list the accounts of a unit by itself; that is no drift unless a spec listed them before.
            let listed_by_aws = change.path == deployment::ACCOUNTS && status.accounts_listed != Some(true);
            let defaulted = listed_by_aws || DEFAULTED.iter().any(|path| change.path.ends_with(path));
            change.desired.is_some() || !defaulted
        })
        .map(|change| {
            let hidden = SENSITIVE.iter().any(|name| change.path.ends_with(name));
            if hidden { change.sensitive() } else { change }
        })
        .collect()
}

/// A capability that is left out is disabled, and so is one that says `enabled: false`.
pub fn compare_capabilities(desired: Option<&Value>, observed: Option<&Value>) -> Vec<Change> {
    let Some(desired) = desired else { return Vec::new() };
    let none = json!({});
    let normal = |value: &Value| {
        let members = value.as_object().into_iter().flatten().map(|(name, capability)| {
            let mut capability = capability.clone();
            if capability["enabled"].is_null() {
                capability["enabled"] = false.into();
            }
            (name.clone(), capability)
        });
        // One that is disabled and says nothing else is as good as none.
        Value::Object(members.filter(|(_, capability)| *capability != json!({ "enabled": false })).collect())
    };
    drift::compare("capabilities", &normal(observed.unwrap_or(&none)), &normal(desired))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(id: &str, accounts: &Value) -> Value {
        json!({"sourceAwsOrg": {
            "accountType": "source",
            "organizationalUnit": {"organizationalUnitId": id, "accountIds": accounts},
        }})
    }

    fn paths(desired: &Value, observed: &Value, status: &AssociationStatus) -> Vec<String> {
        compare((deployment::KEY, desired), observed, status).into_iter().map(|change| change.path).collect()
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
        assert_eq!(paths(&desired, &observed, &AssociationStatus::default()), Vec::<String>::new());
    }

    #[test]
    fn accounts_that_aws_lists_are_no_drift_and_those_that_the_spec_listed_are() {
        let (whole, listed) =
            (unit("r-ab12", &Value::Null), unit("r-ab12", &json!(["222222222222", "111111111111"])));
        let mut status = AssociationStatus::default();
        assert_eq!(paths(&whole, &listed, &status), Vec::<String>::new());
        let other = unit("r-ab12", &json!(["111111111111"]));
        assert_eq!(paths(&other, &listed, &status), [deployment::ACCOUNTS]);
        let turned = unit("r-ab12", &json!(["111111111111", "222222222222"]));
        assert_eq!(paths(&turned, &listed, &status), Vec::<String>::new(), "their order means nothing");
        status.accounts_listed = Some(true);
        assert_eq!(paths(&whole, &listed, &status), [deployment::ACCOUNTS]);
    }
}
