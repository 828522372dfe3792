//! A whole account, read and written.

#![allow(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use devops_agent_simulator::{Options, Running};
use devops_agent_test_support::aws::start;
use devops_agent_test_support::cluster::http;
use devops_agent_test_support::fixtures::{CREDENTIALS, Filled, Served, fill};

use crate::api::association::Configuration;
use crate::api::catalog::{self, SERVICES};
use crate::aws::Gate;
use crate::aws::client::fleet::{AccountSettings, ClientFactory, FactoryOptions};
use crate::ctl::manifests::Manifest;
use crate::ctl::validate::Validator;

use super::*;

const ACCOUNT_ID: &str = "123456789012";

struct World {
    simulator: Arc<Running>,
    aws: Client,
    made: Filled,
}

async fn world() -> World {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut options = Options::on_free_port();
    options.switches.settle_ms = 1;
    options.switches.deployment_ms = 1;
    let simulator = start(options).await;
    let url = simulator.url();
    let invoke = async |operation: &str, input: serde_json::Value| {
        let body = serde_json::json!({"account": ACCOUNT_ID, "operation": operation, "input": input});
        let answer =
            http().post(format!("{url}/_simulator/invoke")).body(body.to_string()).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{operation} {input}: {text}");
        serde_json::from_str(&text).unwrap_or_default()
    };
    let open = async |url: &str| {
        assert!(http().get(url).send().await.unwrap().status().is_success());
    };
    let served = |key: &str| {
        let service = catalog::configuration(key).service;
        Served { types: service.types().to_vec(), word: service.word() }
    };
    let made = fill(&invoke, &open, served).await;
    let credentials = Credentials::builder()
        .access_key_id("simulator")
        .secret_access_key("simulator")
        .account_id(ACCOUNT_ID)
        .provider_name("test")
        .build();
    let sdk = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(&url)
        .build();
    let options = FactoryOptions {
        gate: Gate::for_reading(),
        requests_per_second: Some(1000.0),
        ..FactoryOptions::default()
    };
    let aws = ClientFactory::with_settings(options, sdk).unwrap();
    let aws = aws.client(&AccountSettings::default()).await.unwrap();
    World { simulator, aws, made }
}

async fn imported(world: &World, selection: &Selection, mode: &Mode) -> String {
    let mut troubles = Troubles::default();
    let drafts = import(&world.aws, selection, mode, &mut troubles).await.unwrap();
    assert_eq!(troubles.0, Vec::<String>::new());
    documents::stream(&drafts).unwrap()
}

fn objects(yaml: &str) -> Vec<Manifest> {
    let manifests = Files::text("import.yaml", yaml, "shop");
    let report = Validator::new().unwrap().report(&manifests, true);
    let findings: Vec<String> =
        report.findings.iter().map(|finding| format!("{}: {}", finding.line, finding.message)).collect();
    assert_eq!(findings, Vec::<String>::new(), "{yaml}");
    manifests.objects
}

fn names_of(objects: &[Manifest], kind: &str) -> Vec<String> {
    objects.iter().filter(|object| object.kind == kind).map(|object| object.name.clone()).collect()
}

#[tokio::test]
async fn an_account_with_everything_is_written_as_valid_yaml_and_the_same_each_time() {
    let world = world().await;
    let before = world.simulator.newest_call();
    let yaml = imported(&world, &Selection::default(), &Mode::default()).await;
    assert_eq!(yaml, imported(&world, &Selection::default(), &Mode::default()).await);
    let calls = world.simulator.call_log(before);
    assert!(calls.iter().all(|call| !call.mutating));
    for (key, secret) in CREDENTIALS {
        assert!(!yaml.contains(secret), "the value of {key} is in the YAML");
    }
    let objects = objects(&yaml);
    // Whatever there is has an object, and the object its id.
    let state = world.simulator.state(true);
    let region = &state["accounts"][ACCOUNT_ID]["us-east-1"];
    let mut ids: BTreeSet<String> = ["agentSpaces", "services", "privateConnections"]
        .iter()
        .flat_map(|kind| region[kind].as_object().into_iter().flat_map(|all| all.keys().cloned()))
        .collect();
    for space in region["agentSpaces"].as_object().unwrap().values() {
        for kind in ["associations", "assets", "triggers"] {
            ids.extend(space[kind].as_object().into_iter().flat_map(|all| all.keys().cloned()));
        }
    }
    let described: BTreeSet<String> = objects
        .iter()
        .filter_map(|object| {
            let id = object.spec().get("externalId").or_else(|| object.spec().pointer("/existing/serviceId"));
            id.and_then(serde_json::Value::as_str).map(str::to_owned)
        })
        .collect();
    assert_eq!(described, ids);
    let services: BTreeSet<&str> = region["services"]
        .as_object()
        .unwrap()
        .values()
        .filter_map(|service| service["serviceType"].as_str())
        .collect();
    assert_eq!(services, SERVICES.iter().map(|row| row.service_type).collect(), "every type is there");
    let keys: BTreeSet<&str> = objects
        .iter()
        .filter_map(|object| {
            object.spec().get("configuration")?.as_object()?.keys().next().map(String::as_str)
        })
        .collect();
    assert_eq!(keys, Configuration::KEYS.iter().copied().collect(), "every configuration is there");
}

