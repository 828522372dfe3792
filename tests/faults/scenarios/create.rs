//! Something new is applied.

use serde_json::{Value, json};

use crate::harness::run::{Outcome, Run};

use super::objects::{
    self, AGENT, CHANNEL, CONNECTION, EVENTS, GITLAB, PROJECT, SKILL, SOURCE, SPACE_WITH_APP, TRIGGER,
};

/// A space with its operator app.
pub async fn space(run: &Run) -> Outcome {
    run.expect(|it| it.remotes = [("agentSpaces", 1), ("operatorApps", 2)].into());
    objects::credentials(run).await?;
    run.arm();
    run.apply(SPACE_WITH_APP).await?;
    run.ready("AgentSpace", "space").await
}

/// A registration with a secret.
pub async fn registration(run: &Run) -> Outcome {
    run.expect(|it| it.remotes = [("services", 1)].into());
    objects::credentials(run).await?;
    run.arm();
    run.apply(GITLAB).await?;
    run.ready("ServiceRegistration", "gitlab").await
}

/// An association with a webhook.
pub async fn association(run: &Run) -> Outcome {
    run.expect(|it| {
        it.remotes = [("agentSpaces", 1), ("services", 1), ("associations", 1)].into();
        it.webhooks = 1;
    });
    objects::gitlab(run).await?;
    run.arm();
    run.apply(PROJECT).await?;
    run.ready("Association", "project").await
}

/// The event channel, of which there is one in an account, and its association.
pub async fn event_channel(run: &Run) -> Outcome {
    run.expect(|it| {
        it.remotes = [("agentSpaces", 1), ("services", 1), ("associations", 1)].into();
        it.webhooks = 1;
    });
    objects::space(run).await?;
    run.arm();
    run.apply(EVENTS).await?;
    run.apply(CHANNEL).await?;
    run.ready("Association", "events").await
}

/// An association without service and webhook.
pub async fn source(run: &Run) -> Outcome {
    run.expect(|it| it.remotes = [("agentSpaces", 1), ("associations", 1)].into());
    objects::space(run).await?;
    run.arm();
    run.apply(SOURCE).await?;
    run.ready("Association", "source").await
}

/// A private connection, which takes AWS a while.
pub async fn connection(run: &Run) -> Outcome {
    run.expect(|it| it.remotes = [("privateConnections", 1)].into());
    run.arm();
    run.apply(CONNECTION).await?;
    run.ready("PrivateConnection", "internal").await
}

/// An asset of several files.
pub async fn asset(run: &Run) -> Outcome {
    run.expect(|it| it.remotes = [("agentSpaces", 1), ("assets", 1)].into());
    objects::space(run).await?;
    run.arm();
    run.apply(SKILL).await?;
    run.ready("Asset", "skill").await
}

/// A trigger of a custom agent.
pub async fn trigger(run: &Run) -> Outcome {
    run.expect(|it| it.remotes = [("agentSpaces", 1), ("assets", 1), ("triggers", 1)].into());
    objects::space(run).await?;
    run.apply(AGENT).await?;
    run.ready("Asset", "agent").await?;
    run.arm();
    run.apply(TRIGGER).await?;
    run.ready("Trigger", "weekly").await
}

/// One of everything at once, in the worst order.
pub async fn everything(run: &Run) -> Outcome {
    run.arm();
    objects::everything(run).await
}

/// The operator starts for the first time: it makes the key of its fingerprints, and finds it again at its next start.
pub async fn first_start(run: &Run) -> Outcome {
    run.expect(|it| it.remotes = [("services", 1)].into());
    objects::credentials(run).await?;
    run.apply(GITLAB).await?;
    run.ready("ServiceRegistration", "gitlab").await?;
    run.world.boundary.kill();
    run.reconcile("ServiceRegistration", "gitlab").await?;
    run.ready("ServiceRegistration", "gitlab").await
}

/// A space whose name is edited as soon as AWS was asked for it, whether or not the operator knows of the answer.
pub async fn space_edited(run: &Run) -> Outcome {
    run.expect(|it| it.remotes = [("agentSpaces", 1)].into());
    let spec = json!({"name": "shop", "description": "The shop"});
    edited(run, objects::SPACE, ("AgentSpace", "space"), "CreateAgentSpace", spec).await
}

/// The same of an association: another account is another association.
pub async fn source_edited(run: &Run) -> Outcome {
    objects::space(run).await?;
    run.expect(|it| {
        it.remotes = [("agentSpaces", 1), ("associations", 1)].into();
        it.peak = [("associations", 2)].into();
    });
    let source =
        json!({"accountId": "210987654322", "assumableRoleArn": "arn:aws:iam::210987654322:role/Agent"});
    let spec = json!({"configuration": {"sourceAws": source}});
    edited(run, SOURCE, ("Association", "source"), "AssociateService", spec).await
}

/// The same of an asset.
pub async fn asset_edited(run: &Run) -> Outcome {
    objects::space(run).await?;
    run.expect(|it| it.remotes = [("agentSpaces", 1), ("assets", 1)].into());
    let spec = json!({"metadata": {"name": "restart-all"}, "content": {"files": [{"path": "SKILL.md", "text": "Wait."}]}});
    edited(run, SKILL, ("Asset", "skill"), "CreateAsset", spec).await
}

/// The same of a trigger: another schedule is another trigger.
pub async fn trigger_edited(run: &Run) -> Outcome {
    objects::space(run).await?;
    run.expect(|it| {
        it.remotes = [("agentSpaces", 1), ("assets", 1), ("triggers", 1)].into();
        it.peak = [("triggers", 2)].into();
    });
    run.apply(AGENT).await?;
    run.ready("Asset", "agent").await?;
    let spec = json!({"schedule": {"expression": "rate(2 days)"}});
    edited(run, TRIGGER, ("Trigger", "weekly"), "CreateTrigger", spec).await
}

async fn edited(run: &Run, yaml: &str, (kind, name): (&str, &str), create: &str, spec: Value) -> Outcome {
    run.arm();
    run.apply(yaml).await?;
    run.until("AWS was asked for it", || run.world.simulator.count(create) > 0).await?;
    run.patch(kind, name, json!({ "spec": spec })).await?;
    run.ready(kind, name).await
}
