//! The control API, the state on disk, switches, and webhooks.

#![allow(clippy::unwrap_used, reason = "this is a test")]

mod support;

use devops_agent_simulator::switches::{AssociateExisting, SpaceDeletion};
use serde_json::{Value, json};
use support::{Lab, text, until};

fn region(lab: &Lab, secrets: bool) -> Value {
    lab.simulator.state(secrets)["accounts"][support::ACCOUNT]["us-east-1"].clone()
}

async fn grafana(lab: &Lab) -> String {
    let token = json!({"bearerToken": {"tokenName": "t", "tokenValue": "s3cret-value"}});
    let details = json!({"name": "g", "endpoint": "https://g.example", "authorizationConfig": token});
    let input = json!({"service": "mcpservergrafana", "serviceDetails": {"mcpservergrafana": details}});
    text(&lab.call("RegisterService", input).await.ok()["serviceId"])
}

#[tokio::test]
async fn secrets_are_in_the_state_only_when_asked_for_and_in_calls_never() {
    let lab = Lab::start().await;
    let (_, _, webhook) = lab.channel().await;
    let secret = text(&webhook["webhookSecret"]);
    grafana(&lab).await;
    let hidden = lab.control("GET", "state", None).await.1.to_string();
    let shown = lab.control("GET", "state?secrets=true", None).await.1.to_string();
    let calls = lab.control("GET", "calls?log=true", None).await.1.to_string();
    for secret in [secret.as_str(), "s3cret-value"] {
        assert!(!hidden.contains(secret) && !calls.contains(secret) && shown.contains(secret));
    }
}

#[tokio::test]
async fn calls_are_counted_and_logged_with_what_they_were_about() {
    let lab = Lab::start().await;
    let space = lab.space().await;
    lab.call("GetAgentSpace", json!({"agentSpaceId": "nothing"})).await;
    let calls = lab.control("GET", "calls", None).await.1;
    assert_eq!(calls["operations"], json!({"CreateAgentSpace": 1, "GetAgentSpace": 1}));
    assert_eq!((&calls["mutating"], &calls["errors"]["ResourceNotFoundException"]), (&json!(1), &json!(1)));
    let log = lab.control("GET", "calls/log?operation=CreateAgentSpace", None).await.1;
    assert_eq!(log[0]["resource"]["agentSpaceId"], json!(space));
    assert_eq!((&log[0]["status"], &log[0]["request"]["name"]), (&json!(201), &json!("space")));
    lab.control("POST", "reset", None).await;
    assert_eq!(lab.control("GET", "calls", None).await.1["total"], 0);
    assert_eq!(lab.simulator.state(false)["accounts"], json!({}));
}

#[tokio::test]
async fn a_resource_can_be_changed_and_removed_behind_ones_back() {
    let lab = Lab::start().await;
    let (space, association, _) = lab.channel().await;
    let change = json!({"kind": "agentSpace", "id": space, "set": {"name": "drifted", "description": "d", "tags": {"k": "v"}}});
    assert_eq!(lab.control("POST", "mutate", Some(change)).await.0, 200);
    let got = lab.call("GetAgentSpace", json!({"agentSpaceId": space})).await.ok();
    assert_eq!((&got["agentSpace"]["name"], &got["tags"]["k"]), (&json!("drifted"), &json!("v")));
    lab.simulator.mutate("association", &association, json!({"status": "invalid"})).unwrap();
    assert_eq!(region(&lab, false)["agentSpaces"][&space]["associations"][&association]["status"], "invalid");
    let path = format!("resources/association/{association}?account={}", support::ACCOUNT);
    assert_eq!(lab.control("DELETE", &path, None).await.0, 200);
    assert_eq!(lab.control("DELETE", &path, None).await.0, 404);
    lab.simulator.remove("agentSpace", &space).unwrap();
    assert_eq!(lab.call("GetAgentSpace", json!({"agentSpaceId": space})).await.status, 404);
    let change = json!({"kind": "agentspace", "id": space, "set": {}});
    assert_eq!(lab.control("POST", "mutate", Some(change)).await.0, 404);
    let bad = json!({"kind": "planet", "id": "x", "set": {}});
    assert_eq!(lab.control("POST", "mutate", Some(bad)).await.0, 400);
}

