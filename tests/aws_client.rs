//! The client against a service on the loopback interface.

#![allow(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

mod aws_support;

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, error::CredentialsError, future};
use aws_support::{config, principal};
use devops_agent_operator::api::placeholder;
use devops_agent_operator::aws::client::shared_budgets::Share;
use devops_agent_operator::aws::operations::*;
use devops_agent_operator::aws::*;
use devops_agent_operator::echo::Seen;
use devops_agent_test_support::script::{Reply, Request, Service, ok, refuse};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::{Digest, Sha256};

const SPACE: &str = r#"{"agentSpace": {"agentSpaceId": "s-1", "name": "one", "new": [1]}}"#;

async fn start(script: impl IntoIterator<Item = Reply>) -> (Service, Client) {
    let service = Service::start(script).await;
    let client = Client::new(config(&service.url()));
    (service, client)
}

fn get() -> GetAgentSpace {
    GetAgentSpace { agent_space_id: "s-1".to_owned(), ..Default::default() }
}

fn associate() -> AssociateService {
    AssociateService {
        agent_space_id: "s-1".to_owned(),
        service_id: "aws".to_owned(),
        configuration: json!({"aws": {}}),
        capabilities: None,
    }
}

#[tokio::test]
async fn a_call_is_signed_for_the_service_and_region_and_its_answer_read() {
    let (service, client) = start([ok(SPACE)]).await;
    let output = client.call(&get()).await.unwrap();
    assert_eq!(output.agent_space.name, "one");
    let request = &service.requests()[0];
    assert_eq!(request.line(), "GET /v1/agentspaces/s-1");
    let authorization = request.header("authorization").unwrap();
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKID/"), "{authorization}");
    assert!(authorization.contains("/us-east-1/aidevops/aws4_request"), "{authorization}");
    assert_eq!(request.header("x-amz-security-token"), Some("hush-token"));
    assert_eq!((request.header("content-type"), request.body.as_str()), (None, ""));
}

#[tokio::test]
async fn a_safe_call_is_repeated_after_a_throttle_an_outage_and_a_broken_connection() {
    for trouble in [
        refuse(429, "ThrottlingException"),
        refuse(500, "InternalServerException"),
        refuse(503, ""),
        Reply::Hang,
    ] {
        let (service, client) = start([trouble.clone(), trouble, ok(SPACE)]).await;
        assert!(client.call(&get()).await.is_ok());
        assert_eq!(service.requests().len(), 3);
    }
}

#[tokio::test]
async fn a_safe_call_is_made_three_times_at_most() {
    let (service, client) = start(vec![refuse(503, "Unavailable"); 9]).await;
    let error = client.call(&get()).await.unwrap_err();
    assert_eq!((service.requests().len(), error.is_retryable()), (3, true));
}

#[tokio::test]
async fn a_repeated_create_keeps_its_client_token() {
    let (service, client) = start([Reply::Hang, ok(SPACE)]).await;
    client.call(&CreateAgentSpace { name: "one".to_owned(), ..Default::default() }).await.unwrap();
    let requests = service.requests();
    assert!(requests[0].body.contains("clientToken"));
    assert_eq!(requests[0].body, requests[1].body);
}

#[tokio::test]
async fn a_create_without_a_token_is_made_once_and_says_what_is_known_of_its_effect() {
    for (trouble, unknown) in [
        (Reply::Hang, true),
        (refuse(500, "InternalServerException"), true),
        (refuse(503, ""), true),
        (refuse(429, "ThrottlingException"), false),
        (refuse(400, "ValidationException"), false),
        (ok("not json"), true),
    ] {
        let (service, client) = start([trouble.clone()]).await;
        let error = client.call(&associate()).await.unwrap_err();
        assert_eq!(error.outcome_unknown(), unknown, "{trouble:?} {error}");
        assert_eq!(service.requests().len(), 1, "{trouble:?}");
    }
}

