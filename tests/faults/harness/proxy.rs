//! The path to AWS: a proxy in front of the simulator, so that every call passes the boundary.

use std::io::{Error as IoError, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use devops_agent_simulator::Rule;
use devops_agent_test_support::server;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::boundary::Side;
use super::fault::Fault;
use super::planted::{self, Planted};
use super::routes;
use super::world::World;

/// How long after the operator has given up waiting a late call takes effect.
const LATENESS: Duration = Duration::from_millis(250);

/// For how long a list is held at most, and lists show an old state: shorter than the operator waits for a lost response.
const HELD: Duration = Duration::from_millis(400);

/// So often a planted loop repeats a call.
const LOOP: usize = 100;

/// A proxy for one incarnation of the operator. It ends when it is dropped.
pub struct Proxy {
    pub url: String,
    _tasks: JoinSet<()>,
}

impl Proxy {
    pub async fn start(world: &Arc<World>, incarnation: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let url = format!("http://{}", listener.local_addr().expect("a listener has an address"));
        let mut tasks = JoinSet::new();
        let way = Way { world: Arc::clone(world), incarnation };
        tasks.spawn(server::serve(listener, move |request| way.clone().handle(request)));
        Self { url, _tasks: tasks }
    }
}

#[derive(Clone)]
struct Way {
    world: Arc<World>,
    incarnation: u64,
}

impl Way {
    async fn handle(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, IoError> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(IoError::other)?.to_bytes();
        let name = match head.uri.path() {
            "/" => routes::sts_operation(&body),
            path => routes::operation(head.method.as_str(), path),
        };
        let path = head.uri.path().to_owned();
        let boundary = &self.world.boundary;
        if self.world.planted == Some(Planted::HotLoop) && name.starts_with("Get") {
            for _ in 0..LOOP {
                boundary.enter(self.incarnation, Side::Aws, name, false).await;
            }
        }
        let fault = boundary.enter(self.incarnation, Side::Aws, name, routes::is_mutating(name)).await;
        let request = Request::from_parts(head, Full::new(body));
        let send = || self.clone().forward(name, request.clone());
        let answer = match fault {
            None | Some(Fault::CrashBefore | Fault::Stale) => send().await,
            Some(fault @ (Fault::StaleList | Fault::StaleLists)) => {
                self.world.simulator.add_fault(stale_lists(name, fault.stale_lists()));
                send().await
            }
            Some(fault @ (Fault::Held | Fault::HeldLong)) => {
                let writes = boundary.writes_to_aws();
                let answer = send().await;
                boundary.has_written_to_aws(writes + fault.writes_awaited(), HELD).await;
                answer
            }
            Some(Fault::CrashAfter) => {
                let _ = send().await;
                boundary.crash(self.incarnation).await
            }
            Some(Fault::Lost) => {
                let _ = send().await;
                if self.world.planted == Some(Planted::CreateRepeated) {
                    return send().await;
                }
                Err(IoError::new(ErrorKind::ConnectionReset, "injected"))
            }
            Some(Fault::Timeout) => std::future::pending().await,
            Some(Fault::Late) => {
                let (send, world) = (send(), Arc::clone(&self.world));
                tokio::spawn(async move {
                    let arrive = async {
                        tokio::time::sleep(world.patience + LATENESS).await;
                        send.await
                    };
                    world.boundary.late(arrive).await
                });
                std::future::pending().await
            }
            Some(Fault::Reset) => Err(IoError::new(ErrorKind::ConnectionReset, "injected")),
            Some(Fault::Throttled) => Ok(refusal(StatusCode::TOO_MANY_REQUESTS, "ThrottlingException")),
            Some(Fault::Conflict) => Ok(refusal(StatusCode::CONFLICT, "ConflictException")),
            Some(Fault::Broken) => Ok(refusal(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerException")),
            Some(Fault::BrokenAfter) => {
                let _ = send().await;
                Ok(refusal(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerException"))
            }
        };
        boundary.alive(self.incarnation).await;
        if fault.is_none_or(Fault::answers)
            && let Ok(answer) = &answer
            && let Some(association) = with_webhook(answer.body().clone()).await
        {
            boundary.told(&association);
        }
        match self.world.planted {
            Some(bug) => self.as_planted(bug, name, &path, answer).await,
            None => answer,
        }
    }

    /// The answer as the planted bug sees it.
    async fn as_planted(
        &self,
        bug: Planted,
        name: &str,
        path: &str,
        answer: Result<Response<Full<Bytes>>, IoError>,
    ) -> Result<Response<Full<Bytes>>, IoError> {
        let world = &self.world;
        let deletes = ["Delete", "Disassociate", "Deregister"].iter().any(|verb| name.starts_with(verb));
        if bug == Planted::DeletionTakenForDone && deletes {
            if answer.as_ref().is_ok_and(|answer| answer.status().is_success()) {
                return answer;
            }
            world.left.add(path);
            return Ok(Response::new(Full::new(Bytes::from_static(b"{}"))));
        }
        if name.starts_with("Get") && world.left.has(path) {
            return Ok(refusal(StatusCode::NOT_FOUND, "ResourceNotFoundException"));
        }
        let (head, body) = answer?.into_parts();
        let body = body.collect().await.map_err(IoError::other)?.to_bytes();
        let object = if bug == Planted::UnownedTaken { "space" } else { "internal" };
        let owner = [("cluster", &*world.cluster_id), ("namespace", world.namespace()), ("name", object)];
        let body = planted::answered(bug, name, &owner, &body).unwrap_or(body);
        let mut answer = Response::from_parts(head, Full::new(body));
        answer.headers_mut().remove("content-length");
        Ok(answer)
    }

    /// The call itself. It continues when nobody waits for it any longer.
    async fn forward(
        self,
        name: &'static str,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Full<Bytes>>, IoError> {
        let (address, started) = (self.world.simulator.address(), Instant::now());
        let sent = tokio::spawn(async move { exchange(address, request).await });
        let answer = sent.await.map_err(IoError::other)??;
        if started.elapsed() > self.world.patience / 2 {
            self.world.boundary.overloaded();
        }
        if routes::is_mutating(name) {
            self.world.boundary.wrote_to_aws();
            self.world.boundary.count(&self.world.remotes());
            if answer.status().is_success()
                && let Some(secret) = shown(answer.body().clone()).await
            {
                self.world.boundary.issued(&secret);
            }
        }
        Ok(answer)
    }
}

async fn exchange(
    address: SocketAddr,
    request: Request<Full<Bytes>>,
) -> Result<Response<Full<Bytes>>, IoError> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(IoError::other)?;
    let connection = tokio::spawn(connection);
    let answer = sender.send_request(request).await.map_err(IoError::other)?;
    let (head, body) = answer.into_parts();
    let body = body.collect().await.map_err(IoError::other)?.to_bytes();
    connection.abort();
    Ok(Response::from_parts(head, Full::new(body)))
}

/// The association in a response that shows the secret of its webhook.
async fn with_webhook(body: Full<Bytes>) -> Option<String> {
    shown(body.clone()).await?;
    let body = body.collect().await.ok()?.to_bytes();
    let answer = serde_json::from_slice::<Value>(&body).ok()?;
    answer.pointer("/association/associationId")?.as_str().map(str::to_owned)
}

/// The webhook secret that an answer shows.
async fn shown(body: Full<Bytes>) -> Option<String> {
    let body = body.collect().await.ok()?.to_bytes();
    let answer = serde_json::from_slice::<Value>(&body).ok()?;
    let shown = ["webhookSecret", "apiKey"].iter().find_map(|key| answer["webhook"][key].as_str());
    shown.map(str::to_owned)
}

/// The next call of this operation is followed by so many lists that don't show its effect.
fn stale_lists(operation: &str, lists: usize) -> Rule {
    let lasting = HELD.as_millis();
    let rule = json!({"operation": operation, "effect": "stale-lists", "lists": lists, "staleMs": lasting});
    serde_json::from_value(rule).expect("this is a rule")
}

fn refusal(status: StatusCode, error: &'static str) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(Bytes::from_static(br#"{"message": "injected fault"}"#)));
    *answer.status_mut() = status;
    answer.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(error));
    answer
}
