//! Deletion: in any order, all at once, and never of what others still need.

use std::time::Duration;

use serde_json::json;

use crate::everything::{self, OBJECTS};
use crate::fixtures::{AGENT, SOURCE, SPACE, TRIGGER, events};
use crate::harness::{Test, run, wait_until};

/// The namespace controller of the cluster takes its time while the other tests delete theirs.
const NAMESPACES_ARE_SLOW: Duration = Duration::from_mins(2);

#[test]
fn a_namespace_with_every_kind_in_it_goes_at_once_and_leaves_nothing_in_aws() {
    run(async |t| {
        everything::apply(t).await;
        let namespace = t.handle("Namespace", &t.namespace);
        let mark = t.mark();
        namespace.delete().await;
        for (kind, name) in OBJECTS {
            t.handle(kind, name).gone_within(NAMESPACES_ARE_SLOW).await;
        }
        namespace.gone_within(NAMESPACES_ARE_SLOW).await;
        assert!(t.is_empty(), "{:#}", t.state());
        // The Secrets may be deleted first: nothing is reissued or registered again for a namespace that is being
        // deleted.
        let calls = t.mutations_since(mark);
        let makes =
            |call: &&String| ["Create", "Register", "Associate"].iter().any(|verb| call.starts_with(verb));
        assert_eq!(calls.iter().find(makes), None, "{calls:?}");
    });
}

#[test]
fn parents_first_or_children_first_all_are_gone_in_the_end() {
    run(async |t| {
        for backwards in [false, true] {
            everything::apply(t).await;
            let mut objects: Vec<_> = OBJECTS.iter().map(|(kind, name)| t.handle(kind, name)).collect();
            if backwards {
                objects.reverse();
            }
            for object in &objects {
                object.delete().await;
            }
            for object in &objects {
                object.gone().await;
            }
            assert!(t.is_empty(), "{:#}", t.state());
        }
    });
}

#[test]
fn a_space_waits_for_its_children_and_names_them() {
    run(async |t| {
        t.apply(SPACE).await;
        t.apply(SOURCE).await.ready().await;
        t.apply(AGENT).await.ready().await;
        t.apply(TRIGGER).await.ready().await;
        let space = t.handle("AgentSpace", "space");
        let mark = t.mark();
        space.delete().await;
        let message = space.condition("Ready", "False", "DeletionBlocked").await;
        for child in ["Association", "Asset", "Trigger"] {
            assert!(message.contains(child), "{child}: {message}");
        }
        assert!(message.contains(&format!("{}/source", t.namespace)), "{message}");
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
        for (kind, name) in [("Trigger", "weekly"), ("Asset", "agent"), ("Association", "source")] {
            assert!(space.find().await.is_some());
            t.handle(kind, name).delete_and_wait().await;
        }
        space.gone().await;
        assert!(t.is_empty());
    });
}

#[test]
fn a_child_whose_space_is_gone_from_aws_goes_without_ado() {
    run(async |t| {
        t.apply(SPACE).await;
        let children = [t.apply(SOURCE).await, t.apply(AGENT).await, t.apply(TRIGGER).await];
        for child in &children {
            child.ready().await;
        }
        let id = t.handle("AgentSpace", "space").id().await;
        t.remove("agentSpace", &id).await;
        for child in children.iter().rev() {
            child.delete_and_wait().await;
        }
        t.handle("AgentSpace", "space").delete_and_wait().await;
        assert!(t.is_empty());
    });
}

#[test]
fn a_child_that_never_came_to_be_blocks_nothing() {
    run(async |t| {
        t.apply(SPACE).await.ready().await;
        let orphan = SOURCE.replace("metadata: {name: source}", "metadata: {name: orphan}");
        let orphan = orphan.replace("spec:\n", "spec:\n  managementPolicy: Observe\n");
        let orphan = t.apply(&orphan).await;
        orphan.condition("Stalled", "True", "NotFound").await;
        t.handle("AgentSpace", "space").delete_and_wait().await;
        orphan.delete_and_wait().await;
        assert!(t.is_empty());
    });
}

#[test]
fn what_somebody_else_took_over_is_left_to_them() {
    run(async |t| {
        let space = t.apply(SPACE).await;
        space.ready().await;
        let id = space.id().await;
        t.mutate("agentSpace", &id, json!({"tags": {"devopsagent.dev/cluster": "elsewhere"}})).await;
        let mark = t.mark();
        space.delete_and_wait().await;
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
        assert_eq!(t.remotes("agentSpace").len(), 1);
        let note = space.event("RetainedExternalResource").await;
        assert!(note.contains("elsewhere"), "{note}");
    });
}

