//! The errors of the API, as its clients see them.

use http::StatusCode;
use serde_json::{Value, json};

use crate::model::{Model, Violation};
use crate::wire::Reply;

/// An error of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// Name, such as `ConflictException`.
    pub code: String,
    /// What went wrong, in a sentence.
    pub message: String,
    /// The offending members, for a `ValidationException`.
    pub fields: Vec<Violation>,
    /// Status of an error that the model doesn't have.
    pub status: Option<u16>,
    /// `underlyingErrorCode` of an `IdentityCenterServiceException`.
    pub underlying: Option<String>,
}

impl ApiError {
    /// An error with a code of the model.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            fields: Vec::new(),
            status: None,
            underlying: None,
        }
    }

    /// An error outside the model, as signatures and routing cause them.
    pub fn protocol(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status: Some(status), ..Self::new(code, message) }
    }

    /// The request is well-formed, but impossible.
    pub fn validation(path: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let fields = vec![Violation { path: path.to_owned(), message: message.clone() }];
        Self { fields, ..Self::new("ValidationException", message) }
    }

    /// The request violates the model.
    pub fn violations(fields: Vec<Violation>) -> Self {
        let list: Vec<String> = fields
            .iter()
            .map(|field| format!("Value at '{}' failed to satisfy constraint: {}", field.path, field.message))
            .collect();
        let noun = if list.len() == 1 { "error" } else { "errors" };
        let message = format!("{} validation {noun} detected: {}", list.len(), list.join("; "));
        Self { fields, ..Self::new("ValidationException", message) }
    }

    /// There is no such resource.
    pub fn not_found(what: &str, id: &str) -> Self {
        Self::new("ResourceNotFoundException", format!("{what} {id} not found"))
    }

    /// The state of a resource forbids it.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new("ConflictException", message)
    }

    /// The simulator itself is wrong.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new("InternalServerException", message)
    }

    /// The HTTP status.
    pub fn http_status(&self, model: &Model) -> u16 {
        self.status.or_else(|| model.error_status(&self.code)).unwrap_or(400)
    }

    /// The JSON body.
    pub fn body(&self) -> Value {
        let mut body = json!({ "message": self.message });
        if !self.fields.is_empty() {
            let field = |field: &Violation| json!({ "path": field.path, "message": field.message });
            body["fieldList"] = self.fields.iter().map(field).collect();
        }
        if let Some(underlying) = &self.underlying {
            body["underlyingErrorCode"] = json!(underlying);
        }
        body
    }

    /// The whole answer.
    pub fn reply(&self, model: &Model) -> Reply {
        let status =
            StatusCode::from_u16(self.http_status(model)).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Reply::json(status, &self.body()).with_header("x-amzn-errortype", &self.code)
    }
}
