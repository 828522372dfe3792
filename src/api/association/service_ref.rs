//! Which configurations need a `serviceRef`, as the catalog says.

use schemars::Schema;
use serde_json::{Value, json};

use crate::api::catalog::{CONFIGURATIONS, ServiceOf};
use crate::api::schema;

/// Keys of the configurations that are not for a registered service.
fn without() -> Vec<&'static str> {
    let without = CONFIGURATIONS.iter().filter(|row| row.service.types().is_empty());
    without.map(|row| row.key).collect()
}

/// Keys of the configurations that may be for a registered service, and need not be.
fn either() -> Vec<&'static str> {
    let either = CONFIGURATIONS.iter().filter(|row| matches!(row.service, ServiceOf::Either(..)));
    either.map(|row| row.key).collect()
}

/// A CEL rule against a `serviceRef` that means nothing.
pub fn forbidden() -> Value {
    let without = schema::any_of("self.configuration", &without());
    schema::rule(
        ".serviceRef",
        &format!("!has(self.serviceRef) || !({without})"),
        "this configuration is not for a registered service: omit serviceRef",
    )
}

/// A CEL rule against an association without its service.
pub fn required() -> Value {
    let omitted: Vec<&str> = either().into_iter().chain(without()).collect();
    schema::rule(
        ".serviceRef",
        &format!("has(self.serviceRef) || {}", schema::any_of("self.configuration", &omitted)),
        "serviceRef must name the ServiceRegistration that the configuration is for",
    )
}

/// Says in the description of `serviceRef` when it must and when it can be omitted.
pub fn describe(schema: &mut Schema) {
    let text = format!(
        "The ServiceRegistration to connect. It must be omitted for the configurations {}, and can be omitted for {}. \
         Changing it recreates the association, with a new webhook.",
        list(&without()),
        list(&either()),
    );
    schema.insert("description".into(), json!(text));
}

/// For example `a, b and c`.
fn list(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
