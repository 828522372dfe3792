//! A namespace as a team would have it: every kind, and what refers to what.

use crate::fixtures::{
    AGENT, CHANNEL, CONNECTION, EVENTS, GITLAB, PROJECT, SOURCE, SPACE, TRIGGER, credentials,
};
use crate::harness::{Handle, Test};

const STAGING: &str = "
kind: Association
metadata: {name: staging}
spec:
  agentSpaceRef: {name: space}
  configuration:
    releaseManagement:
      name: staging
      networkAccess: {privateAccess: {privateConnectionRef: {name: internal}, runtimeRoleArn: 'arn:aws:iam::123456789012:role/Run'}}
";

const SERVER: &str = "
kind: ServiceRegistration
metadata: {name: server}
spec:
  privateConnectionRef: {name: internal}
  service:
    mcpserver:
      name: runbooks
      endpoint: https://mcp.example.com
      authorizationConfig: {bearerToken: {tokenName: t, tokenValue: {secretKeyRef: {name: credentials, key: bearer}}}}
";

const TOOLS: &str = "
kind: Association
metadata: {name: tools}
spec: {agentSpaceRef: {name: space}, serviceRef: {name: server}, configuration: {mcpserver: {tools: [search]}}}
";

const RUNBOOK: &str = "
kind: ConfigMap
metadata: {name: runbook}
data: {SKILL.md: Do this., more.md: And that.}
---
kind: Asset
metadata: {name: runbook}
spec:
  agentSpaceRef: {name: space}
  assetType: skill
  metadata: {name: runbook, description: What to do, agent_types: [GENERIC]}
  content: {configMapRef: {name: runbook}}
";

/// The objects of [`apply`].
pub const OBJECTS: &[(&str, &str)] = &[
    ("AgentSpace", "space"),
    ("PrivateConnection", "internal"),
    ("ServiceRegistration", "channel"),
    ("ServiceRegistration", "gitlab"),
    ("ServiceRegistration", "server"),
    ("Association", "source"),
    ("Association", "events"),
    ("Association", "project"),
    ("Association", "staging"),
    ("Association", "tools"),
    ("Asset", "agent"),
    ("Asset", "runbook"),
    ("Trigger", "weekly"),
];

/// Applies everything, what refers to others first, and waits until everything is Ready.
pub async fn apply(t: &Test) {
    credentials(t).await;
    for yaml in [
        TRIGGER, TOOLS, STAGING, PROJECT, EVENTS, SOURCE, RUNBOOK, AGENT, SERVER, GITLAB, CHANNEL,
        CONNECTION, SPACE,
    ] {
        t.apply(yaml).await;
    }
    ready(t).await;
}

/// Waits until everything is Ready.
pub async fn ready(t: &Test) -> Vec<Handle> {
    let objects: Vec<Handle> = OBJECTS.iter().map(|(kind, name)| t.handle(kind, name)).collect();
    for object in &objects {
        object.ready().await;
    }
    objects
}
