//! YAML that several tests start from. Every test has its own namespace, so names can be plain.

use serde_json::Value;

use crate::harness::{Handle, Test, text};

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
pub async fn credentials(t: &Test) {
    t.secret("credentials", CREDENTIALS).await;
}

/// Makes the space and the event channel, associates them, and waits until all is Ready.
pub async fn events(t: &Test) -> Handle {
    t.apply(SPACE).await;
    t.apply(CHANNEL).await;
    let events = t.apply(EVENTS).await;
    events.ready().await;
    events
}

/// Makes the space, the GitLab registration and a project of it, and waits until all is Ready.
pub async fn project(t: &Test) -> Handle {
    credentials(t).await;
    t.apply(SPACE).await;
    t.apply(GITLAB).await;
    let project = t.apply(PROJECT).await;
    project.ready().await;
    project
}

/// Makes another GitLab registration, `second`, and gives its service id.
pub async fn second_gitlab(t: &Test) -> String {
    let second = GITLAB
        .replace("metadata: {name: gitlab}", "metadata: {name: second}")
        .replace("name: GitLab", "name: Second");
    text(&t.apply(&second).await.ready().await, "/status/id").to_owned()
}

/// A space that someone else created, and that the object `space` only refers to.
pub async fn foreign_space(t: &Test) -> String {
    let made = t.invoke("CreateAgentSpace", serde_json::json!({"name": "Theirs"})).await;
    let id = text(&made, "/agentSpace/agentSpaceId").to_owned();
    let spec = format!("{{managementPolicy: Observe, externalId: '{id}'}}");
    t.apply(&format!("{{kind: AgentSpace, metadata: {{name: space}}, spec: {spec}}}")).await.ready().await;
    id
}

/// The event channel in the space, associated by someone else; AWS's response. The space and the channel are ours.
pub async fn events_by_hand(t: &Test) -> Value {
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

/// The service blocks of all types that can be registered: (type, form, YAML). The credentials are in
/// [`CREDENTIALS`].
pub fn services() -> Vec<(&'static str, &'static str, String)> {
    let mut all: Vec<_> =
        SERVICES.iter().map(|(kind, form, yaml)| (*kind, *form, (*yaml).to_owned())).collect();
    for (kind, forms) in [
        ("mcpserver", MCP),
        ("mcpservergrafana", MCP),
        ("mcpserversplunk", MCP),
        ("remoteagent", REMOTE_AGENT),
    ] {
        all.extend(AUTHORIZATIONS.iter().filter(|(form, _)| forms.contains(form)).map(|(form, yaml)| {
            let server = "name: runbooks, endpoint: 'https://mcp.example.com/mcp', description: Our runbooks";
            (kind, *form, format!("{{{kind}: {{{server}, authorizationConfig: {{{form}: {yaml}}}}}}}"))
        }));
    }
    all
}

/// A service block of a type.
pub fn service(kind: &str) -> String {
    let found = services().into_iter().find(|(known, form, _)| *known == kind && !INTERACTIVE.contains(form));
    let any = || services().into_iter().find(|(known, ..)| *known == kind);
    found.or_else(any).map_or_else(|| panic!("no service of the type {kind}"), |(.., yaml)| yaml)
}

/// The forms of authorization that a person must complete.
pub const INTERACTIVE: &[&str] = &["oAuth3LO", "authorizationDiscovery"];

const MCP: &[&str] = &[
    "oAuthClientCredentials",
    "oAuth3LO",
    "apiKey",
    "bearerToken",
    "customHeaders",
    "authorizationDiscovery",
];
const REMOTE_AGENT: &[&str] = &["oAuthClientCredentials", "apiKey", "bearerToken"];

const AUTHORIZATIONS: &[(&str, &str)] = &[
    (
        "oAuthClientCredentials",
        "{clientName: Agent, clientId: 'client 1', clientSecret: {secretKeyRef: {name: credentials, key: secret}},
          exchangeUrl: 'https://login.example.com/token', scopes: [read, 'tools:call'],
          exchangeParameters: {audience: {secretKeyRef: {name: credentials, key: parameter}}}}",
    ),
    (
        "oAuth3LO",
        "{clientName: Agent, clientId: client-1, clientSecret: {secretKeyRef: {name: credentials, key: secret}},
          returnToEndpoint: 'https://us-east-1.console.aws.amazon.com/aidevops', supportCodeChallenge: true,
          authorizationUrl: 'https://login.example.com/authorize', exchangeUrl: 'https://login.example.com/token',
          scopes: [read], exchangeParameters: {audience: {secretKeyRef: {name: credentials, key: parameter}}}}",
    ),
    (
        "apiKey",
        "{apiKeyName: agent key, apiKeyValue: {secretKeyRef: {name: credentials, key: key}}, apiKeyHeader: X-API-Key}",
    ),
    (
        "bearerToken",
        "{tokenName: agent token, tokenValue: {secretKeyRef: {name: credentials, key: bearer}}, authorizationHeader: X-Auth}",
    ),
    (
        "customHeaders",
        "{headers: {X-One: {secretKeyRef: {name: credentials, key: header}}, X-Two: {secretKeyRef: {name: credentials, key: key}}}}",
    ),
    ("authorizationDiscovery", "{returnToEndpoint: 'https://us-east-1.console.aws.amazon.com/aidevops'}"),
];

