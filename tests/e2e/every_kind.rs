//! What all kinds with a remote have in common: one table of kinds, and the same tests for each.

mod approval;

use serde_json::{Value, json};

use crate::fixtures::{AGENT, SPACE, credentials, foreign_space, json_of};
use crate::harness::{Handle, Test, remote_id, run, text, wait_until};

/// A kind, and what a test needs to know of it.
struct Sample {
    kind: &'static str,
    /// What the simulator calls its remote.
    remote: &'static str,
    /// Whether it is in a space, where remotes have no tags.
    in_space: bool,
    spec: &'static str,
    /// A change to the spec, and where it is visible in the remote.
    edit: (&'static str, &'static str),
    /// A change to what the remote is found by, if that can change, and how remotes are listed.
    renamed: (&'static str, &'static str),
    /// A change behind the operator's back, what an Event must say of its correction, and what it must not.
    drift: (&'static str, &'static str, &'static str),
    /// How someone else creates a matching remote: the operation, and its input except the space.
    foreign: (&'static str, &'static str),
}

const AGENT_SPACE: Sample = Sample {
    kind: "AgentSpace",
    remote: "agentSpace",
    in_space: false,
    spec: "{name: Sample, locale: en-US}",
    edit: ("{locale: de-DE}", "/locale"),
    renamed: ("{name: Renamed}", "ListAgentSpaces"),
    drift: ("{locale: ja}", "locale (\"ja\" → \"en-US\")", "devopsagent"),
    foreign: ("CreateAgentSpace", "{name: Sample}"),
};

const REGISTRATION: Sample = Sample {
    kind: "ServiceRegistration",
    remote: "service",
    in_space: false,
    spec: "{name: Sample, tags: {team: payments}, service: {gitlab: {targetUrl: 'https://gitlab.com', tokenType: personal,
            tokenValue: {secretKeyRef: {name: credentials, key: token}}}}}",
    edit: ("{tags: {team: checkout}}", "/tags/team"),
    renamed: ("{name: Renamed}", "ListServices"),
    drift: ("{tags: {team: sales}}", "sales", "glpat"),
    foreign: (
        "RegisterService",
        "{service: gitlab, name: Sample, serviceDetails: {gitlab: {targetUrl: 'https://gitlab.com', tokenType: personal, tokenValue: x}}}",
    ),
};

const ASSOCIATION: Sample = Sample {
    kind: "Association",
    remote: "association",
    in_space: true,
    spec: "{agentSpaceRef: {name: space}, configuration: {sourceAws: {accountId: '210987654321',
            assumableRoleArn: 'arn:aws:iam::210987654321:role/Agent'}}}",
    edit: (
        "{configuration: {sourceAws: {assumableRoleArn: 'arn:aws:iam::210987654321:role/Other'}}}",
        "/configuration/sourceAws/assumableRoleArn",
    ),
    renamed: (
        "{configuration: {sourceAws: {accountId: '210987654322', assumableRoleArn: 'arn:aws:iam::210987654322:role/Agent'}}}",
        "ListAssociations",
    ),
    drift: (
        "{configuration: {sourceAws: {assumableRoleArn: 'arn:aws:iam::210987654321:role/Drifted'}}}",
        "configuration.sourceAws.assumableRoleArn (\"arn:aws:iam::210987654321:role/Drifted\" → \"arn:aws:iam::210987654321:role/Agent\")",
        "glpat",
    ),
    foreign: (
        "AssociateService",
        "{serviceId: aws, configuration: {sourceAws: {accountId: '210987654321', accountType: source,
          assumableRoleArn: 'arn:aws:iam::210987654321:role/Agent'}}}",
    ),
};

const CONNECTION: Sample = Sample {
    kind: "PrivateConnection",
    remote: "privateConnection",
    in_space: false,
    spec: "{name: sample, tags: {team: payments}, mode: {serviceManaged: {hostAddress: host.example.com, vpcId: vpc-0123456789abcdef0,
            subnetIds: [subnet-0123456789abcdef0]}}}",
    edit: ("{tags: {team: checkout}}", "/tags/team"),
    renamed: ("{}", "ListPrivateConnections"),
    drift: ("{tags: {team: sales}}", "sales", "BEGIN"),
    foreign: (
        "CreatePrivateConnection",
        "{name: sample, mode: {serviceManaged: {hostAddress: host.example.com, vpcId: vpc-0123456789abcdef0,
          subnetIds: [subnet-0123456789abcdef0]}}}",
    ),
};

