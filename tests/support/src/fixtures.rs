//! YAML that several tests start from. Every test has its own namespace, so names can be plain.

mod account;
mod configurations;
mod services;

pub use self::account::{Filled, Served, fill};
pub use self::configurations::CONFIGURATIONS;
pub use self::services::{INTERACTIVE, service, services};

use serde_json::{Value, json};

use crate::object::{Handle, text};
use crate::wait::wait_until;
use crate::world::World;

/// A space named `space`.
pub const SPACE: &str = "{kind: AgentSpace, metadata: {name: space}, spec: {}}";

/// A space named `space` whose AWS accounts are those of an organization.
pub const ORGANIZATION: &str =
    "{kind: AgentSpace, metadata: {name: space}, spec: {awsSourceMode: organization}}";

/// The values that [`service`] refers to, in a Secret named `credentials`.
pub const CREDENTIALS: &[(&str, &str)] = &[
    ("token", "glpat-first.token_1"),
    ("secret", "client-secret-1"),
    ("key", "api key 1"),
    ("bearer", "bearer-1"),
    ("newrelic", "NRAK-FIRST1"),
    ("parameter", "parameter-1"),
    ("header", "header 1"),
];

/// The event channel of the account: registered, and with a webhook for each association.
pub const CHANNEL: &str = "
kind: ServiceRegistration
metadata: {name: channel}
spec: {service: {eventChannel: {type: webhook}}}
";

/// The event channel in the space: an association with a webhook.
pub const EVENTS: &str = "
kind: Association
metadata: {name: events}
spec:
  agentSpaceRef: {name: space}
  serviceRef: {name: channel}
  configuration: {eventChannel: {}}
";

/// An AWS account in the space: an association that needs no service.
pub const SOURCE: &str = "
kind: Association
metadata: {name: source}
spec:
  agentSpaceRef: {name: space}
  configuration:
    sourceAws:
      accountId: \"210987654321\"
      assumableRoleArn: arn:aws:iam::210987654321:role/Agent
";

/// A GitLab registration whose token is in the Secret `credentials`.
pub const GITLAB: &str = "
kind: ServiceRegistration
metadata: {name: gitlab}
spec:
  name: GitLab
  service:
    gitlab:
      targetUrl: https://gitlab.example.com
      tokenType: personal
      tokenValue: {secretKeyRef: {name: credentials, key: token}}
";

/// A project of the GitLab registration in the space: an association with a webhook.
pub const PROJECT: &str = "
kind: Association
metadata: {name: project}
spec:
  agentSpaceRef: {name: space}
  serviceRef: {name: gitlab}
  configuration: {gitlab: {projectId: \"42\", projectPath: shop/checkout}}
";

/// A private connection.
pub const CONNECTION: &str = "
kind: PrivateConnection
metadata: {name: internal}
spec:
  mode:
    serviceManaged:
      hostAddress: grafana.internal.example.com
      vpcId: vpc-0123456789abcdef0
      subnetIds: [subnet-0123456789abcdef0]
";

/// A custom agent, which triggers start.
pub const AGENT: &str = "
kind: Asset
metadata: {name: agent}
spec:
  agentSpaceRef: {name: space}
  assetType: custom_agent
  metadata: {name: weekly-report}
  content: {files: [{path: AGENT.md, text: Report what happened this week.}]}
";

/// A weekly trigger of the custom agent.
pub const TRIGGER: &str = "
kind: Trigger
metadata: {name: weekly}
spec:
  agentSpaceRef: {name: space}
  assetRef: {name: agent}
  schedule: {expression: cron(0 9 ? * MON *)}
";

/// Makes the Secret `credentials`.
pub async fn credentials(t: &World) {
    t.secret("credentials", CREDENTIALS).await;
}

/// Makes the space and the event channel, associates them, and waits until all is Ready.
pub async fn events(t: &World) -> Handle {
    t.apply(SPACE).await;
    t.apply(CHANNEL).await;
    let events = t.apply(EVENTS).await;
    events.ready().await;
    events
}

/// Makes the space, the GitLab registration and a project of it, and waits until all is Ready.
pub async fn project(t: &World) -> Handle {
    credentials(t).await;
    t.apply(SPACE).await;
    t.apply(GITLAB).await;
    let project = t.apply(PROJECT).await;
    project.ready().await;
    project
}

/// Makes another GitLab registration, `second`, and gives its service id.
pub async fn second_gitlab(t: &World) -> String {
    let second = GITLAB
        .replace("metadata: {name: gitlab}", "metadata: {name: second}")
        .replace("name: GitLab", "name: Second");
    text(&t.apply(&second).await.ready().await, "/status/id").to_owned()
}

/// A space that someone else created, and that the object `space` only refers to.
pub async fn foreign_space(t: &World) -> String {
    let made = t.invoke("CreateAgentSpace", serde_json::json!({"name": "Theirs"})).await;
    let id = text(&made, "/agentSpace/agentSpaceId").to_owned();
    let spec = format!("{{managementPolicy: Observe, externalId: '{id}'}}");
    t.apply(&format!("{{kind: AgentSpace, metadata: {{name: space}}, spec: {spec}}}")).await.ready().await;
    id
}

/// A quota on the Secrets of the namespace that is used up by this many; once it is in force.
pub async fn quota_of_secrets(t: &World, most: usize) -> Handle {
    let hard = json!({"count/secrets": most.to_string()});
    let quota = json!({"kind": "ResourceQuota", "metadata": {"name": "team"}, "spec": {"hard": hard}});
    let quota = t.apply(&quota.to_string()).await;
    // The test's cluster doesn't count: the usage must be set.
    quota.patch_status(json!({"hard": hard, "used": hard})).await;
    let mut tries = 0..;
    wait_until("the quota is in force", async || {
        let name = tries.next().map(|number| format!("try-{number}"))?;
        let secret = json!({"kind": "Secret", "metadata": {"name": name}});
        t.try_apply(&secret.to_string()).await.is_err().then_some(())
    })
    .await;
    quota
}

/// The event channel in the space, associated by someone else; AWS's response. The space and the channel are ours.
pub async fn events_by_hand(t: &World) -> Value {
    t.apply(SPACE).await;
    t.apply(CHANNEL).await.ready().await;
    let space = t.handle("AgentSpace", "space").id().await;
    let service = t.handle("ServiceRegistration", "channel").id().await;
    let configuration = serde_json::json!({"eventChannel": {}});
    let input =
        serde_json::json!({"agentSpaceId": space, "serviceId": service, "configuration": configuration});
    t.invoke("AssociateService", input).await
}

/// `yaml` for the existing resource `id`.
pub fn by_id(yaml: &str, id: &str) -> String {
    yaml.replace("spec:\n", &format!("spec:\n  externalId: '{id}'\n"))
}

/// `value` with the values of the Secret `credentials` in place of references to them: what must reach AWS.
pub fn filled(mut value: Value) -> Value {
    let key = value.pointer("/secretKeyRef/key").and_then(Value::as_str);
    if let Some((_, text)) = CREDENTIALS.iter().find(|(name, _)| Some(*name) == key) {
        return Value::from(*text);
    }
    match &mut value {
        Value::Object(members) => members.values_mut().for_each(|member| *member = filled(member.take())),
        Value::Array(items) => items.iter_mut().for_each(|item| *item = filled(item.take())),
        _ => {}
    }
    value
}

/// YAML as JSON.
pub fn json_of(yaml: &str) -> Value {
    serde_saphyr::from_str(yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"))
}
