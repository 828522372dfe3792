//! What omitting a field means, in every kind: what the object set and no longer sets goes back to AWS's default; what
//! it never set is left alone.

use devops_agent_simulator::switches::MetadataNull;
use serde_json::{Value, json};

use crate::fixtures::{AGENT, SOURCE, SPACE, credentials, project};
use crate::harness::{Handle, Test, condition, run, text};

const PREFERENCE: &str = "/preferences/elevatedActionsEnabled";
const SKILL: &str = "
kind: Asset
metadata: {name: runbook}
spec:
  agentSpaceRef: {name: space}
  assetType: skill
  metadata: {name: runbook, description: What to do, agent_types: [GENERIC], status: INACTIVE, enable_tools: [a], more: 1}
  content: {files: [{path: SKILL.md, text: Do this.}]}
";

async fn space(t: &Test, spec: &str) -> Handle {
    t.apply(&format!("{{kind: AgentSpace, metadata: {{name: space}}, spec: {spec}}}")).await
}

/// Waits until everything matches the spec, and returns the recorded fields.
async fn owned(object: &Handle) -> Value {
    object.ready().await;
    object.condition("Synced", "True", "Available").await;
    object.get().await["status"]["ownedFields"].clone()
}

fn elevated(t: &Test) -> Value {
    t.only("agentSpace").pointer(PREFERENCE).cloned().unwrap_or_default()
}

#[test]
fn a_preference_that_a_space_sets_no_longer_goes_back_to_the_default() {
    run(async |t| {
        let object = space(t, "{preferences: {elevatedActionsEnabled: true}}").await;
        assert_eq!(owned(&object).await, json!([PREFERENCE]));
        let id = object.id().await;
        t.mutate("agentSpace", &id, json!({"locale": "ja"})).await;
        let mark = t.mark();
        let object = space(t, "{}").await;
        assert_eq!(owned(&object).await, Value::Null);
        assert_eq!((elevated(t), &t.only("agentSpace")["locale"]), (json!(false), &json!("ja")));
        assert_eq!(t.mutations_since(mark), ["UpdateAgentSpace"]);
        let note = object.event_with("UpdatedExternalResource", "elevatedActionsEnabled").await;
        assert!(note.contains("(true → false)"), "{note}");
        // What the console sets from now on is the console's, even next to an empty `preferences`.
        t.mutate("agentSpace", &id, json!({"preferences": {"elevatedActionsEnabled": true}})).await;
        let object = space(t, "{preferences: {}}").await;
        object.reconcile().await;
        assert_eq!((owned(&object).await, elevated(t)), (Value::Null, json!(true)));
    });
}

#[test]
fn what_aws_can_not_reset_is_said_and_holds_up_nothing_else() {
    run(async |t| {
        let object = space(t, "{name: One, description: What it is for}").await;
        assert_eq!(owned(&object).await, json!(["/description", "/name"]));
        let object = space(t, "{name: Two}").await;
        let message = object.condition("Synced", "False", "Drifted").await;
        assert!(
            message.contains("no longer sets description") && message.contains("spec.description"),
            "{message}"
        );
        assert!(!message.contains("What it is for"), "{message}");
        object.ready().await;
        assert_eq!(t.only("agentSpace")["name"], "Two");
        let mark = t.mark();
        object.reconcile().await;
        object.condition("Synced", "False", "Drifted").await;
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
        let object = space(t, "{name: Two, description: Another}").await;
        owned(&object).await;
        assert_eq!(t.only("agentSpace")["description"], "Another");
    });
}

#[test]
fn without_a_record_that_is_believed_nothing_is_reset() {
    run(async |t| {
        let object = space(t, "{preferences: {elevatedActionsEnabled: true}}").await;
        owned(&object).await;
        // Lost while the object rests, and the field with it.
        object.patch(json!({"metadata": {"annotations": {"devopsagent.dev/paused": "true"}}})).await;
        object.condition("Synced", "False", "Paused").await;
        object.patch(json!({"spec": {"preferences": null}})).await;
        let seen = |object: &Value| {
            condition(object, "Synced")
                .is_some_and(|synced| synced["observedGeneration"] == object["metadata"]["generation"])
        };
        object.wait("the edit is seen", seen).await;
        object.lose_status().await;
        let mark = t.mark();
        object.patch(json!({"metadata": {"annotations": {"devopsagent.dev/paused": null}}})).await;
        assert_eq!((owned(&object).await, elevated(t)), (Value::Null, json!(true)));
        // Someone else's word.
        object.patch_status(json!({"ownedFields": [PREFERENCE]})).await;
        object.reconcile().await;
        assert_eq!((owned(&object).await, elevated(t)), (Value::Null, json!(true)));
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
    });
}