#[tokio::test]
async fn a_part_of_an_account_comes_with_what_it_uses_and_the_rest_goes_on_without_what_cant_be_read() {
    let world = world().await;
    let space = world.made.space.clone();
    let selection = Selection { spaces: vec![space.clone()], ..Selection::default() };
    let mode = Mode { manage: true, namespace: Some("shop".to_owned()), account: Some("prod".to_owned()) };
    let yaml = imported(&world, &selection, &mode).await;
    let whole = Files::text("import.yaml", &yaml, "shop").objects;
    let kinds: BTreeSet<&str> = whole.iter().map(|object| object.kind.as_str()).collect();
    assert_eq!(kinds.len(), 7, "all kinds but the AWSAccount, and a Secret: {kinds:?}");
    assert_eq!(names_of(&whole, "AgentSpace").len(), 1);
    assert_eq!(
        names_of(&whole, "ServiceRegistration"),
        ["example-org"],
        "the GitHub service of its repository"
    );
    assert_eq!(names_of(&whole, "PrivateConnection"), ["internal"], "that of its release reviews");
    for object in &whole {
        assert_eq!(object.document.value["metadata"]["namespace"], "shop");
        assert_eq!(object.spec().get("managementPolicy"), None);
        let in_space = object.spec().get("agentSpaceRef").is_some() || object.kind == "Secret";
        assert_eq!(object.spec().pointer("/accountRef/name").is_some(), !in_space, "{}", object.shown());
    }
    // By the tag of a space, which services have too.
    let tags = vec![("team".to_owned(), "payments".to_owned()), ("devops".to_owned(), "yes".to_owned())];
    let yaml = imported(&world, &Selection { tags, ..Selection::default() }, &Mode::default()).await;
    let tagged = objects(&yaml);
    assert_eq!(names_of(&tagged, "AgentSpace"), Vec::<String>::new());
    assert!(names_of(&tagged, "ServiceRegistration").len() > SERVICES.len() / 2);
    assert_eq!(names_of(&tagged, "PrivateConnection"), ["internal"]);
    // By the id of a trigger: with its space and its agent.
    let trigger = whole.iter().find(|object| object.kind == "Trigger").unwrap();
    let id = trigger.spec()["externalId"].as_str().unwrap().to_owned();
    let yaml = imported(&world, &Selection { ids: vec![id], ..Selection::default() }, &Mode::default()).await;
    let kinds: Vec<String> = objects(&yaml).into_iter().map(|object| object.kind).collect();
    assert_eq!(kinds, ["Secret", "AgentSpace", "Asset", "Trigger"]);
    let nothing = Selection { ids: vec!["nothing".to_owned()], ..Selection::default() };
    let refused = import(&world.aws, &nothing, &Mode::default(), &mut Troubles::default()).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("no such resource")));
    // As Terraform calls it.
    let folder = std::env::temp_dir().join(format!("devopsagent-import-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let state = folder.join("state.json");
    let instance = |id: &str| serde_json::json!([{"attributes": {"agent_space_id": space, "id": id}}]);
    let resource = |kind: &str, id: &str| {
        let kind = format!("awscc_devopsagent_{kind}");
        serde_json::json!({"mode": "managed", "type": kind, "name": "mine", "instances": instance(id)})
    };
    let resources = [resource("agent_space", &space), resource("asset", "gone")];
    std::fs::write(&state, serde_json::json!({"version": 4, "resources": resources}).to_string()).unwrap();
    let selection = Selection { from: Some((Tool::Terraform, state)), ..Selection::default() };
    let mut troubles = Troubles::default();
    let drafts = import(&world.aws, &selection, &Mode::default(), &mut troubles).await.unwrap();
    let names: Vec<&str> = drafts.objects.iter().map(|draft| draft.name.as_str()).collect();
    assert_eq!(names, ["mine"]);
    assert_eq!(troubles.0, ["awscc_devopsagent_asset.mine: the account and region have no such resource"]);
    // In files.
    let written = folder.join("shop");
    documents::check_folder(&written).unwrap();
    documents::write(&written, &drafts).unwrap();
    let mut files: Vec<String> = std::fs::read_dir(&written)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files, ["agentspace-mine.yaml", "kustomization.yaml", "secret-mine-credentials.yaml"]);
    let list = std::fs::read_to_string(written.join("kustomization.yaml")).unwrap();
    assert!(list.ends_with("resources:\n- secret-mine-credentials.yaml\n- agentspace-mine.yaml\n"), "{list}");
    assert!(documents::check_folder(&written).is_err(), "what is there isn't overwritten");
    std::fs::remove_dir_all(&folder).unwrap();
    // What can't be read is told, and the others are there.
    for operation in ["GetAssetContent", "ListTriggers", "GetService"] {
        let rule =
            serde_json::json!({"operation": operation, "effect": "error", "error": "AccessDeniedException"});
        world.simulator.add_fault(serde_json::from_value(rule).unwrap());
    }
    let mut troubles = Troubles::default();
    let drafts = import(&world.aws, &Selection::default(), &Mode::default(), &mut troubles).await.unwrap();
    assert!(troubles.0.len() >= 3, "{:?}", troubles.0);
    assert!(drafts.objects.len() > 50);
}

