//! AWS Organizations: the mode of a space, and how far AWS has deployed.

use serde_json::json;

use crate::fixtures::{ORGANIZATION, SOURCE, SPACE};
use crate::harness::{condition, run, text};

const UNIT: &str = "
kind: Association
metadata: {name: unit}
spec:
  agentSpaceRef: {name: space}
  configuration:
    sourceAwsOrg:
      organizationalUnit: {organizationalUnitId: ou-ab12-c3d4e5f6}
";

#[test]
fn an_organization_is_deployed_to_and_what_is_broken_is_told() {
    run(async |t| {
        t.apply(ORGANIZATION).await.ready().await;
        assert_eq!(t.only("agentSpace")["awsSourceMode"], "organization");
        let unit = t.apply(UNIT).await;
        let object = unit.ready().await;
        assert_eq!(t.count("UpdateAssociation"), 0);
        assert_eq!(object["status"]["deployment"], json!({"deployedAccountCount": 3}));
        assert_eq!(condition(&object, "Deployed").map(|deployed| text(deployed, "/status")), Some("True"));

        // AWS keeps evaluating; nothing of that is in status.
        let mark = t.mark();
        let looked = unit.reconcile().await;
        assert_eq!(looked["status"]["deployment"], object["status"]["deployment"]);
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());

        // While AWS deploys, nothing works yet.
        let id = unit.id().await;
        let begun = json!({"sourceAwsOrg": {"deploymentState": {"deployedAccountCount": 0}}});
        let deploying =
            |until| json!({"status": "pending-confirmation", "settlesAt": until, "configuration": begun});
        t.mutate("association", &id, deploying("2099-01-01T00:00:00Z")).await;
        unit.reconcile().await;
        unit.condition("Ready", "False", "InTransition").await;
        unit.condition("Deployed", "False", "InTransition").await;
        t.mutate("association", &id, deploying("2020-01-01T00:00:00Z")).await;
        unit.ready().await;

        // Some accounts fail: the agent works in the others.
        let accounts = |ids: &[&str]| json!({"spec": {"configuration": {"sourceAwsOrg": {"organizationalUnit": {"accountIds": ids}}}}});
        unit.patch(accounts(&["111111110403", "111111120403", "111111110423", "210987654321"])).await;
        let message = unit.condition("Deployed", "False", "Failed").await;
        assert!(
            message.starts_with("1 account deployed, not: 2 accessDenied, 1 accountSuspended"),
            "{message}"
        );
        let object = unit.ready().await;
        let expected = json!({"deployedAccountCount": 1, "issues": [
            {"reasonCode": "accessDenied", "accountCount": 2, "accountIds": ["111111110403", "111111120403"]},
            {"reasonCode": "accountSuspended", "accountCount": 1, "accountIds": ["111111110423"]},
        ]});
        assert_eq!(object["status"]["deployment"], expected);
        assert!(text(&object, "/status/summary").contains("accessDenied"), "{object}");
        assert!(!object.to_string().contains("not to be quoted"), "AWS's words are sensitive");

        // All of them fail: it works nowhere.
        unit.patch(accounts(&["111111110500"])).await;
        let message = unit.condition("Stalled", "True", "Failed").await;
        assert!(message.contains("1 deploymentFailed"), "{message}");

        // Without the list it is the whole unit again.
        let whole = json!({"spec": {"configuration": {"sourceAwsOrg": {"organizationalUnit": {"accountIds": null}}}}});
        unit.patch(whole).await;
        let object = unit.ready().await;
        assert_eq!(object["status"]["deployment"], json!({"deployedAccountCount": 3}));
        assert!(!object["status"]["ownedFields"].to_string().contains("accountIds"), "{object}");
        unit.delete_and_wait().await;
    });
}

#[test]
fn a_space_changes_its_mode_in_place_and_its_associations_say_what_that_means() {
    run(async |t| {
        let space = t.apply(SPACE).await;
        let id = space.ready().await["status"]["id"].clone();
        assert_eq!(t.only("agentSpace")["awsSourceMode"], "standalone");
        let source = t.apply(SOURCE).await;
        source.ready().await;
        let refused = t.apply(UNIT).await;
        refused.condition("Stalled", "True", "Invalid").await;

        let mark = t.mark();
        space.patch(json!({"spec": {"awsSourceMode": "organization"}})).await;
        space.ready().await;
        assert_eq!(t.only("agentSpace")["awsSourceMode"], "organization");
        assert_eq!(space.get().await["status"]["id"], id);
        assert!(t.mutations_since(mark).contains(&"UpdateAgentSpace".to_owned()));
        refused.reconcile().await;
        refused.ready().await;
        source.reconcile().await;
        source.condition("Ready", "False", "Failed").await;

        // What was set and no longer is goes back to AWS's default.
        space.patch(json!({"spec": {"awsSourceMode": null}})).await;
        space.ready().await;
        assert_eq!(t.only("agentSpace")["awsSourceMode"], "standalone");
        source.reconcile().await;
        source.ready().await;
    });
}
