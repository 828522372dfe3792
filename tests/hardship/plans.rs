//! Plans against what then really happens, over random edits, faults and drifts: every call that is made was named, and
//! none is named that isn't made.

mod bad_luck;
mod calls;
mod changes;
mod comparison;
mod dice;
mod reader;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::fixtures::{
    AGENT, CHANNEL, CONNECTION, CREDENTIALS, EVENTS, GITLAB, PROJECT, SOURCE, SPACE, TRIGGER,
};
use crate::harness::{Operator, World, condition, run, text, wait_until};

use self::bad_luck::BadLuck;
use self::calls::Made;
use self::changes::Changes;
use self::comparison::Plan;
use self::dice::Dice;
use self::reader::Reader;

/// What the random choices begin with. To replay one: `DEVOPS_AGENT_PLAN_SEEDS=7`.
const SEEDS: [u64; 3] = [3, 7, 12];
const VARIABLE: &str = "DEVOPS_AGENT_PLAN_SEEDS";
const ROUNDS: usize = 3;
/// The operator rests when it has called nothing and written nothing for so long.
const REST: Duration = Duration::from_millis(700);
/// It waits in vain when it has changed nothing for so long, which is longer than it waits for anything that AWS does.
const STUCK: Duration = Duration::from_secs(15);
/// A space of its own, which may be handed over to the other namespace.
const MOVING: &str = "{kind: AgentSpace, metadata: {name: moving}, spec: {}}";

#[test]
fn each_call_that_is_made_was_named_and_none_is_named_that_is_not_made() {
    let seeds = std::env::var(VARIABLE).map_or(SEEDS.to_vec(), |seeds| {
        seeds.split(',').map(|seed| seed.trim().parse().expect("seeds are numbers")).collect()
    });
    run(async || {
        futures::future::join_all(seeds.into_iter().map(follow)).await;
    });
}

/// One world, over a few rounds.
async fn follow(seed: u64) {
    let world = World::new().await;
    world.other_namespace(json!({})).await;
    let mut dice = Dice::new(seed);
    let reader = Reader::of(&world).await;
    world.secret("credentials", CREDENTIALS).await;
    for yaml in [SPACE, CHANNEL, GITLAB, EVENTS, PROJECT, SOURCE, CONNECTION, AGENT, TRIGGER, MOVING] {
        world.apply(yaml).await;
    }
    let mut operator = started(&world).await;
    settled(&world).await;
    for round in 1..=ROUNDS {
        operator.terminate();
        operator.ended().await;
        drop(operator);
        let mut changes = Changes::new(&world, &mut dice);
        changes.make().await;
        let mut told = changes.told;
        let mut luck = BadLuck::new(&world, &mut dice);
        luck.before().await;
        let mark = world.mark();
        let plan = Plan::made(&world, &reader).await;
        assert_eq!(world.mutations_since(mark), Vec::<String>::new(), "a plan writes nothing; {told:#?}");
        luck.after();
        operator = started(&world).await;
        settled(&world).await;
        told.append(&mut luck.told);
        let told = format!("{VARIABLE}={seed}, round {round}: {told:#?}");
        let made = Made::by(&operator.log(), &world.calls(), mark);
        plan.compare(&made, luck.is_denied, luck.has_died, &told);
        world.end_faults().await;
    }
}

/// An operator that says which object it calls AWS for, and isn't slower than the simulator.
async fn started(world: &World) -> Operator {
    let watched = world.namespaces().join(",");
    let arguments = ["--requests-per-second=1000", "--log-level=debug", "--watch-namespace", &watched];
    let operator = world.launch(&world.namespace).args(arguments).start();
    operator.ready().await;
    operator
}

/// Waits until the operator has done all that it has to do.
async fn settled(world: &World) {
    let (begin, mut last) = (world.mark(), (0, 0, BTreeMap::new()));
    let (mut called, mut written) = (Instant::now(), Instant::now());
    wait_until("the operator has done all it has to do", async || {
        let calls = world.calls_since(begin);
        let changes = calls.iter().filter(|call| call.mutating && call.status < 400).count();
        let now = (world.mark(), changes, world.versions().await);
        if now.0 != last.0 {
            called = Instant::now();
        }
        if (now.1, &now.2) != (last.1, &last.2) {
            written = Instant::now();
        }
        last = now;
        let resting = called.elapsed().min(written.elapsed()) >= REST;
        let objects = world.objects().await;
        let objects = objects.iter().map(devops_agent_test_support::json_of);
        let settled = resting && objects.into_iter().all(|object| is_settled(&object));
        (settled || written.elapsed() >= STUCK).then_some(())
    })
    .await;
}

/// Whether the operator waits for nothing but other people.
fn is_settled(object: &Value) -> bool {
    let waits = |kind: &str| {
        let found = condition(object, kind).filter(|condition| condition["status"] != "True");
        found.is_some_and(|condition| {
            let refused = text(condition, "/message").starts_with("AWS refuses");
            match text(condition, "/reason") {
                "Progressing" | "Deleting" | "Throttled" | "Unavailable" | "KubernetesError" => true,
                "DeletionBlocked" => refused,
                _ => false,
            }
        })
    };
    let paused = condition(object, "Synced").is_some_and(|condition| condition["reason"] == "Paused");
    let observed = object["status"]["observedGeneration"] == object["metadata"]["generation"];
    let goes = !object["metadata"]["deletionTimestamp"].is_null();
    let held = condition(object, "Synced").is_some_and(|condition| condition["reason"] == "ApprovalRequired");
    (observed || paused || goes)
        && (object["status"]["previousId"].is_null() || held)
        && !waits("Synced")
        && !waits("Ready")
}
