//! YAML as a tree of JSON that remembers where each field stands in its file.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::{Location, Options, Spanned};

/// A line and a column of a file, both from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: u64,
    /// The column.
    pub column: u64,
}

impl Place {
    /// The beginning of a file.
    pub const START: Self = Self { line: 1, column: 1 };

    fn of(location: Location) -> Self {
        if location.line() == 0 {
            return Self::START;
        }
        Self { line: location.line(), column: location.column() }
    }
}

/// One document: its content, and where its fields are.
#[derive(Clone, Debug)]
pub struct Document {
    /// The content.
    pub value: Value,
    /// Where it begins.
    pub start: Place,
    places: HashMap<String, Place>,
}

/// Why a file can't be read as YAML.
#[derive(Debug)]
pub struct Unreadable {
    /// Where.
    pub at: Place,
    /// Why.
    pub message: String,
}

impl Document {
    /// Where the field at `path` is, such as `spec.content.files[0].text`; if it isn't there, where it would belong.
    pub fn place(&self, path: &str) -> Place {
        let mut path = path;
        loop {
            if let Some(place) = self.places.get(path) {
                return *place;
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = &path[..end],
                None => return self.start,
            }
        }
    }

    /// The same document with its content below `path`, for the items of a `List`.
    #[must_use]
    pub fn below(&self, path: &str, value: Value) -> Self {
        let prefix = format!("{path}.");
        let places = self.places.iter();
        let places = places
            .filter_map(|(path, place)| Some((path.strip_prefix(&prefix)?.to_owned(), *place)))
            .collect();
        Self { value, start: self.place(path), places }
    }
}

/// The path of a member.
pub fn member(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The path of an item.
pub fn item(path: &str, index: usize) -> String {
    format!("{path}[{index}]")
}

/// The documents of a file. Scalars are understood as kubectl does: by YAML 1.1.
pub fn documents(text: &str) -> Result<Vec<Document>, Unreadable> {
    let options = serde_saphyr::options! { legacy_octal_numbers: true, with_snippet: false };
    read(text, options).map_err(|error| {
        let at = error.location().map_or(Place::START, Place::of);
        // The message ends with the place, which is shown anyway.
        let message = error.to_string();
        let end = message.find(" at line ").unwrap_or(message.len());
        Unreadable { at, message: message[..end].to_owned() }
    })
}

fn read(text: &str, options: Options) -> Result<Vec<Document>, serde_saphyr::Error> {
    let trees: Vec<Spanned<Node>> = serde_saphyr::from_multiple_with_options(text, options)?;
    let documents = trees.into_iter().map(|tree| {
        let mut places = HashMap::new();
        let start = Place::of(tree.referenced);
        let value = flatten(tree.value, "", &mut places);
        Document { value, start, places }
    });
    Ok(documents.filter(|document| !document.value.is_null()).collect())
}

fn flatten(node: Node, path: &str, places: &mut HashMap<String, Place>) -> Value {
    match node {
        Node::Scalar(value) => value,
        Node::List(items) => {
            let items = items.into_iter().enumerate().map(|(index, Spanned { value, referenced, .. })| {
                let path = item(path, index);
                places.insert(path.clone(), Place::of(referenced));
                flatten(value, &path, places)
            });
            items.collect()
        }
        Node::Map(members) => {
            let members = members.into_iter().map(|(name, node)| {
                let path = member(path, &name.value);
                places.insert(path.clone(), Place::of(name.referenced));
                (name.value, flatten(node, &path, places))
            });
            Value::Object(members.collect::<Map<_, _>>())
        }
    }
}

enum Node {
    Scalar(Value),
    List(Vec<Spanned<Node>>),
    Map(Vec<(Spanned<String>, Node)>),
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YAML")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Scalar(Number::from_f64(value).map_or(Value::Null, Value::Number)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Node::Map(members))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TEXT: &str = "# one\na: 1\nb:\n  - c: x\n    d: [1, 2]\n  - yes\n---\n# only a comment\n---\n\n\"e\": {f: null, g: 010}\n";

    #[test]
    fn every_field_has_its_place() {
        let documents = documents(TEXT).unwrap();
        assert_eq!(documents.len(), 2);
        let [one, two] = &documents[..] else { panic!("{documents:?}") };
        assert_eq!(one.value, json!({"a": 1, "b": [{"c": "x", "d": [1, 2]}, true]}));
        assert_eq!(two.value, json!({"e": {"f": null, "g": 8}}));
        for (document, path, line, column) in [
            (one, "a", 2, 1),
            (one, "b", 3, 1),
            (one, "b[0].d", 5, 5),
            (one, "b[0].d[1]", 5, 12),
            (one, "b[0].missing", 4, 5),
            (one, "b[1]", 6, 5),
            (two, "e.g", 11, 16),
            (two, "missing.deep", 11, 1),
        ] {
            assert_eq!(document.place(path), Place { line, column }, "{path}");
        }
    }

    #[test]
    fn an_item_keeps_its_places() {
        let documents = documents(TEXT).unwrap();
        let item = documents[0].below("b[0]", json!({}));
        assert_eq!((item.start.line, item.place("d[1]").line), (4, 5));
    }

    #[test]
    fn what_is_no_yaml_is_refused_with_its_place() {
        for (text, line) in [("a: 1\nb: [\n", 2), ("a: 1\na: 2\n", 2), ("a: b: c\n", 1)] {
            let refusal = documents(text).unwrap_err();
            assert_eq!(refusal.at.line, line, "{text:?}: {}", refusal.message);
            assert!(!refusal.message.contains("line"), "{}", refusal.message);
        }
    }
}
