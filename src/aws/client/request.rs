//! From an operation to an unsigned HTTP request.

use http::{HeaderName, HeaderValue, Method};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use crate::api::placeholder;

use super::api_error::Error;
use super::endpoints::Endpoints;
use super::operation::{Binding, Operation, Repeat};
use super::random;

/// Everything except the unreserved characters.
pub(super) const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same for a greedy label, which keeps its slashes.
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// A request that can be signed and sent, more than once.
pub(crate) struct Prepared {
    pub operation: &'static str,
    pub repeat: Repeat,
    pub http: reqwest::Request,
}

impl Prepared {
    /// Builds the request for an operation.
    pub(crate) fn new<O: Operation>(operation: &O, endpoints: &Endpoints) -> Result<Self, Error> {
        let binding = O::BINDING;
        let members = match serde_json::to_value(operation) {
            Ok(Value::Object(members)) => members,
            Ok(_) => return Err(input(&binding, "it is not an object")),
            Err(error) => return Err(input(&binding, &error.to_string())),
        };
        Ok(Self {
            operation: binding.name,
            repeat: binding.repeat,
            http: build(&binding, members, endpoints.base(binding.plane))?,
        })
    }

    /// Whether it would send what only stands for a value.
    pub(crate) fn has_placeholder(&self) -> bool {
        std::str::from_utf8(self.body()).is_ok_and(placeholder::is_in)
    }

    /// The body, which the service may reject.
    pub(crate) fn body(&self) -> &[u8] {
        self.http.body().and_then(reqwest::Body::as_bytes).unwrap_or_default()
    }
}

fn input(binding: &Binding, message: &str) -> Error {
    Error::Input { operation: binding.name, message: message.to_owned() }
}

fn build(binding: &Binding, mut members: Map<String, Value>, base: &str) -> Result<reqwest::Request, Error> {
    let address = format!("{base}{}{}", path(binding, &mut members)?, query(binding, &mut members));
    let url = reqwest::Url::parse(&address).map_err(|error| input(binding, &error.to_string()))?;
    if url.as_str() != address {
        return Err(input(binding, "its URL would be altered by normalization"));
    }
    let method =
        Method::from_bytes(binding.method.as_bytes()).map_err(|error| input(binding, &error.to_string()))?;
    let mut request = reqwest::Request::new(method, url);
    for (member, header) in binding.headers {
        if let Some(value) = members.remove(*member) {
            let value = HeaderValue::try_from(text(&value))
                .map_err(|_| input(binding, &format!("{member} can't be a header")))?;
            request.headers_mut().insert(HeaderName::from_static(header), value);
        }
    }
    if binding.body {
        if let Some(token) = binding.token {
            members.entry(token).or_insert_with(|| Value::String(random::token()));
        }
        let body = serde_json::to_vec(&members).map_err(|error| input(binding, &error.to_string()))?;
        request
            .headers_mut()
            .insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *request.body_mut() = Some(body.into());
    }
    Ok(request)
}

/// Fills in the labels. An empty one, or one that means another directory, would address something else.
fn path(binding: &Binding, members: &mut Map<String, Value>) -> Result<String, Error> {
    let mut path = binding.path.to_owned();
    for (label, greedy) in binding.labels() {
        let value = members.remove(label).as_ref().map(text).unwrap_or_default();
        let mut segments = value.split('/').filter(|_| greedy);
        if value.is_empty()
            || value == "."
            || value == ".."
            || segments.any(|part| matches!(part, "" | "." | ".."))
        {
            return Err(input(binding, &format!("{value:?} can't be its {label}")));
        }
        let (place, set) = if greedy {
            (format!("{{{label}+}}"), RESERVED_IN_PATH)
        } else {
            (format!("{{{label}}}"), RESERVED)
        };
        path = path.replace(&place, &utf8_percent_encode(&value, set).to_string());
    }
    Ok(path)
}

fn query(binding: &Binding, members: &mut Map<String, Value>) -> String {
    let mut query = String::new();
    for member in binding.query {
        let values = match members.remove(*member) {
            Some(Value::Array(values)) => values,
            Some(value) => vec![value],
            None => continue,
        };
        for value in values {
            query.push(if query.is_empty() { '?' } else { '&' });
            query.push_str(member);
            query.push('=');
            query.extend(utf8_percent_encode(&text(&value), RESERVED));
        }
    }
    query
}

