//! The request budget of each account.

use prometheus_client::encoding::DescriptorEncoder;

use crate::aws::Priority;
use crate::aws::client::shared_budgets::Usage;
use crate::metrics::table;
use crate::metrics::vector::{counters, gauges};
use crate::reconcile::context::Context;

/// Label for the operator's own credentials. No AWSAccount can have this name.
const OWN: &str = "(operator)";

pub(super) fn encode(encoder: &mut DescriptorEncoder, cx: &Context) -> std::fmt::Result {
    let accounts: Vec<(String, Usage)> = cx.accounts.usage(cx).into_iter().map(named).collect();
    let each = |value: fn(&Usage) -> f64| {
        accounts.iter().map(move |(name, usage)| ([name.clone()], value(usage))).collect::<Vec<_>>()
    };
    let by_priority = |value: fn(&Usage, Priority) -> f64| {
        let one = move |(name, usage): &(String, Usage)| {
            Priority::ALL
                .map(|priority| ([name.clone(), priority.label().to_owned()], value(usage, priority)))
        };
        accounts.iter().flat_map(one).collect::<Vec<_>>()
    };
    gauges(encoder, table::BUDGET_RATE, each(|usage| usage.rate))?;
    gauges(encoder, table::BUDGET_LIMIT, each(|usage| usage.limit))?;
    gauges(encoder, table::BUDGET_TOKENS, each(|usage| usage.tokens))?;
    #[allow(clippy::cast_precision_loss, reason = "a counter that has lost its last digit counts on")]
    {
        counters(
            encoder,
            table::BUDGET_REQUESTS,
            by_priority(|usage, priority| usage.turns(priority).given as f64),
        )?;
        counters(encoder, table::BUDGET_THROTTLES, each(|usage| usage.throttles as f64))?;
    }
    counters(
        encoder,
        table::BUDGET_WAIT,
        by_priority(|usage, priority| usage.turns(priority).waited.as_secs_f64()),
    )
}

fn named((name, usage): (String, Usage)) -> (String, Usage) {
    (if name.is_empty() { OWN.to_owned() } else { name }, usage)
}