#[test]
fn what_the_schema_cant_express_is_left_out_and_told() {
    let service = serde_json::json!({
        "serviceId": "service-1", "serviceType": "servicenow", "name": "ServiceNow (EU)",
        "additionalServiceDetails": {"servicenow": {"instanceUrl": "https://example.service-now.com"}},
    });
    let space =
        serde_json::json!({"agentSpaceId": "space-1", "name": "Shop", "preferences": {"newOne": true}});
    let association = serde_json::json!({
        "associationId": "association-1", "serviceId": "service-1",
        "configuration": {"servicenow": {"instanceId": "example", "addedLater": [1]}},
    });
    let unknown = serde_json::json!({
        "associationId": "association-2", "serviceId": "service-1", "configuration": {"newservice": {}},
    });
    let tags =
        [("aws:cloudformation:stack-name", "agents"), ("team", "shop"), ("devopsagent.dev/cluster", "other")];
    let tree = Tree {
        services: vec![(
            serde_json::from_value(service).unwrap(),
            tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        )],
        spaces: vec![account_tree::SpaceTree {
            space: serde_json::from_value(space).unwrap(),
            associations: vec![
                serde_json::from_value(association).unwrap(),
                serde_json::from_value(unknown).unwrap(),
            ],
            ..account_tree::SpaceTree::default()
        }],
        ..Tree::default()
    };
    let (migrated, mode) = (Migrated::default(), Mode::default());
    let chosen = Selection::default().among(&tree, &migrated).unwrap();
    let mut troubles = Troubles::default();
    let drafting = Drafting::new(&tree, &migrated, &mode, "us-east-1").unwrap();
    let drafts = drafting.drafts(&chosen, &std::collections::BTreeMap::new(), &mut troubles);
    let told = |kind: &str, part: &str| {
        let draft = drafts.iter().find(|draft| draft.kind == kind).unwrap();
        assert!(draft.comments.iter().any(|comment| comment.contains(part)), "{:?}", draft.comments);
        draft.object["spec"].clone()
    };
    let service = told("ServiceRegistration", "spec.name is left out");
    assert_eq!(
        (&service["name"], &service["tags"]),
        (&serde_json::Value::Null, &serde_json::json!({"team": "shop"}))
    );
    told("ServiceRegistration", "It belongs to the object ?/? of the cluster other");
    let space = told("AgentSpace", "spec.preferences.newOne is left out");
    assert_eq!(space["name"], "Shop");
    let association = told("Association", "spec.configuration.servicenow.addedLater is left out");
    assert_eq!(association["configuration"], serde_json::json!({"servicenow": {"instanceId": "example"}}));
    assert_eq!(troubles.0.len(), 1, "a configuration of a later version: {:?}", troubles.0);
    assert!(troubles.0[0].starts_with("the Association association-2: no valid object"), "{:?}", troubles.0);
}
