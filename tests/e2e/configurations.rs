//! Every configuration of an association: applied, Ready, in AWS exactly as written, its webhook in use, and gone
//! again.

use devops_agent_operator::api::association::Configuration;

use serde_json::{Value, json};

use crate::fixtures::{CONNECTION, ORGANIZATION, SPACE, credentials, json_of, service};
use crate::harness::{Test, run, text, webhook};

/// One configuration.
struct Row {
    /// The configuration and what it says.
    configuration: &'static str,
    /// The `service` or `existing` block of the registration that it is for.
    service: Option<String>,
    /// Type of the webhook that comes with it.
    webhook: Option<&'static str>,
}

/// A registration that the console made.
fn existing(kind: &str) -> String {
    format!("{{existing: {{match: {{serviceType: {kind}}}}}}}")
}

/// A registration of our own.
fn registered(kind: &str) -> String {
    format!("{{service: {}}}", service(kind))
}

/// A test for each configuration.
macro_rules! round_trips {
    ($($name:ident: $configuration:literal, $service:expr, $webhook:expr;)+) => {
        $(
            #[test]
            fn $name() {
                run(async |t| {
                    let row = Row { configuration: $configuration, service: $service, webhook: $webhook };
                    round_trip(t, &row).await;
                });
            }
        )+

        #[test]
        fn every_configuration_is_among_the_round_trips() {
            let mut keys: Vec<String> = [$($configuration),+]
                .iter()
                .filter_map(|yaml| json_of(yaml).as_object()?.keys().next().cloned())
                .collect();
            keys.sort_unstable();
            keys.dedup();
            let mut all: Vec<&str> = Configuration::KEYS.to_vec();
            all.sort_unstable();
            assert_eq!(keys, all);
        }
    };
}

round_trips! {
    the_monitored_aws_account:
        "{aws: {accountId: '123456789012', accountType: monitor, assumableRoleArn: 'arn:aws:iam::123456789012:role/Agent',
          agentElevatedRoleArn: 'arn:aws:iam::123456789012:role/Elevated', serviceManagementRoleArn: 'arn:aws:iam::210987654321:role/Manage'}}",
        None, None;
    a_further_aws_account:
        "{sourceAws: {accountId: '210987654321', accountType: source, assumableRoleArn: 'arn:aws:iam::210987654321:role/Agent',
          externalId: secret-handshake, agentElevatedRoleArn: 'arn:aws:iam::210987654321:role/Elevated'}}",
        None, None;
    the_accounts_of_an_organization:
        "{sourceAwsOrg: {accountType: source, organizationalUnit: {organizationalUnitId: ou-ab12-c3d4e5f6, accountIds: ['210987654321', '111122223333']}}}",
        None, None;
    a_github_repository:
        "{github: {repoName: shop, repoId: '1', owner: example-org, ownerType: organization, instanceIdentifier: ghes.example.com,
          runtimeRoleArn: 'arn:aws:iam::123456789012:role/Run'}}",
        Some(existing("github")), None;
    a_gitlab_project:
        "{gitlab: {projectId: '42', projectPath: shop/checkout, instanceIdentifier: gitlab.example.com,
          runtimeRoleArn: 'arn:aws:iam::123456789012:role/Run'}}",
        Some(registered("gitlab")), Some("gitlab");
    an_azure_subscription:
        "{azure: {subscriptionId: 01234567-89ab-cdef-0123-456789abcdef}}",
        Some(existing("azure")), None;
    an_azure_subscription_through_an_identity:
        "{azure: {subscriptionId: 01234567-89ab-cdef-0123-456789abcdef}}",
        Some(registered("azureidentity")), None;
    an_azure_devops_project:
        "{azuredevops: {organizationName: example-org, projectId: p-1, projectName: Shop}}",
        Some(existing("azuredevops")), None;
    a_slack_workspace:
        "{slack: {workspaceId: T0EXAMPLE1, workspaceName: example, transmissionTarget: {opsOncallTarget: {channelId: C0123ABCDEF, channelName: incidents},
          opsSRETarget: {channelId: G0123ABCDEF}}, bidirectional: {roleArn: 'arn:aws:iam::123456789012:role/Chat', enabled: true}}}",
        Some(existing("slack")), Some("apikey");
    a_teams_team:
        "{msteams: {teamId: 01234567-89ab-cdef-0123-456789abcdef, teamName: Ops, transmissionTarget: {opsOncallTarget: {channelId: '19:a@thread.tacv2',
          channelName: incidents}, opsSRETarget: {channelId: '19:b@thread.tacv2', channelName: sre}},
          bidirectional: {roleArn: 'arn:aws:iam::123456789012:role/Chat', enabled: false}}}",
        Some(existing("msteams")), None;
    a_teams_team_without_channels:
        "{msteams: {teamId: 01234567-89ab-cdef-0123-456789abcdef, teamName: Ops, transmissionTarget: {}}}",
        Some(existing("msteams")), None;
    pagerduty_services:
        "{pagerduty: {services: [P0ABCDE, P1ABCDE], customerEmail: ops@example.com}}",
        Some(registered("pagerduty")), Some("pagerduty");
    a_servicenow_instance:
        "{servicenow: {instanceId: example, authScopes: [useraccount]}}",
        Some(registered("servicenow")), Some("apikey");
    a_servicenow_instance_without_settings:
        "{servicenow: {}}",
        Some(registered("servicenow")), Some("apikey");
    a_dynatrace_environment:
        "{dynatrace: {envId: abc12345, resources: [SERVICE-1, HOST-2]}}",
        Some(registered("dynatrace")), Some("hmac");
    the_event_channel:
        "{eventChannel: {}}",
        Some(registered("eventChannel")), Some("hmac");
    tools_of_an_mcp_server:
        "{mcpserver: {tools: [search, restart, purge], toolDetails: [{name: search, toolClassification: READ_ONLY},
          {name: restart, toolClassification: MUTATIVE}, {name: purge, toolClassification: DESTRUCTIVE}]}}",
        Some(registered("mcpserver")), Some("hmac");
    no_tools_of_an_mcp_server:
        "{mcpserver: {tools: []}}",
        Some(registered("mcpserver")), Some("hmac");
    tools_of_an_mcp_server_with_signatures:
        "{mcpserversigv4: {tools: [search], toolDetails: [{name: search}]}}",
        Some(registered("mcpserversigv4")), Some("hmac");
    datadog_with_elevated_tools:
        "{mcpserverdatadog: {enabledElevatedTools: [{name: mute_monitor, toolClassification: MUTATIVE}]}}",
        Some(registered("mcpserverdatadog")), Some("apikey");
    grafana_with_tools:
        "{mcpservergrafana: {endpoint: 'https://example.grafana.net', organizationId: '1', tools: [query, list],
          enabledElevatedTools: [{name: silence, toolClassification: MUTATIVE}]}}",
        Some(registered("mcpservergrafana")), Some("apikey");
    a_new_relic_account:
        "{mcpservernewrelic: {accountId: '1234567', endpoint: 'https://mcp.newrelic.com/mcp/'}}",
        Some(registered("mcpservernewrelic")), Some("apikey");
    splunk:
        "{mcpserversplunk: {}}",
        Some(registered("mcpserversplunk")), Some("apikey");
    a_remote_agent:
        "{remoteagent: {}}",
        Some(registered("remoteagent")), None;
    a_remote_agent_with_signatures:
        "{remoteagentsigv4: {}}",
        Some(registered("remoteagentsigv4")), None;
    release_management:
        "{releaseManagement: {name: staging, networkAccess: {privateAccess: {privateConnectionName: internal,
          runtimeRoleArn: 'arn:aws:iam::123456789012:role/Run'}}}}",
        None, None;
}

