//! The operator's own credentials, where they are for nobody, and endpoints that secrets may not be sent to.

use serde_json::json;

use crate::harness::{World, condition, run};

const SPACE: &str = "{kind: AgentSpace, metadata: {name: space}, spec: {}}";
const ROLE: &str = "arn:aws:iam::123456789012:role/team";

#[test]
fn without_an_account_nothing_is_served_where_one_is_required_but_what_was_made_can_be_deleted() {
    run(async || {
        let world = World::new().await;
        let lax = world.operator(&[]);
        let space = world.apply(SPACE).await;
        let id = space.ready().await["status"]["id"].clone();
        drop(lax);

        let strict = world.operator(&["--require-account"]);
        strict.ready().await;
        let mark = world.simulator.newest_call();
        space.patch(json!({"spec": {"description": "changed"}})).await;
        let new = world.apply(&SPACE.replace("name: space", "name: new")).await;
        for object in [&space, &new] {
            object
                .wait("it needs an account", |object| {
                    let observed = object["status"]["observedGeneration"] == object["metadata"]["generation"];
                    observed
                        && condition(object, "Ready")
                            .is_some_and(|ready| ready["reason"] == "AccountRequired")
                })
                .await;
        }
        assert_eq!(space.get().await["status"]["id"], id, "what it has in AWS is not forgotten");
        assert!(world.simulator.call_log(mark).is_empty(), "the operator's own credentials are not used");

        let name = format!("{}-account", world.namespace);
        let account = json!({"kind": "AWSAccount", "metadata": {"name": name}, "spec": {"assumeRole": {"roleArn": ROLE}}});
        let account = world.apply(&account.to_string()).await;
        let own = json!({"kind": "AgentSpace", "metadata": {"name": "own"}, "spec": {"accountRef": {"name": name}}});
        let own = world.apply(&own.to_string()).await;
        own.ready().await;

        for object in [&space, &new, &own, &account] {
            object.delete().await;
            object.gone().await;
        }
        assert!(world.remotes("agentSpace").is_empty(), "nothing is orphaned");
    });
}

#[test]
fn secrets_are_not_sent_in_the_clear_to_another_machine() {
    run(async || {
        let world = World::new().await;
        let elsewhere = || world.launch(&world.namespace).env("AWS_ENDPOINT_URL", "http://aws.invalid");
        let strict = elsewhere().start();
        strict.ready().await;
        let space = world.apply(SPACE).await;
        let refused = space
            .wait("the endpoint is refused", |object| {
                condition(object, "Ready").is_some_and(|ready| ready["reason"] == "CredentialsUnavailable")
            })
            .await;
        let message = condition(&refused, "Ready").unwrap()["message"].to_string();
        assert!(
            message.contains("AWS_ENDPOINT_URL") && message.contains("--allow-http-endpoints"),
            "{message}"
        );
        drop(strict);

        let lax = elsewhere().args(["--allow-http-endpoints"]).start();
        space
            .wait("the endpoint is tried", |object| {
                condition(object, "Ready").is_some_and(|ready| ready["reason"] == "Unavailable")
            })
            .await;
        drop(lax);
        space.delete().await;
        let _here = world.operator(&[]);
        space.gone().await;
    });
}
