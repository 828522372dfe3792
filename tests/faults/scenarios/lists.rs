//! Lists of many pages, some of which fail.

use serde_json::json;

use crate::harness::run::{Outcome, Run};

use super::{account, objects, recover};

/// What status no longer names is found on later pages, behind what others have made, though the token for them expires
/// twice: what was seen up to there doesn't pass for the whole list.
pub async fn later_pages(run: &Run) -> Outcome {
    for number in 1..=2 {
        run.invoke("CreateAgentSpace", json!({"name": format!("Theirs {number}")}))?;
        let details = json!({"gitlab": {"targetUrl": format!("https://git{number}.example.com"),
            "tokenType": "personal", "tokenValue": "glpat-theirs"}});
        run.invoke(
            "RegisterService",
            json!({"service": "gitlab", "name": "Theirs", "serviceDetails": details}),
        )?;
    }
    objects::project(run).await?;
    run.apply(objects::SOURCE).await?;
    run.ready("Association", "source").await?;
    run.expect(|it| {
        it.remotes = [("agentSpaces", 3), ("services", 3), ("associations", 2)].into();
        it.left = [("agentSpaces", 2), ("services", 2)].into();
    });
    run.world.simulator.set_switches(|it| it.page_size = 1);
    for operation in ["ListAgentSpaces", "ListServices"] {
        let expired = json!({"operation": operation, "laterPage": true, "times": 2, "effect": "error",
            "error": "ValidationException", "message": "The token has expired"});
        run.world.simulator.add_fault(account::rule(expired)?);
    }
    run.arm();
    recover::lose_all_status(run).await?;
    let unhit: Vec<_> = run.world.simulator.faults().into_iter().filter(|rule| rule.fired == 0).collect();
    if !unhit.is_empty() {
        return Err(format!("no token has expired: {unhit:?}"));
    }
    // Nothing is wrong with what the objects ask for.
    match run.world.boundary.find_written(&["\"Invalid\"".to_owned()]) {
        Some(written) => Err(format!("rule 7: a list that broke off is told as an invalid spec: {written}")),
        None => Ok(()),
    }
}
