//! An incident tool: it knows only what is in the webhook's Secret.

use std::collections::BTreeMap;
use std::fmt::Write;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use reqwest::StatusCode;
use serde_json::json;
use sha2::Sha256;

use super::test::Test;

const JSON: &str = "application/json";

fn sign(secret: &str, message: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key may have any length");
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Posts an incident as the Secret says; returns the response's status.
pub async fn post(t: &Test, secret: &BTreeMap<String, String>) -> StatusCode {
    let value = |key: &str| secret.get(key).unwrap_or_else(|| panic!("the Secret has no {key}")).as_str();
    let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string();
    let body = json!({
        "eventType": "incident", "incidentId": now, "action": "created", "priority": "HIGH", "title": "Checkout fails",
    })
    .to_string();
    let request = t.shared.http.post(value("url")).header("content-type", JSON).body(body.clone());
    let request = match value("type") {
        "hmac" => {
            let signature = BASE64_STANDARD.encode(sign(value("secret"), &format!("{now}:{body}")));
            request.header("x-amzn-event-timestamp", &now).header("x-amzn-event-signature", signature)
        }
        "apikey" => request.header("authorization", format!("Bearer {}", value("token"))),
        "gitlab" => request.header("x-gitlab-token", value("secret")),
        "pagerduty" => {
            let signature = sign(value("secret"), &body);
            request.header("x-pagerduty-signature", format!("v1={}", hex(&signature)))
        }
        other => panic!("a webhook of the type {other}"),
    };
    request.send().await.expect("the webhook answers").status()
}

/// The Secret works, and only it does.
pub async fn assert_works(t: &Test, secret: &BTreeMap<String, String>) {
    assert_eq!(post(t, secret).await, StatusCode::OK, "the Secret's values are accepted");
    let mut wrong = secret.clone();
    for key in ["secret", "token"] {
        wrong.entry(key.to_owned()).and_modify(|value| "wrong".clone_into(value));
    }
    assert_eq!(post(t, &wrong).await, StatusCode::FORBIDDEN, "a wrong secret is not accepted");
}
