//! Reading what the service answers.

use http::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::{Error, ErrorCode, FieldError, ServiceError};
use super::redact;

/// An answer, as it came.
pub(crate) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    /// A header's text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// What AWS support asks for.
    pub(crate) fn request_id(&self) -> Option<&str> {
        self.header("x-amzn-requestid").or_else(|| self.header("x-amz-request-id"))
    }

    /// Reads a success. No body stands for an empty object.
    pub(crate) fn output<T: DeserializeOwned>(&self, operation: &'static str) -> Result<T, Error> {
        let body = if self.body.trim_ascii().is_empty() { b"{}" } else { self.body.as_slice() };
        // An error of serde may quote a value, so only its place and kind are told.
        serde_json::from_slice(body).map_err(|error| Error::Decode {
            operation,
            message: format!(
                "{:?} error at line {}, column {}",
                error.classify(),
                error.line(),
                error.column()
            ),
        })
    }

    /// Reads a refusal of a request with the body `sent`.
    pub(crate) fn error(&self, operation: &'static str, sent: &[u8]) -> ServiceError {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let text = |names: &[&str]| names.iter().find_map(|name| body.get(name)?.as_str());
        let code = self.header("x-amzn-errortype").or_else(|| text(&["code"])).or_else(|| text(&["__type"]));
        let secrets = redact::Secrets::of(sent);
        ServiceError {
            operation,
            code: code.map_or_else(|| ErrorCode::Other(self.nameless()), ErrorCode::parse),
            status: self.status,
            message: secrets.blot(text(&["message", "Message", "errorMessage"]).unwrap_or_default()),
            fields: fields(&body, &secrets),
            reason: text(&["reason", "underlyingErrorCode"]).map(|reason| secrets.blot(reason)),
            request_id: self.request_id().map(str::to_owned),
        }
    }

    /// What to call an error that has no name: it is probably a proxy's.
    fn nameless(&self) -> String {
        http::StatusCode::from_u16(self.status)
            .ok()
            .and_then(|status| status.canonical_reason())
            .unwrap_or("unnamed error")
            .to_owned()
    }
}

fn fields(body: &Value, secrets: &redact::Secrets) -> Vec<FieldError> {
    let list = body.get("fieldList").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let text =
        |field: &Value, name| secrets.blot(field.get(name).and_then(Value::as_str).unwrap_or_default());
    list.iter()
        .map(|field| FieldError { path: text(field, "path"), message: text(field, "message") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::operations::*;
    use http::{HeaderName, HeaderValue};
    use secrecy::ExposeSecret;
    use serde_json::json;

    fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Answer {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect();
        Answer { status, headers, body: body.as_bytes().to_vec() }
    }

    #[test]
    fn the_error_name_is_found_in_each_of_its_places() {
        let header = [("x-amzn-errortype", "ConflictException:http://internal/coral")];
        for (headers, body) in [
            (&header[..], r#"{"message": "taken", "code": "Ignored"}"#),
            (&[], r#"{"Message": "taken", "code": "ConflictException"}"#),
            (&[], r#"{"errorMessage": "taken", "__type": "com.amazon#ConflictException"}"#),
            (&[], r#"{"message": "taken", "__type": "com.amazon#ConflictException:x#y"}"#),
        ] {
            let error = answer(409, headers, body).error("AssociateService", b"");
            assert_eq!((error.code, error.message.as_str()), (ErrorCode::Conflict, "taken"), "{body}");
        }
    }

    #[test]
    fn the_error_says_what_was_done_and_which_field_is_wrong() {
        let body = json!({
            "message": "Invalid request",
            "fieldList": [{"path": "/name", "message": "too long"}, {"path": "/locale"}],
        });
        let headers = [("x-amzn-errortype", "ValidationException"), ("x-amzn-requestid", "r-1")];
        let error =
            Error::Service(Box::new(answer(400, &headers, &body.to_string()).error("CreateAgentSpace", b"")));
        assert_eq!(
            error.to_string(),
            "CreateAgentSpace: ValidationException (400): Invalid request [field /name: too long] \
             [field /locale: ]",
            "no request id: the same refusal is the same message each time, or status would be written each time"
        );
        assert_eq!(error.service().and_then(|error| error.request_id.as_deref()), Some("r-1"));
        assert!(!error.is_retryable() && !error.outcome_unknown());
    }

    #[test]
    fn a_404_that_names_no_error_is_not_taken_for_a_missing_resource() {
        let error = Error::Service(Box::new(answer(404, &[], "<html>nginx</html>").error("GetService", b"")));
        assert!(!error.is_not_found());
        assert_eq!(error.to_string(), "GetService: Not Found (404)");
    }

    #[test]
    fn sensitive_values_of_the_request_are_blotted_out_of_the_error() {
        let sent = json!({"serviceDetails": {"gitlab": {"tokenValue": "glpat-42", "groupId": "visible"}}});
        let body = json!({
            "message": "glpat-42 is no token of visible",
            "fieldList": [{"path": "/serviceDetails", "message": "bad: glpat-42"}],
        });
        let error = answer(400, &[], &body.to_string()).error("RegisterService", sent.to_string().as_bytes());
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("glpat-42") && shown.contains("visible"), "{shown}");
    }

    #[test]
    fn unknown_members_enum_values_and_union_members_do_no_harm() {
        let body = json!({
            "association": {
                "associationId": "a", "agentSpaceId": "s", "serviceId": "x", "status": "quantum",
                "createdAt": 17.5, "configuration": {"teleport": {"to": ["anywhere"]}}, "extra": {"deep": [1]},
            },
            "webhook": {"webhookId": "w", "webhookType": "carrierpigeon", "webhookSecret": "hush", "apiKey": null},
        });
        let output: AssociateServiceOutput =
            answer(201, &[], &body.to_string()).output("AssociateService").unwrap();
        assert_eq!(output.association.configuration, json!({"teleport": {"to": ["anywhere"]}}));
        assert_eq!(output.association.status.as_deref(), Some("quantum"));
        let webhook = output.webhook.as_ref().unwrap();
        assert_eq!(webhook.webhook_secret.as_ref().unwrap().expose_secret(), "hush");
        assert!(!format!("{output:?}").contains("hush"));
    }

    #[test]
    fn null_and_absent_members_are_read_as_nothing() {
        for body in [r#"{"agentSpaces": null, "nextToken": null}"#, "{}", "", " \n"] {
            let output: ListAgentSpacesOutput = answer(200, &[], body).output("ListAgentSpaces").unwrap();
            assert!(output.agent_spaces.is_empty() && output.next_token.is_none());
        }
        let _: Empty = answer(204, &[], "").output("DeleteAgentSpace").unwrap();
    }

    #[test]
    fn an_answer_without_what_it_must_have_can_not_be_read_and_the_error_quotes_nothing() {
        for body in ["", "{}", r#"{"association": {"associationId": 17, "serviceId": "hush"}}"#, "hush"] {
            let read = answer(201, &[], body).output::<AssociateServiceOutput>("AssociateService");
            let error = read.unwrap_err();
            assert!(error.outcome_unknown() && !format!("{error} {error:?}").contains("hush"), "{error}");
        }
    }
}
