//! Traces over OTLP: a span for each pass, and below it one for each call to AWS.
//!
//! Built in with the feature `otlp`; sent where `OTEL_EXPORTER_OTLP_ENDPOINT` (or `…_TRACES_ENDPOINT`) says. The other
//! standard variables count too: headers, timeout, sampler, service name, resource attributes.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{
    HttpExporterBuilderSet, SpanExporter, SpanExporterBuilder, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Handle;
use tracing::Subscriber;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, filter};

use crate::version;

/// Variables that set where traces are sent; without one, there are none.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
/// How long the last spans may take to be sent.
const LAST: Duration = Duration::from_secs(2);

/// Why traces can't be sent.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings can't be used.
    #[error("reading the OTLP settings: {0}")]
    Settings(#[from] opentelemetry_otlp::ExporterBuildError),
    /// There is no HTTPS client.
    #[error("making a client for OTLP: {0}")]
    Client(#[from] reqwest::Error),
}

/// Where spans go, until it is ended.
#[derive(Debug)]
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Traces as set by the standard variables; none if they name no endpoint. Spans are sent from tasks of the runtime
    /// `handle`.
    pub fn from_environment(handle: Handle) -> Result<Option<Self>, Error> {
        let named = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        if !ENDPOINTS.iter().any(|name| named(name)) {
            return Ok(None);
        }
        Self::sent_by(SpanExporter::builder().with_http(), handle).map(Some)
    }

    /// Traces for the collector at `url`, whatever the environment says.
    pub fn to(url: &str, handle: Handle) -> Result<Self, Error> {
        Self::sent_by(SpanExporter::builder().with_http().with_endpoint(url), handle)
    }

    fn sent_by(builder: SpanExporterBuilder<HttpExporterBuilderSet>, handle: Handle) -> Result<Self, Error> {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        let exporter = builder.with_http_client(Sender { http, handle }).build()?;
        let attributes = [opentelemetry::KeyValue::new("service.version", version::VERSION)];
        let mut resource = Resource::builder().with_attributes(attributes);
        if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
            resource = resource.with_service_name(env!("CARGO_PKG_NAME"));
        }
        let provider = SdkTracerProvider::builder()
            .with_resource(resource.build())
            .with_batch_exporter(exporter)
            .build();
        Ok(Self(provider))
    }

    /// What turns the operator's spans into traces.
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let spans = filter::filter_fn(|metadata| {
            metadata.is_span() && metadata.target().starts_with(env!("CARGO_CRATE_NAME"))
        });
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer(env!("CARGO_PKG_NAME")))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(spans)
    }

    /// Sends what is left. It blocks, while the runtime must keep running.
    pub fn end(&self) {
        if let Err(error) = self.0.shutdown_with_timeout(LAST) {
            tracing::warn!(%error, "the last traces could not be sent");
        }
    }
}

/// Sends spans with the operator's own kind of HTTP client. The exporter runs on its own thread, and the client needs
/// the runtime.
struct Sender {
    http: reqwest::Client,
    handle: Handle,
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sender")
    }
}

impl HttpClient for Sender {
    fn send_bytes<'a, 'b>(
        &'a self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        let http = self.http.clone();
        let sent = self.handle.spawn(async move {
            let answer = http.execute(request.try_into()?).await?;
            let status = answer.status();
            let mut response = Response::new(answer.bytes().await?);
            *response.status_mut() = status;
            Ok::<_, reqwest::Error>(response)
        });
        Box::pin(async move { Ok(sent.await??) })
    }
}
