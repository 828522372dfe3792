//! What the service leaves undocumented, as settings.
//!
//! Clients must work with every value. The defaults are the readings that are hardest on a client without being
//! implausible; the README has the table.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Which error rejects a request whose error type isn't documented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// `ConflictException`
    Conflict,
    /// `ValidationException`
    Validation,
    /// `InvalidParameterException`
    InvalidParameter,
    /// `AccessDeniedException`
    AccessDenied,
    /// `ResourceNotFoundException`
    NotFound,
}

impl Refusal {
    /// The error of this type.
    pub fn error(self, message: impl Into<String>) -> crate::error::ApiError {
        let code = match self {
            Self::Conflict => "ConflictException",
            Self::Validation => "ValidationException",
            Self::InvalidParameter => "InvalidParameterException",
            Self::AccessDenied => "AccessDeniedException",
            Self::NotFound => "ResourceNotFoundException",
        };
        crate::error::ApiError::new(code, message)
    }
}

/// A choice between named readings.
macro_rules! choice {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $($(#[$doc])* $variant),+ }
    };
}

choice! {
    /// `AssociateService` over an association that matches.
    AssociateExisting {
        /// Overwritten in place: same id, same webhook.
        SameId,
        /// Replaced: new id, new webhook with its secret.
        NewId,
        /// `ConflictException`
        Conflict,
        /// `ValidationException`
        Refuse,
    }
}
choice! {
    /// What makes two associations of a space the same.
    AssociationIdentity {
        /// Service id and natural key of the configuration.
        NaturalKey,
        /// Service id alone, except for AWS accounts.
        Service,
    }
}
choice! {
    /// The service id of associations with an AWS Organization.
    OrganizationService {
        /// The word `aws`, as for single accounts.
        Aws,
        /// `aws` is accepted, and `aws-organization` returned.
        Own,
    }
}
choice! {
    /// What makes two associations with an AWS Organization the same.
    OrganizationIdentity {
        /// The organizational unit.
        Unit,
        /// The space: it has one at most.
        Space,
    }
}
choice! {
    /// The accounts of a unit in responses.
    OrganizationList {
        /// Those that were listed.
        AsGiven,
        /// All that it has, where none were listed.
        FilledIn,
    }
}
choice! {
    /// What a change of a space's AWS source mode means for associations of the other mode.
    SourceModeChange {
        /// They keep working.
        Keep,
        /// The change is refused with `ConflictException`.
        Refuse,
        /// They become `invalid`.
        Invalidate,
    }
}
choice! {
    /// What `UpdateAssociation` says about the webhook.
    WebhookOnUpdate {
        /// Nothing.
        Never,
        /// Id, URL and type.
        WithoutSecret,
        /// The secret too.
        WithSecret,
    }
}
choice! {
    /// A second registration of the same type with the same name or endpoint.
    DuplicateService {
        /// Accepted, with its own id.
        Allow,
        /// `ConflictException`
        Conflict,
    }
}
choice! {
    /// `CreatePrivateConnection` with a name that is taken.
    ConnectionExists {
        /// `ConflictException`
        Conflict,
        /// `ValidationException`
        Validation,
        /// `InvalidParameterException`
        InvalidParameter,
        /// The same input gets the existing one back; other input is a conflict.
        Existing,
    }
}
choice! {
    /// `GetOperatorApp` when nothing is enabled.
    OperatorAppAbsent {
        /// `ResourceNotFoundException`
        NotFound,
        /// An empty object.
        Empty,
    }
}
choice! {
    /// `EnableOperatorApp` for a flow that is enabled already.
    EnableExisting {
        /// `ConflictException`
        Conflict,
        /// The new input replaces the old.
        Replace,
    }
}
choice! {
    /// `DisableOperatorApp` without `authFlow` when several flows are enabled.
    DisableWithoutFlow {
        /// All of them go.
        All,
        /// `ValidationException`
        Validation,
    }
}
choice! {
    /// A client token that comes again with other input.
    TokenReuse {
        /// `ConflictException`
        Conflict,
        /// `ValidationException`
        Validation,
        /// The first answer is repeated.
        FirstAnswer,
    }
}
choice! {
    /// A null in the metadata of an asset update.
    MetadataNull {
        /// The old value stays.
        Keep,
        /// The key is removed.
        Remove,
        /// `ValidationException`
        Validation,
    }
}
choice! {
    /// Whether something is allowed.
    Permission {
        /// It is.
        Allow,
        /// It is refused.
        Refuse,
    }
}
choice! {
    /// Whether the values of sensitive headers come back.
    HeaderValues {
        /// Every value reads `****`.
        Masked,
        /// As they were given.
        Clear,
    }
}
choice! {
    /// The `serviceId` that a `releaseManagement` association takes.
    ReleaseManagementService {
        /// The word `releaseManagement` or the id of a GitHub or GitLab service.
        Any,
        /// Only the word.
        Literal,
        /// Only the id of a GitHub or GitLab service.
        Repository,
    }
}
choice! {
    /// What stops an agent space from being deleted.
    SpaceDeletion {
        /// Associations, assets and triggers.
        BlockedByChildren,
        /// Associations only; the rest goes with the space.
        BlockedByAssociations,
        /// Nothing; everything goes with the space.
        Cascade,
    }
}
choice! {
    /// The order of list results.
    ListOrder {
        /// Oldest first.
        Created,
        /// Newest first.
        Newest,
        /// By id.
        Id,
    }
}
choice! {
    /// Type of the webhooks whose type is chosen in the console (event channel and MCP servers).
    GenericWebhook {
        /// Signed with HMAC.
        Hmac,
        /// With a bearer token.
        Apikey,
    }
}
choice! {
    /// Members of a request that the model doesn't have.
    Unknown {
        /// `ValidationException`, to find mistakes in clients.
        Reject,
        /// Skipped, as by the real service.
        Ignore,
    }
}
choice! {
    /// Deleting what isn't there.
    DeleteMissing {
        /// `ResourceNotFoundException`
        NotFound,
        /// Success, since these operations are idempotent.
        Succeed,
    }
}

/// All switches; names in JSON are in camel case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Switches {
    /// `AssociateService` over an association that matches.
    pub associate_existing: AssociateExisting,
    /// What makes two associations the same.
    pub association_identity: AssociationIdentity,
    /// Whether an overwrite in place shows the webhook secret again.
    pub overwrite_returns_secret: bool,
    /// What `UpdateAssociation` says about the webhook.
    pub update_returns_webhook: WebhookOnUpdate,
    /// How long a new AWS association stays `pending-confirmation`.
    pub association_settle_ms: u64,
    /// How long a deployment to the accounts of an organization takes.
    pub deployment_ms: u64,
    /// Number of accounts in an organization or unit that are not listed.
    pub organization_accounts: u64,
    /// Which accounts of a unit are given back.
    pub organization_list: OrganizationList,
    /// The service id of associations with an organization.
    pub organization_service: OrganizationService,
    /// What makes two associations with an organization the same.
    pub organization_identity: OrganizationIdentity,
    /// What a change of the AWS source mode means for associations of the other mode.
    pub source_mode_change: SourceModeChange,
    /// Associations of the other AWS source mode than the space's.
    pub source_mode_mismatch: Permission,
    /// Associating with a service that doesn't exist.
    pub unknown_service: Refusal,
    /// The `serviceId` of a `releaseManagement` association.
    pub release_management_service: ReleaseManagementService,
    /// Type of event channel and MCP server webhooks.
    pub generic_webhook: GenericWebhook,
    /// How old a signed incident may be; 0 takes any age.
    pub webhook_tolerance_ms: u64,
    /// `CreatePrivateConnection` with a taken name.
    pub connection_exists: ConnectionExists,
    /// Deleting a private connection that is in use.
    pub connection_in_use: Refusal,
    /// How long a private connection takes to come up, and to be deleted.
    pub settle_ms: u64,
    /// Deregistering a service that has associations.
    pub deregister_in_use: Refusal,
    /// How long deregistering is still refused after the last disassociation.
    pub deregister_cooldown_ms: u64,
    /// Registering the same name or endpoint twice.
    pub duplicate_service: DuplicateService,
    /// Registering a second event channel.
    pub second_event_channel: Refusal,
    /// How long an authorization URL can be opened.
    pub authorization_lifetime_ms: u64,
    /// Values of the custom headers of an MCP server with `SigV4`.
    pub sigv4_headers: HeaderValues,
    /// `GetOperatorApp` when nothing is enabled.
    pub operator_app_absent: OperatorAppAbsent,
    /// Enabling a flow that is on.
    pub enable_existing: EnableExisting,
    /// Disabling without naming a flow.
    pub disable_without_flow: DisableWithoutFlow,
    /// A client token with other input.
    pub token_reuse: TokenReuse,
    /// How long client tokens are remembered.
    pub token_lifetime_ms: u64,
    /// Null in asset metadata.
    pub metadata_null: MetadataNull,
    /// A second asset with the natural key of another.
    pub duplicate_asset: DuplicateAsset,
    /// Deleting the last file of an asset.
    pub delete_last_file: Permission,
    /// Deleting an asset that a trigger names.
    pub delete_triggered_asset: Permission,
    /// Whether a trigger's action must name an existing custom agent.
    pub action_needs_agent: bool,
    /// The answer of data-plane operations when the space is gone.
    pub gone_space: Refusal,
    /// The answer of file operations when the file is gone.
    pub gone_file: Refusal,
    /// What stops an agent space from being deleted.
    pub space_deletion: SpaceDeletion,
    /// Deleting what isn't there.
    pub delete_missing: DeleteMissing,
    /// Order of list results.
    pub list_order: ListOrder,
    /// How long lists don't show a write.
    pub list_lag_ms: u64,
    /// Most results on a page, whatever the client asks for.
    pub page_size: usize,
    /// How answers spell values.
    pub spelling: Spelling,
    /// How long a role can't be assumed after it is first named.
    pub role_check_fails_ms: u64,
    /// Members that the model doesn't have.
    pub unknown_members: Unknown,
    /// Whether `AssumeRole` is denied.
    pub deny_assume_role: bool,
    /// How long the service takes for each call of its API.
    pub latency_ms: u64,
    /// How many calls a second it lets an account make in a region; 0 for any number.
    pub requests_per_second: u32,
}

