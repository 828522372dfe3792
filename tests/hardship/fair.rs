//! What one namespace does costs another little: floods, endless edits, slow responses, a full account.

use std::time::Duration;

use futures::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::budget::registration;
use crate::fixtures::SPACE;
use crate::harness::{Handle, Operator, World, condition, run, wait_until};

/// How long another namespace may have to wait for something that takes a few calls.
const SOON: Duration = Duration::from_secs(5);

/// A replica that watches the test's namespace and another.
fn start(world: &World, other: &str, arguments: &[&str]) -> Operator {
    // Of a flag given twice the last counts: both namespaces stand in one.
    let both = format!("{},{other}", world.namespace);
    let mut all = vec!["--watch-namespace", &both];
    all.extend(arguments);
    world.operator(&all)
}

/// Spaces in the test's namespace.
async fn spaces(world: &World, count: usize) -> Vec<Handle> {
    let apply = async |number: usize| {
        let space = json!({"kind": "AgentSpace", "metadata": {"name": format!("flood-{number}")},
            "spec": {"name": format!("Flood {number}"), "description": "a"}});
        world.apply(&space.to_string()).await
    };
    stream::iter(0..count).map(apply).buffer_unordered(16).collect().await
}

/// Waits until the object as it is now is Ready; returns how long that took.
async fn settled(space: &Handle) -> Duration {
    let start = Instant::now();
    let generation = space.get().await["metadata"]["generation"].clone();
    let is_done = |object: &Value| {
        object["status"]["observedGeneration"] == generation
            && ["Ready", "Synced"]
                .iter()
                .all(|kind| condition(object, kind).is_some_and(|condition| condition["status"] == "True"))
    };
    space.wait("it is Ready as it is now", is_done).await;
    start.elapsed()
}

#[test]
fn a_flood_of_new_objects_does_not_hold_up_another_namespace() {
    run(async || {
        let world = World::new().await;
        let victim = world.other_namespace(json!({})).await;
        let _replica = start(&world, &victim, &["--requests-per-second", "20"]);
        spaces(&world, 300).await;
        world.more_calls(20).await;
        let space = world.apply_in(&victim, SPACE).await;
        let took = settled(&space).await;
        assert!(took < SOON, "{took:?}");
        let flooding = world.remotes("agentSpace").len();
        assert!(flooding < 250, "the flood was over: {flooding} spaces");
        space.patch(json!({"spec": {"description": "edited"}})).await;
        let took = settled(&space).await;
        assert!(took < SOON, "{took:?}");
    });
}

#[test]
fn endless_edits_do_not_stop_the_checks_of_another_namespace() {
    run(async || {
        let world = World::new().await;
        let victim = world.other_namespace(json!({})).await;
        let _replica = start(
            &world,
            &victim,
            &["--requests-per-second", "10", "--resync-period", "2s", "--concurrency", "2"],
        );
        let space = world.apply_in(&victim, SPACE).await;
        space.patch(json!({"spec": {"description": "as it should be"}})).await;
        settled(&space).await;
        let mut editors = JoinSet::new();
        for space in spaces(&world, 20).await {
            editors.spawn(async move {
                for number in 0.. {
                    space.patch(json!({"spec": {"description": format!("edit {number}")}})).await;
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            });
        }
        world.more_calls(40).await;
        let id = space.id().await;
        world.invoke("UpdateAgentSpace", json!({"agentSpaceId": id, "description": "drifted"})).await;
        let start = Instant::now();
        wait_until("the drift is corrected", async || {
            let space = world.invoke("GetAgentSpace", json!({"agentSpaceId": id})).await;
            (space["agentSpace"]["description"] == "as it should be").then_some(())
        })
        .await;
        let took = start.elapsed();
        assert!(took < 2 * SOON, "{took:?}");
        editors.shutdown().await;
    });
}

#[test]
fn slow_answers_to_one_namespace_hold_up_nobody_else() {
    run(async || {
        let world = World::new().await;
        let victim = world.other_namespace(json!({})).await;
        let _replica = start(&world, &victim, &["--concurrency", "4", "--requests-per-second", "200"]);
        let space = world.apply_in(&victim, SPACE).await;
        settled(&space).await;
        let slow = spaces(&world, 8).await;
        let mut rules = Vec::new();
        for space in &slow {
            space.ready().await;
            rules.push(world.fault(
                json!({"resource": space.id().await, "effect": "delay", "delayMs": 25_000, "times": 0}),
            ));
        }
        for space in &slow {
            space.patch(json!({"spec": {"description": "b"}})).await;
        }
        wait_until("the slow calls have every place", async || {
            let fired = world
                .simulator
                .faults()
                .iter()
                .filter(|rule| rules.contains(&rule.id))
                .map(|rule| rule.fired)
                .sum::<u64>();
            (fired >= 4).then_some(())
        })
        .await;
        for text in ["edited", "edited again"] {
            space.patch(json!({"spec": {"description": text}})).await;
            let took = settled(&space).await;
            assert!(took < SOON, "{took:?}");
        }
    });
}

#[test]
fn one_more_registration_costs_few_calls_however_many_there_are() {
    run(async || {
        let world = World::new().await;
        for number in 0..50 {
            let details = json!({"gitlab": {"targetUrl": format!("https://other-{number}.example.com"),
                "tokenType": "personal", "tokenValue": "glpat-of-others"}});
            world
                .invoke(
                    "RegisterService",
                    json!({"service": "gitlab", "serviceDetails": details, "name": format!("other {number}")}),
                )
                .await;
        }
        let replica = world.operator(&["--requests-per-second", "500"]);
        replica.ready().await;
        let names: Vec<String> = (0..50).map(|number| format!("gitlab-{number}")).collect();
        stream::iter(&names).for_each_concurrent(8, |name| registration(&world, name)).await;
        for name in &names {
            world.handle("ServiceRegistration", name).ready().await;
        }
        let before = world.mark();
        registration(&world, "one-more").await;
        world.handle("ServiceRegistration", "one-more").ready().await;
        let calls = world.mark() - before;
        assert!(calls < 10, "{calls} calls");
    });
}
