//! Traces: what a collector gets to hear of a pass and of the call that it makes.

#![allow(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

mod aws_support;

use std::sync::{Arc, Mutex};

use aws_support::config;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use devops_agent_operator::aws::Client;
use devops_agent_operator::aws::operations::GetAgentSpace;
use devops_agent_operator::traces::Traces;
use devops_agent_test_support::script::{Service, refuse};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tracing::{Instrument, info_span};
use tracing_subscriber::layer::SubscriberExt;

type Received = Arc<Mutex<Vec<ExportTraceServiceRequest>>>;

/// A collector that keeps what it is sent.
async fn collector() -> (String, Received) {
    async fn keep(State(received): State<Received>, body: Bytes) {
        received.lock().unwrap().push(ExportTraceServiceRequest::decode(body).unwrap());
    }
    let received = Received::default();
    let router = Router::new().route("/v1/traces", post(keep)).with_state(Arc::clone(&received));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, received)
}

fn attribute(attributes: &[KeyValue], key: &str) -> Option<String> {
    let value = attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()?;
    match value.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        _ => None,
    }
}

#[tokio::test]
async fn a_collector_is_told_of_the_pass_and_of_the_call_within_it() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (url, received) = collector().await;
    let traces = Traces::to(&url, Handle::current()).unwrap();
    let subscriber = tracing::subscriber::set_default(tracing_subscriber::registry().with(traces.layer()));
    let service = Service::start([refuse(404, "ResourceNotFoundException")]).await;
    let client = Client::new(config(&service.url()));
    let pass =
        info_span!(target: "devops_agent_operator::reconcile", "pass", kind = "AgentSpace", pass = "1f");
    let call = GetAgentSpace { agent_space_id: "s-1".to_owned(), ..Default::default() };
    let _ = client.call(&call).instrument(pass).await;
    drop(subscriber);
    tokio::task::spawn_blocking(move || traces.end()).await.unwrap();

    let received = received.lock().unwrap();
    let resource = received[0].resource_spans[0].resource.as_ref().unwrap();
    assert_eq!(attribute(&resource.attributes, "service.name").as_deref(), Some("devops-agent-operator"));
    let spans: Vec<&Span> = received
        .iter()
        .flat_map(|request| &request.resource_spans)
        .flat_map(|resource| &resource.scope_spans)
        .flat_map(|scope| &scope.spans)
        .collect();
    let named = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
    let (pass, call) = (named("pass"), named("call"));
    assert_eq!(spans.len(), 2, "{spans:#?}");
    assert_eq!((&call.trace_id, &call.parent_span_id), (&pass.trace_id, &pass.span_id));
    assert_eq!(attribute(&pass.attributes, "kind").as_deref(), Some("AgentSpace"));
    assert_eq!(attribute(&call.attributes, "operation").as_deref(), Some("GetAgentSpace"));
    assert_eq!(attribute(&call.attributes, "status").as_deref(), Some("404"));
}
