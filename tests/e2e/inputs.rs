//! Secrets and ConfigMaps that specs refer to: missing, wrong, and created in time.

use std::time::Duration;

use serde_json::{Value, json};

use crate::fixtures::{GITLAB, services};
use crate::harness::{Handle, condition, run, text, wait_until};

const AT_ONCE: Duration = Duration::from_secs(5);

async fn is_ready_at_once(object: &Handle) {
    let ready = |object: &Value| condition(object, "Ready").is_some_and(|ready| ready["status"] == "True");
    object.wait_within(AT_ONCE, "it is Ready at once", ready).await;
}

#[test]
fn a_missing_secret_is_named_and_seen_as_soon_as_it_is_made() {
    run(async |t| {
        let gitlab = t.apply(GITLAB).await;
        let message = gitlab.condition("Ready", "False", "InputNotFound").await;
        assert!(message.contains(&format!("Secret {}/credentials", t.namespace)), "{message}");
        assert!(message.contains("spec.service"), "{message}");
        t.secret("credentials", &[("wrong", "x")]).await;
        let key_missing = |object: &Value| {
            condition(object, "Ready")
                .is_some_and(|ready| text(ready, "/message").contains("no key token (its keys: wrong)"))
        };
        gitlab.wait_within(AT_ONCE, "the missing key is named", key_missing).await;
        t.secret("credentials", &[("token", "glpat-1")]).await;
        is_ready_at_once(&gitlab).await;
        assert_eq!(t.mutations(), ["RegisterService"]);
    });
}

#[test]
fn a_credential_with_a_line_break_is_refused_with_the_cure() {
    run(async |t| {
        t.secret("credentials", &[("token", "glpat-1\n")]).await;
        let gitlab = t.apply(GITLAB).await;
        let message = gitlab.condition("Ready", "False", "InputInvalid").await;
        for part in ["token", "credentials", "line break", "--from-literal"] {
            assert!(message.contains(part), "{part}: {message}");
        }
        assert!(!message.contains("glpat"), "{message}");
        assert_eq!(t.mutations(), Vec::<String>::new());
        t.secret("credentials", &[("token", "glpat-1")]).await;
        is_ready_at_once(&gitlab).await;
    });
}

#[test]
fn an_empty_or_binary_credential_is_refused() {
    run(async |t| {
        t.secret("credentials", &[("token", "")]).await;
        let gitlab = t.apply(GITLAB).await;
        let message = gitlab.condition("Ready", "False", "InputInvalid").await;
        assert!(message.contains("is empty"), "{message}");
        let binary =
            json!({"kind": "Secret", "metadata": {"name": "credentials"}, "data": {"token": "/wD/"}});
        t.apply(&binary.to_string()).await;
        gitlab
            .wait("it says that this is no text", |object| {
                condition(object, "Ready").is_some_and(|ready| text(ready, "/message").contains("UTF-8"))
            })
            .await;
    });
}

#[test]
fn a_secret_that_vanishes_breaks_nothing_that_works() {
    run(async |t| {
        let secret = t.secret("credentials", &[("token", "glpat-1")]).await;
        let gitlab = t.apply(GITLAB).await;
        let id = text(&gitlab.ready().await, "/status/id").to_owned();
        let mark = t.mark();
        secret.delete_and_wait().await;
        gitlab.condition("Synced", "False", "InputNotFound").await;
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
        t.secret("credentials", &[("token", "glpat-1")]).await;
        gitlab.condition("Synced", "True", "Available").await;
        assert_eq!(gitlab.ready().await["status"]["id"], id.as_str());
        assert_eq!(t.mutations_since(mark), Vec::<String>::new(), "the same token is no rotation");
        // Nor does it keep the object from being deleted.
        secret.delete_and_wait().await;
        gitlab.delete_and_wait().await;
        assert!(t.is_empty());
    });
}

