//! Whether the agent may look into this cluster, where it is one of EKS: its roles need an access entry.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::aws;
use crate::aws::client::eks::AccessEntry;
use crate::ctl::account_access::Flags;
use crate::ctl::eks_name::EksName;
use crate::text;

use super::checkup::Check;

const NAME: &str = "EKS access entries";
/// So many roles are asked about.
const MOST: usize = 20;

/// Whether there is anything to check: why not, or the agent's roles.
pub fn roles(git_version: &str, objects: &[Value]) -> Result<BTreeSet<String>, Check> {
    if !git_version.contains("-eks-") {
        return Err(Check::skipped(NAME, "this cluster isn't EKS"));
    }
    let associations = objects.iter().filter(|object| object["kind"] == "Association");
    let roles: BTreeSet<String> = associations
        .filter_map(|object| {
            let configuration = object.pointer("/spec/configuration")?.as_object()?;
            configuration.values().find_map(|one| one["assumableRoleArn"].as_str()).map(str::to_owned)
        })
        .collect();
    if roles.is_empty() {
        return Err(Check::skipped(NAME, "no Association gives the agent a role"));
    }
    Ok(roles)
}

/// Asks EKS, with the user's credentials, about each of the roles.
pub async fn checks(flags: &Flags, cluster: &EksName, roles: &BTreeSet<String>) -> Vec<Check> {
    let Some(name) = &cluster.name else {
        let why = "not checked: the kubeconfig doesn't say which cluster of EKS this is";
        return vec![Check::unknown(NAME, why, "name it with --eks-cluster")];
    };
    let mut checks = Vec::new();
    for role in roles.iter().take(MOST) {
        checks.push(check(name, role, asked(flags, cluster, name, role).await));
    }
    if roles.len() > MOST {
        let rest = format!("not checked: {} more roles", roles.len() - MOST);
        checks.push(Check::unknown(NAME, rest, &command("describe-access-entry", name, "ROLE")));
    }
    checks
}

async fn asked(
    flags: &Flags,
    cluster: &EksName,
    name: &str,
    role: &str,
) -> Result<AccessEntry, crate::ctl::Error> {
    let reader = flags.reader().await?;
    let region = match cluster.region.clone().or_else(|| flags.region.clone()) {
        Some(region) => region,
        None => reader.client(None).await?.region().to_owned(),
    };
    let failed = |source: aws::Error| crate::ctl::Error::Aws {
        doing: format!("asking EKS for the access entry of {} in the cluster {name}", text::plain(role)),
        source: Box::new(source),
    };
    let eks = reader.into_factory().eks(&region).map_err(failed)?;
    eks.access_entry(name, role).await.map_err(failed)
}

fn check(cluster: &str, role: &str, asked: Result<AccessEntry, crate::ctl::Error>) -> Check {
    let shown = text::plain(role);
    match asked {
        Ok(AccessEntry::Exists) => Check::ok(NAME, format!("{shown} has one in the cluster {cluster}")),
        Ok(AccessEntry::Missing(words)) => Check::failed(
            NAME,
            format!("{shown} has none in the cluster {cluster}: {words}"),
            &format!(
                "{}, then aws eks associate-access-policy with the same arguments and AWS's policy for the agent; or remove \
                 the role from the Association if the agent shall not look into this cluster",
                command("create-access-entry", cluster, &shown)
            ),
        ),
        Ok(AccessEntry::Refused(words)) => {
            let message = format!("not checked for {shown}: EKS answers {words}");
            Check::unknown(NAME, message, &command("describe-access-entry", cluster, &shown))
        }
        Err(error) => Check::unknown(
            NAME,
            format!("not checked for {shown}: {error}"),
            &command("describe-access-entry", cluster, &shown),
        ),
    }
}

fn command(verb: &str, cluster: &str, role: &str) -> String {
    format!("aws eks {verb} --cluster-name {} --principal-arn {role}", text::plain(cluster))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ctl::doctor::checkup::Verdict;

    const ROLE: &str = "arn:aws:iam::123456789012:role/agent";

    #[test]
    fn only_eks_and_only_the_roles_of_associations_are_asked_about() {
        let association = json!({"kind": "Association", "spec": {"configuration": {"sourceAws": {"assumableRoleArn": ROLE}}}});
        let objects = [association, json!({"kind": "Association", "spec": {"configuration": {"slack": {}}}})];
        assert_eq!(roles("v1.33.1", &objects).unwrap_err().verdict, Verdict::Skipped);
        assert_eq!(roles("v1.33.1-eks-1234", &[]).unwrap_err().verdict, Verdict::Skipped);
        assert_eq!(roles("v1.33.1-eks-1234", &objects).unwrap(), BTreeSet::from([ROLE.to_owned()]));
    }

    #[tokio::test]
    async fn without_a_name_the_flag_is_named() {
        let checks = checks(&Flags::default(), &EksName::default(), &BTreeSet::from([ROLE.to_owned()])).await;
        assert_eq!(checks[0].verdict, Verdict::Unknown);
        assert!(checks[0].what_to_do.contains("--eks-cluster"), "{checks:?}");
    }

    #[test]
    fn only_a_missing_entry_fails_and_how_to_create_it_is_said() {
        let words = || "No such entry.".to_owned();
        for (entry, verdict, what) in [
            (AccessEntry::Exists, Verdict::Ok, ""),
            (AccessEntry::Missing(words()), Verdict::Failed, "create-access-entry --cluster-name prod"),
            (AccessEntry::Refused(words()), Verdict::Unknown, "describe-access-entry --cluster-name prod"),
        ] {
            let check = check("prod", ROLE, Ok(entry));
            assert!(check.verdict == verdict && check.what_to_do.contains(what), "{check:?}");
            assert!(check.message.contains(ROLE), "{check:?}");
        }
    }
}