const SERVICES: &[(&str, &str, &str)] = &[
    (
        "dynatrace",
        "oAuthClientCredentials",
        "{dynatrace: {accountUrn: 'urn:dtaccount:01234567-89ab-cdef-0123-456789abcdef', authorizationConfig: {oAuthClientCredentials:
          {clientName: Agent, clientId: dt0s02.A, clientSecret: {secretKeyRef: {name: credentials, key: secret}},
           exchangeParameters: {resource: {secretKeyRef: {name: credentials, key: parameter}}}}}}}",
    ),
    ("dynatrace", "none", "{dynatrace: {accountUrn: 'urn:dtaccount:01234567-89ab-cdef-0123-456789abcdef'}}"),
    (
        "servicenow",
        "oAuthClientCredentials",
        "{servicenow: {instanceUrl: 'https://example.service-now.com', authorizationConfig: {oAuthClientCredentials:
          {clientId: client-1, clientSecret: {secretKeyRef: {name: credentials, key: secret}}}}}}",
    ),
    ("servicenow", "none", "{servicenow: {instanceUrl: 'https://example.service-now.com'}}"),
    (
        "pagerduty",
        "oAuthClientCredentials",
        "{pagerduty: {scopes: [incidents.read, services.read], authorizationConfig: {oAuthClientCredentials:
          {clientName: Agent, clientId: client-1, clientSecret: {secretKeyRef: {name: credentials, key: secret}}}}}}",
    ),
    (
        "gitlab",
        "personal",
        "{gitlab: {targetUrl: 'https://gitlab.com', tokenType: personal, tokenValue: {secretKeyRef: {name: credentials, key: token}}}}",
    ),
    (
        "gitlab",
        "group",
        "{gitlab: {targetUrl: 'https://gitlab.example.com:8443/', tokenType: group, groupId: '7',
          tokenValue: {secretKeyRef: {name: credentials, key: token}}}}",
    ),
    ("eventChannel", "webhook", "{eventChannel: {type: webhook}}"),
    (
        "mcpservernewrelic",
        "apiKey",
        "{mcpservernewrelic: {authorizationConfig: {apiKey: {apiKey: {secretKeyRef: {name: credentials, key: newrelic}},
          accountId: '1234567', region: EU, applicationIds: ['1', '2'], entityGuids: [MXxBUE0, 'a.b-c_d'], alertPolicyIds: ['9']}}}}",
    ),
    (
        "mcpserverdatadog",
        "authorizationDiscovery",
        "{mcpserverdatadog: {name: datadog, endpoint: 'https://mcp.datadoghq.eu/api/mcp', description: Datadog EU,
          authorizationConfig: {authorizationDiscovery: {returnToEndpoint: 'https://eu-central-1.console.aws.amazon.com/aidevops'}}}}",
    ),
    (
        "mcpserversigv4",
        "mcpRoleArn",
        "{mcpserversigv4: {name: gateway, endpoint: 'https://abc.execute-api.us-east-1.amazonaws.com/mcp', description: Our gateway,
          authorizationConfig: {region: us-east-1, service: execute-api, mcpRoleArn: 'arn:aws:iam::123456789012:role/Mcp',
          customHeaders: {X-Tenant: {secretKeyRef: {name: credentials, key: header}}}}}}",
    ),
    (
        "mcpserversigv4",
        "roleArn",
        "{mcpserversigv4: {name: gateway, endpoint: 'https://abc.execute-api.us-east-1.amazonaws.com/mcp',
          authorizationConfig: {region: '*', service: bedrock-agentcore, roleArn: 'arn:aws:iam::123456789012:role/Old'}}}",
    ),
    (
        "azureidentity",
        "webIdentity",
        "{azureidentity: {tenantId: 01234567-89ab-cdef-0123-456789abcdef, clientId: fedcba98-7654-3210-fedc-ba9876543210,
          webIdentityRoleArn: 'arn:aws:iam::123456789012:role/Azure', webIdentityTokenAudiences: ['api://AzureADTokenExchange']}}",
    ),
    (
        "remoteagentsigv4",
        "roleArn",
        "{remoteagentsigv4: {name: reviewer, endpoint: 'https://agents.example.com/a2a', description: Reviews changes,
          authorizationConfig: {region: eu-central-1, service: bedrock-agentcore, roleArn: 'arn:aws:iam::123456789012:role/Agent'}}}",
    ),
    (
        "remoteagentsigv4",
        "none",
        "{remoteagentsigv4: {name: reviewer, endpoint: 'https://agents.example.com:8443/a2a',
          authorizationConfig: {region: '*', service: lambda}}}",
    ),
];
