//! How a simulator is set up.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;

use crate::switches::Switches;

/// Everything that can be chosen at the start. The defaults are those of the command line.
#[derive(Clone)]
pub struct Options {
    /// Where to listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// Access key id of the caller.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: String,
    /// The account that the key pair belongs to.
    pub account_id: String,
    /// File that keeps the state over a restart.
    pub state_file: Option<PathBuf>,
    /// Base of the URLs that the simulator gives out (webhooks, authorization); where it listens when absent.
    pub public_url: Option<String>,
    /// How far the clock of a client may be off.
    pub clock_tolerance: Duration,
    /// How far the clock of the service is ahead of this machine's, for signatures and the lifetime of credentials.
    pub clock_offset: SignedDuration,
    /// How many of the newest calls are kept in detail.
    pub calls_kept: usize,
    /// The undocumented choices.
    pub switches: Switches,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 4580)),
            access_key_id: "simulator".to_owned(),
            secret_access_key: "simulator".to_owned(),
            account_id: "123456789012".to_owned(),
            state_file: None,
            public_url: None,
            clock_tolerance: Duration::from_mins(15),
            clock_offset: SignedDuration::ZERO,
            calls_kept: 10_000,
            switches: Switches::default(),
        }
    }
}

impl Options {
    /// The defaults on a free port, as tests want them.
    pub fn on_free_port() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..Self::default() }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Options")
            .field("listen", &self.listen)
            .field("access_key_id", &self.access_key_id)
            .field("account_id", &self.account_id)
            .field("state_file", &self.state_file)
            .field("public_url", &self.public_url)
            .finish_non_exhaustive()
    }
}