#[tokio::test]
async fn resources_lists_what_was_made_and_nothing_else() {
    let lab = Lab::start().await;
    let (space, association, _) = lab.channel().await;
    let resources = lab.control("GET", "resources", None).await.1;
    let entry = |id: &str, about: &str| json!([{"account": support::ACCOUNT, "region": "us-east-1", "id": id, "about": about}]);
    assert_eq!(resources["agentSpaces"], entry(&space, "space"));
    assert_eq!(resources["associations"], entry(&association, "eventChannel"));
    assert_eq!(resources["services"].as_array().unwrap().len(), 1);
    assert_eq!(resources["triggers"], json!([]));
    let service = text(&resources["services"][0]["id"]);
    lab.simulator.remove("agentSpace", &space).unwrap();
    lab.simulator.remove("service", &service).unwrap();
    let lists = lab.simulator.resources();
    assert!(lists.as_object().unwrap().values().all(|list| *list == json!([])), "{lists}");
}

#[tokio::test]
async fn an_operation_can_be_invoked_unsigned_and_uncounted() {
    let lab = Lab::start().await;
    let body = json!({"operation": "CreateAgentSpace", "region": "eu-west-1", "input": {"name": "other"}});
    let (status, made) = lab.control("POST", "invoke", Some(body)).await;
    assert_eq!((status, &made["agentSpace"]["name"]), (200, &json!("other")));
    assert_eq!(lab.simulator.calls()["total"], 0);
    let state = lab.simulator.state(false);
    assert!(state["accounts"][support::ACCOUNT]["eu-west-1"]["agentSpaces"].as_object().unwrap().len() == 1);
    let (status, error) = lab.control("POST", "invoke", Some(json!({"operation": "CreateAgentSpace"}))).await;
    assert_eq!((status, &error["fieldList"][0]["path"]), (400, &json!("/name")));
}

