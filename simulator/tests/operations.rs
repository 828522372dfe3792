//! Every operation against the model: a valid request gets a valid answer, and every way of breaking a request
//! is refused with the place named. (An answer that breaks the model is a 500.)

#![allow(clippy::unwrap_used, reason = "this is a test")]

mod support;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use support::{Lab, ROLE, text, until};

const RCFG: &str = "rcfg-0123456789abcdefg";
const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef";
const GUID: &str = "01234567-89ab-cdef-0123-456789abcdef";

/// What the calls of the table are about.
struct Ids {
    space: String,
    doomed_space: String,
    service: String,
    doomed_service: String,
    association: String,
    doomed_association: String,
    agent: String,
    asset: String,
    trigger: String,
}

fn gitlab() -> Value {
    json!({"gitlab": {"targetUrl": "https://gitlab.example", "tokenType": "group", "tokenValue": "t", "groupId": "7"}})
}

fn project(id: &str) -> Value {
    json!({"gitlab": {"projectId": id, "projectPath": "group/project"}})
}

fn action(agent: &str) -> Value {
    json!({"actionType": "create:task", "task": {"agent": format!("custom:{agent}")}})
}

fn prepare(lab: &Lab) -> Ids {
    let make = |operation: &str, input: Value, path: &str| {
        let answer = lab.simulator.invoke(operation, input).unwrap();
        text(answer.pointer(path).unwrap())
    };
    let space = make("CreateAgentSpace", json!({"name": "a"}), "/agentSpace/agentSpaceId");
    let service =
        make("RegisterService", json!({"service": "gitlab", "serviceDetails": gitlab()}), "/serviceId");
    let associate = |id: &str| {
        let input = json!({"agentSpaceId": space, "serviceId": service, "configuration": project(id)});
        make("AssociateService", input, "/association/associationId")
    };
    let asset = |name: &str| {
        let content = json!({"file": {"path": "a b (c).md", "body": {"text": "x"}}});
        let metadata = json!({"name": name});
        let input = json!({"agentSpaceId": space, "assetType": "custom_agent", "metadata": metadata, "content": content});
        make("CreateAsset", input, "/asset/assetId")
    };
    for name in ["vpc-one", "vpc-two"] {
        let mode = json!({"selfManaged": {"resourceConfigurationId": RCFG}});
        make("CreatePrivateConnection", json!({"name": name, "mode": mode}), "/name");
    }
    let agent = asset("agent");
    let condition = json!({"schedule": {"expression": "rate(1 day)"}});
    let trigger = json!({"agentSpaceId": space, "type": "TIME_BASED", "condition": condition, "action": action(&agent)});
    let idp = json!({"agentSpaceId": space, "authFlow": "idp", "operatorAppRoleArn": ROLE, "provider": "okta",
        "issuerUrl": "https://idp.example", "idpClientId": "c", "idpClientSecret": "s"});
    lab.simulator.invoke("EnableOperatorApp", idp).unwrap();
    Ids {
        doomed_space: make("CreateAgentSpace", json!({"name": "b"}), "/agentSpace/agentSpaceId"),
        doomed_service: make(
            "RegisterService",
            json!({"service": "gitlab", "serviceDetails": gitlab()}),
            "/serviceId",
        ),
        association: associate("1"),
        doomed_association: associate("2"),
        asset: asset("asset"),
        trigger: make("CreateTrigger", trigger, "/trigger/triggerId"),
        space,
        service,
        agent,
    }
}

/// A valid request for each operation, in an order in which all of them succeed.
fn table(ids: &Ids) -> Vec<(&'static str, Value)> {
    [
        spaces(ids),
        services(ids),
        associations(ids),
        connections(),
        assets(ids),
        files(ids),
        triggers(ids),
        tags(ids),
        deletions(ids),
    ]
    .concat()
}

