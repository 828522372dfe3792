//! An incident tool: it knows only what is in the webhook's Secret.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use devops_agent_test_support::{cluster, webhook};
use k8s_openapi::ByteString;
use serde_json::Value;

static HTTP: LazyLock<reqwest::Client> = LazyLock::new(cluster::http);

/// Posts an incident as the Secret says; returns the response's status.
pub async fn post(secret: &Value) -> Result<u16, String> {
    let data: BTreeMap<String, ByteString> =
        serde_json::from_value(secret["data"].clone()).map_err(|error| error.to_string())?;
    let text = |bytes: ByteString| String::from_utf8(bytes.0).map_err(|error| error.to_string());
    let values =
        data.into_iter().map(|(key, value)| Ok((key, text(value)?))).collect::<Result<_, String>>()?;
    Ok(webhook::deliver(&HTTP, &values).await?.as_u16())
}