#[tokio::test]
async fn a_restart_keeps_the_state() {
    let folder = std::env::temp_dir().join(format!("simulator-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("state.json");
    let lab = Lab::with(|options| options.state_file = Some(file.clone())).await;
    let (space, _, webhook) = lab.channel().await;
    let saved = || async {
        std::fs::read_to_string(&file)
            .is_ok_and(|state| state.contains(webhook["webhookId"].as_str().unwrap()))
    };
    until("the state is saved", saved).await;
    let before = region(&lab, true);
    lab.simulator.stop().await.unwrap();
    let lab = Lab::with(|options| options.state_file = Some(file.clone())).await;
    assert_eq!(region(&lab, true), before);
    assert_eq!(lab.call("GetAgentSpace", json!({"agentSpaceId": space})).await.status, 200);
    lab.simulator.stop().await.unwrap();
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_list_can_lag_behind_writes() {
    let lab = Lab::with(|options| options.switches.list_lag_ms = 1000).await;
    let space = lab.space().await;
    let listed = || async {
        lab.call("ListAgentSpaces", json!({})).await.ok()["agentSpaces"].as_array().unwrap().len()
    };
    assert_eq!(listed().await, 0);
    assert_eq!(lab.call("GetAgentSpace", json!({"agentSpaceId": space})).await.status, 200);
    until("the list shows the space", || async { listed().await == 1 }).await;
    lab.call("DeleteAgentSpace", json!({"agentSpaceId": space})).await.ok();
    assert_eq!(listed().await, 1);
    until("the list shows the deletion", || async { listed().await == 0 }).await;
}

#[tokio::test]
async fn a_service_can_stay_busy_after_its_last_association() {
    let lab = Lab::with(|options| options.switches.deregister_cooldown_ms = 1000).await;
    let (space, association, _) = lab.channel().await;
    let services = lab.call("ListServices", json!({"filterServiceType": "eventChannel"})).await.ok();
    let service = text(&services["services"][0]["serviceId"]);
    let deregister = || async { lab.call("DeregisterService", json!({"serviceId": service})).await.status };
    assert_eq!(deregister().await, 409);
    lab.call("DisassociateService", json!({"agentSpaceId": space, "associationId": association})).await.ok();
    assert_eq!(deregister().await, 409);
    until("the service can go", || async { deregister().await == 200 }).await;
}

#[tokio::test]
async fn a_new_role_can_take_time_to_be_assumable() {
    let lab = Lab::with(|options| options.switches.role_check_fails_ms = 200).await;
    let space = lab.space().await;
    let input = json!({"agentSpaceId": space, "authFlow": "iam", "operatorAppRoleArn": support::ROLE});
    assert_eq!(lab.call("EnableOperatorApp", input.clone()).await.error, "ValidationException");
    until("the role works", || async { lab.call("EnableOperatorApp", input.clone()).await.status == 200 })
        .await;
}

#[tokio::test]
async fn associating_over_an_existing_one_has_four_readings() {
    let lab = Lab::start().await;
    let (space, first, webhook) = lab.channel().await;
    let service = region(&lab, false)["agentSpaces"][&space]["associations"][&first]["serviceId"].clone();
    let input = json!({"agentSpaceId": space, "serviceId": service, "configuration": {"eventChannel": {}}});
    let associate = |reading| {
        lab.simulator.set_switches(|switches| switches.associate_existing = reading);
        lab.call("AssociateService", input.clone())
    };
    assert_eq!(associate(AssociateExisting::Conflict).await.status, 409);
    assert_eq!(associate(AssociateExisting::Refuse).await.status, 400);
    let same = associate(AssociateExisting::SameId).await.ok();
    assert_eq!(
        (&same["association"]["associationId"], &same["webhook"]["webhookId"]),
        (&json!(first), &webhook["webhookId"])
    );
    assert!(same["webhook"]["webhookSecret"].is_null());
    let new = associate(AssociateExisting::NewId).await.ok();
    assert_ne!(new["association"]["associationId"], json!(first));
    assert!(
        new["webhook"]["webhookSecret"].is_string() && new["webhook"]["webhookId"] != webhook["webhookId"]
    );
}

#[tokio::test]
async fn switches_are_read_changed_and_checked_over_http() {
    let lab = Lab::start().await;
    let change = json!({"spaceDeletion": "cascade", "pageSize": 1});
    assert_eq!(lab.control("PUT", "switches", Some(change)).await.0, 200);
    assert_eq!(lab.control("GET", "switches", None).await.1["spaceDeletion"], "cascade");
    assert_eq!(lab.simulator.switches().space_deletion, SpaceDeletion::Cascade);
    let (status, error) =
        lab.control("PUT", "switches", Some(json!({"pageSize": 9, "spaceDeletion": "maybe"}))).await;
    assert_eq!(status, 400);
    assert!(error["message"].as_str().unwrap().contains("blocked-by-children"), "{error}");
    assert_eq!(lab.simulator.switches().page_size, 1);
    let (space, _, _) = lab.channel().await;
    lab.call("DeleteAgentSpace", json!({"agentSpaceId": space})).await.ok();
    let page = lab.call("ListServices", json!({})).await.ok();
    assert_eq!(page["services"].as_array().unwrap().len(), 1);
    assert!(page["nextToken"].is_string());
    let token = page["nextToken"].clone();
    assert!(lab.call("ListAgentSpaces", json!({"nextToken": token})).await.names("/nextToken"));
}

#[tokio::test]
async fn a_webhook_takes_only_what_is_signed_for_it() {
    let lab = Lab::start().await;
    let (space, association, webhook) = lab.channel().await;
    let listed =
        lab.call("ListWebhooks", json!({"agentSpaceId": space, "associationId": association})).await.ok();
    assert_eq!(listed["webhooks"][0]["webhookUrl"], webhook["webhookUrl"]);
    assert!(listed["webhooks"][0].get("webhookSecret").is_none());
    let url = text(&webhook["webhookUrl"]);
    let body = json!({"eventType": "incident", "incidentId": "1", "timestamp": "t"}).to_string();
    let stamp = "2026-06-08T10:00:00.000Z";
    let headers = [
        ("x-amzn-event-timestamp", stamp.to_owned()),
        ("x-amzn-event-signature", sign(&text(&webhook["webhookSecret"]), &format!("{stamp}:{body}"))),
    ];
    assert_eq!(lab.client.plain("POST", &url, &headers, body.clone()).await.0, 200);
    assert_eq!(lab.client.plain("POST", &url, &headers, body.clone()).await.0, 200);
    assert_eq!(lab.client.plain("POST", &url, &headers, format!("{body} ")).await.0, 403);
    assert_eq!(lab.client.plain("POST", &url, &[], body.clone()).await.0, 403);
    assert_eq!(lab.client.plain("POST", &format!("{url}x"), &headers, body.clone()).await.0, 403);
    let received = lab.control("GET", "incidents", None).await.1;
    let duplicates: Vec<&Value> =
        received.as_array().unwrap().iter().map(|incident| &incident["duplicate"]).collect();
    assert_eq!(duplicates, [&json!(false), &json!(true)]);
    assert_eq!(received[0]["associationId"], json!(association));
    lab.simulator.set_switches(|switches| switches.webhook_tolerance_ms = 300_000);
    assert_eq!(lab.client.plain("POST", &url, &headers, body).await.0, 403);
}

fn sign(secret: &str, message: &str) -> String {
    use base64::Engine;
    use hmac::{KeyInit, Mac};
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(message.as_bytes());
    base64::prelude::BASE64_STANDARD.encode(mac.finalize().into_bytes())
}

#[tokio::test]
async fn an_interactive_registration_waits_for_its_url_to_be_opened() {
    let lab = Lab::start().await;
    let discovery =
        json!({"authorizationDiscovery": {"returnToEndpoint": "https://us-east-1.console.aws.amazon.com/"}});
    let details = json!({"name": "dd", "endpoint": "https://dd.example", "authorizationConfig": discovery});
    let input = json!({"service": "mcpserverdatadog", "serviceDetails": {"mcpserverdatadog": details}, "tags": {"k": "v"}});
    let made = lab.call("RegisterService", input).await.ok();
    assert!(made.get("serviceId").is_none());
    let list = || async {
        lab.call("ListServices", json!({"filterServiceType": "mcpserverdatadog"})).await.ok()["services"]
            .clone()
    };
    assert_eq!(list().await, json!([]));
    let url = text(&made["additionalStep"]["oauth"]["authorizationUrl"]);
    assert_eq!(lab.client.plain("GET", &url, &[], String::new()).await.0, 200);
    let service = list().await[0].clone();
    assert_eq!(service["additionalServiceDetails"]["mcpserverdatadog"]["authorizationMethod"], "oauth-3lo");
    let got = lab.call("GetService", json!({"serviceId": service["serviceId"]})).await.ok();
    assert_eq!(got["tags"], json!({"k": "v"}));
    assert_eq!(lab.client.plain("GET", &url, &[], String::new()).await.0, 404);
}

#[tokio::test]
async fn simulators_in_one_process_share_nothing() {
    let (one, other) = (Lab::start().await, Lab::start().await);
    one.space().await;
    assert_eq!(other.call("ListAgentSpaces", json!({})).await.ok()["agentSpaces"], json!([]));
    assert_eq!(other.control("GET", "health", None).await, (200, json!({"status": "ok"})));
    assert_eq!(other.control("GET", "nothing", None).await.0, 404);
}
