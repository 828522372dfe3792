//! What a spec names in AWS directly, without a reference: roles, KMS keys, names and ids. Each needs someone's
//! consent.
//!
//! [`references`](crate::reconcile::graph::references) has what a spec names in the cluster. The test `schema::leaves` holds both tables
//! against the CRDs: every string of every spec is in one of them, or is known to name nothing.

use serde_json::Value;

/// What a field names in AWS, which determines who must consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// The ARN of an IAM role: `namespacePolicies.roleArns` of the AWSAccount.
    Role,
    /// The ARN of a KMS key: `namespacePolicies.kmsKeyArns` of the AWSAccount.
    KmsKey,
    /// The id of the object's own resource, `externalId`: the resource's owner.
    Own,
    /// The id of a registered service: the service's owner.
    Service,
    /// The AWS name of a private connection: the connection's owner.
    PrivateConnection,
    /// The id of an association: the owner of its space.
    Association,
    /// The id of an asset in the object's own space: the owner of the space.
    Asset,
}

/// Kind, JSON pointer below `spec` (`*` means every item or key), and what is named there.
pub const FIELDS: &[(&str, &str, Named)] = &[
    ("AgentSpace", "/externalId", Named::Own),
    ("AgentSpace", "/kmsKeyArn", Named::KmsKey),
    ("AgentSpace", "/operatorApp/iam/roleArn", Named::Role),
    ("AgentSpace", "/operatorApp/idc/roleArn", Named::Role),
    ("AgentSpace", "/operatorApp/idp/roleArn", Named::Role),
    ("Asset", "/externalId", Named::Own),
    ("Asset", "/metadata/memory_store_id", Named::Asset),
    ("Association", "/externalId", Named::Own),
    ("Association", "/configuration/aws/agentElevatedRoleArn", Named::Role),
    ("Association", "/configuration/aws/assumableRoleArn", Named::Role),
    ("Association", "/configuration/aws/serviceManagementRoleArn", Named::Role),
    ("Association", "/configuration/github/releaseManagementAssociationId", Named::Association),
    ("Association", "/configuration/github/runtimeRoleArn", Named::Role),
    ("Association", "/configuration/gitlab/releaseManagementAssociationId", Named::Association),
    ("Association", "/configuration/gitlab/runtimeRoleArn", Named::Role),
    ("Association", "/configuration/msteams/bidirectional/roleArn", Named::Role),
    (
        "Association",
        "/configuration/releaseManagement/networkAccess/privateAccess/privateConnectionName",
        Named::PrivateConnection,
    ),
    (
        "Association",
        "/configuration/releaseManagement/networkAccess/privateAccess/runtimeRoleArn",
        Named::Role,
    ),
    ("Association", "/configuration/slack/bidirectional/roleArn", Named::Role),
    ("Association", "/configuration/sourceAws/agentElevatedRoleArn", Named::Role),
    ("Association", "/configuration/sourceAws/assumableRoleArn", Named::Role),
    ("PrivateConnection", "/externalId", Named::Own),
    ("ServiceRegistration", "/exchangeUrlPrivateConnectionName", Named::PrivateConnection),
    ("ServiceRegistration", "/existing/serviceId", Named::Service),
    ("ServiceRegistration", "/externalId", Named::Own),
    ("ServiceRegistration", "/kmsKeyArn", Named::KmsKey),
    ("ServiceRegistration", "/privateConnectionName", Named::PrivateConnection),
    ("ServiceRegistration", "/service/azureidentity/webIdentityRoleArn", Named::Role),
    ("ServiceRegistration", "/service/mcpserversigv4/authorizationConfig/mcpRoleArn", Named::Role),
    ("ServiceRegistration", "/service/mcpserversigv4/authorizationConfig/roleArn", Named::Role),
    ("ServiceRegistration", "/service/remoteagentsigv4/authorizationConfig/roleArn", Named::Role),
    ("ServiceRegistration", "/targetUrlPrivateConnectionName", Named::PrivateConnection),
    ("Trigger", "/externalId", Named::Own),
];

/// Documents of the API, in which any member may hold a role or a key: kind and pointer.
pub const DOCUMENTS: &[(&str, &str)] = &[("Asset", "/metadata"), ("Trigger", "/action")];

/// One value, and where in the spec it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<'a> {
    /// The field as messages name it, for example `spec.operatorApp.iam.roleArn`.
    pub field: String,
    /// What is there.
    pub value: &'a str,
}

