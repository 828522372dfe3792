//! What a spec refers to, resolved: other objects, accounts, Secrets and ConfigMaps.

pub mod access;
pub mod accounts;
pub mod consent;
pub mod input_value;
pub mod named;
pub mod output_secret;
pub mod policies;
pub mod proof;
pub mod seals;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kube::ResourceExt;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::api::AgentSpace;
use crate::api::change::ChangeAction;
use crate::api::common::{
    AccountRef, CommonStatus, DeletionPolicy, KeyRef, ManagementPolicy, Object, ObjectRef, Policies, Status,
    Tags,
};
use crate::aws::{Caller, Priority};
use crate::echo::Seen;
use crate::kubernetes::input_object::{self, InputObject};
use crate::reconcile::state::subject::Subject;
use crate::{document, text};

use self::input_value::Form;
use self::output_secret::OwnSecret;
use self::policies::Limits;
use super::context::Context;
use super::graph::marks::Mark;
use super::kind::Scope;
use super::remote::sight::Sight;
use super::state::annotations;
use super::state::conditions::{self, Reason};
use super::state::error::Error;
use super::state::existence::Existence;
use super::state::finalizer;
use super::state::ownership::Identity;
use super::tagging::{self, TagMap};

/// Resolves what one object refers to.
pub struct Inputs<'a> {
    cx: &'a Context,
    identity: Identity,
    /// On deletion, the remote only has to be found: values of Secrets aren't needed, and may be gone.
    deleting: bool,
    priority: Priority,
    /// The account that the remote was created in.
    recorded: Option<String>,
    /// What was read from Secrets, so that no error repeats it.
    seen: Seen,
}

/// Where an input is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// In a Secret.
    Secret,
    /// In a ConfigMap.
    ConfigMap,
}

impl Source {
    const fn kind(self) -> &'static str {
        match self {
            Self::Secret => "Secret",
            Self::ConfigMap => "ConfigMap",
        }
    }
}

impl<'a> Inputs<'a> {
    /// Inputs of the object `identity`. Their calls to AWS have this priority.
    pub fn new(cx: &'a Context, identity: Identity, deleting: bool, priority: Priority) -> Self {
        Self { cx, identity, deleting, priority, recorded: None, seen: Seen::default() }
    }

    /// The same, for an object whose remote was created in the account `recorded`.
    #[must_use]
    pub fn recorded_in(mut self, recorded: Option<String>) -> Self {
        self.recorded = recorded;
        self
    }

    /// The object itself.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The scope of an object that names an account, or uses the default one.
    pub async fn account_scope(&self, account: Option<&AccountRef>) -> Result<Scope, Error> {
        let name = match account {
            Some(account) => account.name.to_string(),
            // A default account that appears later applies to what is created later.
            None => self.recorded.clone().unwrap_or_else(|| self.cx.accounts.default_name(self.cx)),
        };
        let field = match account {
            Some(_) => "spec.accountRef",
            None => "spec.accountRef (omitted, so the AWSAccount of that name is used)",
        };
        self.check_account(&name, field)?;
        self.scope(&name).await
    }

    /// The scope of the account `name`; empty for the operator's own credentials.
    pub async fn scope(&self, name: &str) -> Result<Scope, Error> {
        self.cx.accounts.own.check(name, self.deleting)?;
        let aws = self.cx.accounts.client(self.cx, name, self.caller(name)).await?.guarding(&self.seen);
        let place = aws.place().await;
        let picture = self.cx.pictures.of(name, &aws, place.as_ref());
        Ok(Scope {
            sight: Sight::new(aws.clone(), picture),
            aws,
            account: name.to_owned(),
            space_id: String::new(),
            space_is_ours: false,
            space_namespace: String::new(),
            identity: self.identity.clone(),
            fingerprints: self.cx.fingerprints.for_object(&self.identity),
            marks: self.cx.hub.marks(),
            memory: Arc::clone(&self.cx.memory),
        })
    }

    /// Whether the AWSAccount `name` may be used. What was created in it can be deleted, whatever it allows now.
    fn check_account(&self, name: &str, field: &str) -> Result<(), Error> {
        if name.is_empty() || self.deleting {
            return Ok(());
        }
        let account = Subject::new(super::graph::references::ACCOUNT, "", name);
        // Objects in a space name no account, and use the space's.
        self.cx.hub.depend(&self.identity.subject(), &account);
        consent::check(self.cx, &account, &self.identity.namespace, field)
    }

