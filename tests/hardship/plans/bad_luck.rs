//! What goes wrong by itself: answers that are lost, throttling, reads that are denied, and an operator that dies.

use devops_agent_simulator::Call;
use nix::sys::signal::Signal;
use serde_json::json;

use crate::harness::{World, wait_until};

use super::dice::Dice;
use super::{settled, started};

const WRITES: &[&str] = &[
    "CreateAgentSpace",
    "UpdateAgentSpace",
    "RegisterService",
    "AssociateService",
    "UpdateAssociation",
    "DisassociateService",
    "CreateAsset",
    "CreateTrigger",
    "TagResource",
];
const READS: &[&str] =
    &["GetAgentSpace", "ListAssociations", "ListServices", "ListAssets", "ListTriggers", "GetAsset"];

/// What goes wrong in a round.
pub struct BadLuck<'a> {
    world: &'a World,
    dice: &'a mut Dice,
    /// What went wrong.
    pub told: Vec<String>,
    /// Whether a read is denied.
    pub is_denied: bool,
    /// Whether an operator died before the plan.
    pub has_died: bool,
}

impl<'a> BadLuck<'a> {
    pub fn new(world: &'a World, dice: &'a mut Dice) -> Self {
        Self { world, dice, told: Vec::new(), is_denied: false, has_died: false }
    }

    /// Before the plan.
    pub async fn before(&mut self) {
        match self.dice.below(8) {
            0 => {
                self.has_died = true;
                self.die().await;
            }
            1 => {
                let operation = self.dice.of(READS);
                self.told.push(format!("{operation} is denied"));
                self.is_denied = true;
                self.world.fault(json!({
                    "operation": operation, "effect": "error", "error": "AccessDeniedException", "times": 0
                }));
            }
            _ => {}
        }
    }

    /// After the plan, when the operator does what was planned.
    pub fn after(&mut self) {
        match self.dice.below(6) {
            0 => {
                let operation = self.dice.of(WRITES);
                self.told.push(format!("the answer to {operation} is lost"));
                self.world.fault(json!({"operation": operation, "effect": "drop-answer"}));
            }
            1 => {
                let times = 1 + self.dice.below(8);
                self.told.push(format!("{times} calls are throttled"));
                self.world.fault(json!({"effect": "429", "times": times, "nth": 1 + self.dice.below(30)}));
            }
            _ => {}
        }
    }

    /// The operator begins with what it has to do, and dies after a few calls, the answer to the last of which is lost.
    async fn die(&mut self) {
        let world = self.world;
        let most = 1 + self.dice.below(3);
        let (mark, operation) = (world.mark(), self.dice.of(WRITES));
        let fault = world.fault(json!({"operation": operation, "effect": "drop-answer"}));
        let operator = started(world).await;
        let done = async {
            wait_until("the operator has called a few times", async || {
                let calls: Vec<Call> = world.calls_since(mark);
                let mutating = calls.iter().filter(|call| call.mutating).count();
                (mutating >= most
                    || world.simulator.faults().iter().any(|rule| rule.id == fault && rule.fired > 0))
                .then_some(())
            })
            .await;
        };
        // There may be nothing to do.
        tokio::select! { () = done => {}, () = settled(world) => {} }
        operator.signal(Signal::SIGKILL);
        operator.ended().await;
        world.end_faults().await;
        self.told
            .push(format!("the operator dies after {most} calls, or when the answer to {operation} is lost"));
    }
}
