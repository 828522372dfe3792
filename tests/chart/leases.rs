//! Who leads: the leases of releases and shards, and the Deployments that hold them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::helm::{self, NAMESPACE, RELEASE};
use super::rendering::{everything, of};

/// The name that every release's lease had in earlier versions.
const FORMER: &str = "devops-agent-operator";

fn rendered(release: &str, values: &Value) -> Vec<Value> {
    let [flag, set] = helm::set(values);
    let chart = helm::chart().display().to_string();
    let text = helm::run(&["template", release, &chart, "-n", NAMESPACE, &flag, &set]);
    let objects: Vec<Value> = serde_saphyr::from_multiple(&text).expect("helm renders YAML");
    objects.into_iter().filter(|object| !object.is_null()).collect()
}

/// The value of a flag of the operator in a Deployment.
fn flag<'a>(deployment: &'a Value, name: &str) -> Option<&'a str> {
    let arguments = deployment["spec"]["template"]["spec"]["containers"][0]["args"].as_array()?;
    let mut arguments = arguments.iter().filter_map(Value::as_str);
    arguments.find_map(|argument| argument.strip_prefix(name)?.strip_prefix('='))
}

/// The leases that a release may write.
fn granted(objects: &[Value]) -> Vec<String> {
    let roles = of(objects, "Role");
    let granted = roles.iter().flat_map(|role| role["rules"].as_array().expect("it has rules"));
    let rule =
        granted.filter(|rule| rule["resources"][0] == "leases").find(|rule| rule["resourceNames"].is_array());
    let names = rule.expect("leases may be written")["resourceNames"].as_array().cloned().unwrap_or_default();
    names.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[test]
fn a_lease_has_the_releases_name_and_may_have_another() {
    let lease = |release: &str, values: &Value| {
        let objects = rendered(release, values);
        let deployment = of(&objects, "Deployment")[0].clone();
        (flag(&deployment, "--lease-name").unwrap_or(FORMER).to_owned(), granted(&objects))
    };
    let strings = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(lease(RELEASE, &json!({})), (RELEASE.to_owned(), strings(&[RELEASE])));
    // Its pods of an earlier version held the other.
    let second = format!("second-{RELEASE}");
    assert_eq!(lease("second", &json!({})), (second.clone(), vec![second, FORMER.to_owned()]));
    let named = |name: &str| json!({"leaderElection": {"leaseName": name}});
    assert_eq!(lease("second", &named("mine")), ("mine".to_owned(), strings(&["mine"])));
    assert_eq!(lease("second", &named(FORMER)), (FORMER.to_owned(), strings(&[FORMER])));
}

#[test]
fn two_releases_in_a_namespace_share_no_lease_however_many_shards_they_have() {
    let releases =
        [RELEASE, "devops-agent-operator-2", "second", "second-shard-1", "third-devops-agent-operator-1"];
    let mut taken = BTreeSet::new();
    for release in releases {
        for shards in [1, 3] {
            let objects = rendered(release, &json!({"shards": shards}));
            let deployments = of(&objects, "Deployment");
            let name = flag(deployments[0], "--lease-name").unwrap_or(FORMER);
            // The operator's own rule, see src/runtime/lease.rs.
            let held = deployments.iter().map(|deployment| match flag(deployment, "--shard") {
                None | Some("0") => name.to_owned(),
                Some(shard) => format!("{name}-shard-{shard}"),
            });
            let held: Vec<String> = held.collect();
            let granted = granted(&objects);
            assert!(held.iter().all(|lease| granted.contains(lease)), "{held:?} {granted:?}");
            taken.extend(held.into_iter().map(|lease| (lease, release)));
        }
    }
    let leases: BTreeSet<&String> = taken.iter().map(|(lease, _)| lease).collect();
    assert_eq!(leases.len(), taken.len(), "{taken:?}");
    assert_eq!(leases.len(), releases.len() * 3);
}

#[test]
fn each_shard_is_a_deployment_that_selects_its_own_pods() {
    let alone = rendered(RELEASE, &everything());
    let deployment = of(&alone, "Deployment")[0];
    assert_eq!(deployment["metadata"]["name"], RELEASE);
    let selector = json!({"app.kubernetes.io/name": RELEASE, "app.kubernetes.io/instance": RELEASE});
    assert_eq!(deployment["spec"]["selector"]["matchLabels"], selector, "it can't be changed");
    assert_eq!((flag(deployment, "--shards"), flag(deployment, "--shard")), (None, None));

    let mut values = everything();
    values["shards"] = json!(3);
    values["podDisruptionBudget"] = json!({"enabled": true});
    let objects = rendered(RELEASE, &values);
    let deployments = of(&objects, "Deployment");
    assert_eq!(deployments.len(), 3);
    let selects = |selector: &Value, labels: &Value| {
        let selector = selector.as_object().expect("a selector");
        selector.iter().all(|(name, value)| labels[name] == *value)
    };
    for (index, deployment) in deployments.iter().enumerate() {
        assert_eq!(deployment["metadata"]["name"], format!("{RELEASE}-shard-{index}"));
        assert_eq!(flag(deployment, "--shards"), Some("3"));
        assert_eq!(flag(deployment, "--shard"), Some(index.to_string().as_str()));
        assert_eq!(deployment["spec"]["replicas"], 2, "each shard has its standby");
        let selector = &deployment["spec"]["selector"]["matchLabels"];
        for (other, pods) in deployments.iter().enumerate() {
            let labels = &pods["spec"]["template"]["metadata"]["labels"];
            assert_eq!(selects(selector, labels), index == other, "{index} selects {other}");
        }
        let spread = &deployment["spec"]["template"]["spec"]["topologySpreadConstraints"][0];
        assert_eq!(spread["labelSelector"]["matchLabels"], *selector, "replicas of a shard are spread");
    }
    // A budget of all pods would let every pod of one shard be evicted.
    let budgets = of(&objects, "PodDisruptionBudget");
    assert_eq!(budgets.len(), 3);
    for (deployment, budget) in deployments.iter().zip(&budgets) {
        assert_eq!(budget["metadata"]["name"], deployment["metadata"]["name"]);
        assert_eq!(budget["spec"]["selector"], deployment["spec"]["selector"]);
    }
    // What there is once reaches the pods of all.
    let common = |kind: &str, path: &str| {
        let found = of(&objects, kind);
        assert_eq!(found.len(), 1, "{kind}");
        found[0].pointer(path).cloned().expect("it selects pods")
    };
    let service = common("Service", "/spec/selector");
    let policy = common("NetworkPolicy", "/spec/podSelector/matchLabels");
    let monitor = common("PodMonitor", "/spec/selector/matchLabels");
    for pods in &deployments {
        let labels = &pods["spec"]["template"]["metadata"]["labels"];
        assert!([&service, &policy, &monitor].iter().all(|selector| selects(selector, labels)), "{labels}");
    }
    // Nothing else depends on the number of shards.
    let rest = |objects: &[Value]| {
        let rest = objects.iter().filter(|object| {
            let kind = object["kind"].as_str().unwrap_or_default();
            !["Deployment", "PodDisruptionBudget", "Role"].contains(&kind)
        });
        rest.cloned().collect::<Vec<_>>()
    };
    values["shards"] = json!(1);
    assert_eq!(rest(&objects), rest(&rendered(RELEASE, &values)));
}

#[test]
fn shards_need_leader_election() {
    let refusal = helm::refusal(&json!({"shards": 2, "leaderElection": {"enabled": false}}));
    assert!(refusal.expect("it is refused").contains("shards: several shards need leaderElection.enabled"));
    assert!(helm::refusal(&json!({"shards": 1, "leaderElection": {"enabled": false}})).is_none());
}
