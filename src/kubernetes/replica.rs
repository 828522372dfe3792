//! A replica of an API server, in memory: what the operator would write is written there, and nowhere else.
//!
//! A plan runs the operator's own code on it. It answers what the operator asks for: lists, watches, single objects,
//! patches of objects and of their status. What it doesn't have of Secrets, ConfigMaps and namespaces is read from the
//! cluster that it stands for, if there is one.

mod address;
mod patching;
mod shelf;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use futures::{StreamExt, stream};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tower_service::Service;

use self::address::Address;
pub use self::address::Collection;
use self::patching::{Kind, patched};
pub use self::shelf::{STUB, is_made_up};
use self::shelf::{Shelf, Stored};

/// The body of an answer.
type Content = UnsyncBoxBody<Bytes, kube::Error>;

/// The API server.
#[derive(Clone)]
pub struct Replica {
    shelf: Arc<Shelf>,
    /// The cluster that it stands for.
    base: Option<Client>,
    /// Where Events go.
    events: Option<Client>,
}

impl Replica {
    /// An empty one. What else may be asked for is read with `base`.
    pub fn new(base: Option<Client>) -> Self {
        Self { shelf: Arc::default(), base, events: None }
    }

    /// The same, whose Events go to another one. Nothing else does.
    #[must_use]
    pub fn telling(self, events: Client) -> Self {
        Self { events: Some(events), ..self }
    }

    /// Removes an object at once.
    pub fn remove(&self, collection: &Collection, namespace: &str, name: &str) {
        self.shelf.remove(collection, namespace, name);
    }

    /// Puts an object there, as someone else would. It gets a UID if it has none.
    pub fn put(&self, collection: &Collection, object: Value) {
        self.shelf.put(collection, object);
    }

    /// The object of this name.
    pub fn object(&self, collection: &Collection, namespace: &str, name: &str) -> Option<Value> {
        self.shelf.get(collection, namespace, name).map(|stored| stored.object)
    }

    /// All objects of a collection.
    pub fn objects(&self, collection: &Collection) -> Vec<Value> {
        self.shelf.list(collection, None).0.into_iter().map(|stored| stored.object).collect()
    }

    /// Shows all objects of a collection, without copying them.
    pub fn visit(&self, collection: &Collection, see: impl FnMut(&Value)) {
        self.shelf.visit(collection, see);
    }

    /// How often something was written.
    pub fn version(&self) -> u64 {
        self.shelf.version()
    }

    /// A client of it.
    pub fn client(&self, namespace: &str) -> Client {
        Client::new(self.clone(), namespace)
    }

    async fn answer(&self, request: Request<Body>) -> Result<Response<Content>, kube::Error> {
        let Some(address) = Address::of(request.uri()) else {
            return Ok(failure(StatusCode::NOT_FOUND, "the path is unknown"));
        };
        let only_metadata = request.headers().get(ACCEPT).is_some_and(|value| {
            value.to_str().is_ok_and(|value| value.contains("as=PartialObjectMetadata"))
        });
        if let (Some(events), false) = (&self.events, address.collection.is_kept()) {
            return Ok(events.send(request).await?.map(BodyExt::boxed_unsync));
        }
        match (request.method().clone(), address.name.is_some()) {
            (Method::GET, false) if address.watches => Ok(self.watch(&address, only_metadata)),
            (Method::GET, false) => Ok(self.list(&address, only_metadata)),
            (Method::GET, true) => self.get(&address, request, only_metadata).await,
            (Method::POST, false) => self.create(&address, request).await,
            (Method::PATCH, true) => self.patch(&address, request).await,
            (Method::DELETE, true) => Ok(self.delete(&address)),
            _ => Ok(failure(StatusCode::METHOD_NOT_ALLOWED, "the replica doesn't do that")),
        }
    }

    fn watch(&self, address: &Address, only_metadata: bool) -> Response<Content> {
        let (backlog, news) =
            self.shelf.watch(&address.collection, address.namespace.as_deref(), address.since);
        let (collection, namespace) = (address.collection.clone(), address.namespace.clone());
        let line = move |(word, object): (&'static str, Value)| {
            let object = if only_metadata { metadata_of(&object) } else { object };
            // As in the API server's answers, the type comes first: objects are read without another copy then.
            let text = format!("{{\"type\":\"{word}\",\"object\":{object}}}\n");
            Ok::<_, Infallible>(Frame::data(Bytes::from(text)))
        };
        let news = news.filter_map(move |event| {
            let fits = event.fits(&collection, namespace.as_deref());
            std::future::ready(fits.then_some((event.word, event.object)))
        });
        let body = StreamBody::new(stream::iter(backlog).chain(news).map(line));
        answered(StatusCode::OK, body.map_err(|never: Infallible| match never {}).boxed_unsync())
    }

    fn list(&self, address: &Address, only_metadata: bool) -> Response<Content> {
        let (objects, version) = self.shelf.list(&address.collection, address.namespace.as_deref());
        let objects = objects.into_iter().map(|stored| stored.object);
        let items: Vec<Value> =
            objects.map(|object| if only_metadata { metadata_of(&object) } else { object }).collect();
        let metadata = json!({ "resourceVersion": version.to_string() });
        json_answer(
            StatusCode::OK,
            &json!({ "apiVersion": "v1", "kind": "List", "metadata": metadata, "items": items }),
        )
    }