/// A scalar in the form for a URL or a header.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::operations::*;
    use crate::aws::{EndpointOverrides, PlainHttp};
    use serde_json::json;

    fn prepare<O: Operation>(operation: &O) -> Result<Prepared, Error> {
        let own = EndpointOverrides::default();
        let endpoints = Endpoints::resolve(
            "us-east-1",
            false,
            &own,
            Some("http://localhost:9/base"),
            PlainHttp::Loopback,
        )?;
        Prepared::new(operation, &endpoints)
    }

    fn url<O: Operation>(operation: &O) -> String {
        prepare(operation).unwrap().http.url().to_string()
    }

    #[test]
    fn an_arn_is_one_label_and_tag_keys_are_repeated() {
        let request = UntagResource {
            resource_arn: "arn:aws:aidevops:us-east-1:123456789012:agentspace/a-1".to_owned(),
            tag_keys: vec!["team".to_owned(), "a&b=c d/é".to_owned()],
        };
        assert_eq!(
            url(&request),
            "http://localhost:9/base/tags/arn%3Aaws%3Aaidevops%3Aus-east-1%3A123456789012%3Aagentspace%2Fa-1\
             ?tagKeys=team&tagKeys=a%26b%3Dc%20d%2F%C3%A9"
        );
    }

    #[test]
    fn a_file_path_keeps_its_slashes_and_encodes_the_rest() {
        let request = GetAssetFile {
            agent_space_id: "s".to_owned(),
            asset_id: "a".to_owned(),
            path: "docs/run book (v1).md".to_owned(),
            asset_version: Some(3),
        };
        assert_eq!(
            url(&request),
            "http://localhost:9/base/asset/agent-space/s/assets/a/files/docs/run%20book%20%28v1%29.md?assetVersion=3"
        );
    }

    #[test]
    fn a_label_that_would_address_something_else_is_refused() {
        for id in ["", ".", ".."] {
            assert!(prepare(&DeleteAgentSpace { agent_space_id: id.to_owned() }).is_err(), "{id:?}");
        }
        for path in ["", "a/../b", "./a", "a//b", "/a", "a/", ".."] {
            let request = DeleteAssetFile {
                agent_space_id: "s".to_owned(),
                asset_id: "a".to_owned(),
                path: path.to_owned(),
            };
            assert!(prepare(&request).is_err(), "{path:?}");
        }
        assert_eq!(
            url(&GetService { service_id: "../x".to_owned() }),
            "http://localhost:9/base/v1/services/..%2Fx"
        );
    }

    #[test]
    fn what_is_not_in_the_address_is_the_body_and_absent_members_are_left_out() {
        let request = AssociateService {
            agent_space_id: "s".to_owned(),
            service_id: "aws".to_owned(),
            configuration: json!({"aws": {"accountId": "123456789012"}}),
            capabilities: None,
        };
        let prepared = prepare(&request).unwrap();
        let body: Value = serde_json::from_slice(prepared.body()).unwrap();
        assert_eq!(
            body,
            json!({"serviceId": "aws", "configuration": {"aws": {"accountId": "123456789012"}}})
        );
        assert_eq!(prepared.http.headers()["content-type"], "application/json");
    }

    #[test]
    fn a_request_without_body_members_has_neither_body_nor_content_type() {
        let prepared = prepare(&ListAgentSpaces { max_results: Some(5), ..Default::default() }).unwrap();
        assert!(prepared.http.body().is_none() && prepared.http.headers().is_empty());
        assert_eq!(prepared.http.url().query(), Some("maxResults=5"));
    }

    #[test]
    fn a_body_of_absent_members_is_an_empty_object() {
        let prepared =
            prepare(&UpdateAgentSpace { agent_space_id: "s".to_owned(), ..Default::default() }).unwrap();
        assert_eq!(prepared.body(), b"{}");
    }

    #[test]
    fn the_sign_in_flow_travels_in_a_header() {
        let request =
            DisableOperatorApp { agent_space_id: "s".to_owned(), auth_flow: Some("idp".to_owned()) };
        let prepared = prepare(&request).unwrap();
        assert_eq!(prepared.http.headers()["x-amzn-app-auth-flow"], "idp");
        assert!(prepared.http.body().is_none());
    }

    #[test]
    fn a_missing_client_token_is_made_up_and_a_given_one_is_kept() {
        let token = |given: Option<&str>| {
            let request = CreateAgentSpace { client_token: given.map(str::to_owned), ..Default::default() };
            let body: Value = serde_json::from_slice(prepare(&request).unwrap().body()).unwrap();
            body["clientToken"].as_str().unwrap().to_owned()
        };
        assert_eq!(token(Some("mine")), "mine");
        assert_ne!(token(None), token(None));
        assert_eq!(token(None).len(), 32);
    }
}
