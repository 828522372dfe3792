//! What can go wrong, said as what was being done.

use std::io;
use std::time::Duration;

/// The only error type of this program. Its text is all that the user sees.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Ctrl-C, SIGTERM or SIGHUP: not a failure, but everything has to unwind.
    #[error("interrupted")]
    Interrupted,
    /// The operating system refused something.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done.
        doing: String,
        /// Why it failed.
        source: io::Error,
    },
    /// A program that was run to its end did not succeed.
    #[error("{doing} failed ({status})\n{output}")]
    Command {
        /// What the program was run for.
        doing: String,
        /// How it ended.
        status: String,
        /// Its output.
        output: String,
    },
    /// A long-running program of ours ended on its own.
    #[error("{name} has stopped ({status}). The end of its log:\n{log}")]
    Died {
        /// Which program.
        name: String,
        /// How it ended.
        status: String,
        /// The last lines of its log.
        log: String,
    },
    /// Something did not happen within its time.
    #[error("{what} did not happen within {} s\n{detail}", limit.as_secs())]
    TimedOut {
        /// What was waited for.
        what: String,
        /// For how long.
        limit: Duration,
        /// What is known about the reason.
        detail: String,
    },
    /// An HTTP request got no response.
    #[error("{doing}: {source}")]
    Http {
        /// What was being requested.
        doing: String,
        /// Why there was no response.
        source: Box<ureq::Error>,
    },
    /// A response couldn't be read.
    #[error("{doing}: {source}")]
    Json {
        /// What was being read.
        doing: String,
        /// Where it is malformed.
        source: serde_json::Error,
    },
    /// A failure that has already been reported to the user.
    #[error("{0}")]
    Reported(String),
    /// Anything else, as described by the text.
    #[error("{0}")]
    Other(String),
}

/// Adds what was being done to the errors of the standard library and of serde.
pub trait Doing<T> {
    /// Says what was being done when it failed.
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, Error>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|source| Error::Io { doing: doing(), source })
    }
}

impl<T> Doing<T> for serde_json::Result<T> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|source| Error::Json { doing: doing(), source })
    }
}
