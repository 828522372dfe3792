//! What is read when Prometheus asks: objects, caches, budgets.

mod budgets;
mod objects;

use std::fmt;
use std::sync::{Arc, Weak};

use prometheus_client::encoding::DescriptorEncoder;

use crate::metrics::Source;
use crate::reconcile::context::Context;

/// Reads what the passes of an operator share, as long as it runs.
pub struct Scrape {
    cx: Weak<Context>,
    by_object: bool,
}

impl Scrape {
    /// Reads `cx`. Objects have series of their own if they are told `by_object`; otherwise they are only counted.
    pub fn of(cx: &Arc<Context>, by_object: bool) -> Self {
        Self { cx: Arc::downgrade(cx), by_object }
    }
}

impl fmt::Debug for Scrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scrape")
    }
}

impl Source for Scrape {
    fn encode(&self, encoder: &mut DescriptorEncoder) -> fmt::Result {
        let Some(cx) = self.cx.upgrade() else { return Ok(()) };
        objects::encode(encoder, &cx, self.by_object)?;
        budgets::encode(encoder, &cx)
    }
}
