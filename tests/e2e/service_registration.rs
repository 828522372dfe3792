//! ServiceRegistration: replaced where AWS can't change it, and found if it already exists.

use serde_json::{Value, json};

use crate::fixtures::{CHANNEL, CONNECTION, EVENTS, GITLAB, SPACE, credentials, events, project, service};
use crate::harness::{Test, condition, remote_id, run, text, wait_until, webhook};

fn only_id(t: &Test, kind: &str) -> String {
    remote_id(kind, &t.only(kind)).to_owned()
}

/// Waits until the registration has another id and the old one is gone.
async fn replaced(t: &Test, old: &str) -> String {
    wait_until("the registration is replaced", async || {
        let services = t.remotes("service");
        let [only] = services.as_slice() else { return None };
        let id = remote_id("service", only);
        (id != old).then(|| id.to_owned())
    })
    .await
}

#[test]
fn a_changed_registration_is_replaced_by_a_new_one_before_the_old_one_goes() {
    run(async |t| {
        credentials(t).await;
        let gitlab = t.apply(GITLAB).await;
        let old = text(&gitlab.ready().await, "/status/id").to_owned();
        let mark = t.mark();
        gitlab
            .patch(json!({"spec": {"service": {"gitlab": {"targetUrl": "https://gitlab.example.org"}}}}))
            .await;
        let new = replaced(t, &old).await;
        let object = gitlab.ready().await;
        assert_eq!(text(&object, "/status/id"), new);
        assert_eq!(object["status"]["previousId"], Value::Null);
        assert_eq!(t.mutations_since(mark), ["RegisterService", "DeregisterService"]);
        assert_eq!(t.only("service")["registration"]["gitlab"]["targetUrl"], "https://gitlab.example.org");
        let note = gitlab.event_with("ReplacedExternalResource", "targetUrl").await;
        assert!(
            note.contains("https://gitlab.example.com") && note.contains("https://gitlab.example.org"),
            "{note}"
        );
    });
}

#[test]
fn everything_but_tags_replaces_a_registration() {
    run(async |t| {
        credentials(t).await;
        let gitlab = t.apply(GITLAB).await;
        let mut id = text(&gitlab.ready().await, "/status/id").to_owned();
        let key = "arn:aws:kms:us-east-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef";
        for edit in [
            json!({"name": "Another name"}),
            json!({"kmsKeyArn": key}),
            json!({"service": {"gitlab": {"groupId": "7"}}}),
            json!({"service": {"gitlab": {"tokenType": "group"}}}),
        ] {
            gitlab.patch(json!({"spec": edit})).await;
            id = replaced(t, &id).await;
            gitlab.ready().await;
        }
        let remote = t.only("service");
        assert_eq!(remote["name"], "Another name");
        assert_eq!(remote["kmsKeyArn"], key);
        assert_eq!(remote["registration"]["gitlab"]["groupId"], "7");
    });
}

#[test]
fn the_associations_of_a_replaced_registration_move_over_and_their_webhooks_work() {
    run(async |t| {
        let project = project(t).await;
        let (service, association) = (only_id(t, "service"), only_id(t, "association"));
        let secret = t.secret_data("project-webhook").await.unwrap();
        let gitlab = t.handle("ServiceRegistration", "gitlab");
        let mark = t.mark();
        gitlab
            .patch(json!({"spec": {"service": {"gitlab": {"targetUrl": "https://gitlab.example.org"}}}}))
            .await;
        let new = replaced(t, &service).await;
        gitlab.ready().await;
        let object = project.ready().await;
        assert_eq!(object["status"]["serviceId"], new.as_str());
        assert_eq!(object["status"]["previousId"], Value::Null);
        let remote = t.only("association");
        assert_eq!(remote["serviceId"], new.as_str());
        assert_ne!(remote["associationId"], association.as_str());
        let fresh = t.secret_data("project-webhook").await.unwrap();
        assert_ne!(fresh["secret"], secret["secret"]);
        assert_eq!(fresh["associationId"], remote["associationId"]);
        webhook::assert_works(t, &fresh).await;
        let order = ["RegisterService", "AssociateService", "DisassociateService", "DeregisterService"];
        assert_eq!(t.mutations_since(mark), order);
    });
}

