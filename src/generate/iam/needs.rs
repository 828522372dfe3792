//! The least that one identity of the operator must be allowed, for the objects that there are: only the features that
//! they use, in the account and the regions where they are, and with the very roles and keys that they name.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::api::catalog;
use crate::reconcile::inputs::named::{self, Named};

use super::features::{CLUSTER, FEATURES, Part};
use super::policy::{self, ACCOUNT, Statement};

/// Where a role of the operator works.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The partition, such as `aws-cn`; `aws` if it isn't known.
    pub partition: Option<String>,
    /// The account number.
    pub account: Option<String>,
    /// The regions; empty if one of them isn't known.
    pub regions: BTreeSet<String>,
}

/// What an identity needs.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// The features, and whether only their reading part.
    features: BTreeMap<&'static str, bool>,
    passed: BTreeSet<String>,
    passes_any: bool,
    keys: BTreeSet<String>,
    assumed: BTreeSet<String>,
}

impl Needs {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.features.is_empty()
    }

    /// The names of the features; of those that are only read, with `(read)`.
    pub fn features(&self) -> Vec<String> {
        let shown = |(name, reads): (&&'static str, &bool)| {
            if *reads { format!("{name} (read)") } else { (*name).to_owned() }
        };
        self.features.iter().map(shown).collect()
    }

    fn add(&mut self, feature: &'static str, reads_only: bool) {
        let known = self.features.entry(feature).or_insert(reads_only);
        *known &= reads_only;
    }

    /// Assumes the role of an AWSAccount.
    pub fn add_assumed(&mut self, role: &str) {
        self.add("assume-role", false);
        self.assumed.insert(role.to_owned());
    }

    /// Checks the credentials of an AWSAccount.
    pub fn add_account(&mut self) {
        self.add("aws-account", false);
    }

    /// Denies changing what has no owner tag of this cluster.
    pub fn add_owner_tags(&mut self) {
        self.add("owner-tags", false);
    }

    /// What an object of `kind` needs; `observes` if it never changes its resource.
    pub fn add_object(&mut self, kind: &str, object: &Value, observes: bool) {
        let spec = &object["spec"];
        match kind {
            "AgentSpace" => {
                self.add("spaces", observes);
                let app = &spec["operatorApp"];
                // One that the spec no longer has is disabled.
                let enabled =
                    object["status"]["operatorAppFlows"].as_array().is_some_and(|flows| !flows.is_empty());
                if app.is_object() || enabled {
                    self.add("operator-app", observes);
                }
                if app["idc"].is_object() && !observes {
                    self.add("identity-center", false);
                }
            }
            "ServiceRegistration" => self.add("registrations", observes),
            "PrivateConnection" => self.add("private-connections", observes),
            "Association" => {
                self.add("associations", observes);
                self.add_configuration(spec, observes);
            }
            "Asset" => self.add("assets", observes),
            "Trigger" => self.add("triggers", observes),
            _ => return,
        }
        if spec["agentSpaceRef"].is_object() {
            // The owner of a space decides who may do something in it; its tags say who that is.
            self.add("spaces", true);
        }
        if !named::of(kind, spec, Named::PrivateConnection).is_empty() {
            self.add("private-connections", true);
        }
        if observes {
            return;
        }
        if ["AgentSpace", "ServiceRegistration", "Association"].contains(&kind) {
            self.passed.extend(named::of(kind, spec, Named::Role).iter().map(|role| role.value.to_owned()));
        }
        let keys = named::of(kind, spec, Named::KmsKey);
        if !keys.is_empty() {
            self.add("customer-key", false);
            self.keys.extend(keys.iter().map(|key| key.value.to_owned()));
        }
    }

    fn add_configuration(&mut self, spec: &Value, observes: bool) {
        let configuration = spec["configuration"].as_object().into_iter().flatten();
        for (key, _) in configuration {
            let row = catalog::CONFIGURATIONS.iter().find(|row| row.key == key);
            let ignored = spec["webhook"]["policy"] == "Ignore";
            if row.is_some_and(|row| row.webhook.is_some()) && !ignored && !observes {
                self.add("webhooks", false);
            }
            // AWS wants to see the right to pass any role, whichever it is.
            self.passes_any |= key == "sourceAws" && !observes;
        }
    }

    /// The policy document, as text. `cluster` is the cluster's id, for the owner tags.
    pub fn policy(&self, place: &Place, cluster: &str) -> String {
        let parts: Vec<Part> = FEATURES
            .iter()
            .filter_map(|feature| {
                let reads_only = *self.features.get(feature.name)?;
                Some(Part { feature, reads_only })
            })
            .collect();
        let mut statements = policy::statements(&parts);
        for statement in &mut statements {
            statement.resources = self.resources(statement, place);
        }
        statements.retain(|statement| !statement.resources.is_empty());
        let text = serde_json::to_string_pretty(&policy::document(&statements)).unwrap_or_default();
        let quoted = |text: &str| Value::from(text).to_string();
        text.replace(&quoted(CLUSTER), &quoted(cluster)) + "\n"
    }

    fn resources(&self, statement: &Statement, place: &Place) -> Vec<String> {
        let exact = |arns: &BTreeSet<String>| arns.iter().cloned().collect();
        let general = || statement.resources.iter().flat_map(|arn| place.arns(arn)).collect();
        let is = |action: &str| statement.actions.iter().any(|known| known == action);
        if is("iam:PassRole") {
            if self.passes_any { general() } else { exact(&self.passed_in(place)) }
        } else if is("sts:AssumeRole") {
            exact(&self.assumed)
        } else if is("kms:Decrypt") {
            exact(&self.keys)
        } else {
            general()
        }
    }

    /// A role can only be passed in its own account: the roles of other accounts are trusted by them.
    fn passed_in(&self, place: &Place) -> BTreeSet<String> {
        let is_here = |role: &&String| {
            place.account.as_deref().is_none_or(|account| role.split(':').nth(4) == Some(account))
        };
        self.passed.iter().filter(is_here).cloned().collect()
    }
}