    async fn get(
        &self,
        address: &Address,
        request: Request<Body>,
        only_metadata: bool,
    ) -> Result<Response<Content>, kube::Error> {
        match self.shelf.get(&address.collection, address.namespace(), address.name()) {
            Some(stored) if only_metadata => Ok(json_answer(StatusCode::OK, &metadata_of(&stored.object))),
            Some(stored) if !stored.is_stub() => Ok(json_answer(StatusCode::OK, &stored.object)),
            _ => match self.readable_base(address) {
                Some(base) => Ok(base.send(request).await?.map(BodyExt::boxed_unsync)),
                None => Ok(not_found(address)),
            },
        }
    }

    /// The cluster, if it is to be asked for what isn't here.
    fn readable_base(&self, address: &Address) -> Option<&Client> {
        let gone = self.shelf.is_gone(&address.collection, address.namespace(), address.name());
        self.base.as_ref().filter(|_| address.collection.is_foreign() && !gone)
    }

    async fn create(
        &self,
        address: &Address,
        request: Request<Body>,
    ) -> Result<Response<Content>, kube::Error> {
        let object = body_of(request).await?;
        // Nobody reads Events here.
        if address.collection.is_kept() && !address.dry_run {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            if self.shelf.get(&address.collection, address.namespace(), name).is_some() {
                return Ok(failure(StatusCode::CONFLICT, "it exists already"));
            }
            self.shelf.put(&address.collection, within(object.clone(), address.namespace()));
        }
        Ok(json_answer(StatusCode::CREATED, &object))
    }

    async fn patch(
        &self,
        address: &Address,
        request: Request<Body>,
    ) -> Result<Response<Content>, kube::Error> {
        let kind = Kind::of(request.headers().get(CONTENT_TYPE));
        let known = match self.shelf.get(&address.collection, address.namespace(), address.name()) {
            Some(known) if !known.is_stub() => Some(known),
            _ => self.base_has(address).await?,
        };
        let patch = body_of(request).await?;
        if !address.collection.is_kept() {
            return Ok(json_answer(StatusCode::OK, &patch));
        }
        let before = match known {
            Some(known) => known,
            // Server-side apply makes what isn't there; of ours, only people do.
            None if kind == Kind::Apply && address.collection.is_foreign() => Stored::new(json!({})),
            None => return Ok(not_found(address)),
        };
        let changed = patched(&before.object, &patch, kind, address.status);
        match changed {
            Err(why) => Ok(failure(StatusCode::UNPROCESSABLE_ENTITY, &why)),
            Ok(object) => {
                let object = within(named(object, address.name()), address.namespace());
                let stored =
                    if address.dry_run { object } else { self.shelf.put(&address.collection, object) };
                Ok(json_answer(StatusCode::OK, &stored))
            }
        }
    }

    async fn base_has(&self, address: &Address) -> Result<Option<Stored>, kube::Error> {
        let Some(base) = self.readable_base(address) else { return Ok(None) };
        let request = Request::get(address.path()).body(Vec::new()).map_err(kube::Error::HttpError)?;
        match base.request::<Value>(request).await {
            Ok(object) => Ok(Some(Stored::new(object))),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn delete(&self, address: &Address) -> Response<Content> {
        if !address.dry_run {
            self.shelf.remove(&address.collection, address.namespace(), address.name());
        }
        json_answer(StatusCode::OK, &json!({ "kind": "Status", "apiVersion": "v1", "status": "Success" }))
    }
}

impl Service<Request<Body>> for Replica {
    type Response = Response<Content>;
    type Error = kube::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Content>, kube::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), kube::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let replica = self.clone();
        Box::pin(async move { replica.answer(request).await })
    }
}

async fn body_of(request: Request<Body>) -> Result<Value, kube::Error> {
    let bytes = request.into_body().collect().await?.to_bytes();
    serde_json::from_slice(&bytes).map_err(kube::Error::SerdeError)
}

fn within(mut object: Value, namespace: &str) -> Value {
    if !namespace.is_empty() {
        object["metadata"]["namespace"] = json!(namespace);
    }
    object
}

fn named(mut object: Value, name: &str) -> Value {
    object["metadata"]["name"] = json!(name);
    object
}

fn metadata_of(object: &Value) -> Value {
    json!({ "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": object["metadata"] })
}

fn answered(status: StatusCode, body: Content) -> Response<Content> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}

fn json_answer(status: StatusCode, value: &Value) -> Response<Content> {
    answered(
        status,
        Full::new(Bytes::from(value.to_string())).map_err(|never: Infallible| match never {}).boxed_unsync(),
    )
}

fn failure(status: StatusCode, message: &str) -> Response<Content> {
    let reason = match status {
        StatusCode::NOT_FOUND => "NotFound",
        StatusCode::CONFLICT => "AlreadyExists",
        _ => "Invalid",
    };
    let answer = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": reason,
        "code": status.as_u16(),
    });
    json_answer(status, &answer)
}

fn not_found(address: &Address) -> Response<Content> {
    failure(StatusCode::NOT_FOUND, &format!("{} not found", address.name()))
}

#[cfg(test)]
mod tests;
