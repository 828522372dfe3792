//! What the operator knows of AWS without asking for each resource: what lists show is noticed by whoever it concerns, and
//! nobody else costs a call.

use serde_json::{Value, json};

use crate::fixtures::{AGENT, SPACE};
use crate::harness::{World, run, text, wait_until};

/// Triggers in the space.
const TRIGGERS: usize = 12;

fn trigger(number: usize) -> String {
    format!(
        "{{kind: Trigger, metadata: {{name: trigger-{number}}}, spec: {{agentSpaceRef: {{name: space}}, assetRef: {{name: agent}},
           schedule: {{expression: cron({number} 9 ? * MON *)}}}}}}"
    )
}

#[test]
fn a_change_in_aws_is_seen_in_a_list_and_corrected_alone() {
    run(async || {
        let world = World::new().await;
        for yaml in [SPACE, AGENT] {
            world.apply(yaml).await;
        }
        for number in 0..TRIGGERS {
            world.apply(&trigger(number)).await;
        }
        // Without rounds, however long the burst takes: each list is one that a create asked for.
        let operator = world.operator(&["--refresh-period=1h"]);
        for number in 0..TRIGGERS {
            world.handle("Trigger", &format!("trigger-{number}")).ready().await;
        }
        let created = world.count("CreateTrigger");
        let searched = world.count("ListTriggers");
        assert_eq!(created, TRIGGERS);
        assert!(
            searched < TRIGGERS / 2,
            "a burst of creates shares its searches, and does not make {searched}"
        );
        assert_eq!(world.count("GetTrigger"), 0, "the answer to a create says it all");

        drop(operator);
        let mark = world.mark();
        let _operator = world.operator(&["--refresh-period=1s"]);
        // A start reads once what no list shows of a space.
        world.wait_for_calls(mark, "GetAgentSpace", 1).await;
        world.wait_for_calls(mark, "ListTriggers", 1).await;
        let (versions, mark) = (world.versions().await, world.mark());
        world.wait_for_calls(mark, "ListTriggers", 3).await;
        let asked: Vec<String> = world.calls_since(mark).into_iter().map(|call| call.operation).collect();
        assert!(asked.iter().all(|operation| operation.starts_with("List")), "{asked:?}");
        assert_eq!(world.versions().await, versions, "at rest, nothing is written");

        let third = world.handle("Trigger", "trigger-3").get().await;
        let mark = world.mark();
        world.mutate("trigger", text(&third, "/status/id"), json!({"status": "Inactive"})).await;
        let is_active = |id: &Value| {
            world
                .remotes("trigger")
                .iter()
                .any(|remote| remote["triggerId"] == *id && remote["status"] == "Active")
        };
        wait_until("the change is corrected", async || is_active(&third["status"]["id"]).then_some(())).await;
        let asked: Vec<String> = world.calls_since(mark).into_iter().map(|call| call.operation).collect();
        let single = asked.iter().filter(|operation| !operation.starts_with("List"));
        assert_eq!(
            single.collect::<Vec<_>>(),
            ["GetTrigger", "UpdateTrigger"],
            "read first, then written: {asked:?}"
        );

        // What vanishes is read, and then made again.
        let mark = world.mark();
        world.remove("trigger", text(&third, "/status/id")).await;
        wait_until("it is there again", async || (world.remotes("trigger").len() == TRIGGERS).then_some(()))
            .await;
        let asked: Vec<String> = world.calls_since(mark).into_iter().map(|call| call.operation).collect();
        let single = asked.iter().filter(|operation| !operation.starts_with("List"));
        assert_eq!(single.collect::<Vec<_>>(), ["GetTrigger", "CreateTrigger"], "{asked:?}");
    });
}

#[test]
fn who_may_not_list_reads() {
    run(async || {
        let world = World::new().await;
        world.fault(json!({"operation": "ListTriggers", "effect": "error", "error": "AccessDeniedException", "times": 0}));
        let operator = world.operator(&["--refresh-period=1s", "--resync-period=2s"]);
        world.apply(SPACE).await.ready().await;
        world.apply(AGENT).await.ready().await;
        let trigger = world.apply(&trigger(1)).await;
        let told = trigger.condition("Ready", "False", "AccessDenied").await;
        assert!(told.contains("ListTriggers"), "a search needs a list: {told}");
        world.end_faults().await;
        trigger.request().await;
        let id = trigger.ready().await["status"]["id"].clone();
        drop(operator);
        // It is there, and need not be searched for.
        world.fault(json!({"operation": "ListTriggers", "effect": "error", "error": "AccessDeniedException", "times": 0}));
        let _operator = world.operator(&["--refresh-period=1s", "--resync-period=2s"]);
        world.mutate("trigger", text(&json!(id), ""), json!({"status": "Inactive"})).await;
        wait_until("the change is corrected", async || {
            (world.remotes("trigger")[0]["status"] == "Active").then_some(())
        })
        .await;
        // Nor does a list show an asset's files, as long as its version stays.
        let agent = world.handle("Asset", "agent").id().await;
        let file = |text: &str| json!({"files": {"AGENT.md": {"content": {"text": text}}}});
        world.mutate("asset", &agent, file("Report nothing.")).await;
        wait_until("the file is corrected", async || {
            let text = &world.remotes("asset")[0]["files"]["AGENT.md"]["content"]["text"];
            (text == "Report what happened this week.").then_some(())
        })
        .await;
    });
}
