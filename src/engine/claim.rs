//! Claims on a remote: who owns it, who may create it, and in which account it stays.

use kube::ResourceExt;

use crate::api::common::{ManagementPolicy, Object, Status};

use super::conditions::Reason;
use super::consent;
use super::error::Error;
use super::existence::Existence;
use super::hub::Subject;
use super::kind::{Kind, Remote, Scope};
use super::ownership::Owner;
use super::pass::Pass;

impl<K: Kind> Pass<'_, K> {
    /// Who owns the remote. The tags of an object that is no longer there count for nothing.
    pub(super) fn owner(&self, scope: &Scope, remote: &K::Remote) -> Owner {
        let Some(tags) = remote.tags() else {
            return match self.holder(scope, remote.id()) {
                Some(holder) => holder,
                None if scope.space_is_ours => Owner::Inherited,
                None => Owner::Untagged,
            };
        };
        match self.identity.owner(tags) {
            Owner::Sibling { namespace, name } if self.cx.is_gone::<K::Object>(&namespace, &name) => {
                Owner::Nobody
            }
            owner => owner,
        }
    }

    /// The other object that has recorded an untaggable remote as its own.
    fn holder(&self, scope: &Scope, id: &str) -> Option<Owner> {
        let others = self.inputs(false).others::<K::Object>(|other| {
            let status = other.status();
            other.uid() != self.object.uid()
                && status.common().id.as_deref() == Some(id)
                && K::recorded_space(&status).is_none_or(|space| space == scope.space_id)
                && K::policies(other).management_policy == ManagementPolicy::Manage
        });
        let holder = others.first()?;
        Some(Owner::Sibling { namespace: holder.namespace().unwrap_or_default(), name: holder.name_any() })
    }

    /// Within the cluster the oldest object that describes a remote, and may, has it.
    pub(super) fn claim_first(&self) -> Result<(), Error> {
        let Some(mine) = K::natural_key(self.object) else { return Ok(()) };
        let age = |object: &K::Object| (object.creation_timestamp().map(|time| time.0), object.uid());
        let elder = self.inputs(false).others::<K::Object>(|other| {
            other.uid() != self.object.uid()
                && K::natural_key(other).as_ref() == Some(&mine)
                && age(other) < age(self.object)
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

    /// Whether the other object has its remote, or may have it: who needs a consent that is not given claims nothing.
    fn is_rightful(&self, other: &K::Object) -> bool {
        let namespace = other.namespace().unwrap_or_default();
        other.status().common().id.is_some()
            || self
                .cx
                .hub
                .references(&Subject::of(other))
                .iter()
                .all(|wanted| consent::permits(self.cx, wanted, &namespace))
    }

    /// The remote stays in the account that it was created in.
    pub(super) fn check_account(&self, scope: &Scope) -> Result<(), Error> {
        let common = self.status.common();
        let exists = Existence::recorded_in(common) == Existence::Recorded;
        match common.account.as_deref() {
            Some(recorded) if exists && recorded != scope.account => Err(Error::terminal(
                Reason::AccountChanged,
                format!(
                    "the {} was created with the AWSAccount '{recorded}' and would now be looked for with '{}' \
                     ('' stands for the operator's own credentials); change that back, or create the object anew",
                    K::NOUN,
                    scope.account
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Records in which account the remote was looked for: with neither an id nor an intent beside it, that says
    /// that there is none.
    pub(super) fn record_account(&mut self, scope: &Scope) {
        self.status.common_mut().account = Some(scope.account.clone());
    }
}

/// Which of several candidates is taken: the own one first.
pub(super) fn rank(owner: &Owner) -> u8 {
    match owner {
        Owner::Ours { current: true } => 0,
        Owner::Ours { current: false } => 1,
        Owner::Inherited => 2,
        Owner::Untagged => 3,
        Owner::Nobody => 4,
        Owner::Sibling { .. } => 5,
        Owner::Foreign { .. } => 6,
    }
}