choice! {
    /// A second asset with the natural key of another.
    DuplicateAsset {
        /// `ConflictException`
        Conflict,
        /// `ValidationException`
        Validation,
        /// Accepted.
        Allow,
    }
}

choice! {
    /// How answers spell values.
    Spelling {
        /// As they were sent.
        AsSent,
        /// Otherwise: case, last slashes, order, and defaults in open documents.
        Other,
    }
}

const HOUR_MS: u64 = 3_600_000;

impl Default for Switches {
    fn default() -> Self {
        Self {
            associate_existing: AssociateExisting::SameId,
            association_identity: AssociationIdentity::NaturalKey,
            overwrite_returns_secret: false,
            update_returns_webhook: WebhookOnUpdate::Never,
            association_settle_ms: 0,
            deployment_ms: 1500,
            organization_accounts: 3,
            organization_list: OrganizationList::AsGiven,
            organization_service: OrganizationService::Aws,
            organization_identity: OrganizationIdentity::Unit,
            source_mode_change: SourceModeChange::Invalidate,
            source_mode_mismatch: Permission::Refuse,
            unknown_service: Refusal::NotFound,
            release_management_service: ReleaseManagementService::Any,
            generic_webhook: GenericWebhook::Hmac,
            webhook_tolerance_ms: 0,
            connection_exists: ConnectionExists::Conflict,
            connection_in_use: Refusal::Conflict,
            settle_ms: 1500,
            deregister_in_use: Refusal::Conflict,
            deregister_cooldown_ms: 0,
            duplicate_service: DuplicateService::Allow,
            second_event_channel: Refusal::Conflict,
            authorization_lifetime_ms: HOUR_MS,
            sigv4_headers: HeaderValues::Masked,
            operator_app_absent: OperatorAppAbsent::NotFound,
            enable_existing: EnableExisting::Conflict,
            disable_without_flow: DisableWithoutFlow::All,
            token_reuse: TokenReuse::Conflict,
            token_lifetime_ms: 8 * HOUR_MS,
            metadata_null: MetadataNull::Keep,
            duplicate_asset: DuplicateAsset::Conflict,
            delete_last_file: Permission::Allow,
            delete_triggered_asset: Permission::Allow,
            action_needs_agent: true,
            gone_space: Refusal::NotFound,
            gone_file: Refusal::NotFound,
            space_deletion: SpaceDeletion::BlockedByChildren,
            delete_missing: DeleteMissing::NotFound,
            list_order: ListOrder::Created,
            list_lag_ms: 0,
            page_size: 100,
            spelling: Spelling::AsSent,
            role_check_fails_ms: 0,
            unknown_members: Unknown::Reject,
            deny_assume_role: false,
            latency_ms: 0,
            requests_per_second: 0,
        }
    }
}

