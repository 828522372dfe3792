//! Operators that divide the namespaces among them: each object has one, also while one dies and while their number changes.

use std::collections::BTreeMap;
use std::path::Path;

use devops_agent_operator::reconcile::shard::Shard;
use devops_agent_operator::reconcile::state::subject::Subject;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use kube::api::{Patch, PatchParams};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::harness::{Handle, Operator, World, condition, run, wait_until};

/// Short, but not so short that a busy machine takes the lease from a healthy leader.
const ELECTION: [&str; 7] = [
    "--leader-election",
    "--lease-duration",
    "6s",
    "--lease-renew-deadline",
    "4s",
    "--lease-retry-period",
    "1s",
];
/// What a process says as long as it waits for those who count another number of shards.
const WAITS: &str = "waiting for those who divide the namespaces another way";
/// So many namespaces, and more until each shard has some.
const NAMESPACES: usize = 12;
const FEWEST: usize = 4;

/// A namespace with a space.
struct Place {
    namespace: String,
    space: Handle,
    id: String,
}

fn shard_of(namespace: &str, count: u16) -> u16 {
    let subject = Subject::new("AgentSpace", namespace, "space");
    let has = |index: &u16| Shard::new(*index, count).expect("there is such a shard").has(&subject);
    (0..count).find(has).expect("each namespace has a shard")
}

/// Namespaces of which each shard of two has some, and the third of three at least one.
async fn namespaces(world: &World) -> Vec<String> {
    let mut all = vec![world.namespace.clone()];
    loop {
        let part = |index, count| all.iter().filter(|name| shard_of(name, count) == index).count();
        let is_enough = (0..2).all(|index| part(index, 2) >= FEWEST) && part(2, 3) > 0;
        if all.len() >= NAMESPACES && is_enough {
            return all;
        }
        all.push(world.other_namespace(json!({})).await);
    }
}

/// A process of one shard. AWS knows it by its name.
fn start(world: &World, all: &[String], token: &Path, name: &str, (index, count): (u16, u16)) -> Operator {
    let (index, count) = (index.to_string(), count.to_string());
    world
        .launch(&world.namespace)
        .args(ELECTION)
        .args(["--watch-namespace", &all.join(","), "--shard", &index, "--shards", &count])
        .args(["--log-level", "info,devops_agent_operator::runtime=debug", "--requests-per-second", "200"])
        .env("AWS_ACCESS_KEY_ID", "")
        .env("AWS_SECRET_ACCESS_KEY", "")
        .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/operator")
        .env("AWS_ROLE_SESSION_NAME", name)
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", &token.display().to_string())
        .start()
}

/// Edits the space in each place, and waits until AWS has it.
async fn edit(places: &[Place], description: &str) {
    for place in places {
        place.space.patch(json!({"spec": {"description": description}})).await;
    }
    for place in places {
        let is_done = |object: &Value| {
            object["status"]["observedGeneration"] == object["metadata"]["generation"]
                && condition(object, "Synced").is_some_and(|condition| condition["status"] == "True")
        };
        place.space.wait("the edit is in AWS", is_done).await;
    }
}

/// Whose calls were about each place since a mark, by the names of processes.
fn callers(world: &World, places: &[Place], mark: u64) -> BTreeMap<String, Vec<String>> {
    let calls = world.calls_since(mark);
    let names_of = |place: &Place| {
        let about = calls.iter().filter(|call| {
            let text = Value::Object(call.resource.clone()).to_string();
            text.contains(&place.id)
                || call.request.as_ref().is_some_and(|request| request["name"] == place.namespace)
        });
        let mut names: Vec<String> =
            about.filter_map(|call| call.principal.rsplit('/').next()).map(str::to_owned).collect();
        names.sort();
        names.dedup();
        names
    };
    places.iter().map(|place| (place.namespace.clone(), names_of(place))).collect()
}

/// That each place was served by the process of its shard, and by no other.
fn each_has_its_own(world: &World, places: &[Place], mark: u64, by_shard: &[&str]) {
    let count = u16::try_from(by_shard.len()).expect("there are few shards");
    let expected: BTreeMap<String, Vec<String>> = places
        .iter()
        .map(|place| {
            let name = by_shard[usize::from(shard_of(&place.namespace, count))];
            (place.namespace.clone(), vec![name.to_owned()])
        })
        .collect();
    assert_eq!(callers(world, places, mark), expected);
}

