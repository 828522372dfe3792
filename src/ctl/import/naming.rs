//! Names of objects: valid, the same each time, and no two the same.

use std::collections::{BTreeMap, BTreeSet};

use crate::reconcile::state::fingerprint::sha256;

/// Maximum length of a name: it leaves room for suffixes (`-credentials`, `-webhook`).
const LONGEST: usize = 63;
/// Characters that tell apart what people call the same.
const SUFFIX: usize = 8;

/// A name for each remote, given its id and what people call it. Remotes that would share a name get a suffix from their
/// id, all of them, so that a name depends on what there is and never on an order.
pub fn names<'a>(
    remotes: impl IntoIterator<Item = (&'a str, String)>,
    noun: &str,
) -> BTreeMap<String, String> {
    let mut by_slug: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (id, title) in remotes {
        by_slug.entry(slug(&title)).or_default().insert(id);
    }
    let mut taken: BTreeSet<String> =
        by_slug.iter().filter(|(slug, ids)| is_alone(slug, ids)).map(|(slug, _)| slug.clone()).collect();
    let mut names = BTreeMap::new();
    for (slug, ids) in &by_slug {
        for id in ids {
            let name = if is_alone(slug, ids) { slug.clone() } else { suffixed(slug, noun, id, &mut taken) };
            names.insert((*id).to_owned(), name);
        }
    }
    names
}

fn is_alone(slug: &str, ids: &BTreeSet<&str>) -> bool {
    !slug.is_empty() && ids.len() == 1
}

fn suffixed(slug: &str, noun: &str, id: &str, taken: &mut BTreeSet<String>) -> String {
    let stem = if slug.is_empty() { noun } else { slug };
    let hash = sha256(id);
    let name_with = |length: usize| {
        let stem = stem[..stem.len().min(LONGEST - length - 1)].trim_end_matches('-');
        format!("{stem}-{}", &hash[..length])
    };
    let mut length = SUFFIX;
    while taken.contains(&name_with(length)) && length < LONGEST / 2 {
        length += 1;
    }
    let name = name_with(length);
    taken.insert(name.clone());
    name
}

/// What people call a remote, as a name in Kubernetes; empty if nothing of it can be in one.
pub fn slug(title: &str) -> String {
    let mut slug = String::new();
    for letter in title.chars() {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(LONGEST);
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_what_people_call_it_unless_two_are_called_the_same() {
        let names = names(
            [
                ("1", "Payments (EU)".to_owned()),
                ("2", "payments eu".to_owned()),
                ("3", "Zahlungen".to_owned()),
                ("4", "支払い".to_owned()),
            ],
            "space",
        );
        assert_eq!(names["3"], "zahlungen");
        assert_eq!(names["1"], format!("payments-eu-{}", &sha256("1")[..8]));
        assert_eq!(names["2"], format!("payments-eu-{}", &sha256("2")[..8]));
        assert_eq!(names["4"], format!("space-{}", &sha256("4")[..8]));
    }

    proptest! {
        #[test]
        fn names_are_valid_unique_and_independent_of_the_order(
            remotes in proptest::collection::btree_map("[a-f0-9]{1,4}", "\\PC{0,90}|[ab -]{0,3}", 0..20),
        ) {
            let given = || remotes.iter().map(|(id, title)| (id.as_str(), title.clone()));
            let forward = names(given(), "space");
            let backward = names(given().collect::<Vec<_>>().into_iter().rev(), "space");
            prop_assert_eq!(&forward, &backward);
            prop_assert_eq!(forward.len(), remotes.len());
            let distinct: BTreeSet<&String> = forward.values().collect();
            prop_assert_eq!(distinct.len(), remotes.len());
            for name in forward.values() {
                let inner = name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-');
                prop_assert!(inner && !name.is_empty() && name.len() <= LONGEST, "{}", name);
                prop_assert!(!name.starts_with('-') && !name.ends_with('-'), "{}", name);
            }
        }
    }
}
