//! The client that watches use: it requests no more than is needed, and notices whether they deliver.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use http::header::{ACCEPT, HeaderValue};
use http::{Request, Response};
use kube::Client;
use kube::client::Body;
use tower_service::Service;

use super::delivery::{Delivery, Watched};
use super::list_pages::{ListTurns, Pages};

/// What a watch requests of each object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// Its metadata. Of a Secret nothing else leaves the API server.
    Metadata,
}

const METADATA: HeaderValue =
    HeaderValue::from_static("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1");
const METADATA_LIST: HeaderValue =
    HeaderValue::from_static("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1");

/// A client for the watch `watched`.
pub fn watching(
    client: &Client,
    listing: &ListTurns,
    delivery: &Arc<Delivery>,
    watched: Watched,
    extent: Extent,
) -> Client {
    delivery.expect(&watched);
    let namespace = client.default_namespace().to_owned();
    let pages = Arc::new(Pages::new(listing));
    let watching =
        Watching { client: client.clone(), delivery: Arc::clone(delivery), watched, extent, pages };
    Client::new(watching, namespace)
}

type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, kube::Error>> + Send>>;

struct Watching {
    client: Client,
    delivery: Arc<Delivery>,
    watched: Watched,
    extent: Extent,
    pages: Arc<Pages>,
}

impl Service<Request<Body>> for Watching {
    type Response = Response<Body>;
    type Error = kube::Error;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), kube::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Answer {
        let begins = is_watch(&request);
        if self.extent == Extent::Metadata {
            ask_for_metadata(&mut request);
        }
        let (client, delivery) = (self.client.clone(), Arc::clone(&self.delivery));
        let (watched, pages) = (self.watched.clone(), Arc::clone(&self.pages));
        // kube requests the next page, or begins to watch, once it has processed the last one.
        pages.done();
        Box::pin(async move {
            if !begins && has(&request, "limit=") {
                return pages.get(&client, request).await;
            }
            let answer = client.send(request).await?;
            if begins && answer.status().is_success() {
                delivery.begins(&watched);
            }
            Ok(answer)
        })
    }
}

fn is_watch<B>(request: &Request<B>) -> bool {
    has(request, "watch=true")
}

fn has<B>(request: &Request<B>, parameter: &str) -> bool {
    request.uri().query().is_some_and(|query| query.split('&').any(|one| one.starts_with(parameter)))
}

fn ask_for_metadata<B>(request: &mut Request<B>) {
    let is_list = has(request, "limit=") && !is_watch(request);
    request.headers_mut().insert(ACCEPT, if is_list { METADATA_LIST } else { METADATA });
}
