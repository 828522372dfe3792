//! PrivateConnection: slow to create and delete, with a certificate that AWS never shows again.

use serde_json::{Value, json};

use crate::fixtures::CONNECTION;
use crate::harness::{Handle, Test, run, text, wait_until};

const PEM: &str = "-----BEGIN CERTIFICATE-----\nfirst\n-----END CERTIFICATE-----\n";
const OTHER_PEM: &str = "-----BEGIN CERTIFICATE-----\nsecond\n-----END CERTIFICATE-----\n";

async fn self_managed(t: &Test, certificate: &Value) -> Handle {
    let mode = json!({"selfManaged": {"resourceConfigurationId": "rcfg-0123456789abcdef0", "certificate": certificate}});
    let object = json!({"kind": "PrivateConnection", "metadata": {"name": "shared"}, "spec": {"mode": mode}});
    t.apply(&object.to_string()).await
}

fn certificate(t: &Test) -> Value {
    t.only("privateConnection")["mode"]["selfManaged"]["certificate"].take()
}

#[test]
fn a_connection_that_aws_manages_is_made_as_the_yaml_says() {
    run(async |t| {
        let settings = json!({
            "hostAddress": "grafana.internal.example.com",
            "vpcId": "vpc-0123456789abcdef0",
            "subnetIds": ["subnet-0123456789abcdef0", "subnet-01234567"],
            "securityGroupIds": ["sg-0123456789abcdef0"],
            "ipAddressType": "DUAL_STACK",
            "ipv4AddressesPerEni": 2,
            "portRanges": ["443", "8000-8010"],
            "dnsResolution": "IN_VPC",
            "certificate": {"value": PEM},
        });
        let spec = json!({"mode": {"serviceManaged": settings}, "tags": {"team": "payments"}});
        let object = json!({"kind": "PrivateConnection", "metadata": {"name": "internal"}, "spec": spec});
        let connection = t.apply(&object.to_string()).await;
        let object = connection.ready().await;
        assert_eq!(object["status"]["id"], "internal");
        assert_eq!(object["status"]["state"], "ACTIVE");
        assert_eq!(object["status"]["hostAddress"], "grafana.internal.example.com");
        assert_eq!(object["status"]["vpcId"], "vpc-0123456789abcdef0");
        assert!(text(&object, "/status/resourceGatewayId").starts_with("arn:"));
        assert!(!text(&object, "/status/certificateExpiryTime").is_empty());
        let remote = t.only("privateConnection");
        let mut wanted = settings;
        wanted["certificate"] = json!(PEM);
        assert_eq!(remote["mode"], json!({"serviceManaged": wanted}));
        assert_eq!(remote["tags"]["team"], "payments");
        assert_eq!(t.mutations(), ["CreatePrivateConnection"]);
        connection.delete_and_wait().await;
        assert!(t.is_empty());
    });
}

#[test]
fn a_connection_of_ones_own_is_made_as_the_yaml_says() {
    run(async |t| {
        for (name, id) in [
            ("short", "rcfg-0123456789abcdef0"),
            (
                "long",
                "arn:aws:vpc-lattice:us-east-1:123456789012:resourceconfiguration/rcfg-0123456789abcdef0",
            ),
        ] {
            let yaml = format!(
                "{{kind: PrivateConnection, metadata: {{name: {name}}}, spec: {{name: {name}-name, mode: {{selfManaged: {{resourceConfigurationId: '{id}'}}}}}}}}"
            );
            let connection = t.apply(&yaml).await;
            let object = connection.ready().await;
            assert_eq!(object["status"]["id"], format!("{name}-name"));
            assert_eq!(
                t.only("privateConnection")["mode"],
                json!({"selfManaged": {"resourceConfigurationId": id}})
            );
            let mark = t.mark();
            connection.reconcile().await;
            assert_eq!(t.mutations_since(mark), Vec::<String>::new());
            connection.delete_and_wait().await;
        }
    });
}

#[test]
fn a_certificate_comes_from_a_value_a_secret_or_a_config_map() {
    run(async |t| {
        t.secret("certificates", &[("ca.pem", PEM)]).await;
        t.apply(
            &json!({"kind": "ConfigMap", "metadata": {"name": "certificates"}, "data": {"ca.pem": PEM}})
                .to_string(),
        )
        .await;
        for source in [
            json!({"value": PEM}),
            json!({"secretKeyRef": {"name": "certificates", "key": "ca.pem"}}),
            json!({"configMapKeyRef": {"name": "certificates", "key": "ca.pem"}}),
        ] {
            let connection = self_managed(t, &source).await;
            connection.ready().await;
            assert_eq!(certificate(t), PEM);
            connection.delete_and_wait().await;
        }
    });
}

#[test]
fn a_renewed_certificate_is_sent_at_once() {
    run(async |t| {
        t.secret("certificates", &[("ca.pem", PEM)]).await;
        let connection =
            self_managed(t, &json!({"secretKeyRef": {"name": "certificates", "key": "ca.pem"}})).await;
        connection.ready().await;
        let mark = t.mark();
        t.secret("certificates", &[("ca.pem", OTHER_PEM)]).await;
        wait_until("the certificate is in AWS", async || (certificate(t) == OTHER_PEM).then_some(())).await;
        connection.ready().await;
        let note = connection.event_with("UpdatedExternalResource", "mode.certificate").await;
        assert!(!note.contains("BEGIN"), "{note}");
        connection.reconcile().await;
        assert_eq!(t.mutations_since(mark), ["UpdatePrivateConnectionCertificate"]);
    });
}

