//! An operator with `--dry-run` says what it would do, and does nothing: not in AWS, and not in the cluster.

use serde_json::json;

use crate::fixtures::{self, AGENT, PROJECT};
use crate::harness::{World, run, wait_until};

#[test]
fn an_upgrade_can_be_tried_dry() {
    run(async || {
        let t = &World::new().await;
        let operator = t.operator(&[]);
        operator.ready().await;
        let project = fixtures::project(t).await;
        let space = t.handle("AgentSpace", "space");
        operator.terminate();
        operator.ended().await;

        // An edit, a new object, a lost remote, one that waits for another one, and a deletion.
        space.patch(json!({"spec": {"locale": "de-DE"}})).await;
        t.apply(AGENT).await;
        let lone = PROJECT.replace("name: project", "name: lone").replace("name: space", "name: nowhere");
        let lone = t.apply(&lone).await;
        project.delete().await;
        let (versions, mark) = (t.versions().await, t.mark());
        let dry = t.operator(&["--dry-run"]);
        dry.ready().await;
        space.event_with("DryRun", "would update the agent space").await;
        t.handle("Asset", "agent").event_with("DryRun", "would create the asset").await;
        project.event_with("DryRun", "would delete the association").await;
        let pending = [("AgentSpace", "Update"), ("Asset", "Create"), ("Association", "Delete")].map(
            |(kind, action)| format!("devopsagent_pending_changes{{kind=\"{kind}\",action=\"{action}\"}} 1"),
        );
        wait_until("metrics count what is pending", async || {
            let metrics = dry.metrics().await;
            pending.iter().all(|line| metrics.contains(line)).then_some(())
        })
        .await;
        // News reach it, and it changes its mind.
        space.patch(json!({"spec": {"locale": "fr-FR"}})).await;
        space.event_with("DryRun", "fr-FR").await;
        space.patch(json!({"spec": {"locale": "de-DE"}})).await;
        dry.terminate();
        assert!(dry.ended().await.success());
        assert_eq!(t.mutations_since(mark), Vec::<String>::new());
        let mut after = t.versions().await;
        let ours = |versions: &mut std::collections::BTreeMap<String, String>| {
            versions.retain(|name, _| !name.contains("space"));
        };
        let mut versions = versions;
        ours(&mut versions);
        ours(&mut after);
        assert_eq!(after, versions, "nothing was written in the cluster");
        assert!(lone.events().await.is_empty(), "only changes are told");

        let operator = t.operator(&[]);
        operator.ready().await;
        project.gone().await;
        t.handle("Asset", "agent").ready().await;
        space.ready().await;
        let mut made = t.mutations_since(mark);
        made.sort();
        assert_eq!(made, ["CreateAsset", "DisassociateService", "UpdateAgentSpace"]);
    });
}
