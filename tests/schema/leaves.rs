//! Every string of every spec, and whether it names something outside the object: then a rule must govern it.
//!
//! A new field that is not in the table fails the test. Enum values name nothing, and need no row.

use std::collections::BTreeSet;

use devops_agent_operator::reconcile::graph::references;
use devops_agent_operator::reconcile::inputs::named::{self, Named};
use devops_agent_operator::reconcile::state::subject::Subject;
use serde_json::{Value, json};

use self::Leaf::{
    Administrator, AwsAccount, Consent, Document, InSpace, Key, Match, NaturalKey, Network, Plain, Reference,
    ReferencedNamespace, Say, SecretArn, Url,
};
use crate::crds;

/// What a string is, and what governs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaf {
    /// The name of an object of this kind: consent, by `allowedNamespaces`; Secrets and ConfigMaps only in the own
    /// namespace.
    Reference(&'static str),
    /// The namespace of a referenced object of this kind: consent.
    ReferencedNamespace(&'static str),
    /// A key in a referenced Secret or ConfigMap.
    Key,
    /// A role, key, id or AWS name: `namespacePolicies`, or the consent of the resource's owner.
    Say(Named),
    /// The properties of an existing resource: the consent of the resource's owner.
    Match,
    /// The name under which the object's own resource is found: the consent of its owner if it is another's.
    NaturalKey,
    /// Something in the object's own space: the consent of the space's owner.
    InSpace,
    /// Who may refer to the object: its owner says so.
    Consent,
    /// An address that AWS connects to, and never the operator; https only where the API knows a form.
    Url,
    /// Part of a network in the AWS account: what the operator's role may use. No rule by namespace.
    Network,
    /// The number of an AWS account: nothing happens there without a role that trusts AWS DevOps Agent.
    AwsAccount,
    /// A secret of AWS Secrets Manager: read by the agent with the space's role.
    SecretArn,
    /// A document of the API, passed on: ARNs in it are found by their form; ids are those of its own space.
    Document,
    /// Only an administrator of the cluster may write it.
    Administrator,
    /// Names nothing outside the object, or only something in the system that is connected.
    Plain,
}

/// Kinds, pointer below `spec`, and what is there. `|` separates alternatives, `*` is an item or a key, and `**` in front
/// any depth.
const LEAVES: &[(&str, &str, Leaf)] = &[
    ("AgentSpace|PrivateConnection|ServiceRegistration", "accountRef/name", Reference("AWSAccount")),
    ("Asset|Association|Trigger", "agentSpaceRef/name", Reference("AgentSpace")),
    ("Asset|Association|Trigger", "agentSpaceRef/namespace", ReferencedNamespace("AgentSpace")),
    ("Asset", "memoryStoreRef/name", Reference("Asset")),
    ("Asset", "memoryStoreRef/namespace", ReferencedNamespace("Asset")),
    ("Trigger", "assetRef/name", Reference("Asset")),
    ("Trigger", "assetRef/namespace", ReferencedNamespace("Asset")),
    ("Association", "serviceRef/name", Reference("ServiceRegistration")),
    ("Association", "serviceRef/namespace", ReferencedNamespace("ServiceRegistration")),
    (
        "Association",
        "configuration/github|gitlab/releaseManagementAssociationRef/name",
        Reference("Association"),
    ),
    (
        "Association",
        "configuration/github|gitlab/releaseManagementAssociationRef/namespace",
        ReferencedNamespace("Association"),
    ),
    (
        "Association|ServiceRegistration",
        "**/privateConnectionRef|targetUrlPrivateConnectionRef|exchangeUrlPrivateConnectionRef/name",
        Reference("PrivateConnection"),
    ),
    (
        "Association|ServiceRegistration",
        "**/privateConnectionRef|targetUrlPrivateConnectionRef|exchangeUrlPrivateConnectionRef/namespace",
        ReferencedNamespace("PrivateConnection"),
    ),
    ("*", "**/secretKeyRef|clientSecretRef/name", Reference("Secret")),
    ("*", "**/configMapKeyRef|configMapRef/name", Reference("ConfigMap")),
    ("*", "**/secretKeyRef|clientSecretRef|configMapKeyRef/key", Key),
    ("Association", "webhook/secretName", Reference("Secret")),
    // Roles and keys.
    ("AgentSpace", "operatorApp/iam|idc|idp/roleArn", Say(Named::Role)),
    ("Association", "configuration/aws|sourceAws/agentElevatedRoleArn|assumableRoleArn", Say(Named::Role)),
    ("Association", "configuration/aws/serviceManagementRoleArn", Say(Named::Role)),
    ("Association", "configuration/github|gitlab/runtimeRoleArn", Say(Named::Role)),
    ("Association", "configuration/slack|msteams/bidirectional/roleArn", Say(Named::Role)),
    (
        "Association",
        "configuration/releaseManagement/networkAccess/privateAccess/runtimeRoleArn",
        Say(Named::Role),
    ),
    ("ServiceRegistration", "service/azureidentity/webIdentityRoleArn", Say(Named::Role)),
    (
        "ServiceRegistration",
        "service/mcpserversigv4|remoteagentsigv4/authorizationConfig/roleArn",
        Say(Named::Role),
    ),
    ("ServiceRegistration", "service/mcpserversigv4/authorizationConfig/mcpRoleArn", Say(Named::Role)),
    ("AgentSpace|ServiceRegistration", "kmsKeyArn", Say(Named::KmsKey)),
    // Names and ids of AWS.
    (
        "AgentSpace|Asset|Association|PrivateConnection|ServiceRegistration|Trigger",
        "externalId",
        Say(Named::Own),
    ),
    ("ServiceRegistration", "existing/serviceId", Say(Named::Service)),
    ("ServiceRegistration", "existing/match/name|organizationName|owner|tenantId|workspaceId", Match),
    (
        "ServiceRegistration",
        "privateConnectionName|targetUrlPrivateConnectionName|exchangeUrlPrivateConnectionName",
        Say(Named::PrivateConnection),
    ),
    (
        "Association",
        "configuration/releaseManagement/networkAccess/privateAccess/privateConnectionName",
        Say(Named::PrivateConnection),
    ),
    ("Association", "configuration/github|gitlab/releaseManagementAssociationId", Say(Named::Association)),
    ("Asset", "metadata/memory_store_id", Say(Named::Asset)),
    ("AgentSpace|PrivateConnection|ServiceRegistration", "name", NaturalKey),
    ("Asset", "metadata/name", NaturalKey),
    ("Asset", "metadata/credentials_secret_arn", SecretArn),
    ("Asset", "metadata/memory_stores|skills/*", InSpace),
    // Documents of the API.
    ("Asset", "metadata", Document),
    ("Trigger", "action", Document),
    // Who may refer to the object.
    ("AgentSpace|AWSAccount|PrivateConnection|ServiceRegistration", "allowedNamespaces/names/*", Consent),
    (
        "AgentSpace|AWSAccount|PrivateConnection|ServiceRegistration",
        "allowedNamespaces/selector/matchLabels/*",
        Consent,
    ),
    (
        "AgentSpace|AWSAccount|PrivateConnection|ServiceRegistration",
        "allowedNamespaces/selector/matchExpressions/*/key|operator",
        Consent,
    ),
    (
        "AgentSpace|AWSAccount|PrivateConnection|ServiceRegistration",
        "allowedNamespaces/selector/matchExpressions/*/values/*",
        Consent,
    ),
    // The account: cluster-scoped.
    ("AWSAccount", "assumeRole/externalId|roleArn|sessionName", Administrator),
    ("AWSAccount", "endpoints/controlPlane|dataPlane", Administrator),
    ("AWSAccount", "region", Administrator),
    ("AWSAccount", "adoption/rules/*/name", Administrator),
    ("AWSAccount", "adoption/rules/*/resourceTags/*", Administrator),
    ("AWSAccount", "adoption/rules/*/namespaces/names/*", Administrator),
    ("AWSAccount", "adoption/rules/*/namespaces/selector/matchLabels/*", Administrator),
    ("AWSAccount", "adoption/rules/*/namespaces/selector/matchExpressions/*/key|operator", Administrator),
    ("AWSAccount", "adoption/rules/*/namespaces/selector/matchExpressions/*/values/*", Administrator),
    ("AWSAccount", "namespacePolicies/*/name", Administrator),
    ("AWSAccount", "namespacePolicies/*/roleArns|kmsKeyArns/*", Administrator),
    ("AWSAccount", "namespacePolicies/*/namespaces/names/*", Administrator),
    ("AWSAccount", "namespacePolicies/*/namespaces/selector/matchLabels/*", Administrator),
    ("AWSAccount", "namespacePolicies/*/namespaces/selector/matchExpressions/*/key|operator", Administrator),
    ("AWSAccount", "namespacePolicies/*/namespaces/selector/matchExpressions/*/values/*", Administrator),
    // What AWS connects to.
    ("AgentSpace", "operatorApp/idp/issuerUrl", Url),
    ("Asset", "content/sourceUrl", Url),
    ("Asset", "metadata/target_url", Url),
    ("Association", "configuration/mcpservergrafana|mcpservernewrelic/endpoint", Url),
    (
        "ServiceRegistration",
        "service/mcpserver|mcpserverdatadog|mcpservergrafana|mcpserversigv4|mcpserversplunk|remoteagent|remoteagentsigv4/endpoint",
        Url,
    ),
    ("ServiceRegistration", "service/gitlab/targetUrl", Url),
    ("ServiceRegistration", "service/servicenow/instanceUrl", Url),
    (
        "ServiceRegistration",
        "service/mcpserver|mcpservergrafana|mcpserversplunk/authorizationConfig/oAuth3LO/authorizationUrl|returnToEndpoint",
        Url,
    ),
    (
        "ServiceRegistration",
        "service/mcpserver|mcpservergrafana|mcpserversplunk|remoteagent/authorizationConfig/oAuth3LO|oAuthClientCredentials/exchangeUrl",
        Url,
    ),
    (
        "ServiceRegistration",
        "service/mcpserver|mcpserverdatadog|mcpservergrafana|mcpserversplunk/authorizationConfig/authorizationDiscovery/returnToEndpoint",
        Url,
    ),
    // Networks and accounts of AWS.
    ("PrivateConnection", "mode/selfManaged/resourceConfigurationId", Network),
    ("PrivateConnection", "mode/serviceManaged/hostAddress|vpcId", Network),
    ("PrivateConnection", "mode/serviceManaged/securityGroupIds|subnetIds/*", Network),
    ("Association", "configuration/aws|sourceAws/accountId", AwsAccount),
    ("Association", "configuration/sourceAwsOrg/organizationalUnit/organizationalUnitId", AwsAccount),
    ("Association", "configuration/sourceAwsOrg/organizationalUnit/accountIds/*", AwsAccount),
    // The identity centre that people sign in with: AWS takes only the account's own.
    ("AgentSpace", "operatorApp/idc/instanceArn", AwsAccount),
    // The rest.
    ("AgentSpace", "description|locale", Plain),
    ("AgentSpace", "operatorApp/idp/clientId|provider", Plain),
    ("AgentSpace|AWSAccount|PrivateConnection|ServiceRegistration", "tags/*", Plain),
    ("Asset", "assetType", Plain),
    ("Asset", "content/files/*/base64|path|text", Plain),
    ("Asset", "metadata/agent_type|description|extension|filename|skill_type|status|test_agent_type", Plain),
    ("Asset", "metadata/agent_types|test_personas/*", Plain),
    ("Asset", "metadata/tools/*", Plain),
    ("Association", "capabilities/*/triggerFilterGroups/*/targetBranches/patterns/*", Plain),
    ("Association", "configuration/azure/subscriptionId", Plain),
    ("Association", "configuration/azuredevops/organizationName|projectId|projectName", Plain),
    ("Association", "configuration/dynatrace/envId", Plain),
    ("Association", "configuration/dynatrace/resources/*", Plain),
    ("Association", "configuration/github/instanceIdentifier|owner|repoId|repoName", Plain),
    ("Association", "configuration/gitlab/instanceIdentifier|projectId|projectPath", Plain),
    ("Association", "configuration/mcpserver|mcpserversigv4/toolDetails/*/name", Plain),
    ("Association", "configuration/mcpserver|mcpservergrafana|mcpserversigv4/tools/*", Plain),
    ("Association", "configuration/mcpserverdatadog|mcpservergrafana/enabledElevatedTools/*/name", Plain),
    ("Association", "configuration/mcpservergrafana/organizationId", Plain),
    ("Association", "configuration/mcpservernewrelic/accountId", Plain),
    ("Association", "configuration/msteams/teamId|teamName", Plain),
    (
        "Association",
        "configuration/msteams|slack/transmissionTarget/opsOncallTarget|opsSRETarget/channelId|channelName",
        Plain,
    ),
    ("Association", "configuration/pagerduty/customerEmail", Plain),
    ("Association", "configuration/pagerduty/services/*", Plain),
    ("Association", "configuration/releaseManagement/name", Plain),
    ("Association", "configuration/servicenow/authScopes/*", Plain),
    ("Association", "configuration/servicenow/instanceId", Plain),
    ("Association", "configuration/slack/workspaceId|workspaceName", Plain),
    ("Association", "configuration/sourceAws/externalId", Plain),
    ("Association", "webhook/rotation", Plain),
    ("Association", "webhook/secretTemplate/annotations|data|labels/*", Plain),
    ("PrivateConnection", "mode/selfManaged|serviceManaged/certificate/value", Plain),
    ("PrivateConnection", "mode/serviceManaged/portRanges/*", Plain),
    ("ServiceRegistration", "service/azureidentity/clientId|tenantId", Plain),
    ("ServiceRegistration", "service/azureidentity/webIdentityTokenAudiences/*", Plain),
    ("ServiceRegistration", "service/dynatrace/accountUrn", Plain),
    ("ServiceRegistration", "service/gitlab/groupId", Plain),
    ("ServiceRegistration", "service/pagerduty/scopes/*", Plain),
    (
        "ServiceRegistration",
        "service/mcpserver|mcpserverdatadog|mcpservergrafana|mcpserversigv4|mcpserversplunk|remoteagent|remoteagentsigv4/description|name",
        Plain,
    ),
    (
        "ServiceRegistration",
        "service/*/authorizationConfig/oAuth3LO|oAuthClientCredentials/clientId|clientName",
        Plain,
    ),
    ("ServiceRegistration", "service/*/authorizationConfig/oAuth3LO|oAuthClientCredentials/scopes/*", Plain),
    ("ServiceRegistration", "service/*/authorizationConfig/apiKey/apiKeyHeader|apiKeyName", Plain),
    ("ServiceRegistration", "service/*/authorizationConfig/bearerToken/authorizationHeader|tokenName", Plain),
    ("ServiceRegistration", "service/mcpservernewrelic/authorizationConfig/apiKey/accountId", Plain),
    (
        "ServiceRegistration",
        "service/mcpservernewrelic/authorizationConfig/apiKey/alertPolicyIds|applicationIds|entityGuids/*",
        Plain,
    ),
    (
        "ServiceRegistration",
        "service/mcpserversigv4|remoteagentsigv4/authorizationConfig/region|service",
        Plain,
    ),
    ("Trigger", "schedule/expression", Plain),
    ("Trigger", "schedule/cron/expression", Plain),
    ("Trigger", "schedule/timeRange/startAfter|startBefore", Plain),
    ("Trigger", "type", Plain),
];

/// A string in a spec.
#[derive(Debug)]
struct Place {
    kind: &'static str,
    steps: Vec<String>,
    pattern: String,
    free: bool,
}

impl Place {
    fn name(&self) -> String {
        format!("{} {}", self.kind, self.steps.join("/"))
    }

    /// A spec in which `value` is here, and `beside` in the same object.
    fn spec(&self, value: &Value, beside: Option<(&str, &str)>) -> Value {
        let Some((last, parents)) = self.steps.split_last() else { return value.clone() };
        let mut inner = json!({ last: value });
        if let Some((name, text)) = beside {
            inner[name] = json!(text);
        }
        parents.iter().rev().fold(inner, |inner, step| json!({ step: inner }))
    }
}

fn collect(kind: &'static str, schema: &Value, steps: &[String], found: &mut Vec<Place>) {
    let free = schema["x-kubernetes-preserve-unknown-fields"] == true;
    if free || (schema["type"] == "string" && schema["enum"].is_null()) {
        let pattern = schema["pattern"].as_str().unwrap_or_default().to_owned();
        found.push(Place { kind, steps: steps.to_vec(), pattern, free });
    }
    let mut step = |name: &str, inner: &Value| {
        let steps: Vec<String> = steps.iter().cloned().chain([name.to_owned()]).collect();
        collect(kind, inner, &steps, found);
    };
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        step(name, property);
    }
    for inner in ["items", "additionalProperties"].map(|key| &schema[key]) {
        if inner.is_object() {
            step("*", inner);
        }
    }
}

