//! Whether requests may be sent at all: a replica that is no longer the leader sends nothing.

use std::fmt;
use std::sync::Arc;

/// Checked right before each request is sent, after any wait for the budget, for credentials or before a retry: a
/// process that was frozen in the meantime finds out when it resumes.
#[derive(Clone, Default)]
pub struct Gate(Option<Arc<dyn Fn() -> bool + Send + Sync>>);

impl Gate {
    /// A gate that is open while `is_open` returns true. The default is always open.
    pub fn new(is_open: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(is_open)))
    }

    /// Whether requests may be sent.
    pub fn is_open(&self) -> bool {
        self.0.as_ref().is_none_or(|is_open| is_open())
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gate").field(&self.is_open()).finish()
    }
}
