//! Secrets change, and get lost.

use serde_json::json;

use crate::harness::run::{Outcome, Run, marked};

use super::objects::{self, CHANNEL, EVENTS, SPACE_WITH_APP};

/// The client secret of a sign-in: sent in place.
pub async fn client_secret(run: &Run) -> Outcome {
    run.expect(|it| it.remotes = [("agentSpaces", 1), ("operatorApps", 2)].into());
    objects::credentials(run).await?;
    run.apply(SPACE_WITH_APP).await?;
    run.ready("AgentSpace", "space").await?;
    run.arm();
    run.secret("credentials", &[("secret", "second-secret"), ("token", "glpat-first")]).await?;
    let sent = || run.world.region()["agentSpaces"].to_string().contains(&marked("second-secret"));
    run.until("the new secret has reached AWS", sent).await?;
    run.ready("AgentSpace", "space").await
}

/// The token of a registration: it is replaced under its association, whose webhook is another one then.
pub async fn token(run: &Run) -> Outcome {
    objects::project(run).await?;
    run.expect(|it| {
        it.peak = [("services", 2), ("associations", 2)].into();
        it.webhooks = 2;
    });
    run.arm();
    run.secret("credentials", &[("secret", "client-secret"), ("token", "glpat-second")]).await?;
    let replaced = || {
        let services = run.world.region()["services"].to_string();
        services.contains(&marked("glpat-second")) && !services.contains(&marked("glpat-first"))
    };
    run.until("only the registration with the new token is left", replaced).await?;
    run.ready("ServiceRegistration", "gitlab").await?;
    run.ready("Association", "project").await
}

/// The token changes, and changes back before the registration is replaced.
pub async fn there_and_back(run: &Run) -> Outcome {
    objects::project(run).await?;
    run.expect(|it| {
        it.peak = [("services", 3), ("associations", 2)].into();
        it.webhooks = 3;
    });
    run.arm();
    for token in ["glpat-second", "glpat-first"] {
        run.secret("credentials", &[("secret", "client-secret"), ("token", token)]).await?;
        run.until("a registration was asked for", || run.world.simulator.count("RegisterService") > 1)
            .await?;
    }
    let replaced = || {
        let services = run.world.region()["services"].to_string();
        services.contains(&marked("glpat-first")) && !services.contains(&marked("glpat-second"))
    };
    run.until("only a registration with the first token is left", replaced).await?;
    run.ready("ServiceRegistration", "gitlab").await?;
    run.ready("Association", "project").await
}

/// A webhook is rotated by its field.
pub async fn webhook(run: &Run) -> Outcome {
    events(run, 2).await?;
    let before = run.text("Association", "events", "/status/webhook/id");
    run.arm();
    run.patch("Association", "events", json!({"spec": {"webhook": {"rotation": "second"}}})).await?;
    let rotated = || {
        let now = run.text("Association", "events", "/status/webhook/id");
        !now.is_empty() && now != before
    };
    run.until("there is another webhook", rotated).await?;
    run.ready("Association", "events").await
}

/// The webhook's Secret is deleted.
pub async fn lost_webhook_secret(run: &Run) -> Outcome {
    events(run, 2).await?;
    let before = run.text("Association", "events", "/status/webhook/id");
    run.arm();
    run.delete("Secret", "events-webhook").await?;
    reissued(run, &before).await
}

/// Waits until there is another webhook than before, and its Secret.
async fn reissued(run: &Run, before: &str) -> Outcome {
    let reissued = || {
        run.text("Association", "events", "/status/webhook/id") != before
            && run.find("Secret", "events-webhook").is_some()
    };
    run.until("there is another webhook", reissued).await?;
    run.ready("Association", "events").await
}

/// The webhook's Secret gets another name; AWS isn't involved.
pub async fn webhook_secret_name(run: &Run) -> Outcome {
    events(run, 1).await?;
    run.arm();
    run.patch("Association", "events", json!({"spec": {"webhook": {"secretName": "incidents"}}})).await?;
    run.until("the Secret has its new name", || run.find("Secret", "incidents").is_some()).await?;
    run.ready("Association", "events").await
}

