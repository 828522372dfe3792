//! `namespacePolicies` of an AWSAccount: which roles and keys a namespace may name, and how much it may own.

use std::collections::BTreeSet;

use devops_agent_operator::reconcile::inputs::named::{self, Named};
use serde_json::{Value, json};

use crate::world::{World, attack, not_ready};

const ALLOWED: &str = "arn:aws:iam::123456789012:role/team-app";
const FORBIDDEN: &str = "arn:aws:iam::123456789012:role/admin";
const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-4333-8444-555555555555";
const OTHER_KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/99999999-2222-4333-8444-555555555555";

/// What is said of a role or key that may not be named.
const REFUSED: &[&str] = &["NotPermitted", "ReferenceNotAllowed"];

/// A spec for every field that names a role or a key: kind, field, spec with ROLE or KEY in it.
const FIELDS: &[(&str, &str, &str)] = &[
    ("AgentSpace", "/operatorApp/iam/roleArn", "name: NAME, operatorApp: {iam: {roleArn: 'ROLE'}}"),
    (
        "AgentSpace",
        "/operatorApp/idc/roleArn",
        "name: NAME, operatorApp: {idc: {roleArn: 'ROLE', instanceArn: 'arn:aws:sso:::instance/ssoins-0123456789abcdef'}}",
    ),
    (
        "AgentSpace",
        "/operatorApp/idp/roleArn",
        "name: NAME, operatorApp: {idp: {roleArn: 'ROLE', issuerUrl: 'https://x.example.com', clientId: c, provider: okta,
           clientSecretRef: {name: credentials, key: secret}}}",
    ),
    ("AgentSpace", "/kmsKeyArn", "name: NAME, kmsKeyArn: 'KEY'"),
    (
        "Association",
        "/configuration/aws/agentElevatedRoleArn",
        "SPACE, configuration: {aws: {accountId: '123456789012', accountType: monitor, assumableRoleArn: 'OK', agentElevatedRoleArn: 'ROLE'}}",
    ),
    (
        "Association",
        "/configuration/aws/assumableRoleArn",
        "SPACE, configuration: {aws: {accountId: '123456789012', accountType: monitor, assumableRoleArn: 'ROLE'}}",
    ),
    (
        "Association",
        "/configuration/aws/serviceManagementRoleArn",
        "SPACE, configuration: {aws: {accountId: '123456789012', accountType: monitor, assumableRoleArn: 'OK', serviceManagementRoleArn: 'ROLE'}}",
    ),
    (
        "Association",
        "/configuration/sourceAws/agentElevatedRoleArn",
        "SPACE, configuration: {sourceAws: {accountId: '123456789012', assumableRoleArn: 'OK', agentElevatedRoleArn: 'ROLE'}}",
    ),
    (
        "Association",
        "/configuration/sourceAws/assumableRoleArn",
        "SPACE, configuration: {sourceAws: {accountId: '123456789012', assumableRoleArn: 'ROLE'}}",
    ),
    (
        "Association",
        "/configuration/github/runtimeRoleArn",
        "SPACE, serviceRef: {name: github}, configuration: {github: {repoName: shop, repoId: '1', owner: example-org,
           ownerType: organization, runtimeRoleArn: 'ROLE'}}",
    ),
    (
        "Association",
        "/configuration/gitlab/runtimeRoleArn",
        "SPACE, serviceRef: {name: gitlab}, configuration: {gitlab: {projectId: '42', projectPath: shop/checkout, runtimeRoleArn: 'ROLE'}}",
    ),
    (
        "Association",
        "/configuration/slack/bidirectional/roleArn",
        "SPACE, serviceRef: {name: slack}, configuration: {slack: {workspaceId: T0EXAMPLE1, workspaceName: example,
           transmissionTarget: {opsOncallTarget: {channelId: C0123ABCDEF}}, bidirectional: {roleArn: 'ROLE', enabled: true}}}",
    ),
    (
        "Association",
        "/configuration/msteams/bidirectional/roleArn",
        "SPACE, serviceRef: {name: msteams}, configuration: {msteams: {teamId: 01234567-89ab-cdef-0123-456789abcdef, teamName: Ops,
           transmissionTarget: {}, bidirectional: {roleArn: 'ROLE', enabled: false}}}",
    ),
    (
        "Association",
        "/configuration/releaseManagement/networkAccess/privateAccess/runtimeRoleArn",
        "SPACE, configuration: {releaseManagement: {name: NAME, networkAccess: {privateAccess: {
           privateConnectionRef: {name: internal}, runtimeRoleArn: 'ROLE'}}}}",
    ),
    ("ServiceRegistration", "/kmsKeyArn", "name: NAME, kmsKeyArn: 'KEY', service: {gitlab: {targetUrl: 'https://NAME.example.com', tokenType: personal,
           tokenValue: {secretKeyRef: {name: credentials, key: token}}}}"),
    (
        "ServiceRegistration",
        "/service/azureidentity/webIdentityRoleArn",
        "name: NAME, service: {azureidentity: {tenantId: 01234567-89ab-cdef-0123-456789abcdef, clientId: fedcba98-7654-3210-fedc-ba9876543210,
           webIdentityRoleArn: 'ROLE', webIdentityTokenAudiences: ['api://AzureADTokenExchange']}}",
    ),
    (
        "ServiceRegistration",
        "/service/mcpserversigv4/authorizationConfig/mcpRoleArn",
        "name: NAME, service: {mcpserversigv4: {name: NAME, endpoint: 'https://NAME.example.com/mcp',
           authorizationConfig: {region: us-east-1, service: execute-api, mcpRoleArn: 'ROLE'}}}",
    ),
    (
        "ServiceRegistration",
        "/service/mcpserversigv4/authorizationConfig/roleArn",
        "name: NAME, service: {mcpserversigv4: {name: NAME, endpoint: 'https://NAME.example.com/mcp',
           authorizationConfig: {region: us-east-1, service: execute-api, roleArn: 'ROLE'}}}",
    ),
    (
        "ServiceRegistration",
        "/service/remoteagentsigv4/authorizationConfig/roleArn",
        "name: NAME, service: {remoteagentsigv4: {name: NAME, endpoint: 'https://NAME.example.com/a2a',
           authorizationConfig: {region: us-east-1, service: lambda, roleArn: 'ROLE'}}}",
    ),
];