fn spaces(ids: &Ids) -> Vec<(&'static str, Value)> {
    let space = &ids.space;
    let preferences = json!({"elevatedActionsEnabled": true});
    vec![
        (
            "CreateAgentSpace",
            json!({"name": "Größe", "description": "d", "locale": "de-DE", "kmsKeyArn": KEY,
            "clientToken": "token", "tags": {"k": "v"}, "preferences": preferences}),
        ),
        ("GetAgentSpace", json!({"agentSpaceId": space, "includedData": "METADATA_ONLY"})),
        ("ListAgentSpaces", json!({"maxResults": 1, "includedData": "ALL_DATA"})),
        (
            "UpdateAgentSpace",
            json!({"agentSpaceId": space, "name": "n", "description": "d", "locale": "en",
            "preferences": preferences}),
        ),
        ("EnableOperatorApp", json!({"agentSpaceId": space, "authFlow": "iam", "operatorAppRoleArn": ROLE})),
        ("GetOperatorApp", json!({"agentSpaceId": space})),
        ("UpdateOperatorAppIdpConfig", json!({"agentSpaceId": space, "idpClientSecret": "new"})),
        ("DisableOperatorApp", json!({"agentSpaceId": space, "authFlow": "iam"})),
    ]
}

fn services(ids: &Ids) -> Vec<(&'static str, Value)> {
    let headers = json!({"headers": {"x-one": "value"}});
    let details = json!({"mcpserver": {"name": "server", "endpoint": "https://mcp.example:8443/mcp",
        "description": "d", "authorizationConfig": {"customHeaders": headers}}});
    vec![
        (
            "RegisterService",
            json!({"service": "mcpserver", "serviceDetails": details, "kmsKeyArn": KEY,
            "name": "My server", "tags": {"k": "v"}}),
        ),
        ("GetService", json!({"serviceId": ids.service})),
        ("ListServices", json!({"maxResults": 2, "filterServiceType": "gitlab"})),
    ]
}

fn associations(ids: &Ids) -> Vec<(&'static str, Value)> {
    let (space, association) = (&ids.space, &ids.association);
    let groups = json!([{"events": ["PULL_REQUEST_DRAFT"], "targetBranches": {"patterns": ["main"]}}]);
    let capabilities = json!({"RELEASE_READINESS_REVIEW": {"enabled": true, "triggerFilterGroups": groups}});
    let channel = json!({"opsOncallTarget": {"channelId": "C0EXAMPLE1", "channelName": "ops"}});
    let slack = json!({"slack": {"workspaceId": "T0EXAMPLE1", "workspaceName": "w", "transmissionTarget": channel,
        "bidirectional": {"roleArn": ROLE, "enabled": true}}});
    vec![
        (
            "AssociateService",
            json!({"agentSpaceId": space, "serviceId": "slack-console-0001", "configuration": slack,
            "capabilities": capabilities}),
        ),
        ("GetAssociation", json!({"agentSpaceId": space, "associationId": association})),
        (
            "ListAssociations",
            json!({"agentSpaceId": space, "maxResults": 1, "filterServiceTypes": "gitlab, slack"}),
        ),
        (
            "UpdateAssociation",
            json!({"agentSpaceId": space, "associationId": association,
            "configuration": project("1"), "capabilities": capabilities}),
        ),
        ("ListWebhooks", json!({"agentSpaceId": space, "associationId": association})),
        ("ValidateAwsAssociations", json!({"agentSpaceId": space})),
    ]
}

fn connections() -> Vec<(&'static str, Value)> {
    let managed = json!({"serviceManaged": {"hostAddress": "db.internal", "vpcId": "vpc-0123456789abcdef0",
        "subnetIds": ["subnet-0123456789abcdef0"], "securityGroupIds": ["sg-01234567"], "ipAddressType": "IPV4",
        "ipv4AddressesPerEni": 2, "portRanges": ["443"], "certificate": "pem", "dnsResolution": "IN_VPC"}});
    vec![
        ("CreatePrivateConnection", json!({"name": "vpc-three", "mode": managed, "tags": {"k": "v"}})),
        ("DescribePrivateConnection", json!({"name": "vpc-one"})),
        ("ListPrivateConnections", json!({})),
        ("UpdatePrivateConnectionCertificate", json!({"name": "vpc-one", "certificate": "pem"})),
        ("DeletePrivateConnection", json!({"name": "vpc-two"})),
    ]
}

