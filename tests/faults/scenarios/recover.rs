//! What was there is found again.

use serde_json::json;

use crate::harness::run::{Outcome, Run};

use super::objects;

/// All status is lost, as after a restored backup.
pub async fn lost_status(run: &Run) -> Outcome {
    objects::everything(run).await?;
    run.arm();
    lose_all_status(run).await
}

/// The same for what is looked for in another way.
pub async fn lost_status_of_others(run: &Run) -> Outcome {
    objects::others(run).await?;
    run.arm();
    lose_all_status(run).await
}

/// Takes away all status, and waits until everything is Ready again.
pub(super) async fn lose_all_status(run: &Run) -> Outcome {
    for (kind, name) in run.objects() {
        run.lose_status(kind, &name).await?;
    }
    for (kind, name) in run.objects() {
        run.ready(kind, &name).await?;
    }
    Ok(())
}

/// The cluster is lost and rebuilt from Git, with the same cluster id: everything is found again. Only the webhook is
/// issued again, since its Secret is gone.
pub async fn rebuilt(run: &Run) -> Outcome {
    objects::project(run).await?;
    run.lose_cluster().await?;
    run.arm();
    run.world.start();
    objects::project(run).await?;
    run.expect(|it| it.webhooks = 2);
    nothing_is_made_again(run)
}

/// The same, with the webhook's Secret from a backup: not even the webhook is issued again.
pub async fn restored(run: &Run) -> Outcome {
    objects::project(run).await?;
    let secret = run.find("Secret", "project-webhook").ok_or("there is no webhook Secret")?;
    run.lose_cluster().await?;
    run.restore("Secret", &secret).await?;
    run.arm();
    run.world.start();
    objects::project(run).await?;
    nothing_is_made_again(run)
}

/// A paused association is taken out of the cluster past its finalizer, and its Secret with it, while the operator runs;
/// then both come back from a backup. The webhook works all the time.
pub async fn taken_out(run: &Run) -> Outcome {
    objects::project(run).await?;
    let secret = run.find("Secret", "project-webhook").ok_or("there is no webhook Secret")?;
    let before = run.world.simulator.count("AssociateService");
    run.arm();
    let (kind, name) = ("Association", "project");
    run.patch(kind, name, json!({"metadata": {"annotations": {"devopsagent.dev/paused": "true"}}})).await?;
    run.delete(kind, name).await?;
    run.patch(kind, name, json!({"metadata": {"finalizers": null}})).await?;
    run.gone(kind, name).await?;
    run.delete("Secret", "project-webhook").await?;
    run.restore("Secret", &secret).await?;
    objects::project(run).await?;
    nothing_is_made_again(run)?;
    let again = run.world.simulator.count("AssociateService") - before;
    if again > 0 {
        return Err(format!(
            "rule 2: what was there is found, and AssociateService was called {again} times"
        ));
    }
    Ok(())
}

/// Someone else writes to status, one field after the other: none of it is trusted, and nothing of another object is
/// touched.
pub async fn rewritten_status(run: &Run) -> Outcome {
    objects::project(run).await?;
    run.apply(objects::CHANNEL).await?;
    run.ready("ServiceRegistration", "channel").await?;
    run.expect(|it| it.remotes = [("agentSpaces", 1), ("services", 2), ("associations", 1)].into());
    let all = || run.objects().into_iter().map(|(kind, name)| (name.clone(), run.id(kind, &name))).collect();
    let before: Vec<(String, String)> = all();
    let victim = run.id("ServiceRegistration", "channel");
    let elsewhere = "11111111-2222-4333-8444-555555555555";
    run.arm();
    for forged in [
        json!({"previousId": victim}),
        json!({"id": victim}),
        json!({"id": elsewhere, "previousId": elsewhere}),
        json!({"accountId": "999988887777", "region": "eu-west-1"}),
        json!({"account": "nowhere"}),
        json!({"intent": {"operation": "RegisterService"}}),
        json!({"authorizationUrl": "https://login.example.com/x"}),
        json!({"fingerprint": {"keyId": "k", "hash": "0"}, "tagKeys": ["devopsagent.dev/name"], "lostId": victim}),
        json!({"observedGeneration": 99, "proof": null}),
    ] {
        let patch = json!({ "status": forged });
        run.patch_status("ServiceRegistration", "gitlab", patch).await?;
        run.reconcile("ServiceRegistration", "gitlab").await?;
        run.ready("ServiceRegistration", "gitlab").await?;
    }
    if all() != before {
        return Err(format!("rule 5: {before:?} became {:?}", all()));
    }
    match run.world.simulator.count("DeregisterService") {
        0 => nothing_is_made_again_but(run, "RegisterService", 2),
        count => Err(format!("rule 5: DeregisterService was called {count} times")),
    }
}

