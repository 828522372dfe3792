//! What every kind needs to be reconciled.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use kube::{Api, Client};
use serde::Serialize;
use serde_json::Value;

use crate::api::common::{Fingerprint, Object, Policies};
use crate::aws;
use crate::reconcile::graph::marks::Marks;
use crate::reconcile::inputs::Inputs;
use crate::reconcile::inputs::access::Access;
use crate::reconcile::memory_budget::MemoryBudget;
use crate::reconcile::owned::Reset;
use crate::reconcile::remote::picture::Picture;
use crate::reconcile::remote::sight::Sight;
use crate::reconcile::state::conditions::Reason;
use crate::reconcile::state::drift::Drift;
use crate::reconcile::state::error::Error;
use crate::reconcile::state::fingerprint::ObjectFingerprints;
use crate::reconcile::state::ownership::{Identity, Owner};
use crate::reconcile::state::subject::Subject;

use super::OutputSecret;

/// The status of a kind's objects.
pub type StatusOf<K> = <<K as Reconciled>::Object as Object>::Status;

/// What every kind of object with a remote is. Implementations do AWS I/O only; the engine does the rest.
pub trait Reconciled: Send + Sync + Sized + 'static {
    /// The custom resource.
    type Object: Object;
    /// The spec with all references and secrets resolved: the desired state.
    type Desired: Send + Sync;
    /// What AWS returns for the remote.
    type Remote: Remote;

    /// The name for a remote of this kind in messages, for example `agent space`.
    const NOUN: &'static str;

    /// How messages describe an object that is up to date.
    const AS_IT_SHOULD_BE: &'static str = "matches the spec";

    /// Whether there is a remote that can be created, adopted and deleted.
    const HAS_REMOTE: bool = true;

    /// Type of a remote in ARNs, for example `agentspace`; empty for kinds without tags.
    const ARN_TYPE: &'static str = "";

    /// The operation that creates a remote, as the intent names it; for kinds that have one in AWS.
    const CREATE: Option<&'static str> = None;

    /// The API that reaches the objects.
    fn api(client: Client, namespace: &str) -> Api<Self::Object>;

    /// Resolves references and secrets. Reads watch caches and Secrets, never AWS.
    fn resolve(
        object: &Self::Object,
        inputs: &Inputs<'_>,
    ) -> impl Future<Output = Result<Resolved<Self>, Error>> + Send;

    /// Bytes that a pass may hold of what the object refers to, if that can be a lot.
    fn holds(_object: &Self::Object) -> usize {
        0
    }

    /// The space that the remote is in, as recorded in status; for kinds inside a space.
    fn recorded_space(_status: &StatusOf<Self>) -> Option<String> {
        None
    }

    /// Writes the remote's space into status, for kinds inside a space.
    fn place(_scope: &Scope, _status: &mut StatusOf<Self>) {}

    /// Reads the remote `id`. `None` if AWS has none. `desired` is absent on deletion.
    fn read(
        scope: &Scope,
        id: &str,
        desired: Option<&Self::Desired>,
        status: &StatusOf<Self>,
    ) -> impl Future<Output = Result<Option<Self::Remote>, Error>> + Send;

    /// Finds remotes that could be this object's: its own by tags, and any that match by natural key.
    fn search(
        scope: &Scope,
        desired: &Self::Desired,
        status: &StatusOf<Self>,
    ) -> impl Future<Output = Result<Vec<Self::Remote>, Error>> + Send;

    /// Lists the collections of AWS that its remotes are in, and waits after each as `pace` says for so many pages.
    fn refresh<P>(_picture: &Picture, _pace: P) -> impl Future<Output = ()> + Send
    where
        P: Fn(&aws::Client, usize) -> Duration + Send + Sync,
    {
        std::future::ready(())
    }

    /// A write of the remote `id` is about to be sent, or its response doesn't tell all of the remote: what mirrors say
    /// about it doesn't count until it is read.
    fn uncertain(_scope: &Scope, _id: &str) {}

    /// Compares the remote with the desired state. Pure.
    fn compare(desired: &Self::Desired, remote: &Self::Remote, status: &StatusOf<Self>) -> State;

    /// The object's spec, by the names of AWS's fields in it: a reference is replaced by the field that it fills. Only
    /// which fields are set counts here, not their values.
    fn settings(object: &Self::Object) -> Value;

    /// What AWS has of the remote, in the shape of [`Reconciled::settings`]. What it doesn't show is never reset in place.
    fn observed(remote: &Self::Remote) -> Value;

    /// How the field at `pointer` of the spec goes back to AWS's default once the spec no longer sets it; `None` for
    /// one that isn't AWS's, or has its own record.
    fn reset(pointer: &str, status: &StatusOf<Self>) -> Option<Reset>;

    /// Creates a remote: one mutating call.
    fn create(
        scope: &Scope,
        desired: &Self::Desired,
        status: &StatusOf<Self>,
    ) -> impl Future<Output = Result<Created<Self::Remote>, Error>> + Send;

    /// Corrects drift in place, or part of it: at most one mutating call. The next pass does the rest.
    fn update(
        scope: &Scope,
        desired: &Self::Desired,
        remote: &Self::Remote,
        drift: &Drift,
        status: &mut StatusOf<Self>,
    ) -> impl Future<Output = Result<Updated<Self::Remote>, Error>> + Send;

    /// What identifies a new remote in a list, for kinds without owner tags: it is found by what was sent, whatever the
    /// spec says by then.
    fn sought(_desired: &Self::Desired) -> Option<Value> {
        None
    }

    /// Fingerprint of what a create sends and AWS never returns.
    fn sent(_desired: &Self::Desired) -> Option<Fingerprint> {
        None
    }

    /// Fingerprint of all that the spec asks for and that must not be shown: it tells two changes of it apart.
    fn undisclosed(desired: &Self::Desired) -> Option<Fingerprint> {
        Self::sent(desired)
    }

    /// Whether the value at `pointer` of the object's spec must not be shown.
    fn conceals(_object: &Self::Object, _pointer: &str) -> bool {
        false
    }

    /// Asks AWS to check a failed remote again: a person may have fixed the cause by now.
    fn recheck(_scope: &Scope, _remote: &Self::Remote) -> impl Future<Output = Result<(), Error>> + Send {
        std::future::ready(Ok(()))
    }

    /// Other AWS resources that the spec names by their AWS name: their owners must consent.
    fn reaches(
        _scope: &Scope,
        _desired: &Self::Desired,
    ) -> impl Future<Output = Result<Vec<Reached>, Error>> + Send {
        std::future::ready(Ok(Vec::new()))
    }

    /// Deletes what objects without the owner's consent created in the remote `id` or from it, if AWS wouldn't delete
    /// it otherwise.
    fn make_way(
        _scope: &Scope,
        _id: &str,
        _strangers: &[Stranger],
    ) -> impl Future<Output = Result<(), Error>> + Send {
        std::future::ready(Ok(()))
    }

    /// Deletes the remote `id`: one mutating call. A remote that is gone is not an error.
    fn delete(scope: &Scope, id: &str) -> impl Future<Output = Result<(), Error>> + Send;

    /// The same, and what mirrors say about the remote doesn't count from before the request on.
    fn remove(scope: &Scope, id: &str) -> impl Future<Output = Result<(), Error>> + Send {
        async move {
            Self::uncertain(scope, id);
            let deleted = Self::delete(scope, id).await;
            Self::uncertain(scope, id);
            deleted
        }
    }

    /// Writes what AWS returns for the remote into status: everything except id and conditions.
    fn describe(desired: &Self::Desired, remote: &Self::Remote, status: &mut StatusOf<Self>);

    /// What identifies the remote that the object describes, as far as the spec alone says. Objects with the same value
    /// describe the same remote, and only the oldest may create it.
    fn natural_key(_object: &Self::Object) -> Option<String> {
        None
    }

    /// What others have in the remote `id` of `subject`, or from it, without its consent.
    fn strangers(_inputs: &Inputs<'_>, _subject: &Subject, _id: &str) -> Vec<Stranger> {
        Vec::new()
    }

    /// How the object relates to its remote, if the spec expresses that in other fields than the policies.
    fn policies(object: &Self::Object) -> Policies {
        object.policies()
    }

    /// The remote is gone, and with it what status knew about it besides its id.
    fn forget(_status: &mut StatusOf<Self>) {}

    /// Conditions that the object never has with its current spec: an existing one is removed.
    fn needless_conditions(_object: &Self::Object) -> &'static [&'static str] {
        &[]
    }

    /// Conditions other than Ready and Synced.
    fn more_conditions(_object: &Self::Object, _status: &StatusOf<Self>) -> Vec<ExtraCondition> {
        Vec::new()
    }

    /// Progress of the remote's deletion in AWS; for kinds whose deletion takes time.
    fn removal(_remote: &Self::Remote) -> Removal {
        Removal::NotBegun
    }
}

