//! An API server that goes away for a while, and watches that can't go on from where they were.

use serde_json::json;

use crate::harness::{Proxy, Replica, World, run, wait_until};

const SPACE: &str = "{kind: AgentSpace, metadata: {name: space}, spec: {}}";
const GITLAB: &str = "
kind: ServiceRegistration
metadata: {name: gitlab}
spec:
  service:
    gitlab:
      targetUrl: https://gitlab.example.com
      tokenType: personal
      tokenValue: {secretKeyRef: {name: credentials, key: token}}
";

async fn behind_a_proxy(world: &World) -> (Proxy, Replica) {
    let proxy = Proxy::start(&world.client).await;
    let replica = Replica::start_with(world, &[], &[("KUBECONFIG", proxy.kubeconfig())]);
    replica.ready(world).await;
    world.secret("credentials", &[("token", "glpat-first")]).await;
    world.apply(SPACE).await.ready().await;
    world.apply(GITLAB).await.ready().await;
    (proxy, replica)
}

/// Changes, an end and a beginning that the operator does not see: of its own objects, and of a Secret.
async fn change_unseen(world: &World) {
    world.handle("AgentSpace", "space").patch(json!({"spec": {"description": "changed meanwhile"}})).await;
    world.apply("{kind: AgentSpace, metadata: {name: late}, spec: {}}").await;
    world.secret("credentials", &[("token", "glpat-second")]).await;
}

async fn all_is_made_up_for(world: &World) {
    world.handle("AgentSpace", "late").ready().await;
    world.handle("AgentSpace", "space").ready().await;
    wait_until("the change of the space is in AWS", async || {
        let spaces = world.remotes("agentSpace");
        spaces.iter().any(|space| space["description"] == "changed meanwhile").then_some(())
    })
    .await;
    wait_until("the new token is in AWS", async || {
        let services = world.remotes("service");
        (services.len() == 1 && services[0].to_string().contains("glpat-second")).then_some(())
    })
    .await;
    assert_eq!(world.remotes("agentSpace").len(), 2);
}

#[test]
fn an_api_server_that_was_away_is_caught_up_with() {
    run(async || {
        let world = World::new().await;
        let (mut proxy, replica) = behind_a_proxy(&world).await;
        proxy.cut().await;
        change_unseen(&world).await;
        replica.says("the watch failed").await;
        assert_eq!(replica.probe(&world, "livez").await.map(|(status, _)| status), Some(200));
        proxy.mend().await;
        all_is_made_up_for(&world).await;
        assert!(!replica.has_ended());
    });
}

#[test]
fn a_leader_that_can_not_reach_the_api_server_ends_and_the_next_goes_on() {
    run(async || {
        let world = World::new().await;
        let mut proxy = Proxy::start(&world.client).await;
        let election = ["--leader-election", "--lease-duration", "8s", "--lease-renew-deadline", "6s"];
        let leader = Replica::start_with(&world, &election, &[("KUBECONFIG", proxy.kubeconfig())]);
        leader.says("leading").await;
        leader.ready(&world).await;
        world.apply(SPACE).await.ready().await;
        let standby = Replica::start(&world, &election);
        standby.says("standing by").await;
        proxy.cut().await;
        leader.ended().await;
        assert!(leader.log().contains("leadership is lost"));
        standby.says("leading").await;
        world.apply("{kind: AgentSpace, metadata: {name: late}, spec: {}}").await.ready().await;
        assert_eq!(world.remotes("agentSpace").len(), 2);
    });
}

#[test]
fn watches_that_have_expired_are_made_up_for_by_lists() {
    run(async || {
        let world = World::new().await;
        let (mut proxy, replica) = behind_a_proxy(&world).await;
        let gone =
            world.apply("{kind: AgentSpace, metadata: {name: gone}, spec: {deletionPolicy: Retain}}").await;
        gone.ready().await;
        proxy.cut().await;
        change_unseen(&world).await;
        // An end that nobody will ever tell of.
        gone.patch(json!({"metadata": {"finalizers": null}})).await;
        gone.delete_and_wait().await;
        let space = "{kind: Association, metadata: {name: source}, spec: {agentSpaceRef: {name: gone}, configuration:
                      {sourceAws: {accountId: '210987654321', assumableRoleArn: 'arn:aws:iam::210987654321:role/Agent'}}}}";
        proxy.expire_watches(true);
        proxy.mend().await;
        wait_until("every kind of watch has expired", async || (proxy.expired() >= 10).then_some(())).await;
        proxy.expire_watches(false);
        world.handle("AgentSpace", "late").ready().await;
        world.apply(space).await.condition("Ready", "False", "DependencyNotFound").await;
        assert!(!replica.has_ended());
        let names = world.remotes("agentSpace");
        assert_eq!(names.len(), 3, "what is retained stays: {names:?}");
        assert!(world.remotes("association").is_empty());
    });
}
