//! `devops-agent-operator check`: checks that a running operator works, without AWS.
//!
//! An Association of a space that doesn't exist is the simplest object with which the operator does everything that it
//! does in Kubernetes: see the object, add its finalizer, resolve a reference, write status, and release the object. It
//! doesn't lead to a call to AWS, because nothing can be searched for in a space that doesn't exist.

use std::time::Duration;

use kube::api::{DeleteParams, PostParams};
use kube::{Api, Client, ResourceExt};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::api::Association;
use crate::api::common::{Object, Status};
use crate::reconcile::state::conditions;

const PACE: Duration = Duration::from_millis(250);

/// Options of the check.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Namespace for the temporary object of the check. Defaults to the current one.
    #[arg(long, env = "POD_NAMESPACE")]
    namespace: Option<String>,

    /// How long the operator may take for each step, for example `60s`.
    #[arg(long, env = "CHECK_TIMEOUT", default_value = "60s", value_parser = super::run_command::duration)]
    timeout: Duration,
}

/// Why the check failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No usable kubeconfig and not in a cluster.
    #[error("finding a cluster: {0}")]
    Kubeconfig(#[from] Box<kube::config::InferConfigError>),
    /// The Kubernetes API refused.
    #[error("{doing}: {source}{hint}")]
    Kubernetes {
        /// What was being done.
        doing: String,
        /// What may help.
        hint: &'static str,
        /// The client's error.
        source: Box<kube::Error>,
    },
    /// The check's object can't be built.
    #[error("building the check's object: {0}")]
    Object(#[from] serde_json::Error),
    /// The operator didn't do something in time.
    #[error(
        "after {timeout:?} the operator {missing}; is it running, leading, and watching the namespace \
         {namespace}? See its log: kubectl logs -l app.kubernetes.io/name=devops-agent-operator -A"
    )]
    Silence {
        /// What it did not do.
        missing: &'static str,
        /// Where the object is.
        namespace: String,
        /// How long the check waited.
        timeout: Duration,
    },
}

impl Error {
    fn kubernetes(doing: &str) -> impl FnOnce(kube::Error) -> Self {
        move |source| {
            let hint = match &source {
                kube::Error::Api(status) if status.code == 404 => "; are the CRDs installed?",
                _ => "",
            };
            Self::Kubernetes { doing: doing.to_owned(), hint, source: Box::new(source) }
        }
    }
}

/// Runs the check and prints what was seen.
pub async fn run(arguments: &Arguments) -> Result<(), Error> {
    let config = kube::Config::infer().await.map_err(Box::new)?;
    let namespace = arguments.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
    let client = Client::try_from(config).map_err(Error::kubernetes("creating the Kubernetes client"))?;
    let api = Api::<Association>::namespaced(client, &namespace);
    let object = api
        .create(&PostParams::default(), &dry_object()?)
        .await
        .map_err(Error::kubernetes(&format!("creating an Association in the namespace {namespace}")))?;
    let (name, started) = (object.name_any(), Instant::now());
    println!("created the Association {namespace}/{name}, which needs nothing from AWS");
    let seen = wait(&api, &name, arguments.timeout, is_answered).await;
    // Whatever the result, the object must not be left behind.
    let deleted = api.delete(&name, &DeleteParams::default()).await;
    let silence =
        |missing| Error::Silence { missing, namespace: namespace.clone(), timeout: arguments.timeout };
    if !seen? {
        return Err(silence("has not written a status"));
    }
    println!("the operator wrote its status after {:.1?}", started.elapsed());
    deleted.map_err(Error::kubernetes("deleting the Association"))?;
    if !wait(&api, &name, arguments.timeout, |object| object.is_none()).await? {
        return Err(silence("has not released the deleted object"));
    }
    println!("the operator released the deleted object: it works");
    Ok(())
}

fn dry_object() -> Result<Association, serde_json::Error> {
    serde_json::from_value(json!({
        "apiVersion": "devopsagent.dev/v1alpha1",
        "kind": "Association",
        "metadata": {
            "generateName": "devops-agent-operator-check-",
            "labels": {"app.kubernetes.io/managed-by": "devops-agent-operator-check"},
        },
        "spec": {
            "agentSpaceRef": {"name": "this-space-does-not-exist"},
            "serviceRef": {"name": "this-registration-does-not-exist"},
            "configuration": {"eventChannel": {}},
        },
    }))
}

/// Whether the operator has said that the space is missing.
fn is_answered(object: Option<&Association>) -> bool {
    object.is_some_and(|object| {
        let status = object.status();
        conditions::get(&status.common().conditions, "Ready")
            .is_some_and(|ready| ready.observed_generation == object.metadata.generation)
    })
}

/// Polls until it is `reached`; false if that takes longer than the limit.
async fn wait(
    api: &Api<Association>,
    name: &str,
    limit: Duration,
    reached: impl Fn(Option<&Association>) -> bool,
) -> Result<bool, Error> {
    let end = Instant::now() + limit;
    loop {
        let object = api.get_opt(name).await.map_err(Error::kubernetes("reading the Association"))?;
        if reached(object.as_ref()) {
            return Ok(true);
        }
        if Instant::now() >= end {
            return Ok(false);
        }
        sleep(PACE).await;
    }
}
