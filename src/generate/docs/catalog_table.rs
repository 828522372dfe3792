//! The table of what can be connected to a space, from the catalog.

use std::fmt::Write;

use serde_json::Value;

use crate::api::catalog::{self, CONFIGURATIONS, ConfigurationRow, RegisteredBy};
use crate::kinds;

/// Every configuration, with what it connects, who registers its service, and its webhook.
pub fn table() -> String {
    let mut text = String::from(
        "| configuration | what it connects | registered by | webhook |\n| --- | --- | --- | --- |\n",
    );
    let crds = kinds::crds().unwrap_or_default();
    let association = crds.iter().find(|crd| crd["spec"]["names"]["kind"] == "Association");
    let members = association.and_then(|crd| {
        crd.pointer(
            "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/configuration/properties",
        )
    });
    for row in CONFIGURATIONS {
        let member = members.map_or(&Value::Null, |members| &members[row.key]);
        let description = member["description"].as_str().unwrap_or_default();
        let _ = writeln!(
            text,
            "| [`{}`]({}) | {description} | {} | {} |",
            row.key,
            row.page,
            registered_by(row),
            webhook(row)
        );
    }
    text
}

/// For example `the console (azure), YAML (azureidentity)`.
fn registered_by(row: &ConfigurationRow) -> String {
    let types = row.service.types();
    let ways = types.iter().map(|service_type| {
        let service = catalog::service(service_type);
        let way = match (service.registered_by, service.is_one_an_account) {
            (RegisteredBy::Console, _) => "the console",
            (RegisteredBy::Yaml, true) => "YAML, once per account",
            (RegisteredBy::Yaml, false) => "YAML",
        };
        // The type says nothing new where it is the configuration's own name.
        if types == [row.key] { way.to_owned() } else { format!("{way} (`{service_type}`)") }
    });
    let nothing = row.service.word().map(|_| "nothing to register".to_owned());
    nothing.into_iter().chain(ways).collect::<Vec<_>>().join(", or ")
}

fn webhook(row: &ConfigurationRow) -> String {
    let types = row.webhook.map_or(&[][..], |webhook| webhook.types);
    let types: Vec<String> = types.iter().map(|kind| format!("`{kind}`")).collect();
    if types.is_empty() { "–".to_owned() } else { types.join(" or ") }
}
