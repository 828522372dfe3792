use futures::TryStreamExt;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::{ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::{Api, ResourceExt};

use super::*;
use crate::api::AgentSpace;

fn spaces() -> Collection {
    Collection::new("devopsagent.dev", "v1alpha1", "agentspaces")
}

fn space(name: &str) -> Value {
    json!({
        "apiVersion": "devopsagent.dev/v1alpha1", "kind": "AgentSpace",
        "metadata": {"name": name, "namespace": "team"}, "spec": {},
    })
}

fn replica() -> (Replica, Api<AgentSpace>) {
    let replica = Replica::new(None);
    replica.put(&spaces(), space("a"));
    let api = Api::namespaced(replica.client("team"), "team");
    (replica, api)
}

#[tokio::test]
async fn a_status_is_written_without_touching_the_spec_and_the_other_way_around() {
    let (replica, api) = replica();
    let uid = api.get("a").await.unwrap().uid().unwrap();
    let apply = PatchParams::apply("operator").force();
    let status = |uid: &str, id: &str| {
        let (version, kind) = ("devopsagent.dev/v1alpha1", "AgentSpace");
        json!({"apiVersion": version, "kind": kind, "metadata": {"name": "a", "uid": uid}, "status": {"id": id}})
    };
    api.patch_status("a", &apply, &Patch::Apply(status(&uid, "as-1"))).await.unwrap();
    let merge = json!({"spec": {"locale": "de-DE"}, "status": {"id": "another"}});
    let after = api.patch("a", &PatchParams::default(), &Patch::Merge(merge)).await.unwrap();
    assert_eq!(after.status.unwrap().common.id.as_deref(), Some("as-1"));
    assert_eq!(replica.object(&spaces(), "team", "a").unwrap()["spec"]["locale"], "de-DE");
    let namesake = api.patch_status("a", &apply, &Patch::Apply(status("another", "as-2"))).await;
    assert!(namesake.is_err(), "a namesake's status isn't written");
    assert_eq!(api.list(&ListParams::default()).await.unwrap().items.len(), 1);
    assert!(Api::<AgentSpace>::namespaced(replica.client("x"), "x").get_opt("a").await.unwrap().is_none());
}

#[tokio::test]
async fn an_object_that_is_deleted_goes_with_its_last_finalizer_and_watches_are_told() {
    let (replica, api) = replica();
    let version = api.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    let mut watch = Box::pin(api.watch(&WatchParams::default(), &version).await.unwrap());
    let mut leaving = space("b");
    leaving["metadata"]["finalizers"] = json!(["f"]);
    leaving["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    replica.put(&spaces(), leaving);
    let steps = json!([{"op": "remove", "path": "/metadata/finalizers/0"}]);
    let patch: Patch<()> = Patch::Json(serde_json::from_value(steps).unwrap());
    api.patch("b", &PatchParams::default(), &patch).await.unwrap();
    assert!(api.get_opt("b").await.unwrap().is_none());
    let mut words = Vec::new();
    while words.len() < 2 {
        match watch.try_next().await.unwrap().unwrap() {
            WatchEvent::Added(object) => words.push(format!("added {}", object.name_any())),
            WatchEvent::Deleted(object) => words.push(format!("deleted {}", object.name_any())),
            _ => {}
        }
    }
    assert_eq!(words, ["added b", "deleted b"]);
}

#[tokio::test]
async fn what_isnt_here_is_read_from_the_cluster_and_never_written_there() {
    // The cluster is one that answers reads only: any write to it fails the test.
    let cluster = Replica::new(None);
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "team"}, "data": {"a": "YQ=="}});
    cluster.put(&Collection::core("secrets"), secret);
    let before = cluster.version();
    let replica = Replica::new(Some(cluster.client("team")));
    let secrets = Api::<Secret>::namespaced(replica.client("team"), "team");
    assert!(secrets.get("s").await.unwrap().data.unwrap().contains_key("a"));
    let patch = Patch::Merge(json!({"metadata": {"labels": {"x": "y"}}}));
    let dry = PatchParams { dry_run: true, ..PatchParams::default() };
    secrets.patch("s", &dry, &patch).await.unwrap();
    assert!(secrets.get("s").await.unwrap().labels().is_empty());
    let patched = secrets.patch("s", &PatchParams::default(), &patch).await.unwrap();
    assert!(patched.data.unwrap().contains_key("a") && secrets.get("s").await.unwrap().labels().len() == 1);
    secrets.delete("s", &kube::api::DeleteParams::default()).await.unwrap();
    assert!(secrets.get_opt("s").await.unwrap().is_none(), "what was deleted here isn't read there");
    let made = serde_json::from_value(json!({"metadata": {"name": "new"}})).unwrap();
    secrets.create(&PostParams::default(), &made).await.unwrap();
    assert!(secrets.create(&PostParams::default(), &made).await.is_err());
    assert_eq!(cluster.version(), before);
    assert!(
        Api::<ConfigMap>::namespaced(replica.client("team"), "team").get_opt("c").await.unwrap().is_none()
    );
}

#[tokio::test]
async fn the_operators_own_watches_see_what_is_written() {
    use crate::kubernetes::delivery::Watched;
    use crate::kubernetes::list_pages::ListTurns;
    use crate::kubernetes::stored;
    use crate::kubernetes::watch_client::{Extent, watching};
    use kube::runtime::watcher::{self, Event, watcher};

    let (replica, api) = replica();
    for extent in [Extent::Whole, Extent::Metadata] {
        let watched = Watched::new("AgentSpace", String::new());
        let client = watching(&replica.client(""), &ListTurns::default(), &Arc::default(), watched, extent);
        let mut events =
            Box::pin(watcher(stored::api::<AgentSpace>(client, None), watcher::Config::default()));
        while !matches!(events.try_next().await.unwrap(), Some(Event::InitDone)) {}
        let label = format!("{}", replica.version());
        let patch = json!({"metadata": {"labels": {"at": label}}});
        api.patch("a", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
        let limit = std::time::Duration::from_secs(5);
        match tokio::time::timeout(limit, events.try_next()).await.unwrap().unwrap() {
            Some(Event::Apply(object)) => assert_eq!(object.labels()["at"], label),
            other => panic!("{other:?}"),
        }
    }
}
