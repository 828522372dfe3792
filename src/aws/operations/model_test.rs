//! Compares the operations with the service's own model: a difference fails.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::aws::client::redact::{SENSITIVE, Sent};
use crate::aws::client::response::Answer;
use crate::aws::{Binding, Operation, Plane, Repeat};
use crate::echo::Seen;

use super::*;

/// Creates without a token that the model doesn't call idempotent: calling them twice would create two.
const NEVER_REPEATED: [&str; 3] = ["RegisterService", "AssociateService", "EnableOperatorApp"];
/// Retried although the model has no mark: they describe the desired state, or delete.
const UNMARKED_BUT_SAFE: [&str; 5] = [
    "DeleteTrigger",
    "UpdateAgentSpace",
    "UpdateAssociation",
    "UpdateOperatorAppIdpConfig",
    "UpdatePrivateConnectionCertificate",
];
/// Sensitive in the model, but its parts have their own marks, and in other services it isn't secret.
const SENSITIVE_BY_PARTS: &str = "authorizationConfig";

fn model() -> Value {
    serde_json::from_str(include_str!("../../../simulator/model.json")).unwrap()
}

fn camel(member: &str) -> String {
    let mut words = member.trim_start_matches("r#").split('_');
    let first = words.next().unwrap().to_owned();
    words.fold(first, |name, word| name + &word[..1].to_uppercase() + &word[1..])
}

macro_rules! inputs {
    ($($name:ident),* $(,)?) => {
        BTreeMap::from([$((stringify!($name), (<$name as Operation>::BINDING, $name::MEMBERS))),*])
    };
}

fn operations() -> BTreeMap<&'static str, (Binding, &'static [&'static str])> {
    inputs![
        AssociateService,
        CreateAgentSpace,
        CreateAsset,
        CreateAssetFile,
        CreatePrivateConnection,
        CreateTrigger,
        DeleteAgentSpace,
        DeleteAsset,
        DeleteAssetFile,
        DeletePrivateConnection,
        DeleteTrigger,
        DeregisterService,
        DescribePrivateConnection,
        DisableOperatorApp,
        DisassociateService,
        EnableOperatorApp,
        GetAgentSpace,
        GetAsset,
        GetAssetContent,
        GetAssetFile,
        GetAssociation,
        GetOperatorApp,
        GetService,
        GetTrigger,
        ListAgentSpaces,
        ListAssetFiles,
        ListAssetTypes,
        ListAssetVersions,
        ListAssets,
        ListAssociations,
        ListPrivateConnections,
        ListServices,
        ListTagsForResource,
        ListTriggers,
        ListWebhooks,
        RegisterService,
        TagResource,
        UntagResource,
        UpdateAgentSpace,
        UpdateAsset,
        UpdateAssetFile,
        UpdateAssociation,
        UpdateOperatorAppIdpConfig,
        UpdatePrivateConnectionCertificate,
        UpdateTrigger,
        ValidateAwsAssociations,
    ]
}

#[test]
fn what_only_reads_is_known_by_its_name() {
    for (name, (binding, _)) in operations() {
        let reads = ["Get", "List", "Describe"].iter().any(|verb| name.starts_with(verb));
        assert_eq!(binding.reads, reads, "{name}");
    }
}

/// The model's members of a shape by their location in the request; `body` if it names none.
fn by_location(shape: &Value) -> BTreeMap<String, BTreeSet<(String, String)>> {
    let mut found: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
    for (name, member) in shape["members"].as_object().into_iter().flatten() {
        let location = member["location"].as_str().unwrap_or("body").to_owned();
        let wire = member["locationName"].as_str().unwrap_or(name).to_owned();
        found.entry(location).or_default().insert((name.clone(), wire));
    }
    found
}

/// What the binding makes of the members.
fn by_binding(binding: &Binding, members: &[&str]) -> BTreeMap<String, BTreeSet<(String, String)>> {
    let mut found: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
    for name in members.iter().map(|member| camel(member)) {
        let header = binding.headers.iter().find(|(member, _)| *member == name);
        let (location, wire) = if binding.labels().any(|(label, _)| label == name) {
            ("uri", name.clone())
        } else if binding.query.contains(&name.as_str()) {
            ("querystring", name.clone())
        } else if let Some((_, header)) = header {
            ("header", (*header).to_owned())
        } else {
            ("body", name.clone())
        };
        found.entry(location.to_owned()).or_default().insert((name, wire));
    }
    found
}

