//! One test: a world that the operator of all tests looks after.

use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use kube::ResourceExt;
use kube::api::DeleteParams;
use serde_json::Value;

use super::Shared;
use crate::cluster::LABEL;
use crate::world::World;

static NEXT: AtomicU64 = AtomicU64::new(0);

/// What one test has to itself, and what it shares with the others.
pub struct Test {
    /// What it shares.
    pub shared: &'static Shared,
    world: World,
}

impl Deref for Test {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl Test {
    pub(super) async fn new(shared: &'static Shared) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        // What an earlier run left in the cluster must not affect this run's accounts.
        let account = format!("{:012}", u128::from(number) * 1_000_000_000 + now % 1_000_000_000);
        // Names of one length: where a headline is cut must not depend on the number.
        let namespace =
            shared.namespace().unwrap_or_else(|| format!("e2e-{number:04}-{:07x}", now % 0x1000_0000));
        let world = World::new(&shared.client, &shared.simulator, &shared.built, &namespace).await;
        let test = Self { shared, world: world.with_account(&account) };
        test.apply(&test.account_yaml()).await.ready().await;
        test
    }

    /// The test's `AWSAccount` as YAML.
    pub fn account_yaml(&self) -> String {
        let (name, account) = (&self.namespace, &self.account);
        format!(
            "kind: AWSAccount\nmetadata: {{name: {name}, labels: {{{LABEL}: \"true\"}}}}\nspec:\n  \
             assumeRole: {{roleArn: \"arn:aws:iam::{account}:role/test\"}}\n  requestsPerSecond: 1000\n"
        )
    }

    /// Makes another namespace for this test, with labels. The operator looks after it.
    pub async fn other_namespace(&self, labels: Value) -> String {
        match self.shared.namespace() {
            Some(name) => self.add_namespace(name, labels).await,
            None => self.world.other_namespace(labels).await,
        }
    }

    async fn delete_objects(&self) {
        for object in self.objects().await {
            let kind = object.types.as_ref().map_or("", |types| types.kind.as_str());
            let handle = self.handle_in(&object.namespace().unwrap_or_default(), kind, &object.name_any());
            let _ = handle.api.delete(&handle.name, &DeleteParams::background()).await;
        }
    }

    /// Requests the deletion of everything; the operator continues with it while other tests run.
    pub(super) async fn clean_up(&self) {
        let mut names: Vec<_> = self.namespaces().into_iter().map(|name| ("Namespace", name)).collect();
        if !self.shared.pool.is_empty() {
            // Deleting the namespace would delete the operator's Role in it, and the objects would be stuck.
            self.delete_objects().await;
            names.clear();
        }
        for (kind, name) in names.into_iter().chain([("AWSAccount", self.namespace.clone())]) {
            let handle = self.handle(kind, &name);
            let _ = handle.api.delete(&name, &DeleteParams::background()).await;
        }
    }
}
