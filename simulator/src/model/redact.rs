//! A copy of a value that is fit for logs: sensitive members are masked, long content is truncated.

use serde_json::{Map, Value, json};

use super::{Kind, Model, ShapeId};

const LONGEST: usize = 256;

impl Model {
    /// The value without anything that the model marks sensitive, and without bulk.
    pub fn redact(&self, shape: ShapeId, value: &Value) -> Value {
        self.mask(shape, value, LONGEST)
    }

    /// The value without anything that the model marks sensitive.
    pub fn without_secrets(&self, shape: ShapeId, value: &Value) -> Value {
        self.mask(shape, value, usize::MAX)
    }

    fn mask(&self, id: ShapeId, value: &Value, longest: usize) -> Value {
        let shape = self.shape(id);
        if shape.sensitive {
            return json!("***");
        }
        match (&shape.kind, value) {
            (Kind::Structure { members, .. }, Value::Object(object)) => {
                let masked = object.iter().map(|(name, item)| {
                    let member = members.iter().find(|member| member.name == *name);
                    (
                        name.clone(),
                        member.map_or(Value::Null, |member| self.mask(member.shape, item, longest)),
                    )
                });
                Value::Object(masked.collect::<Map<_, _>>())
            }
            (Kind::List { member, .. }, Value::Array(items)) => {
                Value::Array(items.iter().map(|item| self.mask(*member, item, longest)).collect())
            }
            (Kind::Map { value: inner, .. }, Value::Object(object)) => Value::Object(
                object.iter().map(|(name, item)| (name.clone(), self.mask(*inner, item, longest))).collect(),
            ),
            (_, Value::String(text)) if text.len() > longest => json!(format!("({} bytes)", text.len())),
            _ => value.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_masked_and_its_neighbours_are_kept() {
        let model = Model::embedded().unwrap();
        let shape = model.named("RegisterServiceInput").unwrap();
        let input = json!({"service": "gitlab", "serviceDetails": {"gitlab":
            {"targetUrl": "https://g.example", "tokenType": "group", "tokenValue": "glpat"}}});
        let masked = model.redact(shape, &input);
        assert_eq!(masked.pointer("/serviceDetails/gitlab/tokenValue"), Some(&json!("***")));
        assert_eq!(masked.pointer("/serviceDetails/gitlab/tokenType"), Some(&json!("group")));
    }
}
