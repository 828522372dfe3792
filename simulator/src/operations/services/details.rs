//! The part of a registration that can be read back, and in which shape.

use serde_json::{Map, Value, json};

use crate::model::Model;
use crate::switches::HeaderValues;

/// Forms of authorization that a person must finish in a browser.
const INTERACTIVE: [&str; 2] = ["oAuth3LO", "authorizationDiscovery"];

/// Whether the registration needs a person.
pub fn interactive(registration: &Value) -> bool {
    authorization(registration).is_some_and(|(form, _)| INTERACTIVE.contains(&form))
}

/// Where the service is reached.
pub fn endpoint(registration: &Value) -> Option<&str> {
    ["endpoint", "instanceUrl", "targetUrl"].iter().find_map(|name| registration.get(*name)?.as_str())
}

/// The form of authorization and its configuration. Not for Signature Version 4, whose configuration isn't a union.
fn authorization(registration: &Value) -> Option<(&str, &Value)> {
    let config = registration.get("authorizationConfig")?.as_object().filter(|config| config.len() == 1)?;
    config.iter().next().map(|(form, value)| (form.as_str(), value))
}

/// What `GetService` gives of a registration: the members that the model has for its type; `None` where it has none.
pub fn readable(kind: &str, registration: &Value, headers: HeaderValues) -> Option<Value> {
    let model = Model::embedded().ok()?;
    let union = model.named("AdditionalServiceDetails")?;
    let details = model.members(union).iter().find(|member| member.name == kind)?;
    let shown = model.members(details.shape).iter().filter_map(|member| {
        // A role may be left out of a request, and has to be in the answer.
        let value = readable_member(registration, &member.name).or(member.required.then(|| json!("")))?;
        Some((member.name.clone(), value))
    });
    let mut shown: Map<String, Value> = shown.collect();
    if let (Some(Value::Object(values)), HeaderValues::Masked) = (shown.get_mut("customHeaders"), headers) {
        values.values_mut().for_each(|value| *value = json!("****"));
    }
    Some(shown.into())
}

/// A member of the answer, which is flat. The request nests the authorization.
fn readable_member(registration: &Value, name: &str) -> Option<Value> {
    let form = authorization(registration);
    match name {
        "authorizationMethod" => Some(json!(method(form?.0))),
        "customHeaderNames" => Some(form?.1.get("headers")?.as_object()?.keys().cloned().collect()),
        name => [Some(registration), registration.get("authorizationConfig"), form.map(|(_, config)| config)]
            .into_iter()
            .find_map(|place| place?.get(name).filter(|value| !value.is_null()).cloned()),
    }
}

fn method(form: &str) -> &'static str {
    match form {
        "oAuthClientCredentials" => "oauth-client-credentials",
        "apiKey" => "api-key",
        "bearerToken" => "bearer-token",
        "customHeaders" => "custom-headers",
        _ => "oauth-3lo",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sigv4_registration_comes_back_flat() {
        let input = json!({"name": "n", "endpoint": "https://e", "authorizationConfig":
            {"region": "us-east-1", "service": "lambda", "customHeaders": {"x": "secret"}}});
        let shown = readable("mcpserversigv4", &input, HeaderValues::Masked).unwrap();
        assert_eq!(shown["service"], "lambda");
        assert_eq!(shown["roleArn"], "");
        assert_eq!(shown["customHeaders"]["x"], "****");
        assert_eq!(
            readable("mcpserversigv4", &input, HeaderValues::Clear).unwrap()["customHeaders"]["x"],
            "secret"
        );
    }

    #[test]
    fn secrets_of_a_registration_never_come_back() {
        let input = json!({"name": "n", "endpoint": "https://e", "authorizationConfig":
            {"apiKey": {"apiKeyName": "k", "apiKeyValue": "secret", "apiKeyHeader": "x-key"}}});
        let shown = readable("mcpserver", &input, HeaderValues::Clear).unwrap();
        assert_eq!(
            shown,
            json!({"name": "n", "endpoint": "https://e", "authorizationMethod": "api-key",
            "apiKeyHeader": "x-key"})
        );
    }
}
