//! What can go wrong in a pass, and the one classifier that says what follows from it.

use crate::aws;
use crate::aws::ErrorCode;

use super::conditions::Reason;
use super::words;

/// Why a pass did not reach its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something else has to happen first; a watch, or a later look, brings the next pass.
    #[error("{message}")]
    Wait {
        /// What kind of thing.
        reason: Reason,
        /// What exactly, and what to do.
        message: String,
        /// What is looked at again soon, since no watch tells of it.
        poll: bool,
    },

    /// It can't work until a person changes something.
    #[error("{message}")]
    Terminal {
        /// What kind of thing.
        reason: Reason,
        /// What exactly, and what to do.
        message: String,
    },

    /// Somebody refuses for a reason that may go away; it is tried again, ever more slowly.
    #[error("{message}")]
    Refused {
        /// What kind of thing.
        reason: Reason,
        /// Who refuses what, in their words.
        message: String,
    },

    /// A call to AWS failed.
    #[error("{doing}: {}", words::of_aws(source))]
    Aws {
        /// What was being done to which remote.
        doing: String,
        /// What the client says.
        source: aws::Error,
    },

    /// A call to the Kubernetes API failed.
    #[error("{doing}: {}", words::of_kubernetes(source))]
    Kubernetes {
        /// What was being done to which object.
        doing: String,
        /// What the client says.
        source: Box<kube::Error>,
    },

    /// An answer or a document could not be understood.
    #[error("{doing}: {message}")]
    Unexpected {
        /// What was being done.
        doing: String,
        /// What was wrong; without any value.
        message: String,
    },
}

/// What follows from an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Wait for a watch to tell of a change.
    Wait,
    /// Look again soon, at an even pace.
    Poll,
    /// Try again, ever more slowly.
    Retry,
    /// A person must act: say `Stalled`. It is still tried again, slowly, since the cause may lie outside.
    Terminal,
}

impl Error {
    /// A dependency is missing or not ready; a watch tells when that changes.
    pub fn wait(reason: Reason, message: impl Into<String>) -> Self {
        Self::Wait { reason, message: message.into(), poll: false }
    }

    /// Something in AWS, or a person, has to come to an end; nothing tells when.
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

    /// The same in fewer words, the most telling ones first.
    pub fn brief(&self) -> String {
        match self {
            Self::Aws { source, .. } => words::brief(source),
            Self::Kubernetes { source, .. } => words::of_kubernetes(source),
            other => other.to_string(),
        }
    }

    /// What follows, and under which reason. The only place that knows.
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

/// An error of serde may quote a value, and that of a Secret: only its place and kind are told.
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