#[test]
fn every_credential_of_a_service_is_followed() {
    run(async |t| {
        for (kind, form, yaml) in services().into_iter().filter(|(kind, ..)| *kind == "mcpserver") {
            if crate::fixtures::INTERACTIVE.contains(&form) {
                continue;
            }
            crate::fixtures::credentials(t).await;
            let registration = format!(
                "{{kind: ServiceRegistration, metadata: {{name: service}}, spec: {{service: {yaml}}}}}"
            );
            let registration = t.apply(&registration).await;
            registration.ready().await;
            let rotated: Vec<(&str, String)> = crate::fixtures::CREDENTIALS
                .iter()
                .map(|(key, _)| (*key, format!("rotated-{key}")))
                .collect();
            let rotated: Vec<(&str, &str)> =
                rotated.iter().map(|(key, value)| (*key, value.as_str())).collect();
            t.secret("credentials", &rotated).await;
            wait_until(format!("{kind} with {form} has the new credentials"), async || {
                let services = t.remotes("service");
                let [only] = services.as_slice() else { return None };
                only["registration"].to_string().contains("rotated-").then_some(())
            })
            .await;
            registration.ready().await;
            registration.delete_and_wait().await;
        }
    });
}

/// Each field, found by the schema, is tested in `tests/schema/inputs.rs`; here, one kind of each is tested with the
/// real operator.
#[test]
fn what_can_not_be_right_is_refused_before_any_call() {
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5\n-----END PRIVATE KEY-----\n";
    const IDP: &str = "{kind: AgentSpace, metadata: {name: app}, spec: {operatorApp: {idp: {roleArn: 'arn:aws:iam::123456789012:role/W',
        provider: okta, issuerUrl: 'https://login.example.com', clientId: c, clientSecretRef: {name: credentials, key: secret}}}}}";
    run(async |t| {
        let connection = |name: &str, source: &str| {
            format!(
                "{{kind: PrivateConnection, metadata: {{name: {name}}}, spec: {{mode: {{selfManaged: {{
                  resourceConfigurationId: rcfg-0123456789abcdef0, certificate: {{{source}: {{name: credentials, key: secret}}}}}}}}}}}}"
            )
        };
        let mut objects = vec![
            IDP.to_owned(),
            connection("by-secret", "secretKeyRef"),
            connection("by-map", "configMapKeyRef"),
        ];
        for (number, (_, _, yaml)) in
            services().into_iter().enumerate().filter(|(_, (.., yaml))| yaml.contains("secretKeyRef"))
        {
            objects.push(format!(
                "{{kind: ServiceRegistration, metadata: {{name: service-{number}}}, spec: {{service: {yaml}}}}}"
            ));
        }
        for bad in ["\n", "", "two\nlines", KEY] {
            let keys: Vec<(&str, &str)> = crate::fixtures::CREDENTIALS
                .iter()
                .map(|(key, _)| (*key, bad))
                .chain([("secret", bad)])
                .collect();
            t.secret("credentials", &keys).await;
            let map =
                json!({"kind": "ConfigMap", "metadata": {"name": "credentials"}, "data": {"secret": bad}});
            t.apply(&map.to_string()).await;
            let mut made = Vec::new();
            for object in &objects {
                made.push(t.apply(object).await);
            }
            for object in made {
                let message = object.condition("Ready", "False", "InputInvalid").await;
                assert!(message.contains("credentials") && message.contains("the key "), "{message}");
                assert!(!message.contains("bm90"), "{message}");
                object.delete_and_wait().await;
            }
        }
        assert_eq!(t.mutations(), Vec::<String>::new());
    });
}

#[test]
fn secrets_of_other_namespaces_are_not_read() {
    run(async |t| {
        let namespace = t.other_namespace(json!({})).await;
        t.secret_in(&namespace, "credentials", &[("token", "glpat-1")]).await;
        let gitlab = t.apply(GITLAB).await;
        gitlab.condition("Ready", "False", "InputNotFound").await;
    });
}