const ASSET: Sample = Sample {
    kind: "Asset",
    remote: "asset",
    in_space: true,
    spec: "{agentSpaceRef: {name: space}, assetType: skill, metadata: {name: sample, description: What to do, agent_types: [GENERIC]},
            content: {files: [{path: SKILL.md, text: Do this.}]}}",
    edit: ("{metadata: {description: What to do now}}", "/metadata/description"),
    renamed: ("{metadata: {name: renamed}}", "ListAssets"),
    drift: ("{metadata: {description: Drifted}}", "metadata.description", "Drifted"),
    foreign: (
        "CreateAsset",
        "{assetType: skill, metadata: {name: sample, description: What to do, agent_types: [GENERIC]},
          content: {file: {path: SKILL.md, body: {text: Do this.}}}}",
    ),
};

const TRIGGER: Sample = Sample {
    kind: "Trigger",
    remote: "trigger",
    in_space: true,
    spec: "{agentSpaceRef: {name: space}, schedule: {expression: rate(1 day)}, assetRef: {name: agent}}",
    edit: ("{suspend: true}", "/status"),
    renamed: ("{schedule: {expression: rate(2 days)}}", "ListTriggers"),
    drift: ("{status: Inactive}", "suspend", "custom:"),
    foreign: ("CreateTrigger", "{type: TIME_BASED, condition: {schedule: {expression: rate(1 day)}}}"),
};

impl Sample {
    /// The object `sample`, with some more in its spec.
    fn object(&self, more: &Value) -> Value {
        let mut spec = json_of(self.spec);
        if let (Some(spec), Some(more)) = (spec.as_object_mut(), more.as_object()) {
            spec.extend(more.clone());
        }
        json!({"kind": self.kind, "metadata": {"name": "sample"}, "spec": spec})
    }

    async fn apply(&self, t: &Test, more: &Value) -> Handle {
        t.apply(&self.object(more).to_string()).await
    }

    /// What the object refers to, in a space that this cluster manages.
    async fn prepare(&self, t: &Test) {
        credentials(t).await;
        if self.in_space {
            t.apply(SPACE).await.ready().await;
        }
        self.prepare_agent(t).await;
    }

    async fn prepare_agent(&self, t: &Test) {
        if self.kind == "Trigger" {
            t.apply(AGENT).await.ready().await;
        }
    }

    /// The object `sample`, Ready; with the id of its remote.
    async fn ready(&self, t: &Test, more: &Value) -> (Handle, String) {
        self.prepare(t).await;
        let object = self.apply(t, more).await;
        let id = text(&object.ready().await, "/status/id").to_owned();
        (object, id)
    }

    /// The id of a matching remote that someone else created. What is in a space is in one that someone else manages.
    async fn foreign(&self, t: &Test) -> String {
        credentials(t).await;
        let mut input = json_of(self.foreign.1);
        if self.in_space {
            input["agentSpaceId"] = json!(foreign_space(t).await);
            self.prepare_agent(t).await;
        }
        if self.kind == "Trigger" {
            let agent = t.handle("Asset", "agent").id().await;
            input["action"] =
                json!({"actionType": "create:task", "task": {"agent": format!("custom:{agent}")}});
        }
        t.invoke(self.foreign.0, input).await;
        let made = self.remotes(t).pop().expect("it was made");
        let id = remote_id(self.remote, &made).to_owned();
        if self.kind == "PrivateConnection" {
            wait_until("the connection is up", async || {
                (t.only("privateConnection")["status"] == "ACTIVE").then_some(())
            })
            .await;
        }
        id
    }

    /// The remotes of the kind that this is about.
    fn remotes(&self, t: &Test) -> Vec<Value> {
        let mut all = t.remotes(self.remote);
        all.retain(|remote| remote["assetType"] != "custom_agent");
        all
    }

    fn only(&self, t: &Test) -> Value {
        let mut all = self.remotes(t);
        assert_eq!(all.len(), 1, "{all:#?}");
        all.remove(0)
    }
}

