//! An incident tool: it knows only what is in the webhook's Secret.

use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use devops_agent_operator::reconcile::state::fingerprint::hex;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;

static HTTP: LazyLock<reqwest::Client> = LazyLock::new(|| {
    let builder = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10));
    builder.build().expect("an HTTP client can be made")
});

fn sign(secret: &str, message: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key may have any length");
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// Posts an incident as the Secret says; returns the response's status.
pub async fn post(secret: &Value) -> Result<u16, String> {
    let value = |key: &str| {
        let text = secret["data"][key].as_str().ok_or_else(|| format!("it has no {key}"))?;
        let bytes = BASE64_STANDARD.decode(text).map_err(|error| error.to_string())?;
        String::from_utf8(bytes).map_err(|error| error.to_string())
    };
    let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string();
    let body = json!({
        "eventType": "incident", "incidentId": now, "action": "created", "priority": "HIGH", "title": "Checkout fails",
    })
    .to_string();
    let request = HTTP.post(value("url")?).header("content-type", "application/json").body(body.clone());
    let request = match value("type")?.as_str() {
        "hmac" => {
            let signature = BASE64_STANDARD.encode(sign(&value("secret")?, &format!("{now}:{body}")));
            request.header("x-amzn-event-timestamp", &now).header("x-amzn-event-signature", signature)
        }
        "apikey" => request.header("authorization", format!("Bearer {}", value("token")?)),
        "gitlab" => request.header("x-gitlab-token", value("secret")?),
        "pagerduty" => {
            let signature = sign(&value("secret")?, &body);
            request.header("x-pagerduty-signature", format!("v1={}", hex(&signature)))
        }
        other => return Err(format!("a webhook of the type {other}")),
    };
    let answer = request.send().await.map_err(|error| error.to_string())?;
    Ok(answer.status().as_u16())
}
