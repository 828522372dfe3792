//! The scripts.

mod account;
mod change;
mod create;
mod delete;
mod lists;
mod objects;
mod owned;
mod readings;
mod recover;
mod rotate;
mod walk;

pub use readings::READINGS;

use crate::harness::enumeration::{Home, Scenario};

/// A scenario from its name and its script.
macro_rules! scenario {
    ($name:literal, $script:path) => {
        Scenario { name: $name, script: |run| Box::pin($script(run)), readings: false, home: Home::Shared }
    };
}

/// The random walk.
pub fn walk() -> Scenario {
    scenario!("walk", walk::script)
}

/// Every scenario.
pub fn all() -> Vec<Scenario> {
    vec![
        scenario!("first-start", create::first_start).at(Home::FirstStart),
        scenario!("create-space", create::space),
        scenario!("create-registration", create::registration).under_readings(),
        scenario!("create-association", create::association).under_readings(),
        scenario!("create-event-channel", create::event_channel),
        scenario!("create-source", create::source).under_readings(),
        scenario!("create-connection", create::connection),
        scenario!("create-asset", create::asset),
        scenario!("create-trigger", create::trigger),
        scenario!("edit-space-once-made", create::space_edited),
        scenario!("edit-source-once-made", create::source_edited),
        scenario!("edit-asset-once-made", create::asset_edited),
        scenario!("edit-trigger-once-made", create::trigger_edited),
        scenario!("create-everything", create::everything),
        scenario!("change-space", change::space),
        scenario!("drop-a-field", change::drop_field),
        scenario!("change-operator-app", change::operator_app).under_readings(),
        scenario!("change-association", change::association).under_readings(),
        scenario!("change-asset", change::asset).under_readings(),
        scenario!("change-connection", change::connection),
        scenario!("suspend-trigger", change::suspend),
        scenario!("change-schedule", change::schedule),
        scenario!("change-while-under-way", change::while_under_way),
        scenario!("rotate-client-secret", rotate::client_secret),
        scenario!("rotate-token", rotate::token).under_readings(),
        scenario!("rotate-there-and-back", rotate::there_and_back),
        scenario!("rotate-webhook", rotate::webhook).under_readings(),
        scenario!("lose-webhook-secret", rotate::lost_webhook_secret),
        scenario!("rename-webhook-secret", rotate::webhook_secret_name),
        scenario!("webhook-secret-refused", rotate::webhook_secret_refused),
        scenario!("webhook-secret-unwritable", rotate::webhook_secret_unwritable),
        scenario!("delete-one-by-one", delete::one_by_one),
        scenario!("delete-parents-first", delete::parents_first).under_readings(),
        scenario!("delete-namespace", delete::namespace).at(Home::Own),
        scenario!("delete-while-made", delete::while_made),
        scenario!("delete-once-made", delete::once_made).under_readings(),
        scenario!("delete-space-once-made", delete::space_once_made).under_readings(),
        scenario!("delete-while-replaced", delete::while_replaced).under_readings(),
        scenario!("delete-past-the-finalizer", delete::past_the_finalizer),
        scenario!("delete-after-lost-status", delete::after_lost_status),
        scenario!("delete-retained", delete::retained),
        scenario!("lose-status", recover::lost_status),
        scenario!("lose-status-of-others", recover::lost_status_of_others),
        scenario!("rebuild-from-git", recover::rebuilt),
        scenario!("rebuild-with-backup", recover::restored),
        scenario!("take-out-paused", recover::taken_out).under_readings(),
        scenario!("let-go-and-take-back", recover::retained),
        scenario!("move-namespace", recover::moved).at(Home::Two),
        scenario!("association-gone", recover::association_gone),
        scenario!("space-gone", recover::space_gone),
        scenario!("drift", recover::drift),
        scenario!("adopt", owned::adopted),
        scenario!("adopt-registration", owned::registration_adopted),
        scenario!("create-in-observed-space", owned::association_in_observed_space),
        scenario!("refuse", owned::refused),
        scenario!("refuse-foreign", owned::foreign),
        scenario!("observe", owned::observed),
        scenario!("external-id-edited", owned::renamed_in_spec),
        scenario!("external-id-given", owned::named_later),
        scenario!("adopt-and-replace", owned::adopted_and_replaced),
        scenario!("rewrite-status", recover::rewritten_status),
        scenario!("delete-without-inputs", recover::without_inputs),
        scenario!("find-on-later-pages", lists::later_pages),
        scenario!("account-becomes-another", account::becomes_another),
    ]
}
