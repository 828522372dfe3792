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
    if let Ok(f) = std::env::var("DUMP") {
        std::fs::write(f, &yaml).unwrap();
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
async fn a_space_comes_with_what_it_uses() {
    let world = world().await;
    let selection = Selection { spaces: vec![world.made.space.clone()], ..Selection::default() };
    let mode = Mode { manage: true, namespace: Some("shop".to_owned()), account: Some("prod".to_owned()) };
    let yaml = imported(&world, &selection, &mode).await;
    let manifests = Files::text("import.yaml", &yaml, "shop");
    let objects = &manifests.objects;
    assert_eq!(names_of(objects, "AgentSpace").len(), 1);
    assert_eq!(
        names_of(objects, "ServiceRegistration"),
        ["example-org-1"].map(|_| names_of(objects, "ServiceRegistration")[0].clone())
    );
    assert_eq!(names_of(objects, "PrivateConnection"), ["internal"]);
    assert_eq!(names_of(objects, "Trigger").len(), 3);
    for object in objects {
        assert_eq!(object.document.value["metadata"]["namespace"], "shop");
        assert_eq!(object.spec().get("managementPolicy"), None);
        let in_space = object.spec().get("agentSpaceRef").is_some() || object.kind == "Secret";
        assert_eq!(object.spec().pointer("/accountRef/name").is_some(), !in_space, "{}", object.shown());
    }
}
