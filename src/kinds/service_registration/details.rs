//! What AWS returns of a registration's settings, by type: the part in which drift is visible.

use serde_json::{Value, json};

use crate::api::catalog::{self, Shown};
use crate::api::standards::Standards;
use crate::document;
use crate::reconcile::state::drift::compare_as;

/// How the response names the form of authorization that the request nests under this key.
const AUTHORIZATION_METHODS: &[(&str, &str)] = &[
    ("oAuthClientCredentials", "oauth-client-credentials"),
    ("oAuth3LO", "oauth-3lo"),
    ("apiKey", "api-key"),
    ("bearerToken", "bearer-token"),
    ("customHeaders", "custom-headers"),
];

/// What `additionalServiceDetails` is expected to say of a service of this type registered with `details`.
pub fn expected(service_type: &str, details: &Value) -> Value {
    let shown = catalog::service(service_type).shown.iter();
    shown.filter_map(|shown| Some((shown.name().to_owned(), shown_value(*shown, details)?))).collect()
}

/// What AWS makes of the request for a member of its answer.
fn shown_value(shown: Shown, details: &Value) -> Option<Value> {
    let form = || details.get("authorizationConfig")?.as_object()?.iter().next();
    match shown {
        Shown::At(pointer) | Shown::Hidden(pointer) => details.pointer(pointer).cloned(),
        Shown::Method => {
            let (form, _) = form()?;
            let (_, method) = AUTHORIZATION_METHODS.iter().find(|(key, _)| key == form)?;
            Some(json!(method))
        }
        Shown::HeaderNames => {
            let headers = form()?.1.get("headers")?.as_object()?;
            Some(headers.keys().cloned().collect())
        }
    }
}

/// The details to register of which AWS would return `observed`, as far as that tells: the inverse of [`expected`].
pub fn described(service_type: &str, observed: &Value) -> Value {
    let mut details = json!({});
    let row = catalog::service(service_type);
    let method = observed.get(Shown::Method.name()).and_then(Value::as_str);
    let form = AUTHORIZATION_METHODS.iter().find(|(_, word)| Some(*word) == method).map(|(form, _)| *form);
    if let Some(form) = form {
        details["authorizationConfig"] = json!({ form: {} });
    }
    for shown in row.shown {
        let Some(value) = observed.get(shown.name()).filter(|value| !is_nothing(value)) else { continue };
        match shown {
            Shown::At(pointer) | Shown::Hidden(pointer) => {
                // Another form of authorization has no such member.
                let other = form.is_some_and(|form| {
                    let step = pointer.strip_prefix("/authorizationConfig/");
                    step.is_some_and(|rest| rest.contains('/') && rest.split('/').next() != Some(form))
                });
                if !other {
                    set(&mut details, pointer, value.clone());
                }
            }
            Shown::Method => {}
            Shown::HeaderNames => {
                let names = value.as_array().into_iter().flatten().filter_map(Value::as_str);
                let headers: Value = names.map(|name| (name.to_owned(), json!({}))).collect();
                set(&mut details, "/authorizationConfig/customHeaders/headers", headers);
            }
        }
    }
    // Of those of a request that is signed, the values are masked.
    for name in observed
        .get("customHeaders")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|headers| headers.keys())
    {
        set(&mut details, &format!("/authorizationConfig/customHeaders/{}", document::step(name)), json!({}));
    }
    details
}

/// Whether AWS has nothing there: a role that was never set comes back empty.
fn is_nothing(value: &Value) -> bool {
    value.is_null() || value == ""
}

/// Sets the member at `pointer`, with the objects around it.
fn set(value: &mut Value, pointer: &str, member: Value) {
    let mut place = value;
    for step in pointer.split('/').skip(1) {
        place = &mut place[document::member(step)];
    }
    *place = member;
}

/// The readable details that identify a service among others of its type, where there is no display name. `None` where
/// AWS tells nothing by which to know it.
pub fn identity(service_type: &str, details: &Value) -> Option<Value> {
    let row = catalog::service(service_type);
    if row.identity.is_empty() && !row.is_one_an_account {
        return None;
    }
    let mut expected = expected(service_type, details);
    if let Some(members) = expected.as_object_mut() {
        members.retain(|name, _| row.identity.contains(&name.as_str()));
    }
    Some(expected)
}

/// Whether the member `name` of what AWS returns of a service of this type is sensitive.
pub fn is_sensitive(service_type: &str, name: &str) -> bool {
    let mut shown = catalog::service(service_type).shown.iter();
    shown.any(|shown| matches!(shown, Shown::Hidden(_)) && shown.name() == name)
}

/// Whether the value at `pointer` of a spec is sensitive.
pub fn conceals(pointer: &str) -> bool {
    let Some((service_type, rest)) = pointer.strip_prefix("/service/").and_then(|rest| rest.split_once('/'))
    else {
        return false;
    };
    let within = format!("/{rest}");
    let mut shown = catalog::service(service_type).shown.iter();
    shown.any(|shown| matches!(shown, Shown::Hidden(hidden) if within.starts_with(hidden)))
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
