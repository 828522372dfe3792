//! AgentSpace: its life, its fields, its tags. The operator app has its own file.

use serde_json::json;

use crate::harness::{default_account, run, text, wait_until};

const SPACE: &str = "
kind: AgentSpace
metadata: {name: payments}
spec:
  name: Payments
  description: What the payments team runs
  locale: en-US
  preferences: {elevatedActionsEnabled: true}
  tags: {team: payments, stage: production}
";

#[test]
fn a_space_is_created_as_the_yaml_says() {
    run(async |t| {
        let space = t.apply(SPACE).await;
        let object = space.ready().await;
        let remote = t.only("agentSpace");
        assert_eq!(object["status"]["id"], remote["agentSpaceId"]);
        assert_eq!(object["status"]["account"], t.namespace.as_str());
        assert_eq!(remote["name"], "Payments");
        assert_eq!(remote["description"], "What the payments team runs");
        assert_eq!(remote["locale"], "en-US");
        assert_eq!(remote["preferences"], json!({"elevatedActionsEnabled": true}));
        assert_eq!(remote["tags"]["team"], "payments");
        assert_eq!(remote["tags"]["stage"], "production");
        assert_eq!(t.mutations(), ["CreateAgentSpace"]);
    });
}

#[test]
fn a_space_says_which_cluster_and_object_own_it() {
    run(async |t| {
        let object = t.apply(SPACE).await.ready().await;
        let tags = &t.only("agentSpace")["tags"];
        let system = t.handle("Namespace", "kube-system").get().await;
        assert_eq!(tags["devopsagent.dev/cluster"], system["metadata"]["uid"]);
        assert_eq!(tags["devopsagent.dev/namespace"], t.namespace.as_str());
        assert_eq!(tags["devopsagent.dev/name"], "payments");
        assert_eq!(tags["devopsagent.dev/uid"], object["metadata"]["uid"]);
    });
}

#[test]
fn a_space_is_named_like_its_object_unless_the_spec_says_otherwise() {
    run(async |t| {
        t.apply("{kind: AgentSpace, metadata: {name: checkout}, spec: {}}").await.ready().await;
        assert_eq!(t.only("agentSpace")["name"], "checkout");
    });
}

#[test]
fn a_space_has_the_kms_key_that_it_was_created_with() {
    run(async |t| {
        let key = "arn:aws:kms:us-east-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef";
        let yaml = format!("{{kind: AgentSpace, metadata: {{name: sealed}}, spec: {{kmsKeyArn: '{key}'}}}}");
        let space = t.apply(&yaml).await;
        space.ready().await;
        assert_eq!(t.only("agentSpace")["kmsKeyArn"], key);
        let refused = space.try_patch(json!({"spec": {"kmsKeyArn": null}})).await.unwrap_err();
        assert!(refused.to_string().contains("kmsKeyArn can't be changed"), "{refused}");
    });
}

#[test]
fn a_space_in_no_account_lives_with_the_operators_own_credentials() {
    run(async |t| {
        let _alone = default_account(t).await;
        let yaml = "{kind: AgentSpace, metadata: {name: homely}, spec: {accountRef: null}}";
        let space = t.apply(yaml).await;
        let object = space.ready().await;
        let id = text(&object, "/status/id");
        assert_eq!(object["status"]["account"], "");
        let state = t.shared.simulator.state(false);
        assert_eq!(state["accounts"]["123456789012"]["us-east-1"]["agentSpaces"][id]["name"], "homely");
        space.delete_and_wait().await;
    });
}

#[test]
fn every_field_of_a_space_is_updated_in_place() {
    run(async |t| {
        let space = t.apply(SPACE).await;
        let id = space.ready().await["status"]["id"].clone();
        let edits = [
            (json!({"name": "Checkout"}), "/name", json!("Checkout")),
            (json!({"description": "Another"}), "/description", json!("Another")),
            (json!({"locale": "de-DE"}), "/locale", json!("de-DE")),
            (
                json!({"preferences": {"elevatedActionsEnabled": false}}),
                "/preferences/elevatedActionsEnabled",
                json!(false),
            ),
            (json!({"tags": {"team": "checkout"}}), "/tags/team", json!("checkout")),
            (json!({"tags": {"cost-centre": "42"}}), "/tags/cost-centre", json!("42")),
        ];
        for (edit, path, wanted) in edits {
            space.patch(json!({"spec": edit})).await;
            assert_eq!(space.ready().await["status"]["id"], id);
            assert_eq!(t.only("agentSpace").pointer(path), Some(&wanted), "{path}");
        }
        space.patch(json!({"spec": {"tags": {"stage": null}}})).await;
        space.ready().await;
        let tags = t.only("agentSpace")["tags"].clone();
        assert!(tags.get("stage").is_none(), "a tag that the spec drops is removed: {tags}");
        assert_eq!(tags["team"], "checkout");
    });
}