#[test]
fn a_rotated_token_replaces_the_registration_at_once() {
    run(async |t| {
        let project = project(t).await;
        let old = only_id(t, "service");
        t.secret("credentials", &[("token", "glpat-second.token_2")]).await;
        let new = replaced(t, &old).await;
        assert_eq!(t.only("service")["registration"]["gitlab"]["tokenValue"], "glpat-second.token_2");
        project.wait("the association follows", |object| object["status"]["serviceId"] == new.as_str()).await;
        project.ready().await;
        let gitlab = t.handle("ServiceRegistration", "gitlab");
        gitlab.ready().await;
        let note = gitlab.event("ReplacedExternalResource").await;
        assert!(!note.contains("glpat"), "{note}");
        let mark = t.mark();
        gitlab.reconcile().await;
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
    });
}

#[test]
fn other_keys_of_a_secret_are_no_reason_to_replace() {
    run(async |t| {
        t.secret("credentials", &[("token", "glpat-1"), ("other", "a")]).await;
        let gitlab = t.apply(GITLAB).await;
        gitlab.ready().await;
        let mark = t.mark();
        t.secret("credentials", &[("token", "glpat-1"), ("other", "b")]).await;
        gitlab.reconcile().await;
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
    });
}

#[test]
fn the_event_channel_breaks_before_it_makes() {
    run(async |t| {
        let events = events(t).await;
        let (service, secret) = (only_id(t, "service"), t.secret_data("events-webhook").await.unwrap());
        let mark = t.mark();
        t.handle("ServiceRegistration", "channel").patch(json!({"spec": {"name": "Incidents"}})).await;
        let new = replaced(t, &service).await;
        events.wait("the association follows", |object| object["status"]["serviceId"] == new.as_str()).await;
        events.ready().await;
        t.handle("ServiceRegistration", "channel").ready().await;
        let order = ["DisassociateService", "DeregisterService", "RegisterService", "AssociateService"];
        assert_eq!(t.mutations_since(mark), order);
        let fresh = t.secret_data("events-webhook").await.unwrap();
        assert_ne!(fresh["url"], secret["url"]);
        webhook::assert_works(t, &fresh).await;
    });
}

#[test]
fn a_second_event_channel_is_refused_by_name() {
    run(async |t| {
        t.apply(CHANNEL).await.ready().await;
        let second = t.apply(&CHANNEL.replace("name: channel", "name: second")).await;
        let message = second.condition("Stalled", "True", "Conflict").await;
        assert!(message.contains(&format!("{}/channel", t.namespace)), "{message}");
        assert_eq!(t.remotes("service").len(), 1);
        t.handle("ServiceRegistration", "channel").delete_and_wait().await;
        second.ready().await;
    });
}

#[test]
fn a_registration_in_use_waits_for_its_associations() {
    run(async |t| {
        let events = events(t).await;
        let channel = t.handle("ServiceRegistration", "channel");
        channel.delete().await;
        let message = channel.condition("Ready", "False", "DeletionBlocked").await;
        assert!(message.contains(&format!("Association {}/events", t.namespace)), "{message}");
        events.delete_and_wait().await;
        channel.gone().await;
        assert!(t.remotes("service").is_empty());
    });
}

#[test]
fn a_registration_of_the_console_is_found_by_what_is_known_of_it() {
    run(async |t| {
        for (name, wanted, id) in [
            ("github", "{serviceType: github, owner: example-org}", "github-console-0001"),
            ("slack", "{serviceType: slack, workspaceId: T0EXAMPLE1}", "slack-console-0001"),
            (
                "devops",
                "{serviceType: azuredevops, organizationName: example-org}",
                "azuredevops-console-0001",
            ),
            ("teams", "{serviceType: msteams}", "msteams-console-0001"),
        ] {
            let yaml = format!(
                "{{kind: ServiceRegistration, metadata: {{name: {name}}}, spec: {{existing: {{match: {wanted}}}}}}}"
            );
            let found = t.apply(&yaml).await;
            assert_eq!(found.ready().await["status"]["id"], id);
            found.delete_and_wait().await;
        }
        let yaml = "{kind: ServiceRegistration, metadata: {name: byid}, spec: {existing: {serviceId: azure-console-0001}}}";
        let found = t.apply(yaml).await;
        assert_eq!(found.ready().await["status"]["serviceType"], "azure");
        found.delete_and_wait().await;
        assert_eq!(t.mutations(), Vec::<String>::new());
        assert_eq!(t.state()["services"].as_object().unwrap().len(), 5);
    });
}

