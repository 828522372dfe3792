//! Faults, injected by rule.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::Violation;

/// What a fault does to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// The call takes effect; the connection is closed without a response.
    DropAnswer,
    /// The call takes effect after `delayMs`.
    Delay,
    /// The connection is closed before the call takes effect.
    Reset,
    /// `ThrottlingException`, without effect.
    #[serde(rename = "429")]
    Throttle,
    /// `InternalServerException`, without effect.
    #[serde(rename = "500")]
    Internal,
    /// The error that `error` names, without effect.
    Error,
    /// The call takes effect, and the response is the error in `error`.
    ErrorAfter,
    /// The call takes effect; its answer is cut off after the first character.
    Garble,
    /// No effect, and never a response.
    Hang,
    /// The call takes effect; the next `lists` lists in its account and region show the state before it.
    StaleLists,
}

/// Which calls a fault hits, and what it does.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// Given by the simulator.
    #[serde(default)]
    pub id: u64,
    /// Name of an operation (of STS, too), or `*`.
    #[serde(default = "any")]
    pub operation: String,
    /// Only calls of this account.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub account: Option<String>,
    /// Only calls in this region.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub region: Option<String>,
    /// Only calls whose principal's ARN contains this.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub principal: Option<String>,
    /// Only calls whose path, as sent, contains this.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub path: Option<String>,
    /// Only calls with a member (id, name, service id, role…) of this value.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub resource: Option<String>,
    /// Only calls for a later page of a list.
    #[serde(default)]
    pub later_page: bool,
    /// The first call to be hit, counted from 1 among those that match.
    #[serde(default = "one")]
    pub nth: u64,
    /// How many calls are hit, from there; 0 for all.
    #[serde(default = "one")]
    pub times: u64,
    /// What happens to them.
    pub effect: Effect,
    /// Error of `error` and `error-after`.
    #[serde(default = "default_error")]
    pub error: String,
    /// Its message.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub message: Option<String>,
    /// Its `fieldList`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub fields: Vec<Violation>,
    /// Wait before the call is handled; can be combined with every effect.
    #[serde(default)]
    pub delay_ms: u64,
    /// How many lists `stale-lists` is about; each page counts.
    #[serde(default = "one")]
    pub lists: u64,
    /// For how long, at most.
    #[serde(default = "long")]
    pub stale_ms: u64,
    /// How many calls matched.
    #[serde(default)]
    pub matched: u64,
    /// How many calls were hit.
    #[serde(default)]
    pub fired: u64,
}

fn any() -> String {
    "*".to_owned()
}

fn one() -> u64 {
    1
}

fn long() -> u64 {
    10_000
}

fn default_error() -> String {
    "InternalServerException".to_owned()
}

/// A call, as far as rules look at it.
pub struct Attempt<'a> {
    pub operation: &'a str,
    pub account: &'a str,
    pub region: &'a str,
    pub principal: &'a str,
    pub path: &'a str,
    pub members: Vec<&'a str>,
    /// Whether it asks for a later page of a list.
    pub later_page: bool,
}

/// What rules make of one call.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub delay: Duration,
    pub effect: Option<Effect>,
    pub error: String,
    pub message: String,
    pub fields: Vec<Violation>,
    pub lists: u64,
    pub stale_ms: u64,
}

/// All rules.
#[derive(Debug, Default)]
pub struct Faults {
    rules: Vec<Rule>,
    newest: u64,
}

impl Faults {
    /// Adds a rule and gives its id.
    pub fn add(&mut self, mut rule: Rule) -> u64 {
        self.newest += 1;
        rule.id = self.newest;
        (rule.matched, rule.fired) = (0, 0);
        self.rules.push(rule);
        self.newest
    }

    /// Removes a rule; false when there is none with this id.
    pub fn remove(&mut self, id: u64) -> bool {
        let before = self.rules.len();
        self.rules.retain(|rule| rule.id != id);
        self.rules.len() < before
    }

    /// Removes all rules.
    pub fn clear(&mut self) {
        self.rules.clear();
    }