/// The webhook's Secret can't be written: the working webhook stays until it can.
pub async fn webhook_secret_refused(run: &Run) -> Outcome {
    events(run, 1).await?;
    let before = run.text("Association", "events", "/status/webhook/id");
    run.patch("Secret", "events-webhook", json!({"immutable": true})).await?;
    run.arm();
    run.patch("Association", "events", json!({"spec": {"webhook": {"rotation": "second"}}})).await?;
    let told = || {
        let object = run.find("Association", "events");
        object.is_some_and(|object| object["status"]["conditions"].to_string().contains("immutable"))
    };
    run.until("it says why", told).await?;
    if run.text("Association", "events", "/status/webhook/id") != before {
        return Err("rule 2: a working webhook was given up for one that can't be kept".to_owned());
    }
    // It can be written again.
    run.expect(|it| it.webhooks = 2);
    run.delete("Secret", "events-webhook").await?;
    reissued(run, &before).await
}

/// The webhook's Secret can't be made: its name is too long, then a quota is used up. No webhook is issued until it can be.
/// Once it is there, it is deleted while the quota is used up again: the working webhook stays until another can be kept.
pub async fn webhook_secret_unwritable(run: &Run) -> Outcome {
    let name = "e".repeat(250);
    run.expect(|it| {
        it.remotes = [("agentSpaces", 1), ("services", 1), ("associations", 1)].into();
        it.webhooks = 1;
    });
    run.apply(objects::SPACE).await?;
    run.apply(CHANNEL).await?;
    run.ready("AgentSpace", "space").await?;
    run.ready("ServiceRegistration", "channel").await?;
    run.arm();
    run.apply(&EVENTS.replace("name: events}", &format!("name: {name}}}"))).await?;
    run.unready("Association", &name, "SecretRefused").await?;
    run.allow_no_secret().await?;
    run.patch("Association", &name, json!({"spec": {"webhook": {"secretName": "events-webhook"}}})).await?;
    let told = |words: &str| {
        let object = run.find("Association", &name);
        object.is_some_and(|object| object["status"]["conditions"].to_string().contains(words))
    };
    run.until("it says why", || told("exceeded quota")).await?;
    let asked = |operation| run.world.simulator.count(operation);
    if asked("AssociateService") > 0 {
        return Err("rule 2: a webhook was asked for that can't be kept".to_owned());
    }
    run.allow_secrets().await?;
    run.ready("Association", &name).await?;

    let before = run.text("Association", &name, "/status/webhook/id");
    let given_up = asked("DisassociateService");
    run.allow_no_secret().await?;
    run.delete("Secret", "events-webhook").await?;
    run.until("it says why again", || told("exceeded quota")).await?;
    if run.text("Association", &name, "/status/webhook/id") != before
        || asked("DisassociateService") > given_up
    {
        return Err("rule 2: a webhook was given up for one that can't be kept".to_owned());
    }
    run.expect(|it| it.webhooks = 2);
    run.allow_secrets().await?;
    let reissued = || {
        run.text("Association", &name, "/status/webhook/id") != before
            && run.find("Secret", "events-webhook").is_some()
    };
    run.until("there is another webhook", reissued).await?;
    run.ready("Association", &name).await
}

async fn events(run: &Run, webhooks: usize) -> Outcome {
    run.expect(|it| {
        it.remotes = [("agentSpaces", 1), ("services", 1), ("associations", 1)].into();
        it.webhooks = webhooks;
    });
    for object in [objects::SPACE, CHANNEL, EVENTS] {
        run.apply(object).await?;
    }
    run.ready("AgentSpace", "space").await?;
    run.ready("ServiceRegistration", "channel").await?;
    run.ready("Association", "events").await
}
