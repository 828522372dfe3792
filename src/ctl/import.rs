//! `import`: YAML for what exists in an account and region.
//!
//! ```text
//! AWS → account_tree (reads) → chosen (selection, whole trees) → naming → drafting (each kind's inverse mapping,
//!   unknowns filled in, checked by the CRDs) → documents (a stream, or files)
//! ```

mod account_tree;
mod chosen;
mod documents;
mod drafting;
mod migrated;
mod naming;
mod unknowns;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use clap::ValueEnum;

use crate::api::AWSAccount;
use crate::aws::Client;
use crate::kinds;
use crate::reconcile::graph::references::ACCOUNT;
use crate::text;

use super::account_access::{self, accounts_among};
use super::cluster::{self, kinds_of_ours};
use super::exit::Exit;
use super::manifests::Files;
use super::{Error, block_on, output};

use self::account_tree::Tree;
use self::chosen::Selection;
use self::drafting::{Draft, Drafting, Mode};
use self::migrated::{Migrated, Tool};

/// Arguments of `import`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Kinds to write, for example `AgentSpace`. Defaults to all.
    #[arg(value_name = "KIND")]
    kinds: Vec<String>,

    /// Only this agent space, by name or ID, with everything in it and everything that it uses. May be repeated.
    #[arg(long, value_name = "NAME|ID")]
    space: Vec<String>,

    /// Only the resource with this ID (a private connection's is its name), with everything that it uses. May be repeated.
    #[arg(long, value_name = "ID")]
    id: Vec<String>,

    /// Only what has this tag, with everything that it uses. May be repeated: all of them must match.
    #[arg(long, value_name = "KEY=VALUE", value_parser = tag)]
    tag: Vec<(String, String)>,

    /// Only what Terraform or CloudFormation manages, under the names that it has there, with everything that it uses. FILE is
    /// a state file (`terraform state pull`), or what `aws cloudformation describe-stack-resources` prints; `-` is standard
    /// input.
    #[arg(long, num_args = 2, value_names = ["terraform|cloudformation", "FILE"])]
    from: Vec<String>,

    /// Let the objects manage what they describe. By default, they only observe it.
    #[arg(long)]
    manage: bool,

    /// Namespace of the objects. By default, they have none, and get the one they are applied to.
    #[arg(short, long)]
    namespace: Option<String>,

    /// Write a file for each object to this directory, and a `kustomization.yaml`. It must be empty or not exist.
    #[arg(short, long, value_name = "DIR")]
    output_dir: Option<PathBuf>,

    #[command(flatten)]
    aws: account_access::Flags,

    /// File or folder with the AWSAccount of `--account`. By default, it is read from the cluster.
    #[arg(short, long = "filename", value_name = "FILE", requires = "account")]
    filename: Vec<PathBuf>,

    /// Context of the kubeconfig, for `--account`. Defaults to the current one.
    #[arg(long, requires = "account")]
    context: Option<String>,
}

/// What couldn't be imported.
#[derive(Debug, Default)]
pub struct Troubles(Vec<String>);

impl Troubles {
    /// Reports a resource that is left out.
    fn add(&mut self, what: &str, why: &str) {
        let message = text::plain(&format!("{what}: {why}")).into_owned();
        eprintln!("error: {message}");
        self.0.push(message);
    }
}

/// Prints or writes the objects.
pub fn run(arguments: &Arguments) -> Result<Exit, Error> {
    let kinds = arguments.kinds.iter().map(|kind| known_kind(kind)).collect::<Result<Vec<_>, _>>()?;
    if let Some(folder) = &arguments.output_dir {
        documents::check_folder(folder)?;
    }
    let mut troubles = Troubles::default();
    let drafts = block_on(drafts(arguments, &kinds, &mut troubles))?;
    match &arguments.output_dir {
        Some(folder) => documents::write(folder, &drafts)?,
        None => output::print(&documents::stream(&drafts)?)?,
    }
    Ok(if troubles.0.is_empty() { Exit::Done } else { Exit::Error })
}

async fn drafts(
    arguments: &Arguments,
    kinds: &[&'static str],
    troubles: &mut Troubles,
) -> Result<Drafts, Error> {
    let accounts = accounts(arguments).await?;
    let account = arguments.aws.chosen(&accounts)?;
    let aws = arguments.aws.reader().await?.client(account).await?;
    let from = match arguments.from.as_slice() {
        [tool, file] => Some((tool_named(tool)?, PathBuf::from(file))),
        _ => None,
    };
    let selection = Selection {
        spaces: arguments.space.clone(),
        ids: arguments.id.clone(),
        tags: arguments.tag.clone(),
        from,
    };
    let mode = Mode {
        manage: arguments.manage,
        namespace: arguments.namespace.clone(),
        account: arguments.aws.account.clone(),
    };
    let mut drafts = import(&aws, &selection, &mode, troubles).await?;
    drafts.objects.retain(|draft| kinds.is_empty() || kinds.contains(&draft.kind));
    Ok(drafts)
}

/// The objects for what is selected of an account and region.
async fn import(
    aws: &Client,
    selection: &Selection,
    mode: &Mode,
    troubles: &mut Troubles,
) -> Result<Drafts, Error> {
    let account =
        aws.account_id().await.inspect_err(|error| eprintln!("note: {}", text::plain(&error.to_string())));
    let tree = Tree::read(aws, troubles).await?;
    let migrated = match &selection.from {
        Some((tool, file)) => Migrated::read(*tool, file, &tree, troubles)?,
        None => Migrated::default(),
    };
    let chosen = selection.among(&tree, &migrated)?;
    let contents = tree.contents(aws, &chosen, troubles).await;
    let objects = Drafting::new(&tree, &migrated, mode, aws.region())?.drafts(&chosen, &contents, troubles);
    Ok(Drafts { account: account.ok(), region: aws.region().to_owned(), objects })
}

/// What is written.
pub struct Drafts {
    account: Option<String>,
    region: String,
    objects: Vec<Draft>,
}

/// The AWSAccounts that `--account` may name.
async fn accounts(arguments: &Arguments) -> Result<Vec<AWSAccount>, Error> {
    if arguments.aws.account.is_none() {
        return Ok(Vec::new());
    }
    if !arguments.filename.is_empty() {
        let files = Files::new(arguments.filename.clone(), "default").read()?;
        return Ok(accounts_among(files.objects.iter().map(|object| &object.document.value)));
    }
    let flags = cluster::Flags { context: arguments.context.clone(), namespace: None, all_namespaces: false };
    let cluster = flags.connect().await?;
    let mut found = Vec::new();
    for kind in kinds_of_ours()?.iter().filter(|kind| kind.kind == ACCOUNT) {
        found.extend(cluster.list(kind, None).await?);
    }
    Ok(accounts_among(&found))
}

/// The kind that is meant, whatever its case.
fn known_kind(given: &str) -> Result<&'static str, Error> {
    let importable = || kinds::names().into_iter().filter(|kind| *kind != ACCOUNT);
    let is_meant = |kind: &&'static str| {
        kind.eq_ignore_ascii_case(given) || format!("{kind}s").eq_ignore_ascii_case(given)
    };
    importable().find(is_meant).ok_or_else(|| Error::Kind {
        given: given.to_owned(),
        known: importable().collect::<Vec<_>>().join(", "),
    })
}

fn tool_named(given: &str) -> Result<Tool, Error> {
    Tool::from_str(given, true).map_err(|_| {
        Error::Usage(format!("--from {given}: must be terraform or cloudformation, then a file"))
    })
}

fn tag(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("must have the form KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}
