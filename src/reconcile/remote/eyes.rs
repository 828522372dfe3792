//! Who has seen a resource. What one principal was shown is no evidence of what another may see.

use super::mirror::Moment;

/// A number for what signs requests. Whoever has the same one has the same permissions.
pub type Viewer = u32;

/// What a viewer has seen of a resource.
#[derive(Clone, Copy, Debug)]
struct Sighting {
    viewer: Viewer,
    /// When it was last shown, whatever its content was.
    shown: Moment,
    /// When it was last shown as it is now; zero if never.
    seen: Moment,
    /// When it was last read, or left by a write, as it is now; zero if never.
    read: Moment,
}

/// Who has seen a resource, and when. Nearly always one or two.
#[derive(Clone, Debug, Default)]
pub struct Eyes(Vec<Sighting>);

impl Eyes {
    /// A list has shown it at `at`: as it is now, or with other content.
    pub fn shown(&mut self, viewer: Viewer, at: Moment, as_it_is: bool) {
        let sighting = self.of(viewer);
        sighting.shown = sighting.shown.max(at);
        if as_it_is {
            sighting.seen = sighting.seen.max(at);
        }
    }

    /// A read, or the answer to a write, has shown it as it is now.
    pub fn read(&mut self, viewer: Viewer, at: Moment) {
        self.shown(viewer, at, true);
        let sighting = self.of(viewer);
        sighting.read = sighting.read.max(at);
    }

    /// It is not as it was: nobody has seen its content yet.
    pub fn outdate(&mut self) {
        for sighting in &mut self.0 {
            (sighting.seen, sighting.read) = (0, 0);
        }
    }

    /// When the viewer last saw it as it is now; zero if never.
    pub fn seen_by(&self, viewer: Viewer) -> Moment {
        self.get(viewer).map_or(0, |sighting| sighting.seen)
    }

    /// When a read or a write of the viewer last showed it as it is now; zero if never.
    pub fn read_by(&self, viewer: Viewer) -> Moment {
        self.get(viewer).map_or(0, |sighting| sighting.read)
    }

    /// When the viewer was last shown it, whatever its content was.
    pub fn shown_to(&self, viewer: Viewer) -> Option<Moment> {
        self.get(viewer).map(|sighting| sighting.shown)
    }

    /// Whether anybody else knows of it.
    pub fn has_others_than(&self, viewer: Viewer) -> bool {
        self.0.iter().any(|sighting| sighting.viewer != viewer)
    }

    /// Who was last shown it when.
    pub fn all_shown(&self) -> impl Iterator<Item = (Viewer, Moment)> {
        self.0.iter().map(|sighting| (sighting.viewer, sighting.shown))
    }

    /// The viewer no longer knows of it. Returns whether nobody does.
    pub fn forget(&mut self, viewer: Viewer) -> bool {
        self.0.retain(|sighting| sighting.viewer != viewer);
        self.0.is_empty()
    }

    fn get(&self, viewer: Viewer) -> Option<&Sighting> {
        self.0.iter().find(|sighting| sighting.viewer == viewer)
    }

    fn of(&mut self, viewer: Viewer) -> &mut Sighting {
        let at = self.0.iter().position(|sighting| sighting.viewer == viewer);
        let at = at.unwrap_or_else(|| {
            // Room for one more only: there are as many of these as resources.
            self.0.reserve_exact(1);
            self.0.push(Sighting { viewer, shown: 0, seen: 0, read: 0 });
            self.0.len() - 1
        });
        &mut self.0[at]
    }
}
