//! The names of AWS's operations, from method and path, by the simulator's copy of the service model.

use std::sync::LazyLock;

use serde_json::Value;

struct Route {
    name: &'static str,
    method: &'static str,
    parts: Vec<&'static str>,
}

static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
    let model: Value =
        serde_json::from_str(include_str!("../../../simulator/model.json")).expect("it is JSON");
    let model: &'static Value = Box::leak(Box::new(model));
    let operations = model["operations"].as_object().expect("the model has operations");
    let text = |value: &'static Value| value.as_str().unwrap_or_default();
    let mut routes: Vec<Route> = operations
        .iter()
        .map(|(name, operation)| Route {
            name,
            method: text(&operation["http"]["method"]),
            parts: text(&operation["http"]["requestUri"]).trim_matches('/').split('/').collect(),
        })
        .collect();
    // A literal goes before a label.
    routes.sort_by_key(|route| route.parts.iter().filter(|part| part.starts_with('{')).count());
    routes
});

/// The operation that a request is for.
pub fn operation(method: &str, path: &str) -> &'static str {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let found = ROUTES.iter().find(|route| route.method == method && matches(&route.parts, &parts));
    found.map_or("an unknown operation", |route| route.name)
}

/// The operation of STS that a form asks for.
pub fn sts_operation(form: &[u8]) -> &'static str {
    let form = String::from_utf8_lossy(form);
    let known = ["AssumeRole", "GetCallerIdentity"];
    let found = known.into_iter().find(|name| form.split('&').any(|pair| pair == format!("Action={name}")));
    found.unwrap_or("an unknown operation of STS")
}

fn matches(route: &[&str], parts: &[&str]) -> bool {
    match (route, parts) {
        ([], []) => true,
        ([label, ..], [_, ..]) if label.ends_with("+}") => true,
        ([label, route @ ..], [_, parts @ ..]) if label.starts_with('{') => matches(route, parts),
        ([word, route @ ..], [part, parts @ ..]) => word == part && matches(route, parts),
        _ => false,
    }
}

/// Whether an operation can change something.
pub fn is_mutating(operation: &str) -> bool {
    !["Get", "List", "Describe", "Validate", "Assume"].iter().any(|verb| operation.starts_with(verb))
}