#[test]
fn every_operation_of_the_model_is_here_and_bound_as_it_says() {
    let model = model();
    let ours = operations();
    let names: BTreeSet<&str> = model["operations"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(ours.keys().copied().collect::<BTreeSet<_>>(), names);
    for (name, (binding, members)) in ours {
        let theirs = &model["operations"][name];
        assert_eq!(binding.name, name);
        assert_eq!(binding.method, theirs["http"]["method"], "{name}");
        assert_eq!(binding.path, theirs["http"]["requestUri"], "{name}");
        let prefix = match binding.plane {
            Plane::Control => "cp.",
            Plane::Data => "dp.",
        };
        assert_eq!(prefix, theirs["endpoint"]["hostPrefix"], "{name}");
        let input = theirs["input"]["shape"].as_str().map_or(&Value::Null, |shape| &model["shapes"][shape]);
        let expected = by_location(input);
        assert_eq!(by_binding(&binding, members), expected, "{name}");
        assert_eq!(binding.body, expected.contains_key("body"), "{name}");
    }
}

#[test]
fn only_what_is_safe_is_repeated() {
    let model = model();
    for (name, (binding, _)) in operations() {
        let theirs = &model["operations"][name];
        let input = &model["shapes"][theirs["input"]["shape"].as_str().unwrap_or_default()];
        let token = input["members"].as_object().into_iter().flatten();
        let token = token
            .filter(|(_, member)| member["idempotencyToken"] == true)
            .map(|(name, _)| name.as_str())
            .next();
        assert_eq!(binding.token, token, "{name}");
        let marked = theirs["idempotent"] == true || theirs["readonly"] == true || token.is_some();
        let safe = marked || UNMARKED_BUT_SAFE.contains(&name);
        assert_eq!(!safe, NEVER_REPEATED.contains(&name), "{name}");
        assert_eq!(binding.repeat == Repeat::Safe, safe, "{name}");
    }
}

macro_rules! outputs {
    ($($name:ident: $shape:literal),* $(,)?) => { [$((stringify!($name), $name::MEMBERS, $shape)),*] };
}

#[test]
fn every_member_of_an_answer_is_one_that_the_service_sends() {
    let model = model();
    let answers = model["operations"].as_object().unwrap();
    let shape_of = |operation: &str| answers[operation]["output"]["shape"].as_str().unwrap().to_owned();
    for (name, members, shape) in outputs![
        AdditionalStep: "AdditionalServiceRegistrationStep",
        AgentSpace: "AgentSpace",
        Asset: "Asset",
        AssetContentOutput: "GetAssetContent",
        AssetFile: "AssetFile",
        AssetFileOutput: "UpdateAssetFile",
        AssetOutput: "UpdateAsset",
        AssetTypeSummary: "AssetTypeSummary",
        AssetVersion: "AssetVersionMetadata",
        AssetZip: "AssetZipContent",
        AssociateServiceOutput: "AssociateService",
        Association: "Association",
        CreateAgentSpaceOutput: "CreateAgentSpace",
        GenericWebhook: "GenericWebhook",
        GetAgentSpaceOutput: "GetAgentSpace",
        GetAssociationOutput: "GetAssociation",
        GetServiceOutput: "GetService",
        IamFlow: "IamAuthConfiguration",
        IdcFlow: "IdcAuthConfiguration",
        IdpFlow: "IdpAuthConfiguration",
        ListAgentSpacesOutput: "ListAgentSpaces",
        ListAssetFilesOutput: "ListAssetFiles",
        ListAssetTypesOutput: "ListAssetTypes",
        ListAssetVersionsOutput: "ListAssetVersions",
        ListAssetsOutput: "ListAssets",
        ListAssociationsOutput: "ListAssociations",
        ListPrivateConnectionsOutput: "ListPrivateConnections",
        ListServicesOutput: "ListServices",
        ListTagsForResourceOutput: "ListTagsForResource",
        ListTriggersOutput: "ListTriggers",
        ListWebhooksOutput: "ListWebhooks",
        OAuthStep: "OAuthAdditionalStepDetails",
        OperatorApp: "GetOperatorApp",
        PrivateConnection: "DescribePrivateConnection",
        RegisterServiceOutput: "RegisterService",
        RegisteredService: "RegisteredService",
        Trigger: "Trigger",
        TriggerOutput: "UpdateTrigger",
        UpdateAgentSpaceOutput: "UpdateAgentSpace",
        UpdateAssociationOutput: "UpdateAssociation",
        Webhook: "Webhook",
    ] {
        let shape = if answers.contains_key(shape) { shape_of(shape) } else { shape.to_owned() };
        let theirs = model["shapes"][&shape]["members"].as_object();
        for member in members.iter().map(|member| camel(member)) {
            assert!(
                theirs.is_some_and(|theirs| theirs.contains_key(&member)),
                "{name}.{member} is not in {shape}"
            );
        }
    }
}

/// Sensitive members of responses, which no request has.
const ANSWERS_ONLY: [&str; 1] = ["webhookSecret"];

#[test]
fn every_sensitive_member_of_the_model_is_known() {
    let model = model();
    let shapes = model["shapes"].as_object().unwrap();
    let sensitive = |shape: &Value| {
        let shape = &shapes[shape["shape"].as_str().unwrap()];
        let value = shape["value"]["shape"].as_str().map_or(&Value::Null, |value| &shapes[value]);
        shape["sensitive"] == true || value["sensitive"] == true
    };
    for (name, shape) in shapes {
        for (member, target) in shape["members"].as_object().into_iter().flatten() {
            let covered = SENSITIVE.contains(&member.as_str())
                || member == SENSITIVE_BY_PARTS
                || ANSWERS_ONLY.contains(&member.as_str());
            assert!(!sensitive(target) || covered, "{name}.{member}");
        }
    }
}

/// Every body with one string in it that a shape allows, and whether that string is sensitive.
fn bodies(
    shapes: &Value,
    target: &Value,
    (sensitive, by_parts): (bool, bool),
    within: &[&str],
) -> Vec<(Value, bool)> {
    let name = target["shape"].as_str().unwrap();
    let shape = &shapes[name];
    let sensitive = sensitive || (shape["sensitive"] == true && !by_parts);
    if within.contains(&name) {
        return Vec::new();
    }
    let within = [within, &[name]].concat();
    let inner = |target: &Value, by_parts| bodies(shapes, target, (sensitive, by_parts), &within).into_iter();
    let wrap = |found: (Value, bool), name: &str| (json!({ name: found.0 }), found.1);
    match shape["type"].as_str().unwrap() {
        "string" | "blob" => vec![(json!(MARKER), sensitive)],
        "list" => inner(&shape["member"], false).map(|(item, is)| (json!([item]), is)).collect(),
        "map" => inner(&shape["value"], false).map(|found| wrap(found, "key")).collect(),
        "structure" => {
            let members = shape["members"].as_object().into_iter().flatten();
            let body = members.filter(|(_, member)| member["location"].is_null());
            body.flat_map(|(name, member)| {
                inner(member, name == SENSITIVE_BY_PARTS).map(|found| wrap(found, name)).collect::<Vec<_>>()
            })
            .collect()
        }
        _ => Vec::new(),
    }
}

const MARKER: &str = "marker-90ce-61f0";

#[test]
fn no_operation_is_quoted_with_a_sensitive_member_or_with_a_value_of_a_secret() {
    let model = model();
    let (read, unread) = (Seen::default(), Seen::default());
    read.add(MARKER.as_bytes());
    let mut walked = BTreeSet::new();
    for (name, (binding, _)) in operations() {
        let input = &model["operations"][name]["input"];
        if !binding.body || input.is_null() {
            continue;
        }
        for (body, sensitive) in bodies(&model["shapes"], input, (false, false), &[]) {
            let answer = Answer {
                status: 400,
                headers: http::HeaderMap::default(),
                body: json!({
                    "code": "ValidationException",
                    "message": "bad: marker-90ce",
                    "fieldList": [{"path": "/a", "message": MARKER}],
                })
                .to_string()
                .into_bytes(),
            };
            let body = body.to_string();
            let told = |seen| {
                let sent = Sent { body: body.as_bytes(), seen, credentials: None };
                answer.error(name, sent).to_string().contains("marker")
            };
            assert!(!told(&read), "{name}: {body} with a value of a Secret");
            if sensitive {
                assert!(!told(&unread), "{name}: {body}, which the model calls sensitive");
                walked.insert(name);
            }
        }
    }
    assert!(walked.contains("RegisterService") && walked.contains("EnableOperatorApp"), "{walked:?}");
}
