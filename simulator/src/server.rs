//! The HTTP server, and the handle to a running simulator.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::control::{self, Invocation, Mutation, Target};
use crate::error::ApiError;
use crate::faults::Rule;
use crate::model::Model;
use crate::options::Options;
use crate::simulation::Simulation;
use crate::store::World;
use crate::switches::Switches;
use crate::wire::{Outcome, Reply, Request};
use crate::{api, persist, sts, webhooks};

const LARGEST_BODY: usize = 16 * 1024 * 1024;
const GOODBYE: Duration = Duration::from_secs(1);

/// Starts simulators.
pub struct Simulator;

impl Simulator {
    /// Listens, and serves until the handle is stopped or dropped. Any number of simulators can run in a process; they
    /// share nothing.
    pub async fn start(options: Options) -> io::Result<Running> {
        let model = Model::embedded().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let world = options.state_file.as_deref().map_or_else(|| Ok(World::default()), persist::load)?;
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let base_url = options
            .public_url
            .as_deref()
            .map_or_else(|| url(address), |url| url.trim_end_matches('/').to_owned());
        let simulation = Arc::new(Simulation::new(model, options, base_url, world));
        let (stop, stopped) = watch::channel(());
        let server = tokio::spawn(accept(Arc::clone(&simulation), listener, stopped));
        let path = simulation.options.state_file.clone();
        let saver = path.map(|path| tokio::spawn(persist::keep_saving(Arc::clone(&simulation), path)));
        tracing::info!(%address, "ready");
        Ok(Running { simulation, address, stop, server, saver })
    }
}

fn url(address: SocketAddr) -> String {
    let ip = if address.ip().is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { address.ip() };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

/// A running simulator. Dropping it stops it without saving.
pub struct Running {
    simulation: Arc<Simulation>,
    address: SocketAddr,
    stop: watch::Sender<()>,
    server: JoinHandle<()>,
    saver: Option<JoinHandle<()>>,
}

impl Running {
    /// Its URL, such as `http://127.0.0.1:4580`.
    pub fn url(&self) -> String {
        url(self.address)
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everything in the simulated AWS, as `GET /_simulator/state` gives it.
    pub fn state(&self, secrets: bool) -> Value {
        control::state(&self.simulation, secrets)
    }

    /// What was created through the API and still exists, by kind, as `GET /_simulator/resources` gives it.
    pub fn resources(&self) -> Value {
        control::resources(&self.simulation)
    }

    /// Counts of calls, as `GET /_simulator/calls` gives them.
    pub fn calls(&self) -> Value {
        self.simulation.lock().calls.summary()
    }

    /// How often an operation was called.
    pub fn count(&self, operation: &str) -> u64 {
        self.simulation.lock().calls.count(operation)
    }

    /// The number of the newest call, to ask later what came after it; 0 before the first.
    pub fn newest_call(&self) -> u64 {
        self.simulation.lock().calls.newest()
    }

    /// The calls after the one of this number (0 for all that are kept), oldest first.
    pub fn call_log(&self, since: u64) -> Vec<crate::Call> {
        self.simulation.lock().calls.since(since).cloned().collect()
    }

    /// Injects a fault and gives the id of its rule.
    pub fn add_fault(&self, rule: Rule) -> u64 {
        self.simulation.lock().faults.add(rule)
    }

    /// The rules with their counts.
    pub fn faults(&self) -> Vec<Rule> {
        self.simulation.lock().faults.rules().to_vec()
    }

    /// Removes all rules.
    pub fn clear_faults(&self) {
        self.simulation.lock().faults.clear();
    }

    /// The current switches.
    pub fn switches(&self) -> Switches {
        self.simulation.lock().switches.clone()
    }

    /// Changes switches.
    pub fn set_switches(&self, change: impl FnOnce(&mut Switches)) {
        change(&mut self.simulation.lock().switches);
    }

    /// Performs an operation in a region of the simulator's own account, unsigned and uncounted.
    pub fn invoke(&self, operation: &str, input: Value) -> Result<Value, ApiError> {
        let input = if let Value::Object(input) = input { input } else { Map::new() };
        control::invoke(
            &self.simulation,
            &Invocation { account: None, region: None, operation: operation.to_owned(), input },
        )
    }

    /// Changes a resource behind everyone's back, by a merge patch on it as the state shows it.
    pub fn mutate(&self, kind: &str, id: &str, set: Value) -> Result<(), ApiError> {
        control::mutate(&self.simulation, &Mutation { target: target(kind, id), set })
    }

    /// Removes a resource behind everyone's back.
    pub fn remove(&self, kind: &str, id: &str) -> Result<(), ApiError> {
        control::remove(&self.simulation, &target(kind, id))
    }

    /// Forgets state, calls and faults.
    pub fn reset(&self) {
        self.simulation.lock().reset();
        self.simulation.changed.notify_one();
    }

    /// Stops: lets calls that are in progress finish, and saves the state.
    pub async fn stop(mut self) -> io::Result<()> {
        let _ = self.stop.send(());
        let _ = (&mut self.server).await;
        match &self.simulation.options.state_file {
            Some(path) => persist::save(&self.simulation, path),
            None => Ok(()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.abort();
        if let Some(saver) = &self.saver {
            saver.abort();
        }
    }
}

fn target(kind: &str, id: &str) -> Target {
    Target { account: None, region: None, kind: kind.to_owned(), id: id.to_owned() }
}

async fn accept(simulation: Arc<Simulation>, listener: TcpListener, mut stopped: watch::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(Arc::clone(&simulation), stream, stopped.clone()));
                }
                Err(error) => tracing::warn!(%error, "accept"),
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            _ = stopped.changed() => break,
        }
    }
    drop(listener);
    let finish = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(GOODBYE, finish).await;
}

