//! Objects are deleted.

use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::DeleteParams;
use serde_json::json;

use crate::harness::fault::Fault;
use crate::harness::run::{Outcome, Run};

use super::objects;

/// Every object by itself, children first.
pub async fn one_by_one(run: &Run) -> Outcome {
    objects::everything(run).await?;
    run.arm();
    for kind in ["Trigger", "Asset", "Association", "ServiceRegistration", "PrivateConnection", "AgentSpace"]
    {
        let named: Vec<_> = run.objects().into_iter().filter(|(found, _)| *found == kind).collect();
        for (kind, name) in &named {
            run.delete(kind, name).await?;
        }
        for (kind, name) in &named {
            run.gone(kind, name).await?;
        }
    }
    nothing(run);
    Ok(())
}

/// The parents first: they wait for their children, which are deleted a moment later.
pub async fn parents_first(run: &Run) -> Outcome {
    objects::project(run).await?;
    run.arm();
    run.delete("AgentSpace", "space").await?;
    run.delete("ServiceRegistration", "gitlab").await?;
    run.unready("AgentSpace", "space", "DeletionBlocked").await?;
    run.delete("Association", "project").await?;
    for (kind, name) in run.objects() {
        run.gone(kind, &name).await?;
    }
    nothing(run);
    Ok(())
}

/// The whole namespace, with input Secrets and all, in no order.
pub async fn namespace(run: &Run) -> Outcome {
    objects::project(run).await?;
    run.apply(objects::SOURCE).await?;
    run.ready("Association", "source").await?;
    run.expect(|it| {
        it.remotes = [("agentSpaces", 1), ("services", 1), ("associations", 2)].into();
        // The Secrets are deleted in no order: for a while one is missing whose association is not being deleted yet.
        it.webhooks = 9;
    });
    run.arm();
    let api = Api::<Namespace>::all(run.world.cluster.client.clone());
    let deleted = api.delete(run.world.namespace(), &DeleteParams::background()).await;
    deleted.map_err(|error| format!("the namespace can't be deleted: {error}"))?;
    run.until("every object is gone", || run.objects().is_empty()).await?;
    nothing(run);
    Ok(())
}

/// An object is deleted while it is being made.
pub async fn while_made(run: &Run) -> Outcome {
    objects::gitlab(run).await?;
    run.expect(|it| {
        it.remotes = [("agentSpaces", 1), ("services", 1)].into();
        it.peak = [("associations", 1)].into();
        it.webhooks = 1;
    });
    run.arm();
    run.apply(objects::PROJECT).await?;
    run.delete("Association", "project").await?;
    run.gone("Association", "project").await
}

/// An object is deleted as soon as AWS has its remote, whether or not the operator knows.
pub async fn once_made(run: &Run) -> Outcome {
    objects::gitlab(run).await?;
    run.expect(|it| {
        it.remotes = [("agentSpaces", 1), ("services", 1)].into();
        it.peak = [("associations", 1)].into();
        it.webhooks = 1;
    });
    run.arm();
    run.apply(objects::PROJECT).await?;
    let made = || run.world.simulator.count("AssociateService") > 0;
    run.until("AWS was asked for the association", made).await?;
    run.delete("Association", "project").await?;
    run.gone("Association", "project").await
}

/// A space is deleted as soon as AWS has it, whether or not the operator knows.
pub async fn space_once_made(run: &Run) -> Outcome {
    run.expect(|it| it.peak = [("agentSpaces", 1)].into());
    run.arm();
    run.apply(objects::SPACE).await?;
    run.until("AWS was asked for the space", || run.world.simulator.count("CreateAgentSpace") > 0).await?;
    run.delete("AgentSpace", "space").await?;
    run.gone("AgentSpace", "space").await
}

/// A registration is deleted while it is being replaced.
pub async fn while_replaced(run: &Run) -> Outcome {
    objects::credentials(run).await?;
    run.apply(objects::GITLAB).await?;
    run.ready("ServiceRegistration", "gitlab").await?;
    run.expect(|it| it.peak = [("services", 2)].into());
    run.arm();
    run.secret("credentials", &[("secret", "client-secret"), ("token", "glpat-second")]).await?;
    run.until("AWS was asked for another", || run.world.simulator.count("RegisterService") > 1).await?;
    run.delete("ServiceRegistration", "gitlab").await?;
    run.gone("ServiceRegistration", "gitlab").await
}

/// An object goes without waiting for its finalizer: what it had goes too, unless the operator dies, since nobody else knows of
/// it.
pub async fn past_the_finalizer(run: &Run) -> Outcome {
    run.expect(|it| it.remotes = [("agentSpaces", 1)].into());
    objects::space(run).await?;
    let id = run.id("AgentSpace", "space");
    run.arm();
    run.vanish("AgentSpace", "space").await?;
    let died = || run.world.boundary.calls().iter().any(|call| call.fault.is_some_and(Fault::kills));
    let left = || run.world.ids().contains(&id);
    run.until("the space is deleted", || died() || !left()).await?;
    if left() {
        run.remove("agentSpace", &id)?;
    }
    nothing(run);
    Ok(())
}

/// Objects whose status is lost are deleted at once.
pub async fn after_lost_status(run: &Run) -> Outcome {
    objects::everything(run).await?;
    run.arm();
    for (kind, name) in run.objects() {
        run.lose_status(kind, &name).await?;
    }
    for (kind, name) in run.objects() {
        run.delete(kind, &name).await?;
    }
    run.until("every object is gone", || run.objects().is_empty()).await?;
    nothing(run);
    Ok(())
}

/// With Retain the remote stays, and so does the webhook's Secret.
pub async fn retained(run: &Run) -> Outcome {
    objects::project(run).await?;
    run.expect(|it| {
        it.remotes = [("agentSpaces", 1), ("services", 1), ("associations", 1)].into();
        it.left = it.remotes.clone();
        it.webhooks = 1;
    });
    for (kind, name) in run.objects() {
        run.patch(kind, &name, json!({"spec": {"deletionPolicy": "Retain"}})).await?;
        run.ready(kind, &name).await?;
    }
    run.arm();
    for (kind, name) in run.objects() {
        run.delete(kind, &name).await?;
    }
    for (kind, name) in run.objects() {
        run.gone(kind, &name).await?;
    }
    match run.find("Secret", "project-webhook") {
        Some(_) => Ok(()),
        None => Err("rule 2: the Secret of a retained webhook is gone".to_owned()),
    }
}

fn nothing(run: &Run) {
    run.expect(|it| {
        it.peak = std::mem::take(&mut it.remotes);
    });
}