async fn round_trip(t: &Test, row: &Row) {
    credentials(t).await;
    let configuration = json_of(row.configuration);
    let organization = configuration.get("sourceAwsOrg").is_some();
    t.apply(if organization { ORGANIZATION } else { SPACE }).await;
    if configuration.get("releaseManagement").is_some() {
        t.apply(CONNECTION).await.ready().await;
    }
    let mut spec = json!({"agentSpaceRef": {"name": "space"}, "configuration": configuration});
    if let Some(service) = &row.service {
        register(t, service).await;
        spec["serviceRef"] = json!({"name": "service"});
    }
    let object = json!({"kind": "Association", "metadata": {"name": "connected"}, "spec": spec});
    let association = t.apply(&object.to_string()).await;
    let object = association.ready().await;
    let remote = t.only("association");
    assert_eq!(object["status"]["id"], remote["associationId"]);
    assert_eq!(object["status"]["serviceId"], remote["serviceId"]);
    assert_eq!(object["status"]["agentSpaceId"], remote["agentSpaceId"]);
    assert_eq!(Some(text(&object, "/status/configurationType")), key(&configuration));
    assert_eq!(without_status(&remote["configuration"]), configuration);
    assert_webhook(t, row, &object, &remote).await;
    let mark = t.mark();
    association.reconcile().await;
    assert_eq!(t.mutations_since(mark), Vec::<String>::new());
    association.delete_and_wait().await;
    assert!(t.remotes("association").is_empty());
}

/// Registers the service, or finds it, as `service`.
async fn register(t: &Test, block: &str) {
    let object =
        json!({"kind": "ServiceRegistration", "metadata": {"name": "service"}, "spec": json_of(block)});
    let registration = t.apply(&object.to_string()).await;
    if block.contains("authorizationDiscovery") {
        registration.condition("Ready", "False", "AuthorizationRequired").await;
        t.open(text(&registration.get().await, "/status/authorizationUrl")).await;
    }
    registration.ready().await;
}

fn key(configuration: &Value) -> Option<&str> {
    configuration.as_object()?.keys().next().map(String::as_str)
}

/// The configuration without what only AWS sets.
fn without_status(configuration: &Value) -> Value {
    let mut configuration = configuration.clone();
    if let Some(settings) = configuration.get_mut("sourceAwsOrg").and_then(Value::as_object_mut) {
        assert!(settings.remove("deploymentState").is_some());
    }
    for key in ["aws", "sourceAws"] {
        if let Some(settings) = configuration.get_mut(key).and_then(Value::as_object_mut) {
            assert_eq!(settings.remove("agentElevatedRoleArnStatus"), Some(json!("valid")));
        }
    }
    configuration
}

async fn assert_webhook(t: &Test, row: &Row, object: &Value, remote: &Value) {
    let secret = t.secret_data("connected-webhook").await;
    let Some(kind) = row.webhook else {
        assert_eq!(secret, None);
        assert_eq!(object["status"]["webhook"], Value::Null);
        return;
    };
    let secret = secret.expect("there is a webhook's Secret");
    assert_eq!(secret["type"], kind);
    assert_eq!(secret["id"], remote["webhook"]["webhookId"]);
    assert_eq!(object["status"]["webhook"]["secretName"], "connected-webhook");
    webhook::assert_works(t, &secret).await;
}
