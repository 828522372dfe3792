//! A mirror of one collection in AWS: what lists, single reads and our own writes have shown of it. Pure.
//!
//! Lists may lag behind our own writes, move resources between pages, and break off. So what a list shows never overrides
//! what a newer write or read has shown, and what a list doesn't show is only in doubt: a resource is gone when a read of it
//! says so. Time is a count of what happened ([`Moment`]), not a clock: whoever calls takes the moment *before* sending a
//! request, and tells the mirror what came of it together with that moment.
//!
//! Several principals may look into one mirror. What one of them was shown makes nobody else know it: another knows of a
//! resource what it has been shown itself, at any time since its content is as it is. That the content is still the same,
//! it may learn from anybody. And that something isn't there, only its own complete list tells it: another's may show less.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap, HashSet};

use super::eyes::{Eyes, Viewer};

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
        /// When whoever asks was last shown it like this.
        seen: Moment,
    },
    /// Only a read of this one resource tells.
    Ask,
}

/// How sure a viewer can be of what is found in a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// It was shown it.
    Sure,
    /// It was shown something of it: only a read tells.
    Doubt,
    /// Only others were shown it.
    Hearsay,
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
    eyes: Eyes,
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
    viewer: Viewer,
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
    /// The lists under way: one of each viewer at most.
    refreshes: Vec<Refresh>,
    /// When the last complete list of each viewer began.
    complete: Vec<(Viewer, Moment)>,
}

impl<I> Default for Mirror<I> {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
            keys: HashMap::new(),
            unlisted: BTreeMap::new(),
            refreshes: Vec::new(),
            complete: Vec::new(),
        }
    }
}

impl<I: Listed> Mirror<I> {
    /// A list of the viewer begins: its first page is about to be asked for. One of its that was under way is given up.
    pub fn begin(&mut self, viewer: Viewer, now: Moment) {
        self.take_refresh(viewer);
        self.refreshes.push(Refresh { viewer, began: now, news: BTreeMap::new(), seen: Vec::new() });
    }

    /// A page of the viewer's list came in.
    pub fn page(&mut self, viewer: Viewer, items: impl IntoIterator<Item = I>) {
        let Some(mut refresh) = self.take_refresh(viewer) else { return };
        for item in items {
            let id = item.id().to_owned();
            if let Some(news) = self.listed(item, viewer, refresh.began) {
                refresh.news.entry(id.clone()).or_insert(news);
            }
            refresh.seen.push(id);
        }
        self.refreshes.push(refresh);
    }

    /// The viewer's list broke off. What its pages showed stays; nothing is said of what they didn't.
    pub fn fail(&mut self, viewer: Viewer) -> Vec<News> {
        self.take_refresh(viewer).map(|refresh| refresh.news.into_values().collect()).unwrap_or_default()
    }

    /// The last page of the viewer's list has come in. Answers what is new.
    pub fn end(&mut self, viewer: Viewer) -> Vec<News> {
        let Some(Refresh { began, mut news, mut seen, .. }) = self.take_refresh(viewer) else {
            return Vec::new();
        };
        seen.sort_unstable();
        let shown = |id: &String| seen.binary_search(id).is_ok();
        for (id, entry) in &mut self.entries {
            // What was found out while the list was under way, the list may not know. Of what the viewer never saw, that it
            // doesn't see it says nothing.
            if entry.as_of < began
                && !shown(id)
                && entry.doubt.is_none()
                && entry.eyes.shown_to(viewer).is_some()
            {
                entry.doubt = Some(Doubt::Missing);
                news.insert(id.clone(), News::Missing(id.clone()));
            }
        }
        self.complete.retain(|(other, _)| *other != viewer);
        self.complete.push((viewer, began));
        news.into_values().collect()
    }

    fn take_refresh(&mut self, viewer: Viewer) -> Option<Refresh> {
        let at = self.refreshes.iter().position(|refresh| refresh.viewer == viewer)?;
        Some(self.refreshes.swap_remove(at))
    }

