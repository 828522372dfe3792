//! `webhook`: a test incident through the webhook of an Association, and its address.

use std::fmt::Write;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::json;

use crate::api::Association;
use crate::aws::client::endpoints;
use crate::aws::{PlainHttp, Timeouts, connections};
use crate::reconcile::graph::references::webhook_secret;

use super::exit::Exit;
use super::incident::{Credential, Incident, Scheme, TIME};
use super::output::{Format, Versioned};
use super::{Error, block_on, cluster, output};

/// Arguments of `webhook`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Send a test incident, authenticated with the webhook's Secret.
    Send(Send),
    /// Print the webhook's URL.
    Url(Of),
}

/// Which Association.
#[derive(Debug, clap::Args)]
struct Of {
    /// Name of the Association.
    name: String,

    /// Context of the kubeconfig. Defaults to the current one.
    #[arg(long)]
    context: Option<String>,

    /// Namespace of the Association. Defaults to that of the context.
    #[arg(short, long)]
    namespace: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Send {
    #[command(flatten)]
    association: Of,

    /// Print the call and what is signed, and send nothing.
    #[arg(long)]
    dry_run: bool,

    /// ID of the incident. Defaults to a new one: AWS may drop one that it has seen before.
    #[arg(long)]
    incident_id: Option<String>,

    /// What happened to the incident.
    #[arg(long, default_value = "created", value_parser = ["created", "updated", "closed", "resolved"])]
    action: String,

    /// Its priority.
    #[arg(long, default_value = "LOW", value_parser = ["CRITICAL", "HIGH", "MEDIUM", "LOW", "MINIMAL"])]
    priority: String,

    /// Its title.
    #[arg(long, default_value = "Test incident of kubectl devopsagent: nothing is wrong")]
    title: String,

    /// More about it.
    #[arg(long)]
    description: Option<String>,

    /// The service that it is about.
    #[arg(long)]
    service: Option<String>,

    /// How to print what was sent.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
}

/// A webhook, as its Secret has it.
struct Webhook {
    secret_name: String,
    url: String,
    credential: Option<Credential>,
    kind: String,
}

/// Runs the command.
pub fn run(arguments: Arguments) -> Result<Exit, Error> {
    match arguments.command {
        Command::Url(association) => {
            let webhook = block_on(association.webhook())?;
            output::print(&format!("{}\n", webhook.url))?;
            Ok(Exit::Done)
        }
        Command::Send(send) => block_on(send.run()),
    }
}

impl Of {
    async fn webhook(&self) -> Result<Webhook, Error> {
        let flags = cluster::Flags {
            context: self.context.clone(),
            namespace: self.namespace.clone(),
            all_namespaces: false,
        };
        let cluster = flags.connect().await?;
        let namespace = &cluster.namespace;
        let associations: Api<Association> = Api::namespaced(cluster.client.clone(), namespace);
        let doing = format!("reading the Association {namespace}/{}", self.name);
        let association = associations.get_opt(&self.name).await.map_err(cluster::failed(&doing))?;
        let Some(association) = association else {
            return Err(Error::Missing(format!("there is no Association {namespace}/{}", self.name)));
        };
        let written = association.status.as_ref().and_then(|status| status.webhook.as_ref());
        let name = written
            .and_then(|webhook| webhook.secret_name.clone())
            .or_else(|| Some(association.spec.webhook.as_ref()?.secret_name.as_ref()?.to_string()))
            .unwrap_or_else(|| webhook_secret(&self.name));
        let secrets: Api<Secret> = Api::namespaced(cluster.client, namespace);
        let doing = format!("reading the Secret {namespace}/{name}");
        let secret = secrets.get_opt(&name).await.map_err(cluster::failed(&doing))?;
        let Some(secret) = secret else {
            return Err(Error::Missing(format!(
                "there is no Secret {namespace}/{name}: the Association {} has no webhook, or the operator hasn't \
                 written it yet; see its condition WebhookReady",
                self.name
            )));
        };
        Webhook::of(&name, &secret)
    }
}

impl Webhook {
    fn of(name: &str, secret: &Secret) -> Result<Self, Error> {
        let value = |key: &str| {
            let bytes = &secret.data.as_ref()?.get(key)?.0;
            String::from_utf8(bytes.clone()).ok().filter(|text| !text.is_empty())
        };
        let missing = |key: &str| {
            Error::Missing(format!(
                "the Secret {name} has no key {key}: spec.webhook.secretTemplate omits it, or it was removed; the \
                 operator writes it again unless defaultKeys is Omit"
            ))
        };
        let url = value("url").ok_or_else(|| missing("url"))?;
        let kind = value("type").ok_or_else(|| missing("type"))?;
        let credential = match Scheme::of(&kind) {
            None => None,
            Some(scheme) => {
                let value = value(scheme.key()).ok_or_else(|| missing(scheme.key()))?;
                Some(Credential { scheme, value: SecretString::from(value) })
            }
        };
        Ok(Self { secret_name: name.to_owned(), url, credential, kind })
    }
}

/// What was sent.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    url: String,
    incident_id: String,
    auth_version: &'static str,
    body: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
}

