//! Too few requests per second for all the checks that are due.

use crate::fixtures::GITLAB;
use crate::harness::{World, run, wait_until};

/// Checks that are always due: far more than the budget has room for.
const OTHERS: u64 = 60;
/// So many calls may come before an urgent one: those in progress, and the turns that are left to checks.
const BEFORE: usize = 25;

/// A registration with a Secret of its own.
pub async fn registration(world: &World, name: &str) {
    world.secret(name, &[("token", "glpat-first")]).await;
    let gitlab = GITLAB
        .replace("metadata: {name: gitlab}", &format!("metadata: {{name: {name}}}"))
        .replace("name: GitLab", &format!("name: {name}"))
        .replace("gitlab.example.com", &format!("{name}.example.com"))
        .replace("name: credentials", &format!("name: {name}"));
    world.apply(&gitlab).await;
}

#[test]
fn a_rotated_secret_goes_before_the_checks_of_everything_else() {
    run(async || {
        let world = World::new().await;
        let names: Vec<String> = (0..=OTHERS).map(|number| format!("gitlab-{number}")).collect();
        let plenty = world.operator(&["--requests-per-second", "500"]);
        for name in &names {
            registration(&world, name).await;
        }
        for name in &names {
            world.handle("ServiceRegistration", name).ready().await;
        }
        drop(plenty);
        let starved = world.operator(&["--requests-per-second", "5", "--resync-period", "1s"]);
        starved.ready().await;
        world.more_calls(OTHERS).await;
        let mark = world.simulator.newest_call();
        world.secret("gitlab-7", &[("token", "glpat-second")]).await;
        let before = wait_until("the new token is in AWS", async || {
            let calls = world.simulator.call_log(mark);
            calls.iter().position(|call| call.operation == "RegisterService")
        })
        .await;
        assert!(before < BEFORE, "{before} calls went before it");
    });
}