/// Progress of a remote's deletion in AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Not requested yet.
    NotBegun,
    /// In progress.
    UnderWay,
    /// It failed: why, quoting AWS.
    Failed(String),
}

/// An AWS resource that a spec names by its AWS name.
pub struct Reached {
    /// The field that names it.
    pub field: String,
    /// Kind of the objects that may own it.
    pub kind: &'static str,
    /// What it is, and its name, for messages.
    pub what: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// What an object has in AWS that uses something of another namespace without its owner's consent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stranger {
    /// The object, for messages.
    pub object: Subject,
    /// The agent space that it is in.
    pub space_id: String,
    /// Its id.
    pub id: String,
}

/// What resolution yields.
pub struct Resolved<K: Reconciled> {
    /// The desired state.
    pub desired: K::Desired,
    /// Where the remote is.
    pub scope: Scope,
}

/// Where a remote is, and how to reach it.
#[derive(Clone)]
pub struct Scope {
    /// The signed client of its account and region.
    pub aws: aws::Client,
    /// How the pass sees what is there.
    pub sight: Sight,
    /// Name of the AWSAccount, or empty for the operator's own credentials.
    pub account: String,
    /// Id of the agent space that it is in; empty for kinds outside spaces.
    pub space_id: String,
    /// Whether that space is managed by this cluster.
    pub space_is_ours: bool,
    /// Namespace of the object of that space; empty for kinds outside spaces.
    pub space_namespace: String,
    /// The object that this is about.
    pub identity: Identity,
    /// Makes fingerprints of what AWS never returns.
    pub fingerprints: ObjectFingerprints,
    /// Which objects have recorded which remotes.
    pub marks: Marks,
    /// Memory for AWS's responses, if they can be large.
    pub memory: Arc<MemoryBudget>,
}