async fn connection(simulation: Arc<Simulation>, stream: TcpStream, mut stopped: watch::Receiver<()>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| respond(Arc::clone(&simulation), request));
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "connection");
    }
}

/// A call continues when its client disconnects, as in AWS: it runs in its own task.
async fn respond(
    simulation: Arc<Simulation>,
    request: http::Request<Incoming>,
) -> Result<http::Response<Full<Bytes>>, io::Error> {
    let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&simulation.clock());
    let outcome = match read(request).await {
        Ok(request) => tokio::spawn(async move { dispatch(&simulation, &request).await })
            .await
            .map_err(io::Error::other)?,
        Err(reply) => Outcome::Answer(reply),
    };
    match outcome {
        Outcome::Answer(reply) => Ok(response(match date {
            Ok(date) => reply.with_header("date", &date),
            Err(_) => reply,
        })),
        // An error of the service makes hyper close the connection without a word.
        Outcome::Close => Err(io::Error::new(io::ErrorKind::ConnectionReset, "injected fault")),
    }
}

async fn read(request: http::Request<Incoming>) -> Result<Request, Reply> {
    let (head, body) = request.into_parts();
    match Limited::new(body, LARGEST_BODY).collect().await {
        Ok(body) => Ok(Request {
            method: head.method,
            path: head.uri.path().to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            headers: head.headers,
            body: body.to_bytes().to_vec(),
        }),
        Err(error) => {
            let body = serde_json::json!({ "message": error.to_string() });
            let reply = Reply::json(StatusCode::PAYLOAD_TOO_LARGE, &body);
            Err(reply.with_header("x-amzn-errortype", "ContentSizeExceededException"))
        }
    }
}

async fn dispatch(simulation: &Simulation, request: &Request) -> Outcome {
    if request.path.starts_with(control::PREFIX) {
        return control::serve(simulation, request).into();
    }
    if request.path.starts_with(webhooks::PREFIX) && request.method == Method::POST {
        return webhooks::serve(simulation, request).into();
    }
    if request.path == "/" && request.method == Method::POST {
        return sts::serve(simulation, request).await;
    }
    api::serve(simulation, request).await
}

fn response(reply: Reply) -> http::Response<Full<Bytes>> {
    let mut response = http::Response::new(Full::new(Bytes::from(reply.body)));
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    response
}