fn assets(ids: &Ids) -> Vec<(&'static str, Value)> {
    let (space, asset) = (&ids.space, &ids.asset);
    let file = json!({"file": {"path": "SKILL.md", "body": {"text": "# Größe"}, "metadata": {"k": null}}});
    let metadata = json!({"name": "a-skill", "description": "d", "agent_types": ["CHAT", "PREVENTION"]});
    vec![
        ("ListAssetTypes", json!({"maxResults": 3})),
        (
            "CreateAsset",
            json!({"agentSpaceId": space, "assetType": "skill", "metadata": metadata, "content": file,
            "clientToken": "token"}),
        ),
        ("GetAsset", json!({"agentSpaceId": space, "assetId": asset, "assetVersion": 1})),
        (
            "ListAssets",
            json!({"agentSpaceId": space, "assetType": "skill", "updatedAfter": "2020-01-01T00:00:00Z",
            "updatedBefore": "2120-01-01T00:00:00.5Z", "maxResults": 1}),
        ),
        (
            "UpdateAsset",
            json!({"agentSpaceId": space, "assetId": asset, "metadata": {"tools": []}, "content": file,
            "clientToken": "token"}),
        ),
        ("ListAssetVersions", json!({"agentSpaceId": space, "assetId": asset, "maxResults": 1})),
        ("GetAssetContent", json!({"agentSpaceId": space, "assetId": asset, "assetVersion": 2})),
    ]
}

fn files(ids: &Ids) -> Vec<(&'static str, Value)> {
    let (space, asset, path) = (&ids.space, &ids.asset, "notes (old)/a b.md");
    vec![
        (
            "CreateAssetFile",
            json!({"agentSpaceId": space, "assetId": asset, "path": path, "metadata": {},
            "content": {"bytes": BASE64_STANDARD.encode([0, 255])}, "clientToken": "token"}),
        ),
        ("GetAssetFile", json!({"agentSpaceId": space, "assetId": asset, "path": path, "assetVersion": 3})),
        (
            "ListAssetFiles",
            json!({"agentSpaceId": space, "assetId": asset, "assetVersion": 3, "maxResults": 1}),
        ),
        (
            "UpdateAssetFile",
            json!({"agentSpaceId": space, "assetId": asset, "path": path, "metadata": {"k": [1]},
            "content": {"text": "x"}, "clientToken": "token"}),
        ),
        ("DeleteAssetFile", json!({"agentSpaceId": space, "assetId": asset, "path": path})),
        ("DeleteAsset", json!({"agentSpaceId": space, "assetId": asset})),
    ]
}

fn triggers(ids: &Ids) -> Vec<(&'static str, Value)> {
    let (space, trigger) = (&ids.space, &ids.trigger);
    let range =
        json!({"startAfter": "22:00", "startBefore": "02:00", "recurrence": {"monthly": {"dayOfMonth": 31}}});
    let condition = json!({"schedule": {"spec": {"timeRange": range}}});
    vec![
        (
            "CreateTrigger",
            json!({"agentSpaceId": space, "type": "TIME_BASED", "condition": condition,
            "action": action(&ids.agent), "status": "Inactive", "clientToken": "token"}),
        ),
        ("GetTrigger", json!({"agentSpaceId": space, "triggerId": trigger})),
        ("ListTriggers", json!({"agentSpaceId": space, "status": "Active", "maxResults": 1})),
        (
            "UpdateTrigger",
            json!({"agentSpaceId": space, "triggerId": trigger, "status": "Active",
            "clientToken": "token"}),
        ),
        ("DeleteTrigger", json!({"agentSpaceId": space, "triggerId": trigger})),
    ]
}

fn tags(ids: &Ids) -> Vec<(&'static str, Value)> {
    let arn = format!("arn:aws:aidevops:us-east-1:{}:agentspace/{}", support::ACCOUNT, ids.space);
    vec![
        ("TagResource", json!({"resourceArn": arn, "tags": {"one": "1", "two": "ü"}})),
        ("ListTagsForResource", json!({"resourceArn": arn})),
        ("UntagResource", json!({"resourceArn": arn, "tagKeys": ["one", "two"]})),
    ]
}

