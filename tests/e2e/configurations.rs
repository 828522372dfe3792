//! Every configuration of an association: applied, Ready, in AWS exactly as written, its webhook in use, and gone
//! again. With which service, and with which webhook, is in the catalog.

use std::collections::BTreeSet;

use devops_agent_operator::api::association::Configuration;
use devops_agent_operator::api::catalog::{self, ConfigurationRow, RegisteredBy};
use serde_json::{Value, json};

use crate::fixtures::{CONNECTION, ORGANIZATION, SPACE, credentials, json_of, service};
use crate::harness::{Test, run, text, webhook};

/// A test for each configuration.
macro_rules! round_trips {
    ($($name:ident: $configuration:literal;)+) => {
        $(
            #[test]
            fn $name() {
                run(async |t| round_trips(t, &json_of($configuration)).await);
            }
        )+

        #[test]
        fn every_configuration_is_among_the_round_trips() {
            let keys: BTreeSet<String> =
                [$($configuration),+].iter().map(|yaml| key(&json_of(yaml)).to_owned()).collect();
            assert_eq!(keys, Configuration::KEYS.iter().map(|key| (*key).to_owned()).collect());
        }
    };
}

devops_agent_test_support::configurations!(round_trips);

/// A round trip with each type of service that the configuration can be for, and one without if it can be without.
async fn round_trips(t: &Test, configuration: &Value) {
    let row = catalog::configuration(key(configuration));
    credentials(t).await;
    let organization = row.output_only.contains(&"/deploymentState");
    t.apply(if organization { ORGANIZATION } else { SPACE }).await;
    if row.references.iter().any(|reference| configuration.to_string().contains(reference.fills)) {
        t.apply(CONNECTION).await.ready().await;
    }
    if row.service.word().is_some() {
        round_trip(t, row, configuration, None).await;
    }
    for service_type in row.service.types() {
        let block = match catalog::service(service_type).registered_by {
            RegisteredBy::Yaml => format!("{{service: {}}}", service(service_type)),
            RegisteredBy::Console => format!("{{existing: {{match: {{serviceType: {service_type}}}}}}}"),
        };
        let name = service_type.to_lowercase();
        register(t, &name, &block).await;
        round_trip(t, row, configuration, Some(&name)).await;
    }
}

async fn round_trip(t: &Test, row: &ConfigurationRow, configuration: &Value, service: Option<&str>) {
    let mut spec = json!({"agentSpaceRef": {"name": "space"}, "configuration": configuration});
    if let Some(name) = service {
        spec["serviceRef"] = json!({"name": name});
    }
    let object = json!({"kind": "Association", "metadata": {"name": "connected"}, "spec": spec});
    let association = t.apply(&object.to_string()).await;
    let object = association.ready().await;
    let remote = t.only("association");
    assert_eq!(object["status"]["id"], remote["associationId"]);
    assert_eq!(object["status"]["serviceId"], remote["serviceId"]);
    assert_eq!(object["status"]["agentSpaceId"], remote["agentSpaceId"]);
    assert_eq!(text(&object, "/status/configurationType"), row.key);
    assert_eq!(without_outputs(&remote["configuration"], row), *configuration);
    assert_webhook(t, row, &object, &remote).await;
    let mark = t.mark();
    association.reconcile().await;
    assert_eq!(t.mutations_since(mark), Vec::<String>::new());
    association.delete_and_wait().await;
    assert!(t.remotes("association").is_empty());
}

/// Registers the service, or finds it, as `name`.
async fn register(t: &Test, name: &str, block: &str) {
    let object = json!({"kind": "ServiceRegistration", "metadata": {"name": name}, "spec": json_of(block)});
    let registration = t.apply(&object.to_string()).await;
    if block.contains("authorizationDiscovery") {
        registration.condition("Ready", "False", "AuthorizationRequired").await;
        t.open(text(&registration.get().await, "/status/authorizationUrl")).await;
    }
    registration.ready().await;
}

fn key(configuration: &Value) -> &str {
    configuration.as_object().and_then(|union| union.keys().next()).expect("a configuration has a key")
}

/// The configuration without what only AWS sets, and has set.
fn without_outputs(configuration: &Value, row: &ConfigurationRow) -> Value {
    let mut configuration = configuration.clone();
    for member in row.output_only {
        let (parent, name) = member.rsplit_once('/').expect("a pointer has a slash");
        let parent = configuration[row.key].pointer_mut(parent).and_then(Value::as_object_mut);
        let set = parent.and_then(|parent| parent.remove(name));
        assert!(set.is_some_and(|set| set == "valid" || set.is_object()), "{}{member}", row.key);
    }
    configuration
}

async fn assert_webhook(t: &Test, row: &ConfigurationRow, object: &Value, remote: &Value) {
    let secret = t.secret_data("connected-webhook").await;
    let Some(expected) = row.webhook else {
        assert_eq!(secret, None);
        assert_eq!(object["status"]["webhook"], Value::Null);
        return;
    };
    let secret = secret.expect("there is a webhook's Secret");
    assert!(expected.types.contains(&secret["type"].as_str()), "{}", secret["type"]);
    assert_eq!(secret["id"], remote["webhook"]["webhookId"]);
    assert_eq!(object["status"]["webhook"]["secretName"], "connected-webhook");
    webhook::assert_works(t, &secret).await;
}
