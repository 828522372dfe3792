//! Reading and writing JSON as the service expects it.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Whether a member is omitted from a request.
pub(crate) trait Absent {
    fn is_absent(&self) -> bool;
}

impl<T> Absent for Option<T> {
    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T> Absent for Vec<T> {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl<V> Absent for BTreeMap<String, V> {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl Absent for String {
    fn is_absent(&self) -> bool {
        false
    }
}

impl Absent for Value {
    fn is_absent(&self) -> bool {
        self.is_null()
    }
}

/// Reads null as the default, as an absent member is read.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A map of switches, such as an agent space's preferences. Values other than booleans are skipped.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Flags(pub BTreeMap<String, bool>);

impl<'de> Deserialize<'de> for Flags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let values: BTreeMap<String, Value> = Deserialize::deserialize(deserializer)?;
        Ok(Self(values.into_iter().filter_map(|(key, value)| Some((key, value.as_bool()?))).collect()))
    }
}

/// A point in time, sent as ISO-8601 text by some operations and as seconds since 1970 by others. One that can't be
/// read counts as none: the rest of the response must still be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Timestamp(pub Option<jiff::Timestamp>);

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let time = match Value::deserialize(deserializer)? {
            Value::String(text) => text.parse().ok(),
            Value::Number(seconds) => seconds
                .as_f64()
                .and_then(|seconds| jiff::SignedDuration::try_from_secs_f64(seconds).ok())
                .and_then(|since| jiff::Timestamp::from_duration(since).ok()),
            _ => None,
        };
        Ok(Self(time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read<T: for<'de> Deserialize<'de>>(value: Value) -> T {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn both_timestamp_formats_are_read_and_others_do_no_harm() {
        let expected = Timestamp(Some("2026-06-08T10:00:00.5Z".parse().unwrap()));
        assert_eq!(read::<Timestamp>(json!("2026-06-08T10:00:00.5Z")), expected);
        assert_eq!(read::<Timestamp>(json!("2026-06-08T12:00:00.500+02:00")), expected);
        assert_eq!(read::<Timestamp>(json!(1_780_912_800.5)), expected);
        for odd in [json!("soon"), json!(1e300), json!({}), json!(null)] {
            assert_eq!(read::<Timestamp>(odd), Timestamp(None));
        }
    }

    #[test]
    fn a_preference_of_another_type_is_skipped() {
        let flags: Flags = read(json!({"elevatedActionsEnabled": true, "level": "high"}));
        assert_eq!(flags.0, BTreeMap::from([("elevatedActionsEnabled".to_owned(), true)]));
    }
}