#[test]
fn what_an_adopted_space_never_set_is_left_alone() {
    run(async |t| {
        let made = t
            .invoke("CreateAgentSpace", json!({"name": "theirs", "description": "Theirs", "preferences": {"elevatedActionsEnabled": true}}))
            .await;
        let id = text(&made, "/agentSpace/agentSpaceId").to_owned();
        let object = space(t, &format!("{{externalId: {id}, name: Ours}}")).await;
        assert_eq!(owned(&object).await, json!(["/name"]));
        let remote = t.only("agentSpace");
        assert_eq!(
            (&remote["name"], &remote["description"], elevated(t)),
            (&json!("Ours"), &json!("Theirs"), json!(true))
        );
        let object = space(t, &format!("{{externalId: {id}}}")).await;
        assert_eq!(owned(&object).await, Value::Null);
        assert_eq!(t.only("agentSpace")["name"], "space", "the default of a name is the object's");
    });
}

#[test]
fn a_role_that_an_association_sets_no_longer_is_removed_and_that_of_others_stays() {
    run(async |t| {
        t.apply(SPACE).await.ready().await;
        let source = t.apply(SOURCE).await;
        let id = text(&source.ready().await, "/status/id").to_owned();
        let role = "arn:aws:iam::210987654321:role/Elevated";
        source.patch(json!({"spec": {"configuration": {"sourceAws": {"agentElevatedRoleArn": role}}}})).await;
        let fields = owned(&source).await;
        assert!(fields.to_string().contains("/configuration/sourceAws/agentElevatedRoleArn"), "{fields}");
        // The external id is set in the console.
        t.mutate("association", &id, json!({"configuration": {"sourceAws": {"externalId": "theirs"}}})).await;
        let mark = t.mark();
        source.patch(json!({"spec": {"configuration": {"sourceAws": {"agentElevatedRoleArn": null}}}})).await;
        owned(&source).await;
        let settings = t.only("association")["configuration"]["sourceAws"].clone();
        assert_eq!(
            (&settings["agentElevatedRoleArn"], &settings["externalId"]),
            (&Value::Null, &json!("theirs"))
        );
        assert_eq!(t.mutations_since(mark), ["UpdateAssociation"]);
        source.reconcile().await;
        assert_eq!(t.mutations_since(mark), ["UpdateAssociation"]);
    });
}

#[test]
fn a_capability_that_an_association_sets_no_longer_is_disabled_and_those_of_others_stay() {
    run(async |t| {
        let project = project(t).await;
        let mine = json!({"spec": {"capabilities": {"RELEASE_READINESS_REVIEW": {"enabled": true}}}});
        project.patch(mine).await;
        let id = text(&project.ready().await, "/status/id").to_owned();
        owned(&project).await;
        t.mutate(
            "association",
            &id,
            json!({"capabilities": {"CODE_CHANGE_RISK_ANALYSIS": {"enabled": true}}}),
        )
        .await;
        let mark = t.mark();
        project.reconcile().await;
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
        project.patch(json!({"spec": {"capabilities": null}})).await;
        owned(&project).await;
        assert_eq!(
            t.only("association")["capabilities"],
            json!({"CODE_CHANGE_RISK_ANALYSIS": {"enabled": true}})
        );
        assert_eq!(t.mutations_since(mark), ["UpdateAssociation"]);
    });
}

