//! The search for leaked secrets: in the log at its most verbose, in Events, in status, in every object of the API
//! server except Secrets, and in what the operator serves over HTTP.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use devops_agent_simulator::Options;
use kube::Api;
use kube::api::ListParams;
use kube::core::DynamicObject;
use kube::discovery::{Discovery, Scope, verbs};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use devops_agent_operator::reconcile::state::fingerprint::hex;

use crate::fixtures::{CHANNEL, EVENTS, PROJECT, SPACE, json_of, services};
use crate::harness::{Handle, Operator, World, condition, run, within};

/// Everything that is logged by us and by our libraries.
const VERBOSE: [&str; 8] = [
    "--log-level",
    "trace,devops_agent_operator=trace",
    "--resync-period",
    "30s",
    "--requests-per-second",
    "1000",
    "--concurrency",
    "32",
];
/// The operator's own credentials for AWS.
const OWN: &str = "marker+own/aws+secret=3c7e19";

/// How AWS may quote a value: as it is, encoded, or truncated.
fn quotations(value: &str) -> Vec<String> {
    let shifted = BASE64_STANDARD_NO_PAD.encode(format!("{{\"value\":\"{value}\"}}"));
    let escaped: String =
        value.encode_utf16().flat_map(|unit| format!("\\u{unit:04x}").into_bytes()).map(char::from).collect();
    let characters: Vec<char> = value.chars().collect();
    let part = |from: usize, to: usize| characters[from..to].iter().collect::<String>();
    let (half, end) = (characters.len() / 2, characters.len());
    vec![
        format!("'{value}'"),
        BASE64_STANDARD_NO_PAD.encode(value),
        shifted,
        utf8_percent_encode(value, NON_ALPHANUMERIC).to_string(),
        Value::from(value).to_string().replace('/', "\\/"),
        escaped,
        value.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;"),
        hex(value.as_bytes()),
        format!("{}…", part(0, half)),
        format!("…{}", part(half, end)),
        format!("…{}…", part(half / 2, half / 2 + half)),
    ]
}

/// Registrations that AWS refuses at first, and which of their values it repeats in the refusal.
const ECHOED: &[(&str, &str)] = &[
    ("gitlab-personal", "token"),
    ("pagerduty-oauthclientcredentials", "secret"),
    ("mcpserver-apikey", "key"),
    ("mcpserver-bearertoken", "bearer"),
    ("mcpservernewrelic-apikey", "newrelic"),
    ("mcpserver-oauthclientcredentials", "parameter"),
    ("mcpserver-customheaders", "header"),
];

/// The values of the Secret `credentials`, in their second, third… form.
fn credentials(round: usize) -> Vec<(&'static str, String)> {
    vec![
        ("token", format!("glpat-marker.token_{round}-8f2b1c")),
        ("secret", format!("marker/client+secret={round}\"5d\\0e\"")),
        ("key", format!("marker api key {round} <a7&3f>")),
        ("bearer", format!("marker.bearer/{round}+c41d")),
        ("newrelic", format!("NRAK-MARKER{round}X9Q7Z")),
        ("parameter", format!("marker parameter {round} é e2b6")),
        ("header", format!("marker header {round} 77aa")),
        ("content", format!("Report what happened.\nmarker content {round} 90ce")),
        ("sign-in", format!("marker/sign+in={round} 61f0")),
    ]
}

/// What was seeded, and all the forms in which it could show up.
#[derive(Default)]
struct Markers(BTreeSet<String>);