#[test]
fn a_deletion_right_after_the_creation_leaves_nothing() {
    run(async |t| {
        for _ in 0..5 {
            let space = t.apply(SPACE).await;
            space.delete_and_wait().await;
        }
        wait_until("nothing is left", async || t.is_empty().then_some(())).await;
    });
}

/// Applies an object, and removes it past its finalizer while AWS takes its time to create what it describes.
async fn vanish_while_made(t: &Test, yaml: &str, create: &str) {
    t.fault(json!({"operation": create, "effect": "delay", "delayMs": 3000}));
    let object = t.apply(yaml).await;
    object.wait("the create has been started", |object| object.pointer("/status/intent").is_some()).await;
    object.delete().await;
    object.patch(json!({"metadata": {"finalizers": null}})).await;
    object.gone().await;
}

#[test]
fn a_remote_whose_object_vanishes_while_it_is_made_is_deleted_again() {
    // The API server completes a deletion that began before the finalizer was added.
    run(async |t| {
        t.apply(SPACE).await.ready().await;
        let other = SPACE.replace("name: space", "name: other");
        for (yaml, made, deleted) in [
            (other.as_str(), "CreateAgentSpace", "DeleteAgentSpace"),
            (SOURCE, "AssociateService", "DisassociateService"),
        ] {
            let (mark, before) = (t.mark(), t.state());
            vanish_while_made(t, yaml, made).await;
            wait_until(format!("{made} and {deleted}"), async || {
                (t.mutations_since(mark) == [made, deleted]).then_some(())
            })
            .await;
            assert_eq!(t.state(), before);
        }
    });
}

#[test]
fn a_remote_whose_object_vanishes_while_it_is_made_stays_if_the_object_asked_for_that() {
    run(async |t| {
        for policy in ["deletionPolicy: Retain", "changePolicy: OnApprovalIfDisruptive"] {
            let mark = t.mark();
            let space = SPACE.replace("spec: {}", &format!("spec: {{{policy}}}"));
            vanish_while_made(t, &space, "CreateAgentSpace").await;
            wait_until("the space is made", async || (t.remotes("agentSpace").len() == 1).then_some(()))
                .await;
            t.stays_quiet(Duration::from_secs(1)).await;
            assert_eq!(t.mutations_since(mark), ["CreateAgentSpace"], "{policy}");
            let id = t.remotes("agentSpace")[0]["agentSpaceId"].as_str().map(str::to_owned);
            t.remove("agentSpace", &id.expect("it has an id")).await;
        }
    });
}

#[test]
fn an_object_that_never_had_a_remote_goes_at_once() {
    run(async |t| {
        t.fault(json!({"operation": "ListAgentSpaces", "effect": "error", "error": "AccessDeniedException", "times": 0}));
        let space = t.apply(SPACE).await;
        space.condition("Stalled", "True", "AccessDenied").await;
        let source = t.apply(SOURCE).await;
        source.condition("Ready", "False", "DependencyNotReady").await;
        for object in [source, space] {
            assert_eq!(object.get().await.pointer("/metadata/finalizers"), None);
            object.delete_and_wait().await;
        }
    });
}

#[test]
fn all_is_deleted_though_all_status_was_lost() {
    run(async |t| {
        everything::apply(t).await;
        let objects: Vec<_> = OBJECTS.iter().map(|(kind, name)| t.handle(kind, name)).collect();
        let pause = |paused| json!({"metadata": {"annotations": {"devopsagent.dev/paused": paused}}});
        for object in &objects {
            object.patch(pause(json!("true"))).await;
            object.condition("Synced", "False", "Paused").await;
        }
        for object in &objects {
            object.delete().await;
            object.lose_status().await;
        }
        for object in objects.iter().rev() {
            object.patch(pause(json!(null))).await;
        }
        for object in &objects {
            object.gone().await;
        }
        assert!(t.is_empty(), "{:#}", t.state());
    });
}

#[test]
fn a_retained_space_stays_with_all_that_is_retained_in_it() {
    run(async |t| {
        let events = events(t).await;
        for object in [&events, &t.handle("ServiceRegistration", "channel"), &t.handle("AgentSpace", "space")]
        {
            object.patch(json!({"spec": {"deletionPolicy": "Retain"}})).await;
            object.ready().await;
        }
        let (mark, before) = (t.mark(), t.state());
        t.handle("AgentSpace", "space").delete().await;
        t.handle("ServiceRegistration", "channel").delete().await;
        events.delete_and_wait().await;
        t.handle("AgentSpace", "space").gone().await;
        t.handle("ServiceRegistration", "channel").gone().await;
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
        assert_eq!(t.state(), before);
    });
}