impl Scope {
    /// Places it in the agent space of this id.
    pub fn enter(&mut self, space_id: String) {
        self.sight.set_space(&space_id);
        self.space_id = space_id;
    }

    /// Whether another object of the kind has recorded the remote `id` as its own.
    pub fn is_held_by_another<T: Object>(&self, id: &str) -> bool {
        let subject = Subject::new(T::kind_name(), &*self.identity.namespace, &*self.identity.name);
        self.marks.is_held_by_another(&subject, id)
    }

    /// A client token for creating a remote from `input`: the same for the same object and input, and a different one
    /// once a remote created with it is gone, so that AWS doesn't return the one that is gone.
    pub fn client_token(&self, lost: Option<&str>, input: &impl Serialize) -> String {
        let input = serde_json::to_value(input).unwrap_or_default();
        self.fingerprints.token(&serde_json::json!([self.identity.uid, lost, input]))
    }
}

/// What the engine must know about a remote.
pub trait Remote: Send + Sync {
    /// Its id in AWS.
    fn id(&self) -> &str;

    /// Its tags, or `None` where AWS has no tags for this kind.
    fn tags(&self) -> Option<&BTreeMap<String, String>>;
}

/// How a remote compares with the desired state.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// It matches and works.
    Matching,
    /// It differs.
    Drifted(Drift),
    /// AWS is still changing it; check again soon.
    InTransition(String),
    /// It matches as far as can be seen, but doesn't work; what AWS says.
    Failed(String),
    /// It matches, but something else must happen before it works.
    Waiting(Waiting),
}

/// What a matching remote waits for.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    /// The reason.
    pub reason: Reason,
    /// The message: what exactly, and what to do.
    pub message: String,
    /// Whether the change must be polled for.
    pub poll: bool,
}

/// What was found of a remote: the input of the decision.
pub enum Observation<R> {
    /// AWS has none.
    Absent,
    /// AWS has one.
    Found {
        /// What AWS says of it.
        remote: R,
        /// Who owns it.
        owner: Owner,
        /// How it compares with the desired state.
        state: State,
        /// Whether the object may reach it.
        access: Access,
    },
}

/// The response to a create.
#[derive(Debug)]
pub struct Created<R> {
    /// Id of the new remote; none until a person has completed it.
    pub id: Option<String>,
    /// Address that a person must open to complete it.
    pub authorization_url: Option<String>,
    /// Fingerprint of what AWS was given and never returns.
    pub fingerprint: Option<Fingerprint>,
    /// Keys of the tags from the spec.
    pub tag_keys: Vec<String>,
    /// What is shown only once and must be in a Secret before the id is final.
    pub secret: Option<OutputSecret>,
    /// The remote as the create left it, if the response tells all of it: it doesn't have to be read then.
    pub left: Option<R>,
}

impl<R> Default for Created<R> {
    fn default() -> Self {
        Self {
            id: None,
            authorization_url: None,
            fingerprint: None,
            tag_keys: Vec::new(),
            secret: None,
            left: None,
        }
    }
}

/// A condition that only some kinds have.
#[derive(Clone, Debug, PartialEq)]
pub struct ExtraCondition {
    /// Its type, for example `WebhookReady`.
    pub kind: &'static str,
    /// Whether it is True.
    pub status: bool,
    /// Why.
    pub reason: Reason,
    /// What to do.
    pub message: String,
}

/// The response to an update.
#[derive(Debug)]
pub struct Updated<R> {
    /// What was changed, for the Event; empty means all of the drift.
    pub changed: Vec<String>,
    /// A Secret to write.
    pub secret: Option<OutputSecret>,
    /// Secrets that are no longer needed.
    pub obsolete: Vec<String>,
    /// What to report about the Secret, if AWS wasn't involved.
    pub note: Option<String>,
    /// The remote as the update left it, if the response tells all of it: it doesn't have to be read then.
    pub left: Option<R>,
}

impl<R> Default for Updated<R> {
    fn default() -> Self {
        Self { changed: Vec::new(), secret: None, obsolete: Vec::new(), note: None, left: None }
    }
}

impl<R> Updated<R> {
    /// An update that changed these fields in AWS.
    pub fn of(changed: Vec<String>) -> Self {
        Self { changed, ..Self::default() }
    }

    /// The same, whose response tells all of the remote.
    #[must_use]
    pub fn leaving(self, left: R) -> Self {
        Self { left: Some(left), ..self }
    }
}