    /// A list of the viewer that began at `began` shows the resource.
    fn listed(&mut self, item: I, viewer: Viewer, began: Moment) -> Option<News> {
        let id = item.id().to_owned();
        let mut eyes = Eyes::default();
        eyes.shown(viewer, began, true);
        let Some(entry) = self.entries.get_mut(&id) else {
            let since = self.unlisted.get(&id).copied();
            // The list lags, or somebody made it again, or only another was told that it is gone: only a read tells.
            let doubt = since.map(|_| Doubt::Unsure);
            self.set(Entry { item, as_of: began, firm: since.unwrap_or_default(), doubt, eyes });
            return since.is_none_or(|since| began > since).then_some(News::Appeared(id));
        };
        let same = entry.item == item;
        entry.eyes.shown(viewer, began, same);
        // A list may lag behind what made us unsure, even if it shows something newer than what we knew.
        if began <= entry.as_of || entry.doubt == Some(Doubt::Unsure) {
            return None;
        }
        if same {
            (entry.as_of, entry.doubt) = (began, None);
            return None;
        }
        match item.updated_at().cmp(&entry.item.updated_at()) {
            Ordering::Greater => {
                let firm = entry.firm;
                self.replace(item, began, firm).shown(viewer, began, true);
            }
            // A list that lags.
            Ordering::Less => return None,
            // Without a newer date, what differs may be the state before a write that the list lags behind.
            Ordering::Equal => entry.doubt = Some(Doubt::Unsure),
        }
        Some(News::Changed(id))
    }

    /// A write of the viewer was answered at `now` with what it left.
    pub fn wrote(&mut self, viewer: Viewer, left: I, now: Moment) {
        self.unlisted.remove(left.id());
        self.replace(left, now, now).read(viewer, now);
    }

    /// The resource is like this. Returns who knows of it; if its content is new, nobody has seen that.
    fn replace(&mut self, item: I, as_of: Moment, firm: Moment) -> &mut Eyes {
        let id = item.id().to_owned();
        let mut eyes = Eyes::default();
        if let Some(old) = self.entries.get_mut(&id) {
            eyes = std::mem::take(&mut old.eyes);
            if old.item != item {
                eyes.outdate();
            }
        }
        &mut self.set(Entry { item, as_of, firm, doubt: None, eyes }).eyes
    }

