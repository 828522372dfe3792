//! `plan`: what the operator would do in AWS, and why not more. It writes nothing anywhere, unless it is asked to
//! approve.
//!
//! ```text
//! files, cluster → preview (the operator's own code on a replica) → outlook (what happens to each object) → written
//! ```

mod claims;
mod concluded;
mod consequences;
mod focus;
mod left_behind;
mod outlook;
mod preview;
mod relations;

mod written;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::reconcile::graph::references::ACCOUNT;
use crate::reconcile::state::annotations::APPROVE;

use super::account_access;
use super::cluster::{self, Cluster, failed, kinds_of_ours};
use super::exit::Exit;
use super::manifests::{Files, Manifests};
use super::output::{self, Paint};
use super::validate::{self, Validator};
use super::{Error, block_on};

use self::outlook::{Approval, Entry, Fate};
use self::preview::{Applied, Settings};

/// Arguments of `plan`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// What would happen if these files were applied: file, folder with its subfolders, or `-` for standard input. May be
    /// repeated. Without it: what happens to the objects that are in the cluster.
    #[arg(short, long = "filename", value_name = "FILE")]
    filename: Vec<PathBuf>,

    /// Don't use a cluster: the files are all there is, and what they describe is looked up in AWS.
    #[arg(long, requires = "filename", conflicts_with_all = ["context", "approve"])]
    no_cluster: bool,

    #[command(flatten)]
    cluster: cluster::Flags,

    /// The namespaces that the operator watches, if it was told to (`--watch-namespace` of `run`), comma-separated. Others
    /// are none of its business, and not looked at. May be repeated.
    #[arg(long, value_name = "NAMESPACE", value_delimiter = ',')]
    watch_namespace: Vec<String>,

    #[command(flatten)]
    aws: account_access::Flags,

    /// Namespace of the operator, whose key tells whether values of Secrets have changed.
    #[arg(long, default_value = "devops-agent-operator")]
    operator_namespace: String,

    /// ID of the cluster in the tags of what the operator owns, if the operator was given one.
    #[arg(long, env = "CLUSTER_ID")]
    cluster_id: Option<String>,

    /// How to print the plan.
    #[arg(short, long, value_enum, default_value_t = written::Format::Text)]
    output: written::Format,

    /// Exit with 2 if something would change in AWS.
    #[arg(long)]
    exit_code: bool,

    /// Approve the changes shown that wait for approval. Nothing else is written.
    #[arg(long)]
    approve: bool,

    /// How long it may take, in seconds.
    #[arg(long, default_value_t = 600)]
    timeout: u64,
}

/// Makes the plan and prints it.
pub fn run(arguments: Arguments, no_color: bool) -> Result<Exit, Error> {
    block_on(Box::pin(made(arguments, no_color)))
}

async fn made(arguments: Arguments, no_color: bool) -> Result<Exit, Error> {
    let cluster = if arguments.no_cluster { None } else { Some(arguments.cluster.connect().await?) };
    let namespace = cluster.as_ref().map_or_else(
        || arguments.cluster.namespace.clone().unwrap_or_else(|| "default".to_owned()),
        |cluster| cluster.namespace.clone(),
    );
    let manifests = read(&arguments.filename, &namespace)?;
    let validator = Validator::new()?;
    let Some(applied) = applied(&validator, &manifests)? else { return Ok(Exit::Invalid) };
    let access = cluster.as_ref().map(Cluster::again);
    let all = arguments.cluster.all_namespaces || !arguments.filename.is_empty();
    let watched: BTreeSet<String> =
        arguments.watch_namespace.into_iter().filter(|name| !name.is_empty()).collect();
    are_watched(&watched, (!all).then_some(&namespace), &applied)?;
    let settings = Settings {
        namespace: (!all).then(|| namespace.clone()),
        aws: arguments.aws.reader().await?.into_factory(),
        cluster,
        operator_namespace: arguments.operator_namespace,
        cluster_id: arguments.cluster_id,
        watched,
        limit: Duration::from_secs(arguments.timeout),
    };
    let shown = preview::run(settings, &applied).await?;
    let mut entries = outlook::entries(&shown);
    if !arguments.filename.is_empty() {
        entries = outlook::concerned(entries, &shown);
    } else if !arguments.cluster.all_namespaces {
        entries.retain(|entry| entry.namespace.is_empty() || entry.namespace == namespace);
    }
    if let Some(account) = &arguments.aws.account {
        entries.retain(|entry| entry.account.as_deref() == Some(account));
    }
    let mut notes = shown.notes.clone();
    if !shown.comparable && entries.iter().any(|entry| entry.action == Fate::Incomparable) {
        notes.push(format!(
            "the key of fingerprints in the namespace of the operator can't be read, so changed values of Secrets aren't seen; \
             ask for the permission to get the Secret {}, or set --operator-namespace",
            crate::operator::FINGERPRINT_SECRET
        ));
    }
    output::print(&written::plan(&entries, &notes, arguments.output, Paint::on_stdout(no_color))?)?;
    if arguments.approve
        && let Some(cluster) = access
    {
        approve(&cluster, &entries).await?;
    }
    Ok(exit(&entries, arguments.exit_code))
}

