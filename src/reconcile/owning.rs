//! The record of owned fields in a pass: read when the remote is compared, extended before a write, cut when all is well. What
//! it means is in [`super::owned`].

use crate::api::common::{CommonStatus, Status};

use super::kind::{Kind, Remote};
use super::owned;
use super::pass::Pass;
use super::state::drift::{Change, Drift};

impl<K: Kind> Pass<'_, K> {
    fn common(&mut self) -> &mut CommonStatus {
        self.status.common_mut()
    }

    /// Fields of the remote that the object set and sets no longer. The record speaks of one remote: the one that status
    /// names, or whose create was not answered.
    pub(super) fn dropped(&self, remote: &K::Remote) -> Vec<Change> {
        let common = self.status.common();
        let is_meant = common.id.as_deref() == Some(remote.id()) || common.intent.is_some();
        if !is_meant || !self.manages() || common.owned_fields.is_empty() {
            return Vec::new();
        }
        owned::changes(&common.owned_fields, &self.fields, &K::observed(remote), |pointer| {
            K::reset(pointer, &self.status)
        })
    }

    /// A remote is about to be made: whatever becomes of the answer, it has the spec's fields. Answers what the record was
    /// if that is a change.
    pub(super) fn own_all(&mut self) -> Option<Vec<String>> {
        let fields = self.fields.clone();
        owned::extend(self.common(), &fields)
    }

    /// The same for an update that corrects `drift`.
    pub(super) fn own_touched(&mut self, drift: &Drift) -> Option<Vec<String>> {
        let fields = owned::touched(&self.fields, drift);
        owned::extend(self.common(), &fields)
    }

    /// A write did not take effect: what it was to set is as much the object's as `before`.
    pub(super) fn disown(&mut self, before: Option<Vec<String>>) {
        if let Some(before) = before {
            self.common().owned_fields = before;
        }
    }

    /// The remote is as the object asks, but for what can't be reset.
    pub(super) fn settle(&mut self, left: &Drift) {
        self.cx.breaker.reset(&self.identity.uid);
        self.common().intent = None;
        if self.manages() {
            owned::settle(self.status.common_mut(), &self.fields, left);
        }
    }
}
