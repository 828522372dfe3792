//! Two clusters with one AWS account: they declare the same things; and one cluster that is rebuilt.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{DeleteParams, ListParams};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::fixtures::{
    AGENT, CHANNEL, CONNECTION, EVENTS, GITLAB, PROJECT, SOURCE, SPACE, TRIGGER, credentials,
};
use crate::harness::{Handle, World, run, text};

/// Everything is compared with AWS once a second: what flaps does it soon.
const BUSY: [&str; 2] = ["--resync-period", "1s"];

const SAME: &[(&str, &str, &str)] = &[
    ("AgentSpace", "space", "{kind: AgentSpace, metadata: {name: space}, spec: {name: Checkout}}"),
    ("ServiceRegistration", "gitlab", GITLAB),
    ("ServiceRegistration", "channel", CHANNEL),
    ("PrivateConnection", "internal", CONNECTION),
];

async fn declare(world: &World, namespace: &str) -> Vec<Handle> {
    let secret =
        json!({"kind": "Secret", "metadata": {"name": "credentials"}, "stringData": {"token": "glpat-1"}});
    world.apply_in(namespace, &secret.to_string()).await;
    let mut handles = Vec::new();
    for (kind, name, yaml) in SAME {
        world.apply_in(namespace, yaml).await;
        handles.push(world.handle_in(namespace, kind, name));
    }
    handles
}

#[test]
fn of_two_clusters_that_declare_the_same_the_second_stalls_and_neither_flaps() {
    run(async || {
        let world = World::new().await;
        let other = world.other_namespace(json!({})).await;
        let _first = world.operator(&[&BUSY[..], &["--cluster-id", "first"]].concat());
        let mine = declare(&world, &world.namespace).await;
        for object in &mine {
            object.ready().await;
        }
        let second = [&BUSY[..], &["--cluster-id", "second"]].concat();
        let _second = world.launch(&other).args(second).start();
        let theirs = declare(&world, &other).await;
        for object in &theirs {
            let message = object.condition("Stalled", "True", "Conflict").await;
            assert!(message.contains("first"), "{object}: it says whose it is: {message}");
        }
        let mark = world.simulator.newest_call();
        let versions = world.versions().await;
        world.more_calls(60).await;
        assert_eq!(world.mutations_since(mark), Vec::<String>::new());
        assert_eq!(world.versions().await, versions, "no object is written to either");
        for object in &theirs {
            object.delete_and_wait().await;
        }
        assert_eq!(world.mutations_since(mark), Vec::<String>::new(), "what is the first's is left alone");
        for object in &mine {
            object.delete_and_wait().await;
        }
        assert_eq!(world.simulator.resources()["agentSpaces"].as_array().map_or(0, Vec::len), 0);
    });
}

const GIT: &[(&str, &str, &str)] = &[
    ("AgentSpace", "space", SPACE),
    ("ServiceRegistration", "channel", CHANNEL),
    ("ServiceRegistration", "gitlab", GITLAB),
    ("PrivateConnection", "internal", CONNECTION),
    ("Association", "source", SOURCE),
    ("Association", "events", EVENTS),
    ("Association", "project", PROJECT),
    ("Asset", "agent", AGENT),
    ("Trigger", "weekly", TRIGGER),
];

/// Applies all that is in Git, and gives the id of each resource once it is Ready.
async fn build(world: &World) -> BTreeMap<String, Value> {
    credentials(world).await;
    for (.., yaml) in GIT {
        world.apply(yaml).await;
    }
    let mut ids = BTreeMap::new();
    for (kind, name, _) in GIT {
        let object = world.handle(kind, name).ready().await;
        ids.insert((*name).to_owned(), object["status"]["id"].clone());
    }
    ids
}

/// As if the cluster were lost: nothing is left, and nobody has cleaned up.
async fn lose(world: &World) {
    for (kind, name, _) in GIT {
        let object = world.handle(kind, name);
        object.patch(json!({"metadata": {"finalizers": null}})).await;
        object.delete_and_wait().await;
    }
    let secrets = Api::<Secret>::namespaced(world.client.clone(), &world.namespace);
    secrets
        .delete_collection(&DeleteParams::default(), &ListParams::default())
        .await
        .expect("Secrets can be deleted");
}

#[test]
fn a_cluster_that_is_built_again_from_git_takes_up_what_it_had() {
    run(async || {
        let world = World::new().await;
        let same_cluster = ["--cluster-id", "in-git"];
        let operator = world.operator(&same_cluster);
        let before = build(&world).await;
        let mut backup = world.handle("Secret", "project-webhook").get().await;
        let kept = world.secret_data("project-webhook").await.expect("there is a Secret");
        let lost = world.secret_data("events-webhook").await.expect("there is a Secret");
        operator.signal(Signal::SIGKILL);
        operator.ended().await;
        lose(&world).await;
        let mark = world.simulator.newest_call();

        // One of the webhooks' Secrets was in a backup.
        let metadata = backup["metadata"].as_object_mut().expect("it has metadata");
        metadata.retain(|name, _| ["name", "namespace", "labels", "annotations"].contains(&name.as_str()));
        world.apply(&backup.to_string()).await;
        let _operator = world.operator(&same_cluster);
        let after = build(&world).await;

        for (name, id) in &before {
            assert!(name == "events" || &after[name] == id, "{name}: {id} became {}", after[name]);
        }
        assert_eq!(world.secret_data("project-webhook").await, Some(kept), "what was kept is left as it is");
        let fresh = world.secret_data("events-webhook").await.expect("the lost one is issued anew");
        assert_ne!(fresh["secret"], lost["secret"]);
        let made = world.mutations_since(mark);
        let made: Vec<&str> = made.iter().map(String::as_str).filter(|name| *name != "TagResource").collect();
        assert_eq!(
            made,
            ["DisassociateService", "AssociateService"],
            "only the webhook that was lost is made anew"
        );
        assert_eq!(world.remotes("association").len(), 3);
        assert_eq!(
            text(&world.handle("Association", "events").get().await, "/status/webhook/id"),
            fresh["id"]
        );
    });
}
