//! Reading the service's responses.

use http::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{echo, text};

use super::api_error::{Error, ErrorCode, FieldError, ServiceError};
use super::redact::Sent;

/// A response as received.
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

    /// Reads a success. No body means an empty object.
    pub(crate) fn output<T: DeserializeOwned>(&self, operation: &'static str) -> Result<T, Error> {
        let body = if self.body.trim_ascii().is_empty() { b"{}" } else { self.body.as_slice() };
        if self.is_page() {
            let message = "the response is a web page, not an AWS response: check the endpoint and any proxies in between";
            return Err(Error::Foreign { operation, message: message.to_owned() });
        }
        // A serde error may quote a value, so only its position and kind are shown.
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

    /// Whether it is HTML.
    fn is_page(&self) -> bool {
        self.body.trim_ascii_start().starts_with(b"<")
            || self.header("content-type").is_some_and(|kind| kind.starts_with("text/html"))
    }

    /// Reads an error response to the request that was `sent`. The service's message is shown only if it repeats no
    /// secret of it; the same goes for its code and the paths of members.
    pub(crate) fn error(&self, operation: &'static str, sent: Sent<'_>) -> ServiceError {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let member = |names: &[&str]| names.iter().find_map(|name| body.get(name)?.as_str());
        let code =
            self.header("x-amzn-errortype").or_else(|| member(&["code"])).or_else(|| member(&["__type"]));
        let message = member(&["message", "Message", "errorMessage"]).unwrap_or_default();
        let reason = member(&["reason", "underlyingErrorCode"]);
        let fields = fields(&body);
        let words = [Some(message), reason].into_iter().flatten();
        let told = !sent.is_repeated_in(words.chain(fields.iter().map(|(_, message)| *message)));
        let shown = |text: &str| if told { shown(text) } else { String::new() };
        ServiceError {
            operation,
            genuine: code.is_some()
                || (body.is_object() && !matches!(self.status, 300..400 | 404 | 405 | 413)),
            code: code.map_or_else(|| ErrorCode::Other(self.nameless()), |code| self.code(code, sent)),
            status: self.status,
            message: if told { shown(message) } else { echo::LEFT_OUT.to_owned() },
            fields: fields
                .into_iter()
                .map(|(path, message)| FieldError { path: place(path, sent), message: shown(message) })
                .collect(),
            reason: reason.map(shown).filter(|reason| !reason.is_empty()),
            request_id: self.request_id().map(shown_id),
        }
    }

    /// The service's name for an error, if it is just a name.
    fn code(&self, raw: &str, sent: Sent<'_>) -> ErrorCode {
        match ErrorCode::parse(raw) {
            ErrorCode::Other(name) if !is_name(&name) || sent.is_repeated_in([name.as_str()]) => {
                ErrorCode::Other(self.nameless())
            }
            code => code,
        }
    }

    /// What to call an error that has no name: it is probably from a proxy.
    fn nameless(&self) -> String {
        http::StatusCode::from_u16(self.status)
            .ok()
            .and_then(|status| status.canonical_reason())
            .unwrap_or("unnamed error")
            .to_owned()
    }
}

/// Maximum field errors of one response that are shown.
const MOST_FIELDS: usize = 32;

/// The members that the response complains about, with its message for each.
fn fields(body: &Value) -> Vec<(&str, &str)> {
    let list = body.get("fieldList").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter()
        .take(MOST_FIELDS)
        .map(|field| {
            let text = |name: &str| field.get(name).and_then(Value::as_str).unwrap_or_default();
            (text("path"), text("message"))
        })
        .collect()
}

/// The service's message, as shown.
fn shown(words: &str) -> String {
    text::plain_within(words, echo::LONGEST)
}

/// The path of a member: header names and keys of a map may be part of it, and AWS may put anything there.
fn place(path: &str, sent: Sent<'_>) -> String {
    if sent.is_repeated_in([path]) { "(omitted)".to_owned() } else { text::plain_within(path, 256) }
}

fn shown_id(id: &str) -> String {
    text::plain_within(id, 128)
}