/// All strings of all specs, and the documents that the schema leaves open.
fn places() -> Vec<Place> {
    let mut found = Vec::new();
    for crd in crds() {
        let named = crd["spec"]["names"]["kind"].as_str().expect("a CRD has a kind");
        let kind = devops_agent_operator::kinds::names().into_iter().find(|kind| *kind == named);
        let kind = kind.expect("the kind is one of ours");
        let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
        collect(kind, schema, &[], &mut found);
    }
    found
}

fn one_of(alternatives: &str, word: &str) -> bool {
    alternatives == "*" || alternatives.split('|').any(|alternative| alternative == word)
}

fn matches(kinds: &str, pattern: &str, place: &Place) -> bool {
    let steps: Vec<&str> = place.steps.iter().map(String::as_str).collect();
    let (pattern, steps) = match pattern.strip_prefix("**/") {
        Some(rest) => {
            let length = rest.split('/').count();
            (rest, steps.get(steps.len().saturating_sub(length)..).unwrap_or_default())
        }
        None => (pattern, &steps[..]),
    };
    let pattern: Vec<&str> = pattern.split('/').collect();
    one_of(kinds, place.kind)
        && pattern.len() == steps.len()
        && pattern.iter().zip(steps).all(|(pattern, step)| one_of(pattern, step))
}

