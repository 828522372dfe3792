//! A mirror of one collection in AWS: what lists, single reads and our own writes have shown of it. Pure.
//!
//! Lists may lag behind our own writes, move resources between pages, and break off. So what a list shows never overrides
//! what a newer write or read has shown, and what a list doesn't show is only in doubt: a resource is gone when a read of it
//! says so. Time is a count of what happened ([`Moment`]), not a clock: whoever calls takes the moment *before* sending a
//! request, and tells the mirror what came of it together with that moment.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap, HashSet};

/// A point in the order of what happened. Larger is later.
pub type Moment = u64;

/// What a list shows of one resource.
pub trait Listed: Clone + PartialEq {
    /// Its ID in AWS.
    fn id(&self) -> &str;

    /// When it was last changed, as AWS says; none where AWS doesn't say. Values that are later compare greater.
    fn updated_at(&self) -> Option<i64>;

    /// Hashes of what it can be searched by.
    fn keys(&self) -> &[u64];
}

/// What is known of one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look<I> {
    /// It is there, and this is how it was at `as_of` or later.
    Known {
        /// The resource.
        item: I,
        /// The moment before which nothing of this was found out.
        as_of: Moment,
    },
    /// Only a read of this one resource tells.
    Ask,
}

/// What a refresh has found out about a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// It wasn't known.
    Appeared(String),
    /// It differs from what was known, or is in doubt.
    Changed(String),
    /// The list doesn't show it any more.
    Missing(String),
}

impl News {
    /// The ID of the resource.
    pub fn id(&self) -> &str {
        match self {
            Self::Appeared(id) | Self::Changed(id) | Self::Missing(id) => id,
        }
    }
}

#[derive(Clone, Debug)]
struct Entry<I> {
    item: I,
    /// Nothing of this was found out before this moment.
    as_of: Moment,
    /// When a write last ended, or a read was sent; zero if only lists have shown it.
    firm: Moment,
    doubt: Option<Doubt>,
}

/// Why only a read tells how a resource is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doubt {
    /// A complete list didn't show it: it may have moved between pages. A list that shows it again settles that.
    Missing,
    /// A list showed something else that isn't known to be newer, or a write ended without an answer.
    Unsure,
}

/// A list under way.
#[derive(Clone, Debug)]
struct Refresh {
    began: Moment,
    news: BTreeMap<String, News>,
    seen: Vec<String>,
}

/// The mirror of one collection.
#[derive(Clone, Debug)]
pub struct Mirror<I> {
    entries: BTreeMap<String, Entry<I>>,
    /// IDs of the entries by their keys.
    keys: HashMap<u64, HashSet<String>>,
    /// What isn't there, or of which only the ID is known, and since when: a list that lags may show something else.
    unlisted: BTreeMap<String, Moment>,
    refresh: Option<Refresh>,
    complete: Option<Moment>,
}

impl<I> Default for Mirror<I> {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
            keys: HashMap::new(),
            unlisted: BTreeMap::new(),
            refresh: None,
            complete: None,
        }
    }
}

impl<I: Listed> Mirror<I> {
    /// A list begins: its first page is about to be asked for. One that was under way is given up.
    pub fn begin(&mut self, now: Moment) {
        self.refresh = Some(Refresh { began: now, news: BTreeMap::new(), seen: Vec::new() });
    }

    /// A page of the list came in.
    pub fn page(&mut self, items: impl IntoIterator<Item = I>) {
        let Some(mut refresh) = self.refresh.take() else { return };
        for item in items {
            let id = item.id().to_owned();
            if let Some(news) = self.listed(item, refresh.began) {
                refresh.news.entry(id.clone()).or_insert(news);
            }
            refresh.seen.push(id);
        }
        self.refresh = Some(refresh);
    }

    /// The list broke off. What its pages showed stays; nothing is said of what they didn't.
    pub fn fail(&mut self) -> Vec<News> {
        self.refresh.take().map(|refresh| refresh.news.into_values().collect()).unwrap_or_default()
    }

    /// The last page has come in. Answers what is new.
    pub fn end(&mut self) -> Vec<News> {
        let Some(Refresh { began, mut news, mut seen }) = self.refresh.take() else { return Vec::new() };
        seen.sort_unstable();
        let shown = |id: &String| seen.binary_search(id).is_ok();
        for (id, entry) in &mut self.entries {
            // What was found out while the list was under way, the list may not know.
            if entry.as_of < began && !shown(id) && entry.doubt.is_none() {
                entry.doubt = Some(Doubt::Missing);
                news.insert(id.clone(), News::Missing(id.clone()));
            }
        }
        self.complete = Some(began);
        news.into_values().collect()
    }

