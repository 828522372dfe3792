//! AWS Organizations: the mode of a space, deployments that take time, and what the service doesn't say.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this is a test")]

mod support;

use std::time::Duration;

use devops_agent_simulator::Switches;
use serde_json::{Value, json};
use support::{ACCOUNT, Lab, ROLE};

const UNIT: &str = "ou-ab12-c3d4e5f6";

async fn lab(change: impl FnOnce(&mut Switches)) -> Lab {
    Lab::with(|options| {
        options.switches.deployment_ms = 0;
        change(&mut options.switches);
    })
    .await
}

async fn space(lab: &Lab, mode: &str) -> String {
    let created = lab.call("CreateAgentSpace", json!({"name": "o", "awsSourceMode": mode})).await.ok();
    assert_eq!(created["agentSpace"]["awsSourceMode"], mode);
    created["agentSpace"]["agentSpaceId"].as_str().unwrap().to_owned()
}

fn unit(space: &str, id: &str, accounts: &Value) -> Value {
    let mut unit = json!({"organizationalUnitId": id});
    if accounts.is_array() {
        unit["accountIds"] = accounts.clone();
    }
    json!({"agentSpaceId": space, "serviceId": "aws",
        "configuration": {"sourceAwsOrg": {"accountType": "source", "organizationalUnit": unit}}})
}

fn source(space: &str) -> Value {
    json!({"agentSpaceId": space, "serviceId": "aws", "configuration": {"sourceAws":
        {"accountId": ACCOUNT, "accountType": "source", "assumableRoleArn": ROLE}}})
}

async fn associate(lab: &Lab, input: Value) -> Value {
    lab.call("AssociateService", input).await.ok()["association"].clone()
}

async fn get(lab: &Lab, space: &str, association: &Value) -> Value {
    let id = &association["associationId"];
    let input = json!({"agentSpaceId": space, "associationId": id});
    lab.call("GetAssociation", input).await.ok()["association"].clone()
}

fn deployment(association: &Value) -> &Value {
    &association["configuration"]["sourceAwsOrg"]["deploymentState"]
}

#[tokio::test]
async fn a_deployment_takes_its_time() {
    let lab = lab(|switches| switches.deployment_ms = 300).await;
    let space = space(&lab, "organization").await;
    let begun = associate(&lab, unit(&space, UNIT, &Value::Null)).await;
    assert_eq!(begun["status"], "pending-confirmation");
    assert_eq!(deployment(&begun)["deployedAccountCount"], 0);
    lab.call("ValidateAwsAssociations", json!({"agentSpaceId": space})).await.ok();
    assert_eq!(get(&lab, &space, &begun).await["status"], "pending-confirmation", "a look hurries nothing");
    let end = tokio::time::Instant::now() + Duration::from_secs(5);
    let mut found = begun.clone();
    while found["status"] == "pending-confirmation" && tokio::time::Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(20)).await;
        found = get(&lab, &space, &begun).await;
    }
    assert_eq!((&found["status"], &deployment(&found)["deployedAccountCount"]), (&json!("valid"), &json!(3)));
    assert_ne!(deployment(&begun)["lastEvaluatedAt"], deployment(&found)["lastEvaluatedAt"]);
}

#[tokio::test]
async fn accounts_fail_by_their_last_digits_and_the_management_account_always() {
    let lab = lab(|_| {}).await;
    let space = space(&lab, "organization").await;
    let accounts = json!(["111111110403", "111111120403", "111111110423", "210987654321"]);
    let made = associate(&lab, unit(&space, UNIT, &accounts)).await;
    let reasons: Vec<Value> = deployment(&made)["issues"]
        .as_array()
        .unwrap()
        .iter()
        .map(|issue| json!([issue["reasonCode"], issue["accountCount"], issue["accountIds"]]))
        .collect();
    let expected = [
        json!(["accessDenied", 2, ["111111110403", "111111120403"]]),
        json!(["accountSuspended", 1, ["111111110423"]]),
    ];
    assert_eq!(reasons, expected);
    assert_eq!(deployment(&made)["deployedAccountCount"], 1);
    let whole = associate(&lab, unit(&space, "r-ab12", &Value::Null)).await;
    assert_eq!(deployment(&whole)["issues"][0]["reasonCode"], "managementAccountNotSupported");
    assert_eq!(deployment(&whole)["issues"][0]["accountIds"], json!([ACCOUNT]));
}

