//! Everything that is made to fill the operator's memory, at once, under the chart's limit.

use std::io::{Cursor, Write};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::{StreamExt, TryStreamExt, stream};
use http::Request;
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::harness::{Cell, Operator, World, run, wait_until};

/// The chart's default limit.
const LIMIT: u64 = 256 << 20;
/// Within this an edit of someone else arrives.
const PROMPT: Duration = Duration::from_secs(10);
const TEXTS: usize = 60;
const NEIGHBOURS: usize = 300;

/// A zip of a skill and of as many copies of `part` as make up `length` bytes.
fn archive(part: &[u8], length: usize) -> String {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, part, length) in
        [("SKILL.md", &b"---\nname: bomb\ndescription: d\n---\n"[..], 1), ("pad.bin", part, length)]
    {
        zip.start_file(path, SimpleFileOptions::default()).expect("a file can be added");
        for _ in 0..length.div_ceil(part.len()) {
            zip.write_all(part).expect("it can be written");
        }
    }
    STANDARD.encode(zip.finish().expect("it is complete").into_inner())
}

/// Bytes that repeat only after a while, so that they aren't compressed too much to be accepted.
fn noise() -> Vec<u8> {
    let mut state = 1_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..20_000).map(next).collect()
}

fn asset(name: &str, space: &str, content: &Value) -> (&'static str, Value) {
    let metadata = json!({"name": name, "description": "d", "agent_types": ["GENERIC"]});
    let spec = json!({"agentSpaceRef": {"name": space}, "assetType": "skill", "metadata": metadata, "content": content});
    (
        "apis/devopsagent.dev/v1alpha1/assets",
        json!({"kind": "Asset", "metadata": {"name": name}, "spec": spec}),
    )
}

fn large(name: &str, space: &str) -> (&'static str, Value) {
    asset(name, space, &json!({"files": [{"path": "SKILL.md", "text": "x".repeat(1_000_000)}]}))
}

fn hostile() -> Vec<(&'static str, Value)> {
    let (tight, loose) = (archive(&vec![0; 1 << 16], 60 << 20), archive(&noise(), 20 << 20));
    let mut all = Vec::new();
    for number in 0..8 {
        let (name, zip) = (format!("bomb-{number}"), if number < 6 { &tight } else { &loose });
        all.push(("api/v1/configmaps", json!({"metadata": {"name": name}, "binaryData": {"z": zip}})));
        all.push(asset(&name, "space", &json!({"zip": {"configMapKeyRef": {"name": name, "key": "z"}}})));
    }
    for number in 0..TEXTS {
        all.push(large(&format!("large-{number}"), "nowhere"));
    }
    for number in 0..NEIGHBOURS {
        let metadata =
            json!({"name": format!("neighbour-{number}"), "annotations": {"note": "<".repeat(250_000)}});
        all.push(("api/v1/configmaps", json!({"metadata": metadata})));
    }
    all
}

async fn make(world: &World, namespace: &str, objects: Vec<(&'static str, Value)>) {
    let send = |(path, mut object): (&str, Value)| {
        let (version, plural) = path.rsplit_once('/').expect("it has both");
        object["apiVersion"] = version.trim_start_matches("apis/").trim_start_matches("api/").into();
        let uri = format!("/{version}/namespaces/{namespace}/{plural}");
        let request = Request::post(uri).header("content-type", "application/json");
        let request = request.body(object.to_string().into_bytes()).expect("it is a request");
        async { world.client.request_text(request).await.map(drop) }
    };
    stream::iter(objects).map(send).buffer_unordered(8).try_collect::<()>().await.expect("all is stored");
}

/// Someone else's edit, and how long it takes.
async fn edit(world: &World, replica: &Operator, text: &str) -> Duration {
    let start = Instant::now();
    world.handle("AgentSpace", "space").patch(json!({"spec": {"description": text}})).await;
    wait_until("the edit arrives", async || {
        assert!(!replica.has_ended(), "the operator is alive");
        world.remotes("agentSpace").iter().any(|space| space["description"] == text).then_some(())
    })
    .await;
    start.elapsed()
}

#[test]
fn all_that_fills_memory_at_once_leaves_the_operator_alive_and_others_served() {
    run(async || {
        let world = World::alone().await;
        let namespace = world.other_namespace(json!({})).await;
        let cell = Cell::new(LIMIT);
        let replica = world.launch_everywhere().within(&cell).start();
        for namespace in [&world.namespace, &namespace] {
            let spec = json!({"name": namespace});
            let space = json!({"kind": "AgentSpace", "metadata": {"name": "space"}, "spec": spec});
            world.apply_in(namespace, &space.to_string()).await.ready().await;
        }
        // Only a slim copy of it is kept, and all of it is in AWS.
        make(&world, &world.namespace, vec![large("large", "space")]).await;
        let large = world.handle("Asset", "large");
        large.ready().await;
        make(&world, &namespace, hostile()).await;
        let came = edit(&world, &replica, "while they come").await;
        let refused = world.handle_in(&namespace, "Asset", "bomb-0");
        let message = refused.condition("Ready", "False", "InputInvalid").await;
        assert!(message.contains("pad.bin unpacks to more than 200 times its compressed size"), "{message}");
        let running = replica.most_memory() / 1024;
        assert!(!replica.has_ended());
        drop(replica);

        let cell = Cell::new(LIMIT);
        let replica = world.launch_everywhere().within(&cell).start();
        replica.ready().await;
        let started = edit(&world, &replica, "after the start").await;
        large.reconcile().await;
        let starting = replica.most_memory() / 1024;
        eprintln!(
            "{cell}: {running} MiB at most while running, {starting} MiB from the start; \
             an edit took {came:?} and {started:?}"
        );
        assert!(came < PROMPT && started < PROMPT, "{came:?}, {started:?}");
        assert!(running.max(starting) <= LIMIT >> 20);
    });
}
