//! Remotes that others made: taken over when asked, left alone otherwise.

use serde_json::json;

use crate::harness::run::{Outcome, Run, marked};

use super::objects;

/// A space that a person made is taken over by its id.
pub async fn adopted(run: &Run) -> Outcome {
    run.expect(|it| it.remotes = [("agentSpaces", 1)].into());
    let made = run.invoke("CreateAgentSpace", json!({"name": "Theirs"}))?;
    let id =
        made.pointer("/agentSpace/agentSpaceId").and_then(|id| id.as_str()).unwrap_or_default().to_owned();
    run.arm();
    run.apply(&format!(
        "{{kind: AgentSpace, metadata: {{name: space}}, spec: {{name: Theirs, externalId: '{id}', tags: {{team: shop}}}}}}"
    ))
    .await?;
    run.ready("AgentSpace", "space").await?;
    if run.id("AgentSpace", "space") == id {
        Ok(())
    } else {
        Err("rule 1: another space was taken".to_owned())
    }
}

/// A registration that a person made is taken over, because the object says so.
pub async fn registration_adopted(run: &Run) -> Outcome {
    run.expect(|it| it.remotes = [("services", 1)].into());
    objects::credentials(run).await?;
    let token = marked("glpat-first");
    let details = json!({"gitlab": {"targetUrl": "https://gitlab.example.com", "tokenType": "personal", "tokenValue": token}});
    run.invoke("RegisterService", json!({"service": "gitlab", "name": "GitLab", "serviceDetails": details}))?;
    run.arm();
    run.apply(&objects::adopting(objects::GITLAB)).await?;
    run.ready("ServiceRegistration", "gitlab").await
}

/// An association in a space that is only observed; nothing is there that could be taken over, though it might be.
pub async fn association_in_observed_space(run: &Run) -> Outcome {
    let made = run.invoke("CreateAgentSpace", json!({"name": "Theirs"}))?;
    let id =
        made.pointer("/agentSpace/agentSpaceId").and_then(|id| id.as_str()).unwrap_or_default().to_owned();
    run.expect(|it| {
        it.remotes = [("agentSpaces", 1), ("services", 1), ("associations", 1)].into();
        it.left = [("agentSpaces", 1)].into();
        it.webhooks = 1;
    });
    objects::credentials(run).await?;
    run.apply(&format!(
        "{{kind: AgentSpace, metadata: {{name: space}}, spec: {{managementPolicy: Observe, externalId: '{id}'}}}}"
    ))
    .await?;
    run.apply(objects::GITLAB).await?;
    run.ready("AgentSpace", "space").await?;
    run.ready("ServiceRegistration", "gitlab").await?;
    run.arm();
    run.apply(&objects::adopting(objects::PROJECT)).await?;
    run.ready("Association", "project").await
}

/// A space of the same name that a person made is left alone.
pub async fn refused(run: &Run) -> Outcome {
    let made = run.invoke("CreateAgentSpace", json!({"name": "space"}))?;
    let id =
        made.pointer("/agentSpace/agentSpaceId").and_then(|id| id.as_str()).unwrap_or_default().to_owned();
    run.expect(|it| {
        it.remotes = [("agentSpaces", 1)].into();
        it.left = it.remotes.clone();
        it.protected = [id].into();
        it.unready = [("space", "AlreadyExists")].into();
    });
    run.arm();
    run.apply(objects::SPACE).await?;
    run.unready("AgentSpace", "space", "AlreadyExists").await
}

/// A private connection of another cluster is left alone.
pub async fn foreign(run: &Run) -> Outcome {
    let tags = json!({"devopsagent.dev/cluster": "other", "devopsagent.dev/namespace": "a", "devopsagent.dev/name": "b", "devopsagent.dev/uid": "c"});
    let mode = json!({"serviceManaged": {"hostAddress": "grafana.internal.example.com",
        "vpcId": "vpc-0123456789abcdef0", "subnetIds": ["subnet-0123456789abcdef0"]}});
    run.invoke("CreatePrivateConnection", json!({"name": "internal", "mode": mode, "tags": tags}))?;
    let active = || run.world.simulator.resources().to_string().contains("ACTIVE");
    run.until("it is active", active).await?;
    run.expect(|it| {
        it.remotes = [("privateConnections", 1)].into();
        it.left = it.remotes.clone();
        it.protected = ["internal".to_owned()].into();
        it.unready = [("internal", "Conflict")].into();
    });
    run.arm();
    run.apply(objects::CONNECTION).await?;
    run.unready("PrivateConnection", "internal", "Conflict").await
}

/// What is only observed is never written to.
pub async fn observed(run: &Run) -> Outcome {
    let made = run.invoke("CreateAgentSpace", json!({"name": "Theirs"}))?;
    let id =
        made.pointer("/agentSpace/agentSpaceId").and_then(|id| id.as_str()).unwrap_or_default().to_owned();
    run.expect(|it| {
        it.remotes = [("agentSpaces", 1)].into();
        it.left = it.remotes.clone();
        it.protected = [id.clone()].into();
    });
    run.arm();
    run.apply(&format!(
        "{{kind: AgentSpace, metadata: {{name: space}}, spec: {{managementPolicy: Observe, externalId: '{id}', description: mine}}}}"
    ))
    .await?;
    run.ready("AgentSpace", "space").await?;
    run.delete("AgentSpace", "space").await?;
    run.gone("AgentSpace", "space").await
}