/// An operator does nothing about objects in namespaces that it doesn't watch, and neither does a plan.
fn are_watched(
    watched: &BTreeSet<String>,
    meant: Option<&String>,
    applied: &[Applied<'_>],
) -> Result<(), Error> {
    let files = applied.iter().map(|applied| applied.manifest);
    let ours = files.filter(|manifest| manifest.is_ours() && manifest.kind != ACCOUNT);
    let mut meant = meant.into_iter().chain(ours.map(|manifest| &manifest.namespace));
    let other = meant.find(|name| !watched.is_empty() && !watched.contains(*name));
    other.map_or(Ok(()), |name| {
        Err(Error::Usage(format!(
            "the namespace {name} isn't in --watch-namespace, so the operator does nothing there; add it, or leave it out of \
             the plan"
        )))
    })
}

fn read(filename: &[PathBuf], namespace: &str) -> Result<Manifests, Error> {
    if filename.is_empty() {
        return Ok(Manifests::default());
    }
    Files::new(filename.to_vec(), namespace).read()
}

/// The files' objects with their defaults. `None` if the API server would refuse one, which is reported.
fn applied<'a>(validator: &Validator, manifests: &'a Manifests) -> Result<Option<Vec<Applied<'a>>>, Error> {
    let report = validator.report(manifests, false);
    if report.summary.errors > 0 {
        output::complain(&report.rendered(validate::Format::Text, Paint::none())?);
        return Ok(None);
    }
    let kept = manifests.objects.iter().map(|manifest| {
        let object = validator.kept(manifest).unwrap_or_else(|| manifest.document.value.clone());
        Applied { manifest, object }
    });
    Ok(Some(kept.collect()))
}

/// Annotates the objects whose changes wait, with the hashes of just these changes.
async fn approve(cluster: &Cluster, entries: &[Entry]) -> Result<(), Error> {
    let kinds = kinds_of_ours()?;
    let mut early = BTreeSet::new();
    for entry in entries.iter().filter(|entry| entry.approval == Some(Approval::Required)) {
        let Some(hash) = entry.hash.as_ref().filter(|_| entry.waits) else {
            early.insert(entry.shown());
            continue;
        };
        let Some(kind) = kinds.iter().find(|kind| kind.kind == entry.kind) else { continue };
        let patch = Patch::Merge(json!({ "metadata": { "annotations": { APPROVE: hash } } }));
        let api = kind.api(&cluster.client, &entry.namespace);
        let patched = api.patch(&entry.name, &PatchParams::default(), &patch).await;
        patched.map_err(failed(&format!("approving the change of {}", entry.shown())))?;
        output::complain(&format!("approved the change of {}: {hash}\n", entry.shown()));
    }
    if early.is_empty() {
        return Ok(());
    }
    Err(Error::Missing(format!(
        "the operator doesn't wait for the change shown of {}; apply the files first, then approve",
        early.into_iter().collect::<Vec<_>>().join(", ")
    )))
}

fn exit(entries: &[Entry], wanted: bool) -> Exit {
    if entries.iter().any(|entry| entry.action == Fate::Refused) {
        Exit::Error
    } else if wanted && entries.iter().any(|entry| entry.action.is_change()) {
        Exit::Changes
    } else {
        Exit::Done
    }
}
