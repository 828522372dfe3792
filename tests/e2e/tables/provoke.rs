//! Brings objects into every state that has a reason of its own, all in one namespace and most of them at the same time.

use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use kube::Api;
use kube::api::{DeleteParams, PostParams};
use serde_json::json;

use crate::fixtures::{CHANNEL, CONNECTION, EVENTS, GITLAB, PROJECT, SPACE, credentials, quota_of_secrets};
use crate::harness::{Handle, Test, text, wait_until};

/// An agent space whose create is answered like this.
struct Refused {
    reason: &'static str,
    effect: &'static str,
    error: &'static str,
    message: &'static str,
}

const fn refused(reason: &'static str, error: &'static str, message: &'static str) -> Refused {
    Refused { reason, effect: "error", error, message }
}

const REFUSED: &[Refused] = &[
    refused(
        "AccessDenied",
        "AccessDeniedException",
        "User: arn:aws:iam::123456789012:role/agent is not authorized to perform: aidevops:CreateAgentSpace",
    ),
    refused(
        "CredentialsUnavailable",
        "ExpiredTokenException",
        "The security token included in the request is expired",
    ),
    refused(
        "QuotaExceeded",
        "ServiceQuotaExceededException",
        "You have reached the limit of 10 agent spaces",
    ),
    refused(
        "Invalid",
        "ValidationException",
        "locale must be one of the supported locales, and must be written with a hyphen, never an underscore",
    ),
    refused("Refused", "ConflictException", "An agent space of this name is being deleted"),
    refused("EndpointInvalid", "UnknownOperationException", ""),
    Refused { reason: "Unavailable", effect: "500", error: "", message: "The service is down" },
    Refused { reason: "Throttled", effect: "429", error: "", message: "Rate exceeded" },
];

/// An object, and the condition that it has to come to.
type Awaited = (Handle, &'static str, &'static str, &'static str);

/// Provokes every reason, and waits until all are told. Gives the name of a second namespace.
pub async fn every_reason(t: &Test) -> String {
    // One after the other, so that none is looked at before what it refers to is there.
    credentials(t).await;
    // With a webhook that isn't reissued by itself.
    let reported = format!("{EVENTS}  webhook: {{onLoss: Report}}\n");
    for yaml in [SPACE, CHANNEL, GITLAB, &reported] {
        t.apply(yaml).await.ready().await;
    }
    let other = t.other_namespace(json!({})).await;
    let slow = slow_ones(t).await;
    let mut awaited = refusals(t).await;
    awaited.extend(spaces(t, &other).await);
    awaited.extend(inputs(t).await);
    awaited.extend(webhooks(t).await);
    awaited.extend(come_up(t, slow).await);
    for (object, kind, status, reason) in &awaited {
        object.condition(kind, status, reason).await;
    }
    in_mid_air(t).await;
    other
}

/// Lets go what would keep the namespace from going.
pub async fn make_up(t: &Test) {
    t.end_faults().await;
    for name in ["intransition", "deleting"] {
        t.remove("privateConnection", name).await;
    }
    in_account(t, &t.account).await;
    t.handle("AWSAccount", &moved(t)).delete().await;
    let webhooks = Api::<ValidatingWebhookConfiguration>::all(t.shared.client.clone());
    webhooks.delete(&t.namespace, &DeleteParams::default()).await.expect("it can be deleted");
}

async fn refusals(t: &Test) -> Vec<Awaited> {
    let mut awaited = Vec::new();
    for Refused { reason, effect, error, message } in REFUSED {
        let name = reason.to_lowercase();
        t.fault(json!({"operation": "CreateAgentSpace", "resource": name, "effect": effect, "error": error, "message": message, "times": 0}));
        awaited.push((space(t, &name, "{}").await, "Ready", "False", *reason));
    }
    awaited.push((space(t, "notfound", "{externalId: as-gone}").await, "Ready", "False", "NotFound"));
    awaited
}

async fn space(t: &Test, name: &str, spec: &str) -> Handle {
    t.apply(&format!("{{kind: AgentSpace, metadata: {{name: {name}}}, spec: {spec}}}")).await
}

/// What others have made, own, or don't share.
async fn spaces(t: &Test, other: &str) -> Vec<Awaited> {
    t.invoke("CreateAgentSpace", json!({"name": "alreadyexists"})).await;
    let tags = json!({"devopsagent.dev/cluster": "elsewhere", "devopsagent.dev/namespace": "team",
        "devopsagent.dev/name": "theirs", "devopsagent.dev/uid": "1"});
    let theirs = t.invoke("CreateAgentSpace", json!({"name": "theirs", "tags": tags})).await;
    let theirs = text(&theirs, "/agentSpace/agentSpaceId");
    // What waits for it tells of its state.
    t.handle("AgentSpace", "accessdenied").condition("Ready", "False", "AccessDenied").await;
    let mine = text(&t.handle("AgentSpace", "space").get().await, "/status/id").to_owned();
    let shared = format!("{{kind: AgentSpace, metadata: {{name: shared, namespace: {other}}}, spec: {{}}}}");
    t.apply(&shared).await.ready().await;
    let observed = format!("{{managementPolicy: Observe, externalId: {mine}, name: Payments}}");
    let paused = "{kind: AgentSpace, metadata: {name: paused, annotations: {devopsagent.dev/paused: 'true'}}, spec: {}}";
    let orphan = "{kind: Trigger, metadata: {name: orphan}, spec: {agentSpaceRef: {name: nowhere}, schedule: {expression: rate(1 day)},
                   action: {actionType: 'create:task', task: {agent: 'custom:x'}}}}";
    let not_kept = "{kind: Asset, metadata: {name: notconverging}, spec: {agentSpaceRef: {name: space}, assetType: attachment,
                     metadata: {filename: a.pdf, extension: pdf, size: 1, status: INACTIVE}, content: {files: [{path: a.pdf, text: x}]}}}";
    t.apply(paused)
        .await
        .wait("it is paused", |object| text(object, "/status/summary").starts_with("Paused"))
        .await;
    vec![
        (
            space(t, "approvalrequired", "{changePolicy: OnApproval}").await,
            "Synced",
            "False",
            "ApprovalRequired",
        ),
        (space(t, "alreadyexists", "{}").await, "Stalled", "True", "AlreadyExists"),
        (space(t, "conflict", &format!("{{externalId: {theirs}}}")).await, "Stalled", "True", "Conflict"),
        (space(t, "observed", &observed).await, "Synced", "False", "Drifted"),
        (t.apply(orphan).await, "Ready", "False", "DependencyNotFound"),
        (
            source(t, "referencenotallowed", &format!("shared, namespace: {other}")).await,
            "Ready",
            "False",
            "ReferenceNotAllowed",
        ),
        (source(t, "dependencynotready", "accessdenied").await, "Ready", "False", "DependencyNotReady"),
        (t.apply(not_kept).await, "Stalled", "True", "NotConverging"),
    ]
}

