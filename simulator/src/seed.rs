//! What every account and region starts with: services that only the console can register.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::store::{Region, Service};

/// Id of the GitHub service.
pub const GITHUB: &str = "github-console-0001";
/// Id of the Slack service.
pub const SLACK: &str = "slack-console-0001";
/// Id of the Azure service.
pub const AZURE: &str = "azure-console-0001";
/// Id of the Azure DevOps service.
pub const AZURE_DEVOPS: &str = "azuredevops-console-0001";
/// Id of the MS Teams service.
pub const MS_TEAMS: &str = "msteams-console-0001";

/// A fresh region.
pub(crate) fn region(now: Timestamp) -> Region {
    let mut region = Region::default();
    let github = json!({"github": {"owner": "example-org", "ownerType": "organization"}});
    let slack = json!({"slack": {"teamId": "T0EXAMPLE1", "teamName": "example-workspace"}});
    let azure_devops = json!({"azuredevops": {"organizationName": "example-org"}});
    for (id, kind, details) in [
        (GITHUB, "github", Some(github)),
        (SLACK, "slack", Some(slack)),
        (AZURE, "azure", None),
        (AZURE_DEVOPS, "azuredevops", Some(azure_devops)),
        (MS_TEAMS, "msteams", None),
    ] {
        let service = console_service(id, kind, details, region.next(), now);
        region.services.insert(id.to_owned(), service);
    }
    region
}

fn console_service(id: &str, kind: &str, details: Option<Value>, sequence: u64, now: Timestamp) -> Service {
    Service {
        service_id: id.to_owned(),
        sequence,
        service_type: kind.to_owned(),
        name: None,
        accessible_resources: Vec::new(),
        additional_service_details: details,
        kms_key_arn: None,
        private_connection_name: None,
        target_url_private_connection_name: None,
        exchange_url_private_connection_name: None,
        tags: crate::store::Tags::new(),
        created_at: now,
        updated_at: now,
        origin: "console".to_owned(),
        registration: None,
    }
}
