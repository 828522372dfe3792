//! The part of a registration that can be read back, and in which shape.

use serde_json::{Map, Value, json};

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
    let config = registration.get("authorizationConfig")?.as_object()?;
    config.iter().find(|(_, value)| value.is_object()).map(|(form, value)| (form.as_str(), value))
}

/// What `GetService` returns of a registration; `None` if it returns nothing.
pub fn readable(kind: &str, registration: &Value, headers: HeaderValues) -> Option<Value> {
    let named = ["name", "endpoint", "description"];
    Some(match kind {
        "servicenow" => pick(registration, &["instanceUrl"]).into(),
        "pagerduty" => pick(registration, &["scopes"]).into(),
        "gitlab" => pick(registration, &["targetUrl", "tokenType", "groupId"]).into(),
        "mcpservernewrelic" => pick(authorization(registration)?.1, &["accountId", "region"]).into(),
        "azureidentity" => registration.clone(),
        "mcpservergrafana" => {
            let mut shown = pick(registration, &["endpoint"]);
            shown.insert("authorizationMethod".to_owned(), json!(method(authorization(registration)?.0)));
            shown.into()
        }
        "mcpserver" | "mcpserversplunk" | "mcpserverdatadog" | "remoteagent" => {
            let mut shown = pick(registration, &named);
            add_authorization(&mut shown, registration)?;
            shown.into()
        }
        "remoteagentsigv4" => {
            let mut shown = pick(registration, &named);
            shown.extend(pick(registration.get("authorizationConfig")?, &["region", "service", "roleArn"]));
            shown.into()
        }
        "mcpserversigv4" => {
            sigv4(pick(registration, &named), registration.get("authorizationConfig")?, headers)
        }
        _ => return None,
    })
}

fn pick(from: &Value, names: &[&str]) -> Map<String, Value> {
    names
        .iter()
        .filter_map(|name| {
            Some(((*name).to_owned(), from.get(*name).filter(|value| !value.is_null())?.clone()))
        })
        .collect()
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

fn add_authorization(shown: &mut Map<String, Value>, registration: &Value) -> Option<()> {
    let (form, config) = authorization(registration)?;
    shown.insert("authorizationMethod".to_owned(), json!(method(form)));
    shown.extend(pick(config, if form == "apiKey" { &["apiKeyHeader"] } else { &[] }));
    if let Some(headers) = config.get("headers").and_then(Value::as_object) {
        shown.insert("customHeaderNames".to_owned(), headers.keys().cloned().collect());
    }
    Some(())
}

/// The request nests the authorization, the response is flat; `roleArn` is optional in one and required in the other.
fn sigv4(mut shown: Map<String, Value>, config: &Value, headers: HeaderValues) -> Value {
    shown.extend(pick(config, &["region", "service", "roleArn", "mcpRoleArn", "customHeaders"]));
    shown.entry("roleArn").or_insert_with(|| json!(""));
    if let Some(Value::Object(values)) = shown.get_mut("customHeaders")
        && headers == HeaderValues::Masked
    {
        values.values_mut().for_each(|value| *value = json!("****"));
    }
    shown.into()
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