    /// A list that began at `began` shows the resource.
    fn listed(&mut self, item: I, began: Moment) -> Option<News> {
        let id = item.id().to_owned();
        if let Some(since) = self.unlisted.get(&id) {
            if began <= *since || self.entries.contains_key(&id) {
                return None;
            }
            // The list lags, or somebody made it again: only a read tells.
            let firm = *since;
            self.set(Entry { item, as_of: began, firm, doubt: Some(Doubt::Unsure) });
            return Some(News::Appeared(id));
        }
        let Some(entry) = self.entries.get_mut(&id) else {
            self.set(Entry { item, as_of: began, firm: 0, doubt: None });
            return Some(News::Appeared(id));
        };
        let firm = entry.firm;
        // A list may lag behind what made us unsure, even if it shows something newer than what we knew.
        if began <= entry.as_of || entry.doubt == Some(Doubt::Unsure) {
            return None;
        }
        if entry.item == item {
            *entry = Entry { item, as_of: began, firm, doubt: None };
            return None;
        }
        match item.updated_at().cmp(&entry.item.updated_at()) {
            Ordering::Greater => self.set(Entry { item, as_of: began, firm, doubt: None }),
            // A list that lags.
            Ordering::Less => return None,
            // Without a newer date, what differs may be the state before a write that the list lags behind.
            Ordering::Equal => entry.doubt = Some(Doubt::Unsure),
        }
        Some(News::Changed(id))
    }

    /// A write was answered at `now` with what it left.
    pub fn wrote(&mut self, left: I, now: Moment) {
        let id = left.id().to_owned();
        self.unlisted.remove(&id);
        self.set(Entry { item: left, as_of: now, firm: now, doubt: None });
    }

    fn set(&mut self, entry: Entry<I>) {
        let id = entry.item.id().to_owned();
        self.unset(&id);
        for key in entry.item.keys() {
            self.keys.entry(*key).or_default().insert(id.clone());
        }
        self.entries.insert(id, entry);
    }

    fn unset(&mut self, id: &str) {
        let Some(entry) = self.entries.remove(id) else { return };
        for key in entry.item.keys() {
            if let Some(having) = self.keys.get_mut(key) {
                having.remove(id);
                if having.is_empty() {
                    self.keys.remove(key);
                }
            }
        }
    }

    /// A write of the resource ended at `now`, and its answer was lost or doesn't tell how the resource is.
    pub fn uncertain(&mut self, id: &str, now: Moment) {
        if let Some(entry) = self.entries.get_mut(id) {
            (entry.as_of, entry.firm) = (now, now);
            entry.doubt = Some(Doubt::Unsure);
        } else {
            self.unlisted.insert(id.to_owned(), now);
        }
    }

    /// The resource was deleted; AWS answered at `now`.
    pub fn deleted(&mut self, id: &str, now: Moment) {
        self.unset(id);
        self.unlisted.insert(id.to_owned(), now);
    }

    /// A read of the single resource, sent at `sent`, was answered. What was written since it was sent, it may not show.
    pub fn confirmed(&mut self, id: &str, found: Option<I>, sent: Moment) {
        let known = self.entries.get(id).map(|entry| entry.firm).or(self.unlisted.get(id).copied());
        if known.is_some_and(|known| known > sent) {
            return;
        }
        match found {
            Some(item) => {
                self.unlisted.remove(id);
                self.set(Entry { item, as_of: sent, firm: sent, doubt: None });
            }
            None => self.deleted(id, sent),
        }
    }

    /// What is known of the resource `id` that was found out at `since` or later.
    pub fn by_id(&self, id: &str, since: Moment) -> Look<I> {
        match self.entries.get(id) {
            Some(entry) if entry.doubt.is_none() && entry.as_of >= since => {
                Look::Known { item: entry.item.clone(), as_of: entry.as_of }
            }
            _ => Look::Ask,
        }
    }

    /// What a read that was sent at `since` or later has shown of the resource `id`, or a write left that was answered then.
    pub fn read_since(&self, id: &str, since: Moment) -> Option<&I> {
        let entry = self.entries.get(id)?;
        (entry.doubt.is_none() && entry.firm >= since).then_some(&entry.item)
    }

    /// Everything that may be in the collection, each with whether it is in doubt, if a complete list began at `since` or
    /// later: only then does it mean anything that something isn't among it.
    pub fn all(&self, since: Moment) -> Option<impl Iterator<Item = (&I, bool)>> {
        let all = || self.entries.values().map(|entry| (&entry.item, entry.doubt.is_some()));
        self.is_complete(since).then(all)
    }

    /// The same, of what has one of these keys.
    pub fn keyed(&self, keys: &[u64], since: Moment) -> Option<impl Iterator<Item = (&I, bool)>> {
        let ids: HashSet<&String> = keys.iter().filter_map(|key| self.keys.get(key)).flatten().collect();
        let entries = ids.into_iter().filter_map(|id| self.entries.get(id));
        let found = entries.map(|entry| (&entry.item, entry.doubt.is_some()));
        self.is_complete(since).then_some(found)
    }

    /// Whether a complete list began at `since` or later.
    pub fn is_complete(&self, since: Moment) -> bool {
        self.complete.is_some_and(|began| began >= since)
    }

    /// How many resources it has, in doubt or not.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// When the last complete list began.
    pub fn complete_since(&self) -> Option<Moment> {
        self.complete
    }

    /// Drops what lists haven't shown since `settled`, and what is known to be gone since before that: no list lags as long.
    /// Whoever still asks for it reads it.
    pub fn prune(&mut self, settled: Moment) {
        let is_past = |entry: &Entry<I>| entry.doubt == Some(Doubt::Missing) && entry.as_of < settled;
        let past = self.entries.iter().filter(|(_, entry)| is_past(entry));
        let past: Vec<String> = past.map(|(id, _)| id.clone()).collect();
        for id in &past {
            self.unset(id);
        }
        self.unlisted.retain(|_, when| *when >= settled);
    }
}

#[cfg(test)]
mod tests;