    /// All rules with their counts.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Counts a call, and says what happens to it. Delays add up; of other effects, that of the oldest rule wins, and
    /// the rules after it don't fire.
    pub fn plan(&mut self, attempt: &Attempt<'_>) -> Plan {
        let mut plan = Plan::default();
        for rule in self.rules.iter_mut().filter(|rule| rule.matches(attempt)) {
            rule.matched += 1;
            let due = rule.matched >= rule.nth && (rule.times == 0 || rule.fired < rule.times);
            if !due || (plan.effect.is_some() && rule.effect != Effect::Delay) {
                continue;
            }
            rule.fired += 1;
            plan.delay += Duration::from_millis(rule.delay_ms);
            if rule.effect != Effect::Delay {
                plan.effect = Some(rule.effect);
                rule.code().clone_into(&mut plan.error);
                plan.fields.clone_from(&rule.fields);
                (plan.lists, plan.stale_ms) = (rule.lists, rule.stale_ms);
                plan.message = rule.message.clone().unwrap_or_else(|| "Injected fault".to_owned());
            }
        }
        plan
    }
}

impl Rule {
    fn matches(&self, attempt: &Attempt<'_>) -> bool {
        let is =
            |wanted: &Option<String>, actual: &str| wanted.as_deref().is_none_or(|wanted| wanted == actual);
        (self.operation == "*" || self.operation == attempt.operation)
            && is(&self.account, attempt.account)
            && is(&self.region, attempt.region)
            && (!self.later_page || attempt.later_page)
            && self.principal.as_deref().is_none_or(|part| attempt.principal.contains(part))
            && self.path.as_deref().is_none_or(|part| attempt.path.contains(part))
            && self.resource.as_deref().is_none_or(|wanted| attempt.members.contains(&wanted))
    }

    fn code(&self) -> &str {
        match self.effect {
            Effect::Throttle => "ThrottlingException",
            Effect::Internal => "InternalServerException",
            _ => &self.error,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(rules: &[serde_json::Value]) -> Faults {
        let mut faults = Faults::default();
        for rule in rules {
            faults.add(serde_json::from_value(rule.clone()).unwrap());
        }
        faults
    }

    fn effect(faults: &mut Faults, operation: &str) -> Option<Effect> {
        let members = vec!["id-1"];
        let (account, region, path) = ("1", "r", "/v1/x");
        let principal = "arn:aws:sts::1:assumed-role/team/operator";
        faults
            .plan(&Attempt { operation, account, region, principal, path, members, later_page: false })
            .effect
    }

    #[test]
    fn a_rule_hits_the_nth_call_and_so_many_after_it() {
        let mut faults = faults(&[json!({"operation": "Get", "effect": "429", "nth": 2, "times": 2})]);
        assert_eq!(effect(&mut faults, "List"), None);
        let hits: Vec<bool> = (0..4).map(|_| effect(&mut faults, "Get").is_some()).collect();
        assert_eq!(hits, [false, true, true, false]);
        assert_eq!((faults.rules()[0].matched, faults.rules()[0].fired), (4, 2));
    }

    #[test]
    fn a_rule_without_limits_hits_one_call_and_with_zero_hits_all() {
        let mut once = faults(&[json!({"effect": "reset"})]);
        assert_eq!(effect(&mut once, "Get"), Some(Effect::Reset));
        assert_eq!(effect(&mut once, "Get"), None);
        let mut always = faults(&[json!({"effect": "500", "times": 0})]);
        assert!((0..5).all(|_| effect(&mut always, "Get") == Some(Effect::Internal)));
    }

    #[test]
    fn a_rule_can_be_about_one_resource_path_account_or_principal() {
        for (member, hit, miss) in [
            ("resource", "id-1", "id-2"),
            ("path", "/v1/", "/v2/"),
            ("account", "1", "2"),
            ("principal", "/team/", "/other/"),
        ] {
            assert!(effect(&mut faults(&[json!({"effect": "hang", member: hit})]), "Get").is_some());
            assert!(effect(&mut faults(&[json!({"effect": "hang", member: miss})]), "Get").is_none());
        }
    }

    #[test]
    fn a_rule_can_be_about_later_pages_alone() {
        let mut faults = faults(&[json!({"effect": "reset", "laterPage": true})]);
        assert_eq!(effect(&mut faults, "List"), None);
        let members = Vec::new();
        let (operation, account, region, principal, path) = ("List", "1", "r", "p", "/");
        let attempt = Attempt { operation, account, region, principal, path, members, later_page: true };
        assert_eq!(faults.plan(&attempt).effect, Some(Effect::Reset));
    }
}
