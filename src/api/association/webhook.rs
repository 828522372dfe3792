//! The webhook of an association: how it is handed out, and what is known of it.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::common::Fingerprint;
use crate::api::scalars::{DataKey, LabelKey, LabelValue, ObjectName, SecretText};
use crate::api::schema;

/// The documented keys of the Secret, which are the placeholders of its template as well.
pub const KEYS: [&str; 9] =
    ["agentSpaceId", "associationId", "authVersion", "id", "region", "secret", "token", "type", "url"];

/// How an association's webhook is delivered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    ignores("secretName"),
    ignores("rotation"),
    ignores("secretTemplate"),
]))]
pub struct Webhook {
    /// Deliver (the default) writes the webhook to a Secret and keeps it there. Ignore is for a webhook that
    /// nobody uses: no Secret, no `WebhookReady` condition, and never a new webhook. A Secret that was
    /// written before is left as it is and deleted with the association.
    #[serde(default)]
    pub policy: WebhookPolicy,

    /// Name of the Secret to write, in this object's namespace. Defaults to the name of this object followed
    /// by `-webhook`. Changing it moves the contents and deletes the Secret with the old name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_name: Option<ObjectName>,

    /// Any text, for example a date. Changing it issues a new webhook, with a new URL and a new secret, and
    /// writes them to the Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub rotation: Option<String>,

    /// What to do if the webhook's secret is lost because the Secret is gone or its `secret` or `token` was
    /// changed: AWS shows it only once. Reissue (the default) issues a new webhook and writes the Secret.
    /// Report only reports it in the `WebhookReady` condition.
    #[serde(default)]
    pub on_loss: OnLoss,

    /// Additional labels, annotations and keys for the Secret. Changing it rewrites the Secret; the webhook
    /// stays the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_template: Option<SecretTemplate>,
}

/// Whether a webhook is delivered at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum WebhookPolicy {
    #[default]
    Deliver,
    Ignore,
}

/// What to do when a webhook's secret is lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OnLoss {
    #[default]
    Reissue,
    Report,
}

/// What a webhook's Secret contains in addition to, or instead of, the documented keys.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    schema::rule(
        ".data",
        &format!("self.defaultKeys != 'Keep' || !has(self.data) || !self.data.exists(key, key in [{}])", quoted(&KEYS)),
        "a documented key can only be overridden with defaultKeys: Omit",
    ),
]))]
pub struct SecretTemplate {
    /// Labels of the Secret, for example those that a policy requires.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "labels")]
    pub labels: BTreeMap<LabelKey, LabelValue>,

    /// Annotations of the Secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "annotations")]
    pub annotations: BTreeMap<LabelKey, String>,

    /// Keep (the default) writes the documented keys (`url`, `id`, `type`, `secret` or `token`,
    /// `authVersion`, `agentSpaceId`, `associationId`, `region`). Omit leaves them out: an incident tool that
    /// expects them, such as `IncidentRelay` or the relay in the documentation, then can't sign with the
    /// Secret. Only the secret itself is kept, under `secret` or `token`, unless `data` contains it: AWS
    /// shows it only once.
    #[serde(default)]
    pub default_keys: DefaultKeys,

    /// Additional keys, with text in which `$(url)`, `$(id)`, `$(type)`, `$(secret)`, `$(token)`,
    /// `$(authVersion)`, `$(agentSpaceId)`, `$(associationId)` and `$(region)` stand for the values of the
    /// documented keys. `$$` is a dollar sign, as in a pod. A webhook has either `$(secret)` or `$(token)`,
    /// depending on its type; using the other is reported as `InputInvalid`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "texts")]
    pub data: BTreeMap<DataKey, SecretText>,
}

/// Whether a webhook's Secret has the documented keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DefaultKeys {
    #[default]
    Keep,
    Omit,
}

/// A webhook whose Secret has been written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookStatus {
    /// ID of the webhook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,

    /// URL that incidents are posted to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,

    /// How calls are authenticated: hmac, apikey, gitlab or pagerduty.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub webhook_type: Option<String>,

    /// The Secret that holds the URL and the secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_name: Option<String>,

    /// Value of `spec.webhook.rotation` that the webhook was issued for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<String>,

    /// When the operator had the webhook issued; absent for one that was adopted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_at: Option<Time>,

    /// Hash of the `spec.webhook.secretTemplate` that the Secret was written with; absent without a template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_hash: Option<String>,

    /// Keyed hash of the webhook's secret, so that a change in the Secret is noticed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
}

fn ignores(field: &str) -> Value {
    schema::rule(
        &format!(".{field}"),
        &format!("self.policy != 'Ignore' || !has(self.{field})"),
        &format!("{field} can't be set with policy: Ignore, which writes no Secret"),
    )
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")
}

fn with_rule(mut schema: Schema, rule: Value) -> Schema {
    schema::add_rule(&mut schema, rule);
    schema
}

fn labels(generator: &mut SchemaGenerator) -> Schema {
    let rule = schema::rule_here(
        "self.all(key, !key.startsWith('devopsagent.dev/') && key != 'app.kubernetes.io/managed-by')",
        "devopsagent.dev/* and app.kubernetes.io/managed-by are the operator's own labels",
    );
    with_rule(schema::map_of::<LabelKey, LabelValue>(generator, 32), rule)
}

fn annotations(generator: &mut SchemaGenerator) -> Schema {
    let rule = schema::rule_here(
        "self.all(key, !key.startsWith('devopsagent.dev/'))",
        "devopsagent.dev/* are the operator's own annotations",
    );
    let mut schema = with_rule(schema::map_of::<LabelKey, String>(generator, 32), rule);
    schema.insert("additionalProperties".into(), json!({ "type": "string", "maxLength": 1024 }));
    schema
}

fn texts(generator: &mut SchemaGenerator) -> Schema {
    // What may follow a dollar sign: another one, a known placeholder, or nothing special.
    let pattern = format!(r"^(?:[^$]|\$\$|\$\((?:{})\)|\$[^$(])*\$?$", KEYS.join("|"));
    let rule = schema::rule_here(
        &format!(r"self.all(key, self[key].matches(r'{pattern}'))"),
        &format!("a placeholder must be one of {}; write $$ for a dollar sign", placeholders()),
    );
    with_rule(schema::map_of::<DataKey, SecretText>(generator, 32), rule)
}

fn placeholders() -> String {
    KEYS.iter().map(|name| format!("$({name})")).collect::<Vec<_>>().join(", ")
}