#[tokio::test]
async fn what_a_client_says_of_the_deployment_counts_for_nothing() {
    let lab = lab(|_| {}).await;
    let space = space(&lab, "organization").await;
    let mut input = unit(&space, UNIT, &Value::Null);
    input["configuration"]["sourceAwsOrg"]["deploymentState"] = json!({"deployedAccountCount": 99});
    assert_eq!(deployment(&associate(&lab, input).await)["deployedAccountCount"], 3);
}

#[tokio::test]
async fn a_mode_takes_its_own_associations_unless_switched_off() {
    let strict = lab(|_| {}).await;
    let (alone, together) = (space(&strict, "standalone").await, space(&strict, "organization").await);
    for input in [unit(&alone, UNIT, &Value::Null), source(&together)] {
        assert!(strict.call("AssociateService", input).await.names("/configuration"));
    }
    associate(&strict, source(&alone)).await;
    let lenient =
        lab(|switches| switches.source_mode_mismatch = serde_json::from_value(json!("allow")).unwrap()).await;
    let alone = space(&lenient, "standalone").await;
    associate(&lenient, unit(&alone, UNIT, &Value::Null)).await;
}

#[tokio::test]
async fn another_mode_means_what_the_switch_says_for_the_associations_of_the_old_one() {
    for (word, error, status) in
        [("keep", "", "valid"), ("refuse", "ConflictException", "valid"), ("invalidate", "", "invalid")]
    {
        let lab = lab(|switches| {
            switches.source_mode_change = serde_json::from_value(json!(word)).unwrap();
        })
        .await;
        let space = space(&lab, "standalone").await;
        let made = associate(&lab, source(&space)).await;
        let change = |mode| json!({"agentSpaceId": space, "awsSourceMode": mode});
        let answer = lab.call("UpdateAgentSpace", change("organization")).await;
        assert_eq!(answer.error, error, "{word}");
        lab.call("ValidateAwsAssociations", json!({"agentSpaceId": space})).await.ok();
        assert_eq!(get(&lab, &space, &made).await["status"], status, "{word}");
        lab.call("UpdateAgentSpace", change("standalone")).await.ok();
        assert_eq!(get(&lab, &space, &made).await["status"], "valid", "{word}");
    }
}

#[tokio::test]
async fn units_are_told_apart_unless_a_space_has_one_organization() {
    for (word, apart) in [("unit", true), ("space", false)] {
        let lab = lab(|switches| {
            switches.organization_identity = serde_json::from_value(json!(word)).unwrap();
        })
        .await;
        let space = space(&lab, "organization").await;
        let one = associate(&lab, unit(&space, UNIT, &Value::Null)).await;
        let other = associate(&lab, unit(&space, "r-ab12", &Value::Null)).await;
        assert_eq!(one["associationId"] != other["associationId"], apart, "{word}");
        let again = associate(&lab, unit(&space, "r-ab12", &json!(["210987654321"]))).await;
        assert_eq!(again["associationId"], other["associationId"], "{word}");
    }
}

#[tokio::test]
async fn the_service_and_the_accounts_come_back_as_the_switches_say() {
    let lab = lab(|switches| {
        switches.organization_service = serde_json::from_value(json!("own")).unwrap();
        switches.organization_list = serde_json::from_value(json!("filled-in")).unwrap();
        switches.organization_accounts = 2;
    })
    .await;
    let space = space(&lab, "organization").await;
    let made = associate(&lab, unit(&space, UNIT, &Value::Null)).await;
    assert_eq!(made["serviceId"], "aws-organization");
    let listed = &made["configuration"]["sourceAwsOrg"]["organizationalUnit"]["accountIds"];
    assert_eq!(listed, &json!(["200000000001", "200000000002"]));
    let again = associate(&lab, unit(&space, UNIT, &Value::Null)).await;
    assert_eq!(again["associationId"], made["associationId"]);
}
