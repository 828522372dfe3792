//! The spec of something that exists is changed.

use serde_json::{Value, json};

use crate::harness::run::{Outcome, Run};

use super::objects::{self, AGENT, CONNECTION, SKILL, SPACE_WITH_APP, TRIGGER};

fn spaces(run: &Run) -> Vec<Value> {
    run.world.region()["agentSpaces"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(_, space)| space.clone())
        .collect()
}

/// Name, description, locale and tags of a space, all at once.
pub async fn space(run: &Run) -> Outcome {
    run.expect(|it| it.remotes = [("agentSpaces", 1)].into());
    objects::space(run).await?;
    run.arm();
    let spec = json!({"name": "shop", "description": "The shop", "locale": "de-DE",
        "tags": {"team": "checkout", "stage": null, "cost": "42"}});
    run.patch("AgentSpace", "space", json!({ "spec": spec })).await?;
    run.ready("AgentSpace", "space").await?;
    let space = spaces(run).remove(0);
    let as_asked = space["name"] == "shop"
        && space["description"] == "The shop"
        && space["tags"]["team"] == "checkout"
        && space["tags"]["stage"].is_null();
    if as_asked { Ok(()) } else { Err(format!("rule 7: Ready, and the space is {space}")) }
}

/// A field is set and dropped again, whether or not an answer came in between; one that the spec never set stays.
pub async fn drop_field(run: &Run) -> Outcome {
    let made = run.invoke("CreateAgentSpace", json!({"name": "Theirs", "description": "Theirs"}))?;
    let id = made.pointer("/agentSpace/agentSpaceId").and_then(Value::as_str).unwrap_or_default();
    run.expect(|it| {
        it.remotes = [("agentSpaces", 1)].into();
        it.adopted = [id.to_owned()].into();
    });
    run.apply(&format!("{{kind: AgentSpace, metadata: {{name: space}}, spec: {{externalId: '{id}'}}}}"))
        .await?;
    run.ready("AgentSpace", "space").await?;
    run.arm();
    let is = |wanted: bool| spaces(run)[0]["preferences"]["elevatedActionsEnabled"] == wanted;
    run.patch("AgentSpace", "space", json!({"spec": {"preferences": {"elevatedActionsEnabled": true}}}))
        .await?;
    run.until("it is set", || is(true)).await?;
    run.patch("AgentSpace", "space", json!({"spec": {"preferences": null}})).await?;
    run.ready("AgentSpace", "space").await?;
    let description = spaces(run)[0]["description"] == "Theirs";
    if is(false) && description {
        Ok(())
    } else {
        Err(format!("rule 7: Ready, and the space is {:?}", spaces(run)))
    }
}

/// One sign-in goes and another changes.
pub async fn operator_app(run: &Run) -> Outcome {
    run.expect(|it| {
        it.remotes = [("agentSpaces", 1), ("operatorApps", 1)].into();
        it.peak = [("operatorApps", 2)].into();
    });
    objects::credentials(run).await?;
    run.apply(SPACE_WITH_APP).await?;
    run.ready("AgentSpace", "space").await?;
    run.arm();
    let app = json!({"iam": null, "idp": {"clientId": "client-2"}});
    run.patch("AgentSpace", "space", json!({"spec": {"operatorApp": app}})).await?;
    run.ready("AgentSpace", "space").await
}

/// The configuration of an association changes in place; its webhook stays.
pub async fn association(run: &Run) -> Outcome {
    objects::project(run).await?;
    run.arm();
    let configuration = json!({"gitlab": {"projectPath": "shop/till"}});
    run.patch("Association", "project", json!({"spec": {"configuration": configuration}})).await?;
    run.ready("Association", "project").await
}

/// Files of an asset are added, changed and removed; so is its metadata.
pub async fn asset(run: &Run) -> Outcome {
    run.expect(|it| it.remotes = [("agentSpaces", 1), ("assets", 1)].into());
    objects::space(run).await?;
    run.apply(SKILL).await?;
    run.ready("Asset", "skill").await?;
    run.arm();
    let files = json!([
        {"path": "SKILL.md", "text": "Restart what is down, twice."},
        {"path": "steps/second.md", "text": "Leap."},
        {"path": "steps/third.md", "text": "Look again."},
    ]);
    let spec = json!({"metadata": {"description": "How to restart"}, "content": {"files": files}});
    run.patch("Asset", "skill", json!({ "spec": spec })).await?;
    run.ready("Asset", "skill").await?;
    let all = spaces(run);
    let assets = all[0]["assets"].as_object().into_iter().flatten();
    let paths: Vec<&String> = assets
        .flat_map(|(_, asset)| asset["files"].as_object().into_iter().flatten())
        .map(|(path, _)| path)
        .collect();
    let as_asked = paths == ["SKILL.md", "steps/second.md", "steps/third.md"];
    if as_asked { Ok(()) } else { Err(format!("rule 7: Ready, and the files are {paths:?}")) }
}

/// A trigger is suspended, which it can be in place.
pub async fn suspend(run: &Run) -> Outcome {
    trigger(run, json!({"suspend": true})).await
}

/// A trigger gets another schedule, for which it must be recreated.
pub async fn schedule(run: &Run) -> Outcome {
    trigger(run, json!({"schedule": {"expression": "cron(0 9 ? * TUE *)"}})).await
}

async fn trigger(run: &Run, spec: Value) -> Outcome {
    run.expect(|it| it.remotes = [("agentSpaces", 1), ("assets", 1), ("triggers", 1)].into());
    objects::space(run).await?;
    run.apply(AGENT).await?;
    run.apply(TRIGGER).await?;
    run.ready("Trigger", "weekly").await?;
    run.arm();
    run.patch("Trigger", "weekly", json!({ "spec": spec })).await?;
    run.ready("Trigger", "weekly").await
}

/// Tags of a private connection.
pub async fn connection(run: &Run) -> Outcome {
    run.expect(|it| it.remotes = [("privateConnections", 1)].into());
    run.apply(CONNECTION).await?;
    run.ready("PrivateConnection", "internal").await?;
    run.arm();
    run.patch("PrivateConnection", "internal", json!({"spec": {"tags": {"team": null, "cost": "42"}}}))
        .await?;
    run.ready("PrivateConnection", "internal").await
}

/// One change after the other, without waiting for the first.
pub async fn while_under_way(run: &Run) -> Outcome {
    objects::project(run).await?;
    run.expect(|it| {
        it.peak = [("services", 3), ("associations", 2)].into();
        // The first change may or may not have begun when the second one comes.
        it.webhooks = 3;
    });
    run.arm();
    for host in ["one", "two"] {
        let service = json!({"gitlab": {"targetUrl": format!("https://{host}.example.com")}});
        run.patch("ServiceRegistration", "gitlab", json!({"spec": {"service": service}})).await?;
        let configuration = json!({"gitlab": {"projectPath": format!("shop/{host}")}});
        run.patch("Association", "project", json!({"spec": {"configuration": configuration}})).await?;
    }
    let replaced = || {
        let services = run.world.region()["services"].to_string();
        services.contains("two.example.com")
            && !services.contains("one.example.com")
            && !services.contains("gitlab.example.com")
    };
    run.until("the last registration is the only one", replaced).await?;
    run.ready("ServiceRegistration", "gitlab").await?;
    run.ready("Association", "project").await
}
