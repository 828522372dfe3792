//! Secrets and ConfigMaps that have nothing to do with the operator.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::Api;
use kube::api::PostParams;
use serde_json::json;

use crate::fixtures::{GITLAB, SPACE};
use crate::harness::{World, run, wait_until};

/// This many are created, unless the environment says otherwise.
const USUAL: usize = 2_000;
/// What an operator may need more, in KiB, whatever the number: buffers of a page of a list, and fragmentation.
const BOUND: u64 = 12 * 1024;

fn count() -> usize {
    std::env::var("HARDSHIP_NEIGHBOURS").ok().and_then(|count| count.parse().ok()).unwrap_or(USUAL)
}

/// Half of them Secrets, half ConfigMaps, with metadata as tools leave it and a kilobyte of data.
async fn move_in(world: &World, count: usize) {
    let secrets = Api::<Secret>::namespaced(world.client.clone(), &world.namespace);
    let config_maps = Api::<ConfigMap>::namespaced(world.client.clone(), &world.namespace);
    let annotations =
        BTreeMap::from([("example.com/note", "n".repeat(300)), ("example.com/hash", "h".repeat(64))]);
    let made = (0..count).map(|number| {
        let metadata = json!({
            "name": format!("neighbour-{number}"),
            "labels": {"app.kubernetes.io/name": "neighbour", "app.kubernetes.io/instance": format!("n-{number}")},
            "annotations": annotations,
        });
        let data = "d".repeat(1024);
        let (secrets, config_maps) = (secrets.clone(), config_maps.clone());
        async move {
            let params = PostParams::default();
            if number % 2 == 0 {
                let secret = json!({"metadata": metadata, "stringData": {"data": data}});
                secrets.create(&params, &serde_json::from_value(secret).expect("it is one")).await.map(drop)
            } else {
                let config_map = json!({"metadata": metadata, "data": {"data": data}});
                config_maps.create(&params, &serde_json::from_value(config_map).expect("it is one")).await.map(drop)
            }
        }
    });
    stream::iter(made).buffer_unordered(32).try_collect::<()>().await.expect("neighbours can move in");
}

#[test]
fn thousands_of_unrelated_secrets_and_config_maps_do_not_move_the_operators_memory() {
    run(async || {
        let world = World::new().await;
        let watching = world.operator(&[]);
        watching.ready().await;
        world.apply(SPACE).await.ready().await;
        let alone = watching.memory();
        move_in(&world, count()).await;
        // The last that comes in is one that the operator waits for: then it has seen all the others.
        let gitlab = world.apply(GITLAB).await;
        gitlab.condition("Ready", "False", "InputNotFound").await;
        world.secret("credentials", &[("token", "glpat-1")]).await;
        gitlab.ready().await;
        let seen = watching.memory();
        drop(watching);
        let listing = world.operator(&[]);
        listing.ready().await;
        world.secret("credentials", &[("token", "glpat-2")]).await;
        wait_until("its watches work", async || {
            world
                .remotes("service")
                .iter()
                .any(|service| service.to_string().contains("glpat-2"))
                .then_some(())
        })
        .await;
        let listed = listing.memory();
        eprintln!(
            "{} neighbours: {alone} KiB without, {seen} KiB when they had come, {listed} KiB started among them",
            count()
        );
        for now in [seen, listed] {
            assert!(now <= alone + BOUND, "{now} KiB instead of {alone} KiB");
        }
    });
}