#[test]
fn a_certificate_in_the_yaml_is_added_and_changed() {
    run(async |t| {
        let yaml = "{kind: PrivateConnection, metadata: {name: shared}, spec: {mode: {selfManaged: {resourceConfigurationId: rcfg-0123456789abcdef0}}}}";
        let connection = t.apply(yaml).await;
        connection.ready().await;
        for pem in [PEM, OTHER_PEM] {
            let edit = json!({"spec": {"mode": {"selfManaged": {"certificate": {"value": pem}}}}});
            connection.patch(edit).await;
            connection.ready().await;
            wait_until("the certificate is in AWS", async || (certificate(t) == pem).then_some(())).await;
        }
        assert_eq!(t.count("UpdatePrivateConnectionCertificate"), 2);
        let refused =
            connection.try_patch(json!({"spec": {"mode": {"selfManaged": {"certificate": null}}}})).await;
        assert!(refused.unwrap_err().to_string().contains("certificate can't be removed"));
    });
}

#[test]
fn a_connection_that_fails_says_why() {
    run(async |t| {
        let connection = t.apply(&CONNECTION.replace("grafana.internal", "unreachable")).await;
        let message = connection.condition("Stalled", "True", "Failed").await;
        assert!(message.contains("can't be reached from the VPC"), "{message}");
        assert_eq!(connection.get().await["status"]["state"], "CREATE_FAILED");
        connection.delete_and_wait().await;
        assert!(t.is_empty());
    });
}

#[test]
fn a_deletion_that_fails_is_told_in_the_words_of_aws_and_tried_again() {
    run(async |t| {
        let connection = t.apply(CONNECTION).await;
        connection.ready().await;
        // Its Events are looked for after it is gone.
        let keep = json!({"metadata": {"finalizers": ["devopsagent.dev/finalizer", "example.org/keep"]}});
        connection.patch(keep).await;
        connection.reconcile().await;
        let failed = json!({"status": "DELETE_FAILED", "failureMessage": "The resource gateway is in use"});
        t.mutate("privateConnection", "internal", failed).await;
        connection.delete().await;
        let message = connection.condition("Stalled", "True", "Failed").await;
        for part in ["The resource gateway is in use", "devopsagent.dev/reconcile-requested-at"] {
            assert!(message.contains(part), "{part}: {message}");
        }
        let told = connection.event("Failed").await;
        assert!(told.contains("The resource gateway is in use"), "{told}");
        connection.event("DeletedExternalResource").await;
        assert_eq!(t.count("DeletePrivateConnection"), 1);
        connection.patch(json!({"metadata": {"finalizers": null}})).await;
        connection.gone().await;
        assert!(t.is_empty());
    });
}

#[test]
fn a_connection_is_deleted_while_it_comes_up() {
    run(async |t| {
        let connection = t.apply(CONNECTION).await;
        connection.ready().await;
        let coming_up = json!({"status": "CREATE_IN_PROGRESS", "settlesAt": "2099-01-01T00:00:00Z"});
        t.mutate("privateConnection", "internal", coming_up).await;
        connection.request().await;
        let message = connection.condition("Ready", "False", "InTransition").await;
        assert!(message.contains("CREATE_IN_PROGRESS"), "{message}");
        connection.delete_and_wait().await;
        assert!(t.is_empty());
    });
}

#[test]
fn a_transient_refusal_while_aws_prepares_is_no_failure() {
    run(async |t| {
        let refuse = |message: &str| {
            t.fault(json!({"operation": "CreatePrivateConnection", "effect": "error", "error": "ValidationException", "message": message, "times": 0}));
        };
        refuse("Failed to create resource association: try again");
        let connection = t.apply(CONNECTION).await;
        let message = connection.condition("Ready", "False", "InTransition").await;
        assert!(message.contains("try again") && !message.contains("lost"), "{message}");
        // Each try records it again, for as long as it lasts.
        connection.wait("the answer is known", |object| object.pointer("/status/intent").is_none()).await;
        assert!(connection.events().await.iter().all(|(reason, _)| reason != "Invalid"));
        t.end_faults().await;
        connection.ready().await;
        connection.delete_and_wait().await;

        // In other words it is told as what it looks like, and still goes away by itself.
        refuse("The resource association is not there yet");
        let connection = t.apply(CONNECTION).await;
        let message = connection.condition("Stalled", "True", "Invalid").await;
        assert!(message.contains("not there yet"), "{message}");
        t.end_faults().await;
        connection.ready().await;
        assert_eq!(t.remotes("privateConnection").len(), 1);
    });
}

#[test]
fn a_connection_that_is_in_use_in_aws_is_deleted_when_it_no_longer_is() {
    run(async |t| {
        let connection = t.apply(CONNECTION).await;
        connection.ready().await;
        let details = json!({"mcpserver": {"name": "m", "endpoint": "https://m.example.com", "authorizationConfig": {"bearerToken": {"tokenName": "t", "tokenValue": "v"}}}});
        let input =
            json!({"service": "mcpserver", "privateConnectionName": "internal", "serviceDetails": details});
        let service = text(&t.invoke("RegisterService", input).await, "/serviceId").to_owned();
        connection.delete().await;
        connection
            .wait("AWS's refusal is told", |object| {
                object["status"]["conditions"].to_string().contains(&service)
            })
            .await;
        t.invoke("DeregisterService", json!({"serviceId": service})).await;
        connection.gone().await;
        assert!(t.is_empty());
    });
}
