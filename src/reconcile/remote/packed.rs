//! A resource as a mirror keeps it: packed, because an account may have ten thousand of them.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::reconcile::compact;

use super::collection::Collection;
use super::mirror::{Id, Listed};

/// What AWS shows of a resource, as bytes. Equal if everything that it shows is equal.
#[derive(Clone, PartialEq, Eq)]
pub struct Packed {
    id: Id,
    updated_at: Option<i64>,
    keys: Box<[u64]>,
    bytes: Box<[u8]>,
}

impl Packed {
    /// Packs an item.
    pub fn new<C: Collection>(item: &C::Item) -> Self {
        Self {
            id: C::id(item).into(),
            updated_at: C::updated_at(item).map(jiff::Timestamp::as_microsecond),
            keys: C::keys(item).iter().map(key).collect(),
            // What was read from JSON can be written as JSON.
            bytes: compact::pack(item).unwrap_or_default(),
        }
    }

    /// The item; none if it is of another type.
    pub fn unpack<T: DeserializeOwned>(&self) -> Option<T> {
        compact::unpack(&self.bytes)
    }
}

/// The hash of something to search by. Different ones may have the same hash.
pub fn key(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl Listed for Packed {
    fn id(&self) -> &Id {
        &self.id
    }

    fn updated_at(&self) -> Option<i64> {
        self.updated_at
    }

    fn keys(&self) -> &[u64] {
        &self.keys
    }
}

/// Not the bytes: they may contain what the API's model calls sensitive.
impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packed").field("id", &self.id).finish_non_exhaustive()
    }
}
