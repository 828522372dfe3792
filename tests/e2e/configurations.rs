//! Every configuration of an association: applied, Ready, in AWS exactly as written, its webhook in use, and gone
//! again. With which service, and with which webhook, is in the catalog.

use std::collections::BTreeSet;

use devops_agent_operator::api::association::Configuration;
use devops_agent_operator::api::catalog::{self, ConfigurationRow, RegisteredBy};
use serde_json::{Value, json};

use crate::fixtures::{CONNECTION, ORGANIZATION, SPACE, credentials, json_of, service};
use crate::harness::{Test, run, text, webhook};

/// A test for each configuration.
macro_rules! round_trips {
    ($($name:ident: $configuration:literal;)+) => {
        $(
            #[test]
            fn $name() {
                run(async |t| round_trips(t, &json_of($configuration)).await);
            }
        )+

        #[test]
        fn every_configuration_is_among_the_round_trips() {
            let keys: BTreeSet<String> =
                [$($configuration),+].iter().map(|yaml| key(&json_of(yaml)).to_owned()).collect();
            assert_eq!(keys, Configuration::KEYS.iter().map(|key| (*key).to_owned()).collect());
        }
    };
}

round_trips! {
    the_monitored_aws_account:
        "{aws: {accountId: '123456789012', accountType: monitor, assumableRoleArn: 'arn:aws:iam::123456789012:role/Agent',
          agentElevatedRoleArn: 'arn:aws:iam::123456789012:role/Elevated', serviceManagementRoleArn: 'arn:aws:iam::210987654321:role/Manage'}}";
    a_further_aws_account:
        "{sourceAws: {accountId: '210987654321', accountType: source, assumableRoleArn: 'arn:aws:iam::210987654321:role/Agent',
          externalId: secret-handshake, agentElevatedRoleArn: 'arn:aws:iam::210987654321:role/Elevated'}}";
    the_accounts_of_an_organization:
        "{sourceAwsOrg: {accountType: source, organizationalUnit: {organizationalUnitId: ou-ab12-c3d4e5f6, accountIds: ['210987654321', '111122223333']}}}";
    a_github_repository:
        "{github: {repoName: shop, repoId: '1', owner: example-org, ownerType: organization, instanceIdentifier: ghes.example.com,
          runtimeRoleArn: 'arn:aws:iam::123456789012:role/Run'}}";
    a_gitlab_project:
        "{gitlab: {projectId: '42', projectPath: shop/checkout, instanceIdentifier: gitlab.example.com,
          runtimeRoleArn: 'arn:aws:iam::123456789012:role/Run'}}";
    an_azure_subscription:
        "{azure: {subscriptionId: 01234567-89ab-cdef-0123-456789abcdef}}";
    an_azure_devops_project:
        "{azuredevops: {organizationName: example-org, projectId: p-1, projectName: Shop}}";
    a_slack_workspace:
        "{slack: {workspaceId: T0EXAMPLE1, workspaceName: example, transmissionTarget: {opsOncallTarget: {channelId: C0123ABCDEF, channelName: incidents},
          opsSRETarget: {channelId: G0123ABCDEF}}, bidirectional: {roleArn: 'arn:aws:iam::123456789012:role/Chat', enabled: true}}}";
    a_teams_team:
        "{msteams: {teamId: 01234567-89ab-cdef-0123-456789abcdef, teamName: Ops, transmissionTarget: {opsOncallTarget: {channelId: '19:a@thread.tacv2',
          channelName: incidents}, opsSRETarget: {channelId: '19:b@thread.tacv2', channelName: sre}},
          bidirectional: {roleArn: 'arn:aws:iam::123456789012:role/Chat', enabled: false}}}";
    a_teams_team_without_channels:
        "{msteams: {teamId: 01234567-89ab-cdef-0123-456789abcdef, teamName: Ops, transmissionTarget: {}}}";
    pagerduty_services:
        "{pagerduty: {services: [P0ABCDE, P1ABCDE], customerEmail: ops@example.com}}";
    a_servicenow_instance:
        "{servicenow: {instanceId: example, authScopes: [useraccount]}}";
    a_servicenow_instance_without_settings:
        "{servicenow: {}}";
    a_dynatrace_environment:
        "{dynatrace: {envId: abc12345, resources: [SERVICE-1, HOST-2]}}";
    the_event_channel:
        "{eventChannel: {}}";
    tools_of_an_mcp_server:
        "{mcpserver: {tools: [search, restart, purge], toolDetails: [{name: search, toolClassification: READ_ONLY},
          {name: restart, toolClassification: MUTATIVE}, {name: purge, toolClassification: DESTRUCTIVE}]}}";
    no_tools_of_an_mcp_server:
        "{mcpserver: {tools: []}}";
    tools_of_an_mcp_server_with_signatures:
        "{mcpserversigv4: {tools: [search], toolDetails: [{name: search}]}}";
    datadog_with_elevated_tools:
        "{mcpserverdatadog: {enabledElevatedTools: [{name: mute_monitor, toolClassification: MUTATIVE}]}}";
    grafana_with_tools:
        "{mcpservergrafana: {endpoint: 'https://example.grafana.net', organizationId: '1', tools: [query, list],
          enabledElevatedTools: [{name: silence, toolClassification: MUTATIVE}]}}";
    a_new_relic_account:
        "{mcpservernewrelic: {accountId: '1234567', endpoint: 'https://mcp.newrelic.com/mcp/'}}";
    splunk:
        "{mcpserversplunk: {}}";
    a_remote_agent:
        "{remoteagent: {}}";
    a_remote_agent_with_signatures:
        "{remoteagentsigv4: {}}";
    release_management:
        "{releaseManagement: {name: staging, networkAccess: {privateAccess: {privateConnectionName: internal,
          runtimeRoleArn: 'arn:aws:iam::123456789012:role/Run'}}}}";
}