#[test]
fn an_edit_of_several_fields_is_one_update() {
    run(async |t| {
        let space = t.apply(SPACE).await;
        space.ready().await;
        let mark = t.mark();
        space.patch(json!({"spec": {"name": "Checkout", "description": "Another", "locale": "fr"}})).await;
        space.ready().await;
        assert_eq!(t.mutations_since(mark), ["UpdateAgentSpace"]);
        let note = space.event_with("UpdatedExternalResource", "name").await;
        assert!(note.contains("name (\"Payments\" → \"Checkout\")"), "{note}");
        assert!(note.contains("locale (\"en-US\" → \"fr\")"), "{note}");
        assert!(
            !note.contains("Another") && note.contains("description"),
            "no value of a description: {note}"
        );
    });
}

#[test]
fn a_field_that_the_yaml_drops_goes_back_to_the_default_or_is_named() {
    run(async |t| {
        t.apply(SPACE).await.ready().await;
        let mark = t.mark();
        let space = t.apply("{kind: AgentSpace, metadata: {name: payments}, spec: {name: Payments}}").await;
        let message = space.condition("Synced", "False", "Drifted").await;
        assert!(message.contains("description") && message.contains("locale"), "{message}");
        let remote = t.only("agentSpace");
        assert_eq!(remote["preferences"]["elevatedActionsEnabled"], false);
        assert!(remote["tags"].get("team").is_none());
        assert_eq!(t.mutations_since(mark), ["UntagResource", "UpdateAgentSpace"]);
    });
}

#[test]
fn drift_of_every_field_is_corrected_and_told() {
    run(async |t| {
        let space = t.apply(SPACE).await;
        let id = text(&space.ready().await, "/status/id").to_owned();
        let before = t.only("agentSpace");
        for (change, path, told) in [
            (json!({"name": "Renamed"}), "/name", "name (\"Renamed\" → \"Payments\")"),
            (json!({"description": "Changed"}), "/description", "description"),
            (json!({"locale": "ja"}), "/locale", "locale (\"ja\" → \"en-US\")"),
            (
                json!({"preferences": {"elevatedActionsEnabled": false}}),
                "/preferences",
                "preferences.elevatedActionsEnabled (false → true)",
            ),
            (json!({"tags": {"team": "sales"}}), "/tags", "sales"),
            (json!({"tags": {"stage": null}}), "/tags", "stage"),
            (json!({"tags": {"devopsagent.dev/uid": "x"}}), "/tags", "devopsagent.dev/uid"),
        ] {
            t.mutate("agentSpace", &id, change).await;
            space.reconcile().await;
            space.ready().await;
            assert_eq!(t.only("agentSpace").pointer(path), before.pointer(path), "{path}");
            let note = space.event_with("UpdatedExternalResource", told).await;
            assert!(!note.contains("Changed"), "no value of a description: {note}");
        }
    });
}

#[test]
fn tags_of_others_are_left_alone() {
    run(async |t| {
        let space = t.apply(SPACE).await;
        let id = text(&space.ready().await, "/status/id").to_owned();
        t.mutate("agentSpace", &id, json!({"tags": {"billing": "x"}})).await;
        let mark = t.mark();
        space.reconcile().await;
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
        assert_eq!(t.only("agentSpace")["tags"]["billing"], "x");
    });
}

#[test]
fn tags_of_the_account_are_on_everything_in_it() {
    run(async |t| {
        let space = t.apply(SPACE).await;
        space.ready().await;
        let account = t.handle("AWSAccount", &t.namespace);
        account.patch(json!({"spec": {"tags": {"owner": "platform", "team": "nobody"}}})).await;
        wait_until("the account's tag is on the space", async || {
            (t.only("agentSpace")["tags"]["owner"] == "platform").then_some(())
        })
        .await;
        assert_eq!(t.only("agentSpace")["tags"]["team"], "payments", "the space's own tag wins");
    });
}