impl Send {
    async fn run(self) -> Result<Exit, Error> {
        let webhook = self.association.webhook().await?;
        let Some(credential) = &webhook.credential else {
            return Err(Error::Webhook(format!(
                "the webhook is of the type {}: only that service calls it, with events of its own; send a test event \
                 from there",
                webhook.kind
            )));
        };
        let time = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string();
        let id = self.incident_id.clone().unwrap_or_else(|| format!("kubectl-devopsagent-{time}"));
        let body = serde_json::to_string(&Incident {
            event_type: "incident",
            id: &id,
            action: &self.action,
            priority: &self.priority,
            title: &self.title,
            description: self.description.as_deref(),
            timestamp: &time,
            service: self.service.as_deref(),
        })
        .map_err(Error::Schema)?;
        let status =
            if self.dry_run { None } else { Some(post(&webhook.url, credential, &time, &body).await?) };
        let auth_version = credential.scheme.version();
        let sent = Sent { url: webhook.url.clone(), incident_id: id, auth_version, body, status };
        let summary = json!({ "sent": !self.dry_run, "accepted": status == Some(200) });
        let document = Versioned::new("WebhookCall", &summary, &sent);
        output::print(&match self.output {
            Format::Table => sent.shown(credential, &time, &webhook.secret_name),
            Format::Json => document.json()?,
            Format::Yaml => document.yaml()?,
        })?;
        match status {
            None | Some(200) => Ok(Exit::Done),
            Some(status) => Err(Error::Webhook(refused(status, &webhook))),
        }
    }
}

async fn post(url: &str, credential: &Credential, time: &str, body: &str) -> Result<u16, Error> {
    let refuse = |error: String| Error::Webhook(format!("{url}: {error}"));
    endpoints::check_other(url, "the webhook's URL", PlainHttp::Loopback)
        .map_err(|error| refuse(error.to_string()))?;
    let timeouts = Timeouts::default();
    let http = connections(timeouts).map_err(|error| refuse(error.to_string()))?;
    let (name, value) = credential.header(time, body);
    let request = http
        .post(url)
        .timeout(timeouts.call)
        .header("content-type", "application/json")
        .header(TIME, time)
        .header(name, value.expose_secret())
        .body(body.to_owned());
    // The error of a request names its address, and nothing that was sent.
    let answer = request.send().await.map_err(|error| refuse(error.without_url().to_string()))?;
    Ok(answer.status().as_u16())
}

/// What a status other than 200 means.
fn refused(status: u16, webhook: &Webhook) -> String {
    let why = match status {
        401 | 403 => format!(
            "the Secret {} doesn't have the webhook's secret (any more); set spec.webhook.rotation to issue a new one",
            webhook.secret_name
        ),
        404 | 410 => "there is no such webhook (any more); see the Association's conditions".to_owned(),
        429 => "too many calls; try again later".to_owned(),
        500.. => "the service failed; try again later".to_owned(),
        _ => "the incident wasn't accepted".to_owned(),
    };
    format!("{} answered with status {status}: {why}", webhook.url)
}

