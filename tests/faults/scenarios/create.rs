//! Something new is applied.

use crate::harness::run::{Outcome, Run};

use super::objects::SPACE_WITH_APP;

/// A space with its operator app.
pub async fn space(run: &Run) -> Outcome {
    run.expect(|it| it.remotes = [("agentSpaces", 1), ("operatorApps", 1)].into());
    run.secret("credentials", &[("secret", "client-secret")]).await?;
    run.arm();
    run.apply(SPACE_WITH_APP).await?;
    run.ready("AgentSpace", "space").await
}
