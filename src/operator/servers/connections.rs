//! Accepting connections, with limits on what they may use.
//!
//! A connection is for one request. It has [`HEADER`] until the request's header has arrived and [`WHOLE`] for
//! everything, so none stays open by being idle or slow. When the limit is reached, one is closed for the next: of the
//! peer with the most connections, one that hasn't sent a request yet, and the oldest of those. Nobody is turned away,
//! and whoever opens many loses their own.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, Id, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tower_service::Service;
use tracing::{debug, warn};

use super::seldom::Seldom;

/// Time for a TLS handshake, and then for the header of a request.
const HEADER: Duration = Duration::from_secs(5);
/// Time for the whole connection: the request and its response, until its last byte is read.
const WHOLE: Duration = Duration::from_secs(15);
/// Bytes of a request's header; a bearer token is in it.
const HEADER_BYTES: usize = 16 * 1024;
/// Fields of a request's header.
const HEADER_FIELDS: usize = 64;
/// Bytes of a request's body.
const BODY_BYTES: usize = 1024;
/// How long accepting pauses when the system has nothing to accept with, such as file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// The limits for the connections of a server.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    connections: usize,
    header: Duration,
    whole: Duration,
}

impl Limits {
    /// The usual times, and this many connections.
    pub fn of(connections: usize) -> Self {
        Self { connections, header: HEADER, whole: WHOLE }
    }
}

/// A server that listens.
pub struct Server {
    listener: TcpListener,
    router: Router,
    limits: Limits,
    tls: Option<TlsAcceptor>,
}

impl Server {
    /// A server of plain HTTP.
    pub fn new(listener: TcpListener, router: Router, limits: Limits) -> Self {
        let router = router.layer(DefaultBodyLimit::max(BODY_BYTES));
        Self { listener, router, limits, tls: None }
    }

    /// The same over TLS.
    pub fn with_tls(self, acceptor: TlsAcceptor) -> Self {
        Self { tls: Some(acceptor), ..self }
    }

    /// Serves until the task ends, and every connection with it.
    pub async fn serve(self) {
        let mut tasks = JoinSet::new();
        let mut open = Open::default();
        let cut_off = Seldom::default();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                Some(ended) = tasks.join_next_with_id() => {
                    open.forget(&ended);
                    continue;
                }
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    debug!(%error, "no connection could be accepted");
                    sleep(PAUSE).await;
                    continue;
                }
            };
            if tasks.len() >= self.limits.connections {
                if cut_off.may_tell() {
                    warn!(limit = self.limits.connections, %peer, "too many connections; some are cut off");
                }
                open.cut_one_off();
            }
            while tasks.len() >= self.limits.connections {
                let Some(ended) = tasks.join_next_with_id().await else { break };
                open.forget(&ended);
            }
            let asked = Arc::new(AtomicBool::new(false));
            let connection = Connection {
                router: self.router.clone(),
                limits: self.limits,
                tls: self.tls.clone(),
                peer,
                asked: Arc::clone(&asked),
            };
            let handle = tasks.spawn(connection.serve(stream));
            open.remember(handle, peer.ip().to_canonical(), asked);
        }
    }
}

/// One connection.
struct Connection {
    router: Router,
    limits: Limits,
    tls: Option<TlsAcceptor>,
    peer: SocketAddr,
    /// Whether the header of a request has arrived.
    asked: Arc<AtomicBool>,
}

impl Connection {
    async fn serve(self, stream: TcpStream) {
        let peer = self.peer;
        let whole = self.limits.whole;
        // Responses are short, and nothing follows them.
        let _ = stream.set_nodelay(true);
        if timeout(whole, self.speak(stream)).await.is_err() {
            debug!(%peer, "a connection took too long");
        }
    }

    async fn speak(self, stream: TcpStream) {
        let Some(acceptor) = self.tls.clone() else { return self.answer(stream).await };
        match timeout(self.limits.header, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => self.answer(stream).await,
            Ok(Err(error)) => debug!(peer = %self.peer, %error, "a TLS handshake failed"),
            Err(_) => debug!(peer = %self.peer, "a TLS handshake took too long"),
        }
    }

    async fn answer(self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let Self { router, limits, peer, asked, .. } = self;
        let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
            asked.store(true, Ordering::Relaxed);
            request.extensions_mut().insert(ConnectInfo(peer));
            router.clone().call(request)
        });
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header)
            .max_buf_size(HEADER_BYTES)
            .max_headers(HEADER_FIELDS)
            .keep_alive(false)
            .serve_connection(TokioIo::new(stream), service)
            .await;
        if let Err(error) = served {
            debug!(%peer, %error, "a connection failed");
        }
    }
}

/// The connections that are open.
#[derive(Default)]
struct Open {
    connections: HashMap<Id, Peer>,
    count: u64,
}

/// What decides which connection is closed.
struct Peer {
    handle: AbortHandle,
    address: IpAddr,
    asked: Arc<AtomicBool>,
    /// The higher, the younger.
    number: u64,
}

impl Open {
    fn remember(&mut self, handle: AbortHandle, address: IpAddr, asked: Arc<AtomicBool>) {
        self.count += 1;
        self.connections.insert(handle.id(), Peer { handle, address, asked, number: self.count });
    }

    fn forget(&mut self, ended: &Result<(Id, ()), tokio::task::JoinError>) {
        let id = match ended {
            Ok((id, ())) => *id,
            Err(error) => error.id(),
        };
        self.connections.remove(&id);
    }

    fn cut_one_off(&mut self) {
        let peers = self.connections.iter();
        let peers: Vec<_> = peers
            .map(|(id, peer)| (*id, peer.address, peer.asked.load(Ordering::Relaxed), peer.number))
            .collect();
        if let Some(peer) = victim(&peers).and_then(|id| self.connections.remove(&id)) {
            peer.handle.abort();
        }
    }
}

/// The connection to close: see the module.
fn victim<T: Copy>(peers: &[(T, IpAddr, bool, u64)]) -> Option<T> {
    let mut counts: HashMap<IpAddr, usize> = HashMap::new();
    for (_, address, ..) in peers {
        *counts.entry(*address).or_default() += 1;
    }
    let most = counts.values().max()?;
    let theirs = peers.iter().filter(|(_, address, ..)| counts.get(address) == Some(most));
    theirs.min_by_key(|(_, _, asked, number)| (*asked, *number)).map(|(id, ..)| *id)
}

#[cfg(test)]
mod tests;
