//! The other readings of what the service leaves undocumented.

use devops_agent_simulator::switches::{
    AssociateExisting, ConnectionExists, DeleteMissing, DuplicateService, EnableExisting, ListOrder,
    OperatorAppAbsent, Refusal, SpaceDeletion, Spelling, WebhookOnUpdate,
};

use crate::harness::enumeration::Reading;

/// Each differs from the simulator's defaults.
pub const READINGS: &[Reading] = &[
    Reading { name: "associate-new-id", set: |it| it.associate_existing = AssociateExisting::NewId },
    Reading { name: "associate-conflict", set: |it| it.associate_existing = AssociateExisting::Conflict },
    Reading { name: "associate-refused", set: |it| it.associate_existing = AssociateExisting::Refuse },
    Reading { name: "overwrite-shows-secret", set: |it| it.overwrite_returns_secret = true },
    Reading {
        name: "update-shows-secret",
        set: |it| it.update_returns_webhook = WebhookOnUpdate::WithSecret,
    },
    Reading { name: "lists-lag", set: |it| it.list_lag_ms = 400 },
    Reading { name: "newest-first", set: |it| it.list_order = ListOrder::Newest },
    Reading { name: "one-a-page", set: |it| it.page_size = 1 },
    Reading { name: "deregister-later", set: |it| it.deregister_cooldown_ms = 500 },
    Reading {
        name: "deregister-validation",
        set: |it| {
            it.deregister_in_use = Refusal::Validation;
            it.deregister_cooldown_ms = 300;
        },
    },
    Reading { name: "roles-later", set: |it| it.role_check_fails_ms = 500 },
    Reading {
        name: "duplicates-refused",
        set: |it| {
            it.duplicate_service = DuplicateService::Conflict;
            it.connection_exists = ConnectionExists::Validation;
        },
    },
    Reading { name: "space-cascades", set: |it| it.space_deletion = SpaceDeletion::Cascade },
    Reading {
        name: "app-empty",
        set: |it| {
            it.operator_app_absent = OperatorAppAbsent::Empty;
            it.enable_existing = EnableExisting::Replace;
        },
    },
    Reading { name: "delete-missing-succeeds", set: |it| it.delete_missing = DeleteMissing::Succeed },
    Reading {
        name: "gone-is-denied",
        set: |it| {
            it.gone_space = Refusal::AccessDenied;
            it.unknown_service = Refusal::Validation;
        },
    },
    Reading { name: "other-spelling", set: |it| it.spelling = Spelling::Other },
    Reading { name: "associations-settle", set: |it| it.association_settle_ms = 200 },
];