/// The tests that every kind must pass.
macro_rules! every_kind {
    ($($module:ident: $sample:expr,)+) => {$(
        mod $module {
            use super::*;

            #[test]
            fn is_created_and_told() {
                run(async |t| created(t, &$sample).await);
            }

            #[test]
            fn is_changed_in_place() {
                run(async |t| edited(t, &$sample).await);
            }

            #[test]
            fn drift_is_corrected_and_told() {
                run(async |t| drifted(t, &$sample).await);
            }

            #[test]
            fn when_observed_is_never_written_to() {
                run(async |t| observed(t, &$sample).await);
            }

            #[test]
            fn when_observed_and_not_there_says_so() {
                run(async |t| observed_and_missing(t, &$sample).await);
            }

            #[test]
            fn when_retained_stays_in_aws() {
                run(async |t| retained(t, &$sample).await);
            }

            #[test]
            fn is_taken_over_by_its_external_id() {
                run(async |t| adopted(t, &$sample, true).await);
            }

            #[test]
            fn is_taken_over_by_policy() {
                run(async |t| adopted(t, &$sample, false).await);
            }

            #[test]
            fn is_not_taken_over_unasked() {
                run(async |t| refused(t, &$sample).await);
            }

            #[test]
            fn an_unknown_external_id_is_no_reason_to_create() {
                run(async |t| unknown(t, &$sample).await);
            }

            #[test]
            fn is_deleted_with_its_object() {
                run(async |t| deleted(t, &$sample).await);
            }

            #[test]
            fn is_created_again_when_it_vanishes() {
                run(async |t| vanished(t, &$sample).await);
            }

            #[test]
            fn is_found_again_when_status_is_lost() {
                run(async |t| forgotten(t, &$sample).await);
            }

            #[test]
            fn is_made_once_whatever_is_edited_before_its_answer_is_known() {
                run(async |t| lost_and_edited(t, &$sample).await);
            }

            #[test]
            fn is_not_shared_by_two_objects() {
                run(async |t| twins(t, &$sample).await);
            }

            #[test]
            fn when_paused_is_left_alone() {
                run(async |t| paused(t, &$sample).await);
            }

            #[test]
            fn is_changed_only_when_approved() {
                run(async |t| approval::approved(t, &$sample).await);
            }

            #[test]
            fn is_deleted_after_a_pause_although_status_was_lost() {
                run(async |t| deleted_without_status(t, &$sample).await);
            }
        }
    )+};
}

every_kind! {
    agent_space: AGENT_SPACE,
    service_registration: REGISTRATION,
    association: ASSOCIATION,
    private_connection: CONNECTION,
    asset: ASSET,
    trigger: TRIGGER,
}

async fn created(t: &Test, sample: &Sample) {
    let (object, id) = sample.ready(t, &json!({})).await;
    assert_eq!(remote_id(sample.remote, &sample.only(t)), id);
    // Status says all of it.
    let events = object.events().await;
    let told = |word: &str| events.iter().any(|(reason, _)| reason == word);
    assert!(!told("CreatedExternalResource") && !told("Progressing"), "{events:#?}");
    let mark = t.mark();
    object.reconcile().await;
    assert_eq!(t.mutations_since(mark), Vec::<String>::new());
}

async fn edited(t: &Test, sample: &Sample) {
    let (object, id) = sample.ready(t, &json!({})).await;
    let before = sample.only(t);
    let mark = t.mark();
    object.patch(json!({"spec": json_of(sample.edit.0)})).await;
    assert_eq!(object.ready().await["status"]["id"], id.as_str());
    let after = sample.only(t);
    assert_ne!(after.pointer(sample.edit.1), before.pointer(sample.edit.1), "{}", sample.edit.1);
    assert_eq!(t.mutations_since(mark).len(), 1);
    object.event("UpdatedExternalResource").await;
}

async fn drifted(t: &Test, sample: &Sample) {
    let (object, id) = sample.ready(t, &json!({})).await;
    let before = sample.only(t);
    t.mutate(sample.remote, &id, json_of(sample.drift.0)).await;
    object.reconcile().await;
    object.ready().await;
    assert_eq!(lasting(sample.only(t)), lasting(before));
    let note = object.event_with("UpdatedExternalResource", sample.drift.1).await;
    assert!(!note.contains(sample.drift.2), "{note}");
}