/// Has the account say something of Mallory's namespace.
async fn policy(w: &World<'_>, more: Value) {
    let mut policy =
        json!({"name": "teams", "namespaces": {"from": "Names", "names": [w.mallory.namespace]}});
    for (name, value) in more.as_object().into_iter().flatten() {
        policy[name] = value.clone();
    }
    let account = w.t.handle("AWSAccount", &w.t.namespace);
    account.patch(json!({"spec": {"namespacePolicies": [policy]}})).await;
    account.ready().await;
}

/// The object for a row.
fn object(number: usize, role: &str, key: &str) -> String {
    let (kind, _, spec) = FIELDS[number];
    let name = format!("case{number}");
    let spec = spec.replace("SPACE", "agentSpaceRef: {name: space}").replace("NAME", &name);
    let spec = spec.replace("ROLE", role).replace("OK", ALLOWED).replace("KEY", key);
    format!("{{kind: {kind}, metadata: {{name: {name}}}, spec: {{{spec}}}}}")
}

/// What the rows refer to.
async fn prepare(w: &World<'_>) {
    w.mallory.secret("credentials", crate::fixtures::CREDENTIALS).await;
    let mut made = vec![
        w.mallory.apply(crate::fixtures::SPACE).await,
        w.mallory.apply(crate::fixtures::GITLAB).await,
        w.mallory.apply(crate::fixtures::CONNECTION).await,
    ];
    for kind in ["github", "slack", "msteams"] {
        let existing = format!(
            "{{kind: ServiceRegistration, metadata: {{name: {kind}}}, spec: {{existing: {{match: {{serviceType: {kind}}}}}}}}}"
        );
        made.push(w.mallory.apply(&existing).await);
    }
    for object in made {
        object.ready().await;
    }
}

