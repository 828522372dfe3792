//! What AWS returns of a registration's settings, by type: the part in which drift is visible.

use serde_json::{Map, Value, json};

use crate::api::standards::Standards;
use crate::reconcile::state::drift::compare_as;

/// How the response names the form of authorization that the request nests under this key.
const AUTHORIZATION_METHODS: &[(&str, &str)] = &[
    ("oAuthClientCredentials", "oauth-client-credentials"),
    ("oAuth3LO", "oauth-3lo"),
    ("apiKey", "api-key"),
    ("bearerToken", "bearer-token"),
    ("customHeaders", "custom-headers"),
];

/// What `additionalServiceDetails` is expected to contain for a service of this type registered with `details`
/// (`GetService`; section by section the readable members of each type).
pub fn expected(service_type: &str, details: &Value) -> Value {
    match service_type {
        "servicenow" => pick(details, &["instanceUrl"]),
        "pagerduty" => pick(details, &["scopes"]),
        "gitlab" => pick(details, &["targetUrl", "tokenType", "groupId"]),
        "azureidentity" => details.clone(),
        "mcpservernewrelic" => pick(
            details.pointer("/authorizationConfig/apiKey").unwrap_or(&Value::Null),
            &["accountId", "region"],
        ),
        "mcpservergrafana" => with_method(pick(details, &["endpoint"]), details),
        "mcpserver" | "mcpserversplunk" | "mcpserverdatadog" | "remoteagent" => {
            with_method(pick(details, &["name", "endpoint", "description"]), details)
        }
        // For the two SigV4 types, the response is flat where the request is nested.
        "mcpserversigv4" | "remoteagentsigv4" => {
            let mut flat = pick(details, &["name", "endpoint", "description"]);
            let config = details.get("authorizationConfig").unwrap_or(&Value::Null);
            merge(&mut flat, pick(config, &["region", "service", "roleArn", "mcpRoleArn"]));
            flat
        }
        // Dynatrace and the event channel return nothing.
        _ => json!({}),
    }
}

/// The readable details that identify a service among others of its type, if there is no display name.
pub fn identity(service_type: &str, details: &Value) -> Option<Value> {
    let expected = expected(service_type, details);
    let keys: &[&str] = match service_type {
        "servicenow" => &["instanceUrl"],
        "gitlab" => &["targetUrl", "groupId"],
        "mcpservernewrelic" => &["accountId"],
        "mcpservergrafana" => &["endpoint"],
        "azureidentity" => &["tenantId", "clientId"],
        "mcpserver" | "mcpserversplunk" | "mcpserverdatadog" | "mcpserversigv4" | "remoteagent"
        | "remoteagentsigv4" => &["name", "endpoint"],
        // One per account.
        "eventChannel" => &[],
        _ => return None,
    };
    Some(pick(&expected, keys))
}

/// Whether `observed` agrees with `expected` for a service of this type, in everything that it contains.
pub fn agrees(service_type: &str, expected: &Value, observed: &Value) -> bool {
    differing(service_type, expected, observed).is_empty()
}

/// The members of `expected` that differ in `observed`. What that omits can't be compared.
pub fn differing(service_type: &str, expected: &Value, observed: &Value) -> Vec<String> {
    let members = expected.as_object().into_iter().flatten();
    members
        .filter(|(key, wanted)| {
            observed
                .get(key.as_str())
                .filter(|value| !value.is_null())
                .is_some_and(|value| !same(service_type, key, wanted, value))
        })
        .map(|(key, _)| key.clone())
        .collect()
}

/// Whether both are the same by the standard of the field, wherever the request nests it.
fn same(service_type: &str, key: &str, wanted: &Value, observed: &Value) -> bool {
    let service = Standards::of("ServiceRegistration", "service").member(service_type);
    match key {
        "customHeaderNames" => service.anywhere("headers").same_keys(wanted, observed),
        _ => compare_as(service.anywhere(key), "", observed, wanted).is_empty(),
    }
}

fn with_method(mut details: Value, request: &Value) -> Value {
    let config = request.get("authorizationConfig").and_then(Value::as_object);
    let Some((form, settings)) = config.and_then(|config| config.iter().next()) else { return details };
    if let Some((_, method)) = AUTHORIZATION_METHODS.iter().find(|(key, _)| key == form) {
        details["authorizationMethod"] = json!(method);
    }
    match form.as_str() {
        "apiKey" => merge(&mut details, pick(settings, &["apiKeyHeader"])),
        "customHeaders" => {
            let names = settings.get("headers").and_then(Value::as_object);
            details["customHeaderNames"] = names.into_iter().flat_map(Map::keys).cloned().collect();
        }
        _ => {}
    }
    details
}

fn pick(value: &Value, keys: &[&str]) -> Value {
    let found = keys.iter().filter_map(|key| Some(((*key).to_owned(), value.get(key)?.clone())));
    Value::Object(found.collect())
}

fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nested_request_is_expected_flat_where_the_answer_is_flat() {
        let details = json!({
            "name": "tools", "endpoint": "https://mcp.example.com",
            "authorizationConfig": { "region": "us-east-1", "service": "execute-api", "customHeaders": { "a": "b" } },
        });
        assert_eq!(
            expected("mcpserversigv4", &details),
            json!({ "name": "tools", "endpoint": "https://mcp.example.com", "region": "us-east-1", "service": "execute-api" })
        );
    }

    #[test]
    fn the_authorisation_form_is_seen_and_its_secrets_are_not() {
        let details = json!({ "name": "n", "endpoint": "https://e", "authorizationConfig": {
            "apiKey": { "apiKeyName": "k", "apiKeyValue": "s3cret", "apiKeyHeader": "X-Key" } } });
        let seen = expected("mcpserver", &details);
        assert_eq!(seen["authorizationMethod"], "api-key");
        assert_eq!(seen["apiKeyHeader"], "X-Key");
        assert!(!seen.to_string().contains("s3cret"));
    }

    #[test]
    fn what_the_answer_leaves_out_is_no_difference() {
        let wanted = json!({ "instanceUrl": "https://x.service-now.com" });
        assert!(agrees("servicenow", &wanted, &json!({})));
        assert!(agrees("servicenow", &wanted, &json!({ "instanceUrl": "https://x.service-now.com/" })));
        assert_eq!(
            differing("servicenow", &wanted, &json!({ "instanceUrl": "https://y.service-now.com" })),
            ["instanceUrl"]
        );
    }
}
