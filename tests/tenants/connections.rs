//! Private connections by their AWS name: the network of another namespace needs its consent.

use serde_json::{Value, json};

use crate::harness::Handle;
use crate::world::{CONNECTION, SECRETS, World, attack, not_ready, shows_nothing_of};

const OAUTH: &str = "
kind: ServiceRegistration
metadata: {name: tunnel}
spec:
  name: Tunnel
  service:
    mcpserver:
      name: tunnel
      endpoint: https://10.1.2.3/mcp
      authorizationConfig:
        oAuthClientCredentials: {clientName: Agent, clientId: c, clientSecret: {secretKeyRef: {name: token, key: token}},
          exchangeUrl: 'https://10.1.2.4/token'}
";

const STAGING: &str = "
kind: Association
metadata: {name: staging}
spec:
  agentSpaceRef: {name: own}
  configuration:
    releaseManagement:
      name: Staging
      networkAccess: {privateAccess: {runtimeRoleArn: 'arn:aws:iam::123456789012:role/Tests'}}
";

/// Every field that takes the AWS name of a connection.
const WAYS: &[(&str, &str, &str)] = &[
    (OAUTH, "/spec", "privateConnectionName"),
    (OAUTH, "/spec", "targetUrlPrivateConnectionName"),
    (OAUTH, "/spec", "exchangeUrlPrivateConnectionName"),
    (STAGING, "/spec/configuration/releaseManagement/networkAccess/privateAccess", "privateConnectionName"),
];

async fn try_all(w: &World<'_>) -> Vec<Handle> {
    let mut made = Vec::new();
    for (number, (yaml, parent, field)) in WAYS.iter().enumerate() {
        let mut object: Value = serde_saphyr::from_str(yaml).unwrap();
        let name = format!("tunnel-{number}");
        object["metadata"]["name"] = json!(name);
        if object["kind"] == "ServiceRegistration" {
            object["spec"]["name"] = json!(name);
            object["spec"]["service"]["mcpserver"]["name"] = json!(name);
        }
        object.pointer_mut(parent).unwrap()[*field] = json!("paydb");
        made.push(w.mallory.apply(&object.to_string()).await);
    }
    made
}

async fn prepare(w: &World<'_>) {
    w.victim.apply(CONNECTION).await.ready().await;
    prepare_mallory(w).await;
}

async fn prepare_mallory(w: &World<'_>) {
    w.mallory.secret("token", &[("token", "mine")]).await;
    w.mallory
        .apply("{kind: AgentSpace, metadata: {name: own}, spec: {name: Mallory's own}}")
        .await
        .ready()
        .await;
}

#[test]
fn a_connection_of_another_namespace_can_not_be_used_by_its_aws_name() {
    attack(async |w| {
        prepare(w).await;
        let protected = w.protect();
        let made = try_all(w).await;
        for object in &made {
            not_ready(object, &["ReferenceNotAllowed"]).await;
            shows_nothing_of(object, SECRETS).await;
        }
        protected.assert_untouched(w.t);
        // Nor does it keep the connection from being deleted.
        w.victim.delete("PrivateConnection", "paydb").await.gone().await;
        for object in &made {
            object.delete_and_wait().await;
        }
    });
}

#[test]
fn a_connection_can_be_used_by_its_aws_name_with_consent() {
    attack(async |w| {
        prepare(w).await;
        w.victim.allow("PrivateConnection", "paydb", &w.mallory).await;
        for object in try_all(w).await {
            object.ready().await;
        }
    });
}

#[test]
fn a_connection_that_nobody_in_the_cluster_owns_can_be_used_by_all() {
    attack(async |w| {
        prepare_mallory(w).await;
        let mode = json!({"serviceManaged": {"hostAddress": "10.0.0.1", "vpcId": "vpc-0123456789abcdef0", "subnetIds": ["subnet-0123456789abcdef0"]}});
        w.by_hand("CreatePrivateConnection", json!({"name": "paydb", "mode": mode})).await;
        for object in try_all(w).await {
            object.ready().await;
        }
    });
}
