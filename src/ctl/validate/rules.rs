//! The CEL rules of the CRDs, as the API server evaluates them when an object is created.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use cel::extensions::{lists, math, strings};
use cel::{Context, Env, Program, Value as Cel};
use serde_json::Value;

use crate::ctl::manifests::located::{item, member};

use super::finding::Check;
use super::structural::Problem;

/// Stands for the object as it was: a rule with it is about a change, and there is none at a create.
const BEFORE: &str = "oldSelf";

/// Compiled rules, by their text.
pub struct Rules {
    environment: Arc<Env>,
    compiled: RefCell<HashMap<String, Rc<Result<Program, String>>>>,
}

impl Rules {
    /// The API server's environment, as far as it isn't the language itself.
    pub fn new() -> Result<Self, String> {
        let mut environment = Env::stdlib();
        for extension in [strings, lists, math] {
            extension(&mut environment).map_err(|error| error.to_string())?;
        }
        Ok(Self { environment: Arc::new(environment), compiled: RefCell::default() })
    }

    /// What the rules of a schema say of a value that has the right structure.
    pub fn check(&self, schema: &Value, value: &Value) -> Vec<Problem> {
        let mut problems = Vec::new();
        self.walk(schema, value, "", &mut problems);
        problems
    }

    fn walk(&self, schema: &Value, value: &Value, path: &str, problems: &mut Vec<Problem>) {
        for rule in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
            problems.extend(self.broken(rule, value, path));
        }
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    let schema = match &schema["properties"][name] {
                        Value::Null => &schema["additionalProperties"],
                        schema => schema,
                    };
                    self.walk(schema, value, &member(path, name), problems);
                }
            }
            Value::Array(items) => {
                for (index, value) in items.iter().enumerate() {
                    self.walk(&schema["items"], value, &item(path, index), problems);
                }
            }
            _ => {}
        }
    }

    /// What a rule says of a value, unless it holds.
    fn broken(&self, rule: &Value, value: &Value, path: &str) -> Option<Problem> {
        let text = rule["rule"].as_str().unwrap_or_default();
        if is_transition(text) {
            return None;
        }
        let message = match self.holds(text, value) {
            Ok(true) => return None,
            Ok(false) => {
                rule["message"].as_str().map_or_else(|| format!("failed rule: {text}"), str::to_owned)
            }
            Err(error) => format!("the rule {text} can't be evaluated: {error}"),
        };
        let below = rule["fieldPath"].as_str().unwrap_or_default();
        let field = format!("{path}{below}").trim_start_matches('.').to_owned();
        Some(Problem { field, message, check: Check::Rule, blocking: false })
    }

    /// Whether a rule holds for a value.
    pub fn holds(&self, rule: &str, value: &Value) -> Result<bool, String> {
        let program = self.program(rule);
        let program = program.as_ref().as_ref().map_err(Clone::clone)?;
        let mut context = Context::with_env(Arc::clone(&self.environment));
        context.add_variable_from_value("self", cel(value));
        match program.execute(&context).map_err(|error| error.to_string())? {
            Cel::Bool(holds) => Ok(holds),
            other => Err(format!("it yields {other:?}")),
        }
    }

    /// A rule, compiled.
    pub fn program(&self, rule: &str) -> Rc<Result<Program, String>> {
        let mut compiled = self.compiled.borrow_mut();
        let compile = || Rc::new(self.environment.compile(rule).map_err(|error| error.to_string()));
        Rc::clone(compiled.entry(rule.to_owned()).or_insert_with(compile))
    }
}

/// Whether a rule is about a change.
pub fn is_transition(rule: &str) -> bool {
    rule.split(|character: char| !character.is_alphanumeric() && character != '_').any(|word| word == BEFORE)
}

/// A value in CEL's types. Whole numbers are `int`, as in the API server.
fn cel(value: &Value) -> Cel {
    match value {
        Value::Null => Cel::Null,
        Value::Bool(value) => Cel::Bool(*value),
        Value::Number(number) => match number.as_i64() {
            Some(number) => Cel::Int(number),
            None => Cel::Float(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => Cel::from(text.as_str()),
        Value::Array(items) => Cel::from(items.iter().map(cel).collect::<Vec<_>>()),
        Value::Object(members) => Cel::from(
            members.iter().map(|(name, value)| (name.clone(), cel(value))).collect::<HashMap<_, _>>(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn crds() -> Vec<Value> {
        crate::kinds::crds().unwrap()
    }

    /// Every member of every schema, at any depth.
    fn each<'a>(schema: &'a Value, found: &mut Vec<&'a Value>) {
        found.push(schema);
        match schema {
            Value::Object(members) => members.values().for_each(|value| each(value, found)),
            Value::Array(items) => items.iter().for_each(|value| each(value, found)),
            _ => {}
        }
    }

    #[test]
    fn every_rule_of_every_crd_compiles() {
        let (rules, crds) = (Rules::new().unwrap(), crds());
        let mut schemas = Vec::new();
        for crd in &crds {
            each(crd, &mut schemas);
        }
        let texts: Vec<&str> = schemas
            .iter()
            .flat_map(|schema| schema["x-kubernetes-validations"].as_array().into_iter().flatten())
            .map(|rule| rule["rule"].as_str().unwrap())
            .collect();
        assert!(texts.len() > 100, "{}", texts.len());
        let (changes, others): (Vec<&str>, Vec<&str>) = texts.iter().partition(|text| is_transition(text));
        assert!(changes.len() > 10 && others.len() > 50);
        for text in texts {
            if let Err(error) = rules.program(text).as_ref() {
                panic!("{text}: {error}");
            }
        }
    }

    #[test]
    fn every_pattern_of_every_crd_compiles() {
        let crds = crds();
        let mut schemas = Vec::new();
        for crd in &crds {
            each(crd, &mut schemas);
        }
        let patterns = schemas.iter().filter_map(|schema| schema["pattern"].as_str());
        let patterns: std::collections::BTreeSet<&str> = patterns.collect();
        assert!(patterns.len() > 40, "{}", patterns.len());
        for pattern in patterns {
            assert!(super::super::pattern::compile(pattern).is_some(), "{pattern}");
        }
    }

    #[test]
    fn a_rule_sees_whole_numbers_as_int_and_what_is_missing_as_missing() {
        let rules = Rules::new().unwrap();
        let value = json!({"n": 3, "s": "A:b", "list": ["x", "X"], "map": {"k-1": "v"}});
        for (rule, holds) in [
            ("self.n <= 3 && type(self.n) == int", true),
            ("has(self.missing)", false),
            ("!has(self.missing) || self.missing == 1", true),
            ("self.s.split(':')[1] == 'b' && self.s.lowerAscii() == 'a:b'", true),
            ("self.list.all(a, self.list.exists_one(b, a.lowerAscii() == b.lowerAscii()))", false),
            ("self.map.all(k, k.startsWith('k-'))", true),
            ("self.s.matches('^[A-Z]:')", true),
        ] {
            assert_eq!(rules.holds(rule, &value), Ok(holds), "{rule}");
        }
        assert!(rules.holds("self.n", &value).is_err());
        assert!(rules.holds("self.missing == 1", &value).is_err());
        assert!(is_transition("has(oldSelf.x)") && !is_transition("self.oldSelfish"));
    }
}
