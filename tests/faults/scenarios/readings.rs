//! The other readings of what the service leaves undocumented.

use std::time::Duration;

use devops_agent_simulator::Switches;
use devops_agent_simulator::switches::{
    AssociateExisting, ConnectionExists, DeleteMissing, DuplicateService, EnableExisting, ListOrder,
    OperatorAppAbsent, Refusal, SpaceDeletion, Spelling, WebhookOnUpdate,
};

use crate::harness::enumeration::Reading;

/// Each differs from the simulator's defaults.
pub const READINGS: &[Reading] = &[
    reading("associate-new-id", |it| it.associate_existing = AssociateExisting::NewId),
    reading("associate-conflict", |it| it.associate_existing = AssociateExisting::Conflict),
    reading("associate-refused", |it| it.associate_existing = AssociateExisting::Refuse),
    reading("overwrite-shows-secret", |it| it.overwrite_returns_secret = true),
    reading("update-shows-secret", |it| it.update_returns_webhook = WebhookOnUpdate::WithSecret),
    reading("lists-lag", |it| it.list_lag_ms = 400),
    // Everything is listed again and again, and shown as it was before the last writes.
    Reading {
        refresh: Some(Duration::from_millis(150)),
        ..reading("rounds-that-lag", |it| it.list_lag_ms = 400)
    },
    // Objects are seen later than the Secrets that belong to them.
    Reading { watch_lag: Some(Duration::from_millis(300)), ..reading("watches-that-lag", |_| {}) },
    reading("newest-first", |it| it.list_order = ListOrder::Newest),
    reading("one-a-page", |it| it.page_size = 1),
    reading("deregister-later", |it| it.deregister_cooldown_ms = 500),
    reading("deregister-validation", |it| {
        it.deregister_in_use = Refusal::Validation;
        it.deregister_cooldown_ms = 300;
    }),
    reading("roles-later", |it| it.role_check_fails_ms = 500),
    reading("duplicates-refused", |it| {
        it.duplicate_service = DuplicateService::Conflict;
        it.connection_exists = ConnectionExists::Validation;
    }),
    reading("space-cascades", |it| it.space_deletion = SpaceDeletion::Cascade),
    reading("app-empty", |it| {
        it.operator_app_absent = OperatorAppAbsent::Empty;
        it.enable_existing = EnableExisting::Replace;
    }),
    reading("delete-missing-succeeds", |it| it.delete_missing = DeleteMissing::Succeed),
    reading("gone-is-denied", |it| {
        it.gone_space = Refusal::AccessDenied;
        it.unknown_service = Refusal::Validation;
    }),
    reading("other-spelling", |it| it.spelling = Spelling::Other),
    reading("associations-settle", |it| it.association_settle_ms = 200),
];

const fn reading(name: &'static str, set: fn(&mut Switches)) -> Reading {
    Reading { name, set, refresh: None, watch_lag: None }
}