/// The rows for a place.
fn rows(place: &Place) -> Vec<usize> {
    let row = |(index, (kinds, pattern, _)): (usize, &(&str, &str, Leaf))| {
        matches(kinds, pattern, place).then_some(index)
    };
    LEAVES.iter().enumerate().filter_map(row).collect()
}

#[test]
fn every_string_of_every_spec_is_classified_once() {
    let wrong: Vec<String> = places()
        .iter()
        .filter(|place| rows(place).len() != 1)
        .map(|place| format!("{}: rows {:?}", place.name(), rows(place)))
        .collect();
    assert!(
        wrong.is_empty(),
        "say in LEAVES what these name outside the object, and which rule governs that:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn every_row_is_needed() {
    let used: BTreeSet<usize> = places().iter().flat_map(rows).collect();
    let unused: Vec<_> =
        LEAVES.iter().enumerate().filter(|(index, _)| !used.contains(index)).map(|(_, row)| row).collect();
    assert!(unused.is_empty(), "{unused:#?}");
}

/// Whether the engine knows that this field names something of this sort.
fn is_known(place: &Place, leaf: Leaf) -> bool {
    let object = Subject::new(place.kind, "own", "object");
    let wanted = |subject: Subject, spec: &Value| references::of(&object, spec).contains(&subject);
    let own = |kind| if kind == "AWSAccount" { "" } else { "own" };
    match leaf {
        Reference(kind) => wanted(Subject::new(kind, own(kind), "there"), &place.spec(&json!("there"), None)),
        ReferencedNamespace(kind) => wanted(
            Subject::new(kind, "other", "there"),
            &place.spec(&json!("other"), Some(("name", "there"))),
        ),
        Say(what) => {
            let spec = place.spec(&json!("there"), None);
            named::of(place.kind, &spec, what).iter().any(|found| found.value == "there")
        }
        Document => {
            let role = "arn:aws:iam::123456789012:role/Elevated";
            let spec = place.spec(&json!({"deep": [{"inside": role}]}), None);
            named::of(place.kind, &spec, Named::Role).iter().any(|found| found.value == role)
        }
        _ => true,
    }
}

#[test]
fn the_engine_knows_every_field_that_names_something() {
    let unknown: Vec<String> = places()
        .iter()
        .filter(|place| rows(place).iter().any(|row| !is_known(place, LEAVES[*row].2)))
        .map(Place::name)
        .collect();
    assert!(
        unknown.is_empty(),
        "add them to reconcile::graph::references or reconcile::inputs::named:\n{}",
        unknown.join("\n")
    );
}

#[test]
fn every_field_that_the_engine_knows_is_in_the_crds() {
    let places = places();
    for (kind, pointer, what) in named::FIELDS {
        let found = places
            .iter()
            .find(|place| place.kind == *kind && format!("/{}", place.steps.join("/")) == *pointer)
            .unwrap_or_else(|| panic!("there is no {kind} {pointer}"));
        assert_eq!(LEAVES[rows(found)[0]].2, Say(*what), "{kind} {pointer}");
    }
    let documents: Vec<(&str, String)> = places
        .iter()
        .filter(|place| place.free)
        .map(|place| (place.kind, format!("/{}", place.steps.join("/"))))
        .collect();
    let known: Vec<(&str, String)> =
        named::DOCUMENTS.iter().map(|(kind, pointer)| (*kind, (*pointer).to_owned())).collect();
    assert_eq!(documents, known);
}

/// What a field is called, or must look like, can't belie its class.
#[test]
fn no_field_that_looks_like_a_name_is_called_plain() {
    for place in places() {
        let leaf = LEAVES[rows(&place)[0]].2;
        let name = place.steps.last().map(String::as_str).unwrap_or_default();
        let is_admins = leaf == Administrator;
        assert!(
            !place.pattern.contains(":iam::") || leaf == Say(Named::Role) || is_admins,
            "{}: a role",
            place.name()
        );
        assert!(!place.pattern.contains(":kms:") || leaf == Say(Named::KmsKey), "{}: a key", place.name());
        let looks = ["Arn", "_arn", "Url", "_url", "Ref", "ConnectionName", "Endpoint", "secretName"];
        assert!(!looks.iter().any(|end| name.ends_with(end)) || leaf != Plain, "{}", place.name());
        assert!(place.free == (leaf == Document), "{}", place.name());
    }
}

/// Secrets and ConfigMaps of other namespaces can't be named at all.
#[test]
fn inputs_are_only_of_the_own_namespace() {
    let places = places();
    for place in &places {
        let Reference("Secret" | "ConfigMap") = LEAVES[rows(place)[0]].2 else { continue };
        let parent = &place.steps[..place.steps.len() - 1];
        let namespace = places.iter().find(|other| {
            other.kind == place.kind
                && other.steps.starts_with(parent)
                && other.steps.last().is_some_and(|step| step == "namespace")
                && other.steps.len() == place.steps.len()
        });
        assert!(namespace.is_none(), "{}", place.name());
    }
}
