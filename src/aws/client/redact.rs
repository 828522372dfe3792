//! Hiding secrets, and whatever the model calls sensitive.

use std::fmt;

use aws_credential_types::Credentials;
use serde_json::Value;

use crate::echo::{Seen, Words};

use super::operation::Operation;

/// The members of requests that the model calls sensitive, or whose values it does.
pub(crate) const SENSITIVE: [&str; 12] = [
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
    "message",
    "tokenValue",
];

/// Replaces a value that isn't shown.
pub(crate) struct Hidden;

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Shows an operation's input: the members in the URL, and only the names of those in the body.
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

/// What was sent to the service and must not be quoted.
#[derive(Clone, Copy)]
pub(crate) struct Sent<'a> {
    /// The request's body.
    pub body: &'a [u8],
    /// What the pass has read from Secrets: wherever it is in the request, in any form.
    pub seen: &'a Seen,
    /// What the request was signed with.
    pub credentials: Option<&'a Credentials>,
}

impl Sent<'_> {
    /// Whether the message repeats part of it.
    pub(crate) fn is_repeated_in<'t>(&self, texts: impl IntoIterator<Item = &'t str>) -> bool {
        let mut words = Words::new(texts);
        self.seen.is_repeated_in(&mut words)
            || self.credentials.is_some_and(|credentials| are_quoted(credentials, &mut words))
            || {
                let body: Value = serde_json::from_slice(self.body).unwrap_or_default();
                self.any(&body, false, &mut |text| words.repeat(text.as_bytes()))
            }
    }

    /// Whether `found` is true for any string that is, or may be, a secret.
    fn any(&self, value: &Value, sensitive: bool, found: &mut impl FnMut(&str) -> bool) -> bool {
        match value {
            Value::String(text) => (sensitive || self.seen.may_be(text)) && found(text),
            Value::Array(items) => items.iter().any(|item| self.any(item, sensitive, found)),
            Value::Object(members) => members.iter().any(|(name, member)| {
                self.any(member, sensitive || SENSITIVE.contains(&name.as_str()), found)
            }),
            _ => false,
        }
    }
}

/// Whether the message repeats part of `credentials`: a rejected signature is quoted with everything that was signed,
/// including the session token.
pub(crate) fn are_quoted(credentials: &Credentials, words: &mut Words) -> bool {
    words.repeat(credentials.secret_access_key().as_bytes())
        || credentials.session_token().is_some_and(|token| words.repeat(token.as_bytes()))
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
    fn values_inside_sensitive_maps_and_large_ones_of_secrets_count_too() {
        let long = "marker ".repeat(20_000);
        let body = json!({"a": {"customHeaders": {"x-key": "hush-hush"}}, "clientId": "abc", "content": {"text": long}});
        let (body, seen) = (body.to_string(), Seen::default());
        let repeats =
            |text| Sent { body: body.as_bytes(), seen: &seen, credentials: None }.is_repeated_in([text]);
        assert!(
            repeats("hush-hush") && repeats("'abc'") && !repeats("x-key") && !repeats("the marker marker")
        );
        seen.add(long.as_bytes());
        assert!(repeats("the marker marker"));
        assert!(!Sent { body: b"no json", seen: &seen, credentials: None }.is_repeated_in(["hush"]));
    }

    #[test]
    fn the_credentials_of_the_request_count_too() {
        let credentials =
            Credentials::new("AKID", "hush/secret+key", Some("IQoJb3JpZ2luX2VjEF".into()), None, "test");
        let sent = Sent { body: b"", seen: &Seen::default(), credentials: Some(&credentials) };
        assert!(
            sent.is_repeated_in(["x-amz-security-token:IQoJb3JpZ2luX2VjEF"])
                && sent.is_repeated_in(["hush%2Fsecret"])
        );
        assert!(!sent.is_repeated_in(["The security token included in the request is invalid"]));
    }
}
