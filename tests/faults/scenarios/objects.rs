//! The objects that scripts apply.

pub use devops_agent_test_support::fixtures::{AGENT, CHANNEL, EVENTS, GITLAB, PROJECT, SOURCE, TRIGGER};

use crate::harness::run::{Outcome, Run};

/// A space.
pub const SPACE: &str = "
kind: AgentSpace
metadata: {name: space}
spec: {description: Shop, tags: {team: shop, stage: test}}
";

/// A space with a sign-in that has a secret.
pub const SPACE_WITH_APP: &str = "
kind: AgentSpace
metadata: {name: space}
spec:
  description: Shop
  tags: {team: shop}
  operatorApp:
    iam: {roleArn: 'arn:aws:iam::123456789012:role/App'}
    idp:
      roleArn: arn:aws:iam::123456789012:role/App
      issuerUrl: https://login.example.com
      clientId: client-1
      clientSecretRef: {name: credentials, key: secret}
      provider: Okta
";

/// A private connection.
pub const CONNECTION: &str = "
kind: PrivateConnection
metadata: {name: internal}
spec:
  tags: {team: shop}
  mode:
    serviceManaged:
      hostAddress: grafana.internal.example.com
      vpcId: vpc-0123456789abcdef0
      subnetIds: [subnet-0123456789abcdef0]
";

/// A skill of several files.
pub const SKILL: &str = "
kind: Asset
metadata: {name: skill}
spec:
  agentSpaceRef: {name: space}
  assetType: skill
  metadata: {name: restart, description: How to restart the shop, agent_types: [GENERIC]}
  content:
    files:
    - {path: SKILL.md, text: Restart what is down.}
    - {path: steps/first.md, text: Look.}
    - {path: steps/second.md, text: Leap.}
";

/// Makes the Secret that the others refer to.
pub async fn credentials(run: &Run) -> Outcome {
    run.secret("credentials", &[("secret", "client-secret"), ("token", "glpat-first")]).await
}

/// Makes the space, and waits until it is Ready.
pub async fn space(run: &Run) -> Outcome {
    run.apply(SPACE).await?;
    run.ready("AgentSpace", "space").await
}

/// Makes the space and the GitLab registration.
pub async fn gitlab(run: &Run) -> Outcome {
    credentials(run).await?;
    run.apply(SPACE).await?;
    run.apply(GITLAB).await?;
    run.ready("AgentSpace", "space").await?;
    run.ready("ServiceRegistration", "gitlab").await
}

/// Makes the space, the GitLab registration, and a project of it.
pub async fn project(run: &Run) -> Outcome {
    run.expect(|it| {
        it.remotes = [("agentSpaces", 1), ("services", 1), ("associations", 1)].into();
        it.webhooks = 1;
    });
    credentials(run).await?;
    run.apply(SPACE).await?;
    run.apply(GITLAB).await?;
    run.apply(PROJECT).await?;
    run.ready("Association", "project").await?;
    run.ready("ServiceRegistration", "gitlab").await?;
    run.ready("AgentSpace", "space").await
}

/// Makes one of every kind, in the worst order, and waits until all is Ready.
pub async fn everything(run: &Run) -> Outcome {
    run.expect(|it| {
        it.remotes = [
            ("agentSpaces", 1),
            ("services", 1),
            ("associations", 1),
            ("privateConnections", 1),
            ("assets", 1),
            ("triggers", 1),
        ]
        .into();
        it.webhooks = 1;
    });
    credentials(run).await?;
    all_of(run, &[TRIGGER, AGENT, PROJECT, GITLAB, CONNECTION, SPACE]).await
}

/// Makes the event channel, which there is one of in an account, an association that needs no service, and an asset of
/// several files.
pub async fn others(run: &Run) -> Outcome {
    run.expect(|it| {
        it.remotes = [("agentSpaces", 1), ("services", 1), ("associations", 2), ("assets", 1)].into();
        it.webhooks = 1;
    });
    all_of(run, &[SKILL, EVENTS, SOURCE, CHANNEL, SPACE]).await
}

async fn all_of(run: &Run, objects: &[&str]) -> Outcome {
    for object in objects {
        run.apply(object).await?;
    }
    for (kind, name) in run.objects() {
        run.ready(kind, &name).await?;
    }
    Ok(())
}

/// The same object, which adopts what exists.
pub fn adopting(object: &str) -> String {
    let adopt = "adoptionPolicy: Adopt";
    object
        .replace("spec: {", &format!("spec: {{{adopt}, "))
        .replace("spec:\n", &format!("spec:\n  {adopt}\n"))
}
