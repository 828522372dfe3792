//! Random changes of a world: by its users, by others in AWS, and by bad luck.

use serde_json::{Value, json};

use crate::fixtures::{AGENT, CHANNEL, CONNECTION, EVENTS, GITLAB, PROJECT, SOURCE, SPACE, TRIGGER};
use crate::harness::{Handle, World, text};

/// Random numbers that a seed repeats (`SplitMix64`).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % end as u64).expect("it is below a usize")
    }

    fn of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }
}

/// The kinds as the cluster and the simulator name them, with the YAML and the name of an object.
const OBJECTS: &[(&str, &str, &str, &str)] = &[
    ("AgentSpace", "agentSpace", "space", SPACE),
    ("ServiceRegistration", "service", "channel", CHANNEL),
    ("ServiceRegistration", "service", "gitlab", GITLAB),
    ("Association", "association", "events", EVENTS),
    ("Association", "association", "project", PROJECT),
    ("Association", "association", "source", SOURCE),
    ("PrivateConnection", "privateConnection", "internal", CONNECTION),
    ("Asset", "asset", "agent", AGENT),
    ("Trigger", "trigger", "weekly", TRIGGER),
];

/// The changes of one round.
pub struct Changes<'a> {
    world: &'a World,
    dice: &'a mut Dice,
    /// What was changed.
    pub told: Vec<String>,
}

impl<'a> Changes<'a> {
    pub fn new(world: &'a World, dice: &'a mut Dice) -> Self {
        Self { world, dice, told: Vec::new() }
    }

    /// Makes one to four of them.
    pub async fn make(&mut self) {
        for _ in 0..=self.dice.below(4) {
            match self.dice.below(12) {
                0..4 => self.edit().await,
                4..6 => self.drift().await,
                6 => self.vanish().await,
                7 => self.delete().await,
                8 => self.add().await,
                9 => self.adopt().await,
                10 => self.policy().await,
                _ => self.lose().await,
            }
        }
    }

    fn handle(&self, kind: &str, name: &str) -> Handle {
        self.world.handle(kind, name)
    }

    async fn patch(&mut self, kind: &str, name: &str, patch: Value) {
        // An object may be gone, and an edit refused: then there is one change less.
        let made = self.handle(kind, name).try_patch(patch.clone()).await.is_ok();
        self.told.push(format!("{kind} {name}: {patch}{}", if made { "" } else { " (refused)" }));
    }

    async fn edit(&mut self) {
        let number = self.dice.below(1_000);
        let word = format!("value-{number}");
        let locale = self.dice.of(&["de-DE", "fr-FR", "en-US"]);
        let account = format!("{:012}", 210_987_654_000 + number);
        let (kind, name, spec) = match self.dice.below(14) {
            0 => ("AgentSpace", "space", json!({"locale": locale})),
            1 => ("AgentSpace", "space", json!({"description": word, "tags": {"team": word}})),
            2 => ("AgentSpace", "space", json!({"name": word})),
            3 => ("ServiceRegistration", "gitlab", json!({"name": word})),
            4 => ("ServiceRegistration", "channel", json!({"tags": {"team": word}})),
            5 => ("Association", "events", json!({"webhook": {"rotation": word}})),
            6 => {
                let arn = format!("arn:aws:iam::210987654321:role/{word}");
                ("Association", "source", json!({"configuration": {"sourceAws": {"assumableRoleArn": arn}}}))
            }
            7 => {
                let arn = format!("arn:aws:iam::{account}:role/Agent");
                let source = json!({"accountId": account, "assumableRoleArn": arn});
                ("Association", "source", json!({"configuration": {"sourceAws": source}}))
            }
            8 => {
                let project = json!({"projectId": number.to_string(), "projectPath": word});
                ("Association", "project", json!({"configuration": {"gitlab": project}}))
            }
            9 => ("PrivateConnection", "internal", json!({"tags": {"team": word}})),
            10 => {
                let files = json!([{"path": "AGENT.md", "text": word}]);
                ("Asset", "agent", json!({"content": {"files": files}}))
            }
            11 => (
                "Trigger",
                "weekly",
                json!({"schedule": {"expression": format!("cron({} 9 ? * MON *)", number % 60)}}),
            ),
            12 => ("Trigger", "weekly", json!({"suspend": number.is_multiple_of(2)})),
            _ => {
                self.told.push(format!("another token: {word}"));
                self.world.secret("credentials", &[("token", &format!("glpat-{word}"))]).await;
                return;
            }
        };
        self.patch(kind, name, json!({"spec": spec})).await;
    }

