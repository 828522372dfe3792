//! Keeping secrets, and whatever the model calls sensitive, out of sight.

use std::fmt;

use serde_json::Value;

use super::operation::Operation;

/// The members of requests that the model calls sensitive, or whose values it does.
pub(crate) const SENSITIVE: [&str; 11] = [
    "apiKey",
    "apiKeyValue",
    "clientId",
    "clientSecret",
    "customHeaders",
    "customerEmail",
    "description",
    "exchangeParameters",
    "headers",
    "idpClientSecret",
    "tokenValue",
];

/// Shorter values are not looked for: they would blot out half of any message.
const SHORTEST: usize = 4;

/// Stands for a value that is not shown.
pub(crate) struct Hidden;

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Shows an operation's input: the members that are part of the address, and only the names of those in the body.
pub(crate) fn debug_operation<O: Operation>(operation: &O, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let binding = O::BINDING;
    let mut shown = f.debug_struct(binding.name);
    if let Ok(Value::Object(members)) = serde_json::to_value(operation) {
        for (name, value) in &members {
            let in_address =
                binding.labels().any(|(label, _)| label == name) || binding.query.contains(&name.as_str());
            shown.field(name, if in_address { value } else { &Hidden });
        }
    }
    shown.finish()
}

/// The sensitive values of a request, which the service may repeat in an error.
pub(crate) struct Secrets(Vec<String>);

impl Secrets {
    /// Collects them from a request's body, the longest first.
    pub(crate) fn of(body: &[u8]) -> Self {
        let mut found = Vec::new();
        collect(&serde_json::from_slice(body).unwrap_or_default(), false, &mut found);
        found.sort_by_key(|secret: &String| std::cmp::Reverse(secret.len()));
        Self(found)
    }

    /// The text without them.
    pub(crate) fn blot(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
    }
}

fn collect(value: &Value, sensitive: bool, found: &mut Vec<String>) {
    match value {
        Value::String(text) if sensitive && text.len() >= SHORTEST => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, sensitive, found)),
        Value::Object(members) => {
            for (name, member) in members {
                collect(member, sensitive || SENSITIVE.contains(&name.as_str()), found);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::operations::{EnableOperatorApp, RegisterService, UntagResource};
    use serde_json::json;

    #[test]
    fn debug_of_an_input_shows_where_it_goes_and_not_what_is_in_it() {
        let register = RegisterService {
            service: "gitlab".to_owned(),
            service_details: json!({"gitlab": {"tokenValue": "hush"}}),
            ..Default::default()
        };
        assert_eq!(
            format!("{register:?}"),
            r#"RegisterService { service: String("gitlab"), serviceDetails: … }"#
        );
        let enable = EnableOperatorApp { idp_client_secret: Some("hush".to_owned()), ..Default::default() };
        assert!(!format!("{enable:?}").contains("hush"));
        let untag = UntagResource { resource_arn: "arn".to_owned(), tag_keys: vec!["team".to_owned()] };
        assert!(format!("{untag:?}").contains("team"));
    }

    #[test]
    fn values_inside_sensitive_maps_are_blotted_out_too() {
        let body =
            json!({"a": {"customHeaders": {"x-key": "hush-hush"}}, "apiKey": "hush", "clientId": "abc"});
        let secrets = Secrets::of(body.to_string().as_bytes());
        assert_eq!(secrets.blot("hush-hush, hush, x-key, abc"), "***, ***, x-key, abc");
        assert_eq!(Secrets::of(b"no json").blot("hush"), "hush");
    }
}
