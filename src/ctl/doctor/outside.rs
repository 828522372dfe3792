//! What the agent and the incident tools need outside of the cluster: webhooks that answer, and access to EKS.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::text;

use super::aws_side::answer;
use super::checkup::Check;

const WEBHOOKS: &str = "webhooks";
const EKS: &str = "EKS access entries";
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

/// Whether the agent can look into the cluster: which can't be seen here, but how to is said.
pub fn eks(git_version: &str, objects: &[Value]) -> Check {
    if !git_version.contains("-eks-") {
        return Check::skipped(EKS, "this cluster isn't EKS");
    }
    let associations = objects.iter().filter(|object| object["kind"] == "Association");
    let roles = associations.filter_map(|object| {
        let configuration = object.pointer("/spec/configuration")?.as_object()?;
        configuration.values().find_map(|one| one["assumableRoleArn"].as_str())
    });
    let roles: BTreeSet<&str> = roles.collect();
    if roles.is_empty() {
        return Check::skipped(EKS, "no Association gives the agent a role");
    }
    let commands: Vec<String> = roles
        .iter()
        .take(NAMED)
        .map(|role| {
            format!("aws eks describe-access-entry --cluster-name NAME --principal-arn {}", text::plain(role))
        })
        .collect();
    Check::unknown(
        EKS,
        "not checked: whether the agent's role may look into this cluster is only known to EKS",
        &format!("if the agent is to look into it: {}", commands.join("; ")),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ctl::doctor::checkup::Verdict;

    fn association(name: &str, url: &str) -> Value {
        json!({"kind": "Association", "metadata": {"name": name, "namespace": "team"}, "status": {"webhook": {"url": url}},
               "spec": {"configuration": {"aws": {"assumableRoleArn": "arn:aws:iam::123456789012:role/agent"}}}})
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

    #[test]
    fn access_to_eks_is_not_checked_and_the_command_is_said() {
        let objects = [association("a", "https://example.com")];
        assert_eq!(eks("v1.33.1", &objects).verdict, Verdict::Skipped);
        assert_eq!(eks("v1.33.1-eks-1234", &[]).verdict, Verdict::Skipped);
        let check = eks("v1.33.1-eks-1234", &objects);
        assert_eq!(check.verdict, Verdict::Unknown);
        assert!(
            check.what_to_do.contains("--principal-arn arn:aws:iam::123456789012:role/agent"),
            "{check:?}"
        );
    }
}