    /// Another reference, or a new object of any kind that has vanished.
    async fn add(&mut self) {
        let number = self.dice.below(1_000);
        let yaml = match self.dice.below(5) {
            0 => self.dice.of(OBJECTS).3.to_owned(),
            1 => SOURCE
                .replace("name: source", &format!("name: source-{number}"))
                .replace("210987654321", &format!("{:012}", 310_987_654_000 + number)),
            2 => TRIGGER.replace("name: weekly", &format!("name: weekly-{number}")),
            3 => SPACE.replace("name: space", &format!("name: space-{number}")),
            _ => {
                let second =
                    GITLAB.replace("name: gitlab}", "name: second}").replace("name: GitLab", "name: Second");
                self.world.apply(&second).await;
                let service = json!({"spec": {"serviceRef": {"name": "second"}}});
                self.patch("Association", "project", service).await;
                return;
            }
        };
        let made = self.world.try_apply(&yaml).await.is_ok();
        self.told.push(format!("applied ({made}): {yaml}"));
    }

    async fn id(&self, kind: &str, name: &str) -> Option<String> {
        let object = self.handle(kind, name).find().await?;
        Some(text(&object, "/status/id").to_owned()).filter(|id| !id.is_empty())
    }

    /// A change in AWS, by someone else.
    async fn drift(&mut self) {
        let word = format!("drift-{}", self.dice.below(1_000));
        let (kind, remote, name, set) = match self.dice.below(6) {
            0 => ("AgentSpace", "agentSpace", "space", json!({"description": word})),
            1 => ("AgentSpace", "agentSpace", "space", json!({"tags": {"devopsagent.dev/namespace": null}})),
            2 => ("Trigger", "trigger", "weekly", json!({"status": "Inactive"})),
            3 => (
                "PrivateConnection",
                "privateConnection",
                "internal",
                json!({"tags": {"devopsagent.dev/name": word}}),
            ),
            4 => (
                "ServiceRegistration",
                "service",
                "gitlab",
                json!({"tags": {"devopsagent.dev/namespace": null}}),
            ),
            _ => (
                "Association",
                "association",
                "source",
                json!({"configuration": {"sourceAws": {"assumableRoleArn": format!("arn:aws:iam::210987654321:role/{word}")}}}),
            ),
        };
        let Some(id) = self.id(kind, name).await else { return };
        if self.exists(remote, &id) {
            self.told.push(format!("in AWS, {kind} {name}: {set}"));
            self.world.mutate(remote, &id, set).await;
        }
    }

    fn exists(&self, remote: &str, id: &str) -> bool {
        let all = self.world.remotes(remote);
        all.iter().any(|found| devops_agent_test_support::aws::remote_id(remote, found) == id)
    }

    /// A resource is deleted in AWS.
    async fn vanish(&mut self) {
        let (kind, remote, name, _) = self.dice.of(OBJECTS);
        let Some(id) = self.id(kind, name).await else { return };
        if self.exists(remote, &id) {
            self.told.push(format!("{kind} {name} vanishes in AWS"));
            self.world.remove(remote, &id).await;
        }
    }

    /// Objects are deleted, some of them retaining what they have.
    async fn delete(&mut self) {
        for _ in 0..=self.dice.below(2) {
            let (kind, _, name, _) = self.dice.of(OBJECTS);
            if self.dice.below(3) == 0 {
                self.patch(kind, name, json!({"spec": {"deletionPolicy": "Retain"}})).await;
            }
            let handle = self.handle(kind, name);
            if handle.find().await.is_some() {
                self.told.push(format!("{kind} {name} is deleted"));
                handle.delete().await;
            }
        }
    }

    /// Something that someone else made in AWS is to be adopted.
    async fn adopt(&mut self) {
        let number = self.dice.below(1_000);
        let made = self.world.invoke("CreateAgentSpace", json!({"name": format!("Theirs {number}")})).await;
        let id = text(&made, "/agentSpace/agentSpaceId");
        let policy = self.dice.of(&["Manage", "Observe"]);
        let spec = json!({"externalId": id, "managementPolicy": policy, "name": format!("Ours {number}")});
        let metadata = json!({"name": format!("adopted-{number}")});
        let object = json!({"kind": "AgentSpace", "metadata": metadata, "spec": spec});
        self.told.push(format!("applied: {object}"));
        self.world.apply(&object.to_string()).await;
    }

    async fn policy(&mut self) {
        let (kind, _, name, _) = self.dice.of(OBJECTS);
        let patch = match self.dice.below(4) {
            0 => json!({"spec": {"managementPolicy": self.dice.of(&["Manage", "Observe"])}}),
            1 => {
                json!({"metadata": {"annotations": {"devopsagent.dev/paused": self.dice.of(&[json!("true"), Value::Null])}}})
            }
            _ => {
                json!({"spec": {"changePolicy": self.dice.of(&["Automatic", "OnApproval", "OnApprovalIfDisruptive"])}})
            }
        };
        self.patch(kind, name, patch).await;
    }

    async fn lose(&mut self) {
        let (kind, _, name, _) = self.dice.of(OBJECTS);
        let handle = self.handle(kind, name);
        if handle.find().await.is_some() {
            self.told.push(format!("{kind} {name} loses its status"));
            handle.lose_status().await;
        }
    }
}
