//! What can go wrong in a pass, and the one classifier that determines the consequence.

use crate::aws::{self, ErrorCode};

use super::conditions::Reason;
use super::words;

/// Why a pass didn't complete.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something else must happen first; a watch, or a later check, triggers the next pass.
    #[error("{message}")]
    Wait {
        /// The reason.
        reason: Reason,
        /// The message: what exactly, and what to do.
        message: String,
        /// Something that is checked again soon, because no watch reports it.
        poll: bool,
    },

    /// It can't work until a person changes something.
    #[error("{message}")]
    Terminal {
        /// The reason.
        reason: Reason,
        /// The message: what exactly, and what to do.
        message: String,
    },

    /// A refusal for a reason that may go away; it is retried with increasing delays.
    #[error("{message}")]
    Refused {
        /// The reason.
        reason: Reason,
        /// Who refuses what, quoting them.
        message: String,
    },

    /// A call to AWS failed.
    #[error("{doing}: {}", words::of_aws(source))]
    Aws {
        /// What was being done to which remote.
        doing: String,
        /// The client's error.
        source: aws::Error,
    },

    /// A call to the Kubernetes API failed.
    #[error("{doing}: {}", words::of_kubernetes(source))]
    Kubernetes {
        /// What was being done to which object.
        doing: String,
        /// The client's error.
        source: Box<kube::Error>,
    },

    /// A response or a document couldn't be understood.
    #[error("{doing}: {message}")]
    Unexpected {
        /// What was being done.
        doing: String,
        /// What was wrong; without any value.
        message: String,
    },
}

/// The consequence of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Wait for a watch to report a change.
    Wait,
    /// Check again soon, at a constant interval.
    Poll,
    /// Retry with increasing delays.
    Retry,
    /// A person must act: set `Stalled`. It is still retried, slowly, because the cause may be external.
    Terminal,
}

impl Error {
    /// A dependency is missing or not ready; a watch reports when that changes.
    pub fn wait(reason: Reason, message: impl Into<String>) -> Self {
        Self::Wait { reason, message: message.into(), poll: false }
    }

    /// AWS, or a person, has to finish something; nothing reports when.
    pub fn poll(reason: Reason, message: impl Into<String>) -> Self {
        Self::Wait { reason, message: message.into(), poll: true }
    }

    /// A person must act.
    pub fn terminal(reason: Reason, message: impl Into<String>) -> Self {
        Self::Terminal { reason, message: message.into() }
    }

    /// For `map_err`: a Kubernetes call failed while `doing`.
    pub fn kubernetes(doing: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Kubernetes { doing, source: Box::new(unquoted(source)) }
    }

    /// Whether a call surely had no effect: it was refused.
    pub fn had_no_effect(&self) -> bool {
        match self {
            Self::Aws { source, .. } => !source.outcome_unknown(),
            Self::Refused { .. } => true,
            _ => false,
        }
    }

    /// The same in fewer words, the most important ones first.
    pub fn brief(&self) -> String {
        match self {
            Self::Aws { source, .. } => words::brief(source),
            Self::Kubernetes { source, .. } => words::of_kubernetes(source),
            other => other.to_string(),
        }
    }

    /// The consequence, and its reason. The only place that knows.
    pub fn classify(&self) -> (Class, Reason) {
        match self {
            Self::Wait { reason, poll: false, .. } => (Class::Wait, *reason),
            Self::Wait { reason, poll: true, .. } => (Class::Poll, *reason),
            Self::Terminal { reason, .. } => (Class::Terminal, *reason),
            Self::Refused { reason, .. } => (Class::Retry, *reason),
            Self::Aws { source, .. } => classify_aws(source),
            Self::Kubernetes { .. } => (Class::Retry, Reason::KubernetesError),
            Self::Unexpected { .. } => (Class::Retry, Reason::Unexpected),
        }
    }
}

/// A serde error may quote a value, even one from a Secret: only its position and kind are shown.
fn unquoted(error: kube::Error) -> kube::Error {
    match error {
        kube::Error::SerdeError(error) => {
            let (kind, line, column) = (error.classify(), error.line(), error.column());
            let place = format!("{kind:?} error at line {line}, column {column}");
            kube::Error::SerdeError(serde::de::Error::custom(place))
        }
        other => other,
    }
}

fn classify_aws(error: &aws::Error) -> (Class, Reason) {
    match error.code() {
        _ if error.is_foreign() => (Class::Retry, Reason::EndpointInvalid),
        _ if error.is_about_credentials() => (Class::Retry, Reason::CredentialsUnavailable),
        _ if error.is_throttle() => (Class::Retry, Reason::Throttled),
        Some(ErrorCode::Throttling) => (Class::Retry, Reason::Throttled),
        Some(ErrorCode::InternalServer) => (Class::Retry, Reason::Unavailable),
        Some(ErrorCode::ServiceQuotaExceeded) => (Class::Terminal, Reason::QuotaExceeded),
        Some(ErrorCode::ResourceNotFound) => (Class::Terminal, Reason::NotFound),
        Some(ErrorCode::Conflict) => (Class::Retry, Reason::Refused),
        Some(
            ErrorCode::Validation
            | ErrorCode::InvalidParameter
            | ErrorCode::ContentSizeExceeded
            | ErrorCode::IdentityCenterService,
        ) => (Class::Terminal, Reason::Invalid),
        Some(ErrorCode::Other(_)) if error.is_retryable() => (Class::Retry, Reason::Unavailable),
        Some(ErrorCode::AccessDenied) => (Class::Terminal, Reason::AccessDenied),
        Some(ErrorCode::Other(_)) => match error.service().map(|error| error.status) {
            Some(401 | 403) => (Class::Terminal, Reason::AccessDenied),
            _ => (Class::Terminal, Reason::Invalid),
        },
        None => match error {
            aws::Error::Credentials { .. } | aws::Error::Config { .. } => {
                (Class::Retry, Reason::CredentialsUnavailable)
            }
            aws::Error::Decode { .. } => (Class::Retry, Reason::Unexpected),
            aws::Error::Placeholder { .. } => (Class::Wait, Reason::InputInvalid),
            _ => (Class::Retry, Reason::Unavailable),
        },
    }
}

/// For results of AWS calls: says what was being done.
pub trait Doing<T> {
    /// Wraps the error with what was being done to which remote.
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, Error>;
}

impl<T> Doing<T> for Result<T, aws::Error> {
    fn doing(self, doing: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|source| Error::Aws { doing: doing(), source })
    }
}
