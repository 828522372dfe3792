//! Association: its settings, its references, and what AWS does with it. Its webhook has its own file.

use serde_json::{Value, json};

use crate::fixtures::{CONNECTION, GITLAB, SOURCE, SPACE, credentials, project, second_gitlab};
use crate::harness::{remote_id, run, text, wait_until, webhook};

#[test]
fn another_service_makes_another_association_and_webhook() {
    run(async |t| {
        let project = project(t).await;
        let old = t.only("association");
        let service = second_gitlab(t).await;
        let mark = t.mark();
        project.patch(json!({"spec": {"serviceRef": {"name": "second"}}})).await;
        project
            .wait("it has the other service", |object| object["status"]["serviceId"] == service.as_str())
            .await;
        let object = project.ready().await;
        let new = t.only("association");
        assert_eq!(new["serviceId"], service.as_str());
        assert_ne!(new["associationId"], old["associationId"]);
        assert_eq!(object["status"]["id"], new["associationId"]);
        assert_eq!(object["status"]["previousId"], Value::Null);
        assert_eq!(t.mutations_since(mark), ["AssociateService", "DisassociateService"]);
        let secret = t.secret_data("project-webhook").await.unwrap();
        assert_eq!(secret["associationId"], new["associationId"]);
        webhook::assert_works(t, &secret).await;
        project.event_with("ReplacedExternalResource", "serviceRef").await;
    });
}

#[test]
fn settings_and_capabilities_change_in_place_and_the_webhook_stays() {
    run(async |t| {
        let project = project(t).await;
        let (old, secret) = (t.only("association"), t.secret_data("project-webhook").await);
        let review = json!({"enabled": true, "triggerFilterGroups": [{"events": ["PULL_REQUEST_READY_FOR_REVIEW"], "targetBranches": {"patterns": ["main", "release/.*"]}}]});
        for (edit, path, wanted) in [
            (
                json!({"configuration": {"gitlab": {"projectPath": "shop/pay"}}}),
                "/configuration/gitlab/projectPath",
                json!("shop/pay"),
            ),
            (
                json!({"capabilities": {"RELEASE_READINESS_REVIEW": review}}),
                "/capabilities",
                json!({"RELEASE_READINESS_REVIEW": review}),
            ),
            (
                json!({"capabilities": {"RELEASE_READINESS_REVIEW": null, "CODE_CHANGE_RISK_ANALYSIS": {"enabled": true}}}),
                "/capabilities",
                json!({"CODE_CHANGE_RISK_ANALYSIS": {"enabled": true}}),
            ),
        ] {
            let mark = t.mark();
            project.patch(json!({"spec": edit})).await;
            project.ready().await;
            assert_eq!(t.only("association").pointer(path), Some(&wanted));
            assert_eq!(t.mutations_since(mark), ["UpdateAssociation"]);
        }
        assert_eq!(t.only("association")["associationId"], old["associationId"]);
        assert_eq!(t.secret_data("project-webhook").await, secret);
    });
}

#[test]
fn every_capability_round_trips() {
    run(async |t| {
        let project = project(t).await;
        let all = json!({
            "RELEASE_READINESS_REVIEW": {"enabled": true, "triggerFilterGroups": [{"events": ["PULL_REQUEST_DRAFT"]}, {"targetBranches": {"patterns": ["main"]}}]},
            "RELEASE_READINESS_REVIEW_AUTOMATED_TESTING": {"enabled": true},
            "CODE_CHANGE_RISK_ANALYSIS": {"enabled": false},
            "CODE_CHANGE_RISK_ANALYSIS_AUTOMATED_TESTING": {"enabled": true},
        });
        project.patch(json!({"spec": {"capabilities": all}})).await;
        project.ready().await;
        assert_eq!(t.only("association")["capabilities"], all);
        let mark = t.mark();
        project.reconcile().await;
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
    });
}

#[test]
fn drift_of_settings_is_told_without_an_email_address() {
    run(async |t| {
        credentials(t).await;
        t.apply(SPACE).await;
        let service = crate::fixtures::service("pagerduty");
        t.apply(&format!(
            "{{kind: ServiceRegistration, metadata: {{name: pagerduty}}, spec: {{service: {service}}}}}"
        ))
        .await;
        let duty = "{kind: Association, metadata: {name: duty}, spec: {agentSpaceRef: {name: space}, serviceRef: {name: pagerduty},
                     configuration: {pagerduty: {services: [P1], customerEmail: ops@example.com}}}}";
        let duty = t.apply(duty).await;
        let id = text(&duty.ready().await, "/status/id").to_owned();
        let drift = json!({"configuration": {"pagerduty": {"services": ["P2"], "customerEmail": "other@example.com"}}});
        t.mutate("association", &id, drift).await;
        duty.reconcile().await;
        duty.ready().await;
        assert_eq!(
            t.only("association")["configuration"]["pagerduty"],
            json!({"services": ["P1"], "customerEmail": "ops@example.com"})
        );
        let note = duty.event_with("UpdatedExternalResource", "customerEmail").await;
        assert!(note.contains("configuration.pagerduty.services ([\"P2\"] → [\"P1\"])"), "{note}");
        assert!(!note.contains("@example.com"), "{note}");
    });
}