#[test]
fn a_registration_without_a_field_that_it_had_is_another() {
    run(async |t| {
        credentials(t).await;
        let yaml = |more: &str| {
            format!(
                "{{kind: ServiceRegistration, metadata: {{name: tools}}, spec: {{service: {{mcpserver: {{name: tools, {more}
                  endpoint: 'https://mcp.example.com/mcp', authorizationConfig: {{bearerToken: {{tokenName: token,
                  tokenValue: {{secretKeyRef: {{name: credentials, key: bearer}}}}}}}}}}}}}}}}"
            )
        };
        let tools = t.apply(&yaml("description: Tools,")).await;
        let fields = owned(&tools).await;
        let token = "/service/mcpserver/authorizationConfig/bearerToken/tokenValue";
        for field in ["/service/mcpserver/description", token] {
            assert!(fields.as_array().is_some_and(|fields| fields.contains(&json!(field))), "{fields}");
        }
        let id = tools.id().await;
        let tools = t.apply(&yaml("")).await;
        tools.wait("it is another", |object| text(object, "/status/id") != id).await;
        let fields = owned(&tools).await;
        assert!(!fields.to_string().contains("description"), "{fields}");
        let service =
            tools.wait("the old one is gone", |object| object["status"]["previousId"].is_null()).await;
        assert_eq!(t.only("service")["serviceId"], service["status"]["id"]);
        assert!(!t.only("service").to_string().contains("Tools"));
    });
}

#[test]
fn metadata_that_an_asset_sets_no_longer_is_removed_if_aws_removes_it() {
    run(async |t| {
        t.apply(SPACE).await.ready().await;
        let skill = t.apply(SKILL).await;
        owned(&skill).await;
        let id = skill.id().await;
        t.mutate("asset", &id, json!({"metadata": {"theirs": "x"}})).await;
        // A null changes nothing.
        skill.patch(json!({"spec": {"metadata": {"enable_tools": null, "status": null}}})).await;
        let message = skill.condition("Synced", "False", "Drifted").await;
        assert!(message.contains("metadata.enable_tools") && !message.contains("status"), "{message}");
        let object = skill.ready().await;
        assert_eq!(object["status"]["keptMetadata"], json!(["enable_tools"]));
        let metadata = t.only("asset")["metadata"].clone();
        assert_eq!((&metadata["status"], &metadata["theirs"]), (&json!("ACTIVE"), &json!("x")));
        let mark = t.mark();
        skill.reconcile().await;
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
        skill.patch(json!({"spec": {"metadata": {"enable_tools": ["a"]}}})).await;
        owned(&skill).await;
        // A null removes.
        t.shared.simulator.set_switches(|switches| switches.metadata_null = MetadataNull::Remove);
        skill.patch(json!({"spec": {"metadata": {"more": null}}})).await;
        owned(&skill).await;
        t.shared.simulator.set_switches(|switches| switches.metadata_null = MetadataNull::Validation);
        skill.patch(json!({"spec": {"metadata": {"enable_tools": null}}})).await;
        skill.condition("Synced", "False", "Drifted").await;
        t.shared.simulator.set_switches(|switches| switches.metadata_null = MetadataNull::Keep);
        let metadata = t.only("asset")["metadata"].clone();
        assert_eq!((&metadata["more"], &metadata["theirs"]), (&Value::Null, &json!("x")));
        assert_eq!(skill.get().await["status"]["keptMetadata"], json!(["enable_tools"]));
    });
}

#[test]
fn a_trigger_whose_action_lost_a_member_is_replaced() {
    run(async |t| {
        t.apply(SPACE).await.ready().await;
        let agent = t.apply(AGENT).await.ready().await["status"]["id"].clone();
        let agent = format!("custom:{}", agent.as_str().unwrap_or_default());
        let yaml = |task: Value| {
            let action = json!({"actionType": "create:task", "task": task});
            json!({"kind": "Trigger", "metadata": {"name": "weekly"}, "spec": {
                "agentSpaceRef": {"name": "space"}, "schedule": {"expression": "rate(7 days)"}, "action": action}})
            .to_string()
        };
        let trigger = t.apply(&yaml(json!({"agent": agent, "title": "Weekly"}))).await;
        owned(&trigger).await;
        let id = trigger.id().await;
        // The service fills something in.
        t.mutate("trigger", &id, json!({"action": {"task": {"priority": "LOW"}}})).await;
        let mark = t.mark();
        trigger.reconcile().await;
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
        let trigger = t.apply(&yaml(json!({"agent": agent}))).await;
        trigger.wait("it is another", |object| !["", &id].contains(&text(object, "/status/id"))).await;
        owned(&trigger).await;
        assert_eq!(t.only("trigger")["action"]["task"], json!({"agent": agent}));
    });
}
