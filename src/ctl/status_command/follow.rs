//! `--watch`: the trees again, or a line, for each change. Nothing is polled.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IsTerminal};

use futures::stream::{BoxStream, SelectAll};
use futures::{FutureExt, StreamExt};
use k8s_openapi::jiff::Timestamp;
use kube::api::DynamicObject;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch};
use serde::Serialize;
use serde_json::Value;

use crate::ctl::Error;
use crate::ctl::cluster::{self, Cluster, KindOf, kinds_of_ours};
use crate::ctl::exit::Exit;
use crate::ctl::output::{self, Versioned};
use crate::reconcile::state::subject::Subject;
use crate::text;

use super::forest::{Forest, Node, subject_of};
use super::lines::{self, Style};
use super::overview::{Entry, Picture};
use super::{Format, printed, snapshot};

/// Clears the screen.
const CLEAR: &str = "\x1b[2J\x1b[3J\x1b[H";

/// What is watched.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// Whether all namespaces are.
    pub everywhere: bool,
    /// The object that is shown.
    pub chosen: Option<&'a Subject>,
}

/// What one watch shows.
#[derive(Default)]
struct Seen {
    kind: String,
    objects: BTreeMap<Subject, Value>,
    /// What it shows when it begins again.
    fresh: Option<BTreeMap<Subject, Value>>,
    /// The object, if it is of just one.
    of: Option<Subject>,
    is_ready: bool,
    is_forbidden: bool,
}

type Happened = Result<Event<DynamicObject>, watcher::Error>;
type Watched = BoxStream<'static, Happened>;
type Events = SelectAll<BoxStream<'static, (usize, Happened)>>;

/// The watches, and what they show.
struct Watches<'a> {
    cluster: &'a Cluster,
    kinds: Vec<KindOf>,
    events: Events,
    seen: Vec<Seen>,
    everywhere: bool,
}

/// Shows changes until it is ended.
pub async fn follow(
    cluster: &Cluster,
    place: Place<'_>,
    format: Format,
    style: Style,
) -> Result<Exit, Error> {
    let mut watches = Watches::begin(cluster, place.everywhere)?;
    if let Some(chosen) = place.chosen {
        watches.add_object(chosen);
    }
    let mut screen =
        Screen { format, style, clears: format == Format::Text && io::stdout().is_terminal(), before: None };
    while let Some(event) = watches.events.next().await {
        watches.take(event)?;
        // What has come in the meantime is shown at once.
        while let Some(Some(event)) = watches.events.next().now_or_never() {
            watches.take(event)?;
        }
        if watches.is_complete() {
            let forest = watches.forest();
            screen.show(&forest, place.chosen.filter(|chosen| forest.nodes.contains_key(chosen)))?;
        }
    }
    Ok(Exit::Done)
}

impl<'a> Watches<'a> {
    fn begin(cluster: &'a Cluster, everywhere: bool) -> Result<Self, Error> {
        let kinds = kinds_of_ours()?;
        let mut watches = Self { cluster, kinds, events: SelectAll::new(), seen: Vec::new(), everywhere };
        let kinds = watches.kinds.iter().filter(|kind| everywhere || kind.namespaced);
        let namespace = (!everywhere).then_some(cluster.namespace.as_str());
        let apis = kinds.map(|kind| (kind.kind.clone(), cluster.api(kind, namespace))).collect::<Vec<_>>();
        for (kind, api) in apis {
            watches.add(kind, watch(api, watcher::Config::default()).boxed(), None);
        }
        Ok(watches)
    }

    fn add(&mut self, kind: String, events: Watched, of: Option<Subject>) {
        let index = self.seen.len();
        self.seen.push(Seen { kind, of, ..Seen::default() });
        self.events.push(events.default_backoff().map(move |event| (index, event)).boxed());
    }

    /// Watches one object more.
    fn add_object(&mut self, subject: &Subject) {
        let is_watched = self.everywhere
            || (!subject.namespace.is_empty() && subject.namespace == self.cluster.namespace)
            || self.seen.iter().any(|seen| seen.of.as_ref() == Some(subject));
        let kind = self.kinds.iter().find(|kind| kind.kind == subject.kind);
        if let Some(kind) = kind.filter(|_| !is_watched) {
            let api = self.cluster.api(kind, Some(&subject.namespace));
            let config = watcher::Config::default().fields(&format!("metadata.name={}", subject.name));
            self.add(subject.kind.to_owned(), watch(api, config).boxed(), Some(subject.clone()));
        }
    }