/// A round trip with each type of service that the configuration can be for, and one without if it can be without.
async fn round_trips(t: &Test, configuration: &Value) {
    let row = catalog::configuration(key(configuration));
    credentials(t).await;
    let organization = row.output_only.contains(&"/deploymentState");
    t.apply(if organization { ORGANIZATION } else { SPACE }).await;
    if row.references.iter().any(|reference| configuration.to_string().contains(reference.fills)) {
        t.apply(CONNECTION).await.ready().await;
    }
    if row.service.word().is_some() {
        round_trip(t, row, configuration, None).await;
    }
    for service_type in row.service.types() {
        let block = match catalog::service(service_type).registered_by {
            RegisteredBy::Yaml => format!("{{service: {}}}", service(service_type)),
            RegisteredBy::Console => format!("{{existing: {{match: {{serviceType: {service_type}}}}}}}"),
        };
        let name = service_type.to_lowercase();
        register(t, &name, &block).await;
        round_trip(t, row, configuration, Some(&name)).await;
    }
}

async fn round_trip(t: &Test, row: &ConfigurationRow, configuration: &Value, service: Option<&str>) {
    let mut spec = json!({"agentSpaceRef": {"name": "space"}, "configuration": configuration});
    if let Some(name) = service {
        spec["serviceRef"] = json!({"name": name});
    }
    let object = json!({"kind": "Association", "metadata": {"name": "connected"}, "spec": spec});
    let association = t.apply(&object.to_string()).await;
    let object = association.ready().await;
    let remote = t.only("association");
    assert_eq!(object["status"]["id"], remote["associationId"]);
    assert_eq!(object["status"]["serviceId"], remote["serviceId"]);
    assert_eq!(object["status"]["agentSpaceId"], remote["agentSpaceId"]);
    assert_eq!(text(&object, "/status/configurationType"), row.key);
    assert_eq!(without_outputs(&remote["configuration"], row), *configuration);
    assert_webhook(t, row, &object, &remote).await;
    let mark = t.mark();
    association.reconcile().await;
    assert_eq!(t.mutations_since(mark), Vec::<String>::new());
    association.delete_and_wait().await;
    assert!(t.remotes("association").is_empty());
}

/// Registers the service, or finds it, as `name`.
async fn register(t: &Test, name: &str, block: &str) {
    let object = json!({"kind": "ServiceRegistration", "metadata": {"name": name}, "spec": json_of(block)});
    let registration = t.apply(&object.to_string()).await;
    if block.contains("authorizationDiscovery") {
        registration.condition("Ready", "False", "AuthorizationRequired").await;
        t.open(text(&registration.get().await, "/status/authorizationUrl")).await;
    }
    registration.ready().await;
}

fn key(configuration: &Value) -> &str {
    configuration.as_object().and_then(|union| union.keys().next()).expect("a configuration has a key")
}

/// The configuration without what only AWS sets, and has set.
fn without_outputs(configuration: &Value, row: &ConfigurationRow) -> Value {
    let mut configuration = configuration.clone();
    for member in row.output_only {
        let (parent, name) = member.rsplit_once('/').expect("a pointer has a slash");
        let parent = configuration[row.key].pointer_mut(parent).and_then(Value::as_object_mut);
        let set = parent.and_then(|parent| parent.remove(name));
        assert!(set.is_some_and(|set| set == "valid" || set.is_object()), "{}{member}", row.key);
    }
    configuration
}

async fn assert_webhook(t: &Test, row: &ConfigurationRow, object: &Value, remote: &Value) {
    let secret = t.secret_data("connected-webhook").await;
    let Some(expected) = row.webhook else {
        assert_eq!(secret, None);
        assert_eq!(object["status"]["webhook"], Value::Null);
        return;
    };
    let secret = secret.expect("there is a webhook's Secret");
    assert!(expected.types.contains(&secret["type"].as_str()), "{}", secret["type"]);
    assert_eq!(secret["id"], remote["webhook"]["webhookId"]);
    assert_eq!(object["status"]["webhook"]["secretName"], "connected-webhook");
    webhook::assert_works(t, &secret).await;
}
