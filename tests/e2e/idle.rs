//! After everything is Ready, nothing moves.

use std::time::Duration;

use serde_json::json;

use crate::everything;
use crate::harness::run;

#[test]
fn when_all_is_ready_nothing_is_written_to_aws_or_kubernetes() {
    run(async |t| {
        everything::apply(t).await;
        let mark = t.mark();
        for object in everything::ready(t).await {
            object.reconcile().await;
        }
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
        t.stays_quiet(Duration::from_secs(5)).await;
    });
}

#[test]
fn what_stalls_or_waits_does_not_spin() {
    run(async |t| {
        t.apply("{kind: AgentSpace, metadata: {name: lost}, spec: {externalId: no-such-space}}")
            .await
            .condition("Stalled", "True", "NotFound")
            .await;
        t.apply(crate::fixtures::SOURCE).await.condition("Ready", "False", "DependencyNotFound").await;
        let mark = t.mark();
        t.stays_quiet(Duration::from_secs(5)).await;
        let calls = t.calls_since(mark).len();
        assert!(calls <= 6, "{calls} calls in five seconds");
    });
}

#[test]
fn labels_and_annotations_of_others_are_no_reason_to_call_aws_twice() {
    run(async |t| {
        let space = t.apply(crate::fixtures::SPACE).await;
        space.ready().await;
        let mark = t.mark();
        space.patch(json!({"metadata": {"labels": {"team": "payments"}}})).await;
        t.stays_quiet(Duration::from_secs(2)).await;
        assert!(t.calls_since(mark).len() <= 1, "{:#?}", t.calls_since(mark));
    });
}
