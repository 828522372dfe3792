//! Pages of a list: a stable order, and an opaque token that says where the next page starts.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::context::{Context, Object};
use crate::error::ApiError;
use crate::input::Input;
use crate::switches::ListOrder;

/// One element of a list with what decides its place.
pub struct Row<'a, T> {
    /// When it was created, as a number.
    pub sequence: u64,
    /// Its id.
    pub id: &'a str,
    /// The element.
    pub item: T,
}

/// The requested page, as the response of a list operation. `list` names the list, so that a token of another one is
/// rejected; `show` selects what the list shows of an element.
pub fn page<'a, T>(
    cx: &Context<'_>,
    input: &Input,
    (member, list): (&str, &str),
    rows: impl Iterator<Item = Row<'a, T>>,
    show: impl Fn(T) -> Value,
) -> Result<Value, ApiError> {
    let order = cx.switches.list_order;
    let mut keyed: Vec<(String, T)> = rows.map(|row| (key(order, row.sequence, row.id), row.item)).collect();
    keyed.sort_by(|(left, _), (right, _)| left.cmp(right));
    let start = match input.optional("nextToken") {
        None => 0,
        Some(token) => {
            let after = decode(token, list)
                .ok_or_else(|| ApiError::validation("/nextToken", "The token is not one of this list"))?;
            keyed.partition_point(|(key, _)| *key <= after)
        }
    };
    let asked = input.integer("maxResults").and_then(|number| usize::try_from(number).ok());
    let size = asked.unwrap_or(usize::MAX).min(cx.switches.page_size.max(1));
    let end = start.saturating_add(size).min(keyed.len());
    let next = (end < keyed.len()).then(|| encode(&keyed[end - 1].0, list));
    let values: Vec<Value> = keyed.drain(start..end).map(|(_, item)| show(item)).collect();
    Ok(Object::new().with(member, values).maybe("nextToken", next).build())
}

fn key(order: ListOrder, sequence: u64, id: &str) -> String {
    match order {
        ListOrder::Created => format!("{sequence:020}"),
        ListOrder::Newest => format!("{:020}", u64::MAX - sequence),
        ListOrder::Id => id.to_owned(),
    }
}

fn encode(key: &str, list: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(format!("{list}\n{key}"))
}

fn decode(token: &str, list: &str) -> Option<String> {
    let text = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    let (of, key) = text.split_once('\n')?;
    (of == list).then(|| key.to_owned())
}