fn deletions(ids: &Ids) -> Vec<(&'static str, Value)> {
    vec![
        ("DisassociateService", json!({"agentSpaceId": ids.space, "associationId": ids.doomed_association})),
        ("DeregisterService", json!({"serviceId": ids.doomed_service})),
        ("DeleteAgentSpace", json!({"agentSpaceId": ids.doomed_space})),
    ]
}

async fn ready(lab: &Lab) -> Ids {
    let ids = prepare(lab);
    let active = || async {
        lab.simulator.invoke("DescribePrivateConnection", json!({"name": "vpc-one"})).unwrap()["status"]
            == "ACTIVE"
    };
    until("the connection is up", active).await;
    ids
}

#[tokio::test]
async fn a_valid_request_of_every_operation_gets_a_valid_answer() {
    let lab = Lab::start().await;
    let table = table(&ready(&lab).await);
    assert_eq!(table.len(), lab.model["operations"].as_object().unwrap().len());
    for (operation, input) in table {
        let answer = lab.call(operation, input).await;
        let expected = &lab.model["operations"][operation]["http"]["responseCode"];
        assert_eq!(json!(answer.status), *expected, "{operation}: {answer:?}");
        assert_eq!(lab.simulator.count(operation), 1, "{operation}");
    }
}

#[tokio::test]
async fn a_request_without_a_required_member_is_refused_with_its_place() {
    let lab = Lab::start().await;
    let mut broken = 0;
    for (operation, input) in table(&ready(&lab).await) {
        let mut places = Vec::new();
        visit(&lab.model, &input_shape(&lab.model, operation), &input, "", &mut |place| {
            if place.required && place.location != Some("uri") {
                places.push(place.pointer.to_owned());
            }
        });
        for pointer in places {
            let mut input = input.clone();
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            input.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
            let answer = lab.call(operation, input).await;
            assert!(answer.names(&pointer), "{operation} without {pointer}: {answer:?}");
            broken += 1;
        }
    }
    assert!(broken > 40, "{broken}");
}

#[tokio::test]
async fn a_value_that_breaks_the_model_is_refused_with_its_place() {
    let lab = Lab::start().await;
    let mut broken = 0;
    for (operation, input) in table(&ready(&lab).await) {
        let mut changes = Vec::new();
        visit(&lab.model, &input_shape(&lab.model, operation), &input, "", &mut |place| {
            changes.extend(bad_values(place).into_iter().map(|bad| (place.pointer.to_owned(), bad)));
        });
        for (pointer, bad) in changes {
            let mut input = input.clone();
            *input.pointer_mut(&pointer).unwrap() = bad.clone();
            let answer = lab.call(operation, input).await;
            assert!(answer.names(&pointer), "{operation} {pointer} = {bad:.80}: {answer:?}");
            broken += 1;
        }
    }
    assert!(broken > 300, "{broken}");
}

#[tokio::test]
async fn a_member_that_the_model_lacks_is_refused_unless_switched_off() {
    let lab = Lab::start().await;
    let input = json!({"name": "a", "colour": "red"});
    let request = |input: &Value| {
        let mut request = support::serialize(&lab.model, "CreateAgentSpace", &json!({"name": "a"}));
        request.body = input.to_string();
        request
    };
    assert!(lab.client.send(&request(&input)).await.unwrap().names("/colour"));
    lab.control("PUT", "switches", Some(json!({"unknownMembers": "ignore"}))).await;
    assert_eq!(lab.client.send(&request(&input)).await.unwrap().status, 201);
    assert_eq!(lab.client.send(&request(&json!({"name": ["a"]}))).await.unwrap().status, 400);
    assert_eq!(lab.client.send(&request(&json!("name"))).await.unwrap().status, 400);
}

