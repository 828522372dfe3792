//! An API server that goes away for a while, and watches that can't continue where they were.

use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::fixtures::{CHANNEL, EVENTS, GITLAB, SOURCE, SPACE};
use crate::harness::{Operator, Proxy, World, run, text, wait_until};

async fn behind_a_proxy(world: &World) -> (Proxy, Operator) {
    let proxy = Proxy::start(world).await;
    let replica = world.launch(&world.namespace).env("KUBECONFIG", proxy.kubeconfig()).start();
    replica.ready().await;
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
        let services = world.remotes("service").into_iter().map(|service| service.to_string());
        let gitlab: Vec<_> = services.filter(|service| service.contains("gitlab.example.com")).collect();
        (gitlab.len() == 1 && gitlab[0].contains("glpat-second")).then_some(())
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
        assert_eq!(replica.get("/livez").await.map(|(status, _)| status), Some(200));
        proxy.mend().await;
        all_is_made_up_for(&world).await;
        assert!(!replica.has_ended());
    });
}

/// Kills the API server, which is restarted, and waits until it serves.
async fn restart_api_server(world: &World) {
    let kubeconfig = std::env::var("KUBECONFIG").expect("these tests have a cluster");
    let file = Path::new(&kubeconfig).with_file_name("kube-apiserver.pid");
    let pid = || {
        let text = std::fs::read_to_string(&file).ok()?;
        text.trim().parse().ok().map(Pid::from_raw)
    };
    let before = pid().expect("the cluster of `cargo xtask` tells the process of its API server");
    kill(before, Signal::SIGKILL).expect("it can be killed");
    wait_until("another API server serves", async || {
        let ready = http::Request::get("/readyz").body(Vec::new()).expect("it is a request");
        (pid() != Some(before) && world.client.request_text(ready).await.is_ok()).then_some(())
    })
    .await;
}

#[test]
fn an_api_server_that_restarts_is_caught_up_with_and_no_webhook_is_lost_meanwhile() {
    run(async || {
        let world = World::alone().await;
        let replica = world.operator(&[]);
        replica.ready().await;
        world.secret("credentials", &[("token", "glpat-first")]).await;
        world.apply(SPACE).await.ready().await;
        world.apply(GITLAB).await.ready().await;
        world.apply(CHANNEL).await.ready().await;
        // AWS takes its time, and returns when there is no API server that could take the Secret.
        let rule = world
            .fault(json!({"operation": "AssociateService", "effect": "delay", "delayMs": 1000, "times": 1}));
        let events = world.apply(EVENTS).await;
        world.hit(rule, 1).await;
        restart_api_server(&world).await;
        replica.says("the watch failed").await;
        change_unseen(&world).await;
        all_is_made_up_for(&world).await;
        let status = events.ready().await["status"].take();
        let associations = world.remotes("association");
        assert_eq!(associations.len(), 1);
        let secret = world.secret_data("events-webhook").await.expect("there is a Secret");
        assert_eq!(secret["id"], text(&associations[0], "/webhook/webhookId"));
        assert_eq!(secret["secret"], text(&associations[0], "/webhook/secret"));
        assert_eq!(status["id"], associations[0]["associationId"]);
        assert!(!replica.has_ended());
    });
}

#[test]
fn a_leader_that_can_not_reach_the_api_server_ends_and_the_next_goes_on() {
    run(async || {
        let world = World::new().await;
        let mut proxy = Proxy::start(&world).await;
        let election = ["--leader-election", "--lease-duration", "8s", "--lease-renew-deadline", "6s"];
        let leader =
            world.launch(&world.namespace).args(election).env("KUBECONFIG", proxy.kubeconfig()).start();
        leader.says("leading").await;
        leader.ready().await;
        world.apply(SPACE).await.ready().await;
        let standby = world.operator(&election);
        standby.says("on standby").await;
        proxy.cut().await;
        leader.ended().await;
        assert!(leader.log().contains("lost the leadership"));
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

#[test]
fn a_cache_that_is_behind_costs_no_webhook() {
    run(async || {
        let world = World::new().await;
        let (proxy, replica) = behind_a_proxy(&world).await;
        world.apply(CHANNEL).await.ready().await;
        let events = world.apply(EVENTS).await;
        events.ready().await;
        let secret = world.handle("Secret", "events-webhook");
        let (kept, before) = (secret.get().await, world.secret_data("events-webhook").await);
        let mark = world.mark();
        // The object is paused and removed, with its Secret; the operator only sees that the Secret is gone.
        proxy.hold_watches(Some("associations"));
        events.patch(json!({"metadata": {"annotations": {"devopsagent.dev/paused": "true"}}})).await;
        events.delete().await;
        events.patch(json!({"metadata": {"finalizers": null}})).await;
        events.gone().await;
        secret.delete_and_wait().await;
        replica.says("isn't replaced").await;
        // A backup brings both back.
        let metadata = |part: &str| kept["metadata"][part].clone();
        let restored = json!({
            "apiVersion": "v1", "kind": "Secret", "type": kept["type"], "data": kept["data"],
            "metadata": {"name": "events-webhook", "labels": metadata("labels"), "annotations": metadata("annotations")},
        });
        world.apply(&restored.to_string()).await;
        let events = world.apply(EVENTS).await;
        proxy.hold_watches(None);
        events.ready().await;
        assert_eq!(world.mutations_since(mark), Vec::<String>::new());
        assert_eq!(world.secret_data("events-webhook").await, before);
    });
}

#[test]
fn a_cache_that_is_behind_deletes_nothing_that_is_to_stay() {
    run(async || {
        let world = World::new().await;
        let (proxy, replica) = behind_a_proxy(&world).await;
        let space = world.handle("AgentSpace", "space");
        let source = world.apply(SOURCE).await;
        source.ready().await;
        let id = space.id().await;
        space.delete().await;
        space.condition("Ready", "False", "DeletionBlocked").await;
        // The operator sees that nothing uses the space any more, but not that it is to stay.
        proxy.hold_watches(Some("agentspaces"));
        space.patch(json!({"spec": {"deletionPolicy": "Retain"}})).await;
        source.delete_and_wait().await;
        replica.says("isn't deleted").await;
        proxy.hold_watches(None);
        space.gone().await;
        let spaces = world.remotes("agentSpace");
        assert!(spaces.iter().any(|space| space["agentSpaceId"] == id.as_str()), "{spaces:?}");
    });
}
