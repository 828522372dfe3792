//! A connection to the API server that can be cut, and that can tell a watch that its version is too old.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use http::{Request, Response, Uri};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kube::Client;
use kube::client::Body;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Answer = Response<UnsyncBoxBody<Bytes, BoxError>>;

/// What the API server sends in a watch whose version it no longer has.
const EXPIRED: &str = concat!(
    r#"{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","#,
    r#""message":"too old resource version","reason":"Expired","code":410}}"#,
    "\n"
);

/// The way, and what is done to it.
pub struct Proxy {
    address: SocketAddr,
    way: Arc<Way>,
    server: Option<JoinHandle<()>>,
    kubeconfig: PathBuf,
}

struct Way {
    client: Client,
    expiring: AtomicBool,
    expired: AtomicUsize,
}

impl Proxy {
    /// Opens a way through which everything may be done that `client` may do.
    pub async fn start(client: &Client) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let way =
            Way { client: client.clone(), expiring: AtomicBool::new(false), expired: AtomicUsize::new(0) };
        let kubeconfig =
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("proxy-{}.kubeconfig", address.port()));
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: proxy\n\
             clusters: [{{name: proxy, cluster: {{server: \"http://{address}\"}}}}]\n\
             contexts: [{{name: proxy, context: {{cluster: proxy, user: nobody}}}}]\nusers: [{{name: nobody, user: {{}}}}]\n"
        );
        std::fs::write(&kubeconfig, text).expect("a kubeconfig can be written");
        let way = Arc::new(way);
        let server = Some(tokio::spawn(serve(Arc::clone(&way), listener)));
        Self { address, way, server, kubeconfig }
    }

    /// A kubeconfig that leads through here.
    pub fn kubeconfig(&self) -> &str {
        self.kubeconfig.to_str().expect("it is text")
    }

    /// Cuts every connection and refuses new ones.
    pub async fn cut(&mut self) {
        if let Some(server) = self.server.take() {
            server.abort();
            let _ = server.await;
        }
    }

    /// Lets connections through again.
    pub async fn mend(&mut self) {
        let listener = TcpListener::bind(self.address).await.expect("the port is still free");
        self.server = Some(tokio::spawn(serve(Arc::clone(&self.way), listener)));
    }

    /// From now on, or no longer, every watch that goes on from a version is told that this is too old.
    pub fn expire_watches(&self, expire: bool) {
        self.way.expiring.store(expire, Ordering::SeqCst);
    }

    /// How many watches were told so.
    pub fn expired(&self) -> usize {
        self.way.expired.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.abort();
        }
        let _ = std::fs::remove_file(&self.kubeconfig);
    }
}

async fn serve(way: Arc<Way>, listener: TcpListener) {
    // They end with this task.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(connection(Arc::clone(&way), stream));
    }
}

async fn connection(way: Arc<Way>, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| answer(Arc::clone(&way), request));
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(way: Arc<Way>, request: Request<Incoming>) -> Result<Answer, BoxError> {
    let (mut head, body) = request.into_parts();
    let query = head.uri.query().unwrap_or_default();
    let goes_on = query.contains("watch=true") && query.contains("resourceVersion=");
    if goes_on && way.expiring.load(Ordering::SeqCst) {
        way.expired.fetch_add(1, Ordering::SeqCst);
        let body = Full::new(Bytes::from_static(EXPIRED.as_bytes())).map_err(BoxError::from);
        return Ok(Response::new(body.boxed_unsync()));
    }
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    head.uri = path.parse::<Uri>()?;
    head.headers.remove(http::header::HOST);
    head.headers.remove(http::header::CONNECTION);
    head.version = http::Version::HTTP_11;
    let body = body.collect().await?.to_bytes();
    let answer = way.client.send(Request::from_parts(head, Body::from(body.to_vec()))).await?;
    let (mut head, body) = answer.into_parts();
    head.version = http::Version::HTTP_11;
    head.headers.remove(http::header::TRANSFER_ENCODING);
    Ok(Response::from_parts(head, body.map_err(BoxError::from).boxed_unsync()))
}
