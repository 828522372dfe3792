//! A different spelling by the service isn't a difference: values are compared by the standard of their type.

use serde_json::json;

use crate::fixtures::{AGENT, CONNECTION, SPACE, TRIGGER, credentials, json_of};
use crate::harness::{run, text};

/// Objects, the simulator's names for their remotes, and what is returned of them in another spelling.
const CASES: &[(&str, &str, &str)] = &[
    (
        "{kind: ServiceRegistration, metadata: {name: azure}, spec: {name: Azure, service: {azureidentity: {
            tenantId: 8B1C7F52-0D3E-4A69-9F17-5E2D4C6B8A90, clientId: C4D2A1B0-9E8F-4756-B3A2-1F0E9D8C7B6A,
            webIdentityRoleArn: 'arn:aws:iam::123456789012:role/R', webIdentityTokenAudiences: ['api://b', 'api://a']}}}}",
        "service",
        "{additionalServiceDetails: {azureidentity: {tenantId: 8b1c7f52-0d3e-4a69-9f17-5e2d4c6b8a90,
            clientId: c4d2a1b0-9e8f-4756-b3a2-1f0e9d8c7b6a, webIdentityTokenAudiences: ['api://a', 'api://b']}}}",
    ),
    (
        "{kind: ServiceRegistration, metadata: {name: runbooks}, spec: {service: {mcpserver: {name: runbooks,
            endpoint: 'https://MCP.example.com', authorizationConfig: {apiKey: {apiKeyName: k, apiKeyHeader: X-API-Key,
            apiKeyValue: {secretKeyRef: {name: credentials, key: key}}}}}}}}",
        "service",
        "{additionalServiceDetails: {mcpserver: {endpoint: 'https://mcp.example.com:443/', apiKeyHeader: x-api-key}}}",
    ),
    (
        "{kind: ServiceRegistration, metadata: {name: git}, spec: {name: Git, service: {gitlab: {targetUrl: 'https://Git.example.com/',
            tokenType: personal, tokenValue: {secretKeyRef: {name: credentials, key: token}}}}}}",
        "service",
        "{additionalServiceDetails: {gitlab: {targetUrl: 'https://git.example.com'}}}",
    ),
    (CONNECTION, "privateConnection", "{mode: {serviceManaged: {hostAddress: Grafana.Internal.Example.COM}}}"),
    (
        "{kind: Association, metadata: {name: azure-subscription}, spec: {agentSpaceRef: {name: space}, serviceRef: {name: azure},
            configuration: {azure: {subscriptionId: 0A1B2C3D-4E5F-4A69-9F17-5E2D4C6B8A90}}}}",
        "association",
        "{configuration: {azure: {subscriptionId: 0a1b2c3d-4e5f-4a69-9f17-5e2d4c6b8a90}}}",
    ),
    (TRIGGER, "trigger", "{action: {priority: LOW, task: {timeoutMinutes: 30}}}"),
    (SPACE, "agentSpace", "{locale: EN-us}"),
];

#[test]
fn what_the_service_spells_otherwise_is_no_difference() {
    run(async |t| {
        credentials(t).await;
        t.apply(SPACE).await;
        t.handle("AgentSpace", "space").patch(json!({"spec": {"locale": "en-US"}})).await;
        t.apply(AGENT).await.ready().await;
        let mut made = Vec::new();
        for (yaml, remote, set) in CASES {
            let object = if *yaml == SPACE { t.handle("AgentSpace", "space") } else { t.apply(yaml).await };
            let id = text(&object.ready().await, "/status/id").to_owned();
            made.push((object, *remote, id, json_of(set)));
        }
        let mark = t.mark();
        for (object, remote, id, set) in &made {
            t.mutate(remote, id, set.clone()).await;
            object.reconcile().await;
            assert_eq!(text(&object.ready().await, "/status/id"), id);
            assert_eq!(t.mutations_since(mark), Vec::<String>::new(), "{remote}: {set}");
        }
        // Found again in the other spelling, too.
        for (object, _, id, _) in &made {
            object.lose_status().await;
            object.request().await;
            object.wait("it is found again", |object| text(object, "/status/id") == id).await;
            object.ready().await;
        }
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
    });
}
