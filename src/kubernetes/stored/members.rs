//! The members of a JSON object, each still as text.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The members of the object that `text` is, in their order; none if it is something else. If a name occurs twice, the
/// API server uses the last one, so callers must do so too.
pub fn members(text: &RawValue) -> Vec<(String, &RawValue)> {
    let mut found = Vec::new();
    // Members before a name that isn't valid text are still found.
    let _ = Collect(&mut found).deserialize(&mut serde_json::Deserializer::from_str(text.get()));
    found
}

/// The member `name` of the object that `text` is, if there is one.
pub fn member<'a>(text: &'a RawValue, name: &str) -> Option<&'a RawValue> {
    members(text).into_iter().rfind(|(found, _)| found == name).map(|(_, text)| text)
}

struct Collect<'a, 'de>(&'a mut Vec<(String, &'de RawValue)>);

impl<'de> DeserializeSeed<'de> for Collect<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Collect<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            self.0.push((name.into_owned(), map.next_value()?));
        }
        Ok(())
    }
}

/// What `text` is, if it is a `T`.
pub(super) fn read<'de, T: Deserialize<'de>>(text: &'de RawValue) -> Option<T> {
    serde_json::from_str(text.get()).ok()
}