#[test]
fn a_deleted_space_is_gone_from_aws() {
    run(async |t| {
        let space = t.apply(SPACE).await;
        let object = space.ready().await;
        assert_eq!(object["metadata"]["finalizers"], json!(["devopsagent.dev/finalizer"]));
        space.delete_and_wait().await;
        assert!(t.is_empty());
        assert_eq!(t.mutations(), ["CreateAgentSpace", "DeleteAgentSpace"]);
    });
}

#[test]
fn a_space_that_vanished_from_aws_is_created_again() {
    run(async |t| {
        let space = t.apply(SPACE).await;
        let old = text(&space.ready().await, "/status/id").to_owned();
        t.remove("agentSpace", &old).await;
        space.reconcile().await;
        let new = text(&space.ready().await, "/status/id").to_owned();
        assert_ne!(new, old);
        assert_eq!(t.only("agentSpace")["agentSpaceId"], new.as_str());
    });
}

#[test]
fn a_space_whose_status_was_lost_is_found_again() {
    run(async |t| {
        let space = t.apply(SPACE).await;
        let id = text(&space.ready().await, "/status/id").to_owned();
        space.patch_status(json!({"id": null, "account": null, "tagKeys": null, "conditions": null})).await;
        let mark = t.mark();
        space.request().await;
        let object =
            space.wait("its id is known again", |object| object["status"]["id"] == id.as_str()).await;
        assert_eq!(object["status"]["id"], id.as_str());
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
        assert_eq!(t.remotes("agentSpace").len(), 1);
    });
}

#[test]
fn two_objects_of_the_same_name_do_not_share_a_space() {
    run(async |t| {
        t.apply(SPACE).await.ready().await;
        let second = t.apply("{kind: AgentSpace, metadata: {name: second}, spec: {name: Payments}}").await;
        let message = second.condition("Stalled", "True", "Conflict").await;
        assert!(message.contains(&format!("{}/payments", t.namespace)), "{message}");
        assert_eq!(t.remotes("agentSpace").len(), 1);
        t.handle("AgentSpace", "payments").delete_and_wait().await;
        second.ready().await;
        assert_eq!(t.remotes("agentSpace").len(), 1);
    });
}

#[test]
fn the_space_of_another_cluster_is_left_alone() {
    run(async |t| {
        let tags = json!({"devopsagent.dev/cluster": "elsewhere", "devopsagent.dev/namespace": "x", "devopsagent.dev/name": "y"});
        let made = t.invoke("CreateAgentSpace", json!({"name": "Payments", "tags": tags})).await;
        let id = text(&made, "/agentSpace/agentSpaceId");
        for adopt in [
            "{name: Payments}".to_owned(),
            format!("{{name: Payments, externalId: '{id}', adoptionPolicy: Adopt}}"),
        ] {
            let space =
                t.apply(&format!("{{kind: AgentSpace, metadata: {{name: payments}}, spec: {adopt}}}")).await;
            let message = space.condition("Stalled", "True", "Conflict").await;
            assert!(message.contains(id) && message.contains("elsewhere"), "{message}");
            space.delete_and_wait().await;
        }
        assert_eq!(t.mutations(), Vec::<String>::new());
        assert_eq!(t.only("agentSpace")["tags"]["devopsagent.dev/cluster"], "elsewhere");
    });
}

#[test]
fn a_space_that_is_taken_over_keeps_its_name_until_the_spec_gives_it_one() {
    run(async |t| {
        let made = t.invoke("CreateAgentSpace", json!({"name": "Theirs"})).await;
        let id = text(&made, "/agentSpace/agentSpaceId");
        let space = t
            .apply(&format!("{{kind: AgentSpace, metadata: {{name: mine}}, spec: {{externalId: '{id}'}}}}"))
            .await;
        space.ready().await;
        assert_eq!(t.only("agentSpace")["name"], "Theirs");
        space.patch(json!({"spec": {"name": "Ours"}})).await;
        space.ready().await;
        assert_eq!(t.only("agentSpace")["name"], "Ours");
    });
}
