//! The simulated AWS, as far as it is a test's account.

use std::sync::Arc;
use std::time::Duration;

use devops_agent_simulator::{Call, Options, Running, Simulator};
use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep};

use crate::wait::wait_until;
use crate::world::World;

/// The region of everything.
pub const REGION: &str = "us-east-1";
/// The account of the operator's own credentials.
pub const OWN_ACCOUNT: &str = "123456789012";

/// Starts a simulated AWS.
pub async fn start(options: Options) -> Arc<Running> {
    Arc::new(Simulator::start(options).await.expect("the simulator starts"))
}

impl World {
    /// Everything in the account, secrets included.
    pub fn state(&self) -> Value {
        self.simulator.state(true)["accounts"][&self.account][REGION].take()
    }

    /// All resources of a kind (`agentSpace`, `service`, `association`, `privateConnection`, `asset`, `trigger`) except
    /// the services registered in the console.
    pub fn remotes(&self, kind: &str) -> Vec<Value> {
        let state = self.state();
        match kind {
            "agentSpace" => members(&state["agentSpaces"]),
            "service" => {
                let all = members(&state["services"]);
                all.into_iter().filter(|service| service["origin"] != "console").collect()
            }
            "privateConnection" => members(&state["privateConnections"]),
            kind => members(&state["agentSpaces"])
                .iter()
                .flat_map(|space| members(&space[format!("{kind}s")]))
                .collect(),
        }
    }

    /// The only resource of a kind.
    pub fn only(&self, kind: &str) -> Value {
        let mut all = self.remotes(kind);
        assert_eq!(all.len(), 1, "there should be one {kind}: {all:#?}");
        all.remove(0)
    }

    /// Whether nothing is left in the account except what was registered in the console.
    pub fn is_empty(&self) -> bool {
        let left =
            ["agentSpace", "service", "privateConnection"].iter().any(|kind| !self.remotes(kind).is_empty());
        !left && members(&self.state()["pendingRegistrations"]).is_empty()
    }

    /// The number of the newest call, to find later ones.
    pub fn mark(&self) -> u64 {
        self.simulator.newest_call()
    }

    /// The calls in the account after a mark.
    pub fn calls_since(&self, mark: u64) -> Vec<Call> {
        let mut calls = self.simulator.call_log(mark);
        calls.retain(|call| call.account == self.account);
        calls
    }

    /// All calls in the account.
    pub fn calls(&self) -> Vec<Call> {
        self.calls_since(self.first_call)
    }

    /// How often an operation was called in the account.
    pub fn count(&self, operation: &str) -> usize {
        self.calls().iter().filter(|call| call.operation == operation).count()
    }

    /// The mutating calls in the account after a mark, by name.
    pub fn mutations_since(&self, mark: u64) -> Vec<String> {
        let calls = self.calls_since(mark).into_iter();
        calls.filter(|call| call.mutating).map(|call| call.operation).collect()
    }

    /// The mutating calls in the account, by name.
    pub fn mutations(&self) -> Vec<String> {
        self.mutations_since(self.first_call)
    }

    /// Changes a resource behind the operator's back.
    pub async fn mutate(&self, kind: &str, id: &str, set: Value) -> Value {
        self.control("mutate", json!({"account": self.account, "kind": kind, "id": id, "set": set})).await
    }

    /// Removes a resource behind the operator's back.
    pub async fn remove(&self, kind: &str, id: &str) {
        let url =
            format!("{}/_simulator/resources/{kind}/{id}?account={}", self.simulator.url(), self.account);
        let answer = self.http.delete(url).send().await.expect("the simulator answers");
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap_or_default());
    }

    /// Calls an operation in the account as someone else would.
    pub async fn invoke(&self, operation: &str, input: Value) -> Value {
        self.control("invoke", json!({"account": self.account, "operation": operation, "input": input})).await
    }

    async fn control(&self, path: &str, body: Value) -> Value {
        let url = format!("{}/_simulator/{path}", self.simulator.url());
        let answer = self.http.post(url).body(body.to_string()).send().await.expect("the simulator answers");
        let status = answer.status();
        let text = answer.text().await.expect("the simulator answers in text");
        assert!(status.is_success(), "{path} {body}: {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Injects a fault into calls of this account, and gives the id of its rule; see the simulator's README for the members.
    pub fn fault(&self, mut rule: Value) -> u64 {
        rule["account"] = json!(self.account);
        self.simulator.add_fault(serde_json::from_value(rule).expect("the rule is well formed"))
    }

    /// Waits until a rule has hit so many calls.
    pub async fn hit(&self, rule: u64, times: u64) {
        wait_until(format!("{times} calls are hit"), async || {
            self.simulator.faults().iter().any(|found| found.id == rule && found.fired >= times).then_some(())
        })
        .await;
    }

    /// Waits for so many calls of the operation after a mark, and returns all calls since then.
    pub async fn wait_for_calls(&self, mark: u64, operation: &str, count: usize) -> Vec<Call> {
        wait_until(format!("{count} calls of {operation}"), async || {
            let calls = self.calls_since(mark);
            (calls.iter().filter(|call| call.operation == operation).count() >= count).then_some(calls)
        })
        .await
    }

    /// Waits until AWS, whatever the account, was called so many times more.
    pub async fn more_calls(&self, more: u64) {
        let enough = self.mark() + more;
        wait_until(format!("{more} more calls of AWS"), async || (self.mark() >= enough).then_some(())).await;
    }

    /// Ends the faults that hit every call (`times: 0`) of this account.
    pub async fn end_faults(&self) {
        for rule in self.simulator.faults() {
            if rule.account.as_deref() == Some(&self.account) {
                let url = format!("{}/_simulator/faults/{}", self.simulator.url(), rule.id);
                self.http.delete(url).send().await.expect("the simulator answers");
            }
        }
    }

    /// Opens an address as a person would.
    pub async fn open(&self, url: &str) {
        let answer = self.http.get(url).send().await.expect("the address answers");
        assert!(answer.status().is_success(), "{url}: {}", answer.status());
    }

    /// For `time`, there is no mutating call, and nothing is written to any object or Secret.
    pub async fn stays_quiet(&self, time: Duration) {
        let (mark, before) = (self.mark(), self.versions().await);
        let end = Instant::now() + time;
        while Instant::now() < end {
            assert_eq!(self.mutations_since(mark), Vec::<String>::new(), "mutating calls on an idle account");
            assert_eq!(self.versions().await, before, "objects were written although nothing changed");
            sleep(Duration::from_millis(250)).await;
        }
    }
}

/// The values of a JSON object.
fn members(value: &Value) -> Vec<Value> {
    value.as_object().map(Map::values).into_iter().flatten().cloned().collect()
}

/// The id of a resource of a kind.
pub fn remote_id<'a>(kind: &str, remote: &'a Value) -> &'a str {
    let member = if kind == "privateConnection" { "name".to_owned() } else { format!("{kind}Id") };
    remote[member].as_str().unwrap_or_default()
}