impl Markers {
    fn add(&mut self, secret: &str) {
        // The content of a file is searched for by the part of it that nobody else has.
        let secret = secret.lines().last().unwrap_or(secret);
        assert!(secret.len() >= 12, "too short to be told from other text: {secret}");
        let escaped = Value::from(secret).to_string();
        let escaped = escaped.trim_matches('"');
        for form in [secret, escaped] {
            self.0.insert(form.to_owned());
            self.0.insert(form.escape_debug().to_string());
            self.0.insert(utf8_percent_encode(form, NON_ALPHANUMERIC).to_string());
            self.0.insert(utf8_percent_encode(form, NON_ALPHANUMERIC).to_string().replace("%20", "+"));
            self.0.insert(hex(form.as_bytes()));
            // Wherever it stands in what is encoded: as it falls into groups of three bytes, less the ends.
            for before in 0..3 {
                let shifted = [&vec![b'x'; before][..], form.as_bytes()].concat();
                let whole = BASE64_STANDARD_NO_PAD.encode(&shifted);
                let inner = whole[if before == 0 { 0 } else { 4 }..whole.len() - whole.len() % 4].to_owned();
                if inner.len() >= 12 {
                    self.0.insert(inner);
                }
            }
            self.0.insert(format!("{:?}", form.as_bytes()));
        }
    }

    /// Parts of a value that say enough to tell it from the others.
    fn add_parts(&mut self, secret: &str) {
        let secret = secret.lines().last().unwrap_or(secret);
        let characters: Vec<char> = secret.chars().collect();
        for from in [0, characters.len() / 4, characters.len() / 2] {
            let part: String = characters[from..from + characters.len() / 2].iter().collect();
            self.0.insert(part);
        }
    }

    /// Fails if one of them is in `text`; `place` says where that is from.
    fn assert_none(&self, place: &str, text: &str) {
        for marker in &self.0 {
            if let Some(at) = text.find(marker.as_str()) {
                let start = text[..at].rfind('\n').map_or(0, |line| line + 1);
                let line = text[start..].lines().next().unwrap_or_default();
                panic!("a secret is in {place}, as {marker}:\n{line}");
            }
        }
    }
}

/// Every registration that has a credential, under names that don't meet.
fn registrations() -> Vec<Value> {
    let with_secrets = services().into_iter().filter(|(.., yaml)| yaml.contains("secretKeyRef"));
    with_secrets
        .map(|(kind, form, yaml)| {
            let unique = format!("{kind}-{form}").to_lowercase();
            let yaml = yaml.replace("name: runbooks", &format!("name: {unique}"));
            let yaml = yaml.replace("example.com/mcp", &format!("example.com/{unique}"));
            json!({
                "kind": "ServiceRegistration",
                "metadata": {"name": unique},
                "spec": {"name": unique, "service": json_of(&yaml)},
            })
        })
        .collect()
}

async fn seed(world: &World, markers: &mut Markers, round: usize) {
    let values = credentials(round);
    for (_, value) in &values {
        markers.add(value);
        markers.add_parts(value);
    }
    let values: Vec<(&str, &str)> = values.iter().map(|(key, value)| (*key, value.as_str())).collect();
    world.secret("credentials", &values).await;
}

/// The webhooks' secrets that are in use; some are gone again later.
fn note_webhooks(world: &World, markers: &mut Markers) {
    for association in world.remotes("association") {
        if let Some(secret) = association["webhook"]["secret"].as_str() {
            markers.add(secret);
        }
    }
}

/// Waits until it is Ready, or waits for a person.
async fn settled(object: &Handle) {
    object
        .wait("it is Ready, or waits for a person", |object| {
            let observed = object["status"]["observedGeneration"] == object["metadata"]["generation"];
            let ready = condition(object, "Ready");
            observed
                && ready.is_some_and(|ready| {
                    ready["status"] == "True" || ready["reason"] == "AuthorizationRequired"
                })
        })
        .await;
}

/// Every object in the API server except Secrets, with its managed fields.
async fn everything_stored(world: &World) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let discovery =
        Discovery::new(world.client.clone()).run().await.expect("the API server tells what it has");
    for group in discovery.groups() {
        for (resource, capabilities) in group.recommended_resources() {
            if resource.kind == "Secret" || !capabilities.supports_operation(verbs::LIST) {
                continue;
            }
            let api = match capabilities.scope {
                Scope::Cluster => Api::<DynamicObject>::all_with(world.client.clone(), &resource),
                Scope::Namespaced => {
                    Api::<DynamicObject>::namespaced_with(world.client.clone(), &world.namespace, &resource)
                }
            };
            for object in api.list(&ListParams::default()).await.map(|list| list.items).unwrap_or_default() {
                let text = serde_json::to_string(&object).expect("objects are JSON");
                all.push((format!("a stored {}", resource.kind), text));
            }
        }
    }
    assert!(all.iter().any(|(place, _)| place.contains("Event")), "Events are among them");
    all
}

