//! A connection to the API server that can be cut, that can hold back what a watch shows, and that can tell a watch that
//! its version is too old.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use devops_agent_test_support::server;
use futures::StreamExt;
use http::{Request, Response, Uri};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, BodyStream, Full, StreamBody};
use hyper::body::{Body, Bytes, Incoming};
use kube::Client;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::World;

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
    /// The plural of the kind whose watches show nothing for now.
    held: watch::Sender<Option<&'static str>>,
}

impl Proxy {
    /// Opens a way for an operator that may do what the tests may.
    pub async fn start(world: &World) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let client = world.client.clone();
        let (expiring, expired) = (AtomicBool::new(false), AtomicUsize::new(0));
        let way = Way { client, expiring, expired, held: watch::Sender::new(None) };
        let kubeconfig = world.file("proxy.kubeconfig");
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

    /// From now on, the watches of this kind are behind; with `None`, they catch up.
    pub fn hold_watches(&self, plural: Option<&'static str>) {
        self.way.held.send_replace(plural);
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
    server::serve(listener, move |request| answer(Arc::clone(&way), request)).await;
}

async fn answer(way: Arc<Way>, request: Request<Incoming>) -> Result<Answer, BoxError> {
    let (mut head, body) = request.into_parts();
    let query = head.uri.query().unwrap_or_default();
    let is_watch = query.contains("watch=true");
    let goes_on = is_watch && query.contains("resourceVersion=");
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
    let answer = way.client.send(Request::from_parts(head, kube::client::Body::from(body.to_vec()))).await?;
    let (mut head, body) = answer.into_parts();
    head.version = http::Version::HTTP_11;
    head.headers.remove(http::header::TRANSFER_ENCODING);
    let body = body.map_err(BoxError::from);
    let body = if is_watch { held_back(&way, path, body).boxed_unsync() } else { body.boxed_unsync() };
    Ok(Response::from_parts(head, body))
}

/// What a watch shows, as soon as its kind isn't held.
fn held_back<B>(way: &Way, path: String, body: B) -> impl Body<Data = Bytes, Error = BoxError> + use<B>
where
    B: Body<Data = Bytes, Error = BoxError>,
{
    let held = way.held.subscribe();
    StreamBody::new(BodyStream::new(body).then(move |frame| {
        let (mut held, path) = (held.clone(), path.clone());
        async move {
            let _ =
                held.wait_for(|held| !held.is_some_and(|plural| path.contains(&format!("/{plural}?")))).await;
            frame
        }
    }))
}
