//! Whether requests may be sent at all: a replica that is no longer the leader sends nothing, and what only looks at AWS
//! sends nothing that could change it.

use std::fmt;
use std::sync::Arc;

/// Checked right before each request is sent, after any wait for the budget, for credentials or before a retry: a
/// process that was frozen in the meantime finds out when it resumes.
#[derive(Clone, Default)]
pub struct Gate {
    is_open: Option<Arc<dyn Fn() -> bool + Send + Sync>>,
    reads_only: bool,
}

impl Gate {
    /// A gate that is open while `is_open` returns true. The default is always open.
    pub fn new(is_open: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self { is_open: Some(Arc::new(is_open)), reads_only: false }
    }

    /// An open gate for operations that only read; every other one is refused before anything is sent.
    pub fn for_reading() -> Self {
        Self { is_open: None, reads_only: true }
    }

    /// The same, and every operation that doesn't only read is refused.
    #[must_use]
    pub fn reads_only(self) -> Self {
        Self { reads_only: true, ..self }
    }

    /// Whether operations that change something are refused.
    pub fn is_for_reading(&self) -> bool {
        self.reads_only
    }

    /// Whether requests may be sent.
    pub fn is_open(&self) -> bool {
        self.is_open.as_ref().is_none_or(|is_open| is_open())
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("is_open", &self.is_open())
            .field("reads_only", &self.reads_only)
            .finish()
    }
}
