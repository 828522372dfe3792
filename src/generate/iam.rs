//! The IAM policies that the operator needs, generated from the operations that it calls.
//!
//! [`features::FEATURES`] says which feature calls what, [`statement::AUTHORIZATION`] on which resources AWS
//! authorises it, and [`policy`] and [`terraform`] write that down. [`needs`] finds out which features objects use.

mod features;
pub mod needs;
mod policy;
mod statement;
mod terraform;

#[cfg(test)]
mod source_test;

use std::fmt::Write;

use self::features::Effect;
pub use self::features::{ALL, OBSERVE};
pub use self::terraform::terraform;

/// The available policies: one file each in `docs/iam/`.
pub fn names() -> impl Iterator<Item = &'static str> {
    [ALL, OBSERVE].into_iter().chain(features::FEATURES.iter().map(|feature| feature.name))
}

/// The combined policy of all `names`, as JSON; of `all`, if there are none.
pub fn json(names: &[String]) -> Result<String, Unknown> {
    let statements = policy::statements(&chosen(names)?);
    Ok(serde_json::to_string_pretty(&policy::document(&statements)).unwrap_or_default() + "\n")
}

/// The features with what they call, as a Markdown table.
pub fn table() -> String {
    let mut text = String::from("| policy | for | actions |\n| --- | --- | --- |\n");
    for name in names() {
        let Ok(parts) = features::named(name) else { continue };
        let allowed = policy::statements(&parts).into_iter().filter(|part| part.effect == Effect::Allow);
        let mut actions: Vec<String> = allowed.flat_map(|statement| statement.actions).collect();
        actions.sort_unstable();
        actions.dedup();
        let actions = match name {
            ALL | OBSERVE => format!("{} actions", actions.len()),
            _ if actions.is_empty() => "none: it only denies".to_owned(),
            _ => actions.iter().map(|action| format!("`{action}`")).collect::<Vec<_>>().join(", "),
        };
        let optional = if features::is_optional(name) { " (optional)" } else { "" };
        let what = features::what(name);
        let file = format!(
            "https://github.com/devops-agent-operator/devops-agent-operator/blob/main/docs/iam/{name}.json"
        );
        let _ = writeln!(text, "| [`{name}`]({file}){optional} | {what} | {actions} |");
    }
    text
}

/// There is no policy of this name.
#[derive(Debug, thiserror::Error)]
#[error("there is no policy `{0}`; `devops-agent-operator iam --list` lists them all")]
pub struct Unknown(String);

fn chosen(names: &[String]) -> Result<Vec<features::Part>, Unknown> {
    if names.is_empty() {
        return features::named(ALL);
    }
    let parts: Result<Vec<_>, _> = names.iter().map(|name| features::named(name)).collect();
    Ok(parts?.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_fits_into_a_managed_policy() {
        for name in names() {
            let text = json(&[name.to_owned()]).unwrap();
            let size = text.chars().filter(|character| !character.is_whitespace()).count();
            assert!(size <= 6144, "{name}: {size} characters, and IAM allows 6144");
        }
    }

    #[test]
    fn policies_can_be_combined_and_a_misspelt_one_is_refused() {
        let both = json(&["triggers".to_owned(), "assets".to_owned()]).unwrap();
        assert!(both.contains("aidevops:CreateTrigger") && both.contains("aidevops:CreateAsset"));
        assert!(json(&["trigger".to_owned()]).is_err());
    }

    #[test]
    fn what_aws_does_on_our_behalf_is_bound_to_its_service() {
        let policy =
            json(&["private-connections", "customer-key", "operator-app"].map(str::to_owned)).unwrap();
        let policy: serde_json::Value = serde_json::from_str(&policy).unwrap();
        let mut bound = 0;
        for statement in policy["Statement"].as_array().unwrap() {
            let actions = statement["Action"].to_string();
            for (action, operator, key) in [
                ("iam:CreateServiceLinkedRole", "StringEquals", "iam:AWSServiceName"),
                ("iam:PassRole", "StringEquals", "iam:PassedToService"),
                ("kms:", "StringLike", "kms:ViaService"),
            ] {
                if actions.contains(action) {
                    let services = statement["Condition"][operator][key].to_string();
                    assert!(services.contains("aidevops."), "{statement}");
                    assert!(!actions.contains("aidevops:"), "{statement}");
                    bound += 1;
                }
            }
        }
        assert_eq!(bound, 3);
    }

    #[test]
    fn owner_tags_are_asked_for_by_every_operation_that_changes_something() {
        let policy: serde_json::Value =
            serde_json::from_str(&json(&["owner-tags".to_owned()]).unwrap()).unwrap();
        let statements = policy["Statement"].as_array().unwrap();
        let mut denied: Vec<&str> = Vec::new();
        for statement in statements {
            assert_eq!(statement["Effect"], "Deny");
            let conditions = statement["Condition"]["StringNotEquals"].as_object().unwrap();
            let key = conditions.keys().next().unwrap();
            assert!(
                key.ends_with(&format!("Tag/{}", crate::reconcile::state::ownership::CLUSTER_TAG)),
                "{key}"
            );
            denied
                .extend(statement["Action"].as_array().unwrap().iter().filter_map(|action| action.as_str()));
        }
        denied.sort_unstable();
        let mut writes: Vec<String> = statement::AUTHORIZATION
            .iter()
            .filter(|(_, access, _)| *access == statement::Access::Write)
            // It starts a check of existing associations.
            .filter(|(name, ..)| *name != "ValidateAwsAssociations")
            .map(|(name, ..)| format!("aidevops:{name}"))
            .collect();
        writes.sort_unstable();
        assert_eq!(denied, writes);
    }

    #[test]
    fn to_observe_needs_only_actions_that_read() {
        let observe = json(&[OBSERVE.to_owned()]).unwrap();
        let policy: serde_json::Value = serde_json::from_str(&observe).unwrap();
        for action in
            policy["Statement"].as_array().unwrap().iter().flat_map(|s| s["Action"].as_array().unwrap())
        {
            let action = action.as_str().unwrap().strip_prefix("aidevops:").unwrap();
            assert!(["Get", "List", "Describe"].iter().any(|verb| action.starts_with(verb)), "{action}");
        }
    }
}
