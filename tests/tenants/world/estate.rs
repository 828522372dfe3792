//! What the victim has: one of each kind, with things worth stealing.

use devops_agent_test_support::fixtures::{AGENT, TRIGGER};

use super::Person;
use crate::harness::Handle;

/// A space named `Payments` in AWS.
pub const SPACE: &str = "{kind: AgentSpace, metadata: {name: pay}, spec: {name: Payments}}";

/// A private connection, whose name in AWS is `paydb`.
pub const CONNECTION: &str = "
kind: PrivateConnection
metadata: {name: paydb}
spec:
  mode:
    serviceManaged:
      hostAddress: paydb.victim.example.com
      vpcId: vpc-0000victim0000000
      subnetIds: [subnet-0000victim0000000]
";

/// A registration with a token, through the private connection.
pub const CATALOG: &str = "
kind: ServiceRegistration
metadata: {name: cat}
spec:
  name: Catalog
  privateConnectionRef: {name: paydb}
  service:
    mcpserver:
      name: catalog
      endpoint: https://catalog.victim.example.com/mcp
      authorizationConfig:
        bearerToken: {tokenName: t, tokenValue: {secretKeyRef: {name: token, key: token}}}
";

/// The victim's token.
pub const TOKEN: &str = "victims-token-1";

/// What nobody else may read.
pub const SECRETS: &[&str] = &[TOKEN, "paydb.victim.example.com", "vpc-0000victim0000000"];

const USE: &str = "
kind: Association
metadata: {name: cat}
spec:
  agentSpaceRef: {name: pay}
  serviceRef: {name: cat}
  configuration: {mcpserver: {tools: [find_service]}}
";

/// Makes all of it, and waits until it is Ready.
pub async fn estate(owner: &Person<'_>) -> Vec<Handle> {
    made(owner, str::to_owned).await
}

/// The same objects with other names in AWS: for who has a share of her own and wants another's.
pub async fn estate_of_another(owner: &Person<'_>) -> Vec<Handle> {
    let other = |yaml: &str| {
        yaml.replace("name: Payments", "name: Mallorys")
            .replace("name: Catalog", "name: Mallorys")
            .replace("name: catalog", "name: mallorys")
            .replace("victim.example.com", "mallory.example.com")
            .replace("spec:\n  mode:", "spec:\n  name: mallorys\n  mode:")
    };
    made(owner, other).await
}

async fn made(owner: &Person<'_>, form: impl Fn(&str) -> String) -> Vec<Handle> {
    owner.secret("token", &[("token", TOKEN)]).await;
    let mut made = Vec::new();
    let [agent, trigger] = [AGENT, TRIGGER].map(|yaml| yaml.replace("{name: space}", "{name: pay}"));
    for yaml in [SPACE, CONNECTION, CATALOG, USE, &agent, &trigger] {
        made.push(owner.apply(&form(yaml)).await);
    }
    for object in &made {
        object.ready().await;
    }
    made
}
