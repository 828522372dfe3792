//! Random walks: edits, changes behind the operator's back, faults and crashes, over several related objects.
//!
//! The steps are drawn by a seed, so that a walk can be made again; one that fails is made again without each of its
//! steps in turn, until only those are left that it takes.

use std::fmt;

use serde_json::{Value, json};

use crate::harness::draw::Draw;
use crate::harness::fault::{Fault, Injection};
use crate::harness::run::{Outcome, Run};

use super::objects::{self, AGENT, CHANNEL, EVENTS, GITLAB, PROJECT, SKILL, SOURCE, SPACE, TRIGGER};

/// The objects of a walk with their kinds; each after what it refers to.
const OBJECTS: &[(&str, &str, &str)] = &[
    ("AgentSpace", "space", SPACE),
    ("ServiceRegistration", "gitlab", GITLAB),
    ("ServiceRegistration", "channel", CHANNEL),
    ("Association", "project", PROJECT),
    ("Association", "events", EVENTS),
    ("Association", "source", SOURCE),
    ("Asset", "skill", SKILL),
    ("Asset", "agent", AGENT),
    ("Trigger", "weekly", TRIGGER),
];
/// How many steps a walk has.
const STEPS: usize = 10;

#[derive(Clone, Debug)]
enum Step {
    Apply(usize),
    Delete(usize),
    Edit(usize, usize),
    RotateInput(usize),
    LoseWebhookSecret(&'static str),
    RemoveRemote(usize),
    LoseStatus(usize),
    Crash,
    Fault(Fault, usize),
    Settle,
}

impl Step {
    fn draw(draw: &mut Draw) -> Self {
        let object = draw.below(OBJECTS.len());
        match draw.below(16) {
            0..=2 => Self::Apply(object),
            3 => Self::Delete(object),
            4..=6 => Self::Edit(object, draw.below(3)),
            7 => Self::RotateInput(draw.below(3)),
            8 => Self::LoseWebhookSecret(["project-webhook", "events-webhook"][draw.below(2)]),
            9 => Self::RemoveRemote(object),
            10 => Self::LoseStatus(object),
            11 => Self::Crash,
            12 | 13 => {
                let faults: Vec<Fault> = Fault::all().filter(|fault| *fault != Fault::Conflict).collect();
                Self::Fault(faults[draw.below(faults.len())], draw.below(20) + 1)
            }
            _ => Self::Settle,
        }
    }