/// An association in a space.
async fn source(t: &Test, name: &str, space: &str) -> Handle {
    let configuration =
        "{sourceAws: {accountId: '210987654321', assumableRoleArn: 'arn:aws:iam::210987654321:role/Agent'}}";
    t.apply(&format!(
        "{{kind: Association, metadata: {{name: {name}}}, spec: {{agentSpaceRef: {{name: {space}}}, configuration: {configuration}}}}}"
    ))
    .await
}

/// Values that are missing or can't be used, and a registration that a person has to complete.
async fn inputs(t: &Test) -> Vec<Awaited> {
    t.secret("broken", &[("token", "glpat-1\n")]).await;
    let gitlab = |name: &str, secret: &str| {
        let named = GITLAB.replace("metadata: {name: gitlab}", &format!("metadata: {{name: {name}}}"));
        named.replace("name: credentials", &format!("name: {secret}"))
    };
    let server = "{name: runbooks, endpoint: 'https://mcp.example.com/mcp', authorizationConfig: {authorizationDiscovery:
                   {returnToEndpoint: 'https://us-east-1.console.aws.amazon.com/aidevops'}}}";
    let runbooks = format!(
        "{{kind: ServiceRegistration, metadata: {{name: runbooks}}, spec: {{service: {{mcpserver: {server}}}}}}}"
    );
    let runbooks = t.apply(&runbooks).await;
    runbooks.condition("Ready", "False", "AuthorizationRequired").await;
    let user = "{kind: Association, metadata: {name: runbooks}, spec: {agentSpaceRef: {name: space}, serviceRef: {name: runbooks},
                 configuration: {mcpserver: {tools: []}}}}";
    vec![
        (t.apply(&gitlab("inputnotfound", "nowhere")).await, "Ready", "False", "InputNotFound"),
        (t.apply(&gitlab("inputinvalid", "broken")).await, "Ready", "False", "InputInvalid"),
        (runbooks, "Ready", "False", "AuthorizationRequired"),
        (t.apply(user).await, "Ready", "False", "AuthorizationRequired"),
    ]
}

/// Webhooks whose Secret is lost, another's, or can't be written.
async fn webhooks(t: &Test) -> Vec<Awaited> {
    t.handle("Secret", "events-webhook").delete_and_wait().await;
    t.secret("taken", &[("url", "precious")]).await;
    quota_of_secrets(t, 9).await;
    nobody_answers_for(t, "unreachable").await;
    let project = |name: &str, id: &str, secret: &str| {
        let named = PROJECT.replace("metadata: {name: project}", &format!("metadata: {{name: {name}}}"));
        format!("{}  webhook: {{secretName: {secret}}}\n", named.replace("\"42\"", &format!("\"{id}\"")))
    };
    vec![
        (t.handle("Association", "events"), "WebhookReady", "False", "WebhookSecretLost"),
        (t.apply(&project("secretnotours", "43", "taken")).await, "Ready", "False", "SecretNotOurs"),
        (t.apply(&project("secretrefused", "44", "one-more")).await, "Ready", "False", "SecretRefused"),
        (
            t.apply(&project("kuberneteserror", "45", "unreachable")).await,
            "Ready",
            "False",
            "KubernetesError",
        ),
    ]
}