async fn search(world: &World, replica: &Operator, markers: &Markers) {
    for (place, text) in everything_stored(world).await {
        markers.assert_none(&place, &text);
    }
    let mut answers = vec![
        ("metrics", Some((200, replica.metrics().await))),
        ("the log level", replica.log_level(None).await),
    ];
    for path in ["/readyz", "/livez", "/version"] {
        answers.push((path, replica.get(path).await));
    }
    for (path, answer) in answers {
        let (status, text) = answer.expect("the operator answers");
        assert!(status == 200 && !text.is_empty(), "{path}: {status} {text}");
        markers.assert_none(path, &text);
    }
    let log = replica.log();
    assert!(log.contains(r#""level":"trace""#), "the log is as verbose as can be");
    markers.assert_none("the log", &log);
    assert!(!log.contains("panicked"), "nothing panics");
}

#[test]
fn no_secret_is_anywhere_but_in_secrets_and_in_requests() {
    run(async || {
        let world =
            World::with(Options { secret_access_key: OWN.to_owned(), ..Options::on_free_port() }).await;
        let mut markers = Markers::default();
        markers.add(OWN);
        let replica = world.launch(&world.namespace).args(VERBOSE).env("AWS_SECRET_ACCESS_KEY", OWN).start();
        replica.ready().await;

        // Faults, and rejections that repeat what they reject.
        let sent = credentials(1);
        for (resource, key) in ECHOED {
            let value =
                sent.iter().find(|(name, _)| name == key).map(|(_, value)| value).expect("it is one of them");
            let message =
                format!("1 validation error: value '{value}' at 'service' failed to satisfy constraint");
            for error in ["ValidationException", "InternalServerException"] {
                let rule = json!({"operation": "RegisterService", "resource": resource, "effect": "error", "error": error, "message": message});
                world.fault(rule);
            }
            for (at, quoted) in quotations(value).into_iter().enumerate() {
                let told = format!("1 validation error: {quoted} is refused");
                let (message, field) =
                    if at % 2 == 0 { (told.as_str(), "no") } else { ("no", told.as_str()) };
                world.fault(json!({
                    "operation": "RegisterService", "resource": resource, "effect": "error",
                    "error": "ValidationException", "message": message,
                    "fields": [{"path": "/serviceDetails", "message": field}],
                }));
            }
        }
        // The content of a file, which no sensitive member holds.
        let content =
            sent.iter().find(|(name, _)| *name == "content").map(|(_, value)| value).expect("it is one");
        let last = content.lines().last().unwrap_or_default();
        for quoted in quotations(last) {
            world.fault(json!({
                "operation": "CreateAsset", "effect": "error", "error": "ValidationException",
                "message": format!("line 2: {quoted} is no instruction"),
            }));
        }
        for effect in ["drop-answer", "500", "reset", "429"] {
            world.fault(json!({"operation": "RegisterService", "effect": effect, "nth": 9, "times": 2}));
            world.fault(json!({"operation": "AssociateService", "effect": effect, "nth": 1}));
        }

        // Created.
        seed(&world, &mut markers, 1).await;
        let mut objects = Vec::new();
        objects.push(world.apply(&SPACE.replace("spec: {}", SIGN_IN)).await);
        for registration in registrations() {
            objects.push(world.apply(&registration.to_string()).await);
        }
        for yaml in
            [CHANNEL, EVENTS, &PROJECT.replace("name: gitlab}", "name: gitlab-personal}"), CONFIDENTIAL]
        {
            objects.push(world.apply(yaml).await);
        }
        for object in &objects {
            retried(object).await;
        }
        note_webhooks(&world, &mut markers);

        // Rotated, twice: inputs and webhooks.
        for round in 2..4 {
            seed(&world, &mut markers, round).await;
            let events = world.handle("Association", "events");
            events.patch(json!({"spec": {"webhook": {"rotation": format!("{round}")}}})).await;
            events
                .wait("the rotation is done", |object| {
                    object["status"]["webhook"]["rotation"] == format!("{round}")
                })
                .await;
            world.handle("ServiceRegistration", "gitlab-personal").reconcile().await;
            for object in &objects {
                settled(object).await;
            }
            note_webhooks(&world, &mut markers);
        }
        let state = world.simulator.state(true).to_string();
        for (name, value) in
            credentials(3).iter().filter(|(name, _)| ["token", "newrelic", "bearer"].contains(name))
        {
            assert!(state.contains(value.as_str()), "{name} has reached AWS, so the search means something");
        }
        search(&world, &replica, &markers).await;

        // Deleted.
        for object in &objects {
            object.delete().await;
        }
        for object in &objects {
            object.gone().await;
        }
        search(&world, &replica, &markers).await;
    });
}

/// What was rejected for good is retried when a person asks.
async fn retried(object: &Handle) {
    /// Four answers are lost or refused one after the other, and each wait is longer than the one before.
    const PATIENCE: Duration = Duration::from_secs(200);
    within(PATIENCE, format!("{object} is made after all"), async || {
        let now = object.get().await;
        let ready = condition(&now, "Ready");
        if ready.is_some_and(|ready| ready["status"] == "True" || ready["reason"] == "AuthorizationRequired")
        {
            return Some(());
        }
        if condition(&now, "Stalled").is_some_and(|stalled| stalled["status"] == "True") {
            object.request().await;
        }
        None
    })
    .await;
}

const SIGN_IN: &str =
    "spec: {operatorApp: {idp: {roleArn: 'arn:aws:iam::123456789012:role/WebApp', provider: okta,
    issuerUrl: 'https://example.okta.com', clientId: client-1,
    clientSecretRef: {name: credentials, key: sign-in}}}}";

