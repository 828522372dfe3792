//! An account or its credentials become others while work is unfinished. The region of an AWSAccount can't be changed.

use devops_agent_simulator::Rule;
use serde_json::{Value, json};

use crate::harness::run::{Outcome, Run};

use super::objects;

const REGION: &str = "us-east-1";
const ROLE: &str = "arn:aws:iam::123456789012:role/operator";
const OTHER_ROLE: &str = "arn:aws:iam::123456789012:role/operator-2";
const LOST_ROLE: &str = "arn:aws:iam::123456789012:role/lost";
const ROLE_ELSEWHERE: &str = "arn:aws:iam::210987654321:role/operator";
const REFUSAL: &str = "the trust policy names somebody else";

/// The AWSAccount of a space becomes another at each step of its life, as soon as AWS was asked for that step, whether or not
/// the operator knows of the answer. Nothing is made or believed gone elsewhere, and the space goes on as soon as the account
/// is what it was.
pub async fn becomes_another(run: &Run) -> Outcome {
    run.expect(|it| it.remotes = [("agentSpaces", 1)].into());
    account(run, ROLE).await?;
    run.arm();
    // Another account, while it is made.
    run.apply(&in_account(run, objects::SPACE)).await?;
    asked(run, "CreateAgentSpace", 0).await?;
    elsewhere(run).await?;
    run.ready("AgentSpace", "space").await?;
    // The same, while it is changed.
    let before = run.world.simulator.count("UpdateAgentSpace");
    describe(run, "Second").await?;
    asked(run, "UpdateAgentSpace", before).await?;
    elsewhere(run).await?;
    run.ready("AgentSpace", "space").await?;
    // A role that can't be assumed, and then another one of the same account.
    run.world
        .simulator
        .add_fault(rule(json!({"operation": "AssumeRole", "resource": LOST_ROLE, "effect": "error",
        "error": "AccessDenied", "message": REFUSAL, "times": 0}))?);
    account(run, LOST_ROLE).await?;
    describe(run, "Third").await?;
    let told = || {
        let object = run.find("AgentSpace", "space");
        object.is_some_and(|object| object["status"]["conditions"].to_string().contains(REFUSAL))
    };
    run.until("the space says why nothing happens", told).await?;
    account(run, OTHER_ROLE).await?;
    let arrived = || run.world.region()["agentSpaces"].to_string().contains("Third");
    run.until("the edit has reached AWS", arrived).await?;
    run.ready("AgentSpace", "space").await?;
    // Another account, while one is deleted of which status may know no more than that it was asked for.
    run.expect(|it| it.peak = [("agentSpaces", 2)].into());
    let before = run.world.simulator.count("CreateAgentSpace");
    run.apply(&in_account(run, &objects::SPACE.replace("name: space", "name: doomed"))).await?;
    asked(run, "CreateAgentSpace", before).await?;
    account(run, ROLE_ELSEWHERE).await?;
    // What is deleted before the operator knows of it is deleted with the right credentials.
    run.unready("AgentSpace", "space", "AccountChanged").await?;
    run.delete("AgentSpace", "doomed").await?;
    run.unready("AgentSpace", "doomed", "AccountChanged").await?;
    account(run, ROLE).await?;
    run.gone("AgentSpace", "doomed").await?;
    run.ready("AgentSpace", "space").await
}

/// The account is another until the space says so.
async fn elsewhere(run: &Run) -> Outcome {
    account(run, ROLE_ELSEWHERE).await?;
    run.unready("AgentSpace", "space", "AccountChanged").await?;
    account(run, ROLE).await
}

async fn account(run: &Run, role: &str) -> Outcome {
    run.account(json!({"region": REGION, "assumeRole": {"roleArn": role}, "requestsPerSecond": 1000})).await
}

async fn describe(run: &Run, description: &str) -> Outcome {
    run.patch("AgentSpace", "space", json!({"spec": {"description": description}})).await
}

async fn asked(run: &Run, operation: &str, before: u64) -> Outcome {
    run.until(format!("AWS was asked for {operation}"), || run.world.simulator.count(operation) > before)
        .await
}

/// The same object, in the run's AWSAccount.
fn in_account(run: &Run, object: &str) -> String {
    object.replace("spec: {", &format!("spec: {{accountRef: {{name: {}}}, ", run.world.namespace()))
}

/// A fault of the simulator.
pub fn rule(rule: Value) -> Outcome<Rule> {
    serde_json::from_value(rule).map_err(|error| error.to_string())
}
