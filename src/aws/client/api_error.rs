//! What can go wrong with a call, and what is known about its effect.

use std::fmt;

use crate::api::placeholder;

/// A call that did not succeed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The service refused or failed.
    #[error("{0}")]
    Service(Box<ServiceError>),
    /// No response in time.
    #[error("{operation}: no response in time")]
    Timeout {
        /// The operation.
        operation: &'static str,
        /// Whether it may have taken effect.
        effect: Effect,
    },
    /// The service could not be reached, or the connection broke.
    #[error("{operation}: {message}")]
    Connection {
        /// The operation.
        operation: &'static str,
        /// Whether it may have taken effect.
        effect: Effect,
        /// What broke.
        message: String,
    },
    /// There are no credentials to sign with, or no role could be assumed.
    #[error("no AWS credentials: {message}")]
    Credentials {
        /// Why.
        message: String,
    },
    /// The settings can't be used.
    #[error("{message}")]
    Config {
        /// Which, and why.
        message: String,
    },
    /// The input can't be sent; nothing was.
    #[error("{operation}: {message}")]
    Input {
        /// The operation.
        operation: &'static str,
        /// Which member, and why.
        message: String,
    },
    /// This process may no longer send anything; nothing was sent.
    #[error("{operation}: not sent: this replica is no longer the leader")]
    Closed {
        /// The operation.
        operation: &'static str,
    },
    /// The client only reads; nothing was sent.
    #[error("{operation}: not sent: nothing in AWS may be changed here")]
    ReadOnly {
        /// The operation.
        operation: &'static str,
    },
    /// The input has a placeholder in it; nothing was sent.
    #[error(
        "{operation}: not sent: the object, or a Secret that it refers to, still has the placeholder {} for a value \
         that AWS doesn't return; replace it with the value",
        placeholder::TEXT
    )]
    Placeholder {
        /// The operation.
        operation: &'static str,
    },
    /// The response isn't from the service: a proxy, a login page, another server.
    #[error("{operation}: {message}")]
    Foreign {
        /// The operation.
        operation: &'static str,
        /// What it looks like. Never the response itself.
        message: String,
    },
    /// A list broke off: a later page of it was refused.
    #[error("{operation}: the list broke off after its first pages ({message})")]
    BrokenOff {
        /// The operation.
        operation: &'static str,
        /// What the service said.
        message: String,
    },
    /// The service accepted the call, but its response can't be read.
    #[error("{operation}: the response can't be read: {message}")]
    Decode {
        /// The operation.
        operation: &'static str,
        /// Where reading stopped. Never the response itself.
        message: String,
    },
}

/// Whether a call without a response may have taken effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It was never sent.
    None,
    /// It was sent, and nobody knows.
    Unknown,
}

/// The error as reported by the service.
#[derive(Clone, Debug)]
pub struct ServiceError {
    /// The operation.
    pub operation: &'static str,
    /// The error's name.
    pub code: ErrorCode,
    /// Whether it looks like an error of the service: with a name, or at least a JSON object.
    pub genuine: bool,
    /// The HTTP status.
    pub status: u16,
    /// The service's message, unless it repeats part of a secret in the request.
    pub message: String,
    /// The members that `ValidationException` complains about.
    pub fields: Vec<FieldError>,
    /// `reason` of `ConflictException`, `underlyingErrorCode` of `IdentityCenterServiceException`.
    pub reason: Option<String>,
    /// What AWS support asks for.
    pub request_id: Option<String>,
}

/// A complaint about one member of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// A JSON pointer to the member.
    pub path: String,
    /// What is wrong with it.
    pub message: String,
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.operation, self.code, self.status)?;
        if self.is_foreign() {
            return f
                .write_str(", which is not an AWS response: check the endpoint and any proxies in between");
        }
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        for field in &self.fields {
            match field.message.as_str() {
                message if self.message.contains(message) => write!(f, " [field {}]", field.path)?,
                message => write!(f, " [field {}: {message}]", field.path)?,
            }
        }
        if let Some(reason) = &self.reason {
            write!(f, " [{reason}]")?;
        }
        // The request id is in the log: here it would make each repetition look like a new error.
        Ok(())
    }
}

impl ServiceError {
    /// Whether the response is from another server: a wrong endpoint, or a proxy in between. Failures (500 and above)
    /// and throttling (429) may come from a load balancer of the service.
    pub fn is_foreign(&self) -> bool {
        let unknown = self.code.is_one_of(&["UnknownOperationException"]);
        unknown || (!self.genuine && self.status < 500 && self.status != 429)
    }
}

/// The name of an error: one that every operation declares, or another.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the API's own, without their `Exception`")]
pub enum ErrorCode {
    Validation,
    InvalidParameter,
    AccessDenied,
    ResourceNotFound,
    Conflict,
    ContentSizeExceeded,
    Throttling,
    ServiceQuotaExceeded,
    InternalServer,
    IdentityCenterService,
    /// A name that the model doesn't have, for example of a signature error.
    Other(String),
}

const CODES: [(ErrorCode, &str); 10] = [
    (ErrorCode::Validation, "ValidationException"),
    (ErrorCode::InvalidParameter, "InvalidParameterException"),
    (ErrorCode::AccessDenied, "AccessDeniedException"),
    (ErrorCode::ResourceNotFound, "ResourceNotFoundException"),
    (ErrorCode::Conflict, "ConflictException"),
    (ErrorCode::ContentSizeExceeded, "ContentSizeExceededException"),
    (ErrorCode::Throttling, "ThrottlingException"),
    (ErrorCode::ServiceQuotaExceeded, "ServiceQuotaExceededException"),
    (ErrorCode::InternalServer, "InternalServerException"),
    (ErrorCode::IdentityCenterService, "IdentityCenterServiceException"),
];

