//! What is read when Prometheus asks: objects, caches, budgets.

mod budgets;
mod objects;

use std::fmt;
use std::sync::{Arc, Weak};

use prometheus_client::encoding::DescriptorEncoder;

use crate::metrics::Source;
use crate::reconcile::context::Context;

/// Reads what the passes of an operator share, as long as it runs.
pub struct Scrape(Weak<Context>);

impl Scrape {
    /// Reads `cx`.
    pub fn of(cx: &Arc<Context>) -> Self {
        Self(Arc::downgrade(cx))
    }
}

impl fmt::Debug for Scrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scrape")
    }
}

impl Source for Scrape {
    fn encode(&self, encoder: &mut DescriptorEncoder) -> fmt::Result {
        let Some(cx) = self.0.upgrade() else { return Ok(()) };
        objects::encode(encoder, &cx)?;
        budgets::encode(encoder, &cx)
    }
}
