//! Which cluster of EKS a kubeconfig is about: `aws eks update-kubeconfig` and eksctl write it in several places.

use kube::config::{ExecConfig, Kubeconfig};

/// The name and region of a cluster of EKS, as far as they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EksName {
    /// Its name.
    pub name: Option<String>,
    /// Its region.
    pub region: Option<String>,
}

/// What the kubeconfig says of the cluster of a context, or of the current one.
pub fn of(kubeconfig: &Kubeconfig, context: Option<&str>) -> EksName {
    let chosen = context.or(kubeconfig.current_context.as_deref());
    let context = kubeconfig.contexts.iter().find(|known| Some(known.name.as_str()) == chosen);
    let Some(context) = context.and_then(|known| known.context.as_ref()) else { return EksName::default() };
    let cluster = kubeconfig.clusters.iter().find(|known| known.name == context.cluster);
    let user = kubeconfig.auth_infos.iter().find(|known| Some(&known.name) == context.user.as_ref());
    let exec = user.and_then(|user| user.auth_info.as_ref()?.exec.as_ref());
    let server = cluster.and_then(|known| known.cluster.as_ref()?.server.as_deref()).unwrap_or_default();
    let arn = cluster.and_then(|known| from_arn(&known.name));
    let (arn_region, arn_name) = arn.unzip();
    EksName {
        name: exec.and_then(|exec| argument(exec, &["--cluster-name", "--cluster-id", "-i"])).or(arn_name),
        region: exec
            .and_then(|exec| argument(exec, &["--region"]))
            .or(arn_region)
            .or_else(|| from_host(server)),
    }
}

/// Region and name from an ARN such as `arn:aws:eks:eu-central-1:123456789012:cluster/production`.
fn from_arn(text: &str) -> Option<(String, String)> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    match parts[..] {
        ["arn", _, "eks", region, _, resource] => {
            Some((region.to_owned(), resource.strip_prefix("cluster/")?.to_owned()))
        }
        _ => None,
    }
}

/// Region from an address such as `https://ABC.gr7.eu-central-1.eks.amazonaws.com`.
fn from_host(server: &str) -> Option<String> {
    let url = reqwest::Url::parse(server).ok()?;
    let (front, _) = url.host_str()?.split_once(".eks.")?;
    front.rsplit('.').next().map(str::to_owned)
}

/// The value that follows one of these arguments.
fn argument(exec: &ExecConfig, names: &[&str]) -> Option<String> {
    let arguments = exec.args.as_ref()?;
    let at = arguments.iter().position(|argument| names.contains(&argument.as_str()))?;
    arguments.get(at + 1).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kubeconfig(cluster: &str, server: &str, args: &[&str]) -> Kubeconfig {
        Kubeconfig::from_yaml(&format!(
            "current-context: c\ncontexts: [{{name: c, context: {{cluster: '{cluster}', user: u}}}}]\n\
             clusters: [{{name: '{cluster}', cluster: {{server: '{server}'}}}}]\n\
             users: [{{name: u, user: {{exec: {{apiVersion: client.authentication.k8s.io/v1beta1, command: aws, args: {args:?}}}}}}}]\n"
        ))
        .unwrap()
    }

    #[test]
    fn the_name_is_where_the_usual_tools_write_it() {
        let host = "https://0A1B.gr7.eu-central-1.eks.amazonaws.com";
        let named = |name: Option<&str>, region: Option<&str>| EksName {
            name: name.map(str::to_owned),
            region: region.map(str::to_owned),
        };
        let arn = "arn:aws:eks:us-west-2:123456789012:cluster/by-arn";
        for (cluster, server, args, expected) in [
            (arn, host, &["eks", "get-token"][..], named(Some("by-arn"), Some("us-west-2"))),
            (
                arn,
                host,
                &["--region", "us-east-1", "eks", "get-token", "--cluster-name", "prod"],
                named(Some("prod"), Some("us-east-1")),
            ),
            (
                "prod.eu-central-1.eksctl.io",
                host,
                &["token", "-i", "prod"],
                named(Some("prod"), Some("eu-central-1")),
            ),
            ("kind", "https://127.0.0.1:6443", &[], EksName::default()),
        ] {
            assert_eq!(of(&kubeconfig(cluster, server, args), None), expected, "{cluster} {args:?}");
        }
        assert_eq!(of(&kubeconfig(arn, host, &[]), Some("another")), EksName::default());
    }
}
