//! Counts the requests to the Kubernetes API: a layer around the client.

use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Method, Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::Metrics;

/// The layer.
#[derive(Clone)]
pub struct CountRequests {
    metrics: Arc<Metrics>,
    host: Arc<str>,
}

impl CountRequests {
    /// Counts into `metrics` the requests to the API at `url`.
    pub fn new(metrics: Arc<Metrics>, url: &http::Uri) -> Self {
        let host = url.authority().map(ToString::to_string).unwrap_or_default();
        Self { metrics, host: host.into() }
    }
}

impl<S> Layer<S> for CountRequests {
    type Service = Counted<S>;

    fn layer(&self, inner: S) -> Counted<S> {
        Counted { inner, layer: self.clone() }
    }
}

/// A service whose requests are counted.
#[derive(Clone)]
pub struct Counted<S> {
    inner: S,
    layer: CountRequests,
}

impl<S, B, R> Service<Request<B>> for Counted<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
    S::Error: Display,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(ready!(self.inner.poll_ready(cx)))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let method = request.method().clone();
        let layer = self.layer.clone();
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await;
            layer.count(&method, answer.as_ref().ok().map(|answer| answer.status().as_u16()));
            answer
        })
    }
}

impl CountRequests {
    fn count(&self, method: &Method, status: Option<u16>) {
        let code = status.map_or_else(|| "error".to_owned(), |status| status.to_string());
        self.metrics.kubernetes_requests.with([&code, method.as_str(), &self.host]).inc();
    }
}
