//! `status`: how the objects of a cluster are, as trees, and what to fix first.

mod causes;
mod follow;
mod forest;
mod lines;
mod named_kind;
mod overview;
mod snapshot;
pub mod standing;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use clap::ValueEnum;
use k8s_openapi::jiff::Timestamp;

use crate::reconcile::state::subject::Subject;

use super::exit::Exit;
use super::manifests::Files;
use super::output::{self, Paint, Versioned};
use super::{Error, block_on, cluster};

pub use self::causes::meaning;
use self::forest::Forest;
use self::lines::Style;
use self::overview::Picture;
use self::snapshot::Snapshot;

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Only this object and what is in it: KIND/NAME, or KIND NAME. The kind may be plural or short, as for kubectl.
    #[arg(value_name = "KIND/NAME", num_args = 0..=2)]
    object: Vec<String>,

    #[command(flatten)]
    cluster: cluster::Flags,

    /// File, folder with its subfolders, or `-` for standard input, with the objects and their status, as
    /// `kubectl get devopsagent -A -o yaml` prints them, instead of a cluster. May be repeated.
    #[arg(short, long = "filename", value_name = "FILE", conflicts_with = "watch")]
    filename: Vec<PathBuf>,

    /// Go on, and show what changes: on a terminal the trees again, elsewhere a line for each change.
    #[arg(short, long)]
    watch: bool,

    /// End with 2 if there is something to fix, or to wait for.
    #[arg(long, conflicts_with = "watch")]
    exit_code: bool,

    /// How to print.
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Trees, and what to fix.
    Text,
    /// For programs. With --watch, then a line for each change.
    Json,
    /// For programs. With --watch, then a document for each change.
    Yaml,
}

/// Runs the command.
pub fn run(arguments: &Arguments, no_color: bool) -> Result<Exit, Error> {
    let chosen = named_kind::chosen(&arguments.object)?;
    let style = Style { paint: Paint::on_stdout(no_color), now: None };
    if !arguments.filename.is_empty() {
        let snapshot = of_files(arguments)?;
        let chosen =
            chosen.map(|chosen| chosen.within(arguments.cluster.namespace.as_deref().unwrap_or("default")));
        return show(arguments, &snapshot, chosen.as_ref(), style);
    }
    block_on(async {
        let cluster = arguments.cluster.connect().await?;
        let chosen = chosen.map(|chosen| chosen.within(&cluster.namespace));
        let everywhere = arguments.cluster.all_namespaces;
        if arguments.watch {
            let place = follow::Place { everywhere: everywhere || chosen.is_some(), chosen: chosen.as_ref() };
            return follow::follow(&cluster, place, arguments.output, style).await;
        }
        let snapshot = snapshot::read(&cluster, everywhere, chosen.as_ref()).await?;
        if snapshot.objects.is_empty() {
            eprintln!("There are no objects of the operator in {}.", place(everywhere, &cluster.namespace));
        }
        let style = Style { now: Some(Timestamp::now()), ..style };
        show(arguments, &snapshot, chosen.as_ref(), style)
    })
}

fn place(everywhere: bool, namespace: &str) -> String {
    if everywhere {
        "the cluster".to_owned()
    } else {
        format!("the namespace {namespace}; --all-namespaces shows those of all")
    }
}

fn of_files(arguments: &Arguments) -> Result<Snapshot, Error> {
    let namespace = arguments.cluster.namespace.as_deref().unwrap_or("default");
    let objects = Files::new(arguments.filename.clone(), namespace).ours()?;
    Ok(Snapshot { objects, ..Snapshot::default() })
}

fn show(
    arguments: &Arguments,
    snapshot: &Snapshot,
    chosen: Option<&Subject>,
    style: Style,
) -> Result<Exit, Error> {
    let forest = Forest::of(&snapshot.objects, &snapshot.unreadable);
    if let Some(chosen) = chosen
        && !forest.nodes.contains_key(chosen)
    {
        return Err(Error::Missing(format!("there is no {chosen}")));
    }
    let picture = Picture::of(&forest, chosen);
    output::print(&printed(&picture, arguments.output, style)?)?;
    let is_well = picture.causes.is_empty();
    Ok(if arguments.exit_code && !is_well { Exit::Changes } else { Exit::Done })
}

/// The whole picture.
fn printed(picture: &Picture<'_>, format: Format, style: Style) -> Result<String, Error> {
    let (summary, report) = (picture.summary(), picture.report());
    let document = Versioned::new("Status", &summary, &report);
    match format {
        Format::Text => Ok(lines::whole(picture, style)),
        Format::Json => document.json(),
        Format::Yaml => document.yaml(),
    }
}
