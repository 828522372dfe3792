//! The way to Kubernetes: a client whose every call passes the boundary.

use std::future::Future;
use std::io::{Error as IoError, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::{StreamExt, stream};
use http::{Method, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, BodyStream, Full, StreamBody};
use hyper::body::Bytes;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tower_service::Service;

use super::boundary::Side;
use super::fault::Fault;
use super::rules;
use super::world::World;

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Answer = Response<UnsyncBoxBody<Bytes, BoxError>>;

/// How long the operator hears nothing before its client gives up.
const PATIENCE: Duration = Duration::from_millis(250);
/// How long after that a late call takes effect.
const LATENESS: Duration = Duration::from_millis(150);

/// A client of one incarnation of the operator.
pub fn client(world: &Arc<World>, incarnation: u64) -> Client {
    Client::new(Layer { world: Arc::clone(world), incarnation }, world.namespace.clone())
}

#[derive(Clone)]
struct Layer {
    world: Arc<World>,
    incarnation: u64,
}

impl Service<Request<Body>> for Layer {
    type Response = Answer;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let layer = self.clone();
        Box::pin(async move { layer.handle(request).await })
    }
}

impl Layer {
    async fn handle(self, request: Request<Body>) -> Result<Answer, BoxError> {
        let target = Target::of(&request);
        if target.name.is_none() && request.method() == Method::GET {
            return self.watch(request).await;
        }
        let name = target.call(request.method());
        let mutating = request.method() != Method::GET;
        let (head, body) = request.into_parts();
        let body = body.collect_bytes().await?;
        let boundary = &self.world.boundary;
        let fault = boundary.enter(self.incarnation, Side::Kubernetes, &name, mutating).await;
        let request = Request::from_parts(head, body);
        let send = || self.clone().forward(target.clone(), request.clone());
        let answer = match fault {
            None | Some(Fault::CrashBefore | Fault::Stale) => send().await,
            Some(Fault::CrashAfter) => {
                let _ = send().await;
                boundary.crash(self.incarnation).await
            }
            Some(Fault::Lost) => {
                let _ = send().await;
                Err(IoError::new(ErrorKind::ConnectionReset, "injected: the answer is lost").into())
            }
            Some(Fault::Timeout) => {
                tokio::time::sleep(PATIENCE).await;
                Err(IoError::new(ErrorKind::TimedOut, "injected: no answer").into())
            }
            Some(Fault::Late) => {
                let send = send();
                tokio::spawn(async move {
                    tokio::time::sleep(PATIENCE + LATENESS).await;
                    let _ = send.await;
                });
                tokio::time::sleep(PATIENCE).await;
                Err(IoError::new(ErrorKind::TimedOut, "injected: no answer yet").into())
            }
            Some(Fault::Reset) => {
                Err(IoError::new(ErrorKind::ConnectionReset, "injected: the connection is reset").into())
            }
            Some(Fault::Throttled) => Ok(status(429, "TooManyRequests")),
            Some(Fault::Broken) => Ok(status(500, "InternalError")),
            Some(Fault::BrokenAfter) => {
                let _ = send().await;
                Ok(status(500, "InternalError"))
            }
            Some(Fault::Conflict) => Ok(status(409, "Conflict")),
        };
        boundary.alive(self.incarnation).await;
        answer
    }

    /// The call itself. It goes on when nobody waits for it any more, as a sent request does.
    async fn forward(self, target: Target, request: Request<Bytes>) -> Result<Answer, BoxError> {
        if request.method() != Method::GET && target.plural != "secrets" {
            self.world.boundary.wrote(request.body());
        }
        if removes_finalizer(&target, &request) {
            rules::finalizer_goes(&self.world, &target.plural, target.name.as_deref().unwrap_or_default());
        }
        let writes_secret = request.method() == Method::PATCH && target.plural == "secrets";
        let client = self.world.cluster.client.clone();
        let sent = tokio::spawn(async move { client.send(request.map(Body::from)).await });
        let (head, body) = sent.await??.into_parts();
        if writes_secret && head.status.is_success() {
            self.world.boundary.secret_written();
        }
        let body = body.collect().await?.to_bytes();
        Ok(Response::from_parts(head, whole(body)))
    }

    /// Lists and watches are no step of anything; but their events can be held back.
    async fn watch(self, request: Request<Body>) -> Result<Answer, BoxError> {
        self.world.boundary.alive(self.incarnation).await;
        let watches = request.uri().query().is_some_and(|query| query.contains("watch=true"));
        let (head, body) = self.world.cluster.client.send(request).await?.into_parts();
        if !watches {
            return Ok(Response::from_parts(head, body.map_err(BoxError::from).boxed_unsync()));
        }
        let world = Arc::clone(&self.world);
        let frames = stream::unfold((BodyStream::new(body), world), |(mut frames, world)| async move {
            let frame = frames.next().await?;
            world.boundary.fresh().await;
            Some((frame.map_err(BoxError::from), (frames, world)))
        });
        Ok(Response::from_parts(head, StreamBody::new(frames).boxed_unsync()))
    }
}

fn whole(body: Bytes) -> UnsyncBoxBody<Bytes, BoxError> {
    Full::new(body).map_err(|never| match never {}).boxed_unsync()
}

fn status(code: u16, reason: &str) -> Answer {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code, "reason": reason,
        "message": "injected fault",
    });
    let mut answer = Response::new(whole(Bytes::from(body.to_string())));
    *answer.status_mut() = http::StatusCode::from_u16(code).expect("the codes are real ones");
    answer.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
    answer
}

/// What a request is about, from its path.
#[derive(Clone)]
struct Target {
    plural: String,
    name: Option<String>,
    subresource: Option<String>,
}

impl Target {
    fn of(request: &Request<Body>) -> Self {
        let mut parts = request.uri().path().trim_matches('/').split('/').map(str::to_owned);
        if parts.next().as_deref() == Some("apis") {
            parts.next();
        }
        parts.next();
        let mut plural = parts.next().unwrap_or_default();
        let mut name = parts.next();
        let mut subresource = parts.next();
        if plural == "namespaces" && subresource.is_some() {
            plural = subresource.take().unwrap_or_default();
            name = parts.next();
            subresource = parts.next();
        }
        Self { plural, name, subresource }
    }

    /// The call's name; that of an Event is drawn by chance.
    fn call(&self, method: &Method) -> String {
        let mut call = format!("{method} {}", self.plural);
        for part in [&self.name, &self.subresource].into_iter().flatten().filter(|_| self.plural != "events")
        {
            call.push('/');
            call.push_str(part);
        }
        call
    }
}

fn removes_finalizer(target: &Target, request: &Request<Bytes>) -> bool {
    let removes = |patch: &Value| {
        patch.as_array().into_iter().flatten().any(|step| {
            step["op"] == "remove" && step["path"].as_str().unwrap_or_default().contains("finalizers")
        })
    };
    request.method() == Method::PATCH
        && target.subresource.is_none()
        && serde_json::from_slice(request.body()).is_ok_and(|patch: Value| removes(&patch))
}
