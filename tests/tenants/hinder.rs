//! Hindering: who lacks consent blocks neither a deletion nor a rotation, and who has it can be found and left behind.

use serde_json::json;

use crate::harness::{Handle, condition, text, wait_until};
use crate::world::{SOON, World, attack, estate, estate_of_another, not_ready, ready_soon};

/// What Mallory has in AWS, with a reference to the victim's that she put in afterwards.
async fn put_in_references(w: &World<'_>) -> Vec<Handle> {
    estate_of_another(&w.mallory).await;
    let to = |name: &str| json!({"name": name, "namespace": w.victim.namespace});
    let changes = [
        ("ServiceRegistration", "cat", json!({"privateConnectionRef": to("paydb")})),
        ("Association", "cat", json!({"serviceRef": to("cat")})),
        ("Trigger", "weekly", json!({"assetRef": to("agent")})),
    ];
    let mut made = Vec::new();
    for (kind, name, spec) in changes {
        w.mallory.patch(kind, name, json!({"spec": spec})).await;
        made.push(w.mallory.handle(kind, name));
    }
    made
}

async fn token(w: &World<'_>, value: &str) {
    w.victim.secret("token", &[("token", value)]).await;
}

/// The tokens of the victim's registrations in AWS.
fn tokens(w: &World<'_>) -> Vec<String> {
    let mine =
        |service: &serde_json::Value| service["tags"]["devopsagent.dev/namespace"] == *w.victim.namespace;
    let pointer = "/registration/mcpserver/authorizationConfig/bearerToken/tokenValue";
    let services = w.t.remotes("service");
    services.iter().filter(|service| mine(service)).map(|service| text(service, pointer).to_owned()).collect()
}

/// Waits until the victim's only registration has this token.
async fn only_token(w: &World<'_>, value: &str) {
    crate::harness::within(SOON, format!("{value} is the only token"), async || {
        (tokens(w) == [value]).then_some(())
    })
    .await;
    ready_soon(&w.victim.handle("ServiceRegistration", "cat")).await;
}

/// An association of Mallory's with the victim's registration, while she may.
async fn associated(w: &World<'_>) -> Handle {
    estate(&w.victim).await;
    w.victim.allow("ServiceRegistration", "cat", &w.mallory).await;
    w.mallory.apply("{kind: AgentSpace, metadata: {name: own}, spec: {name: Mallorys}}").await.ready().await;
    let association = format!(
        "{{kind: Association, metadata: {{name: borrowed}}, spec: {{agentSpaceRef: {{name: own}},
           serviceRef: {{name: cat, namespace: {}}}, configuration: {{mcpserver: {{tools: [find_service]}}}}}}}}",
        w.victim.namespace
    );
    let association = w.mallory.apply(&association).await;
    association.ready().await;
    association
}

#[test]
fn references_without_consent_keep_nothing_from_being_deleted() {
    attack(async |w| {
        let victims = estate(&w.victim).await;
        for object in put_in_references(w).await {
            not_ready(&object, &["ReferenceNotAllowed"]).await;
        }
        for object in &victims {
            object.delete().await;
        }
        for object in &victims {
            object.gone_within(SOON).await;
        }
    });
}

#[test]
fn references_without_consent_keep_no_token_from_being_rotated() {
    attack(async |w| {
        estate(&w.victim).await;
        for object in put_in_references(w).await {
            not_ready(&object, &["ReferenceNotAllowed"]).await;
        }
        for value in ["victims-token-2", "victims-token-3"] {
            token(w, value).await;
            only_token(w, value).await;
        }
    });
}

#[test]
fn an_association_that_lost_its_consent_is_let_go_of_whether_paused_or_not() {
    attack(async |w| {
        let association = associated(w).await;
        w.mallory.pause("Association", "borrowed").await;
        w.victim.withdraw("ServiceRegistration", "cat").await;
        token(w, "victims-token-2").await;
        only_token(w, "victims-token-2").await;
        token(w, "victims-token-3").await;
        only_token(w, "victims-token-3").await;
        // It is the victim's registration that goes, without waiting for her.
        for (kind, name) in [("Association", "cat"), ("ServiceRegistration", "cat")] {
            w.victim.delete(kind, name).await.gone_within(SOON).await;
        }
        association.delete().await;
    });
}

#[test]
fn an_association_with_consent_that_is_paused_shows_who_since_when_and_how_to_go_on() {
    attack(async |w| {
        associated(w).await;
        w.mallory.pause("Association", "borrowed").await;
        token(w, "victims-token-2").await;
        let registration = w.victim.handle("ServiceRegistration", "cat");
        let named = format!("{}/borrowed", w.mallory.namespace);
        let object = registration
            .wait("it says who blocks", |object| object["status"].to_string().contains(&named))
            .await;
        let messages: String = object["status"]["conditions"].to_string();
        for part in [&named, "paused", "since 20", "allowedNamespaces"] {
            assert!(messages.contains(part), "{part}: {messages}");
        }
        // Meanwhile the new registration serves, and what comes after it is sent.
        let newest = |value: &'static str| {
            wait_until(format!("{value} is in AWS"), async move || {
                tokens(w).contains(&value.to_owned()).then_some(())
            })
        };
        newest("victims-token-2").await;
        token(w, "victims-token-3").await;
        newest("victims-token-3").await;
        let own = w.victim.handle("Association", "cat");
        own.wait("the victim's association uses the newest", |object| {
            condition(object, "Ready").is_some_and(|ready| ready["status"] == "True")
        })
        .await;
        // Consent is taken back: nothing of the old ones is left.
        w.victim.withdraw("ServiceRegistration", "cat").await;
        only_token(w, "victims-token-3").await;
    });
}

#[test]
fn associations_of_somebody_else_are_named_and_do_not_stop_later_rotations() {
    attack(async |w| {
        estate(&w.victim).await;
        let id = w.victim.handle("ServiceRegistration", "cat").id().await;
        let space = w.by_hand("CreateAgentSpace", json!({"name": "Made by hand"})).await;
        let space = text(&space, "/agentSpace/agentSpaceId").to_owned();
        let configuration = json!({"mcpserver": {"tools": ["find_service"]}});
        w.by_hand(
            "AssociateService",
            json!({"agentSpaceId": space, "serviceId": id, "configuration": configuration}),
        )
        .await;
        token(w, "victims-token-2").await;
        let registration = w.victim.handle("ServiceRegistration", "cat");
        registration
            .wait("it says what is in the way", |object| {
                object["status"]["conditions"].to_string().contains(&space)
            })
            .await;
        token(w, "victims-token-3").await;
        wait_until("the newest token is in AWS", async || {
            tokens(w).contains(&"victims-token-3".to_owned()).then_some(())
        })
        .await;
    });
}