    /// On whose behalf AWS is called in the account `name`.
    fn caller(&self, name: &str) -> Caller {
        let namespace = &self.identity.namespace;
        let ceiling = Limits::of(self.cx, name, namespace).requests_per_second.map(f64::from);
        Caller { priority: self.priority, namespace: namespace.as_str().into(), ceiling }
    }

    /// The tags that the object's remote must have: its own, those of the account, and the owner tags.
    pub fn tags(&self, scope: &Scope, spec: &Tags) -> Result<TagMap, Error> {
        let account =
            if self.deleting { TagMap::new() } else { self.cx.accounts.tags(self.cx, &scope.account) };
        tagging::checked(&self.identity, (&scope.account, &account), spec)
    }

    /// The scope within the agent space that `reference` names.
    pub async fn space_scope(&self, reference: &ObjectRef) -> Result<Scope, Error> {
        let space: Arc<AgentSpace> = self.object(reference, "spec.agentSpaceRef")?;
        let status = space.status();
        let id = self.id_of(&*space, "spec.agentSpaceRef")?;
        let account = status.common().account.clone().unwrap_or_default();
        self.check_account(&account, "spec.agentSpaceRef")?;
        let mut scope = self.scope(&account).await?;
        scope.enter(id);
        scope.space_is_ours = space.policies().management_policy == ManagementPolicy::Manage;
        let managers = self.cx.hub.marks().of(AgentSpace::kind_name(), Mark::holds(&scope.space_id));
        scope.space_namespace = if scope.space_is_ours {
            space.namespace().unwrap_or_default()
        } else {
            managers.into_iter().next().map(|manager| manager.namespace.clone()).unwrap_or_default()
        };
        Ok(scope)
    }

    /// The object that `reference` names, if it exists and allows it. `field` names the reference.
    pub fn object<T: Object>(&self, reference: &ObjectRef, field: &str) -> Result<Arc<T>, Error> {
        let namespace = reference.namespace.as_deref().unwrap_or(&self.identity.namespace);
        let kind = T::kind_name();
        let subject = Subject::new(kind, namespace, &*reference.name);
        // What was created with its consent is found, and deleted, without it.
        if !self.deleting {
            consent::check(self.cx, &subject, &self.identity.namespace, field)?;
        }
        let found = self.cx.cache::<T>().and_then(|cache| cache.get(&subject));
        let found = found.map(|object| self.believed(object)).ok_or_else(|| {
            if self.cx.hub.exists(&subject) {
                let message = format!(
                    "{field}: the {subject} can't be read (see its Unreadable Event); update it to the current schema"
                );
                return Error::wait(Reason::DependencyNotReady, message);
            }
            consent::missing(&subject, field)
        })?;
        // An object that only observes a resource can't give others access to it.
        let status = found.status();
        let common = status.common();
        let id = common.id.as_deref().unwrap_or_default();
        if let Some(owner) = self.forbidding_owner::<T>(id, Some(common)) {
            return Err(Error::wait(
                Reason::ReferenceNotAllowed,
                format!(
                    "{field}: the resource of the {subject} belongs to the {owner}, which doesn't allow the namespace {}; \
                     its owner can allow it with spec.allowedNamespaces",
                    self.identity.namespace
                ),
            ));
        }
        Ok(found)
    }

    /// An object that has the remote `id` as its own and doesn't allow this namespace; if the status of an object is
    /// given, one in the same account and region. If its owner's consent changes, this object is reconciled again.
    pub fn forbidding_owner<T: Object>(&self, id: &str, place: Option<&CommonStatus>) -> Option<Subject> {
        if self.deleting || id.is_empty() {
            return None;
        }
        let cache = self.cx.cache::<T>();
        let lies_there = |owner: &Subject| {
            let owner = cache.as_ref().and_then(|cache| cache.get(owner));
            // Where nothing is changed, who parts with it still has it.
            if owner.as_ref().is_some_and(|owner| is_parting(self.cx, &**owner, &owner.policies())) {
                return false;
            }
            owner.zip(place).is_none_or(|(owner, place)| is_one_place(owner.status().common(), place))
        };
        let mut owners =
            self.cx.hub.marks().of(T::kind_name(), Mark::holds(id)).into_iter().filter(lies_there);
        let forbidding = owners.find(|owner| !self.permits(owner, &self.identity.namespace))?;
        self.cx.hub.depend(&self.identity.subject(), &forbidding);
        Some(forbidding)
    }

    /// The object with the trusted part of its status: an id that someone else wrote there is ignored.
    fn believed<T: Object>(&self, object: Arc<T>) -> Arc<T> {
        match proof::believed(self.cx, &*object) {
            None => object,
            Some(status) => {
                let mut object = Arc::unwrap_or_clone(object);
                object.set_status(status);
                Arc::new(object)
            }
        }
    }

