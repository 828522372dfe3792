//! A test incident, and how a call with it is authenticated.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sha2::Sha256;

/// The header with the time that a signature is for.
pub const TIME: &str = "x-amzn-event-timestamp";
/// The header with the signature.
pub const SIGNATURE: &str = "x-amzn-event-signature";

/// The body of a call.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Incident<'a> {
    /// Always `incident`.
    pub event_type: &'static str,
    /// The sender's own id.
    #[serde(rename = "incidentId")]
    pub id: &'a str,
    /// What happened to it.
    pub action: &'a str,
    /// How urgent it is.
    pub priority: &'a str,
    /// What it is about.
    pub title: &'a str,
    /// More about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'a str>,
    /// When it happened.
    pub timestamp: &'a str,
    /// The service that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<&'a str>,
}

/// What a webhook's Secret has, as far as a caller needs it.
#[derive(Debug)]
pub struct Credential {
    /// How calls are authenticated.
    pub scheme: Scheme,
    /// The secret to sign with, or the token to send.
    pub value: SecretString,
}

/// The two ways to authenticate a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `hmac_v1`.
    Hmac,
    /// `bearer_v2`.
    Bearer,
}

impl Scheme {
    /// The scheme of a webhook of this type; none for those that only a service itself calls.
    pub fn of(kind: &str) -> Option<Self> {
        match kind {
            "hmac" => Some(Self::Hmac),
            "apikey" => Some(Self::Bearer),
            _ => None,
        }
    }

    /// The key of the Secret with the value.
    pub fn key(self) -> &'static str {
        match self {
            Self::Hmac => "secret",
            Self::Bearer => "token",
        }
    }

    /// Its name in `authVersion`.
    pub fn version(self) -> &'static str {
        match self {
            Self::Hmac => "hmac_v1",
            Self::Bearer => "bearer_v2",
        }
    }
}

impl Credential {
    /// The header that authenticates a body sent at a time.
    pub fn header(&self, time: &str, body: &str) -> (&'static str, SecretString) {
        match self.scheme {
            Scheme::Hmac => (SIGNATURE, SecretString::from(signature(&self.value, time, body))),
            Scheme::Bearer => {
                ("authorization", SecretString::from(format!("Bearer {}", self.value.expose_secret())))
            }
        }
    }
}

/// The signature of a body.
fn signature(secret: &SecretString, time: &str, body: &str) -> String {
    // A key may have any length, so this can't fail.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else {
        return String::new();
    };
    mac.update(format!("{time}:{body}").as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_authenticated_as_the_webhooks_page_says() {
        let of = |kind, value: &str| Credential { scheme: Scheme::of(kind).unwrap(), value: value.into() };
        let body = r#"{"eventType":"incident","incidentId":"1"}"#;
        let (name, value) = of("hmac", "example-secret").header("2026-01-02T03:04:05.678Z", body);
        assert_eq!(
            (name, value.expose_secret()),
            (SIGNATURE, "VBmK43EpXREv5eroBqERvcjapywP4blrJVmn00I3WFM=")
        );
        let (name, value) = of("apikey", "t0ken").header("now", body);
        assert_eq!((name, value.expose_secret()), ("authorization", "Bearer t0ken"));
        assert!(Scheme::of("gitlab").is_none() && Scheme::of("pagerduty").is_none());
        assert!(!format!("{:?}", of("apikey", "t0ken")).contains("t0ken"));
    }
}