impl Sent {
    fn shown(&self, credential: &Credential, time: &str, secret_name: &str) -> String {
        let Self { url, incident_id, .. } = self;
        match self.status {
            None => self.planned(credential, time, secret_name),
            Some(200) => format!(
                "sent the incident {incident_id} to {url}: status 200\n\
                 The call was authenticated and queued; an investigation may follow.\n"
            ),
            Some(status) => format!("sent the incident {incident_id} to {url}: status {status}\n"),
        }
    }

    /// The call that would be made.
    fn planned(&self, credential: &Credential, time: &str, secret_name: &str) -> String {
        let Self { url, body, .. } = self;
        let mut text = format!("POST {url}\ncontent-type: application/json\n{TIME}: {time}\n");
        let (name, value) = credential.header(time, body);
        let _ = match credential.scheme {
            Scheme::Hmac => writeln!(
                text,
                "{name}: {}\n\n{body}\n\nThe signature is the base64 of HMAC-SHA256, with the key secret of the Secret \
                 {secret_name}, of:\n{time}:{body}",
                value.expose_secret()
            ),
            Scheme::Bearer => {
                writeln!(text, "{name}: Bearer (the key token of the Secret {secret_name})\n\n{body}")
            }
        };
        text + "Nothing was sent.\n"
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::ByteString;

    use super::*;

    fn secret(entries: &[(&str, &str)]) -> Secret {
        let entry = |(key, value): &(&str, &str)| ((*key).to_owned(), ByteString(value.as_bytes().to_vec()));
        Secret { data: Some(entries.iter().map(entry).collect()), ..Secret::default() }
    }

    fn sent(kind: &str, key: &str) -> String {
        let url = "https://example.com/webhook/1";
        let webhook =
            Webhook::of("hook", &secret(&[("url", url), ("type", kind), (key, "s3cr3t-v4lue")])).unwrap();
        let credential = webhook.credential.unwrap();
        let sent = Sent {
            url: webhook.url,
            incident_id: "1".to_owned(),
            auth_version: credential.scheme.version(),
            body: "{}".to_owned(),
            status: None,
        };
        let text = sent.shown(&credential, "2026-06-08T10:00:00.000Z", "hook");
        assert!(!text.contains("s3cr3t"), "{text}");
        text
    }

    #[test]
    fn a_dry_run_says_what_is_signed_and_shows_no_secret() {
        let signed = sent("hmac", "secret");
        assert!(
            signed.contains("2026-06-08T10:00:00.000Z:{}") && signed.contains("x-amzn-event-signature: ")
        );
        assert!(sent("apikey", "token").contains("Bearer (the key token of the Secret hook)"));
    }

    #[test]
    fn a_secret_without_its_keys_says_which_and_one_of_a_service_has_no_credential() {
        let refusal =
            |entries: &[(&str, &str)]| Webhook::of("hook", &secret(entries)).err().unwrap().to_string();
        assert!(refusal(&[("type", "hmac")]).contains("no key url"));
        assert!(refusal(&[("url", "u"), ("type", "hmac"), ("token", "t")]).contains("no key secret"));
        let gitlab =
            Webhook::of("hook", &secret(&[("url", "u"), ("type", "gitlab"), ("secret", "s")])).unwrap();
        assert!(gitlab.credential.is_none());
    }

    #[tokio::test]
    async fn a_token_is_never_sent_in_the_clear() {
        let credential = Credential { scheme: Scheme::Bearer, value: "t".to_owned().into() };
        let error = post("http://example.com/webhook", &credential, "now", "{}").await.unwrap_err();
        assert!(error.to_string().contains("unencrypted"), "{error}");
    }
}