    /// The remote id of a dependency that must exist in AWS.
    pub fn id_of<T: Object>(&self, object: &T, field: &str) -> Result<String, Error> {
        let status = object.status();
        let usable = status
            .common()
            .id
            .clone()
            .filter(|_| object.meta().deletion_timestamp.is_none() || self.deleting);
        let possible = Existence::recorded_in(status.common()).is_possible(finalizer::is_on(object));
        if self.deleting && usable.is_none() && !possible {
            // It never existed, so neither did what was meant to be in it.
            let subject = Subject::of(object);
            return Err(Error::wait(
                Reason::DependencyNotFound,
                format!("{field}: the {subject} does not exist in AWS"),
            ));
        }
        usable.ok_or_else(|| Self::not_ready(object, field))
    }

    /// The remote id of a dependency that must exist in AWS and work.
    pub fn ready_id_of<T: Object>(&self, object: &T, field: &str) -> Result<String, Error> {
        let id = self.id_of(object, field)?;
        if self.deleting || conditions::is_true(&object.status().common().conditions, "Ready") {
            return Ok(id);
        }
        Err(Self::not_ready(object, field))
    }

    fn not_ready<T: Object>(object: &T, field: &str) -> Error {
        let status = object.status();
        let subject = Subject::of(object);
        let ready = conditions::get(&status.common().conditions, "Ready");
        let person = Reason::AuthorizationRequired;
        if object.meta().deletion_timestamp.is_none()
            && ready.is_some_and(|ready| ready.reason == person.as_str())
        {
            return Error::wait(
                person,
                format!("{field}: a person must open status.authorizationUrl of the {subject} first"),
            );
        }
        let why = match ready {
            _ if object.meta().deletion_timestamp.is_some() => "it is being deleted".to_owned(),
            Some(ready) if !ready.message.is_empty() => format!("{}: {}", ready.reason, ready.message),
            Some(ready) => ready.reason.clone(),
            None => "it has not been reconciled yet".to_owned(),
        };
        Error::wait(Reason::DependencyNotReady, format!("{field}: the {subject} is not ready ({why})"))
    }

    /// Whether `subject` allows references from `namespace`.
    pub fn permits(&self, subject: &Subject, namespace: &str) -> bool {
        consent::permits(self.cx, subject, namespace)
    }

    /// The objects of kind `T` that have `mark` and satisfy `filter`, to compare with siblings.
    pub fn marked<T: Object>(&self, mark: Mark, filter: impl Fn(&T) -> bool) -> Vec<Arc<T>> {
        let Some(cache) = self.cx.cache::<T>() else { return Vec::new() };
        let mut subjects = self.cx.hub.marks().of(T::kind_name(), mark);
        subjects.sort_unstable();
        let found = subjects.iter().filter_map(|subject| cache.get(subject));
        found.filter(|object| filter(object)).collect()
    }

    /// `value` with references to Secrets replaced by their values. `field` names it in messages.
    pub async fn substituted(&self, mut value: Value, field: &str) -> Result<Value, Error> {
        let mut values = BTreeMap::new();
        // One key may serve several fields, each with its own rules.
        for (reference, path) in document::secret_refs(&value, field) {
            let secret = self.text(Source::Secret, &reference, &path).await?;
            values.insert(reference, secret.expose_secret().to_owned());
        }
        document::substitute(&mut value, &values);
        Ok(value)
    }

    /// The text under a key of a Secret or ConfigMap, as needed for `field`.
    pub async fn text(&self, source: Source, reference: &KeyRef, field: &str) -> Result<SecretString, Error> {
        let bytes = self.bytes(source, reference, field).await?;
        String::from_utf8(bytes).map(SecretString::from).map_err(|_| Error::Unexpected {
            doing: format!("reading {field}"),
            message: "it is not valid UTF-8".to_owned(),
        })
    }

    /// The value under a key of a Secret or ConfigMap, if it is valid for `field`: the only way to read one.
    pub async fn bytes(&self, source: Source, reference: &KeyRef, field: &str) -> Result<Vec<u8>, Error> {
        if self.deleting {
            return Ok(b"not-read-on-deletion".to_vec());
        }
        let _room = self.cx.memory.read().await;
        let object = match source {
            Source::Secret => {
                let namespace = &self.identity.namespace;
                let read = input_object::secret(&self.cx.client, namespace, &reference.name).await;
                self.present("Secret", &reference.name, field, read)?
            }
            Source::ConfigMap => self.config_map(&reference.name, field).await?,
        };
        let Some(bytes) = object.get(&reference.key) else {
            return Err(missing_key(source.kind(), reference, &object, field));
        };
        if source == Source::Secret {
            self.seen.add(&bytes);
        }
        Form::of(field).checked(bytes).map_err(|problem| {
            Error::wait(
                Reason::InputInvalid,
                format!(
                    "{field}: the key {} of the {} {} {problem}",
                    reference.key,
                    source.kind(),
                    reference.name
                ),
            )
        })
    }

