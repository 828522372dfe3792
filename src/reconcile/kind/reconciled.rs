//! What every kind needs to be reconciled.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use kube::{Api, Client};
use serde::Serialize;
use serde_json::Value;

use crate::api::common::{Fingerprint, Object, Policies};
use crate::aws;
use crate::reconcile::graph::holders::Holders;
use crate::reconcile::inputs::Inputs;
use crate::reconcile::inputs::access::Access;
use crate::reconcile::memory_budget::MemoryBudget;
use crate::reconcile::owned::Reset;
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
    /// The spec with every reference and secret resolved: what is to be made true.
    type Desired: Send + Sync;
    /// What AWS says of the remote.
    type Remote: Remote;

    /// What a remote of this kind is called in messages, for example `agent space`.
    const NOUN: &'static str;

    /// What is said of an object that is as it should be.
    const AS_IT_SHOULD_BE: &'static str = "matches the spec";

    /// Whether there is a remote that can be created, taken over and deleted.
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

    /// Bytes that a pass may hold of what the object refers to, where that may be much.
    fn holds(_object: &Self::Object) -> usize {
        0
    }

    /// The space that the remote lies in, as recorded in status; for kinds that lie in one.
    fn recorded_space(_status: &StatusOf<Self>) -> Option<String> {
        None
    }

    /// Writes into status where the remote lies, for kinds that lie in a space.
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

    /// Compares the remote with what is desired. Pure.
    fn compare(desired: &Self::Desired, remote: &Self::Remote, status: &StatusOf<Self>) -> State;

    /// The object's spec, by the names that AWS's fields have in it: a reference gives way to the field that it fills.
    /// Which fields are set is all that counts here, not their values.
    fn settings(object: &Self::Object) -> Value;

    /// What AWS has of the remote, in the shape of [`Reconciled::settings`]. What it doesn't show is never reset in place.
    fn observed(remote: &Self::Remote) -> Value;

    /// How the field at `pointer` of the spec goes back to AWS's default once the spec no longer sets it; `None` for one that
    /// is not AWS's, or has a record of its own.
    fn reset(pointer: &str, status: &StatusOf<Self>) -> Option<Reset>;

    /// Creates a remote: one mutating call.
    fn create(
        scope: &Scope,
        desired: &Self::Desired,
        status: &StatusOf<Self>,
    ) -> impl Future<Output = Result<Created, Error>> + Send;

    /// Mends drift in place, or a part of it: at most one mutating call. The next pass does the rest.
    fn update(
        scope: &Scope,
        desired: &Self::Desired,
        remote: &Self::Remote,
        drift: &Drift,
        status: &mut StatusOf<Self>,
    ) -> impl Future<Output = Result<Updated, Error>> + Send;

    /// What identifies a new remote in a list, for kinds without owner tags: it is found by what was sent, whatever the
    /// spec says by then.
    fn sought(_desired: &Self::Desired) -> Option<Value> {
        None
    }

    /// Fingerprint of what a create sends and AWS never returns.
    fn sent(_desired: &Self::Desired) -> Option<Fingerprint> {
        None
    }

    /// Asks AWS to look again at a remote that failed: a person may have mended the cause by now.
    fn recheck(_scope: &Scope, _remote: &Self::Remote) -> impl Future<Output = Result<(), Error>> + Send {
        std::future::ready(Ok(()))
    }

    /// Other resources in AWS that the spec names by what AWS calls them: their owners have a say in it.
    fn reaches(
        _scope: &Scope,
        _desired: &Self::Desired,
    ) -> impl Future<Output = Result<Vec<Reached>, Error>> + Send {
        std::future::ready(Ok(Vec::new()))
    }

    /// Deletes what objects without the owner's consent have made in, or of, the remote `id`, where AWS would not let it
    /// go otherwise.
    fn make_way(
        _scope: &Scope,
        _id: &str,
        _strangers: &[Stranger],
    ) -> impl Future<Output = Result<(), Error>> + Send {
        std::future::ready(Ok(()))
    }

    /// Deletes the remote `id`: one mutating call. A remote that is gone is no error.
    fn delete(scope: &Scope, id: &str) -> impl Future<Output = Result<(), Error>> + Send;

    /// Writes what AWS says of the remote into status; everything but id and conditions.
    fn describe(desired: &Self::Desired, remote: &Self::Remote, status: &mut StatusOf<Self>);

    /// What identifies the remote that the object describes, as far as the spec alone tells. Objects that
    /// agree in it describe the same remote, and only the oldest may create it.
    fn natural_key(_object: &Self::Object) -> Option<String> {
        None
    }

    /// What others have in, or of, the remote `id` of `subject` without its consent.
    fn strangers(_inputs: &Inputs<'_>, _subject: &Subject, _id: &str) -> Vec<Stranger> {
        Vec::new()
    }

    /// How the object relates to its remote, where the spec says it in other words than the policies.
    fn policies(object: &Self::Object) -> Policies {
        object.policies()
    }

    /// The remote is gone, and with it what status knew of it beside its id.
    fn forget(_status: &mut StatusOf<Self>) {}

    /// Conditions that the object never has as its spec is: one that is there is taken away.
    fn needless_conditions(_object: &Self::Object) -> &'static [&'static str] {
        &[]
    }

    /// Conditions beside Ready and Synced.
    fn more_conditions(_object: &Self::Object, _status: &StatusOf<Self>) -> Vec<ExtraCondition> {
        Vec::new()
    }

    /// How far AWS is with deleting the remote; for kinds whose deletion takes time.
    fn removal(_remote: &Self::Remote) -> Removal {
        Removal::NotBegun
    }
}

