//! The cluster that a command is about.

use kube::api::{ApiResource, DynamicObject, GroupVersionKind, ListParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::Value;

use crate::kinds;

use super::Error;
use super::eks_name::{self, EksName};
use super::manifests::GROUP;

/// Objects that a page of a list has.
const PAGE: u32 = 500;

/// Which cluster, and what in it.
#[derive(Debug, clap::Args)]
pub struct Flags {
    /// Context of the kubeconfig. Defaults to the current one.
    #[arg(long)]
    pub context: Option<String>,

    /// Namespace. Defaults to that of the context.
    #[arg(short, long)]
    pub namespace: Option<String>,

    /// All namespaces.
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub all_namespaces: bool,
}

/// A cluster.
pub struct Cluster {
    /// The client.
    pub client: Client,
    /// What the kubeconfig says of the cluster, if it is one of EKS.
    pub eks: EksName,
    /// The namespace that is meant if none is named.
    pub namespace: String,
}

impl Flags {
    /// Connects.
    pub async fn connect(&self) -> Result<Cluster, Error> {
        let kubeconfig = Kubeconfig::read().ok();
        let eks = kubeconfig.map(|found| eks_name::of(&found, self.context.as_deref())).unwrap_or_default();
        let config = match &self.context {
            None => Config::infer().await.map_err(|error| Error::Kubeconfig(error.to_string()))?,
            Some(context) => {
                let options =
                    KubeConfigOptions { context: Some(context.clone()), ..KubeConfigOptions::default() };
                let kubeconfig = Kubeconfig::read().map_err(|error| Error::Kubeconfig(error.to_string()))?;
                let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
                config.map_err(|error| Error::Kubeconfig(error.to_string()))?
            }
        };
        let namespace = self.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        let client = Client::try_from(config).map_err(failed("connecting to the cluster"))?;
        Ok(Cluster { client, eks, namespace })
    }
}

/// An error of the API server while something was done.
pub fn failed(doing: &str) -> impl FnOnce(kube::Error) -> Error {
    move |source| {
        let hint = match &source {
            kube::Error::Api(status) if status.code == 403 => {
                "; ask for the permission, or use another --context"
            }
            kube::Error::Api(status) if status.code == 404 => "; are the CRDs installed?",
            kube::Error::Api(_) => "",
            _ => "; can the cluster be reached?",
        };
        Error::Kubernetes { doing: doing.to_owned(), source: Box::new(source), hint }
    }
}

/// A kind of ours, as its CRD names it.
pub struct KindOf {
    /// The kind.
    pub kind: String,
    /// Whether its objects are in namespaces.
    pub namespaced: bool,
    resource: ApiResource,
}

/// All kinds of ours.
pub fn kinds_of_ours() -> Result<Vec<KindOf>, Error> {
    let crds = kinds::crds().map_err(Error::Schema)?;
    let kind_of = |crd: &Value| {
        let spec = &crd["spec"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (kind, version) = (text(&spec["names"]["kind"]), text(&spec["versions"][0]["name"]));
        let of = GroupVersionKind::gvk(GROUP, &version, &kind);
        let resource = ApiResource::from_gvk_with_plural(&of, &text(&spec["names"]["plural"]));
        KindOf { kind, namespaced: spec["scope"] == "Namespaced", resource }
    };
    Ok(crds.iter().map(kind_of).collect())
}

impl KindOf {
    /// Its plural.
    pub fn plural(&self) -> &str {
        &self.resource.plural
    }

    /// Objects of it, in one namespace or in the cluster.
    pub fn api(&self, client: &Client, namespace: &str) -> Api<DynamicObject> {
        if self.namespaced {
            Api::namespaced_with(client.clone(), namespace, &self.resource)
        } else {
            Api::all_with(client.clone(), &self.resource)
        }
    }
}

impl Cluster {
    /// The same cluster once more.
    pub fn again(&self) -> Self {
        Self { client: self.client.clone(), eks: self.eks.clone(), namespace: self.namespace.clone() }
    }

    /// The objects of a kind, in one namespace or in all.
    pub fn api(&self, kind: &KindOf, namespace: Option<&str>) -> Api<DynamicObject> {
        match namespace.filter(|_| kind.namespaced) {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &kind.resource),
            None => Api::all_with(self.client.clone(), &kind.resource),
        }
    }

    /// An object, if there is one.
    pub async fn get(&self, kind: &KindOf, namespace: &str, name: &str) -> Result<Option<Value>, Error> {
        let doing = format!("reading the {} {name}", kind.kind);
        let found = self.api(kind, Some(namespace)).get_opt(name).await.map_err(failed(&doing))?;
        found.map(|object| serde_json::to_value(object).map_err(Error::Schema)).transpose()
    }

    /// All objects of a kind, in one namespace or in all.
    pub async fn list(&self, kind: &KindOf, namespace: Option<&str>) -> Result<Vec<Value>, Error> {
        let api = self.api(kind, namespace);
        let mut found = Vec::new();
        let mut params = ListParams::default().limit(PAGE);
        loop {
            let page =
                api.list(&params).await.map_err(failed(&format!("listing the objects of {}", kind.kind)))?;
            for object in page.items {
                let mut object = serde_json::to_value(object).map_err(Error::Schema)?;
                object["kind"] = Value::from(kind.kind.as_str());
                found.push(object);
            }
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params = params.continue_token(&token),
                None => return Ok(found),
            }
        }
    }

    /// All objects of ours.
    pub async fn list_all(&self, namespace: Option<&str>) -> Result<Vec<Value>, Error> {
        let mut found = Vec::new();
        for kind in kinds_of_ours()? {
            found.extend(self.list(&kind, namespace).await?);
        }
        Ok(found)
    }
}