impl Place {
    /// Where the role with this ARN is; the regions are for the caller to add.
    pub fn of_role(arn: &str) -> Self {
        let mut parts = arn.split(':').skip(1);
        let partition = parts.next().map(str::to_owned);
        Self { partition, account: parts.nth(2).map(str::to_owned), regions: BTreeSet::new() }
    }

    /// An ARN of the examples, with what is known of the place instead of what is not.
    fn arns(&self, arn: &str) -> Vec<String> {
        let mut parts: Vec<&str> = arn.splitn(6, ':').collect();
        if parts.len() < 6 {
            return vec![arn.to_owned()];
        }
        parts[1] = self.partition.as_deref().unwrap_or(parts[1]);
        if parts[4] == ACCOUNT {
            parts[4] = self.account.as_deref().unwrap_or("*");
        }
        if parts[3] != "*" || self.regions.is_empty() {
            return vec![parts.join(":")];
        }
        let in_region = |region: &String| [&parts[..3], &[region.as_str()], &parts[4..]].concat().join(":");
        self.regions.iter().map(in_region).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ROLE: &str = "arn:aws:iam::123456789012:role/app";
    const OTHER: &str = "arn:aws:iam::210987654321:role/space";

    fn needs(objects: &[(&str, Value, bool)]) -> Needs {
        let mut needs = Needs::default();
        for (kind, spec, observes) in objects {
            needs.add_object(kind, &json!({"spec": spec}), *observes);
        }
        needs
    }

    fn statements(needs: &Needs, place: &Place) -> BTreeMap<String, Value> {
        let policy: Value = serde_json::from_str(&needs.policy(place, "c-1")).unwrap();
        let statements = policy["Statement"].as_array().unwrap().iter();
        statements.map(|found| (found["Sid"].as_str().unwrap().to_owned(), found.clone())).collect()
    }

    fn here() -> Place {
        Place { regions: BTreeSet::from(["eu-central-1".to_owned()]), ..Place::of_role(ROLE) }
    }

    #[test]
    fn only_what_is_used_is_allowed_where_it_is() {
        let space = json!({"name": "a", "operatorApp": {"iam": {"roleArn": ROLE}}});
        let found = statements(&needs(&[("AgentSpace", space, false)]), &here());
        assert_eq!(
            found["AgentSpaces"]["Resource"],
            "arn:aws:aidevops:eu-central-1:123456789012:agentspace/*"
        );
        let actions = found["AgentSpaces"]["Action"].to_string();
        assert!(actions.contains("CreateAgentSpace") && actions.contains("EnableOperatorApp"));
        assert!(!actions.contains("AssociateService") && !actions.contains("CreateAsset"));
        assert_eq!(found["PassRolesToTheAgent"]["Resource"], ROLE);
        assert_eq!(found.keys().collect::<Vec<_>>(), ["AgentSpaces", "Find", "PassRolesToTheAgent"]);
        let nowhere = statements(&needs(&[("Trigger", json!({}), false)]), &Place::default());
        assert_eq!(nowhere["AgentSpaces"]["Resource"], "arn:aws:aidevops:*:*:agentspace/*");
    }

    #[test]
    fn roles_of_other_accounts_are_not_passed_and_one_configuration_wants_all() {
        let aws =
            json!({"agentSpaceRef": {"name": "a"}, "configuration": {"aws": {"assumableRoleArn": OTHER}}});
        assert!(
            !statements(&needs(&[("Association", aws, false)]), &here()).contains_key("PassRolesToTheAgent")
        );
        let source = json!({"configuration": {"sourceAws": {"assumableRoleArn": OTHER}}});
        let found = statements(&needs(&[("Association", source, false)]), &here());
        assert_eq!(found["PassRolesToTheAgent"]["Resource"], "arn:aws:iam::123456789012:role/*");
    }

    #[test]
    fn who_only_observes_may_only_read() {
        let key = "arn:aws:kms:eu-central-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef";
        let space = json!({"kmsKeyArn": key, "operatorApp": {"idc": {"roleArn": ROLE}}});
        let observed = statements(&needs(&[("AgentSpace", space.clone(), true)]), &here());
        assert_eq!(observed.keys().collect::<Vec<_>>(), ["AgentSpaces", "Find"]);
        assert!(!json!(observed).to_string().contains("Create"));
        let both = needs(&[("AgentSpace", space.clone(), true), ("AgentSpace", space, false)]);
        let managed = statements(&both, &here());
        assert_eq!(managed["CustomerKey"]["Resource"], key);
        assert!(managed.contains_key("IdentityCenterApplication"));
    }

    #[test]
    fn a_webhook_that_nobody_uses_is_not_read() {
        let with = json!({"configuration": {"eventChannel": {}}});
        let without = json!({"configuration": {"eventChannel": {}}, "webhook": {"policy": "Ignore"}});
        let reads =
            |spec: Value| needs(&[("Association", spec, false)]).features().contains(&"webhooks".to_owned());
        assert!(reads(with) && !reads(without));
    }

    #[test]
    fn every_feature_that_is_not_about_identities_can_be_needed() {
        let mut needs = needs(&[
            ("AgentSpace", json!({"operatorApp": {"idc": {}}, "kmsKeyArn": "k"}), false),
            ("ServiceRegistration", json!({}), false),
            ("PrivateConnection", json!({}), false),
            ("Association", json!({"configuration": {"eventChannel": {}}}), false),
            ("Asset", json!({}), false),
            ("Trigger", json!({}), false),
        ]);
        needs.add_assumed(ROLE);
        needs.add_account();
        needs.add_owner_tags();
        let mut names: Vec<&str> = FEATURES.iter().map(|feature| feature.name).collect();
        names.sort_unstable();
        assert_eq!(needs.features(), names);
        let policy = needs.policy(&here(), "c-1");
        assert!(policy.contains("c-1") && !policy.contains(CLUSTER) && policy.contains(ROLE));
    }
}
