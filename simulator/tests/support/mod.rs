//! A client of the simulator that shares nothing with it: it writes requests from `model.json` and signs them
//! with `aws-sigv4`.

#![allow(dead_code, reason = "not every test file uses everything")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this is a test")]

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use devops_agent_simulator::{Options, Running, Simulator};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

pub const ACCOUNT: &str = "123456789012";
pub const ROLE: &str = "arn:aws:iam::123456789012:role/agent";
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const PATH: &AsciiSet = &UNRESERVED.remove(b'/');

/// The model, read afresh.
pub fn model() -> Value {
    serde_json::from_str(include_str!("../../model.json")).unwrap()
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub error: String,
    pub body: Value,
}

impl Answer {
    /// The body of a success.
    pub fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "{self:?}");
        self.body
    }

    /// Whether a `ValidationException` names a member.
    pub fn names(&self, path: &str) -> bool {
        let fields = self.body["fieldList"].as_array();
        self.error == "ValidationException" && fields.into_iter().flatten().any(|field| field["path"] == path)
    }
}

/// A simulator and a client of it.
pub struct Lab {
    pub simulator: Running,
    pub client: Client,
    pub model: Value,
}

impl Lab {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options::on_free_port();
        options.switches.settle_ms = 1;
        change(&mut options);
        let simulator = Simulator::start(options).await.unwrap();
        let client = Client::new(simulator.url());
        Self { simulator, client, model: model() }
    }

    /// Calls an operation with its members by name.
    pub async fn call(&self, operation: &str, input: Value) -> Answer {
        self.try_call(operation, &input).await.expect("an answer")
    }

    pub async fn try_call(&self, operation: &str, input: &Value) -> Result<Answer, reqwest::Error> {
        let request = serialize(&self.model, operation, input);
        self.client.send(&request).await
    }

    /// Creates a space and gives its id.
    pub async fn space(&self) -> String {
        let made = self.call("CreateAgentSpace", json!({"name": "space"})).await.ok();
        text(&made["agentSpace"]["agentSpaceId"])
    }

    /// An event channel of a fresh space: space, association and webhook.
    pub async fn channel(&self) -> (String, String, Value) {
        let space = self.space().await;
        let input = json!({"service": "eventChannel", "serviceDetails": {"eventChannel": {}}});
        let service = text(&self.call("RegisterService", input).await.ok()["serviceId"]);
        let input =
            json!({"agentSpaceId": space, "serviceId": service, "configuration": {"eventChannel": {}}});
        let made = self.call("AssociateService", input).await.ok();
        (space, text(&made["association"]["associationId"]), made["webhook"].clone())
    }

    /// A request to the control API.
    pub async fn control(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let url = format!("{}/_simulator/{path}", self.simulator.url());
        self.client.plain(method, &url, &[], body.map(|body| body.to_string()).unwrap_or_default()).await
    }
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// Asks until the condition holds; a minute is the limit.
pub async fn until<F: Future<Output = bool>>(what: &str, condition: impl Fn() -> F) {
    let poll = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), poll).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// A request before it is signed.
#[derive(Debug, Clone)]
pub struct Unsigned {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// Puts the members of an input where the model says.
pub fn serialize(model: &Value, operation: &str, input: &Value) -> Unsigned {
    let http = &model["operations"][operation]["http"];
    let shape = &model["shapes"][text(&model["operations"][operation]["input"]["shape"])];
    let mut target = text(&http["requestUri"]);
    let (mut query, mut headers, mut body) = (Vec::new(), Vec::new(), Map::new());
    let has_body = shape["members"].as_object().unwrap().values().any(|member| member["location"].is_null());
    for (name, value) in input.as_object().unwrap() {
        let plain = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match shape["members"][name]["location"].as_str() {
            Some("uri") => {
                target = target
                    .replace(&format!("{{{name}}}"), &utf8_percent_encode(&plain, UNRESERVED).to_string())
                    .replace(&format!("{{{name}+}}"), &utf8_percent_encode(&plain, PATH).to_string());
            }
            Some("querystring") => {
                let values =
                    value.as_array().map_or_else(|| vec![plain], |items| items.iter().map(text).collect());
                let encode = |value: &String| format!("{name}={}", utf8_percent_encode(value, UNRESERVED));
                query.extend(values.iter().map(encode));
            }
            Some(_) => headers.push((text(&shape["members"][name]["locationName"]), plain)),
            None => {
                body.insert(name.clone(), value.clone());
            }
        }
    }
    if !query.is_empty() {
        target = format!("{target}?{}", query.join("&"));
    }
    let body = if has_body { Value::Object(body).to_string() } else { String::new() };
    if has_body {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    Unsigned { method: text(&http["method"]), target, headers, body }
}

/// A signing client.
#[derive(Clone)]
pub struct Client {
    pub url: String,
    pub key: String,
    pub secret: String,
    pub token: Option<String>,
    pub region: String,
    pub service: String,
    /// Seconds that its clock is off.
    pub skew: i64,
    pub http: reqwest::Client,
}

impl Client {
    pub fn new(url: String) -> Self {
        // Built with the whole workspace, reqwest comes without a TLS provider of its own.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().unwrap();
        let word = || "simulator".to_owned();
        let region = "us-east-1".to_owned();
        Self {
            url,
            key: word(),
            secret: word(),
            token: None,
            region,
            service: "aidevops".into(),
            skew: 0,
            http,
        }
    }

    pub async fn send(&self, request: &Unsigned) -> Result<Answer, reqwest::Error> {
        let (status, error, body) = self.raw(request).await?;
        let body = serde_json::from_str(&body).unwrap_or(Value::Null);
        Ok(Answer { status, error, body })
    }

    /// Status, error type and body as text.
    pub async fn raw(&self, request: &Unsigned) -> Result<(u16, String, String), reqwest::Error> {
        let url = format!("{}{}", self.url, request.target);
        let host = self.url.strip_prefix("http://").unwrap().to_owned();
        let mut headers = request.headers.clone();
        headers.push(("host".to_owned(), host));
        headers.extend(self.sign(&request.method, &url, &headers, request.body.as_bytes()));
        let method = request.method.parse().unwrap();
        let mut sent = self.http.request(method, url).body(request.body.clone());
        for (name, value) in headers {
            sent = sent.header(name, value);
        }
        let answer = sent.send().await?;
        let error = answer.headers().get("x-amzn-errortype").map(|value| value.to_str().unwrap().to_owned());
        assert!(answer.headers().contains_key("x-amzn-requestid") && answer.headers().contains_key("date"));
        Ok((answer.status().as_u16(), error.unwrap_or_default(), answer.text().await?))
    }

    /// The headers that sign a request.
    pub fn sign(
        &self,
        method: &str,
        url: &str,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Vec<(String, String)> {
        let credentials = Credentials::new(&self.key, &self.secret, self.token.clone(), None, "test").into();
        let skew = Duration::from_secs(self.skew.unsigned_abs());
        let now = SystemTime::now();
        let params = v4::SigningParams::builder()
            .identity(&credentials)
            .region(&self.region)
            .name(&self.service)
            .time(if self.skew < 0 { now - skew } else { now + skew })
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let request = SignableRequest::new(method, url, headers, SignableBody::Bytes(body)).unwrap();
        let (instructions, _) = sign(request, &params).unwrap().into_parts();
        instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// A request without a signature: status and JSON body.
    pub async fn plain(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, String)],
        body: String,
    ) -> (u16, Value) {
        let mut request = self.http.request(method.parse().unwrap(), url).body(body);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null))
    }
}