/// Everything of one type that the spec of an object of `kind` names. Roles and keys are also found where a document of
/// the API holds their ARN.
pub fn of<'a>(kind: &str, spec: &'a Value, named: Named) -> Vec<Found<'a>> {
    let mut found = Vec::new();
    let fields = FIELDS.iter().filter(|(of, _, what)| *of == kind && *what == named);
    for (_, pointer, _) in fields {
        let steps: Vec<&str> = pointer.split('/').skip(1).collect();
        walk(spec, &steps, "spec", &mut found);
    }
    if let Some(service) = service(named) {
        for (_, pointer) in DOCUMENTS.iter().filter(|(of, _)| *of == kind) {
            let document = spec.pointer(pointer).unwrap_or(&Value::Null);
            search(document, service, &field("spec", pointer.trim_start_matches('/')), &mut found);
        }
    }
    found
}

/// The service in the ARNs that are searched for in documents.
fn service(named: Named) -> Option<(&'static str, &'static str)> {
    match named {
        Named::Role => Some(("iam", "role/")),
        Named::KmsKey => Some(("kms", "")),
        _ => None,
    }
}

fn field(parent: &str, step: &str) -> String {
    format!("{parent}.{step}")
}

fn walk<'a>(value: &'a Value, steps: &[&str], at: &str, found: &mut Vec<Found<'a>>) {
    match (steps.split_first(), value) {
        (None, Value::String(text)) => found.push(Found { field: at.to_owned(), value: text }),
        (Some((&"*", rest)), _) => {
            for (name, inner) in inside(value) {
                walk(inner, rest, &field(at, &name), found);
            }
        }
        (Some((step, rest)), Value::Object(members)) => {
            if let Some(inner) = members.get(*step) {
                walk(inner, rest, &field(at, step), found);
            }
        }
        _ => {}
    }
}

/// Every string in `value` that is an ARN of this service.
fn search<'a>(value: &'a Value, service: (&str, &str), at: &str, found: &mut Vec<Found<'a>>) {
    match value {
        Value::String(text) if is_arn(text, service) => {
            found.push(Found { field: at.to_owned(), value: text });
        }
        _ => inside(value)
            .into_iter()
            .for_each(|(name, inner)| search(inner, service, &field(at, &name), found)),
    }
}

fn inside(value: &Value) -> Vec<(String, &Value)> {
    match value {
        Value::Object(members) => members.iter().map(|(name, inner)| (name.clone(), inner)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, inner)| (index.to_string(), inner)).collect()
        }
        _ => Vec::new(),
    }
}

/// `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.
fn is_arn(text: &str, (service, resource): (&str, &str)) -> bool {
    let parts: Vec<&str> = text.trim().splitn(6, ':').collect();
    matches!(parts[..], ["arn", _, of, _, _, what] if of == service && what.starts_with(resource))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(kind: &str, spec: &Value, named: Named) -> Vec<(String, String)> {
        of(kind, spec, named).into_iter().map(|found| (found.field, found.value.to_owned())).collect()
    }

    #[test]
    fn a_role_is_found_where_the_table_says() {
        let role = "arn:aws:iam::123456789012:role/App";
        let spec = json!({"operatorApp": {"iam": {"roleArn": role}}, "description": role});
        let expected = [("spec.operatorApp.iam.roleArn".to_owned(), role.to_owned())];
        assert_eq!(found("AgentSpace", &spec, Named::Role), expected);
        assert!(found("AgentSpace", &spec, Named::KmsKey).is_empty());
        assert!(found("ServiceRegistration", &spec, Named::Role).is_empty());
    }

    #[test]
    fn whatever_is_in_a_named_field_counts_whether_it_looks_like_an_arn_or_not() {
        let spec = json!({"service": {"mcpserversigv4": {"authorizationConfig": {"roleArn": "x"}}}});
        assert_eq!(found("ServiceRegistration", &spec, Named::Role)[0].1, "x");
    }

    #[test]
    fn an_arn_anywhere_in_a_document_of_the_api_is_found() {
        let spec = json!({"action": {"steps": [{"as": "arn:aws-cn:iam::123456789012:role/path/R"}, {"with": "arn:aws:kms:eu-west-1:1:key/k"}]}});
        let role =
            ("spec.action.steps.0.as".to_owned(), "arn:aws-cn:iam::123456789012:role/path/R".to_owned());
        assert_eq!(found("Trigger", &spec, Named::Role), [role]);
        let key = ("spec.action.steps.1.with".to_owned(), "arn:aws:kms:eu-west-1:1:key/k".to_owned());
        assert_eq!(found("Trigger", &spec, Named::KmsKey), [key]);
        assert!(found("Trigger", &json!({"action": {"a": "arn:aws:iam::1:user/u"}}), Named::Role).is_empty());
    }
}