impl Switches {
    /// The switches with some of them changed; an error names the bad one and the values that it takes.
    pub fn with(&self, changes: &Map<String, Value>) -> Result<Self, String> {
        let mut all = serde_json::to_value(self).map_err(|error| error.to_string())?;
        for (name, value) in changes {
            let mut one = all.clone();
            one[name] = value.clone();
            serde_json::from_value::<Self>(one).map_err(|error| format!("switch {name}: {error}"))?;
            all[name] = value.clone();
        }
        serde_json::from_value(all).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn change(name: &str, value: Value) -> Result<Switches, String> {
        Switches::default().with(&Map::from_iter([(name.to_owned(), value)]))
    }

    #[test]
    fn one_switch_changes_and_the_others_stay() {
        let changed = change("associateExisting", json!("new-id")).unwrap();
        assert_eq!(changed.associate_existing, AssociateExisting::NewId);
        assert_eq!(changed.settle_ms, 1500);
    }

    #[test]
    fn a_bad_name_or_value_is_named() {
        assert!(change("colour", json!(1)).unwrap_err().contains("colour"));
        assert!(change("listOrder", json!("random")).unwrap_err().contains("newest"));
    }

    #[test]
    fn the_readme_documents_every_switch() {
        let readme = include_str!("../README.md");
        let all = serde_json::to_value(Switches::default()).unwrap();
        for name in all.as_object().unwrap().keys() {
            assert!(readme.contains(&format!("`{name}`")), "README.md lacks the switch {name}");
        }
    }
}
