//! Missing CRDs, and objects that don't match them.

use std::time::{Duration, Instant};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::runtime::wait::{await_condition, conditions};
use serde_json::json;

use crate::fixtures::{AGENT, SOURCE, SPACE};
use crate::harness::{World, limit, run, wait_until};

fn crds(world: &World) -> Api<CustomResourceDefinition> {
    Api::all(world.client.clone())
}

async fn remove(world: &World, kind: &str, crd: &str) {
    let api = crds(world);
    // The operators of other tests, which would let them go, have ended.
    for object in world.everywhere(kind).await {
        object.patch(json!({"metadata": {"finalizers": null}})).await;
    }
    let uid = api.get(crd).await.expect("the CRD is there").metadata.uid.expect("it has a UID");
    let _ = api.delete(crd, &DeleteParams::background()).await.expect("a CRD can be deleted");
    await_condition(api, crd, conditions::is_deleted(&uid)).await.expect("the CRD goes");
}

#[test]
fn a_crd_that_is_missing_is_reported_once_harms_no_other_kind_and_may_come_later() {
    run(async || {
        let world = World::alone().await;
        remove(&world, "Asset", "assets.devopsagent.dev").await;
        let replica = world.operator(&["--log-level", "debug"]);
        world.apply(SPACE).await.ready().await;
        world.apply(SOURCE).await.ready().await;
        let (status, told) = replica.get("/readyz").await.expect("it answers");
        assert_eq!(status, 503, "{told}");
        assert!(told.contains("Asset"), "{told}");
        wait_until("it has looked again several times", async || {
            (replica.log().matches("the CRD is still not installed").count() >= 3).then_some(())
        })
        .await;
        assert_eq!(replica.log().matches("the CRD is not installed").count(), 1, "it is said once");
        assert!(replica.log().contains("assets.devopsagent.dev"), "it is named as kubectl knows it");

        world.install_crds().await;
        world.apply(AGENT).await.ready().await;
        replica.ready().await;
        world.handle("AgentSpace", "space").delete().await;
        let space = world.handle("AgentSpace", "space");
        let message = space.condition("Ready", "False", "DeletionBlocked").await;
        assert!(message.contains("agent"), "the new kind counts: {message}");
    });
}

/// Makes the API server accept anything as an object of a kind.
async fn relax(world: &World, crd: &str) {
    let anything = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let crds = crds(world);
    let mut versions =
        serde_json::to_value(crds.get(crd).await.expect("the CRD is there")).expect("it is JSON");
    let mut versions = versions["spec"]["versions"].take();
    versions[0]["schema"]["openAPIV3Schema"] = anything;
    let patch = Patch::Merge(json!({"spec": {"versions": versions}}));
    crds.patch(crd, &PatchParams::default(), &patch).await.expect("a CRD can be changed");
}

/// Stores what the present CRD would not take; the API server may need a moment to learn of the change.
async fn store(world: &World, yaml: &str) {
    let end = Instant::now() + limit();
    while let Err(error) = world.try_apply(yaml).await {
        assert!(Instant::now() < end, "the API server takes it: {error}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[test]
fn an_object_that_can_not_be_read_is_reported_and_counts_as_there() {
    run(async || {
        let world = World::alone().await;
        for crd in ["agentspaces.devopsagent.dev", "associations.devopsagent.dev"] {
            relax(&world, crd).await;
        }
        store(
            &world,
            "{kind: AgentSpace, metadata: {name: old}, spec: {description: {text: an older form}}}",
        )
        .await;
        let odd = "{kind: Association, metadata: {name: odd}, spec: {agentSpaceRef: {name: space}, configuration: 7}}";
        store(&world, odd).await;
        world.handle("Association", "odd").patch_status(json!({"id": "a-1"})).await;
        world.install_crds().await;

        let replica = world.operator(&[]);
        let good = world.apply(SPACE).await;
        good.ready().await;
        for (kind, name) in [("AgentSpace", "old"), ("Association", "odd")] {
            world.handle(kind, name).event("Unreadable").await;
        }
        assert!(replica.log().contains("can't be read"));
        replica.ready().await;
        // What refers to it waits, and what it refers to isn't deleted before it.
        let within = SOURCE.replace("{name: space}", "{name: old}");
        let within = world.apply(&within).await;
        let message = within.condition("Ready", "False", "DependencyNotReady").await;
        assert!(message.contains("old can't be read"), "{message}");
        good.delete().await;
        let message = good.condition("Ready", "False", "DeletionBlocked").await;
        assert!(message.contains("odd"), "{message}");

        // In its current form, it is like any other. (Server-side apply can't read the old one either.)
        let old = world.handle("AgentSpace", "old");
        old.patch(json!({"spec": {"description": "the present form"}})).await;
        old.ready().await;
        within.ready().await;
        world.handle("Association", "odd").delete_and_wait().await;
        good.gone().await;
    });
}
