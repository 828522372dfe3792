//! Claims on a remote: who owns it, who may create it, and in which account it stays.

use std::time::Duration;

use kube::{Resource, ResourceExt};

use crate::api::common::{ManagementPolicy, Object, Status};
use crate::aws::operations::GetAgentSpace;
use crate::reconcile::state::subject::Subject;

use super::decide::is_as_described;
use super::departure::Departure;
use super::graph::marks::Mark;
use super::inputs::access::{self, Access};
use super::inputs::{consent, proof};
use super::kind::{Kind, Observation, Reached, Remote, Scope, State};
use super::pass::Pass;
use super::state::annotations;
use super::state::conditions::{self, Reason};
use super::state::error::{Doing, Error};
use super::state::existence::Existence;
use super::state::ownership::Owner;
use super::tagging::TagMap;

/// An object that has been unable to create its remote for this long no longer prevents others from creating it.
const UNABLE: Duration = Duration::from_secs(30);

impl<K: Kind> Pass<'_, K> {
    /// Who owns the remote.
    pub(super) fn owner(&self, scope: &Scope, remote: &K::Remote) -> Owner {
        let Some(tags) = remote.tags() else {
            let leaves = self.departing(remote.id()) == Some(Departure::Left);
            return match self.holder(scope, remote.id()).filter(|_| !leaves) {
                Some(holder) => holder,
                None if scope.space_is_ours => Owner::Inherited,
                None => Owner::Untagged,
            };
        };
        let owner = self.owner_by_tags(K::Object::kind_name(), tags);
        match (owner, self.departing(remote.id())) {
            (Owner::Sibling { namespace, .. }, Some(Departure::Given)) => Owner::Given { by: namespace },
            (Owner::Sibling { namespace, name }, Some(Departure::Left)) => {
                Owner::Retained { namespace, name }
            }
            (owner, _) => owner,
        }
    }

    /// Who owns a remote with these tags, of objects of `kind`.
    pub(super) fn owner_by_tags(&self, kind: &'static str, tags: &TagMap) -> Owner {
        match self.identity.owner(tags) {
            Owner::Sibling { namespace, name } if self.cx.is_gone(kind, &namespace, &name) => {
                Owner::Retained { namespace, name }
            }
            // The tags name an object of another kind with the same name.
            Owner::Ours { .. } if kind != self.identity.kind => Owner::Sibling {
                namespace: self.identity.namespace.clone(),
                name: self.identity.name.clone(),
            },
            owner => owner,
        }
    }

    /// Whether the object may reach the remote that `owner` owns and that is in `state`. What it created, or adopted
    /// with consent, it may.
    pub(super) async fn access(
        &self,
        scope: &Scope,
        remote: &K::Remote,
        owner: &Owner,
        state: &State,
    ) -> Result<Access, Error> {
        let recorded = self.status.common().id.as_deref() == Some(remote.id()) && self.manages();
        if !K::HAS_REMOTE || recorded {
            return Ok(Access::Granted);
        }
        let resource = format!("{} {}", K::NOUN, remote.id());
        let request = self.request(scope, K::Object::kind_name(), &resource, !self.manages());
        let tags = match remote.tags() {
            Some(tags) => tags.clone(),
            None if self.is_at_home(scope, state) => return Ok(Access::Granted),
            None if access::asks_for_tags(self.cx, &scope.account) => space_tags(scope).await?,
            None => TagMap::new(),
        };
        if remote.tags().is_none() && self.manages() && !scope.space_namespace.is_empty() {
            return Ok(request.judge_in_space_of(self.cx, &scope.space_namespace, &tags));
        }
        Ok(request.judge(self.cx, owner, &tags))
    }

    /// Whether the object may take a remote without tags: it is in a space of the object's namespace, or is exactly
    /// what the object describes, or may be what the object created.
    fn is_at_home(&self, scope: &Scope, state: &State) -> bool {
        scope.space_namespace == self.identity.namespace
            || is_as_described(state)
            || self.status.common().intent.is_some()
    }

    /// Checks the consent of the owners of resources that the spec names by their AWS name.
    pub(super) async fn check_reached(&self, scope: &Scope, desired: &K::Desired) -> Result<(), Error> {
        for Reached { field, kind, what, tags } in K::reaches(scope, desired).await? {
            let owner = self.owner_by_tags(kind, &tags);
            self.depend_on(kind, &owner);
            if let Access::Refused(why) = self.request(scope, kind, &what, true).judge(self.cx, &owner, &tags)
            {
                return Err(Error::wait(Reason::ReferenceNotAllowed, format!("{field}: {why}")));
            }
        }
        Ok(())
    }

    /// If its owner's consent changes, this object is reconciled again.
    pub(super) fn depend_on(&self, kind: &'static str, owner: &Owner) {
        if let Owner::Sibling { namespace, name } = owner {
            self.cx.hub.depend(&self.subject(), &Subject::new(kind, namespace, name));
        }
    }

    fn request<'a>(
        &'a self,
        scope: &'a Scope,
        kind: &'static str,
        resource: &'a str,
        observes: bool,
    ) -> access::Request<'a> {
        access::Request {
            kind,
            resource,
            namespace: &self.identity.namespace,
            account: &scope.account,
            observes,
        }
    }

    /// The other object that has recorded an untaggable remote as its own.
    pub(super) fn holder(&self, scope: &Scope, id: &str) -> Option<Owner> {
        let others = self.inputs(false).marked::<K::Object>(Mark::holds(id), |other| {
            let status = other.status();
            other.uid() != self.object.uid()
                && status.common().id.as_deref() == Some(id)
                && K::recorded_space(&status).is_none_or(|space| space == scope.space_id)
                && K::policies(other).management_policy == ManagementPolicy::Manage
        });
        let holder = others.first()?;
        Some(Owner::Sibling { namespace: holder.namespace().unwrap_or_default(), name: holder.name_any() })
    }

    /// Within the cluster, a remote belongs to the oldest object that describes it and is able and willing to have it.
    pub(super) fn claim_first(&self) -> Result<(), Error> {
        let Some(mine) = K::natural_key(&self.object) else { return Ok(()) };
        let age = |object: &K::Object| (object.creation_timestamp().map(|time| time.0), object.uid());
        let elder = self.inputs(false).marked::<K::Object>(Mark::describes(&mine), |other| {
            other.uid() != self.object.uid()
                && K::natural_key(other).as_ref() == Some(&mine)
                && age(other) < age(&self.object)
                && self.is_rightful(other)
        });
        match elder.first() {
            None => Ok(()),
            Some(elder) => Err(Error::terminal(
                Reason::Conflict,
                format!(
                    "{}/{} describes the same {} and is older; delete one of the two, or change what identifies it",
                    elder.namespace().unwrap_or_default(),
                    elder.name_any(),
                    K::NOUN
                ),
            )),
        }
    }

    /// Whether the other object has its remote, or is able and willing to create it. One that is paused or only
    /// observes, lacks consent, or has been unable to for a while claims nothing.
    fn is_rightful(&self, other: &K::Object) -> bool {
        if K::policies(other).management_policy != ManagementPolicy::Manage || self.departure(other).is_some()
        {
            return false;
        }
        let status = other.status();
        if Existence::recorded_in(status.common()) == Existence::Recorded {
            return proof::is_believed(self.cx, other, &status);
        }
        let namespace = other.namespace().unwrap_or_default();
        !annotations::is_paused(other)
            && other.meta().deletion_timestamp.is_none()
            && !conditions::is_unable(status.common(), UNABLE)
            && self
                .cx
                .hub
                .references(&Subject::of(other))
                .iter()
                .all(|wanted| consent::permits(self.cx, wanted, &namespace))
    }

    /// The remote stays in the account and region that it was created in, whatever their names.
    pub(super) async fn check_account(&self, scope: &Scope) -> Result<(), Error> {
        let common = self.status.common();
        if Existence::recorded_in(common) != Existence::Recorded {
            return Ok(());
        }
        if let Some(recorded) = common.account.as_deref().filter(|recorded| *recorded != scope.account) {
            return Err(account_changed::<K>(&format!(
                "was created with the AWSAccount '{recorded}', but the object now uses '{}' ('' means the operator's \
                 own credentials)",
                scope.account
            )));
        }
        self.check_place(scope).await
    }

    /// Checks that the account number and region of `scope` are those that the remote was created in.
    pub(super) async fn check_place(&self, scope: &Scope) -> Result<(), Error> {
        let common = self.status.common();
        if let Some(region) = common.region.as_deref().filter(|region| *region != scope.aws.region()) {
            return Err(account_changed::<K>(&format!("is in {region}, not in {}", scope.aws.region())));
        }
        let Some(pinned) = &common.account_id else { return Ok(()) };
        let now = scope.aws.account_id().await;
        let now =
            now.doing(|| format!("checking which AWS account is used: the {} is in {pinned}", K::NOUN))?;
        if now == *pinned {
            return Ok(());
        }
        Err(account_changed::<K>(&format!(
            "is in the AWS account {pinned}, but the credentials belong to {now}"
        )))
    }

    /// Records the number of the account and the region of a remote that the object has.
    pub(super) async fn pin_account(&mut self, scope: &Scope, found: &Observation<K::Remote>) {
        let Observation::Found { remote, .. } = found else { return };
        if K::HAS_REMOTE && self.status.common().id.as_deref() == Some(remote.id()) {
            self.pin_place(scope).await;
        }
    }

    /// Records the number of the account and the region that a remote is in, or is about to be made in: should they
    /// change before the answer is known, it isn't looked for in the wrong place. Where the number can't be found out,
    /// that waits.
    pub(super) async fn pin_place(&mut self, scope: &Scope) {
        let id = match &self.status.common().account_id {
            Some(id) => Some(id.clone()),
            None => scope.aws.account_id_if_known().await,
        };
        let common = self.status.common_mut();
        common.account_id = id;
        common.region = Some(scope.aws.region().to_owned());
    }

    /// Forgets where a remote was to be made that AWS refused to make.
    pub(super) fn unpin_place(&mut self) {
        let common = self.status.common_mut();
        if common.id.is_none() {
            common.account_id = None;
            common.region = None;
        }
    }

    /// Records in which account the remote was searched for: without an id or an intent next to it, that means that
    /// there is none.
    pub(super) fn record_account(&mut self, scope: &Scope) {
        self.status.common_mut().account = Some(scope.account.clone());
    }
}

fn account_changed<K: Kind>(how: &str) -> Error {
    let message = format!("the {} {how}; change that back, or delete and recreate the object", K::NOUN);
    Error::terminal(Reason::AccountChanged, message)
}

/// The tags of the space that a remote is in.
async fn space_tags(scope: &Scope) -> Result<TagMap, Error> {
    let request = GetAgentSpace { agent_space_id: scope.space_id.clone(), ..GetAgentSpace::default() };
    let found = scope.aws.call(&request).await;
    Ok(found.doing(|| format!("reading the tags of the agent space {}", scope.space_id))?.tags)
}

/// Which of several candidates is used: the object's own first.
pub(super) fn rank(owner: &Owner) -> u8 {
    match owner {
        Owner::Ours { current: true } => 0,
        Owner::Ours { current: false } => 1,
        Owner::Given { .. } => 2,
        Owner::Inherited => 3,
        Owner::Untagged => 4,
        Owner::Retained { .. } => 5,
        Owner::Nobody => 6,
        Owner::Sibling { .. } => 7,
        Owner::Foreign { .. } => 8,
    }
}