/// What does not change with every write.
fn lasting(mut remote: Value) -> Value {
    if let Some(members) = remote.as_object_mut() {
        members.retain(|name, _| !["updatedAt", "version", "history"].contains(&name.as_str()));
    }
    remote
}

async fn observed(t: &Test, sample: &Sample) {
    let id = sample.foreign(t).await;
    let (mark, before) = (t.mark(), sample.only(t));
    let object = sample.apply(t, &json!({"managementPolicy": "Observe", "externalId": id})).await;
    let status = object.ready().await["status"].clone();
    assert_eq!(status["id"], id.as_str());
    object.patch(json!({"spec": json_of(sample.edit.0)})).await;
    let message = object.condition("Synced", "False", "Drifted").await;
    assert!(message.contains("Observe"), "{message}");
    object.ready().await;
    object.reconcile().await;
    object.delete_and_wait().await;
    assert_eq!(t.mutations_since(mark), Vec::<String>::new());
    assert_eq!(sample.only(t), before);
}

async fn observed_and_missing(t: &Test, sample: &Sample) {
    sample.prepare(t).await;
    let mark = t.mark();
    let object = sample.apply(t, &json!({"managementPolicy": "Observe"})).await;
    let message = object.condition("Stalled", "True", "NotFound").await;
    assert!(message.contains("Observe"), "{message}");
    object.delete_and_wait().await;
    assert_eq!(t.mutations_since(mark), Vec::<String>::new());
}

async fn retained(t: &Test, sample: &Sample) {
    let (object, id) = sample.ready(t, &json!({"deletionPolicy": "Retain"})).await;
    let mark = t.mark();
    object.delete_and_wait().await;
    assert_eq!(remote_id(sample.remote, &sample.only(t)), id);
    assert_eq!(t.mutations_since(mark), Vec::<String>::new());
    // The same object, recreated, adopts its remote again.
    let again = sample.apply(t, &json!({})).await;
    assert_eq!(again.ready().await["status"]["id"], id.as_str());
    assert_eq!(sample.remotes(t).len(), 1);
}

async fn adopted(t: &Test, sample: &Sample, by_id: bool) {
    let id = sample.foreign(t).await;
    let more = if by_id { json!({"externalId": id}) } else { json!({"adoptionPolicy": "Adopt"}) };
    let object = sample.apply(t, &more).await;
    assert_eq!(object.ready().await["status"]["id"], id.as_str());
    let note = object.event("AdoptedExternalResource").await;
    assert!(note.contains(&id), "{note}");
    assert_eq!(remote_id(sample.remote, &sample.only(t)), id);
    object.patch(json!({"spec": json_of(sample.edit.0)})).await;
    assert_eq!(object.ready().await["status"]["id"], id.as_str());
    object.delete_and_wait().await;
    assert!(sample.remotes(t).is_empty());
}

