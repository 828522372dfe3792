//! Every type of service and every form of authorization: applied, Ready, in AWS exactly as written, and gone again.

use std::collections::BTreeSet;

use devops_agent_operator::api::service_registration::Service;
use serde_json::{Value, json};

use crate::fixtures::{INTERACTIVE, credentials, filled, json_of, services};
use crate::harness::{Handle, Test, remote_id, run, text};

/// A test for each type.
macro_rules! round_trips {
    ($($name:ident: $kind:literal,)+) => {$(
        #[test]
        fn $name() {
            run(async |t| {
                credentials(t).await;
                for (kind, form, yaml) in services().into_iter().filter(|(kind, ..)| *kind == $kind) {
                    round_trip(t, kind, form, &yaml).await;
                }
            });
        }
    )+

        #[test]
        fn every_type_is_among_the_round_trips() {
            let all: BTreeSet<&str> = Service::KEYS.iter().copied().collect();
            assert_eq!(BTreeSet::from([$($kind),+]), all);
            assert_eq!(services().into_iter().map(|(kind, ..)| kind).collect::<BTreeSet<_>>(), all);
        }
    };
}

round_trips! {
    dynatrace_is_registered: "dynatrace",
    servicenow_is_registered: "servicenow",
    pagerduty_is_registered: "pagerduty",
    gitlab_is_registered: "gitlab",
    an_event_channel_is_registered: "eventChannel",
    new_relic_is_registered: "mcpservernewrelic",
    grafana_is_registered: "mcpservergrafana",
    datadog_is_registered: "mcpserverdatadog",
    an_mcp_server_is_registered: "mcpserver",
    splunk_is_registered: "mcpserversplunk",
    an_mcp_server_with_signatures_is_registered: "mcpserversigv4",
    an_azure_identity_is_registered: "azureidentity",
    a_remote_agent_is_registered: "remoteagent",
    a_remote_agent_with_signatures_is_registered: "remoteagentsigv4",
}

async fn round_trip(t: &Test, kind: &str, form: &str, yaml: &str) {
    let details = json_of(yaml);
    let name = format!("{kind}-{form}").to_lowercase();
    let object = json!({
        "kind": "ServiceRegistration",
        "metadata": {"name": name},
        "spec": {"name": "Some service", "service": details, "tags": {"form": form}},
    });
    let mark = t.mark();
    let registration = t.apply(&object.to_string()).await;
    if INTERACTIVE.contains(&form) {
        authorise(t, &registration).await;
    }
    let object = registration.ready().await;
    let remote = t.only("service");
    assert_eq!(object["status"]["id"], remote_id("service", &remote));
    assert_eq!(object["status"]["serviceType"], kind);
    assert_eq!(object["status"]["authorizationUrl"], Value::Null);
    assert_eq!(remote["serviceType"], kind);
    assert_eq!(remote["name"], "Some service");
    assert_eq!(remote["registration"], filled(details), "{kind} with {form}");
    assert_eq!(remote["tags"]["form"], form);
    assert_eq!(remote["tags"]["devopsagent.dev/name"], name.as_str());
    registration.reconcile().await;
    assert_eq!(t.mutations_since(mark), ["RegisterService"], "{kind} with {form}");
    assert_no_secrets(&object, t, &registration).await;
    registration.delete_and_wait().await;
    assert!(t.is_empty(), "{kind} with {form}");
}

/// Does what a person has to do.
async fn authorise(t: &Test, registration: &Handle) {
    let message = registration.condition("Ready", "False", "AuthorizationRequired").await;
    assert!(message.contains("status.authorizationUrl"), "{message}");
    registration.condition("Authorized", "False", "AuthorizationRequired").await;
    assert!(t.remotes("service").is_empty());
    t.open(text(&registration.get().await, "/status/authorizationUrl")).await;
    registration.condition("Authorized", "True", "Available").await;
}

/// What is secret is in AWS and in its Secret, and nowhere else.
async fn assert_no_secrets(object: &Value, t: &Test, registration: &Handle) {
    let events = registration.events().await;
    let log = t.shared.operator.log_lines(&[&t.namespace]);
    for (key, secret) in crate::fixtures::CREDENTIALS {
        assert!(!object.to_string().contains(secret), "the value of {key} is in the object");
        assert!(events.iter().all(|(_, note)| !note.contains(secret)), "the value of {key} is in an Event");
        assert!(log.iter().all(|line| !line.contains(secret)), "the value of {key} is in the log");
    }
}