    fn take(&mut self, (index, event): (usize, Happened)) -> Result<(), Error> {
        let Some(seen) = self.seen.get_mut(index) else { return Ok(()) };
        let event = match event {
            Ok(event) => event,
            Err(error) => return seen.fail(error),
        };
        let mut referred = Vec::new();
        let kind = seen.kind.clone();
        let mut known = |object: DynamicObject| -> Result<Option<(Subject, Value)>, Error> {
            let mut object = serde_json::to_value(object).map_err(Error::Schema)?;
            // The items of a list don't say what they are.
            object["kind"] = Value::from(kind.as_str());
            referred.extend(snapshot::referred(&object));
            Ok(subject_of(&object).map(|subject| (subject, object)))
        };
        match event {
            Event::Init => seen.fresh = Some(BTreeMap::new()),
            Event::InitApply(object) => {
                let object = known(object)?;
                seen.fresh.get_or_insert_default().extend(object);
            }
            Event::InitDone => {
                seen.objects = seen.fresh.take().unwrap_or_default();
                (seen.is_ready, seen.is_forbidden) = (true, false);
            }
            Event::Apply(object) => seen.objects.extend(known(object)?),
            Event::Delete(object) => {
                if let Some((subject, _)) = known(object)? {
                    seen.objects.remove(&subject);
                }
            }
        }
        for subject in &referred {
            self.add_object(subject);
        }
        Ok(())
    }

    /// Whether every watch has shown what there is, or can't.
    fn is_complete(&self) -> bool {
        self.seen.iter().all(|seen| seen.is_ready || seen.is_forbidden)
    }

    fn forest(&self) -> Forest {
        let unreadable = self.seen.iter().filter(|seen| seen.is_forbidden).filter_map(|seen| seen.of.clone());
        Forest::of(self.seen.iter().flat_map(|seen| seen.objects.values()), &unreadable.collect())
    }
}

impl Seen {
    /// A watch that can't begin is an error, unless it is of one object that may not be read. One that ends begins again.
    fn fail(&mut self, error: watcher::Error) -> Result<(), Error> {
        let source = match error {
            watcher::Error::InitialListFailed(source)
            | watcher::Error::WatchStartFailed(source)
            | watcher::Error::WatchFailed(source) => source,
            other => {
                eprintln!("note: {}", text::plain(&other.to_string()));
                return Ok(());
            }
        };
        let error = cluster::failed("watching the objects")(source);
        if self.of.is_some() && error.is_forbidden() {
            self.is_forbidden = true;
            return Ok(());
        }
        if !self.is_ready {
            return Err(error);
        }
        eprintln!("note: {}", text::plain(&error.to_string()));
        Ok(())
    }
}

/// What was shown.
struct Screen {
    format: Format,
    style: Style,
    clears: bool,
    before: Option<(BTreeMap<Subject, Node>, Option<Subject>)>,
}

/// A change, for programs.
#[derive(Serialize)]
struct Change {
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted: Option<String>,
}

impl Screen {
    fn show(&mut self, forest: &Forest, chosen: Option<&Subject>) -> Result<(), Error> {
        let picture = Picture::of(forest, chosen);
        let nodes = forest.nodes.iter().filter(|(subject, _)| picture.shown.contains(*subject));
        let nodes: BTreeMap<Subject, Node> =
            nodes.map(|(subject, node)| (subject.clone(), node.clone())).collect();
        let first = picture.causes.first().map(|cause| cause.subject.clone());
        let now = (nodes, first);
        let Some(before) = self.before.replace(now.clone()).filter(|_| !self.clears) else {
            let text = printed(&picture, self.format, self.style)?;
            return output::print(&if self.clears { format!("{CLEAR}{text}") } else { text });
        };
        if before == now {
            return Ok(());
        }
        let names: BTreeSet<&Subject> = before.0.keys().chain(now.0.keys()).collect();
        let changed = names.into_iter().filter(|subject| before.0.get(*subject) != now.0.get(*subject));
        for subject in changed {
            output::print(&self.change(&picture, subject, now.0.get(subject))?)?;
        }
        if self.format == Format::Text && before.1 != now.1 {
            output::print(&match picture.causes.first() {
                Some(cause) => {
                    let cause = lines::one(&cause.subject, &cause.standing, self.style);
                    format!("{} first: {cause}\n", time())
                }
                None => format!("{} nothing to fix or to wait for\n", time()),
            })?;
        }
        Ok(())
    }

    fn change(&self, picture: &Picture<'_>, subject: &Subject, node: Option<&Node>) -> Result<String, Error> {
        if self.format == Format::Text {
            let line = match node {
                Some(node) => lines::one(subject, &node.standing, self.style),
                None => format!("{}: deleted", text::plain(&subject.to_string())),
            };
            return Ok(format!("{} {line}\n", time()));
        }
        let change = Change {
            object: node.map(|node| picture.entry(subject, node)),
            deleted: node.is_none().then(|| subject.to_string()),
        };
        let summary = picture.summary();
        let document = Versioned::new("StatusChange", &summary, &change);
        match self.format {
            Format::Yaml => Ok(format!("---\n{}", document.yaml()?)),
            _ => document.line(),
        }
    }
}

fn time() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
