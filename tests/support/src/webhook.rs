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

use crate::world::World;

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

/// Posts an incident with what the Secret says; gives the answer's status, or why there is none.
pub async fn deliver(
    http: &reqwest::Client,
    secret: &BTreeMap<String, String>,
) -> Result<StatusCode, String> {
    let value =
        |key: &str| secret.get(key).map(String::as_str).ok_or_else(|| format!("the Secret has no {key}"));
    let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string();
    let body = json!({
        "eventType": "incident", "incidentId": now, "action": "created", "priority": "HIGH", "title": "Checkout fails",
    })
    .to_string();
    let request = http.post(value("url")?).header("content-type", JSON).body(body.clone());
    let request = match value("type")? {
        "hmac" => {
            let signature = BASE64_STANDARD.encode(sign(value("secret")?, &format!("{now}:{body}")));
            request.header("x-amzn-event-timestamp", &now).header("x-amzn-event-signature", signature)
        }
        "apikey" => request.header("authorization", format!("Bearer {}", value("token")?)),
        "gitlab" => request.header("x-gitlab-token", value("secret")?),
        "pagerduty" => {
            let signature = sign(value("secret")?, &body);
            request.header("x-pagerduty-signature", format!("v1={}", hex(&signature)))
        }
        other => return Err(format!("a webhook of the type {other}")),
    };
    request.send().await.map(|answer| answer.status()).map_err(|error| error.to_string())
}

/// Posts an incident as the Secret says; returns the response's status.
pub async fn post(world: &World, secret: &BTreeMap<String, String>) -> StatusCode {
    deliver(&world.http, secret).await.unwrap_or_else(|why| panic!("{why}"))
}

/// The Secret works, and only it does.
pub async fn assert_works(world: &World, secret: &BTreeMap<String, String>) {
    assert_eq!(post(world, secret).await, StatusCode::OK, "the Secret's values are accepted");
    let mut wrong = secret.clone();
    for key in ["secret", "token"] {
        wrong.entry(key.to_owned()).and_modify(|value| "wrong".clone_into(value));
    }
    assert_eq!(post(world, &wrong).await, StatusCode::FORBIDDEN, "a wrong secret is not accepted");
}
