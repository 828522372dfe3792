//! Plans against what then really happens, over random edits, faults and drifts: every call that is made was named, and
//! none is named that isn't made.

mod changes;
mod comparison;
mod reader;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::fixtures::{
    AGENT, CHANNEL, CONNECTION, CREDENTIALS, EVENTS, GITLAB, PROJECT, SOURCE, SPACE, TRIGGER,
};
use crate::harness::{Operator, World, condition, run, text, wait_until};

use self::changes::{Changes, Dice};
use self::comparison::{Ids, Plan};
use self::reader::Reader;

/// What the random choices begin with. To replay one: `DEVOPS_AGENT_PLAN_SEEDS=7`.
const SEEDS: [u64; 3] = [1, 2, 3];
const VARIABLE: &str = "DEVOPS_AGENT_PLAN_SEEDS";
const ROUNDS: usize = 3;
/// The operator rests when it has called nothing and written nothing for so long.
const REST: Duration = Duration::from_millis(700);
/// As fast as the simulator lets it be.
const SPEED: &str = "--requests-per-second=1000";

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
    let mut dice = Dice::new(seed);
    let reader = Reader::in_namespace_of(&world).await;
    world.secret("credentials", CREDENTIALS).await;
    for yaml in [SPACE, CHANNEL, GITLAB, EVENTS, PROJECT, SOURCE, CONNECTION, AGENT, TRIGGER] {
        world.apply(yaml).await;
    }
    let mut operator = started(&world).await;
    let mut ids = Ids::default();
    for round in 1..=ROUNDS {
        ids.add(&world).await;
        operator.terminate();
        operator.ended().await;
        drop(operator);
        let mut changes = Changes::new(&world, &mut dice);
        changes.make().await;
        let told = format!("{VARIABLE}={seed}, round {round}: {:#?}", changes.told);
        let mark = world.mark();
        let plan = Plan::made(&world, &reader).await;
        assert_eq!(world.mutations_since(mark), Vec::<String>::new(), "a plan writes nothing; {told}");
        operator = started(&world).await;
        ids.add(&world).await;
        plan.compare(&ids, &world.calls_since(mark), &told);
    }
}

/// An operator that has done all that it has to do.
async fn started(world: &World) -> Operator {
    let operator = world.operator(&[SPEED]);
    operator.ready().await;
    let mut last = (world.mark(), BTreeMap::new());
    let mut since = Instant::now();
    wait_until("the operator has done all it has to do", async || {
        let now = (world.mark(), world.versions().await);
        if now != last {
            (last, since) = (now, Instant::now());
        }
        let resting = since.elapsed() >= REST;
        let objects = world.objects().await;
        let objects = objects.iter().map(devops_agent_test_support::json_of);
        (resting && objects.into_iter().all(|object| is_settled(&object))).then_some(())
    })
    .await;
    operator
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
    (observed || paused || goes)
        && object["status"]["previousId"].is_null()
        && !waits("Synced")
        && !waits("Ready")
}