/// Whether it is a name, as errors have, and not a sentence.
fn is_name(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::operations::*;
    use crate::echo::Seen;
    use http::{HeaderName, HeaderValue};
    use secrecy::ExposeSecret;
    use serde_json::json;

    fn sent<'a>(body: &'a [u8], seen: &'a Seen) -> Sent<'a> {
        Sent { body, seen, credentials: None }
    }

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
            let error = answer(409, headers, body).error("AssociateService", sent(b"", &Seen::default()));
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
        let error = Error::Service(Box::new(
            answer(400, &headers, &body.to_string()).error("CreateAgentSpace", sent(b"", &Seen::default())),
        ));
        assert_eq!(
            error.to_string(),
            "CreateAgentSpace: ValidationException (400): Invalid request [field /name: too long] \
             [field /locale]",
            "no request id: the same refusal is the same message each time, or status would be written each time"
        );
        assert_eq!(error.service().and_then(|error| error.request_id.as_deref()), Some("r-1"));
        assert!(!error.is_retryable() && !error.outcome_unknown());
    }

    #[test]
    fn a_404_that_names_no_error_is_not_taken_for_a_missing_resource() {
        let error = Error::Service(Box::new(
            answer(404, &[], "<html>nginx</html>").error("GetService", sent(b"", &Seen::default())),
        ));
        assert!(!error.is_not_found());
        let text = "GetService: Not Found (404), which is not an AWS response: check the endpoint and any proxies in \
                    between";
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn who_answers_in_the_place_of_the_service_is_known() {
        for (status, body, foreign) in [
            (302, "", true),
            (403, "<html>blocked</html>", true),
            (403, r#"{"message": "Forbidden"}"#, false),
            (404, r#"{"message": "no route"}"#, true),
            (404, r#"{"__type": "ResourceNotFoundException"}"#, false),
            (400, r#"{"__type": "com.amazon.coral.service#UnknownOperationException"}"#, true),
            (413, "", true),
            (429, "", false),
            (502, "<html>bad gateway</html>", false),
        ] {
            let error = answer(status, &[], body).error("GetService", sent(b"", &Seen::default()));
            assert_eq!(error.is_foreign(), foreign, "{status} {body}");
        }
        let page = answer(200, &[], " <!doctype html>").output::<Empty>("GetService").unwrap_err();
        assert!(page.is_foreign() && page.outcome_unknown(), "{page:?}");
    }

    #[test]
    fn what_the_message_says_of_a_field_is_not_said_again() {
        let body =
            json!({"message": "1 error: too long", "fieldList": [{"path": "/name", "message": "too long"}]});
        let headers = [("x-amzn-errortype", "ValidationException")];
        let error =
            answer(400, &headers, &body.to_string()).error("CreateAgentSpace", sent(b"", &Seen::default()));
        assert_eq!(
            error.to_string(),
            "CreateAgentSpace: ValidationException (400): 1 error: too long [field /name]"
        );
    }

    fn register(body: &Value, seen: &Seen) -> ServiceError {
        let request =
            json!({"serviceDetails": {"gitlab": {"tokenValue": "glpat-marker-42", "groupId": "visible"}}});
        let request = request.to_string();
        answer(400, &[], &body.to_string()).error("RegisterService", sent(request.as_bytes(), seen))
    }

    #[test]
    fn words_that_repeat_a_sensitive_value_are_left_out_and_the_rest_stays() {
        let path = "/serviceDetails/gitlab/tokenValue";
        for (message, field) in [
            ("glpat-marker-42 is no token of visible", "must be a token"),
            ("invalid request", "bad: Z2xwYXQtbWFya2VyLTQy"),
            ("starts with glpat-ma...", ""),
        ] {
            let body = json!({
                "code": "ValidationException", "message": message, "reason": "BAD_TOKEN",
                "fieldList": [{"path": path, "message": field}, {"path": "/glpat-marker-42", "message": ""}],
            });
            let error = register(&body, &Seen::default());
            assert_eq!(
                error.to_string(),
                format!(
                    "RegisterService: ValidationException (400): {} [field {path}] [field (omitted)]",
                    echo::LEFT_OUT
                )
            );
            assert!(!format!("{error:?}").contains("glpat"), "{error:?}");
        }
        let body =
            json!({"message": "the group visible is unknown", "reason": "NO_GROUP", "__type": "a#Unknown:x"});
        assert_eq!(
            register(&body, &Seen::default()).to_string(),
            "RegisterService: Unknown (400): the group visible is unknown [NO_GROUP]"
        );
    }

    #[test]
    fn a_value_of_a_secret_is_left_out_wherever_it_is_sent() {
        let seen = Seen::default();
        seen.add(b"correct-horse-battery");
        let body = json!({"message": "no correct%2Dhorse here", "code": "correct-horse"});
        assert_eq!(
            register(&body, &seen).to_string(),
            format!("RegisterService: Bad Request (400): {}", echo::LEFT_OUT)
        );
    }

    #[test]
    fn words_are_one_line_and_a_code_is_a_name() {
        let body = json!({
            "message": "no\nReady=True \u{1b}[2J\u{202E}", "code": "Not\na name",
            "fieldList": [{"path": "/a\nb", "message": "x\ry"}],
        });
        assert_eq!(
            register(&body, &Seen::default()).to_string(),
            "RegisterService: Bad Request (400): no Ready=True \u{FFFD}[2J\u{FFFD} [field /a b: x y]"
        );
        let body = json!({"message": "x".repeat(1 << 20), "fieldList": vec![json!({"path": "/p"}); 5000]});
        assert!(register(&body, &Seen::default()).to_string().len() < 10_000);
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