#[test]
fn a_registration_that_does_not_exist_or_is_not_the_only_one_says_so() {
    run(async |t| {
        let yaml = "{kind: ServiceRegistration, metadata: {name: mine}, spec: {existing: {match: {serviceType: pagerduty}}}}";
        let found = t.apply(yaml).await;
        found.condition("Stalled", "True", "NotFound").await;
        let mut ids = Vec::new();
        for name in ["First", "Second"] {
            let details = json!({"pagerduty": {"scopes": ["a"], "authorizationConfig": {"oAuthClientCredentials": {"clientId": "c", "clientSecret": "s"}}}});
            let input = json!({"service": "pagerduty", "name": name, "serviceDetails": details});
            ids.push(text(&t.invoke("RegisterService", input).await, "/serviceId").to_owned());
        }
        found.request().await;
        let message = found.condition("Stalled", "True", "Conflict").await;
        assert!(ids.iter().all(|id| message.contains(id)), "{message}");
        found.patch(json!({"spec": {"existing": {"match": {"name": "Second"}}}})).await;
        assert_eq!(found.ready().await["status"]["id"], ids[1].as_str());
        found.delete_and_wait().await;
        assert_eq!(t.remotes("service").len(), 2);
    });
}

#[test]
fn an_existing_registration_that_vanishes_is_not_made_anew() {
    run(async |t| {
        let yaml = "{kind: ServiceRegistration, metadata: {name: slack}, spec: {existing: {match: {serviceType: slack}}}}";
        let slack = t.apply(yaml).await;
        slack.ready().await;
        t.remove("service", "slack-console-0001").await;
        slack.request().await;
        slack.condition("Stalled", "True", "NotFound").await;
        assert_eq!(t.mutations(), Vec::<String>::new());
    });
}

#[test]
fn a_registration_goes_through_private_connections() {
    run(async |t| {
        credentials(t).await;
        let server = service("mcpserver");
        let registration = |name: &str, more: &str| {
            format!(
                "{{kind: ServiceRegistration, metadata: {{name: {name}}}, spec: {{name: {name}, {more}, service: {server}}}}}"
            )
        };
        let both = t.apply(&registration("both", "privateConnectionRef: {name: internal}")).await;
        let apart = registration(
            "apart",
            "targetUrlPrivateConnectionRef: {name: internal}, exchangeUrlPrivateConnectionRef: {name: internal}",
        );
        let apart = t.apply(&apart).await;
        let message = both.condition("Ready", "False", "DependencyNotFound").await;
        assert!(message.contains("spec.privateConnectionRef"), "{message}");
        t.apply(CONNECTION).await.ready().await;
        both.ready().await;
        apart.ready().await;
        let remote =
            |name: &str| t.remotes("service").into_iter().find(|service| service["name"] == name).unwrap();
        assert_eq!(remote("both")["privateConnectionName"], "internal");
        assert_eq!(remote("apart")["targetUrlPrivateConnectionName"], "internal");
        assert_eq!(remote("apart")["exchangeUrlPrivateConnectionName"], "internal");
        let connection = t.handle("PrivateConnection", "internal");
        connection.delete().await;
        connection.condition("Ready", "False", "DeletionBlocked").await;
        both.delete_and_wait().await;
        apart.delete_and_wait().await;
        connection.gone().await;
        assert!(t.is_empty());
    });
}

#[test]
fn an_edit_while_a_person_is_waited_for_starts_afresh() {
    run(async |t| {
        let datadog = json!({"kind": "ServiceRegistration", "metadata": {"name": "datadog"}, "spec": {"service": crate::fixtures::json_of(&service("mcpserverdatadog"))}});
        let datadog = t.apply(&datadog.to_string()).await;
        datadog.condition("Ready", "False", "AuthorizationRequired").await;
        let old = text(&datadog.get().await, "/status/authorizationUrl").to_owned();
        datadog.patch(json!({"spec": {"service": {"mcpserverdatadog": {"endpoint": "https://mcp.datadoghq.com/api/mcp"}}}})).await;
        let object = datadog
            .wait("there is another address", |object| {
                let url = text(object, "/status/authorizationUrl");
                !url.is_empty() && url != old
            })
            .await;
        t.open(text(&object, "/status/authorizationUrl")).await;
        datadog.ready().await;
        assert_eq!(
            t.only("service")["registration"]["mcpserverdatadog"]["endpoint"],
            "https://mcp.datadoghq.com/api/mcp"
        );
        datadog.delete_and_wait().await;
    });
}