/// A member of a request, and what the model says about it.
struct Place<'a> {
    pointer: &'a str,
    shape: &'a Value,
    required: bool,
    location: Option<&'a str>,
}

fn input_shape(model: &Value, operation: &str) -> String {
    text(&model["operations"][operation]["input"]["shape"])
}

/// Visits every member of a value that the model knows, nested ones as well.
fn visit(model: &Value, shape: &str, value: &Value, pointer: &str, visitor: &mut dyn FnMut(&Place<'_>)) {
    let shape = &model["shapes"][shape];
    match (shape["type"].as_str(), value) {
        (Some("structure"), Value::Object(object)) if shape["document"].is_null() => {
            for (name, item) in object {
                let member = &shape["members"][name];
                let inner = text(&member["shape"]);
                let pointer = format!("{pointer}/{name}");
                let required = shape["required"].as_array().is_some_and(|names| names.contains(&json!(name)));
                let location = member["location"].as_str();
                visitor(&Place { pointer: &pointer, shape: &model["shapes"][&inner], required, location });
                visit(model, &inner, item, &pointer, visitor);
            }
        }
        (Some("list"), Value::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                visit(model, &text(&shape["member"]["shape"]), item, &format!("{pointer}/{index}"), visitor);
            }
        }
        (Some("map"), Value::Object(object)) => {
            for (name, item) in object {
                visit(model, &text(&shape["value"]["shape"]), item, &format!("{pointer}/{name}"), visitor);
            }
        }
        _ => {}
    }
}

fn bad_values(place: &Place<'_>) -> Vec<Value> {
    let shape = place.shape;
    let in_body = place.location.is_none();
    let mut bad = Vec::new();
    match shape["type"].as_str().unwrap() {
        "string" => {
            let header = place.location == Some("header");
            let pattern = shape["pattern"].as_str().filter(|pattern| !header && !pattern.contains(r"\S"));
            bad.extend(pattern.map(|_| json!("\u{1}\n")));
            bad.extend(shape["enum"].as_array().map(|_| json!("no-such-value")));
            let longest = shape["max"].as_u64().filter(|max| in_body || *max < 5000);
            bad.extend(longest.map(|max| json!("a".repeat(usize::try_from(max).unwrap() + 1))));
            bad.extend(shape["min"].as_u64().filter(|min| in_body && *min > 0).map(|_| json!("")));
        }
        "integer" => {
            bad.extend(shape["min"].as_i64().map(|min| json!(min - 1)));
            bad.extend(shape["max"].as_i64().map(|max| json!(max + 1)));
            bad.extend([json!("many"), json!(5_000_000_000_u64)]);
        }
        "timestamp" => bad.push(json!("yesterday")),
        "structure" if shape["union"] == true => bad.push(json!({})),
        _ => {}
    }
    if in_body && shape["document"].is_null() {
        bad.push(if shape["type"] == "integer" { json!([]) } else { json!(7) });
    }
    bad
}

#[tokio::test]
async fn an_azure_identity_comes_back_as_it_was_registered() {
    let lab = Lab::start().await;
    let details = json!({"tenantId": GUID, "clientId": GUID, "webIdentityRoleArn": ROLE, "webIdentityTokenAudiences": []});
    let input = json!({"service": "azureidentity", "serviceDetails": {"azureidentity": details}});
    let id = lab.call("RegisterService", input).await.ok()["serviceId"].clone();
    let service = lab.call("GetService", json!({"serviceId": id})).await.ok();
    assert_eq!(service["service"]["additionalServiceDetails"]["azureidentity"], details);
}

#[tokio::test]
async fn an_answer_that_would_break_the_model_is_a_loud_error() {
    let lab = Lab::start().await;
    let space = lab.space().await;
    lab.simulator.mutate("agentSpace", &space, json!({"name": "line\nbreak"})).unwrap();
    let answer = lab.call("GetAgentSpace", json!({"agentSpaceId": space})).await;
    assert_eq!((answer.status, answer.error.as_str()), (500, "InternalServerException"));
    assert!(answer.body["message"].as_str().unwrap().contains("/agentSpace/name"), "{answer:?}");
}
