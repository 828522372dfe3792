//! `existing`: a registration that another namespace's object owns needs its consent, by id and by every property.

use serde_json::json;

use crate::world::{World, attack, estate, not_ready};

/// A registration of the victim's with a tenant's id in it, which `existing` may ask for.
const AZURE: &str = "
kind: ServiceRegistration
metadata: {name: azure}
spec:
  name: Azure
  service:
    azureidentity: {tenantId: 01234567-89ab-cdef-0123-456789abcdef, clientId: fedcba98-7654-3210-fedc-ba9876543210,
      webIdentityRoleArn: 'arn:aws:iam::123456789012:role/Azure', webIdentityTokenAudiences: ['api://AzureADTokenExchange']}
";

const OWN: &str = "{kind: AgentSpace, metadata: {name: own}, spec: {name: Mallory's own}}";

fn borrowed(name: &str, existing: &str) -> String {
    format!("{{kind: ServiceRegistration, metadata: {{name: {name}}}, spec: {{existing: {{{existing}}}}}}}")
}

fn used(name: &str) -> String {
    format!(
        "{{kind: Association, metadata: {{name: {name}}}, spec: {{agentSpaceRef: {{name: own}}, serviceRef: {{name: {name}}},
           configuration: {{mcpserver: {{tools: [find_service, delete_service]}}}}}}}}"
    )
}

async fn prepare(w: &World<'_>) -> String {
    estate(&w.victim).await;
    w.mallory.apply(OWN).await.ready().await;
    w.victim.handle("ServiceRegistration", "cat").id().await
}

#[test]
fn a_registration_of_another_namespace_can_not_be_used_by_any_of_its_properties() {
    attack(async |w| {
        let id = prepare(w).await;
        w.victim.apply(AZURE).await.ready().await;
        let protected = w.protect();
        let ways = [
            ("by-id", format!("serviceId: '{id}'")),
            ("by-name", "match: {serviceType: mcpserver, name: Catalog}".to_owned()),
            ("by-type", "match: {serviceType: mcpserver}".to_owned()),
            (
                "by-tenant",
                "match: {serviceType: azureidentity, tenantId: 01234567-89ab-cdef-0123-456789abcdef}"
                    .to_owned(),
            ),
        ];
        let mut made = Vec::new();
        for (name, existing) in &ways {
            made.push(w.mallory.apply(&borrowed(name, existing)).await);
            made.push(w.mallory.apply(&used(name)).await);
        }
        for pair in made.chunks(2) {
            not_ready(&pair[0], &["ReferenceNotAllowed"]).await;
            assert_eq!(pair[0].id().await, "", "{}: an id would be a way in", pair[0]);
            not_ready(&pair[1], &["DependencyNotReady", "ReferenceNotAllowed"]).await;
        }
        protected.assert_untouched(w.t);
        for object in &made {
            object.delete_and_wait().await;
        }
        protected.assert_untouched(w.t);
    });
}

#[test]
fn a_registration_can_be_used_with_consent_and_no_longer_without() {
    attack(async |w| {
        let id = prepare(w).await;
        w.victim.allow("ServiceRegistration", "cat", &w.mallory).await;
        let registration = w.mallory.apply(&borrowed("cat", &format!("serviceId: '{id}'"))).await;
        registration.ready().await;
        let association = w.mallory.apply(&used("cat")).await;
        association.ready().await;
        w.victim.withdraw("ServiceRegistration", "cat").await;
        not_ready(&registration, &["ReferenceNotAllowed"]).await;
        let mark = w.t.mark();
        let change = json!({"spec": {"configuration": {"mcpserver": {"tools": ["other"]}}}});
        w.mallory.patch("Association", "cat", change).await;
        not_ready(&association, &["DependencyNotReady", "ReferenceNotAllowed"]).await;
        let calls = w.t.mutations_since(mark);
        assert!(!calls.iter().any(|call| call == "UpdateAssociation"), "{calls:?}");
        association.delete_and_wait().await;
        registration.delete_and_wait().await;
    });
}

#[test]
fn what_a_namespace_may_use_it_can_not_pass_on() {
    attack(async |w| {
        let id = prepare(w).await;
        let space = w.victim.handle("AgentSpace", "pay").id().await;
        let shared = [
            ("AgentSpace", "pay", format!("managementPolicy: Observe, externalId: '{space}'")),
            ("ServiceRegistration", "cat", format!("existing: {{serviceId: '{id}'}}")),
            (
                "PrivateConnection",
                "paydb",
                "managementPolicy: Observe, externalId: paydb, mode: {selfManaged: {resourceConfigurationId: rcfg-0123456789abcdef0}}"
                    .to_owned(),
            ),
        ];
        for (kind, name, spec) in &shared {
            w.victim.allow(kind, name, &w.platform).await;
            let all = "allowedNamespaces: {from: All}";
            let yaml = format!("{{kind: {kind}, metadata: {{name: {name}}}, spec: {{{spec}, {all}}}}}");
            w.platform
                .apply(&yaml)
                .await
                .wait("it is observed", |object| object["status"]["id"].is_string())
                .await;
        }
        let protected = w.protect();
        let from = &w.platform.namespace;
        let ways = [
            format!(
                "{{kind: Trigger, metadata: {{name: a}}, spec: {{agentSpaceRef: {{name: pay, namespace: {from}}}, schedule: {{expression: rate(1 day)}}, action: {{}}}}}}"
            ),
            format!(
                "{{kind: Association, metadata: {{name: b}}, spec: {{agentSpaceRef: {{name: own}}, serviceRef: {{name: cat, namespace: {from}}}, configuration: {{mcpserver: {{tools: [find_service]}}}}}}}}"
            ),
            format!(
                "{{kind: ServiceRegistration, metadata: {{name: c}}, spec: {{name: Tunnel, privateConnectionRef: {{name: paydb, namespace: {from}}}, service: {{eventChannel: {{type: webhook}}}}}}}}"
            ),
        ];
        for yaml in &ways {
            let (_, message) = not_ready(&w.mallory.apply(yaml).await, &["ReferenceNotAllowed"]).await;
            assert!(message.contains(&w.victim.namespace), "{message}");
        }
        protected.assert_untouched(w.t);
        // With the owner's own word it goes on by itself.
        let everybody = json!({"from": "All", "names": null});
        w.victim.patch("ServiceRegistration", "cat", json!({"spec": {"allowedNamespaces": everybody}})).await;
        w.mallory.handle("Association", "b").ready().await;
    });
}

#[test]
fn what_the_console_registered_can_be_used_by_all() {
    attack(async |w| {
        let details = json!({"eventChannel": {"type": "webhook"}});
        w.by_hand("RegisterService", json!({"service": "eventChannel", "serviceDetails": details})).await;
        let channel = w.mallory.apply(&borrowed("channel", "match: {serviceType: eventChannel}")).await;
        channel.ready().await;
    });
}
