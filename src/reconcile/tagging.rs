//! Tags on remotes: owner tags, the account's and the spec's, without touching those of others.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::api::common::Tags;
use crate::api::scalars::TagKey;
use crate::aws::operations::{TagResource, UntagResource};

use super::kind::{Kind, Scope};
use super::state::conditions::Reason;
use super::state::drift::{Change, Drift};
use super::state::error::{Doing, Error};
use super::state::ownership::{self, HANDED_OVER_TAG, Identity};

/// Tags as the API takes them.
pub type TagMap = BTreeMap<String, String>;

/// The tags that a remote must have: the account's, overridden by the spec's, overridden by owner tags.
fn desired(identity: &Identity, account: &TagMap, spec: &Tags) -> TagMap {
    let mut tags = account.clone();
    tags.extend(spec.iter().map(|(key, value)| (key.0.clone(), value.0.clone())));
    tags.extend(identity.tags());
    tags
}

/// The tags that a remote must have, if AWS accepts that many.
pub fn checked(identity: &Identity, account: (&str, &TagMap), spec: &Tags) -> Result<TagMap, Error> {
    /// Maximum tags of a resource (`Tags` of the API).
    const MOST: usize = 50;
    let (name, of_account) = account;
    let tags = desired(identity, of_account, spec);
    if tags.len() <= MOST {
        return Ok(tags);
    }
    let added = of_account.keys().filter(|key| !spec.contains_key(&TagKey((*key).clone()))).count();
    Err(Error::terminal(
        Reason::Invalid,
        format!(
            "spec.tags: {} tags in total, but AWS accepts at most {MOST}: {} from this object, {added} from the AWSAccount \
             {name}, {} from the operator; remove {} of them",
            tags.len(),
            spec.len(),
            identity.tags().len(),
            tags.len() - MOST
        ),
    ))
}

/// Keys of the desired tags other than owner tags: status remembers them, to remove them later.
pub fn keys(desired: &TagMap) -> Vec<String> {
    desired.keys().filter(|key| !ownership::is_owner_tag(key)).cloned().collect()
}

/// The keys to remember: the desired ones, and those set earlier that still have to be removed.
pub fn remembered(desired: &TagMap, observed: &TagMap, recorded: &[String]) -> Vec<String> {
    let mut kept = keys(desired);
    kept.extend(
        recorded.iter().filter(|key| !desired.contains_key(*key) && observed.contains_key(*key)).cloned(),
    );
    kept
}

/// Where the tags differ: missing or changed ones, and those that the operator set and the spec no longer has.
pub fn compare(desired: &TagMap, observed: &TagMap, recorded: &[String]) -> Vec<Change> {
    let as_value = |value: Option<&String>| value.map(|value| Value::from(value.as_str()));
    let set = desired.iter().filter(|(key, value)| observed.get(*key) != Some(value)).map(|(key, value)| {
        Change::new(format!("tags[{key}]"), as_value(observed.get(key)), as_value(Some(value)))
    });
    // The object that compares has adopted it.
    let handed_over = HANDED_OVER_TAG.to_owned();
    let removed = recorded
        .iter()
        .chain([&handed_over])
        .filter(|key| !desired.contains_key(*key) && observed.contains_key(*key))
        .map(|key| Change::new(format!("tags[{key}]"), as_value(observed.get(key)), None));
    set.chain(removed).collect()
}

/// Corrects drift of tags with one call: sets what is missing, otherwise removes leftovers.
pub async fn correct<K: Kind>(scope: &Scope, id: &str, drift: &Drift) -> Result<Vec<String>, Error> {
    let key = |change: &Change| Some(change.path.strip_prefix("tags[")?.strip_suffix(']')?.to_owned());
    let (missing, removed): (Vec<&Change>, Vec<&Change>) =
        drift.under("tags").partition(|change| change.desired.is_some());
    if missing.is_empty() {
        let tag_keys: Vec<String> = removed.iter().filter_map(|change| key(change)).collect();
        let changed = removed.iter().map(|change| change.path.clone()).collect();
        let resource_arn = arn::<K>(scope, id).await?;
        let answer = scope.aws.call(&UntagResource { resource_arn, tag_keys }).await;
        answer.doing(|| format!("removing tags from the {} {id}", K::NOUN))?;
        return Ok(changed);
    }
    let tags = missing
        .iter()
        .filter_map(|change| Some((key(change)?, change.desired.as_ref()?.as_str()?.to_owned())))
        .collect();
    let changed = missing.iter().map(|change| change.path.clone()).collect();
    set::<K>(scope, id, tags).await?;
    Ok(changed)
}

/// Sets these tags of the remote `id` with one call, regardless of other tags.
pub async fn set<K: Kind>(scope: &Scope, id: &str, tags: TagMap) -> Result<(), Error> {
    let resource_arn = arn::<K>(scope, id).await?;
    let answer = scope.aws.call(&TagResource { resource_arn, tags }).await;
    answer.doing(|| format!("setting tags on the {} {id}", K::NOUN))?;
    Ok(())
}

async fn arn<K: Kind>(scope: &Scope, id: &str) -> Result<String, Error> {
    let arn = scope.aws.arn(&format!("{}/{id}", K::ARN_TYPE)).await;
    arn.doing(|| format!("finding the ARN of the {} {id}", K::NOUN))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> TagMap {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn tags_that_others_set_are_left_alone() {
        let changes = compare(&map(&[("a", "1")]), &map(&[("a", "1"), ("cost-centre", "42")]), &[]);
        assert!(changes.is_empty());
    }

    #[test]
    fn a_tag_that_the_spec_no_longer_has_is_removed() {
        let changes = compare(&map(&[]), &map(&[("a", "1")]), &["a".to_owned(), "b".to_owned()]);
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0].path, "tags[a]");
        assert_eq!(changes[0].desired, None);
    }

    #[test]
    fn the_owner_tags_win_over_all_others() {
        let identity = Identity::sample("AgentSpace");
        let tags = desired(
            &identity,
            &map(&[("team", "a"), ("env", "prod")]),
            &Tags::from([("team".into(), "b".into())]),
        );
        assert_eq!(tags["team"], "b");
        assert_eq!(tags["env"], "prod");
        assert_eq!(tags[ownership::CLUSTER_TAG], "c");
        assert_eq!(keys(&tags), ["env", "team"]);
    }

    #[test]
    fn more_tags_than_aws_takes_are_counted_by_where_they_come_from() {
        let identity = Identity::sample("AgentSpace");
        let account: TagMap = (0..30).map(|n| (format!("account-{n}"), String::new())).collect();
        let own = |most| -> Tags {
            let shared = std::iter::once(("account-0".into(), "mine".into()));
            shared.chain((1..most).map(|n| (TagKey(format!("own-{n}")), "".into()))).collect()
        };
        // One key is in both.
        assert_eq!(checked(&identity, ("production", &account), &own(17)).unwrap().len(), 50);
        let error = checked(&identity, ("production", &account), &own(30)).unwrap_err();
        assert_eq!(error.classify().1, Reason::Invalid);
        let message = error.to_string();
        for part in [
            "63 tags in total",
            "at most 50",
            "30 from this object",
            "29 from the AWSAccount production",
            "4 from",
            "remove 13",
        ] {
            assert!(message.contains(part), "{part}: {message}");
        }
    }
}
