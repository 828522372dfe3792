//! Responses with another spelling than the request: a service may keep values in its own form.

use serde_json::{Map, Value};

/// Members whose case means nothing.
const ANY_CASE: &[&str] =
    &["tenantId", "subscriptionId", "hostAddress", "apiKeyHeader", "authorizationHeader"];
/// Members that are URLs: of the host the case, and a last slash, mean nothing.
const URLS: &[&str] = &["endpoint", "targetUrl", "instanceUrl"];
/// Lists whose order means nothing.
const SETS: &[&str] = &["customHeaderNames", "scopes", "webIdentityTokenAudiences", "tools", "services"];
/// Members whose contents are the user's own words.
const FREE: &[&str] = &["tags", "metadata", "content"];

/// Changes the spelling in a response.
pub fn change(answer: &mut Value) {
    match answer {
        Value::Object(members) => {
            for (name, member) in members.iter_mut().filter(|(name, _)| !FREE.contains(&name.as_str())) {
                change_member(name, member);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(change),
        _ => {}
    }
}

fn change_member(name: &str, member: &mut Value) {
    match member {
        Value::String(text) if ANY_CASE.contains(&name) => *text = text.to_lowercase(),
        Value::String(text) if URLS.contains(&name) => *text = other_url(text),
        Value::Array(items) if SETS.contains(&name) => items.reverse(),
        Value::Object(action) if name == "action" => fill_in(action),
        other => change(other),
    }
}

fn other_url(url: &str) -> String {
    match url.strip_suffix('/') {
        Some(shorter) => shorter.to_lowercase(),
        None if url.matches('/').count() == 2 => format!("{}/", url.to_lowercase()),
        None => url.to_owned(),
    }
}

/// What an open document omits may come back with a default.
fn fill_in(action: &mut Map<String, Value>) {
    action.entry("priority").or_insert_with(|| "LOW".into());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_meaning_stays() {
        let mut answer = json!({"service": {"serviceId": "A", "additionalServiceDetails": {"mcpserver": {
            "name": "Runbooks", "endpoint": "https://MCP.example.com", "apiKeyHeader": "X-Key"}}},
            "tags": {"hostAddress": "A"}, "trigger": {"action": {"actionType": "x"}}});
        change(&mut answer);
        assert_eq!(
            answer,
            json!({"service": {"serviceId": "A", "additionalServiceDetails": {"mcpserver": {
                "name": "Runbooks", "endpoint": "https://mcp.example.com/", "apiKeyHeader": "x-key"}}},
                "tags": {"hostAddress": "A"}, "trigger": {"action": {"actionType": "x", "priority": "LOW"}}})
        );
    }
}