async fn refused(t: &Test, sample: &Sample) {
    let id = sample.foreign(t).await;
    let (mark, before) = (t.mark(), sample.only(t));
    let object = sample.apply(t, &json!({})).await;
    let message = object.condition("Stalled", "True", "AlreadyExists").await;
    for part in [&id, "externalId", "adoptionPolicy"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    object.event("AlreadyExists").await;
    object.reconcile().await;
    object.delete_and_wait().await;
    assert_eq!(t.mutations_since(mark), Vec::<String>::new());
    assert_eq!(sample.only(t), before);
}

async fn unknown(t: &Test, sample: &Sample) {
    sample.prepare(t).await;
    let mark = t.mark();
    // The id of a private connection is its name.
    let id = if sample.kind == "PrivateConnection" { "sample" } else { "no-such-thing" };
    let object = sample.apply(t, &json!({"externalId": id})).await;
    let message = object.condition("Stalled", "True", "NotFound").await;
    assert!(message.contains(id) && message.contains("externalId"), "{message}");
    object.delete_and_wait().await;
    assert_eq!(t.mutations_since(mark), Vec::<String>::new());
}

async fn deleted(t: &Test, sample: &Sample) {
    let (object, _) = sample.ready(t, &json!({})).await;
    assert_eq!(object.get().await["metadata"]["finalizers"], json!(["devopsagent.dev/finalizer"]));
    let mark = t.mark();
    object.delete_and_wait().await;
    assert!(sample.remotes(t).is_empty());
    assert_eq!(t.mutations_since(mark).len(), 1);
}

async fn vanished(t: &Test, sample: &Sample) {
    let (object, old) = sample.ready(t, &json!({})).await;
    t.remove(sample.remote, &old).await;
    object.reconcile().await;
    let new = text(&object.ready().await, "/status/id").to_owned();
    assert_eq!(new != old, sample.kind != "PrivateConnection", "{old} {new}");
    assert_eq!(remote_id(sample.remote, &sample.only(t)), new);
}

async fn forgotten(t: &Test, sample: &Sample) {
    let (object, id) = sample.ready(t, &json!({})).await;
    let mark = t.mark();
    object.lose_status().await;
    object.request().await;
    object.wait("its id is known again", |object| text(object, "/status/id") == id).await;
    object.ready().await;
    assert_eq!(t.mutations_since(mark), Vec::<String>::new());
    assert_eq!(sample.remotes(t).len(), 1);
}

async fn lost_and_edited(t: &Test, sample: &Sample) {
    sample.prepare(t).await;
    let (create, list) = (sample.foreign.0, sample.renamed.1);
    // As often as the client repeats a call.
    t.fault(json!({"operation": create, "effect": "drop-answer", "times": 3}));
    for operation in [list, "GetAgentSpace", "DescribePrivateConnection"] {
        t.fault(json!({"operation": operation, "effect": "500", "times": 5}));
    }
    let object = sample.apply(t, &json!({})).await;
    wait_until("it is made", async || (!sample.remotes(t).is_empty()).then_some(())).await;
    object.patch(json!({"spec": json_of(sample.renamed.0)})).await;
    let status = object.ready().await["status"].clone();
    assert!(status["intent"].is_null(), "{status}");
    assert_eq!(remote_id(sample.remote, &sample.only(t)), text(&status, "/id"));
    object.delete_and_wait().await;
    assert!(sample.remotes(t).is_empty());
}

async fn twins(t: &Test, sample: &Sample) {
    let (object, id) = sample.ready(t, &json!({})).await;
    let twin = || async {
        let mut twin = sample.object(&json!({}));
        twin["metadata"]["name"] = json!("twin");
        let twin = t.apply(&twin.to_string()).await;
        let message = twin.condition("Stalled", "True", "Conflict").await;
        assert!(message.contains(&format!("{}/sample", t.namespace)), "{message}");
        twin
    };
    let mark = t.mark();
    twin().await.delete_and_wait().await;
    assert_eq!(t.mutations_since(mark), Vec::<String>::new());
    assert_eq!(remote_id(sample.remote, &sample.only(t)), id);
    let twin = twin().await;
    object.delete_and_wait().await;
    twin.ready().await;
    assert_eq!(sample.remotes(t).len(), 1);
}

async fn paused(t: &Test, sample: &Sample) {
    let (object, _) = sample.ready(t, &json!({})).await;
    object.patch(json!({"metadata": {"annotations": {"devopsagent.dev/paused": "True"}}})).await;
    let message = object.condition("Synced", "False", "Paused").await;
    assert!(message.contains("devopsagent.dev/paused"), "{message}");
    let mark = t.mark();
    object.patch(json!({"spec": json_of(sample.edit.0)})).await;
    object.reconcile().await;
    assert_eq!(t.mutations_since(mark), Vec::<String>::new());
    object.patch(json!({"metadata": {"annotations": {"devopsagent.dev/paused": null}}})).await;
    object.condition("Synced", "True", "Available").await;
    object.ready().await;
    assert_ne!(t.mutations_since(mark), Vec::<String>::new());
}

async fn deleted_without_status(t: &Test, sample: &Sample) {
    let (object, _) = sample.ready(t, &json!({})).await;
    object.patch(json!({"metadata": {"annotations": {"devopsagent.dev/paused": "true"}}})).await;
    object.condition("Synced", "False", "Paused").await;
    object.delete().await;
    let mark = t.mark();
    let deleting = |object: &Value| object["status"]["conditions"].to_string().contains("being deleted");
    object.wait("its deletion is paused, too", deleting).await;
    assert_eq!(t.mutations_since(mark), Vec::<String>::new());
    object.lose_status().await;
    object.patch(json!({"metadata": {"annotations": {"devopsagent.dev/paused": null}}})).await;
    object.gone().await;
    assert!(sample.remotes(t).is_empty());
}
