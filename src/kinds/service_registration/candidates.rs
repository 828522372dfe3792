//! Which registered services may be an object's own, or block it: decided by what lists show, so that only those have
//! to be read individually for their tags.

use jiff::{SignedDuration, Timestamp};

use crate::api::ServiceRegistrationStatus;
use crate::api::common::Status;
use crate::aws::operations::RegisteredService;
use crate::reconcile::state::existence::Existence;

/// By how much the clocks of AWS and of the API server may differ.
const SLACK: SignedDuration = SignedDuration::from_mins(10);

/// What is known about the searching object.
#[derive(Clone, Copy, Debug)]
pub struct Seeker {
    /// When it was created.
    pub made: Option<Timestamp>,
    /// Whether it has the finalizer: it may have a remote although status doesn't say so.
    pub held: bool,
}

/// What is known about a service in a list, seen from the object.
#[derive(Clone, Copy, Debug)]
pub struct Listed {
    /// Whether it matches what the object describes; unknown if lists say too little about it.
    pub same: Option<bool>,
    /// Whether another object of the cluster has recorded it as its own.
    pub recorded: bool,
    /// Whether another object's service may block this one.
    pub exclusive: bool,
    /// When it was registered.
    pub created: Option<Timestamp>,
}

impl Seeker {
    /// Whether the service's tags have to be read.
    ///
    /// What matches is adopted, or blocks the object. Anything else can only be the object's own from before an edit.
    /// Status names that, unless a response or status itself was lost; or it was created when a person opened the
    /// authorization URL, and is younger than the object.
    pub fn must_read(&self, service: &Listed, status: &ServiceRegistrationStatus) -> bool {
        if service.recorded {
            return service.same != Some(false) && service.exclusive;
        }
        service.same != Some(false)
            || self.may_have_any(status)
            || (status.authorization_url.is_some() && self.is_younger(service.created))
    }

    /// Whether status can't say which remote the object has.
    fn may_have_any(&self, status: &ServiceRegistrationStatus) -> bool {
        let common = status.common();
        common.intent.is_some() || (self.held && Existence::recorded_in(common) == Existence::Unknown)
    }

    fn is_younger(&self, created: Option<Timestamp>) -> bool {
        match (created, self.made) {
            (Some(created), Some(made)) => made.duration_since(created) <= SLACK,
            _ => true,
        }
    }
}

/// When a service was registered, according to the list.
pub fn created(service: &RegisteredService) -> Option<Timestamp> {
    service.created_at.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::common::{CommonStatus, Intent};

    const HOUR: SignedDuration = SignedDuration::from_hours(1);

    fn now() -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }

    fn seeker() -> Seeker {
        Seeker { made: Some(now()), held: false }
    }

    fn old() -> Listed {
        Listed { same: Some(false), recorded: false, exclusive: true, created: Some(now() - HOUR) }
    }

    fn status(common: CommonStatus) -> ServiceRegistrationStatus {
        ServiceRegistrationStatus { common, ..ServiceRegistrationStatus::default() }
    }

    #[test]
    fn of_a_full_account_a_new_object_reads_what_may_concern_it_only() {
        let status = status(CommonStatus::default());
        let must_read = |service: Listed| seeker().must_read(&service, &status);
        assert!(!must_read(old()));
        assert!(!must_read(Listed { recorded: true, ..old() }));
        assert!(!must_read(Listed { recorded: true, created: Some(now() + HOUR), ..old() }));
        assert!(must_read(Listed { same: Some(true), ..old() }), "it may be adopted, or be in the way");
        assert!(must_read(Listed { same: None, ..old() }), "it may well be its own");
        assert!(!must_read(Listed { created: Some(now() + HOUR), ..old() }), "it has sent nothing");
    }

    #[test]
    fn who_waits_for_a_person_reads_what_is_younger() {
        let mut status = status(CommonStatus { account: Some(String::new()), ..CommonStatus::default() });
        status.authorization_url = Some("https://example.com/authorize".to_owned());
        let must_read = |service: Listed| seeker().must_read(&service, &status);
        assert!(!must_read(old()));
        assert!(must_read(Listed { created: Some(now() + HOUR), ..old() }));
        assert!(must_read(Listed { created: Some(now() - SLACK / 2), ..old() }), "clocks differ");
        assert!(must_read(Listed { created: None, ..old() }));
        assert!(!must_read(Listed { recorded: true, created: None, ..old() }));
    }

    #[test]
    fn what_another_has_is_read_only_where_it_may_be_in_the_way() {
        let status = status(CommonStatus::default());
        let recorded = Listed { recorded: true, same: Some(true), ..old() };
        assert!(seeker().must_read(&recorded, &status));
        assert!(!seeker().must_read(&Listed { exclusive: false, ..recorded }, &status));
    }

    #[test]
    fn when_status_can_not_tell_all_that_nobody_has_are_read() {
        let intent = Intent { operation: "RegisterService".to_owned(), fingerprint: None, sought: None };
        let lost_answer = status(CommonStatus { intent: Some(intent), ..CommonStatus::default() });
        assert!(seeker().must_read(&old(), &lost_answer));
        let lost_status = status(CommonStatus::default());
        assert!(Seeker { held: true, ..seeker() }.must_read(&old(), &lost_status));
        assert!(!seeker().must_read(&Listed { recorded: true, ..old() }, &lost_answer));
        let absent = status(CommonStatus { account: Some(String::new()), ..CommonStatus::default() });
        assert!(
            !Seeker { held: true, ..seeker() }.must_read(&old(), &absent),
            "AWS was asked: there is none"
        );
    }
}
