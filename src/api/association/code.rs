//! Configurations for code hosts, and for the release reviews that run on them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::common::ObjectRef;
use crate::api::scalars::{AssociationId, DisplayName, PrivateConnectionName, RoleArn};
use crate::api::schema;
use crate::api::union::union;

/// A GitHub repository (`GitHubConfiguration`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    schema::at_most_one(&["releaseManagementAssociationRef", "releaseManagementAssociationId"]),
]))]
pub struct GitHub {
    /// Name of the repository, for example `shop`.
    #[schemars(extend("x-standard" = "no-case"))]
    pub repo_name: String,

    /// ID of the repository, in quotes, as returned in `id` by GitHub's API.
    pub repo_id: String,

    /// Organization or user that owns the repository, for example `example-org`.
    #[schemars(extend("x-standard" = "no-case"))]
    pub owner: String,

    /// Type of the owner: organization or user.
    pub owner_type: GitHubOwnerType,

    /// GitHub Enterprise Server instance that hosts the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_identifier: Option<String>,

    /// Deprecated: set the role in an association with the configuration `releaseManagement`, and refer to it
    /// with `releaseManagementAssociationRef`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_role_arn: Option<RoleArn>,

    /// The Association with the configuration `releaseManagement` that release reviews of the
    /// repository use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_management_association_ref: Option<ObjectRef>,

    /// AWS ID of that association, instead of `releaseManagementAssociationRef`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_management_association_id: Option<AssociationId>,
}

/// Type of the owner of a GitHub repository (`GithubRepoOwnerType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GitHubOwnerType {
    Organization,
    User,
}

/// A GitLab project (`GitLabConfiguration`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    schema::at_most_one(&["releaseManagementAssociationRef", "releaseManagementAssociationId"]),
]))]
pub struct GitLabProject {
    /// ID of the project, in quotes, for example `"1234"`.
    pub project_id: String,

    /// Path of the project, for example `example-group/shop`.
    pub project_path: String,

    /// GitLab instance that hosts the project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_identifier: Option<String>,

    /// Deprecated: set the role in an association with the configuration `releaseManagement`, and refer to it
    /// with `releaseManagementAssociationRef`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_role_arn: Option<RoleArn>,

    /// The Association with the configuration `releaseManagement` that release reviews of the project
    /// use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_management_association_ref: Option<ObjectRef>,

    /// AWS ID of that association, instead of `releaseManagementAssociationRef`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_management_association_id: Option<AssociationId>,
}

/// An Azure DevOps project (`AzureDevOpsConfiguration`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AzureDevOps {
    /// Name of the organization.
    #[schemars(extend("x-standard" = "no-case"))]
    pub organization_name: String,

    /// ID of the project.
    #[schemars(extend("x-standard" = "no-case"))]
    pub project_id: String,

    /// Name of the project.
    pub project_name: String,
}

/// How release reviews reach what they test (`ReleaseManagementConfiguration`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseManagement {
    /// Display name, unique in the space, for example `staging`.
    pub name: DisplayName,

    /// The network that the tests run in: exactly one kind.
    pub network_access: NetworkAccess,
}

union! {
    /// The network that tests run in (`NetworkAccessConfiguration`).
    pub enum NetworkAccess {
        /// Through a private connection.
        "privateAccess" => PrivateAccess(PrivateAccess),
    }
}

/// A network behind a private connection (`PrivateNetworkAccess`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    schema::exactly_one(&["privateConnectionRef", "privateConnectionName"]),
]))]
pub struct PrivateAccess {
    /// The PrivateConnection to go through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_connection_ref: Option<ObjectRef>,

    /// AWS name of a private connection that has no PrivateConnection object, instead of
    /// `privateConnectionRef`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_connection_name: Option<PrivateConnectionName>,

    /// IAM role that the tests run with.
    pub runtime_role_arn: RoleArn,
}
