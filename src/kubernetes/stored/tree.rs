//! Free-form JSON as a tree of bounded depth and size.

use std::cell::{Cell, RefCell};
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

use crate::text;

use super::Unreadable;
use super::members::{members, read as parsed};

/// Levels below spec or status. `serde_json` gives up at 128; AWS's own documents are a few levels deep.
pub const MOST_DEPTH: usize = 64;
/// Values in a spec or a status. A tree needs up to a hundred bytes for each, however short its text is.
pub const MOST_VALUES: usize = 50_000;
/// Levels that are searched for references to other objects if the whole can't be parsed.
const SALVAGED_DEPTH: usize = 12;

/// The value of the member `name`, whose text this is; and why something in it is missing, if something is.
pub fn read(name: &str, text: &RawValue) -> (Value, Option<Unreadable>) {
    let limits =
        Limits { left: Cell::new(MOST_VALUES), path: RefCell::new(name.to_owned()), cut: RefCell::default() };
    let tree = Tree { limits: &limits, depth: 0 };
    match tree.deserialize(&mut serde_json::Deserializer::from_str(text.get())) {
        Ok(value) => (value, limits.cut.into_inner()),
        Err(error) => (salvage(text, 0, &limits.left), Some(Unreadable::Malformed(error))),
    }
}

/// What can be read of what can't be parsed as a whole: for example a number beyond all range is left out. Each level
/// is gone over again, so it has to be few.
fn salvage(text: &RawValue, depth: usize, left: &Cell<usize>) -> Value {
    if text.get().starts_with('{') && depth < SALVAGED_DEPTH {
        let mut object = Map::new();
        for (name, member) in members(text) {
            if left.get() == 0 {
                break;
            }
            left.set(left.get() - 1);
            object.insert(name, salvage(member, depth + 1, left));
        }
        return Value::Object(object);
    }
    let items = if depth < SALVAGED_DEPTH { parsed::<Vec<&RawValue>>(text) } else { None };
    match items {
        Some(items) => {
            let items = items.into_iter().take(left.get());
            Value::Array(items.map(|item| salvage(item, depth + 1, left)).collect())
        }
        None if text.get().starts_with(['{', '[']) => Value::Null,
        None => parsed(text).unwrap_or_default(),
    }
}

struct Limits {
    left: Cell<usize>,
    path: RefCell<String>,
    /// The first thing that was omitted.
    cut: RefCell<Option<Unreadable>>,
}

#[derive(Clone, Copy)]
struct Tree<'a> {
    limits: &'a Limits,
    depth: usize,
}

impl Tree<'_> {
    /// Whether there is room for one more value; if not, that is noted.
    fn has_room(&self) -> bool {
        let left = self.limits.left.get();
        self.limits.left.set(left.saturating_sub(1));
        if left == 0 {
            self.note(|path| Unreadable::TooMany { path });
        }
        left > 0
    }

    fn is_too_deep(&self) -> bool {
        let too_deep = self.depth >= MOST_DEPTH;
        if too_deep {
            self.note(|path| Unreadable::TooDeep { path });
        }
        too_deep
    }

    fn note(&self, why: impl FnOnce(String) -> Unreadable) {
        /// A path that is as deep as the limit can have long names.
        const LONGEST: usize = 200;
        let mut cut = self.limits.cut.borrow_mut();
        if cut.is_none() {
            let path = self.limits.path.borrow();
            *cut = Some(why(text::shortened(&path, LONGEST).into_owned()));
        }
    }

    /// What is inside this value, at `step`.
    fn within<T>(self, step: &str, read: impl FnOnce(Self) -> T) -> T {
        let before = self.limits.path.borrow().len();
        self.limits.path.borrow_mut().push_str(step);
        let read = read(Self { depth: self.depth + 1, ..self });
        self.limits.path.borrow_mut().truncate(before);
        read
    }
}

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        let closed = self.is_too_deep();
        loop {
            if closed || !self.has_room() {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(Value::Array(array));
            }
            let step = format!("[{}]", array.len());
            match self.within(&step, |tree| items.next_element_seed(tree))? {
                Some(item) => array.push(item),
                None => return Ok(Value::Array(array)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        let closed = self.is_too_deep();
        loop {
            if closed {
                while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                return Ok(Value::Object(object));
            }
            let Some(name) = members.next_key::<String>()? else { return Ok(Value::Object(object)) };
            if self.has_room() {
                let step = format!(".{name}");
                let value = self.within(&step, |tree| members.next_value_seed(tree))?;
                object.insert(name, value);
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
    }
}
