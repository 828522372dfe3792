//! An object by its kind, namespace and name.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use kube::ResourceExt;

use crate::api::common::Object;

/// An object of any kind, ours or not. Clones share its names: indexes have many of them.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject(Arc<Names>);

/// What names an object.
#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Names {
    /// Its kind, for example `AgentSpace` or `Secret`.
    pub kind: &'static str,
    /// Its namespace; empty for a cluster-scoped one.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Subject {
    /// The object `namespace/name` of `kind`.
    pub fn new(kind: &'static str, namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self(Arc::new(Names { kind, namespace: namespace.into(), name: name.into() }))
    }

    /// This object of ours.
    pub fn of<T: Object>(object: &T) -> Self {
        Self::new(T::kind_name(), object.namespace().unwrap_or_default(), object.name_any())
    }
}

impl Deref for Subject {
    type Target = Names;

    fn deref(&self) -> &Names {
        &self.0
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            write!(f, "{} {}", self.kind, self.name)
        } else {
            write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
        }
    }
}
