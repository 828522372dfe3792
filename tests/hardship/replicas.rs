//! Two replicas, of which one is the leader: when it dies, when it is frozen and resumes, and when its clock is wrong.

use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use kube::api::{Patch, PatchParams};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::harness::{Operator, World, condition, run, wait_until};

/// Short, but not so short that a busy machine takes the lease from a healthy leader.
const ELECTION: [&str; 7] = [
    "--leader-election",
    "--lease-duration",
    "8s",
    "--lease-renew-deadline",
    "6s",
    "--lease-retry-period",
    "1s",
];
const LEASE: &str = "devops-agent-operator";
const SPACES: usize = 6;
/// Of them, those whose answer takes a while.
const SLOW: usize = 2;

async fn lease(world: &World) -> Option<Value> {
    let api = Api::<Lease>::namespaced(world.client.clone(), &world.namespace);
    let lease = api.get_opt(LEASE).await.expect("leases can be read")?;
    Some(serde_json::to_value(lease).expect("it is JSON"))
}

async fn holder(world: &World) -> Option<String> {
    lease(world).await?["spec"]["holderIdentity"].as_str().filter(|name| !name.is_empty()).map(str::to_owned)
}

/// A leader, a standby, and spaces of which one is being created: its response takes a while.
async fn in_mid_call(world: &World) -> (Operator, Operator) {
    let leader = world.operator(&ELECTION);
    leader.says("leading").await;
    let standby = world.operator(&ELECTION);
    standby.says("on standby").await;
    standby.ready().await;
    let slow = world
        .fault(json!({"operation": "CreateAgentSpace", "effect": "delay", "delayMs": 4000, "times": SLOW}));
    for number in 0..SPACES {
        let space = format!("{{kind: AgentSpace, metadata: {{name: space-{number}}}, spec: {{}}}}");
        world.apply(&space).await;
    }
    world.hit(slow, 1).await;
    (leader, standby)
}

async fn all_is_made_once(world: &World) {
    for number in 0..SPACES {
        world.handle("AgentSpace", &format!("space-{number}")).ready().await;
    }
    assert_eq!(world.remotes("agentSpace").len(), SPACES);
}

#[test]
fn a_leader_that_is_killed_in_mid_call_is_replaced_and_nothing_is_made_twice() {
    run(async || {
        let world = World::new().await;
        let (leader, standby) = in_mid_call(&world).await;
        let before = holder(&world).await;
        assert!(!standby.log().contains("leading"), "one leads");
        leader.signal(Signal::SIGKILL);
        standby.says("leading").await;
        assert_ne!(holder(&world).await, before);
        all_is_made_once(&world).await;
    });
}

#[test]
fn a_leader_that_was_frozen_in_mid_call_wakes_up_writes_nothing_and_ends() {
    run(async || {
        let world = World::new().await;
        let (leader, standby) = in_mid_call(&world).await;
        // What is already on its way to the API server would arrive, even if the sender is frozen.
        wait_until("all but those in mid-call are made", async || {
            let mut ready = 0;
            for number in 0..SPACES {
                let space = world.handle("AgentSpace", &format!("space-{number}")).get().await;
                ready += usize::from(
                    condition(&space, "Ready").is_some_and(|condition| condition["status"] == "True"),
                );
            }
            (ready == SPACES - SLOW).then_some(())
        })
        .await;
        leader.signal(Signal::SIGSTOP);
        standby.says("leading").await;
        all_is_made_once(&world).await;
        // From now on everything is as it should be: the new leader writes nothing either.
        let (mark, versions, holder_before) =
            (world.simulator.newest_call(), world.versions().await, holder(&world).await);
        leader.signal(Signal::SIGCONT);
        leader.ended().await;
        assert!(leader.log().contains("lost the leadership"), "it says why it ends");
        assert_eq!(world.mutations_since(mark), Vec::<String>::new());
        assert_eq!(world.versions().await, versions);
        assert_eq!(holder(&world).await, holder_before, "it does not touch the other's lease");
        assert!(!standby.has_ended());
        assert_eq!(world.remotes("agentSpace").len(), SPACES);
    });
}

#[test]
fn a_leader_that_is_asked_to_end_hands_over_at_once() {
    run(async || {
        let world = World::new().await;
        let (leader, standby) = in_mid_call(&world).await;
        leader.signal(Signal::SIGTERM);
        leader.ended().await;
        let ended = Instant::now();
        standby.says("leading").await;
        // It checks the lease every second; without the release by the leader, it would wait for eight.
        assert!(ended.elapsed() < Duration::from_secs(7), "{:?}", ended.elapsed());
        all_is_made_once(&world).await;
    });
}

/// Writes the lease as another replica would whose clock is off by this much.
async fn renew_as_other(world: &World, hours: i64) {
    let time = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(hours);
    let time = time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string();
    let lease = json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": LEASE},
        "spec": {"holderIdentity": "another", "leaseDurationSeconds": 8, "acquireTime": time, "renewTime": time},
    });
    let api = Api::<Lease>::namespaced(world.client.clone(), &world.namespace);
    let params = PatchParams::apply("another").force();
    api.patch(LEASE, &params, &Patch::Apply(lease)).await.expect("a lease can be written");
}

#[test]
fn a_leader_whose_clock_is_an_hour_off_keeps_its_lease_and_loses_it_when_it_dies() {
    run(async || {
        futures::join!(beside_a_leader_whose_clock_is_off_by(-1), beside_a_leader_whose_clock_is_off_by(1));
    });
}

async fn beside_a_leader_whose_clock_is_off_by(hours: i64) {
    let world = World::new().await;
    renew_as_other(&world, hours).await;
    let replica = world.operator(&ELECTION);
    replica.says("on standby").await;
    // Longer than the lease lasts, and renewed in time.
    let end = Instant::now() + Duration::from_secs(12);
    while Instant::now() < end {
        renew_as_other(&world, hours).await;
        assert_eq!(holder(&world).await.as_deref(), Some("another"));
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    // Renewed no more.
    wait_until("the replica takes over", async || holder(&world).await.filter(|holder| holder != "another"))
        .await;
}