#[test]
fn every_field_that_names_a_role_or_a_key_is_tried() {
    let tried: BTreeSet<(&str, &str)> = FIELDS.iter().map(|(kind, field, _)| (*kind, *field)).collect();
    let known: BTreeSet<(&str, &str)> = named::FIELDS
        .iter()
        .filter(|(.., what)| matches!(what, Named::Role | Named::KmsKey))
        .map(|(kind, field, _)| (*kind, *field))
        .collect();
    assert_eq!(tried, known);
}

#[test]
fn a_role_or_key_that_the_account_does_not_list_reaches_aws_in_no_field() {
    attack(async |w| {
        prepare(w).await;
        policy(w, json!({"roleArns": ["arn:aws:iam::123456789012:role/team-*"], "kmsKeyArns": [KEY]})).await;
        let mark = w.t.mark();
        let mut made = Vec::new();
        for number in 0..FIELDS.len() {
            made.push(w.mallory.apply(&object(number, FORBIDDEN, OTHER_KEY)).await);
        }
        for object in &made {
            let (_, message) = not_ready(object, REFUSED).await;
            assert!(message.contains("namespacePolicies"), "{object}: {message}");
        }
        let requests: Vec<String> =
            w.t.calls_since(mark)
                .iter()
                .filter_map(|call| call.request.as_ref().map(Value::to_string))
                .collect();
        assert!(!requests.iter().any(|request| request.contains(FORBIDDEN) || request.contains(OTHER_KEY)));
        for object in &made {
            object.delete_and_wait().await;
        }
    });
}

#[test]
fn a_role_in_a_document_of_the_api_is_a_role_all_the_same() {
    attack(async |w| {
        prepare(w).await;
        policy(w, json!({"roleArns": [ALLOWED]})).await;
        let trigger = format!(
            "{{kind: Trigger, metadata: {{name: t}}, spec: {{agentSpaceRef: {{name: space}}, schedule: {{expression: rate(1 day)}},
               action: {{actionType: 'create:task', task: {{prompt: p, roleArn: '{FORBIDDEN}'}}}}}}}}"
        );
        let trigger = w.mallory.apply(&trigger).await;
        not_ready(&trigger, REFUSED).await;
        assert!(w.t.remotes("trigger").is_empty());
    });
}

#[test]
fn listed_roles_work_and_a_role_that_is_edited_in_later_does_not() {
    attack(async |w| {
        prepare(w).await;
        policy(w, json!({"roleArns": ["arn:aws:iam::123456789012:role/team-*"], "kmsKeyArns": [KEY]})).await;
        let space = w.mallory.apply(&object(0, ALLOWED, KEY)).await;
        space.ready().await;
        // What is not in the list is not let through by a wildcard of the attacker's own.
        for role in [
            FORBIDDEN,
            "arn:aws:iam::123456789012:role/x/team-app",
            "arn:aws:iam::999999999999:role/team-app",
        ] {
            w.mallory
                .patch("AgentSpace", "case0", json!({"spec": {"operatorApp": {"iam": {"roleArn": role}}}}))
                .await;
            not_ready(&space, REFUSED).await;
            assert!(!w.t.state().to_string().contains(role), "{role}");
        }
        // Others have no policy, and so no limit.
        w.victim.apply("{kind: AgentSpace, metadata: {name: v}, spec: {name: V, operatorApp: {iam: {roleArn: 'arn:aws:iam::123456789012:role/admin'}}}}")
            .await
            .ready()
            .await;
    });
}

#[test]
fn a_namespace_owns_no_more_than_the_account_grants() {
    attack(async |w| {
        policy(w, json!({"maxResources": 2})).await;
        let space = |number: usize| {
            format!("{{kind: AgentSpace, metadata: {{name: s{number}}}, spec: {{name: Flood {number}}}}}")
        };
        for number in 0..2 {
            w.mallory.apply(&space(number)).await.ready().await;
        }
        let third = w.mallory.apply(&space(2)).await;
        let (_, message) = not_ready(&third, &["QuotaExceeded"]).await;
        assert!(message.contains("maxResources"), "{message}");
        assert_eq!(w.t.remotes("agentSpace").len(), 2);
        w.mallory.delete("AgentSpace", "s0").await.gone().await;
        third.ready().await;
        // Others are not counted with it.
        for number in 10..14 {
            w.victim.apply(&space(number)).await.ready().await;
        }
    });
}
