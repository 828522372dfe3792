//! AWSAccount: roles, consent, and what happens when an account changes.

use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::ListParams;
use serde_json::json;

use crate::harness::{Handle, Test, default_account, run, text, wait_until};

fn account(t: &Test) -> Handle {
    t.handle("AWSAccount", &t.namespace)
}

const SPACE: &str = "{kind: AgentSpace, metadata: {name: space}, spec: {}}";

#[test]
fn an_account_is_ready_when_aws_answers_to_its_role() {
    run(async |t| {
        let object = account(t).ready().await;
        assert!(object["status"]["conditions"].to_string().contains("Available"));
        let calls = t.calls();
        let role = format!("arn:aws:sts::{}:assumed-role/test/", t.account);
        assert!(calls.iter().all(|call| call.principal.starts_with(&role)), "{calls:#?}");
        assert_eq!(t.mutations(), Vec::<String>::new());
    });
}

#[test]
fn the_session_has_the_name_that_the_account_asks_for() {
    run(async |t| {
        account(t).patch(json!({"spec": {"assumeRole": {"sessionName": "team-payments"}}})).await;
        account(t).ready().await;
        t.apply(SPACE).await.ready().await;
        let call = t.calls().pop().unwrap();
        assert!(call.principal.ends_with("/test/team-payments"), "{}", call.principal);
    });
}

#[test]
fn an_account_whose_role_can_not_be_assumed_says_so_and_recovers() {
    run(async |t| {
        let name = format!("{}-denied", t.namespace);
        let role = format!("arn:aws:iam::{}:role/denied", t.account);
        let fault = json!({"operation": "AssumeRole", "resource": role, "effect": "error", "error": "AccessDenied", "times": 0});
        let number = t.shared.simulator.add_fault(serde_json::from_value(fault).unwrap());
        let object = json!({"kind": "AWSAccount", "metadata": {"name": name}, "spec": {"assumeRole": {"roleArn": role}}});
        let refused = t.apply(&object.to_string()).await;
        let message = refused.condition("Ready", "False", "CredentialsUnavailable").await;
        assert!(message.contains(&role) && message.contains("AccessDenied"), "{message}");
        assert!(!message.contains("Unhandled"), "a message for people: {message}");
        let url = format!("{}/_simulator/faults/{number}", t.shared.simulator.url());
        t.http.delete(url).send().await.unwrap();
        refused.request().await;
        refused.ready().await;
        refused.delete_and_wait().await;
    });
}

#[test]
fn what_happens_to_an_account_again_is_counted_in_one_event() {
    run(async |t| {
        for _ in 0..2 {
            account(t).patch(json!({"metadata": {"annotations": {"devopsagent.dev/paused": "true"}}})).await;
            account(t).condition("Synced", "False", "Paused").await;
            account(t).patch(json!({"metadata": {"annotations": {"devopsagent.dev/paused": null}}})).await;
            account(t).wait("it goes on", |object| !object.to_string().contains("\"Paused\"")).await;
        }
        // Kubernetes keeps the Events of cluster-scoped objects in this namespace.
        let api = Api::<Event>::namespaced(t.shared.client.clone(), "default");
        wait_until("the second pause is counted with the first", async || {
            let events = api.list(&ListParams::default()).await.ok()?.items.into_iter();
            let mut ours = events.filter(|event| {
                event.regarding.as_ref().and_then(|about| about.name.as_ref()) == Some(&t.namespace)
            });
            ours.find(|event| event.series.as_ref().is_some_and(|series| series.count > 1))
        })
        .await;
    });
}

#[test]
fn the_region_of_an_account_stays() {
    run(async |t| {
        let name = format!("{}-regional", t.namespace);
        let role = format!("arn:aws:iam::{}:role/test", t.account);
        let yaml = json!({"kind": "AWSAccount", "metadata": {"name": name}, "spec": {"region": "eu-central-1", "assumeRole": {"roleArn": role}}});
        let regional = t.apply(&yaml.to_string()).await;
        regional.ready().await;
        let space = json!({"kind": "AgentSpace", "metadata": {"name": "far"}, "spec": {"accountRef": {"name": name}}});
        let space = t.apply(&space.to_string()).await;
        let object = space.ready().await;
        let state = t.shared.simulator.state(false);
        let spaces = &state["accounts"][&t.account]["eu-central-1"]["agentSpaces"];
        assert_eq!(spaces[text(&object, "/status/id")]["name"], "far");
        let refused = regional.try_patch(json!({"spec": {"region": "us-west-2"}})).await.unwrap_err();
        assert!(refused.to_string().contains("region can't be changed"), "{refused}");
        space.delete_and_wait().await;
        regional.delete_and_wait().await;
    });
}

