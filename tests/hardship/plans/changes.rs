//! Random changes of a world: by its users, by others in AWS, and by bad luck.

use serde_json::{Value, json};

use crate::fixtures::{AGENT, CHANNEL, CONNECTION, EVENTS, GITLAB, PROJECT, SOURCE, SPACE, TRIGGER};
use crate::harness::{Handle, World, text};

use super::dice::Dice;

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
            match self.dice.below(15) {
                0..4 => self.edit().await,
                4..6 => self.drift().await,
                6 => self.vanish().await,
                7 => self.delete().await,
                8 => self.add().await,
                9..11 => self.adopt().await,
                11 => self.policy().await,
                12 => self.hand_over().await,
                13 => self.approve().await,
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
        let Some((kind, id, mut spec)) = self.made_by_hand(number).await else { return };
        spec["managementPolicy"] = json!(self.dice.of(&["Manage", "Observe"]));
        match self.dice.below(3) {
            0 => spec["adoptionPolicy"] = json!("Adopt"),
            // What matches and isn't asked for is refused.
            1 => {}
            _ => spec["externalId"] = json!(id),
        }
        let metadata = json!({"name": format!("adopted-{number}")});
        let object = json!({"kind": kind, "metadata": metadata, "spec": spec});
        let made = self.world.try_apply(&object.to_string()).await.is_ok();
        self.told.push(format!("applied ({made}): {object}"));
    }

    /// Makes something in AWS as someone else would. Gives its kind, its id, and the spec that describes it, not always to
    /// the letter.
    async fn made_by_hand(&mut self, number: usize) -> Option<(&'static str, String, Value)> {
        let word = format!("theirs-{number}");
        let other = self.dice.below(2) == 0;
        let space = self.id("AgentSpace", "space").await.filter(|id| self.exists("agentSpace", id));
        let in_space = json!({"name": "space"});
        let id = |made: &Value, pointer: &str| text(made, pointer).to_owned();
        let made = match self.dice.below(6) {
            0 => {
                let made = self.world.invoke("CreateAgentSpace", json!({"name": word})).await;
                let spec = json!({"name": word, "locale": if other { "de-DE" } else { "en-US" }});
                ("AgentSpace", id(&made, "/agentSpace/agentSpaceId"), spec)
            }
            1 => {
                let mode = json!({"serviceManaged": {
                    "hostAddress": "theirs.example.com",
                    "vpcId": "vpc-0123456789abcdef0",
                    "subnetIds": ["subnet-0123456789abcdef0"],
                }});
                self.world.invoke("CreatePrivateConnection", json!({"name": word, "mode": mode})).await;
                let tags = if other { json!({"team": "sre"}) } else { json!({}) };
                ("PrivateConnection", word.clone(), json!({"name": word, "mode": mode, "tags": tags}))
            }
            2 => {
                let account = format!("{:012}", 410_987_654_000 + number);
                let arn = |role: &str| format!("arn:aws:iam::{account}:role/{role}");
                let source =
                    |role: &str| json!({"sourceAws": {"accountId": account, "assumableRoleArn": arn(role)}});
                let mut configuration = source("Agent");
                configuration["sourceAws"]["accountType"] = json!("source");
                let input =
                    json!({"agentSpaceId": space?, "serviceId": "aws", "configuration": configuration});
                let made = self.world.invoke("AssociateService", input).await;
                let wanted = source(if other { "Other" } else { "Agent" });
                let spec = json!({"agentSpaceRef": in_space, "configuration": wanted});
                ("Association", id(&made, "/association/associationId"), spec)
            }
            3 => {
                let (metadata, file) =
                    (json!({"name": word}), |text: &str| json!([{"path": "AGENT.md", "text": text}]));
                let content = json!({"file": {"path": "AGENT.md", "body": {"text": "Theirs."}}});
                let input = json!({
                    "agentSpaceId": space?, "assetType": "custom_agent", "metadata": metadata, "content": content
                });
                let made = self.world.invoke("CreateAsset", input).await;
                let files = file(if other { "Ours." } else { "Theirs." });
                let spec = json!({
                    "agentSpaceRef": in_space, "assetType": "custom_agent", "metadata": metadata,
                    "content": {"files": files},
                });
                ("Asset", id(&made, "/asset/assetId"), spec)
            }
            4 => {
                let target = format!("https://{word}.example.com");
                let gitlab = |token: Value| json!({"gitlab": {"targetUrl": target, "tokenType": "personal", "tokenValue": token}});
                let details = gitlab(json!("glpat-theirs"));
                let input = json!({"service": "gitlab", "name": word, "serviceDetails": details});
                let made = self.world.invoke("RegisterService", input).await;
                let name = if other { format!("ours-{number}") } else { word };
                let token = json!({"secretKeyRef": {"name": "credentials", "key": "token"}});
                let spec = json!({"name": name, "service": gitlab(token)});
                ("ServiceRegistration", id(&made, "/serviceId"), spec)
            }
            _ => {
                let agent = self.id("Asset", "agent").await?;
                let expression = format!("cron({} 7 ? * MON *)", number % 60);
                let action =
                    json!({"actionType": "create:task", "task": {"agent": format!("custom:{agent}")}});
                let input = json!({
                    "agentSpaceId": space?, "type": "TIME_BASED", "action": action,
                    "condition": {"schedule": {"expression": expression}}, "status": "Active",
                });
                let made = self.world.invoke("CreateTrigger", input).await;
                let spec = json!({
                    "agentSpaceRef": in_space, "assetRef": {"name": "agent"}, "schedule": {"expression": expression},
                    "suspend": other,
                });
                ("Trigger", id(&made, "/trigger/triggerId"), spec)
            }
        };
        Some(made)
    }

    /// The space `moving` goes from one namespace to the other, if both sides want that.
    async fn hand_over(&mut self) {
        let mut namespaces = self.world.namespaces();
        if self.dice.below(2) == 0 {
            namespaces.reverse();
        }
        let [from, to] = namespaces.try_into().expect("there are two namespaces");
        let giver = self.world.handle_in(&from, "AgentSpace", "moving");
        if giver.find().await.is_none() {
            return;
        }
        let annotations = json!({"devopsagent.dev/hand-over-to": to});
        let policy = self.dice.of(&["Retain", "Retain", "Delete"]);
        giver
            .patch(json!({"metadata": {"annotations": annotations}, "spec": {"deletionPolicy": policy}}))
            .await;
        giver.delete().await;
        self.told.push(format!("AgentSpace moving goes from {from} to {to} ({policy})"));
        if self.dice.below(4) > 0 {
            let spec = json!({
                "name": "moving",
                "adoptionPolicy": self.dice.of(&["Adopt", "Adopt", "Refuse"]),
                "locale": self.dice.of(&["en-US", "de-DE"]),
            });
            let heir = json!({"kind": "AgentSpace", "metadata": {"name": "moving"}, "spec": spec});
            self.told.push(format!("applied in {to}: {heir}"));
            self.world.apply_in(&to, &heir.to_string()).await;
            if self.dice.below(2) == 0 {
                self.told.push("an association of the heir's".to_owned());
                let number = 310_987_655_000_u64 + self.dice.below(1_000) as u64;
                let source = SOURCE
                    .replace("name: space", "name: moving")
                    .replace("name: source", &format!("name: source-{number}"))
                    .replace("210987654321", &number.to_string());
                self.world.apply_in(&to, &source).await;
            }
        }
    }

    /// What waits for approval gets it.
    async fn approve(&mut self) {
        for object in self.world.objects().await {
            let object = devops_agent_test_support::json_of(&object);
            let hash = text(&object, "/status/pendingChange/hash");
            if !hash.is_empty() {
                let annotation = json!({"devopsagent.dev/approve": hash});
                let handle = self.world.handle_of(&object);
                handle.patch(json!({"metadata": {"annotations": annotation}})).await;
                self.told.push(format!("approved: {handle} {}", object["status"]["pendingChange"]));
            }
        }
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
