//! Pages of lists, of bounded size and few at a time.
//!
//! A page is requested by number of objects, and 500 of them can have 500 KB or 700 MB. So a page that turns out too
//! large is dropped, and requested again with fewer objects. A watch keeps its turn until it has processed its page.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, Uri};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Maximum bytes of a page with more than one object.
pub const PAGE_BYTES: usize = 4 << 20;
/// Maximum bytes of an object: etcd accepts 1.5 MiB, and a character such as `<` is six bytes in JSON.
pub const OBJECT_BYTES: usize = 16 << 20;
/// Maximum pages in memory at a time, over all watches.
const AT_A_TIME: usize = 2;
/// Maximum objects of a page, as in client-go.
const MOST: u32 = 500;
/// A page that takes longer keeps others waiting.
const PATIENCE: Duration = Duration::from_secs(30);

/// Turns of watches while they list.
#[derive(Clone)]
pub struct ListTurns(Arc<Semaphore>);

impl Default for ListTurns {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_A_TIME)))
    }
}

/// The pages of one watch.
pub struct Pages {
    turns: ListTurns,
    turn: Mutex<Option<OwnedSemaphorePermit>>,
    /// Number of objects in the last page.
    objects: AtomicU32,
}

impl Pages {
    /// The pages of a watch that takes turns with others.
    pub fn new(turns: &ListTurns) -> Self {
        Self { turns: turns.clone(), turn: Mutex::default(), objects: AtomicU32::new(MOST) }
    }

    /// The last page has been processed.
    pub fn done(&self) {
        self.set(None);
    }

    /// Gets the requested page, or the beginning of it.
    pub async fn get<B>(&self, client: &Client, request: Request<B>) -> Result<Response<Body>, kube::Error> {
        self.set(Arc::clone(&self.turns.0).acquire_owned().await.ok());
        let page = tokio::time::timeout(PATIENCE, self.page(client, &request.into_parts().0)).await;
        let page = page.unwrap_or_else(|_| {
            Err(problem(format!("the API server has not sent a page within {} s", PATIENCE.as_secs())))
        });
        if !page.as_ref().is_ok_and(|page| page.status().is_success()) {
            self.done();
        }
        page
    }

    async fn page(&self, client: &Client, request: &Parts) -> Result<Response<Body>, kube::Error> {
        loop {
            let objects = self.objects.load(Ordering::Relaxed);
            let most = if objects == 1 { OBJECT_BYTES } else { PAGE_BYTES };
            let answer = client.send(asking(request, objects)?).await?;
            if !answer.status().is_success() {
                return Ok(answer);
            }
            let (head, body) = answer.into_parts();
            if let Some(bytes) = read(body, most).await? {
                if bytes.len() < PAGE_BYTES / 4 {
                    self.objects.store((objects * 2).min(MOST), Ordering::Relaxed);
                }
                return Ok(Response::from_parts(head, Body::from(bytes)));
            }
            if objects == 1 {
                return Err(problem(format!("an object is larger than {OBJECT_BYTES} bytes")));
            }
            self.objects.store((objects / 4).max(1), Ordering::Relaxed);
        }
    }

    fn set(&self, turn: Option<OwnedSemaphorePermit>) {
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner) = turn;
    }
}

/// The body, unless it is larger than `most` bytes.
async fn read(mut body: Body, most: usize) -> Result<Option<Vec<u8>>, kube::Error> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| kube::Error::Service(error.into()))?;
        let Some(data) = frame.data_ref() else { continue };
        if bytes.len() + data.len() > most {
            return Ok(None);
        }
        bytes.extend_from_slice(data);
    }
    Ok(Some(bytes))
}

/// The same request for this many objects.
fn asking(request: &Parts, objects: u32) -> Result<Request<Body>, kube::Error> {
    let mut asking = Request::builder().method(Method::GET).uri(with_limit(&request.uri, objects));
    if let Some(headers) = asking.headers_mut() {
        HeaderMap::clone_from(headers, &request.headers);
    }
    asking.body(Body::from(Vec::new())).map_err(kube::Error::HttpError)
}

fn with_limit(uri: &Uri, objects: u32) -> String {
    let parameter =
        |one: &str| if one.starts_with("limit=") { format!("limit={objects}") } else { one.to_owned() };
    let query: Vec<String> = uri.query().unwrap_or_default().split('&').map(parameter).collect();
    format!("{}?{}", uri.path(), query.join("&"))
}

fn problem(message: String) -> kube::Error {
    kube::Error::Service(message.into())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use tower_service::Service;

    use super::*;

    /// An API server whose list has this many bytes per object; it records the requests.
    #[derive(Clone)]
    struct Server {
        bytes_each: usize,
        asked: Arc<Mutex<Vec<usize>>>,
    }

    impl Service<Request<Body>> for Server {
        type Response = Response<Body>;
        type Error = Infallible;
        type Future = std::future::Ready<Result<Response<Body>, Infallible>>;

        fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
            std::task::Poll::Ready(Ok(()))
        }

        fn call(&mut self, request: Request<Body>) -> Self::Future {
            assert_eq!(request.headers()["accept"], "kept");
            let query = request.uri().query().unwrap();
            let (limit, rest) = query.split_once('&').unwrap();
            assert_eq!(rest, "continue=abc%3D");
            let objects: usize = limit.trim_start_matches("limit=").parse().unwrap();
            self.asked.lock().unwrap().push(objects);
            std::future::ready(Ok(Response::new(Body::from(vec![
                b'x';
                (objects * self.bytes_each)
                    .min(OBJECT_BYTES + 1)
            ]))))
        }
    }

    async fn pages(bytes_each: usize, times: usize) -> (Vec<usize>, Vec<Option<usize>>) {
        let server = Server { bytes_each, asked: Arc::default() };
        let client = Client::new(server.clone(), "default");
        let turns = ListTurns::default();
        let pages = Pages::new(&turns);
        let mut sizes = Vec::new();
        for _ in 0..times {
            let request = Request::get("/list?limit=500&continue=abc%3D").header("accept", "kept").body(());
            pages.done();
            let page = pages.get(&client, request.unwrap()).await;
            assert_eq!(turns.0.available_permits(), AT_A_TIME - usize::from(page.is_ok()));
            sizes.push(match page {
                Ok(page) => Some(page.into_body().collect().await.unwrap().to_bytes().len()),
                Err(_) => None,
            });
        }
        let asked = server.asked.lock().unwrap().clone();
        (asked, sizes)
    }

    #[tokio::test]
    async fn a_page_that_is_too_large_is_asked_for_again_with_fewer_objects() {
        assert_eq!(pages(1000, 2).await, (vec![500, 500], vec![Some(500_000); 2]));
        let (asked, sizes) = pages(1_000_000, 2).await;
        assert_eq!(asked, [500, 125, 31, 7, 1, 2]);
        assert_eq!(sizes, [Some(1_000_000), Some(2_000_000)]);
        let (asked, sizes) = pages(5 << 20, 1).await;
        assert_eq!(
            (asked.last(), sizes),
            (Some(&1), vec![Some(5 << 20)]),
            "one object is taken whatever it has"
        );
        assert_eq!(pages(OBJECT_BYTES + 1, 1).await.1, [None], "up to where it can't be one any more");
    }
}