/// How far AWS is with deleting a remote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Nobody has asked for it.
    NotBegun,
    /// It is on its way.
    UnderWay,
    /// It came to nothing: why, in AWS's words.
    Failed(String),
}

/// A resource in AWS that a spec names by what AWS calls it.
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

/// What an object has in AWS that reaches something of another namespace without its owner's consent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stranger {
    /// The object, for messages.
    pub object: Subject,
    /// The agent space that it lies in.
    pub space_id: String,
    /// Its id.
    pub id: String,
}

/// What resolution yields.
pub struct Resolved<K: Reconciled> {
    /// What is to be made true.
    pub desired: K::Desired,
    /// Where the remote lives.
    pub scope: Scope,
}

/// Where a remote lives, and how to get there.
#[derive(Clone)]
pub struct Scope {
    /// The signed client of its account and region.
    pub aws: aws::Client,
    /// Name of the AWSAccount, or empty for the operator's own credentials.
    pub account: String,
    /// Id of the agent space that it lies in; empty for kinds that lie in none.
    pub space_id: String,
    /// Whether that space is managed by this cluster.
    pub space_is_ours: bool,
    /// Namespace of the object that stands for that space; empty for kinds that lie in none.
    pub space_namespace: String,
    /// The object that this is about.
    pub identity: Identity,
    /// Makes fingerprints of what AWS never returns.
    pub fingerprints: ObjectFingerprints,
    /// Which objects have recorded which remotes.
    pub holders: Holders,
    /// Memory for what AWS answers, where that may be much.
    pub memory: Arc<MemoryBudget>,
}

impl Scope {
    /// Whether another object of the kind has recorded the remote `id` as its own.
    pub fn is_held_by_another<T: Object>(&self, id: &str) -> bool {
        let subject = Subject { kind: T::kind_name(), ..self.identity.subject() };
        self.holders.has_another(&subject, id)
    }

    /// A client token for creating a remote from `input`: the same for the same object and input, and another
    /// one once a remote made with it is gone, lest AWS answer with the one that is gone.
    pub fn client_token(&self, lost: Option<&str>, input: &impl Serialize) -> String {
        let input = serde_json::to_value(input).unwrap_or_default();
        self.fingerprints.token(&serde_json::json!([self.identity.uid, lost, input]))
    }
}

/// What the engine must know of a remote.
pub trait Remote: Send + Sync {
    /// Its id in AWS.
    fn id(&self) -> &str;

    /// Its tags, or `None` where AWS has no tags for this kind.
    fn tags(&self) -> Option<&BTreeMap<String, String>>;
}

/// How a remote stands to what is desired.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// It matches and works.
    Matching,
    /// It differs.
    Drifted(Drift),
    /// AWS is still changing it; look again soon.
    InTransition(String),
    /// It matches as far as can be seen, and does not work; what AWS says.
    Failed(String),
    /// It matches, and something else has to happen before it works.
    Waiting(Waiting),
}

/// What a matching remote waits for.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    /// What kind of thing.
    pub reason: Reason,
    /// What exactly, and what to do.
    pub message: String,
    /// Whether only a look tells of the change.
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
        /// How it stands to what is desired.
        state: State,
        /// Whether the object may reach it.
        access: Access,
    },
}

/// The answer of a create.
#[derive(Debug, Default)]
pub struct Created {
    /// Id of the new remote; none while a person has still to complete it.
    pub id: Option<String>,
    /// Address that a person must open to complete it.
    pub authorization_url: Option<String>,
    /// Fingerprint of what AWS was given and never returns.
    pub fingerprint: Option<Fingerprint>,
    /// Keys of the tags from the spec.
    pub tag_keys: Vec<String>,
    /// What is shown once and must be in a Secret before the id is final.
    pub secret: Option<OutputSecret>,
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

/// The answer of an update.
#[derive(Debug, Default)]
pub struct Updated {
    /// What was changed, for the Event; empty says all of the drift.
    pub changed: Vec<String>,
    /// A Secret to write.
    pub secret: Option<OutputSecret>,
    /// Secrets that are not needed any more.
    pub obsolete: Vec<String>,
    /// What is to be told of the Secret, where AWS had no part in it.
    pub note: Option<String>,
}

impl Updated {
    /// An update that changed these fields in AWS.
    pub fn of(changed: Vec<String>) -> Self {
        Self { changed, ..Self::default() }
    }
}
