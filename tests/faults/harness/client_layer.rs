//! The path to Kubernetes: a client whose every call passes the boundary.

use std::future::Future;
use std::io::{Error as IoError, ErrorKind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures::{StreamExt, stream};
use http::{Method, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tower_service::Service;

use super::boundary::Side;
use super::fault::Fault;
use super::planted::{self, Planted};
use super::resources::{Resource, resource};
use super::rules;
use super::world::World;

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Answer = Response<UnsyncBoxBody<Bytes, BoxError>>;

/// How long the operator hears nothing before its client gives up.
const PATIENCE: Duration = Duration::from_millis(250);
/// How long after that a late call takes effect.
const LATENESS: Duration = Duration::from_millis(150);
/// So many events of a watch are late at a time.
const MOST_LATE: usize = 256;

/// A client of one incarnation of the operator.
pub fn client(world: &Arc<World>, incarnation: u64) -> Client {
    let layer = Layer { world: Arc::clone(world), incarnation, held: Arc::default(), forgot: Arc::default() };
    Client::new(layer, world.namespace())
}

#[derive(Clone)]
struct Layer {
    world: Arc<World>,
    incarnation: u64,
    /// A write that a planted bug makes too late.
    held: Arc<Mutex<Option<Request<Bytes>>>>,
    /// Whether a planted bug has overlooked something once.
    forgot: Arc<AtomicBool>,
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
            return self.watch(&target.plural, request).await;
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
            // Those of lists are only about AWS.
            None
            | Some(
                Fault::CrashBefore
                | Fault::Stale
                | Fault::StaleList
                | Fault::StaleLists
                | Fault::Held
                | Fault::HeldLong,
            ) => send().await,
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
                let (send, world) = (send(), Arc::clone(&self.world));
                tokio::spawn(async move {
                    let arrive = async {
                        tokio::time::sleep(PATIENCE + LATENESS).await;
                        send.await
                    };
                    world.boundary.late(arrive).await
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
        if target.subresource.as_deref() == Some("status") {
            self.write_held().await;
        }
        answer
    }

    /// Writes what a planted bug has held back until its status was written.
    async fn write_held(&self) {
        let held = self.held.lock().expect("nobody panics with it in hand").take();
        if let Some(request) = held {
            let _ = self.world.cluster.client.send(request.map(Body::from)).await;
        }
    }

    /// The call itself. It continues when nobody waits for it any longer, as a sent request does.
    async fn forward(self, target: Target, mut request: Request<Bytes>) -> Result<Answer, BoxError> {
        if let Some(bug) = self.world.planted
            && let Some(answer) = self.as_planted(bug, &target, &mut request)
        {
            return Ok(answer);
        }
        if request.method() != Method::GET && target.plural != "secrets" {
            self.world.boundary.wrote(request.body());
        }
        if let Some(steps) = finalizer_removal(&target, &request) {
            let name = target.name.as_deref().unwrap_or_default();
            rules::finalizer_goes(&self.world, &target.plural, name, &steps);
        }
        if target.plural == "associations" && target.subresource.is_some() {
            rules::status_is_written(&self.world, request.body());
        }
        let association = association_of(request.body());
        let writes_secret = request.method() == Method::PATCH && target.plural == "secrets";
        let client = self.world.cluster.client.clone();
        let sent = tokio::spawn(async move { client.send(request.map(Body::from)).await });
        let (head, body) = sent.await??.into_parts();
        if writes_secret && head.status.is_success() {
            self.world.boundary.secret_written(&association);
        }
        let body = body.collect().await?.to_bytes();
        Ok(Response::from_parts(head, whole(body)))
    }

    /// Does to a call what the planted bug would; returns the response to one that isn't made.
    fn as_planted(&self, bug: Planted, target: &Target, request: &mut Request<Bytes>) -> Option<Answer> {
        let is_secret = target.plural == "secrets" && target.name.as_ref()?.ends_with("-webhook");
        match bug {
            Planted::StatusBeforeSecret if is_secret && request.method() == Method::PATCH => {
                let body = request.body().clone();
                *self.held.lock().expect("nobody panics with it in hand") = Some(request.clone());
                return Some(Response::new(whole(body)));
            }
            Planted::WebhookTakenForLost if is_secret && request.method() == Method::GET => {
                let restarted = self.incarnation > 1;
                let first = !self.forgot.swap(true, Ordering::Relaxed);
                return (restarted && first).then(|| status(404, "NotFound"));
            }
            _ => {
                let secret = self.world.boundary.issued_secrets().pop();
                let body = planted::written(bug, &target.plural, secret.as_ref(), request.body())?;
                request.headers_mut().remove("content-length");
                *request.body_mut() = body;
            }
        }
        None
    }

    /// Lists and watches aren't steps of anything, but their events can be delayed. One watch at the API server serves
    /// all operators.
    async fn watch(self, plural: &str, request: Request<Body>) -> Result<Answer, BoxError> {
        self.world.boundary.alive(self.incarnation).await;
        let (resource, world) = (resource(plural), self.world);
        let query = request.uri().query().unwrap_or_default();
        if !query.contains("watch=true") {
            return list(&world, resource, request).await;
        }
        let listed = query.split('&').find_map(|part| part.strip_prefix("resourceVersion=")?.parse().ok());
        let by_namespace = resource.namespaced || resource.is_account();
        let places: &[String] = if by_namespace { &world.namespaces } else { &[String::new()] };
        let lines = stream::select_all(
            places
                .iter()
                .map(|place| world.cluster.place(place).watch(resource, listed.unwrap_or_default()).boxed()),
        );
        let lag = world.watch_lag.filter(|_| resource.is_ours());
        let late = lines.map(move |line| async move {
            if let Some(lag) = lag {
                tokio::time::sleep(lag).await;
            }
            line
        });
        let frames = late.buffered(MOST_LATE).then(move |line| {
            let world = Arc::clone(&world);
            async move {
                world.boundary.fresh().await;
                Ok::<_, BoxError>(Frame::data(line))
            }
        });
        Ok(Response::new(StreamBody::new(frames).boxed_unsync()))
    }
}

/// A list of what the operator is shown: the cluster without the other runs.
async fn list(world: &World, resource: Resource, request: Request<Body>) -> Result<Answer, BoxError> {
    let (mut head, body) = request.into_parts();
    let body = body.collect_bytes().await?;
    let (path, query) = (head.uri.path().to_owned(), head.uri.query().unwrap_or_default().to_owned());
    let everywhere = resource.namespaced && !path.contains("/namespaces/");
    let within = |namespace: &String| {
        let version = path.trim_end_matches(resource.plural).trim_end_matches('/');
        format!("{version}/namespaces/{namespace}/{}", resource.plural)
    };
    let paths = if everywhere { world.namespaces.iter().map(within).collect() } else { vec![path.clone()] };
    let mut answers = Vec::new();
    for path in &paths {
        head.uri = format!("{path}?{query}").parse()?;
        let request = Request::from_parts(head.clone(), Body::from(body.clone()));
        let (head, body) = world.cluster.client.send(request).await?.into_parts();
        let mut body = body.collect().await?.to_bytes();
        if head.status.is_success() && resource.is_account() {
            body = without_others(world, &body)?;
        }
        if paths.len() == 1 || !head.status.is_success() {
            return Ok(Response::from_parts(head, whole(body)));
        }
        answers.push(serde_json::from_slice::<Value>(&body)?);
    }
    let items: Vec<Value> =
        answers.iter().filter_map(|list| list["items"].as_array()).flatten().cloned().collect();
    // What comes after the first of the lists is watched from there.
    let mut merged = answers.swap_remove(0);
    merged["items"] = json!(items);
    Ok(Response::new(whole(Bytes::from(merged.to_string()))))
}

/// A list of AWSAccounts without those of other runs.
fn without_others(world: &World, list: &Bytes) -> Result<Bytes, BoxError> {
    let mut list: Value = serde_json::from_slice(list)?;
    if let Some(items) = list["items"].as_array_mut() {
        items.retain(|item| world.namespaces.iter().any(|name| item["metadata"]["name"] == name.as_str()));
    }
    Ok(Bytes::from(list.to_string()))
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

    /// The call's name; that of an Event is drawn by chance, and each run has its own AWSAccount. A long one is cut.
    fn call(&self, method: &Method) -> String {
        const LONGEST: usize = 40;
        let mut call = format!("{method} {}", self.plural);
        let name = self.name.as_deref().map(|name| match self.plural.as_str() {
            "awsaccounts" => "account",
            _ => &name[..name.len().min(LONGEST)],
        });
        for part in [name, self.subresource.as_deref()].into_iter().flatten() {
            if self.plural != "events" {
                call.push('/');
                call.push_str(part);
            }
        }
        call
    }
}

/// The association whose webhook is in a Secret.
fn association_of(secret: &[u8]) -> String {
    let secret: Value = serde_json::from_slice(secret).unwrap_or_default();
    let id = secret["data"]["associationId"].as_str().and_then(|id| BASE64_STANDARD.decode(id).ok());
    id.and_then(|id| String::from_utf8(id).ok()).unwrap_or_default()
}

/// The steps of a JSON patch that removes a finalizer.
fn finalizer_removal(target: &Target, request: &Request<Bytes>) -> Option<Vec<Value>> {
    if request.method() != Method::PATCH || target.subresource.is_some() {
        return None;
    }
    let steps: Vec<Value> = serde_json::from_slice(request.body()).ok()?;
    let removes = |step: &Value| {
        step["op"] == "remove" && step["path"].as_str().unwrap_or_default().contains("finalizers")
    };
    steps.iter().any(removes).then_some(steps)
}