/// Content that is no business of who may read ConfigMaps.
const CONFIDENTIAL: &str = "
kind: Asset
metadata: {name: agent}
spec:
  agentSpaceRef: {name: space}
  assetType: custom_agent
  metadata: {name: confidential}
  content: {files: [{path: AGENT.md, secretKeyRef: {name: credentials, key: content}}]}
";

/// Every fingerprint in an object.
fn fingerprints(value: &Value) -> Vec<String> {
    match value {
        Value::Object(members) => {
            let own = members.get("hash").and_then(Value::as_str).map(str::to_owned);
            own.into_iter().chain(members.values().flat_map(fingerprints)).collect()
        }
        Value::Array(items) => items.iter().flat_map(fingerprints).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn a_fingerprint_tells_nothing_to_who_has_not_got_the_key() {
    run(async || {
        let world = World::new().await;
        let mut found = Vec::new();
        for namespace in [world.namespace.clone(), world.other_namespace(json!({})).await] {
            let arguments = ["--cluster-id", namespace.as_str()];
            let replica = world.launch(&namespace).args(arguments).start();
            let token = json!({"kind": "Secret", "metadata": {"name": "credentials"}, "stringData": {"token": "glpat-1"}});
            world.apply_in(&namespace, &token.to_string()).await;
            let name = format!("gitlab-{namespace}");
            let gitlab = json!({
                "kind": "ServiceRegistration",
                "metadata": {"name": "gitlab"},
                "spec": {"name": name, "service": {"gitlab": {
                    "targetUrl": format!("https://{namespace}.example.com"),
                    "tokenType": "personal",
                    "tokenValue": {"secretKeyRef": {"name": "credentials", "key": "token"}},
                }}},
            });
            let status = world.apply_in(&namespace, &gitlab.to_string()).await.ready().await["status"].take();
            let hashes = fingerprints(&status);
            assert!(!hashes.is_empty(), "{status}");
            found.push(hashes);
            drop(replica);
        }
        assert!(
            found[0].iter().all(|hash| !found[1].contains(hash)),
            "the same value, another key: {found:?}"
        );
    });
}