#[test]
fn a_registration_that_waits_for_a_person_can_be_deleted() {
    run(async |t| {
        let datadog = json!({"kind": "ServiceRegistration", "metadata": {"name": "datadog"}, "spec": {"service": crate::fixtures::json_of(&service("mcpserverdatadog"))}});
        let datadog = t.apply(&datadog.to_string()).await;
        datadog.condition("Ready", "False", "AuthorizationRequired").await;
        datadog.delete_and_wait().await;
        assert!(t.remotes("service").is_empty());
    });
}

#[test]
fn an_interactive_registration_that_changes_keeps_the_old_one_until_the_person_has_agreed() {
    run(async |t| {
        let datadog = json!({"kind": "ServiceRegistration", "metadata": {"name": "datadog"}, "spec": {"service": crate::fixtures::json_of(&service("mcpserverdatadog"))}});
        let datadog = t.apply(&datadog.to_string()).await;
        datadog.condition("Ready", "False", "AuthorizationRequired").await;
        t.open(text(&datadog.get().await, "/status/authorizationUrl")).await;
        let old = text(&datadog.ready().await, "/status/id").to_owned();
        t.apply(SPACE).await;
        let association = "{kind: Association, metadata: {name: metrics}, spec: {agentSpaceRef: {name: space}, serviceRef: {name: datadog}, configuration: {mcpserverdatadog: {}}}}";
        let association = t.apply(association).await;
        association.ready().await;
        datadog.patch(json!({"spec": {"service": {"mcpserverdatadog": {"endpoint": "https://mcp.datadoghq.com/api/mcp"}}}})).await;
        datadog.condition("Ready", "False", "AuthorizationRequired").await;
        assert_eq!(only_id(t, "service"), old);
        t.open(text(&datadog.get().await, "/status/authorizationUrl")).await;
        let new = replaced(t, &old).await;
        assert_eq!(datadog.ready().await["status"]["id"], new.as_str());
        association
            .wait("the association follows", |object| object["status"]["serviceId"] == new.as_str())
            .await;
        association.ready().await;
    });
}

#[test]
fn associations_of_several_spaces_all_move_over() {
    run(async |t| {
        let first = events(t).await;
        t.apply(&SPACE.replace("name: space", "name: other")).await;
        let second = EVENTS.replace("name: events", "name: others").replace("name: space", "name: other");
        let second = t.apply(&second).await;
        second.ready().await;
        let old = only_id(t, "service");
        t.handle("ServiceRegistration", "channel").patch(json!({"spec": {"name": "Incidents"}})).await;
        let new = replaced(t, &old).await;
        for association in [first, second] {
            association
                .wait("the association follows", |object| object["status"]["serviceId"] == new.as_str())
                .await;
            association.ready().await;
        }
        assert_eq!(t.remotes("association").len(), 2);
    });
}

#[test]
fn edits_in_quick_succession_leave_one_registration() {
    run(async |t| {
        let project = project(t).await;
        let gitlab = t.handle("ServiceRegistration", "gitlab");
        for number in 1..=4 {
            let url = format!("https://gitlab-{number}.example.com");
            gitlab.patch(json!({"spec": {"service": {"gitlab": {"targetUrl": url}}}})).await;
            gitlab
                .wait("the edit is seen", |object| object["status"]["observedGeneration"] == number + 1)
                .await;
        }
        let settled = |object: &Value| {
            object["status"]["observedGeneration"] == object["metadata"]["generation"]
                && object["status"]["previousId"].is_null()
                && condition(object, "Ready").is_some_and(|ready| ready["status"] == "True")
        };
        gitlab.wait("the last replacement is done", settled).await;
        let remote = t.only("service");
        assert_eq!(remote["registration"]["gitlab"]["targetUrl"], "https://gitlab-4.example.com");
        project
            .wait("the association follows", |object| object["status"]["serviceId"] == remote["serviceId"])
            .await;
        project.ready().await;
        assert_eq!(t.remotes("association").len(), 1);
        webhook::assert_works(t, &t.secret_data("project-webhook").await.unwrap()).await;
    });
}

#[test]
fn a_registration_without_a_name_is_not_taken_for_another_of_the_same_kind() {
    run(async |t| {
        credentials(t).await;
        t.apply(GITLAB).await.ready().await;
        let twin = GITLAB
            .replace("metadata: {name: gitlab}", "metadata: {name: twin}")
            .replace("  name: GitLab\n", "");
        let twin = t.apply(&twin).await;
        twin.ready().await;
        assert_eq!(
            t.remotes("service").len(),
            2,
            "the one belongs to another object, so this one gets its own"
        );
    });
}
