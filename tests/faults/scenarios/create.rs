//! Something new is applied.

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

/// A private connection, which AWS takes its time for.
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
