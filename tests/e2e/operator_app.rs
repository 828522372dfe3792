//! The operator app of an AgentSpace: ways of signing in, one by one and together.

use serde_json::{Value, json};

use crate::harness::{Handle, Test, run, text};

const ROLE: &str = "arn:aws:iam::123456789012:role/App";
const OTHER_ROLE: &str = "arn:aws:iam::123456789012:role/Other";
const INSTANCE: &str = "arn:aws:sso:::instance/ssoins-1234567890abcdef";

fn iam() -> Value {
    json!({"roleArn": ROLE})
}

fn idc() -> Value {
    json!({"roleArn": ROLE, "instanceArn": INSTANCE})
}

fn idp() -> Value {
    json!({
        "roleArn": ROLE,
        "issuerUrl": "https://login.example.com/realms/ops",
        "clientId": "devops-agent",
        "clientSecretRef": {"name": "idp", "key": "secret"},
        "provider": "okta",
    })
}

async fn space(t: &Test, app: &Value) -> Handle {
    t.secret("idp", &[("secret", "first")]).await;
    let spec = json!({"kind": "AgentSpace", "metadata": {"name": "space"}, "spec": {"operatorApp": app}});
    t.apply(&spec.to_string()).await
}

/// The enabled flows by name.
fn flows(t: &Test) -> Value {
    t.only("agentSpace")["operatorApp"].take()
}

fn names(flows: &Value) -> Vec<&str> {
    flows.as_object().map(|flows| flows.keys().map(String::as_str).collect()).unwrap_or_default()
}

#[test]
fn every_way_of_signing_in_is_enabled() {
    run(async |t| {
        let object = space(t, &json!({"iam": iam(), "idc": idc(), "idp": idp()})).await.ready().await;
        let flows = flows(t);
        assert_eq!(names(&flows), ["iam", "idc", "idp"]);
        assert_eq!(flows["iam"]["details"], json!({"operatorAppRoleArn": ROLE}));
        assert_eq!(flows["idc"]["details"]["idcInstanceArn"], INSTANCE);
        assert_eq!(flows["idp"]["details"]["issuerUrl"], "https://login.example.com/realms/ops");
        assert_eq!(flows["idp"]["details"]["clientId"], "devops-agent");
        assert_eq!(flows["idp"]["details"]["provider"], "okta");
        assert_eq!(flows["idp"]["clientSecret"], "first");
        assert!(text(&object, "/status/operatorAppUrl").starts_with("https://"), "{object}");
        assert_eq!(t.count("EnableOperatorApp"), 3);
    });
}

#[test]
fn a_way_of_signing_in_comes_and_goes_with_the_spec() {
    run(async |t| {
        let space = space(t, &json!({"iam": iam()})).await;
        space.ready().await;
        space.patch(json!({"spec": {"operatorApp": {"idc": idc()}}})).await;
        space.ready().await;
        assert_eq!(names(&flows(t)), ["iam", "idc"]);
        space.patch(json!({"spec": {"operatorApp": {"iam": null}}})).await;
        space.ready().await;
        assert_eq!(names(&flows(t)), ["idc"]);
        space.patch(json!({"spec": {"operatorApp": {"idc": null}}})).await;
        let object = space.ready().await;
        assert_eq!(names(&flows(t)), Vec::<&str>::new());
        assert_eq!(object["status"]["operatorAppUrl"], Value::Null);
    });
}

#[test]
fn a_changed_way_of_signing_in_is_disabled_and_enabled_anew() {
    run(async |t| {
        let space = space(t, &json!({"iam": iam(), "idp": idp()})).await;
        space.ready().await;
        for (flow, change, path, wanted) in [
            ("iam", json!({"roleArn": OTHER_ROLE}), "/iam/details/operatorAppRoleArn", OTHER_ROLE),
            ("idp", json!({"clientId": "another"}), "/idp/details/clientId", "another"),
        ] {
            let mark = t.mark();
            space.patch(json!({"spec": {"operatorApp": {flow: change}}})).await;
            space.ready().await;
            assert_eq!(text(&flows(t), path), wanted);
            assert_eq!(t.mutations_since(mark), ["DisableOperatorApp", "EnableOperatorApp"]);
        }
        assert_eq!(flows(t)["idp"]["clientSecret"], "first");
    });
}

#[test]
fn a_rotated_client_secret_is_sent_at_once() {
    run(async |t| {
        let space = space(t, &json!({"idp": idp()})).await;
        space.ready().await;
        let mark = t.mark();
        t.secret("idp", &[("secret", "second")]).await;
        let note = space.event_with("UpdatedExternalResource", "clientSecretRef").await;
        assert!(!note.contains("first") && !note.contains("second"), "{note}");
        assert_eq!(t.mutations_since(mark), ["UpdateOperatorAppIdpConfig"]);
        assert_eq!(flows(t)["idp"]["clientSecret"], "second");
        space.ready().await;
        space.reconcile().await;
        assert_eq!(t.mutations_since(mark).len(), 1);
    });
}

#[test]
fn a_missing_client_secret_is_named_and_waited_for() {
    run(async |t| {
        let spec = json!({"kind": "AgentSpace", "metadata": {"name": "space"}, "spec": {"operatorApp": {"idp": idp()}}});
        let space = t.apply(&spec.to_string()).await;
        let message = space.condition("Ready", "False", "InputNotFound").await;
        assert!(message.contains("Secret") && message.contains(&format!("{}/idp", t.namespace)), "{message}");
        t.secret("idp", &[("other", "x")]).await;
        let message = space.wait("the key is missed", |object| {
            object["status"]["conditions"].to_string().contains("has no key secret")
        });
        message.await;
        t.secret("idp", &[("secret", "now")]).await;
        space.ready().await;
        assert_eq!(flows(t)["idp"]["clientSecret"], "now");
    });
}

#[test]
fn ways_of_signing_in_that_others_enabled_are_removed_only_where_the_spec_speaks_of_the_app() {
    run(async |t| {
        let plain = t.apply("{kind: AgentSpace, metadata: {name: plain}, spec: {}}").await;
        let id = text(&plain.ready().await, "/status/id").to_owned();
        let enable = json!({"agentSpaceId": id, "authFlow": "iam", "operatorAppRoleArn": ROLE});
        t.invoke("EnableOperatorApp", enable).await;
        plain.reconcile().await;
        assert_eq!(names(&flows(t)), ["iam"]);
        plain.patch(json!({"spec": {"operatorApp": {}}})).await;
        plain.ready().await;
        assert_eq!(names(&flows(t)), Vec::<&str>::new());
    });
}

#[test]
fn drift_of_the_app_is_corrected() {
    run(async |t| {
        let space = space(t, &json!({"iam": iam(), "idp": idp()})).await;
        let id = text(&space.ready().await, "/status/id").to_owned();
        t.mutate("operatorApp", &id, json!({"iam": {"details": {"operatorAppRoleArn": OTHER_ROLE}}})).await;
        space.reconcile().await;
        space.ready().await;
        assert_eq!(flows(t)["iam"]["details"]["operatorAppRoleArn"], ROLE);
        t.mutate("operatorApp", &id, json!({"idp": null})).await;
        space.reconcile().await;
        space.ready().await;
        assert_eq!(flows(t)["idp"]["clientSecret"], "first");
        space.event_with("UpdatedExternalResource", "operatorApp.iam").await;
        space.event_with("UpdatedExternalResource", "operatorApp.idp").await;
    });
}
