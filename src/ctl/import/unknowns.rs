//! What AWS doesn't tell: whatever the schema demands and a remote doesn't say becomes a placeholder, and each credential
//! a reference to a stub of a Secret.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::api::placeholder;
use crate::ctl::manifests::located::{item, member};
use crate::ctl::validate::pattern::Patterns;
use crate::reconcile::graph::references::FIELDS;

/// What was filled in.
pub struct Unknowns<'a> {
    /// Name of the Secret for credentials.
    secret: &'a str,
    /// A page to come back to after signing in, which only matters while someone does.
    console: String,
    patterns: &'a Patterns,
    /// Keys of that Secret, and the field that each is for.
    pub keys: BTreeMap<String, String>,
    /// Fields with a placeholder.
    pub fields: Vec<String>,
}

impl<'a> Unknowns<'a> {
    /// Nothing so far.
    pub fn new(secret: &'a str, region: &str, patterns: &'a Patterns) -> Self {
        Self {
            secret,
            console: format!("https://{region}.console.aws.amazon.com/aidevops"),
            patterns,
            keys: BTreeMap::new(),
            fields: Vec::new(),
        }
    }

    /// Fills in what `schema` demands of the value at `path`.
    pub fn fill(&mut self, schema: &Value, value: &mut Value, path: &str) {
        match value {
            Value::Object(members) => self.fill_object(schema, members, path),
            Value::Array(items) => {
                for (index, value) in items.iter_mut().enumerate() {
                    self.fill(&schema["items"], value, &item(path, index));
                }
            }
            _ => {}
        }
    }

    fn fill_object(&mut self, schema: &Value, members: &mut Map<String, Value>, path: &str) {
        let properties = schema["properties"].as_object();
        let is_union = schema["minProperties"] == 1 && schema["maxProperties"] == 1;
        let is_alone = properties.is_some_and(|all| all.len() == 1) && schema["required"][0].is_string();
        if (is_union || is_alone)
            && members.keys().any(|name| properties.is_some_and(|properties| !properties.contains_key(name)))
        {
            // AWS's word covers several forms, of which this type has another.
            members.clear();
        }
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let mut missing: Vec<&str> = required.filter(|name| !members.contains_key(*name)).collect();
        if is_union && members.is_empty() {
            missing.extend(properties.into_iter().flat_map(Map::keys).map(String::as_str).next());
        }
        for name in missing {
            let place = member(path, name);
            let value = if is_secret(name) {
                Some(self.credential(name, path))
            } else {
                self.placeholder(&schema["properties"][name], &place)
            };
            if let Some(value) = value {
                members.insert(name.to_owned(), value);
            }
        }
        for (name, value) in members {
            let of = properties.and_then(|properties| properties.get(name));
            if let Some(schema) = of.or(Some(&schema["additionalProperties"]).filter(|more| more.is_object()))
            {
                self.fill(schema, value, &member(path, name));
            }
        }
    }

    /// A reference to a key of the stub, which is named after the field.
    fn credential(&mut self, name: &str, path: &str) -> Value {
        let field = if name == "secretKeyRef" { path.to_owned() } else { member(path, name) };
        let last = field.rsplit(['.', '/']).next().unwrap_or_default();
        let key = last.strip_suffix("Ref").unwrap_or(last).to_owned();
        self.keys.insert(key.clone(), field);
        json!({ "name": self.secret, "key": key })
    }

    fn placeholder(&mut self, schema: &Value, path: &str) -> Option<Value> {
        if let Some(first) = schema["enum"].as_array().and_then(|words| words.first()) {
            self.fields.push(path.to_owned());
            return Some(first.clone());
        }
        match schema["type"].as_str()? {
            "object"
                if schema["additionalProperties"].is_object()
                    && schema["minProperties"].as_u64() >= Some(1) =>
            {
                self.fields.push(path.to_owned());
                Some(json!({ placeholder::TEXT: {} }))
            }
            "object" => Some(json!({})),
            "array" if schema["minItems"].as_u64() >= Some(1) => {
                Some(json!([self.placeholder(&schema["items"], path)?]))
            }
            "array" => Some(json!([])),
            "string" => {
                let fits = |text: &&str| {
                    let longest = schema["maxLength"].as_u64().and_then(|most| usize::try_from(most).ok());
                    longest.is_none_or(|most| text.len() <= most)
                        && schema["pattern"]
                            .as_str()
                            .is_none_or(|pattern| self.patterns.matches(pattern, text))
                };
                if let Some(text) = placeholder::ALL.iter().copied().find(|text| fits(text)) {
                    self.fields.push(path.to_owned());
                    return Some(text.into());
                }
                Some(self.console.as_str()).filter(fits).map(Value::from)
            }
            _ => None,
        }
    }
}

/// Makes the object at `pointer`, if the schema has one there.
pub fn demand(schema: &Value, value: &mut Value, pointer: &str) {
    let (mut schema, mut place) = (schema, value);
    for step in pointer.split('/').skip(1) {
        schema = &schema["properties"][step];
        if schema["type"] != "object" || !place.is_object() {
            return;
        }
        place = &mut place[step];
    }
    if place.is_null() {
        *place = json!({});
    }
}

/// Whether a field refers to a key of a Secret.
fn is_secret(field: &str) -> bool {
    FIELDS.iter().any(|(name, kind)| *name == field && *kind == "Secret")
}
