//! Who owns a remote: the owner tags, and what follows from them.

use std::collections::BTreeMap;

use kube::ResourceExt;

use crate::api::common::Object;
use crate::reconcile::state::subject::Subject;

/// Tag with the id of the cluster that owns the remote.
pub const CLUSTER_TAG: &str = "devopsagent.dev/cluster";
/// Tag with the namespace of the object that owns the remote.
pub const NAMESPACE_TAG: &str = "devopsagent.dev/namespace";
/// Tag with the name of the object that owns the remote.
pub const NAME_TAG: &str = "devopsagent.dev/name";
/// Tag with the UID of the object that owns the remote.
pub const UID_TAG: &str = "devopsagent.dev/uid";

/// Tag with the namespace that handed the remote over, until its new owner has adopted it.
pub const HANDED_OVER_TAG: &str = "devopsagent.dev/handed-over-by";

/// The object of a pass, as owner of remotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its kind, for example `AgentSpace`.
    pub kind: &'static str,
    /// Id of the cluster: the UID of `kube-system`, or what `--cluster-id` says.
    pub cluster: String,
    /// Namespace of the object; empty for a cluster-scoped one.
    pub namespace: String,
    /// Name of the object.
    pub name: String,
    /// UID of the object.
    pub uid: String,
}

/// Who owns a remote, seen from one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The object itself, or an earlier one with the same cluster, namespace and name.
    Ours {
        /// Whether the tags carry this object's UID.
        current: bool,
    },
    /// The object itself, to which another namespace has handed it over. Nobody is given what they didn't ask for.
    Given {
        /// That namespace.
        by: String,
    },
    /// Nobody, as far as the tags say.
    Nobody,
    /// An object of this cluster that no longer exists, and retained it.
    Retained {
        /// The namespace that it was in.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// Another object of this cluster.
    Sibling {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// An object of another cluster.
    Foreign {
        /// That cluster's id.
        cluster: String,
    },
    /// The remote can't have tags; it is in a space that this cluster manages, so it is ours.
    Inherited,
    /// The remote can't have tags, and is in a space that others manage.
    Untagged,
}

impl Identity {
    /// The identity of `object` in the cluster with the id `cluster`.
    pub fn of<T: Object>(object: &T, cluster: &str) -> Self {
        Self {
            kind: T::kind_name(),
            cluster: cluster.to_owned(),
            namespace: object.namespace().unwrap_or_default(),
            name: object.name_any(),
            uid: object.uid().unwrap_or_default(),
        }
    }

    /// The object as others refer to it.
    pub fn subject(&self) -> Subject {
        Subject::new(self.kind, &*self.namespace, &*self.name)
    }

    /// The owner tags for a remote of this object.
    pub fn tags(&self) -> BTreeMap<String, String> {
        [
            (CLUSTER_TAG, &self.cluster),
            (NAMESPACE_TAG, &self.namespace),
            (NAME_TAG, &self.name),
            (UID_TAG, &self.uid),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.clone()))
        .collect()
    }

    /// Who owns a remote that carries `tags`.
    pub fn owner(&self, tags: &BTreeMap<String, String>) -> Owner {
        let tag = |key| tags.get(key).map(String::as_str).unwrap_or_default();
        match tag(CLUSTER_TAG) {
            "" => Owner::Nobody,
            cluster if cluster != self.cluster => Owner::Foreign { cluster: cluster.to_owned() },
            _ if tag(NAMESPACE_TAG) == self.namespace
                && tag(NAME_TAG) == self.name
                && tags.contains_key(HANDED_OVER_TAG) =>
            {
                Owner::Given { by: tag(HANDED_OVER_TAG).to_owned() }
            }
            _ if tag(NAMESPACE_TAG) == self.namespace && tag(NAME_TAG) == self.name => {
                Owner::Ours { current: tag(UID_TAG) == self.uid }
            }
            _ => Owner::Sibling { namespace: tag(NAMESPACE_TAG).to_owned(), name: tag(NAME_TAG).to_owned() },
        }
    }
}

/// Whether `key` is one of the owner tags.
pub fn is_owner_tag(key: &str) -> bool {
    key.starts_with("devopsagent.dev/")
}

#[cfg(test)]
impl Identity {
    /// Some object of this kind.
    pub fn sample(kind: &'static str) -> Self {
        Self { kind, cluster: "c".into(), namespace: "n".into(), name: "o".into(), uid: "u".into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity::sample("AgentSpace")
    }

    #[test]
    fn an_object_knows_its_own_tags() {
        assert_eq!(identity().owner(&identity().tags()), Owner::Ours { current: true });
    }

    #[test]
    fn what_was_handed_over_is_told_from_what_the_object_made() {
        let mut tags = identity().tags();
        tags.insert(HANDED_OVER_TAG.into(), "other".into());
        assert_eq!(identity().owner(&tags), Owner::Given { by: "other".into() });
        tags.insert(NAMESPACE_TAG.into(), "else".into());
        assert!(matches!(identity().owner(&tags), Owner::Sibling { .. }));
    }

    #[test]
    fn another_uid_is_our_own_remote_from_before() {
        let mut tags = identity().tags();
        tags.insert(UID_TAG.into(), "older".into());
        assert_eq!(identity().owner(&tags), Owner::Ours { current: false });
    }

    #[test]
    fn another_cluster_or_object_is_told_apart() {
        let mut tags = identity().tags();
        tags.insert(NAME_TAG.into(), "other".into());
        assert_eq!(identity().owner(&tags), Owner::Sibling { namespace: "n".into(), name: "other".into() });
        tags.insert(CLUSTER_TAG.into(), "elsewhere".into());
        assert_eq!(identity().owner(&tags), Owner::Foreign { cluster: "elsewhere".into() });
        assert_eq!(identity().owner(&BTreeMap::new()), Owner::Nobody);
    }
}
