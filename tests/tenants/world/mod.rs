//! Who is in a test, and what must not happen to the victim.

mod estate;
mod people;
mod protected;
mod roles;

pub use estate::{CONNECTION, SECRETS, estate, estate_of_another};
pub use people::Person;
pub use protected::Protected;

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{self, Handle, Test, condition, text};

/// How long an object of the victim may take to become Ready, whatever the others do.
pub const SOON: Duration = Duration::from_secs(10);

/// The people of one test. They share an AWS account, which is open to all namespaces, as it is by default.
pub struct World<'a> {
    pub t: &'a Test,
    /// Owns what is attacked.
    pub victim: Person<'a>,
    /// May write our kinds, ConfigMaps and Secrets in a namespace of her own, and nothing else.
    pub mallory: Person<'a>,
    /// Shares what it has with others.
    pub platform: Person<'a>,
}

/// Runs one test.
pub fn attack(body: impl AsyncFnOnce(&World)) {
    harness::run(async |t| {
        let [evil, platform] = [t.other_namespace(json!({})).await, t.other_namespace(json!({})).await];
        roles::install(&t.shared.client).await;
        let world = World {
            t,
            victim: Person::new(t, &t.namespace).await,
            mallory: Person::new(t, &evil).await,
            platform: Person::new(t, &platform).await,
        };
        body(&world).await;
    });
}

impl World<'_> {
    /// Makes something in AWS as a person or another tool would, and waits until it has settled.
    pub async fn by_hand(&self, operation: &str, input: Value) -> Value {
        let made = self.t.invoke(operation, input).await;
        harness::wait_until("private connections are active", async || {
            let connections = self.t.remotes("privateConnection");
            connections.iter().all(|connection| connection["status"] == "ACTIVE").then_some(())
        })
        .await;
        made
    }

    /// Remembers everything that is in AWS now: from here on nothing of it may be changed, deleted or used.
    pub fn protect(&self) -> Protected {
        Protected::new(self.t)
    }
}

/// Waits until the object is Ready, and fails if that takes longer than [`SOON`].
pub async fn ready_soon(object: &Handle) -> Value {
    object
        .wait_within(SOON, "it is Ready soon", |object| {
            condition(object, "Ready").is_some_and(|ready| {
                ready["status"] == "True"
                    && Some(&ready["observedGeneration"]) == object.pointer("/metadata/generation")
            })
        })
        .await
}

/// Waits until the object is not Ready for one of these reasons, and gives reason and message.
pub async fn not_ready(object: &Handle, reasons: &[&str]) -> (String, String) {
    let found = object
        .wait(&format!("it is not Ready because of {}", reasons.join(" or ")), |object| {
            let observed =
                object.pointer("/status/observedGeneration") == object.pointer("/metadata/generation");
            observed
                && condition(object, "Ready").is_some_and(|ready| {
                    ready["status"] == "False" && reasons.contains(&text(ready, "/reason"))
                })
        })
        .await;
    let ready = condition(&found, "Ready").cloned().unwrap_or_default();
    (text(&ready, "/reason").to_owned(), text(&ready, "/message").to_owned())
}

/// Fails if any of `secrets` is in what can be read of the object.
pub async fn shows_nothing_of(object: &Handle, secrets: &[&str]) {
    let status = object.get().await["status"].to_string();
    let events: Vec<String> = object.events().await.into_iter().map(|(_, note)| note).collect();
    for secret in secrets {
        assert!(!status.contains(secret), "{object}: status shows {secret}: {status}");
        assert!(
            !events.iter().any(|note| note.contains(secret)),
            "{object}: Events show {secret}: {events:?}"
        );
    }
}

/// Every string in a document but tags: to say a name in one's own tags harms nobody.
pub fn strings<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
        Value::Object(members) => {
            members.iter().filter(|(name, _)| *name != "tags").for_each(|(_, member)| strings(member, found));
        }
        _ => {}
    }
}
