//! What the incident tools need outside of the cluster: webhooks that answer.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::text;

use super::aws_side::answer;
use super::checkup::Check;

const WEBHOOKS: &str = "webhooks";
/// So many are named.
const NAMED: usize = 3;

/// Whether the servers of the Associations' webhooks answer. Only their roots are asked for: no incident is sent.
pub async fn webhooks(objects: &[Value]) -> Vec<Check> {
    let servers = servers(objects);
    if servers.is_empty() {
        return vec![Check::skipped(WEBHOOKS, "no Association has one")];
    }
    let mut checks = Vec::new();
    for (server, associations) in servers {
        let names = text::some_of(associations.iter().map(String::as_str), NAMED);
        checks.push(match server {
            Server::At(origin) => match answer(&origin).await {
                Ok(_) => Check::ok(WEBHOOKS, format!("{origin} answers (Association {names})")),
                Err(why) => {
                    let what = "check the network and the proxy between the sender of incidents and AWS";
                    Check::failed(WEBHOOKS, format!("{origin}: {why} (Association {names})"), what)
                }
            },
            Server::Unreadable => Check::failed(
                WEBHOOKS,
                format!("the address in the status of Association {names} is no URL"),
                "see the condition WebhookReady",
            ),
        });
    }
    checks
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Server {
    At(String),
    Unreadable,
}

/// The servers of webhooks, and whose they are.
fn servers(objects: &[Value]) -> BTreeMap<Server, BTreeSet<String>> {
    let mut servers: BTreeMap<Server, BTreeSet<String>> = BTreeMap::new();
    for object in objects.iter().filter(|object| object["kind"] == "Association") {
        let Some(url) = object.pointer("/status/webhook/url").and_then(Value::as_str) else { continue };
        let origin = reqwest::Url::parse(url).ok().map(|url| url.origin().ascii_serialization());
        let server = origin.filter(|origin| origin != "null").map_or(Server::Unreadable, Server::At);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let metadata = &object["metadata"];
        let name = format!("{}/{}", text(&metadata["namespace"]), text(&metadata["name"]));
        servers.entry(server).or_default().insert(name);
    }
    servers
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ctl::doctor::checkup::Verdict;

    fn association(name: &str, url: &str) -> Value {
        json!({"kind": "Association", "metadata": {"name": name, "namespace": "team"}, "status": {"webhook": {"url": url}}})
    }

    #[test]
    fn each_server_is_asked_once_and_without_the_webhooks_path() {
        let objects = [
            association("a", "https://hooks.example.com/webhook/secret-1"),
            association("b", "https://hooks.example.com/webhook/secret-2"),
            association("c", "no URL"),
            json!({"kind": "Association", "metadata": {"name": "without"}}),
        ];
        let found = servers(&objects);
        let hooks = &found[&Server::At("https://hooks.example.com".to_owned())];
        assert_eq!(hooks.iter().map(String::as_str).collect::<Vec<_>>(), ["team/a", "team/b"]);
        assert_eq!(found[&Server::Unreadable].len(), 1);
    }

    #[tokio::test]
    async fn a_server_that_does_not_answer_fails_with_whose_it_is() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let checks = webhooks(&[association("a", "http://127.0.0.1:1/webhook")]).await;
        assert_eq!(checks[0].verdict, Verdict::Failed);
        assert!(
            checks[0].message.contains("http://127.0.0.1:1") && checks[0].message.contains("team/a"),
            "{checks:?}"
        );
        assert_eq!(webhooks(&[]).await[0].verdict, Verdict::Skipped);
    }
}
