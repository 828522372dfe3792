//! Remotes that others created: adopted when asked, left alone otherwise.

use serde_json::{Value, json};

use crate::harness::run::{Outcome, Run, marked};

use super::objects;

/// A space that a person created is adopted by its id.
pub async fn adopted(run: &Run) -> Outcome {
    let id = made_space(run, "Theirs")?;
    run.expect(|it| {
        it.remotes = [("agentSpaces", 1)].into();
        it.adopted = [id.clone()].into();
    });
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

/// A registration that a person created is adopted, because the object says so.
pub async fn registration_adopted(run: &Run) -> Outcome {
    objects::credentials(run).await?;
    let token = marked("glpat-first");
    let details = json!({"gitlab": {"targetUrl": "https://gitlab.example.com", "tokenType": "personal", "tokenValue": token}});
    let input = json!({"service": "gitlab", "name": "GitLab", "serviceDetails": details});
    let id = text(&run.invoke("RegisterService", input)?, "/serviceId");
    run.expect(|it| {
        it.remotes = [("services", 1)].into();
        it.adopted = [id].into();
    });
    run.arm();
    run.apply(&objects::adopting(objects::GITLAB)).await?;
    run.ready("ServiceRegistration", "gitlab").await
}

/// An association in a space that is only observed; there is nothing to adopt, although there might be.
pub async fn association_in_observed_space(run: &Run) -> Outcome {
    let id = made_space(run, "Theirs")?;
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

/// A space with the same name that a person created is left alone.
pub async fn refused(run: &Run) -> Outcome {
    made_space(run, "space")?;
    run.expect(|it| {
        it.remotes = [("agentSpaces", 1)].into();
        it.left = it.remotes.clone();
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
        it.unready = [("internal", "Conflict")].into();
    });
    run.arm();
    run.apply(objects::CONNECTION).await?;
    run.unready("PrivateConnection", "internal", "Conflict").await
}

/// What is only observed is never written to.
pub async fn observed(run: &Run) -> Outcome {
    let id = made_space(run, "Theirs")?;
    run.expect(|it| {
        it.remotes = [("agentSpaces", 1)].into();
        it.left = it.remotes.clone();
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

/// The spec names one space that a person created, and then another: what it never asked to delete stays.
pub async fn renamed_in_spec(run: &Run) -> Outcome {
    let (first, second) = (made_space(run, "First")?, made_space(run, "Second")?);
    run.expect(|it| {
        it.remotes = [("agentSpaces", 2)].into();
        it.left = it.remotes.clone();
        it.adopted = [first.clone(), second.clone()].into();
    });
    run.apply(&format!(
        "{{kind: AgentSpace, metadata: {{name: space}}, spec: {{externalId: '{first}', deletionPolicy: Retain}}}}"
    ))
    .await?;
    run.ready("AgentSpace", "space").await?;
    run.arm();
    run.patch("AgentSpace", "space", json!({"spec": {"externalId": second}})).await?;
    run.until("it stands for the other", || run.id("AgentSpace", "space") == second).await?;
    run.ready("AgentSpace", "space").await?;
    // Without the field it stays what it is.
    run.patch("AgentSpace", "space", json!({"spec": {"externalId": null}})).await?;
    run.ready("AgentSpace", "space").await?;
    if run.id("AgentSpace", "space") == second && run.world.simulator.count("DeleteAgentSpace") == 0 {
        Ok(())
    } else {
        Err("rule 5: what the spec named is not what is kept".to_owned())
    }
}

/// A space that the operator created; then the spec names one that a person created.
pub async fn named_later(run: &Run) -> Outcome {
    objects::space(run).await?;
    let id = made_space(run, "Theirs")?;
    run.expect(|it| {
        it.remotes = [("agentSpaces", 2)].into();
        it.left = it.remotes.clone();
        it.adopted = [id.clone()].into();
    });
    run.patch("AgentSpace", "space", json!({"spec": {"deletionPolicy": "Retain"}})).await?;
    run.ready("AgentSpace", "space").await?;
    run.arm();
    run.patch("AgentSpace", "space", json!({"spec": {"externalId": id}})).await?;
    run.until("it stands for the other", || run.id("AgentSpace", "space") == id).await?;
    run.ready("AgentSpace", "space").await
}

/// An association that a person created is adopted by its id, and replaced: the object continues with the new one.
pub async fn adopted_and_replaced(run: &Run) -> Outcome {
    run.expect(|it| {
        it.remotes = [("agentSpaces", 1), ("services", 1), ("associations", 1)].into();
        it.peak = [("associations", 2)].into();
        it.webhooks = 1;
        it.without_secret = ["events"].into();
    });
    run.apply(objects::SPACE).await?;
    run.apply(objects::CHANNEL).await?;
    run.ready("AgentSpace", "space").await?;
    run.ready("ServiceRegistration", "channel").await?;
    let input = json!({"agentSpaceId": run.id("AgentSpace", "space"),
        "serviceId": run.id("ServiceRegistration", "channel"), "configuration": {"eventChannel": {}}});
    let made = run.invoke("AssociateService", input)?;
    let old = text(&made, "/association/associationId");
    run.expect(|it| it.adopted = [old.clone()].into());
    run.apply(&objects::EVENTS.replace("spec:\n", &format!("spec:\n  externalId: '{old}'\n"))).await?;
    run.until("it is adopted", || run.id("Association", "events") == old).await?;
    run.ready("Association", "events").await?;
    run.arm();
    run.patch("Association", "events", json!({"spec": {"webhook": {"rotation": "1"}}})).await?;
    let replaced = || ![String::new(), old.clone()].contains(&run.id("Association", "events"));
    run.until("it is replaced", replaced).await?;
    run.expect(|it| it.without_secret = [].into());
    run.ready("Association", "events").await
}

fn made_space(run: &Run, name: &str) -> Outcome<String> {
    Ok(text(&run.invoke("CreateAgentSpace", json!({ "name": name }))?, "/agentSpace/agentSpaceId"))
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}
