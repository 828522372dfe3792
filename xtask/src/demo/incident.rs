//! An incident sent through the webhook that the operator wrote into a Secret.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::{Value, json};

use super::aws;
use super::environment::Environment;
use super::objects::{self, Object};
use crate::error::Error;
use crate::http;
use crate::progress::result;

/// Sends an incident with the right signature and one with a wrong one.
pub fn send(environment: &Environment) -> Result<(), Error> {
    let webhook = find(environment)?;
    result(&format!("An incident through the webhook in Secret {}:", webhook.secret_name));
    let body = json!({
        "eventType": "incident", "incidentId": "demo-1", "action": "created", "priority": "HIGH",
        "title": "Checkout answers with 500", "service": "checkout",
    })
    .to_string();
    let good = webhook.post(&webhook.key, &body)?;
    result(&format!("  signed with the Secret: status {good}"));
    let bad = webhook.post("not the key", &body)?;
    result(&format!("  signed with another key: status {bad}\n"));
    if good == 200 && bad == 403 && aws::mentions(&environment.simulator.state()?, "demo-1") {
        return Ok(());
    }
    Err(Error::Other(
        "a webhook should accept a body with a valid signature (200) and reject one with an invalid one (403)"
            .to_owned(),
    ))
}

/// What a webhook Secret says.
#[derive(Debug)]
struct Webhook {
    secret_name: String,
    url: String,
    /// The secret to sign with, or the token to show.
    key: String,
    signs: bool,
}

impl Webhook {
    fn from_secret(secret_name: String, secret: &Value) -> Option<Self> {
        let field = |name: &str| {
            let bytes = STANDARD.decode(secret["data"][name].as_str()?).ok()?;
            String::from_utf8(bytes).ok()
        };
        let signs = field("authVersion").as_deref() == Some("hmac_v1");
        let key = if signs { field("secret") } else { field("token") };
        Some(Self { secret_name, url: field("url")?, key: key?, signs })
    }

    fn post(&self, key: &str, body: &str) -> Result<u16, Error> {
        let timestamp = timestamp(SystemTime::now());
        let signature = signature(key, &timestamp, body);
        let bearer = format!("Bearer {key}");
        let authentication = if self.signs {
            ("x-amzn-event-signature", signature.as_str())
        } else {
            ("authorization", bearer.as_str())
        };
        let headers = [("x-amzn-event-timestamp", timestamp.as_str()), authentication];
        Ok(http::post(&self.url, &headers, body)?.status)
    }
}

/// A webhook of an association, preferably one whose calls are signed.
fn find(environment: &Environment) -> Result<Webhook, Error> {
    let mut webhooks = Vec::new();
    for object in objects::all(&environment.kubectl)?.iter().filter(|object| object.kind() == "Association") {
        webhooks.extend(read(environment, object)?);
    }
    webhooks.sort_by_key(|(kind, webhook)| (!webhook.signs, kind != "hmac"));
    let found =
        webhooks.into_iter().map(|(_, webhook)| webhook).find(|webhook| http::is_loopback(&webhook.url));
    found.ok_or_else(|| Error::Other("no example has a webhook Secret to send an incident with".to_owned()))
}

/// The webhook of an association with its type, if it has one and the Secret is there.
fn read(environment: &Environment, association: &Object) -> Result<Option<(String, Webhook)>, Error> {
    let name = association.text("/spec/webhook/secretName");
    if name.is_empty() {
        return Ok(None);
    }
    let secret = environment.kubectl.json(&["get", "secret", name, "-n", association.namespace()])?;
    let kind =
        secret["data"]["type"].as_str().and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
    let webhook = Webhook::from_secret(format!("{}/{name}", association.namespace()), &secret);
    Ok(webhook.map(|webhook| (String::from_utf8_lossy(&kind).into_owned(), webhook)))
}

/// Version 1 of the webhook's authentication.
fn signature(key: &str, timestamp: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    STANDARD.encode(hmac::sign(&key, format!("{timestamp}:{body}").as_bytes()))
}

/// ISO 8601 in UTC with milliseconds.
fn timestamp(now: SystemTime) -> String {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (seconds, milliseconds) = (since.as_secs(), since.subsec_millis());
    let (year, month, day) = civil(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milliseconds:03}Z")
}

/// The date of a day, counted from 1970-01-01 (after Howard Hinnant's `civil_from_days`).
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_timestamp_is_iso_8601_with_milliseconds() {
        let at = |seconds, millis: u32| timestamp(UNIX_EPOCH + Duration::new(seconds, millis * 1_000_000));
        assert_eq!(at(0, 0), "1970-01-01T00:00:00.000Z");
        assert_eq!(at(951_782_399, 7), "2000-02-28T23:59:59.007Z");
        assert_eq!(at(951_782_400, 0), "2000-02-29T00:00:00.000Z");
        assert_eq!(at(1_780_912_800, 0), "2026-06-08T10:00:00.000Z");
        assert_eq!(at(4_107_542_399, 999), "2100-02-28T23:59:59.999Z");
        assert_eq!(at(4_107_542_400, 0), "2100-03-01T00:00:00.000Z");
    }

    #[test]
    fn a_signature_is_the_one_that_openssl_makes() {
        // printf '2026-06-08T10:00:00.000Z:{}' | openssl dgst -sha256 -hmac key -binary | base64
        assert_eq!(
            signature("key", "2026-06-08T10:00:00.000Z", "{}"),
            "ssigIREsBSQ/SwwftlCoNKRGg7neDIeX6PDZ8w1CNM8="
        );
    }

    #[test]
    fn a_secret_without_a_key_is_no_webhook() {
        let secret = json!({"data": {"url": STANDARD.encode("http://127.0.0.1/x"), "authVersion": STANDARD.encode("hmac_v1")}});
        assert!(Webhook::from_secret("a/b".to_owned(), &secret).is_none());
    }

    #[test]
    fn a_bearer_webhook_uses_its_token() {
        let secret = json!({"data": {
            "url": STANDARD.encode("http://127.0.0.1/x"), "authVersion": STANDARD.encode("bearer_v2"),
            "token": STANDARD.encode("t"),
        }});
        let webhook = Webhook::from_secret("a/b".to_owned(), &secret).unwrap();
        assert_eq!((webhook.key.as_str(), webhook.signs), ("t", false));
    }
}
