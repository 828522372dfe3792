//! AWSAccounts of one account: they share what lists show, and nothing that one of them may not see.

use devops_agent_simulator::Call;
use serde_json::{Value, json};

use crate::harness::{Operator, World, run, text, wait_until};

fn role(name: &str) -> Value {
    json!({"assumeRole": {"roleArn": format!("arn:aws:iam::123456789012:role/{name}")}})
}

/// An AWSAccount that works with this role.
async fn account(world: &World, name: &str) -> String {
    let account = format!("{}-{name}", world.namespace);
    let object = json!({"kind": "AWSAccount", "metadata": {"name": account}, "spec": role(name)});
    world.apply(&object.to_string()).await.ready().await;
    account
}

fn space(account: &str, spec: &str) -> String {
    format!(
        "{{kind: AgentSpace, metadata: {{name: space}}, spec: {{accountRef: {{name: {account}}}, {spec}}}}}"
    )
}

fn is_of(call: &Call, role: &str) -> bool {
    call.principal.contains(&format!(":assumed-role/{role}/"))
}

#[test]
fn awsaccounts_of_one_account_share_what_they_may_see() {
    run(async || {
        // Accounts are nobody's namespace: another operator would write their status, too.
        let world = World::alone().await;
        lists_are_shared_in_turn(&world).await;
        nobody_sees_with_anothers_eyes(&world).await;
    });
}

/// An operator for both namespaces.
fn operator(world: &World, other: &str, arguments: &[&str]) -> Operator {
    let watched = format!("{},{other}", world.namespace);
    let launch = world.launch(&world.namespace).args(["--refresh-period=1s", "--watch-namespace", &watched]);
    launch.args(arguments.iter().copied()).start()
}

/// From now on, the role `blind` may not do this.
fn forbid(world: &World, operation: &str) {
    world.fault(json!({"principal": ":assumed-role/blind/", "operation": operation, "effect": "error",
        "error": "AccessDeniedException", "times": 0}));
}

async fn lists_are_shared_in_turn(world: &World) {
    let other = world.other_namespace(json!({})).await;
    let _operator = operator(world, &other, &[]);
    let (one, two) = (account(world, "one").await, account(world, "two").await);
    let first = world.apply(&space(&one, "name: first")).await;
    let second = world.apply_in(&other, &space(&two, "name: second, description: as it should be")).await;
    first.ready().await;
    let id = text(&second.ready().await, "/status/id").to_owned();

    let asked = world.wait_for_calls(world.mark(), "ListAgentSpaces", 5).await;
    assert!(asked.iter().all(|call| call.operation == "ListAgentSpaces"), "{asked:?}");
    // Four periods lie between them; a list for each account would make it two. A single one may be late.
    let span = asked[4].time.duration_since(asked[0].time).as_millis();
    assert!(span > 2_900, "there is one list a period for both, not one for each: {asked:?}");
    for pair in asked.windows(2) {
        assert_ne!(is_of(&pair[0], "one"), is_of(&pair[1], "one"), "in turn: {asked:?}");
    }

    // A change that the other's list shows is read with own eyes.
    let mark = world.mark();
    world.mutate("agentSpace", &id, json!({"description": "changed"})).await;
    wait_until("the change is corrected", async || {
        let spaces = world.remotes("agentSpace");
        spaces.iter().any(|space| space["description"] == "as it should be").then_some(())
    })
    .await;
    let asked = world.calls_since(mark);
    let single: Vec<&Call> = asked.iter().filter(|call| call.operation != "ListAgentSpaces").collect();
    assert!(single.iter().all(|call| is_of(call, "two")), "nobody else is concerned: {single:?}");
    assert!(single.iter().any(|call| call.operation == "UpdateAgentSpace"), "{single:?}");

    first.delete_and_wait().await;
    world.handle("AWSAccount", &one).delete_and_wait().await;
    let asked = world.wait_for_calls(world.mark(), "ListAgentSpaces", 4).await;
    // One may have been under way.
    assert!(asked[1..].iter().all(|call| is_of(call, "two")), "its credentials are dropped: {asked:?}");
    second.delete_and_wait().await;
    world.handle("AWSAccount", &two).delete_and_wait().await;
}

async fn nobody_sees_with_anothers_eyes(world: &World) {
    let other = world.other_namespace(json!({})).await;
    let _operator = operator(world, &other, &["--resync-period=3s"]);
    let (one, two) = (account(world, "one").await, account(world, "two").await);
    let owner = world
        .apply(&space(&one, "name: owned, description: not for all, allowedNamespaces: {from: All}"))
        .await;
    let id = text(&owner.ready().await, "/status/id").to_owned();
    let observing = format!("managementPolicy: Observe, externalId: {id}");
    let observer = world.apply_in(&other, &space(&two, &observing)).await;
    observer.ready().await;

    // The same AWSAccount, but its new role may neither list nor read it.
    forbid(world, "GetAgentSpace");
    forbid(world, "ListAgentSpaces");
    let mark = world.mark();
    world.handle("AWSAccount", &two).patch(json!({"spec": role("blind")})).await;
    observer.condition("Ready", "False", "AccessDenied").await;
    // Nor does it find, adopt or name what the other's list shows, nor create a second one.
    let seeker = space(&two, "name: owned").replace("name: space", "name: seeker");
    let seeker = world.apply_in(&other, &seeker).await;
    let told = seeker.condition("Ready", "False", "AccessDenied").await;
    assert!(told.contains("listing the agent spaces"), "a search needs a list of one's own: {told}");
    let status = seeker.get().await["status"].to_string();
    assert!(!status.contains(&id) && !status.contains("not for all"), "{status}");
    let asked = world.wait_for_calls(mark, "ListAgentSpaces", 8).await;
    assert!(asked.iter().all(|call| !call.mutating), "{asked:?}");
    owner.ready().await;
    assert_eq!(world.remotes("agentSpace").len(), 1);

    // Who may read, but not list, needs no list.
    world.end_faults().await;
    forbid(world, "ListAgentSpaces");
    observer.request().await;
    observer.ready().await;
    seeker.delete_and_wait().await;
    observer.delete_and_wait().await;
    owner.delete_and_wait().await;
    for account in [one, two] {
        world.handle("AWSAccount", &account).delete_and_wait().await;
    }
}