    /// All keys of a ConfigMap, text and binary.
    pub async fn config_files(&self, name: &str, field: &str) -> Result<BTreeMap<String, Vec<u8>>, Error> {
        if self.deleting {
            return Ok(BTreeMap::new());
        }
        let _room = self.cx.memory.read().await;
        Ok(self.config_map(name, field).await?.all())
    }

    async fn config_map(&self, name: &str, field: &str) -> Result<InputObject, Error> {
        let read = input_object::config_map(&self.cx.client, &self.identity.namespace, name).await;
        self.present("ConfigMap", name, field, read)
    }

    /// The Secret `name` that the operator writes for this object, whose remote may be one of `known`.
    pub async fn own_secret(&self, name: &str, known: &BTreeSet<String>) -> Result<OwnSecret, Error> {
        let _room = self.cx.memory.read().await;
        let found = output_secret::read(&self.cx.client, &self.identity, name, known).await?;
        if let OwnSecret::Ours(held) = &found {
            held.guarded().for_each(|value| self.seen.add(value.expose_secret().as_bytes()));
        }
        Ok(found)
    }

    /// Whether the object is being deleted.
    pub fn is_deleting(&self) -> bool {
        self.deleting
    }

    fn present(
        &self,
        kind: &str,
        name: &str,
        field: &str,
        read: Result<Option<InputObject>, kube::Error>,
    ) -> Result<InputObject, Error> {
        let found = read.map_err(Error::kubernetes(format!("reading the {kind} {name}")))?;
        found.ok_or_else(|| {
            Error::wait(
                Reason::InputNotFound,
                format!(
                    "{field}: the {kind} {}/{name} does not exist; create it, or correct the reference",
                    self.identity.namespace
                ),
            )
        })
    }
}

/// Whether the object is being deleted and would part with what it has, if changes weren't held back.
pub(super) fn is_parting<T: Object>(cx: &Context, object: &T, policies: &Policies) -> bool {
    let waits = policies.deletion_policy == DeletionPolicy::Delete
        && policies.change_policy.holds(ChangeAction::Delete);
    cx.holds_back
        && object.meta().deletion_timestamp.is_some()
        && !annotations::is_paused(object)
        && policies.management_policy == ManagementPolicy::Manage
        && !waits
}

/// Whether both may refer to the same account and region: some ids are names, which are unique only there.
fn is_one_place(one: &CommonStatus, other: &CommonStatus) -> bool {
    match (&one.account_id, &other.account_id) {
        (Some(id), Some(other_id)) => id == other_id && one.region == other.region,
        // For what was created before account numbers were recorded, only the AWSAccount is known.
        _ => one.account == other.account,
    }
}

fn missing_key(kind: &str, reference: &KeyRef, object: &InputObject, field: &str) -> Error {
    /// A ConfigMap can have thousands.
    const NAMED: usize = 10;
    let keys = object.keys();
    let named = text::some_of(keys.iter().map(String::as_str), NAMED);
    let has = if keys.is_empty() {
        "it has no keys".to_owned()
    } else {
        format!("its keys: {}", text::plain(&named))
    };
    Error::wait(
        Reason::InputNotFound,
        format!("{field}: the {kind} {} has no key {} ({has})", reference.name, reference.key),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(account: &str, number: Option<&str>, region: Option<&str>) -> CommonStatus {
        CommonStatus {
            account: Some(account.to_owned()),
            account_id: number.map(str::to_owned),
            region: region.map(str::to_owned),
            ..CommonStatus::default()
        }
    }

    #[test]
    fn a_place_is_known_by_number_and_region_and_else_by_name() {
        let here = place("a", Some("111122223333"), Some("us-east-1"));
        for (other, same) in [
            (place("b", Some("111122223333"), Some("us-east-1")), true),
            (place("a", Some("111122223333"), Some("eu-west-1")), false),
            (place("a", Some("444455556666"), Some("us-east-1")), false),
            (place("a", None, None), true),
            (place("b", None, None), false),
        ] {
            assert_eq!(is_one_place(&here, &other), same, "{other:?}");
        }
    }
}
