//! What a request is about.

use http::Uri;
use percent_encoding::percent_decode_str;

/// Objects of one resource, in all namespaces.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Collection {
    /// The group; empty for the core's.
    pub group: String,
    /// The version.
    pub version: String,
    /// The plural.
    pub plural: String,
}

impl Collection {
    /// The collection of a group.
    pub fn new(group: &str, version: &str, plural: &str) -> Self {
        Self { group: group.to_owned(), version: version.to_owned(), plural: plural.to_owned() }
    }

    /// The same, of the core.
    pub fn core(plural: &str) -> Self {
        Self::new("", "v1", plural)
    }

    /// Whether its objects belong to others, and aren't all here.
    pub fn is_foreign(&self) -> bool {
        self.group.is_empty()
    }

    /// Whether what is written to it is kept.
    pub fn is_kept(&self) -> bool {
        self.plural != "events"
    }
}

/// What a request is about.
#[derive(Clone, Debug)]
pub struct Address {
    path: String,
    /// Of which resource.
    pub collection: Collection,
    /// In which namespace.
    pub namespace: Option<String>,
    /// Which object; none for all.
    pub name: Option<String>,
    /// Whether it is about its status.
    pub status: bool,
    /// Whether it is a watch.
    pub watches: bool,
    /// The version after which it is to watch.
    pub since: u64,
    /// Whether nothing is to be stored.
    pub dry_run: bool,
}

impl Address {
    /// From the address of a request. `None` if it is of no resource.
    pub fn of(uri: &Uri) -> Option<Self> {
        let decode = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
        let parts: Vec<String> = uri.path().split('/').skip(1).map(decode).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (group, version, rest) = match parts.as_slice() {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return None,
        };
        let (namespace, plural, rest) = match rest {
            ["namespaces", namespace, plural, rest @ ..] => (Some(*namespace), *plural, rest),
            [plural, rest @ ..] => (None, *plural, rest),
            [] => return None,
        };
        let mut address = Self {
            path: uri.path().to_owned(),
            collection: Collection::new(group, version, plural),
            namespace: namespace.map(str::to_owned),
            name: rest.first().map(|name| (*name).to_owned()),
            status: rest.get(1) == Some(&"status"),
            watches: false,
            since: 0,
            dry_run: false,
        };
        for pair in uri.query().unwrap_or_default().split('&') {
            match pair.split_once('=') {
                Some(("watch", value)) => address.watches = value == "true" || value == "1",
                Some(("resourceVersion", value)) => address.since = value.parse().unwrap_or_default(),
                Some(("dryRun", _)) => address.dry_run = true,
                _ => {}
            }
        }
        Some(address)
    }

    /// The path of the object, without its parameters.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Its namespace; empty if it is in none.
    pub fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or_default()
    }

    /// Its name; empty if it has none.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }
}