/// The API server asks a webhook about this Secret that doesn't answer.
async fn nobody_answers_for(t: &Test, secret: &str) {
    let rule = json!({"apiGroups": [""], "apiVersions": ["v1"], "resources": ["secrets"], "operations": ["CREATE", "UPDATE"]});
    let webhook = json!({
        "name": "secrets.policy.example.com",
        "clientConfig": {"url": "https://127.0.0.1:1/"},
        "rules": [rule],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": t.namespace}},
        "matchConditions": [{"name": "one", "expression": format!("object.metadata.name == '{secret}'")}],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 1,
    });
    let configuration = json!({"metadata": {"name": t.namespace}, "webhooks": [webhook]});
    let configuration = serde_json::from_value(configuration).expect("it is well formed");
    let api = Api::<ValidatingWebhookConfiguration>::all(t.shared.client.clone());
    api.create(&PostParams::default(), &configuration).await.expect("it can be made");
    let named = json!({"kind": "Secret", "metadata": {"name": secret}});
    wait_until("the webhook is asked", async || {
        let refused = t.try_apply(&named.to_string()).await.err()?;
        refused.to_string().contains("webhook").then_some(())
    })
    .await;
}

/// What has to be there before something happens to it.
struct Slow {
    deleting: Handle,
    in_transition: Handle,
    failed: Handle,
    moved: Handle,
    blocked: Handle,
}

/// An account that no test has.
const ELSEWHERE: &str = "999988887777";

fn moved(t: &Test) -> String {
    format!("{}-moved", t.namespace)
}

/// The AWSAccount is of this account from now on.
async fn in_account(t: &Test, account: &str) {
    let role = json!({"roleArn": format!("arn:aws:iam::{account}:role/test")});
    t.handle("AWSAccount", &moved(t)).patch(json!({"spec": {"assumeRole": role}})).await;
}

async fn slow_ones(t: &Test) -> Slow {
    let account =
        t.account_yaml().replace(&format!("name: {},", t.namespace), &format!("name: {},", moved(t)));
    t.apply(&account).await;
    let connection =
        |name: &str| CONNECTION.replace("metadata: {name: internal}", &format!("metadata: {{name: {name}}}"));
    Slow {
        deleting: t.apply(&connection("deleting")).await,
        in_transition: t.apply(&connection("intransition")).await,
        failed: t.apply(&connection("failed").replace("grafana.internal", "unreachable")).await,
        moved: space(t, "accountchanged", &format!("{{accountRef: {{name: {}}}}}", moved(t))).await,
        blocked: space(t, "deletionblocked", "{}").await,
    }
}

/// Goes on with what is there by now.
async fn come_up(t: &Test, slow: Slow) -> Vec<Awaited> {
    let Slow { deleting, in_transition, failed, moved: space, blocked } = slow;
    for object in [&deleting, &in_transition, &space, &blocked] {
        object.ready().await;
    }
    let until_never = |status: &str| json!({"status": status, "settlesAt": "2099-01-01T00:00:00Z"});
    t.mutate("privateConnection", "deleting", until_never("DELETE_IN_PROGRESS")).await;
    deleting.delete().await;
    t.mutate("privateConnection", "intransition", until_never("CREATE_IN_PROGRESS")).await;
    in_transition.request().await;
    in_account(t, ELSEWHERE).await;
    space.request().await;
    source(t, "user", "deletionblocked").await.ready().await;
    blocked.delete().await;
    vec![
        (deleting, "Ready", "False", "Deleting"),
        (in_transition, "Ready", "False", "InTransition"),
        (failed, "Stalled", "True", "Failed"),
        (space, "Stalled", "True", "AccountChanged"),
        (blocked, "Ready", "False", "DeletionBlocked"),
    ]
}

/// What doesn't stay as it is for long comes last: a connection of which AWS says nothing after it has made it, and one
/// of which it says nothing that can be read.
async fn in_mid_air(t: &Test) {
    let describe = |name: &str, effect: &str, nth: u32| {
        t.fault(json!({"operation": "DescribePrivateConnection", "resource": name, "effect": effect, "nth": nth, "times": 0}));
    };
    describe("unexpected", "garble", 1);
    t.fault(json!({"operation": "GetOperatorApp", "effect": "hang", "times": 0}));
    let connection =
        |name: &str| CONNECTION.replace("metadata: {name: internal}", &format!("metadata: {{name: {name}}}"));
    let unexpected = t.apply(&connection("unexpected")).await;
    let progressing = t
        .apply("{kind: AgentSpace, metadata: {name: progressing}, spec: {operatorApp: {iam: {roleArn: 'arn:aws:iam::123456789012:role/App'}}}}")
        .await;
    unexpected.condition("Ready", "False", "Unexpected").await;
    progressing.condition("Ready", "False", "Progressing").await;
}