#[tokio::test]
async fn a_refusal_is_not_repeated() {
    let cases = [
        (400, "ValidationException"),
        (402, "ServiceQuotaExceededException"),
        (403, "AccessDeniedException"),
        (404, "ResourceNotFoundException"),
        (409, "ConflictException"),
        (413, "ContentSizeExceededException"),
    ];
    for (status, name) in cases {
        let (service, client) = start([refuse(status, name)]).await;
        let error = client.call(&get()).await.unwrap_err();
        assert_eq!(error.code().unwrap().as_str(), name);
        assert_eq!(error.is_not_found(), status == 404);
        assert_eq!(error.is_conflict(), status == 409);
        assert_eq!(service.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_service_that_can_not_be_reached_was_never_asked() {
    let service = Service::start([]).await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop((listener, service));
    let error = Client::new(config(&url)).call(&associate()).await.unwrap_err();
    assert!(matches!(error, Error::Connection { effect: Effect::None, .. }), "{error:?}");
}

#[tokio::test]
async fn silence_ends_in_a_time_out_whose_effect_is_unknown() {
    let service = Service::start([Reply::Silence, Reply::Silence]).await;
    let mut config = config(&service.url());
    config.timeouts.call = Duration::from_millis(50);
    let error = Client::new(config).call(&associate()).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { effect: Effect::Unknown, .. }), "{error:?}");
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_corrected_once_even_for_a_create_without_a_token() {
    let date = |hours: i64| {
        let then = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(hours);
        jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&then).unwrap()
    };
    let skewed = |hours| {
        let headers =
            vec![("x-amzn-errortype", "InvalidSignatureException".to_owned()), ("date", date(hours))];
        Reply::Answer(403, headers, r#"{"message": "Signature expired"}"#.to_owned())
    };
    let associated = ok(r#"{"association": {"associationId": "a"}}"#);
    let (service, client) = start([skewed(48), associated.clone(), associated]).await;
    client.call(&associate()).await.unwrap();
    client.call(&associate()).await.unwrap();
    let days: Vec<_> = service
        .requests()
        .iter()
        .map(|request| request.header("x-amz-date").unwrap()[..8].to_owned())
        .collect();
    assert_eq!(days.len(), 3);
    assert!(days[0] < days[1] && days[1] == days[2], "{days:?}");

    let (service, client) = start([skewed(48), skewed(96)]).await;
    assert!(client.call(&associate()).await.is_err());
    assert_eq!(service.requests().len(), 2);

    let (service, client) = start([skewed(0)]).await;
    assert!(client.call(&get()).await.is_err());
    assert_eq!(service.requests().len(), 1);
}

/// Other credentials each time.
#[derive(Debug, Default)]
struct Rotating(Mutex<u32>);

impl ProvideCredentials for Rotating {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let mut count = self.0.lock().unwrap();
        *count += 1;
        let id = format!("AKID{count}");
        future::ProvideCredentials::ready(if *count > 2 {
            Err(CredentialsError::not_loaded("no more of them"))
        } else {
            Ok(Credentials::new(id, "hush-secret", None, None, "test"))
        })
    }
}

#[tokio::test]
async fn expired_credentials_are_renewed_once() {
    let expired = refuse(403, "ExpiredTokenException");
    let service = Service::start([expired.clone(), ok(SPACE), expired]).await;
    let mut config = config(&service.url());
    config.principal = principal(Rotating::default());
    let client = Client::new(config);
    client.call(&get()).await.unwrap();
    assert!(service.requests()[1].header("authorization").unwrap().contains("AKID2"));
    let error = client.call(&get()).await.unwrap_err();
    assert!(matches!(&error, Error::Credentials { message } if message.contains("no more")), "{error:?}");
}

#[tokio::test]
async fn all_pages_are_read_and_a_list_that_turns_in_a_circle_is_an_error() {
    let page = |id: &str, next: Option<&str>| {
        ok(&json!({"agentSpaces": [{"agentSpaceId": id}], "nextToken": next}).to_string())
    };
    let (service, client) = start([page("a", Some("t/1")), page("b", Some("t2")), page("c", None)]).await;
    let spaces = client.list_all(ListAgentSpaces::default()).await.unwrap();
    let ids: Vec<_> = spaces.iter().map(|space| space.agent_space_id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "c"]);
    assert_eq!(
        service.lines(),
        [
            "POST /v1/agentspaces/list?maxResults=100",
            "POST /v1/agentspaces/list?maxResults=100&nextToken=t%2F1",
            "POST /v1/agentspaces/list?maxResults=100&nextToken=t2",
        ]
    );

    let (_service, client) = start([page("a", Some("x")), page("b", Some("y")), page("c", Some("x"))]).await;
    assert!(matches!(client.list_all(ListAgentSpaces::default()).await, Err(Error::Decode { .. })));

    let (service, client) = start([page("a", Some("x"))]).await;
    let found =
        client.pages(ListAgentSpaces::default(), |space| ControlFlow::Break(space.agent_space_id)).await;
    assert_eq!((found.unwrap().as_deref(), service.requests().len()), (Some("a"), 1));
}

#[tokio::test]
async fn a_list_whose_later_page_is_refused_has_broken_off_and_says_nothing_of_the_list() {
    let first = ok(&json!({"agentSpaces": [{"agentSpaceId": "a"}], "nextToken": "t"}).to_string());
    for (code, name, broken_off) in [
        (400, "ValidationException", true),
        (400, "InvalidParameterException", true),
        (404, "ResourceNotFoundException", true),
        (403, "AccessDeniedException", false),
    ] {
        let (_service, client) = start([first.clone(), refuse(code, name)]).await;
        let error = client.list_all(ListAgentSpaces::default()).await.unwrap_err();
        assert_eq!(matches!(error, Error::BrokenOff { .. }), broken_off, "{error}");
        assert_eq!(error.is_retryable(), broken_off, "{error}");
        assert!(!error.is_not_found() && error.to_string().contains(name), "{error}");
        // The same of the first page is meant.
        let (_service, client) = start([refuse(code, name)]).await;
        let error = client.list_all(ListAgentSpaces::default()).await.unwrap_err();
        assert!(!matches!(error, Error::BrokenOff { .. }), "{error}");
    }
}

#[tokio::test]
async fn paths_with_spaces_brackets_and_arns_arrive_as_they_were_encoded() {
    let file = ok(r#"{"file": {"path": "a b/(c).md", "version": 2}}"#);
    let (service, client) = start([file, ok(r#"{"tags": {"a": "b"}}"#)]).await;
    let path = GetAssetFile {
        agent_space_id: "s 1".to_owned(),
        asset_id: "a".to_owned(),
        path: "a b/(c).md".to_owned(),
        asset_version: None,
    };
    assert_eq!(client.call(&path).await.unwrap().file.version, 2);
    let resource_arn = client.arn("agentspace/s-1").await.unwrap();
    let tags = client.call(&ListTagsForResource { resource_arn }).await.unwrap().tags;
    assert_eq!(tags["a"], "b");
    assert_eq!(
        service.lines(),
        [
            "GET /asset/agent-space/s%201/assets/a/files/a%20b/%28c%29.md",
            "GET /tags/arn%3Aaws%3Aaidevops%3Aus-east-1%3A123456789012%3Aagentspace%2Fs-1",
        ]
    );
}

/// The signature that the request should have, computed here from what arrived.
fn expected_signature(request: &Request, signed_headers: &str) -> String {
    let (method, target) = request.line().split_once(' ').unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut query: Vec<_> = query.split('&').collect();
    query.sort_unstable();
    let headers = signed_headers
        .split(';')
        .map(|name| format!("{name}:{}\n", request.header(name).unwrap()))
        .collect::<Vec<_>>()
        .concat();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let hash = |text: &str| hex(&Sha256::digest(text));
    let hmac = |key: &[u8], text: &str| {
        let mut hmac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        hmac.update(text.as_bytes());
        hmac.finalize().into_bytes().to_vec()
    };
    let canonical = format!(
        "{method}\n{}\n{}\n{headers}\n{signed_headers}\n{}",
        path.replace('%', "%25"),
        query.join("&"),
        hash(&request.body)
    );
    let time = request.header("x-amz-date").unwrap();
    let scope = format!("{}/us-east-1/aidevops/aws4_request", &time[..8]);
    let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hash(&canonical));
    let key = scope.split('/').fold(b"AWS4hush-secret".to_vec(), |key, part| hmac(&key, part));
    hex(&hmac(&key, &to_sign))
}

#[tokio::test]
async fn the_signature_is_right_where_the_path_must_be_encoded_twice() {
    let (service, client) = start([ok(r#"{"file": {"path": "x"}}"#), ok("{}"), ok("{}")]).await;
    let file = CreateAssetFile {
        agent_space_id: "s".to_owned(),
        asset_id: "a".to_owned(),
        path: "a b/(c).md".to_owned(),
        content: json!({"text": "é"}),
        ..Default::default()
    };
    client.call(&file).await.unwrap();
    let resource_arn = client.arn("service/x").await.unwrap();
    let tag_keys = vec!["b c".to_owned(), "a:b".to_owned()];
    client.call(&UntagResource { resource_arn, tag_keys }).await.unwrap();
    client.call(&ListServices { next_token: Some("t=/+".to_owned()), ..Default::default() }).await.unwrap();
    for request in service.requests() {
        let authorization = request.header("authorization").unwrap();
        let (_, rest) = authorization.split_once("SignedHeaders=").unwrap();
        let (signed_headers, signature) = rest.split_once(", Signature=").unwrap();
        assert!(signed_headers.contains("host;x-amz-date"), "{signed_headers}");
        assert_eq!(signature, expected_signature(&request, signed_headers), "{}", request.line());
    }
}

#[derive(Default)]
struct Requests(Mutex<Vec<(String, Option<String>)>>);

impl Observer for Requests {
    fn call_finished(&self, call: &Call<'_>) {
        self.0.lock().unwrap().push((call.code.to_owned(), call.error.map(str::to_owned)));
    }
}

#[tokio::test]
async fn nothing_is_sent_once_the_gate_is_closed_not_even_a_repeat() {
    let service = Service::start([refuse(500, "InternalServerException"), ok(SPACE)]).await;
    let sent = Arc::new(Requests::default());
    let closes = sent.clone();
    let gate = Gate::new(move || closes.0.lock().unwrap().is_empty());
    let config = ClientConfig { observer: Some(sent.clone()), gate, ..config(&service.url()) };
    let error = Client::new(config).call(&get()).await.unwrap_err();
    assert!(error.to_string().contains("no longer the leader"), "{error}");
    assert_eq!(sent.0.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn what_only_stands_for_a_value_is_never_sent() {
    let service = Service::answering(|_| ok(r#"{"serviceId": "s-1"}"#)).await;
    let client = Client::new(config(&service.url()));
    let register = |token: &str| RegisterService {
        service: "gitlab".to_owned(),
        service_details: json!({"gitlab": {"tokenValue": token}}),
        ..RegisterService::default()
    };
    let error = client.call(&register(placeholder::TEXT)).await.unwrap_err();
    assert!(
        matches!(error, Error::Placeholder { .. }) && error.to_string().contains("placeholder"),
        "{error}"
    );
    assert!(service.requests().is_empty());
    client.call(&register("glpat-1")).await.unwrap();
    assert_eq!(service.requests().len(), 1);
}

#[tokio::test]
async fn who_waits_for_a_turn_while_the_gate_is_closed_sends_nothing() {
    let service = Service::answering(|_| ok(SPACE)).await;
    let sent = Arc::new(Requests::default());
    let is_open = Arc::new(AtomicBool::new(true));
    let asked = Arc::clone(&is_open);
    let gate = Gate::new(move || asked.load(Ordering::Relaxed));
    let budget = Share::alone(4.0);
    let config =
        ClientConfig { observer: Some(sent.clone()), budget: budget.clone(), gate, ..config(&service.url()) };
    let client = Client::new(config);
    while budget.usage().tokens >= 1.0 {
        budget.acquire(&Caller::default()).await;
    }
    // The call is waiting for its turn when the gate closes, as in a leader that is frozen there.
    let get = get();
    let (answer, ()) =
        tokio::join!(biased; client.call(&get), async { is_open.store(false, Ordering::Relaxed) });
    assert!(answer.unwrap_err().to_string().contains("no longer the leader"));
    assert_eq!(sent.0.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn metrics_learn_of_every_request() {
    let service = Service::start([refuse(429, "ThrottlingException"), Reply::Hang, ok(SPACE)]).await;
    let seen = Arc::new(Requests::default());
    let budget = Share::alone(100.0);
    let config =
        ClientConfig { observer: Some(seen.clone()), budget: budget.clone(), ..config(&service.url()) };
    Client::new(config).call(&get()).await.unwrap();
    let seen = seen.0.lock().unwrap();
    let seen: Vec<_> = seen.iter().map(|(code, error)| (code.as_str(), error.as_deref())).collect();
    let expected = [("429", Some("ThrottlingException")), ("connection", Some("connection")), ("200", None)];
    assert_eq!(seen, expected);
    let usage = budget.usage();
    assert!(usage.rate < 100.0);
    assert_eq!((usage.throttles, usage.turns(Priority::Edit).given), (1, 3));
}

#[tokio::test]
async fn no_secret_shows_in_debug_or_errors() {
    let echo = Service::answering(|request| {
        let body = json!({"message": format!("can't take {}", request.body)}).to_string();
        Reply::Answer(400, vec![("x-amzn-errortype", "ValidationException".to_owned())], body)
    })
    .await;
    let client = Client::new(config(&echo.url()));
    let register = RegisterService {
        service: "gitlab".to_owned(),
        service_details: json!({"gitlab": {"tokenValue": "hush-gitlab", "targetUrl": "https://gitlab"}}),
        ..Default::default()
    };
    let error = client.call(&register).await.unwrap_err();
    let shown = format!("{error} {error:?} {client:?} {register:?}");
    assert!(shown.contains("ValidationException") && !shown.contains("hush"), "{shown}");
}

#[tokio::test]
async fn words_that_repeat_a_secret_are_left_out_whatever_it_was_sent_as() {
    let encoded = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, "x correct-horse-battery");
    for quoted in
        ["correct-horse", "horse-battery…", "correct%2Dhorse%2Dbattery", "correct\\u002dhorse", &encoded]
    {
        let body =
            json!({"message": format!("'{quoted}' is refused"), "fieldList": [{"path": "/configuration"}]});
        let headers = vec![("x-amzn-errortype", "ValidationException".to_owned())];
        let answer = Reply::Answer(400, headers, body.to_string());
        let (_service, client) = start([answer.clone(), answer]).await;
        let told = client.call(&associate()).await.unwrap_err().to_string();
        assert!(told.contains("is refused"), "nothing is guarded: {told}");
        let seen = Seen::default();
        let client = client.guarding(&seen);
        seen.add(b"correct-horse-battery");
        let error = client
            .for_caller(Caller { priority: Priority::Periodic, ..Caller::default() })
            .call(&associate())
            .await
            .unwrap_err();
        let told = format!("{error} {error:?}");
        assert!(!told.contains(quoted) && told.contains("omitted"), "{told}");
        assert!(told.contains("ValidationException") && told.contains("/configuration"), "{told}");
    }
}

#[tokio::test]
async fn a_refused_signature_shows_nothing_of_what_was_signed() {
    let body = r#"{"message": "no match\nThe canonical request is\nx-amz-security-token:hush-token"}"#;
    let headers = vec![("x-amzn-errortype", "SignatureDoesNotMatch".to_owned())];
    let (_service, client) = start([Reply::Answer(403, headers, body.to_owned())]).await;
    let told = client.call(&associate()).await.unwrap_err().to_string();
    assert!(!told.contains("hush") && told.contains("SignatureDoesNotMatch (403)"), "{told}");
}
