//! A clock that is an hour off, in either direction.

use devops_agent_simulator::Options;
use serde_json::json;

use crate::harness::{World, run};

/// The difference between the clocks of AWS and of this machine.
async fn with_aws_ahead_by(hours: i64) {
    let options =
        Options { clock_offset: jiff::SignedDuration::from_hours(hours), ..Options::on_free_port() };
    let world = World::alone_with(options).await;
    let replica = world.operator(&["--resync-period", "1s"]);
    replica.ready().await;
    world.apply("{kind: AgentSpace, metadata: {name: own}, spec: {}}").await.ready().await;
    // With temporary credentials, whose expiry is set by the other clock.
    let account = json!({
        "kind": "AWSAccount",
        "metadata": {"name": world.namespace},
        "spec": {"assumeRole": {"roleArn": "arn:aws:iam::210987654321:role/other"}},
    });
    let account = world.apply(&account.to_string()).await;
    account.ready().await;
    let space = json!({
        "kind": "AgentSpace",
        "metadata": {"name": "other"},
        "spec": {"accountRef": {"name": world.namespace}},
    });
    let space = world.apply(&space.to_string()).await;
    space.ready().await;
    let before = world.simulator.count("AssumeRole");
    world.more_calls(20).await;
    assert!(world.simulator.count("AssumeRole") <= before + 1, "credentials are not fetched for every call");
    let refused = world.simulator.call_log(0).into_iter();
    let refused: Vec<_> =
        refused.filter_map(|call| call.error).filter(|error| error.contains("Signature")).collect();
    assert!(refused.len() <= 6, "the clock is corrected once for each way to AWS: {refused:?}");
    space.delete_and_wait().await;
    account.delete_and_wait().await;
}

#[test]
fn signatures_are_right_when_aws_is_an_hour_ahead() {
    run(async || with_aws_ahead_by(1).await);
}

#[test]
fn signatures_are_right_when_aws_is_an_hour_behind() {
    run(async || with_aws_ahead_by(-1).await);
}