#[test]
fn shards_divide_the_namespaces_while_one_dies_and_while_their_number_changes() {
    run(async || {
        let world = World::new().await;
        let all = namespaces(&world).await;
        let token = world.file("token");
        std::fs::write(&token, "a token").expect("a file can be written");
        let start = |name, shard| start(&world, &all, &token, name, shard);

        let first = start("first", (0, 2));
        let second = start("second", (1, 2));
        first.says("leading").await;
        second.says("leading").await;
        let standby = start("standby", (1, 2));
        standby.says("on standby").await;
        let mark = world.mark();
        let mut places = Vec::new();
        for namespace in &all {
            let space =
                json!({"kind": "AgentSpace", "metadata": {"name": "space"}, "spec": {"name": namespace}});
            let space = world.apply_in(namespace, &space.to_string()).await;
            places.push(Place { namespace: namespace.clone(), space, id: String::new() });
        }
        for place in &mut places {
            place.id = place.space.ready().await["status"]["id"].as_str().unwrap_or_default().to_owned();
        }
        assert_eq!(world.count("CreateAgentSpace"), all.len(), "each is created once");
        each_has_its_own(&world, &places, mark, &["first", "second"]);

        // The edits in the namespaces of the dead one wait for the standby.
        second.signal(Signal::SIGKILL);
        second.ended().await;
        let mark = world.mark();
        edit(&places, "while it was dead").await;
        each_has_its_own(&world, &places, mark, &["first", "standby"]);

        // A third shard, of three: it waits until nobody counts two.
        let third = start("third", (2, 3));
        let has_waited = async |times: usize| {
            let before = third.log_lines(&[WAITS]).len();
            wait_until("it waits", async || {
                (third.log_lines(&[WAITS]).len() >= before + times).then_some(())
            })
            .await;
            assert!(!third.log().contains("leading"), "nobody else may be at work");
        };
        has_waited(1).await;
        first.terminate();
        first.ended().await;
        has_waited(2).await;
        standby.terminate();
        standby.ended().await;
        third.says("leading").await;
        let mark = world.mark();
        let (its, others): (Vec<_>, Vec<_>) =
            places.into_iter().partition(|place| shard_of(&place.namespace, 3) == 2);
        edit(&its, "by the third of three").await;
        assert!(callers(&world, &its, mark).values().all(|names| *names == ["third"]));
        assert!(callers(&world, &others, mark).values().all(Vec::is_empty), "nobody has their shards");
        assert_eq!(world.remotes("agentSpace").len(), all.len());
    });
}

/// Writes the lease of all releases as a pod of an earlier version would.
async fn write_as_earlier_version(leases: &Api<Lease>, holder: &str) {
    let lease = json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "devops-agent-operator"},
        "spec": {"holderIdentity": holder, "leaseDurationSeconds": 60},
    });
    let params = PatchParams::apply("earlier").force();
    leases
        .patch("devops-agent-operator", &params, &Patch::Apply(lease))
        .await
        .expect("a lease can be written");
}

async fn holder(leases: &Api<Lease>, name: &str) -> Option<String> {
    let lease = leases.get_opt(name).await.expect("leases can be read")?;
    lease.spec?.holder_identity.filter(|holder| !holder.is_empty())
}

#[test]
fn a_release_waits_for_its_pods_of_an_earlier_version_and_holds_their_lease_too() {
    run(async || {
        let world = World::new().await;
        let leases = Api::<Lease>::namespaced(world.client.clone(), &world.namespace);
        write_as_earlier_version(&leases, "shop-operator-7d9f8c6b5d-x2x4z_1").await;
        let start = |lease: &'static str| {
            let level = ["--log-level", "info,devops_agent_operator::runtime=debug", "--lease-name", lease];
            world.launch(&world.namespace).args(ELECTION).args(level).start()
        };
        // Another release has nothing to do with that.
        let other = start("other-operator");
        let new = start("shop-operator");
        new.says(WAITS).await;
        other.says("leading").await;
        assert!(!new.log().contains("leading"));
        write_as_earlier_version(&leases, "").await;
        new.says("leading").await;
        let own = holder(&leases, "shop-operator").await;
        assert!(own.is_some() && holder(&leases, "devops-agent-operator").await == own, "it holds both");
        assert_ne!(holder(&leases, "other-operator").await, own);
        new.terminate();
        new.ended().await;
        for name in ["shop-operator", "devops-agent-operator"] {
            assert_eq!(holder(&leases, name).await, None, "{name} is free");
        }
    });
}
