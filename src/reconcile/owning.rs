//! The record of owned fields in a pass: read when the remote is compared, extended before a write, trimmed when
//! everything matches. Its meaning is in [`super::owned`].

use crate::api::common::{CommonStatus, Status};

use super::kind::{Kind, Remote, State};
use super::owned;
use super::pass::Pass;
use super::state::drift::{Change, Drift};

impl<K: Kind> Pass<'_, K> {
    fn common(&mut self) -> &mut CommonStatus {
        self.status.common_mut()
    }

    /// How the remote compares with the desired state, and with what the spec no longer sets.
    pub(super) fn state(&self, desired: &K::Desired, remote: &K::Remote) -> State {
        owned::with_dropped(K::compare(desired, remote, &self.status), self.dropped(remote))
    }

    /// Fields of the remote that the object set and no longer sets. The record is about one remote: the one that status
    /// names, or whose create got no response.
    fn dropped(&self, remote: &K::Remote) -> Vec<Change> {
        let common = self.status.common();
        let is_meant = common.id.as_deref() == Some(remote.id()) || common.intent.is_some();
        if !is_meant || !self.manages() || common.owned_fields.is_empty() {
            return Vec::new();
        }
        owned::changes(&common.owned_fields, &self.fields, &K::observed(remote), |pointer| {
            K::reset(pointer, &self.status)
        })
    }

    /// A remote is about to be created: whatever happens to the response, it has the spec's fields. Returns the earlier
    /// record if that is a change.
    pub(super) fn own_all(&mut self) -> Option<Vec<String>> {
        let fields = self.fields.clone();
        owned::extend(self.common(), &fields)
    }

    /// The same for an update that corrects `drift`.
    pub(super) fn own_touched(&mut self, drift: &Drift) -> Option<Vec<String>> {
        let fields = owned::touched(&self.fields, drift);
        owned::extend(self.common(), &fields)
    }

    /// A write had no effect: the object's fields are those of `before`.
    pub(super) fn disown(&mut self, before: Option<Vec<String>>) {
        if let Some(before) = before {
            self.common().owned_fields = before;
        }
    }

    /// The remote matches the object, except for what can't be reset.
    pub(super) fn settle(&mut self, left: &Drift) {
        self.cx.breaker.reset(&self.identity.uid);
        self.own_as_set(left);
    }

    /// The same after a write, by its response: only a later look tells whether AWS keeps what it was given.
    pub(super) fn own_as_set(&mut self, left: &Drift) {
        self.common().intent = None;
        if self.manages() {
            owned::settle(self.status.common_mut(), &self.fields, left);
        }
    }
}