#[test]
fn an_account_serves_the_namespaces_that_it_allows() {
    run(async |t| {
        let none = json!({"spec": {"allowedNamespaces": {"from": "Names", "names": ["nobody"]}}});
        account(t).patch(none).await;
        // Accounts and spaces arrive through separate watches.
        account(t).ready().await;
        let space = t.apply(SPACE).await;
        let message = space.condition("Ready", "False", "ReferenceNotAllowed").await;
        assert!(message.contains(&t.namespace) && message.contains("accountRef"), "{message}");
        assert_eq!(t.mutations(), Vec::<String>::new());
        account(t).patch(json!({"spec": {"allowedNamespaces": {"names": [t.namespace]}}})).await;
        space.ready().await;
    });
}

#[test]
fn an_account_serves_namespaces_by_their_labels() {
    run(async |t| {
        let selector = json!({"from": "Selector", "selector": {"matchLabels": {"stage": "production"}}});
        account(t).patch(json!({"spec": {"allowedNamespaces": selector}})).await;
        let space = t.apply(SPACE).await;
        space.condition("Ready", "False", "ReferenceNotAllowed").await;
        let labels = json!({"metadata": {"labels": {"stage": "production"}}});
        t.handle("Namespace", &t.namespace).patch(labels).await;
        space.ready().await;
    });
}

#[test]
fn a_space_waits_for_its_account_and_goes_on_when_it_comes() {
    run(async |t| {
        let name = format!("{}-late", t.namespace);
        let space = json!({"kind": "AgentSpace", "metadata": {"name": "early"}, "spec": {"accountRef": {"name": name}}});
        let space = t.apply(&space.to_string()).await;
        let message = space.condition("Ready", "False", "DependencyNotFound").await;
        assert!(message.contains(&name), "{message}");
        let role = format!("arn:aws:iam::{}:role/test", t.account);
        let late = json!({"kind": "AWSAccount", "metadata": {"name": name}, "spec": {"assumeRole": {"roleArn": role}}});
        let late = t.apply(&late.to_string()).await;
        space.ready().await;
        space.delete_and_wait().await;
        late.delete_and_wait().await;
    });
}

#[test]
fn an_account_in_use_is_not_deleted() {
    run(async |t| {
        let space = t.apply(SPACE).await;
        space.ready().await;
        account(t).delete().await;
        let message = account(t).condition("Ready", "False", "DeletionBlocked").await;
        assert!(message.contains(&format!("AgentSpace {}/space", t.namespace)), "{message}");
        space.delete_and_wait().await;
        account(t).gone().await;
        assert!(t.is_empty());
    });
}

#[test]
fn without_an_account_of_its_own_a_space_uses_the_default_one() {
    run(async |t| {
        let role = format!("arn:aws:iam::{}:role/test", t.account);
        let consent = json!({"from": "Names", "names": [t.namespace]});
        let default = json!({"kind": "AWSAccount", "metadata": {"name": "default"}, "spec": {"assumeRole": {"roleArn": role}, "allowedNamespaces": consent}});
        // Other tests use the operator's own credentials: they would run into an account of this name.
        let space =
            json!({"kind": "AgentSpace", "metadata": {"name": "plain"}, "spec": {"accountRef": null}});
        let _alone = default_account(t).await;
        let default = t.apply(&default.to_string()).await;
        default.ready().await;
        let space = t.apply(&space.to_string()).await;
        let object = space.ready().await;
        assert_eq!(object["status"]["account"], "default");
        wait_until("the space is in the account", async || {
            (t.remotes("agentSpace").len() == 1).then_some(())
        })
        .await;
        space.delete_and_wait().await;
        default.delete_and_wait().await;
    });
}

#[test]
fn a_default_account_that_comes_later_is_for_what_is_made_later() {
    run(async |t| {
        let _alone = default_account(t).await;
        let plain = "{kind: AgentSpace, metadata: {name: plain}, spec: {accountRef: null}}";
        let space = t.apply(plain).await;
        let id = text(&space.ready().await, "/status/id").to_owned();
        let role = format!("arn:aws:iam::{}:role/test", t.account);
        let default = json!({"kind": "AWSAccount", "metadata": {"name": "default"}, "spec": {"assumeRole": {"roleArn": role}}});
        let default = t.apply(&default.to_string()).await;
        default.ready().await;
        space.reconcile().await;
        let object = space.ready().await;
        assert_eq!((text(&object, "/status/id"), text(&object, "/status/account")), (id.as_str(), ""));
        assert!(t.remotes("agentSpace").is_empty());
        let later = t.apply(&plain.replace("name: plain", "name: later")).await;
        assert_eq!(later.ready().await["status"]["account"], "default");
        later.delete_and_wait().await;
        default.delete_and_wait().await;
        space.delete_and_wait().await;
    });
}

#[test]
fn a_space_stays_in_the_account_that_it_was_created_in() {
    run(async |t| {
        let space = t.apply(SPACE).await;
        space.ready().await;
        let refused =
            space.try_patch(json!({"spec": {"accountRef": {"name": "another"}}})).await.unwrap_err();
        assert!(refused.to_string().contains("accountRef can't be changed"), "{refused}");
    });
}