    fn set(&mut self, entry: Entry<I>) -> &mut Entry<I> {
        let id = entry.item.id().to_owned();
        self.unset(&id);
        for key in entry.item.keys() {
            self.keys.entry(*key).or_default().insert(id.clone());
        }
        self.entries.entry(id).insert_entry(entry).into_mut()
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

    /// A read of the single resource, which the viewer sent at `sent`, was answered. What was written since it was sent, it
    /// may not show.
    pub fn confirmed(&mut self, viewer: Viewer, id: &str, found: Option<I>, sent: Moment) {
        let entry = self.entries.get_mut(id);
        let known = entry.as_ref().map(|entry| entry.firm).or(self.unlisted.get(id).copied());
        let is_late = known.is_some_and(|known| known > sent);
        match (found, entry) {
            (Some(item), Some(entry)) if is_late => entry.eyes.shown(viewer, sent, entry.item == item),
            _ if is_late => {}
            (Some(item), _) => {
                self.unlisted.remove(id);
                self.replace(item, sent, sent).read(viewer, sent);
            }
            // AWS may say so of what the viewer may not see: others read it for themselves.
            (None, Some(entry)) if entry.eyes.has_others_than(viewer) => {
                entry.eyes.forget(viewer);
                (entry.as_of, entry.firm) = (entry.as_of.max(sent), sent);
                entry.doubt = Some(Doubt::Unsure);
            }
            (None, _) => self.deleted(id, sent),
        }
    }

    /// What the viewer knows of the resource `id`, if that it is so was found out at `since` or later.
    pub fn by_id(&self, viewer: Viewer, id: &str, since: Moment) -> Look<I> {
        match self.entries.get(id) {
            Some(entry) if entry.doubt.is_none() && entry.as_of >= since => {
                match entry.eyes.seen_by(viewer) {
                    0 => Look::Ask,
                    seen => Look::Known { item: entry.item.clone(), as_of: entry.as_of, seen },
                }
            }
            _ => Look::Ask,
        }
    }

    /// What a read that the viewer sent at `since` or later has shown of the resource `id`, or a write of its left that was
    /// answered then.
    pub fn read_since(&self, viewer: Viewer, id: &str, since: Moment) -> Option<&I> {
        let entry = self.entries.get(id)?;
        let is_read = entry.doubt.is_none() && entry.firm >= since && entry.eyes.read_by(viewer) >= since;
        is_read.then_some(&entry.item)
    }

    /// Everything that may be in the collection, each with how sure the viewer can be of it, if a complete list of the
    /// viewer's began at `since` or later: only then does it mean anything that something isn't among it.
    pub fn all(&self, viewer: Viewer, since: Moment) -> Option<impl Iterator<Item = (&I, Certainty)>> {
        let all = move || self.entries.values().map(move |entry| entry.found(viewer, since));
        self.is_complete_for(viewer, since).then(all)
    }

    /// The same, of what has one of these keys.
    pub fn keyed(
        &self,
        keys: &[u64],
        viewer: Viewer,
        since: Moment,
    ) -> Option<impl Iterator<Item = (&I, Certainty)>> {
        let ids: HashSet<&String> = keys.iter().filter_map(|key| self.keys.get(key)).flatten().collect();
        let entries = ids.into_iter().filter_map(|id| self.entries.get(id));
        let found = entries.map(move |entry| entry.found(viewer, since));
        self.is_complete_for(viewer, since).then_some(found)
    }

    /// Whether a complete list of the viewer's began at `since` or later.
    pub fn is_complete_for(&self, viewer: Viewer, since: Moment) -> bool {
        self.complete_of(viewer).is_some_and(|began| began >= since)
    }

    /// Whether a complete list, whoever's, began at `since` or later.
    pub fn is_complete(&self, since: Moment) -> bool {
        self.complete.iter().any(|(_, began)| *began >= since)
    }

    fn complete_of(&self, viewer: Viewer) -> Option<Moment> {
        self.complete.iter().find(|(other, _)| *other == viewer).map(|(_, began)| *began)
    }

    /// Forgets a viewer, and what nobody else was shown. Of what was read or written, lists may still lag behind.
    pub fn forget(&mut self, viewer: Viewer) {
        self.take_refresh(viewer);
        self.complete.retain(|(other, _)| *other != viewer);
        let gone = self
            .entries
            .iter_mut()
            .filter_map(|(id, entry)| entry.eyes.forget(viewer).then(|| (id.clone(), entry.firm)));
        for (id, firm) in gone.collect::<Vec<_>>() {
            self.unset(&id);
            if firm > 0 {
                self.unlisted.insert(id, firm);
            }
        }
    }

    /// Whether it has the resource, in doubt or not.
    pub fn has(&self, id: &str) -> bool {
        self.entries.contains_key(id)
    }

    /// How many resources it has, in doubt or not.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Drops what no list has shown since `settled`, and what is known to be gone since before that: no list lags as long.
    /// Whoever still asks for it reads it. What the last complete list of anybody has shown stays, however old that is.
    pub fn prune(&mut self, settled: Moment) {
        // A list under way is as old as its beginning.
        let settled = self.refreshes.iter().map(|refresh| refresh.began).fold(settled, Moment::min);
        let is_past = |entry: &Entry<I>| {
            let mut shown = entry.eyes.all_shown();
            entry.as_of < settled
                && shown.all(|(viewer, shown)| {
                    shown < settled && self.complete_of(viewer).is_none_or(|began| shown < began)
                })
        };
        let past = self.entries.iter().filter(|(_, entry)| is_past(entry));
        let past: Vec<String> = past.map(|(id, _)| id.clone()).collect();
        for id in &past {
            self.unset(id);
        }
        self.unlisted.retain(|_, when| *when >= settled);
    }
}

impl<I> Entry<I> {
    /// What a search of the viewer's finds, whose complete list began at `since` or later.
    fn found(&self, viewer: Viewer, since: Moment) -> (&I, Certainty) {
        let certainty = match self.eyes.shown_to(viewer) {
            None => Certainty::Hearsay,
            Some(shown) if self.doubt.is_none() && shown >= since && self.eyes.seen_by(viewer) > 0 => {
                Certainty::Sure
            }
            Some(_) => Certainty::Doubt,
        };
        (&self.item, certainty)
    }
}

#[cfg(test)]
mod tests;
