//! An HTTP server on the loopback interface, for proxies.

use std::error::Error;

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Answers requests. Its connections end with it.
pub async fn serve<A, B, E, F>(listener: TcpListener, answer: A)
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response<B>, E>> + Send + 'static,
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
    E: Into<Box<dyn Error + Send + Sync>> + 'static,
{
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(connection(stream, answer.clone()));
    }
}

async fn connection<A, B, E, F>(stream: TcpStream, answer: A)
where
    A: Fn(Request<Incoming>) -> F,
    F: Future<Output = Result<Response<B>, E>>,
    B: Body<Error: Into<Box<dyn Error + Send + Sync>>> + 'static,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let _ = stream.set_nodelay(true);
    let builder = hyper::server::conn::http1::Builder::new();
    // An answer that is an error ends the connection with one.
    let _ = builder.serve_connection(TokioIo::new(stream), service_fn(answer)).await;
}