impl ErrorCode {
    /// Reads a name in wire form: `prefix#Name:suffix`.
    pub fn parse(raw: &str) -> Self {
        let name = raw.split(':').next().unwrap_or(raw);
        let name = name.rsplit('#').next().unwrap_or(name).trim();
        CODES
            .iter()
            .find(|(_, known)| *known == name)
            .map_or_else(|| Self::Other(name.to_owned()), |(code, _)| code.clone())
    }

    /// The name, as the API spells it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(name) => name,
            known => CODES.iter().find(|(code, _)| code == known).map_or("", |(_, name)| name),
        }
    }

    /// The name, from a closed list: for labels.
    pub fn bounded(&self) -> &str {
        if matches!(self, Self::Other(_)) { "Other" } else { self.as_str() }
    }

    fn is_one_of(&self, names: &[&str]) -> bool {
        names.contains(&self.as_str())
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Error {
    /// The error as reported by the service, if it reported one.
    pub fn service(&self) -> Option<&ServiceError> {
        match self {
            Self::Service(error) => Some(error),
            _ => None,
        }
    }

    /// The error's name, if the service gave one.
    pub fn code(&self) -> Option<&ErrorCode> {
        self.service().map(|error| &error.code)
    }

    /// The service says that the remote doesn't exist. A 404 that doesn't say so, from a proxy or a wrong address,
    /// doesn't count.
    pub fn is_not_found(&self) -> bool {
        self.code() == Some(&ErrorCode::ResourceNotFound)
    }

    /// The remote's state, or another remote, prevents the call.
    pub fn is_conflict(&self) -> bool {
        self.code() == Some(&ErrorCode::Conflict)
    }

    /// Too many calls.
    pub fn is_throttle(&self) -> bool {
        self.service().is_some_and(|error| error.code == ErrorCode::Throttling || error.status == 429)
    }

    /// Whether it may go away by itself.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Service(error) => self.is_throttle() || error.status >= 500,
            Self::Timeout { .. }
            | Self::Connection { .. }
            | Self::Credentials { .. }
            | Self::Foreign { .. }
            | Self::BrokenOff { .. }
            | Self::Decode { .. } => true,
            Self::Config { .. }
            | Self::Input { .. }
            | Self::Closed { .. }
            | Self::ReadOnly { .. }
            | Self::Placeholder { .. } => false,
        }
    }

    /// Whether the call may have taken effect: check before repeating it.
    pub fn outcome_unknown(&self) -> bool {
        match self {
            Self::Service(error) => error.status >= 500,
            Self::Timeout { effect, .. } | Self::Connection { effect, .. } => *effect == Effect::Unknown,
            Self::Decode { .. } | Self::Foreign { .. } => true,
            Self::Credentials { .. }
            | Self::Config { .. }
            | Self::Input { .. }
            | Self::Closed { .. }
            | Self::ReadOnly { .. }
            | Self::Placeholder { .. }
            | Self::BrokenOff { .. } => false,
        }
    }

    /// The response isn't from the service.
    pub fn is_foreign(&self) -> bool {
        match self {
            Self::Foreign { .. } => true,
            Self::Service(error) => error.is_foreign(),
            _ => false,
        }
    }

    /// The service rejects the credentials: keys that don't exist, have expired or are wrong.
    pub fn is_about_credentials(&self) -> bool {
        let unsigned = ["IncompleteSignature", "IncompleteSignatureException", "MissingAuthenticationToken"];
        self.blames_the_clock()
            || self.blames_the_credentials()
            || self.code().is_some_and(|code| {
                code.is_one_of(&unsigned) || code.is_one_of(&["MissingAuthenticationTokenException"])
            })
    }

    /// The same call is worth another attempt, if a retry is safe.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Service(error) => self.is_throttle() || matches!(error.status, 500 | 502 | 503 | 504),
            Self::Timeout { .. } | Self::Connection { .. } => true,
            _ => false,
        }
    }

    /// The service rejects the time of the signature, or the signature.
    pub(crate) fn blames_the_clock(&self) -> bool {
        self.code().is_some_and(|code| {
            code.is_one_of(&[
                "InvalidSignatureException",
                "SignatureDoesNotMatch",
                "RequestExpired",
                "RequestInTheFuture",
                "RequestTimeTooSkewed",
                "AuthFailure",
            ])
        })
    }

    /// The credentials have expired or were withdrawn; newer ones may work.
    pub(crate) fn blames_the_credentials(&self) -> bool {
        self.code().is_some_and(|code| {
            code.is_one_of(&[
                "ExpiredToken",
                "ExpiredTokenException",
                "InvalidClientTokenId",
                "InvalidAccessKeyId",
                "InvalidToken",
                "UnrecognizedClientException",
            ])
        })
    }

    /// The same, if an earlier attempt of the call may have taken effect.
    pub(crate) fn with_unknown_effect(mut self) -> Self {
        if let Self::Timeout { effect, .. } | Self::Connection { effect, .. } = &mut self {
            *effect = Effect::Unknown;
        }
        self
    }
}
