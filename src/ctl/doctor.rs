//! `doctor`: checks the installation, from the cluster to AWS. Nothing is changed anywhere.

mod access_entries;
mod aws_side;
mod checkup;
mod crd_versions;
mod installation;
mod outside;
mod permissions;

use clap::ValueEnum;
use k8s_openapi::jiff::Timestamp;
use serde_json::Value;

use super::cluster::Cluster;
use super::eks_name::EksName;
use super::exit::Exit;
use super::output::{self, Paint};
use super::{Error, account_access, block_on, cluster};

use self::checkup::{Check, Checkup};
use self::installation::Installed;

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    cluster: cluster::Flags,

    /// Namespace of the operator. Defaults to all, which you have to be allowed to list Deployments in.
    #[arg(long, value_name = "NAMESPACE")]
    operator_namespace: Option<String>,

    /// Service account of an operator that the chart hasn't installed, as NAMESPACE/NAME.
    #[arg(long, value_name = "NAMESPACE/NAME", value_parser = service_account)]
    service_account: Option<(String, String)>,

    #[command(flatten)]
    aws: account_access::Flags,

    /// Name of this cluster in EKS, if the kubeconfig doesn't say it.
    #[arg(long, value_name = "NAME")]
    eks_cluster: Option<String>,

    /// Don't look at AWS.
    #[arg(long)]
    without_aws: bool,

    /// How to print.
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A line for each check, and one with what to do.
    Text,
    /// For programs.
    Json,
    /// For programs.
    Yaml,
}

fn service_account(text: &str) -> Result<(String, String), String> {
    let names = text.split_once('/').filter(|(namespace, name)| !namespace.is_empty() && !name.is_empty());
    let (namespace, name) = names.ok_or_else(|| "has to be NAMESPACE/NAME".to_owned())?;
    Ok((namespace.to_owned(), name.to_owned()))
}

/// Runs the command.
pub fn run(arguments: &Arguments, no_color: bool) -> Result<Exit, Error> {
    let checkup = block_on(arguments.checkup())?;
    output::print(&checkup.printed(arguments.output, Paint::on_stdout(no_color))?)?;
    Ok(if checkup.has_failed() { Exit::Error } else { Exit::Done })
}

impl Arguments {
    async fn checkup(&self) -> Result<Checkup, Error> {
        let mut checkup = Checkup::default();
        let objects = match self.cluster.connect().await {
            Ok(cluster) => self.cluster_checks(&cluster, &mut checkup).await?,
            Err(error) => {
                let what = "set KUBECONFIG, or name a context with --context";
                checkup.add([Check::failed("cluster", error.to_string(), what)]);
                Vec::new()
            }
        };
        if self.without_aws {
            checkup.add([Check::skipped("AWS", "left out by --without-aws")]);
            return Ok(checkup);
        }
        let accounts = account_access::accounts_among(&objects);
        match self.aws.chosen(&accounts) {
            Ok(account) => checkup.add(Box::pin(aws_side::checks(&self.aws, account)).await),
            Err(error) => {
                checkup.add([Check::failed("AWS settings", error.to_string(), "correct --account")]);
            }
        }
        Ok(checkup)
    }

    /// What is about the cluster. Returns the objects that there are.
    async fn cluster_checks(&self, cluster: &Cluster, checkup: &mut Checkup) -> Result<Vec<Value>, Error> {
        let version = cluster.client.apiserver_version().await;
        let version = match version.map_err(cluster::failed("asking for the version of the cluster")) {
            Ok(version) => version.git_version,
            Err(error) => {
                let what = "check the kubeconfig, the network and your credentials: kubectl version";
                checkup.add([Check::failed("cluster", error.to_string(), what)]);
                return Ok(Vec::new());
            }
        };
        checkup.add([installation::cluster_version(&version), crd_versions::check(cluster).await?]);
        self.operator_checks(cluster, checkup).await;
        let namespace = (!self.cluster.all_namespaces).then_some(cluster.namespace.as_str());
        checkup.add([permissions::user(&cluster.client, namespace).await]);
        let objects = match self.objects(cluster, namespace).await {
            Ok(objects) => objects,
            Err(error) => {
                checkup.add([Check::unreadable("objects", &error)]);
                return Ok(Vec::new());
            }
        };
        checkup.add([installation::looked_at(&objects, Timestamp::now())]);
        checkup.add(installation::accounts(&objects, self.aws.account.as_deref()));
        checkup.add(outside::webhooks(&objects).await);
        let name = self.eks_cluster.clone().or_else(|| cluster.eks.name.clone());
        let named = EksName { name, region: cluster.eks.region.clone() };
        match access_entries::roles(&version, &objects) {
            Err(nothing) => checkup.add([nothing]),
            Ok(_) if self.without_aws => {}
            Ok(roles) => checkup.add(access_entries::checks(&self.aws, &named, &roles).await),
        }
        Ok(objects)
    }

    async fn operator_checks(&self, cluster: &Cluster, checkup: &mut Checkup) {
        let namespace = self.operator_namespace.as_deref();
        match installation::find(cluster, namespace).await {
            Ok(found) if found.is_empty() => checkup.add([installation::not_found(namespace)]),
            Ok(found) => {
                for operator in &found {
                    checkup.add([operator.runs(), operator.is_of_version(), operator.leads(cluster).await]);
                    checkup.add([permissions::operator(&cluster.client, operator).await]);
                }
            }
            Err(check) => checkup.add([check]),
        }
        if let Some((namespace, name)) = self.service_account.clone() {
            let operator =
                Installed { namespace, service_account: name, accounts: true, ..Installed::default() };
            checkup.add([permissions::operator(&cluster.client, &operator).await]);
        }
    }

    /// The objects in the namespace or in all, and the AWSAccounts if the user may list them.
    async fn objects(&self, cluster: &Cluster, namespace: Option<&str>) -> Result<Vec<Value>, Error> {
        let mut objects = Vec::new();
        for kind in cluster::kinds_of_ours()? {
            match cluster.list(&kind, namespace).await {
                Ok(found) => objects.extend(found),
                Err(error) if error.is_forbidden() && !kind.namespaced => {}
                Err(error) => return Err(error),
            }
        }
        Ok(objects)
    }
}