#[test]
fn the_order_of_a_list_is_no_drift() {
    run(async |t| {
        credentials(t).await;
        t.apply(SPACE).await;
        let service = crate::fixtures::service("mcpserver");
        t.apply(&format!(
            "{{kind: ServiceRegistration, metadata: {{name: mcp}}, spec: {{service: {service}}}}}"
        ))
        .await;
        let tools = "{kind: Association, metadata: {name: tools}, spec: {agentSpaceRef: {name: space}, serviceRef: {name: mcp},
                      configuration: {mcpserver: {tools: [a, b], toolDetails: [{name: a}, {name: b}]}}}}";
        let tools = t.apply(tools).await;
        let id = text(&tools.ready().await, "/status/id").to_owned();
        let mark = t.mark();
        let turned = json!({"configuration": {"mcpserver": {"tools": ["b", "a"], "toolDetails": [{"name": "b"}, {"name": "a"}]}}});
        t.mutate("association", &id, turned).await;
        tools.reconcile().await;
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
    });
}

#[test]
fn an_association_refers_to_a_release_management_and_that_to_a_connection() {
    run(async |t| {
        credentials(t).await;
        t.apply(SPACE).await.ready().await;
        t.apply(GITLAB).await.ready().await;
        let project = "{kind: Association, metadata: {name: project}, spec: {agentSpaceRef: {name: space}, serviceRef: {name: gitlab},
                        configuration: {gitlab: {projectId: '42', projectPath: shop/checkout, releaseManagementAssociationRef: {name: staging}}}}}";
        let project = t.apply(project).await;
        let message = project.condition("Ready", "False", "DependencyNotFound").await;
        assert!(message.contains("releaseManagementAssociationRef"), "{message}");
        let staging = "{kind: Association, metadata: {name: staging}, spec: {agentSpaceRef: {name: space},
                        configuration: {releaseManagement: {name: staging, networkAccess: {privateAccess:
                        {privateConnectionRef: {name: internal}, runtimeRoleArn: 'arn:aws:iam::123456789012:role/Run'}}}}}}";
        let staging = t.apply(staging).await;
        staging.condition("Ready", "False", "DependencyNotFound").await;
        t.apply(CONNECTION).await;
        let id = text(&staging.ready().await, "/status/id").to_owned();
        project.ready().await;
        let all = t.remotes("association");
        let release = all.iter().find(|one| remote_id("association", one) == id).unwrap();
        assert_eq!(
            release.pointer(
                "/configuration/releaseManagement/networkAccess/privateAccess/privateConnectionName"
            ),
            Some(&json!("internal"))
        );
        assert!(
            all.iter()
                .any(|one| one["configuration"]["gitlab"]["releaseManagementAssociationId"] == id.as_str())
        );
        staging.delete().await;
        let message = staging.condition("Ready", "False", "DeletionBlocked").await;
        assert!(message.contains("project"), "{message}");
        project.delete_and_wait().await;
        staging.gone().await;
    });
}

#[test]
fn an_association_that_aws_finds_invalid_is_not_ready_and_recovers() {
    run(async |t| {
        t.apply(SPACE).await;
        let source = t.apply(&SOURCE.replace("role/Agent", "role/invalid")).await;
        let message = source.condition("Stalled", "True", "Failed").await;
        assert!(message.contains("invalid"), "{message}");
        source.condition("Ready", "False", "Failed").await;
        source.patch(json!({"spec": {"configuration": {"sourceAws": {"assumableRoleArn": "arn:aws:iam::210987654321:role/Good"}}}})).await;
        let object = source.ready().await;
        assert!(crate::harness::condition(&object, "Stalled").is_none());
    });
}

#[test]
fn two_objects_for_the_same_association_do_not_fight() {
    run(async |t| {
        t.apply(SPACE).await;
        t.apply(SOURCE).await.ready().await;
        let twin =
            t.apply(&SOURCE.replace("name: source", "name: twin").replace("role/Agent", "role/Twin")).await;
        let message = twin.condition("Stalled", "True", "Conflict").await;
        assert!(message.contains(&format!("{}/source", t.namespace)), "{message}");
        let remote = t.only("association");
        assert!(text(&remote, "/configuration/sourceAws/assumableRoleArn").ends_with("role/Agent"));
        twin.delete_and_wait().await;
        assert_eq!(t.remotes("association").len(), 1, "the twin's deletion leaves the other's remote alone");
        t.handle("Association", "source").ready().await;
    });
}

#[test]
fn one_space_takes_many_accounts_and_repositories() {
    run(async |t| {
        t.apply(SPACE).await;
        t.apply("{kind: ServiceRegistration, metadata: {name: github}, spec: {existing: {match: {serviceType: github}}}}").await;
        for number in 1..=3 {
            t.apply(
                &SOURCE
                    .replace("name: source", &format!("name: source-{number}"))
                    .replace("210987654321", &format!("21098765432{number}")),
            )
            .await;
            t.apply(&format!(
                "{{kind: Association, metadata: {{name: repo-{number}}}, spec: {{agentSpaceRef: {{name: space}}, serviceRef: {{name: github}},
                   configuration: {{github: {{repoName: shop-{number}, repoId: '{number}', owner: example-org, ownerType: organization}}}}}}}}"
            ))
            .await;
        }
        for number in 1..=3 {
            t.handle("Association", &format!("source-{number}")).ready().await;
            t.handle("Association", &format!("repo-{number}")).ready().await;
        }
        assert_eq!(t.remotes("association").len(), 6);
    });
}

#[test]
fn an_association_whose_space_vanished_comes_back_with_it() {
    run(async |t| {
        t.apply(SPACE).await;
        let source = t.apply(SOURCE).await;
        source.ready().await;
        let space = t.handle("AgentSpace", "space");
        t.remove("agentSpace", &space.id().await).await;
        space.reconcile().await;
        let id = text(&space.ready().await, "/status/id").to_owned();
        wait_until("the association is in the new space", async || {
            t.remotes("association").iter().any(|one| one["agentSpaceId"] == id.as_str()).then_some(())
        })
        .await;
        source
            .wait("its status names the new space", |object| object["status"]["agentSpaceId"] == id.as_str())
            .await;
        source.ready().await;
    });
}