    async fn take(&self, run: &Run) -> Outcome {
        match self {
            Self::Apply(object) => run.apply(OBJECTS[*object].2).await,
            Self::Delete(object) => run.delete(OBJECTS[*object].0, OBJECTS[*object].1).await,
            Self::Edit(object, variant) => {
                let (kind, name, _) = OBJECTS[*object];
                match (run.find(kind, name), edit(name, *variant)) {
                    (Some(_), Some(spec)) => run.patch(kind, name, json!({ "spec": spec })).await,
                    _ => Ok(()),
                }
            }
            Self::RotateInput(variant) => {
                let token = format!("glpat-{variant}");
                run.secret("credentials", &[("secret", "client-secret"), ("token", &token)]).await
            }
            Self::LoseWebhookSecret(name) => run.delete("Secret", name).await,
            Self::RemoveRemote(object) => {
                let (kind, name, _) = OBJECTS[*object];
                let id = run.id(kind, name);
                // What is not there can't be removed; a service in use can't be, either.
                if kind != "ServiceRegistration" && !id.is_empty() {
                    let _ = run.remove(kind, &id);
                }
                request(run, kind, name).await
            }
            Self::LoseStatus(object) => {
                let (kind, name, _) = OBJECTS[*object];
                if run.find(kind, name).is_some() {
                    // It may be gone by now.
                    let _ = run.lose_status(kind, name).await;
                }
                request(run, kind, name).await
            }
            Self::Crash => {
                run.world.boundary.kill();
                Ok(())
            }
            Self::Fault(fault, nth) => {
                run.world.boundary.inject(Injection { call: "*".to_owned(), nth: *nth, fault: *fault });
                Ok(())
            }
            Self::Settle => {
                // Not every state can be settled in: a child may lack its parent.
                run.for_a_while(|| run.objects().iter().all(|(kind, name)| run.is_ready(kind, name))).await;
                Ok(())
            }
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |object: &usize| OBJECTS[*object].1;
        match self {
            Self::Apply(object) => write!(f, "apply {}", name(object)),
            Self::Delete(object) => write!(f, "delete {}", name(object)),
            Self::Edit(object, variant) => write!(f, "edit {} ({variant})", name(object)),
            Self::RotateInput(variant) => write!(f, "rotate the token ({variant})"),
            Self::LoseWebhookSecret(secret) => write!(f, "lose the Secret {secret}"),
            Self::RemoveRemote(object) => write!(f, "remove the remote of {}", name(object)),
            Self::LoseStatus(object) => write!(f, "lose the status of {}", name(object)),
            Self::Crash => write!(f, "crash"),
            Self::Fault(fault, nth) => write!(f, "{fault} at the call {nth} from now"),
            Self::Settle => write!(f, "settle"),
        }
    }
}

async fn request(run: &Run, kind: &str, name: &str) -> Outcome {
    if run.find(kind, name).is_some() {
        let _ = run.request(kind, name).await;
    }
    Ok(())
}

fn edit(name: &str, variant: usize) -> Option<Value> {
    let spec = match name {
        "space" => {
            json!({"description": format!("Shop {variant}"), "tags": {"stage": format!("s{variant}")}})
        }
        "gitlab" => {
            json!({"service": {"gitlab": {"targetUrl": format!("https://gitlab{variant}.example.com")}}})
        }
        "project" => json!({"configuration": {"gitlab": {"projectPath": format!("shop/{variant}")}}}),
        "events" => json!({"webhook": {"rotation": format!("r{variant}")}}),
        "skill" => json!({"content": {"files": [
            {"path": "SKILL.md", "text": format!("Restart {variant}.")},
            {"path": format!("steps/{variant}.md"), "text": "Look."},
        ]}}),
        "weekly" => {
            json!({"suspend": variant == 1, "schedule": {"expression": format!("cron({variant} 9 ? * MON *)")}})
        }
        _ => return None,
    };
    Some(spec)
}

/// The walk of the run's seed.
pub async fn script(run: &Run) -> Outcome {
    objects::credentials(run).await?;
    run.arm();
    let mut draw = Draw(run.seed);
    for number in 0..STEPS {
        let step = Step::draw(&mut draw);
        if run.skipped.contains(&number) {
            continue;
        }
        run.world.boundary.note(&format!("step {number}: {step}"));
        step.take(run).await.map_err(|why| format!("step {number} ({step}): {why}"))?;
    }
    run.world.boundary.disarm();
    // In the end, everything that is referred to exists.
    objects::credentials(run).await?;
    let is_going = |(kind, name): &(&str, String)| {
        run.find(kind, name).is_some_and(|it| !it["metadata"]["deletionTimestamp"].is_null())
    };
    // A parent that is being deleted waits for its children: they go first.
    if run.objects().iter().any(is_going) {
        for (kind, name, _) in OBJECTS.iter().rev() {
            run.delete(kind, name).await?;
        }
        for (kind, name, _) in OBJECTS {
            run.gone(kind, name).await?;
        }
    }
    for (_, _, yaml) in OBJECTS {
        run.apply(yaml).await?;
    }
    run.expect(|it| {
        it.remotes =
            [("agentSpaces", 1), ("services", 2), ("associations", 3), ("assets", 2), ("triggers", 1)].into();
        let most = ["agentSpaces", "services", "associations", "assets", "triggers"];
        it.peak = most.map(|kind| (kind, 9)).into();
        it.webhooks = 99;
    });
    Ok(())
}