/// The input that a registration refers to goes, its status is lost, and then it is deleted with all that uses it.
pub async fn without_inputs(run: &Run) -> Outcome {
    objects::project(run).await?;
    run.arm();
    run.delete("Secret", "credentials").await?;
    for (kind, name) in run.objects() {
        run.lose_status(kind, &name).await?;
    }
    for (kind, name) in run.objects() {
        run.delete(kind, &name).await?;
    }
    run.until("every object is gone", || run.objects().is_empty()).await?;
    run.expect(|it| it.peak = std::mem::take(&mut it.remotes));
    Ok(())
}

/// Whether what was found has not been made again.
fn nothing_is_made_again(run: &Run) -> Outcome {
    nothing_is_made_again_but(run, "", 0)
}

/// The same, where there are several of one kind.
fn nothing_is_made_again_but(run: &Run, often: &str, most: u64) -> Outcome {
    for operation in ["CreateAgentSpace", "RegisterService", "CreatePrivateConnection", "CreateAsset"] {
        let most = if operation == often { most } else { 1 };
        if run.world.simulator.count(operation) > most {
            return Err(format!("rule 1: what was there is found, and {operation} was called again"));
        }
    }
    Ok(())
}

/// Objects move to another namespace, and the webhook's Secret with them: released in one, and adopted in the other.
pub async fn moved(run: &Run) -> Outcome {
    objects::project(run).await?;
    let heir = json!({"annotations": {"devopsagent.dev/hand-over-to": run.world.next_namespace()}});
    for (kind, name) in run.objects() {
        run.patch(kind, &name, json!({"metadata": heir, "spec": {"deletionPolicy": "Retain"}})).await?;
        run.ready(kind, &name).await?;
    }
    let secret = run.find("Secret", "project-webhook").ok_or("there is no webhook Secret")?;
    run.arm();
    let objects = run.objects();
    for (kind, name) in &objects {
        run.delete(kind, name).await?;
    }
    for (kind, name) in &objects {
        run.gone(kind, name).await?;
    }
    run.world.move_on();
    run.restore("Secret", &secret).await?;
    objects::credentials(run).await?;
    for object in [objects::PROJECT, objects::GITLAB, objects::SPACE] {
        run.apply(&objects::adopting(object)).await?;
    }
    for (kind, name) in &objects {
        run.ready(kind, name).await?;
    }
    nothing_is_made_again(run)
}

/// Objects are released, and recreated in the same place: the retained webhook Secret still works.
pub async fn retained(run: &Run) -> Outcome {
    objects::project(run).await?;
    for (kind, name) in run.objects() {
        run.patch(kind, &name, json!({"spec": {"deletionPolicy": "Retain"}})).await?;
        run.ready(kind, &name).await?;
    }
    let objects = run.objects();
    for (kind, name) in &objects {
        run.delete(kind, name).await?;
    }
    for (kind, name) in &objects {
        run.gone(kind, name).await?;
    }
    run.arm();
    for object in [objects::PROJECT, objects::GITLAB, objects::SPACE] {
        run.apply(object).await?;
    }
    for (kind, name) in &objects {
        run.ready(kind, name).await?;
    }
    nothing_is_made_again(run)
}

/// The remote of an association is deleted behind the operator's back: it is recreated, with a new webhook.
pub async fn association_gone(run: &Run) -> Outcome {
    objects::project(run).await?;
    run.expect(|it| it.webhooks = 2);
    let before = run.id("Association", "project");
    run.remove("association", &before)?;
    run.arm();
    run.request("Association", "project").await?;
    run.until("it is made again", || {
        ![String::new(), before.clone()].contains(&run.id("Association", "project"))
    })
    .await?;
    run.ready("Association", "project").await
}

/// The space is deleted behind the operator's back, with everything in it.
pub async fn space_gone(run: &Run) -> Outcome {
    objects::project(run).await?;
    run.expect(|it| it.webhooks = 2);
    let before = run.id("AgentSpace", "space");
    run.remove("agentSpace", &before)?;
    run.arm();
    run.request("AgentSpace", "space").await?;
    let remade = || run.world.remotes().get("associations") == Some(&1);
    run.until("space and association are made again", remade).await?;
    run.ready("AgentSpace", "space").await?;
    run.ready("Association", "project").await
}

/// Someone changes the remotes: they are changed back.
pub async fn drift(run: &Run) -> Outcome {
    objects::project(run).await?;
    let space = run.id("AgentSpace", "space");
    let association = run.id("Association", "project");
    run.mutate(
        "agentSpace",
        &space,
        json!({"description": "drifted", "tags": {"team": "theirs", "more": "x"}}),
    )?;
    run.mutate(
        "association",
        &association,
        json!({"configuration": {"gitlab": {"projectPath": "drifted"}}}),
    )?;
    run.arm();
    run.reconcile("AgentSpace", "space").await?;
    run.reconcile("Association", "project").await?;
    let state = run.world.region()["agentSpaces"].to_string();
    if state.contains("drifted") { Err(format!("rule 7: drift is left: {state}")) } else { Ok(()) }
}
