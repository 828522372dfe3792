//! The state on disk, so that a restart keeps it.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::simulation::Simulation;
use crate::store::World;

/// Writes within this time count as one.
const PAUSE: Duration = Duration::from_millis(50);

/// Reads the state; an absent file is an empty state.
pub fn load(path: &Path) -> io::Result<World> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
            io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", path.display()))
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(World::default()),
        Err(error) => Err(error),
    }
}

/// Writes the state next to the file and puts it in place, so that a crash leaves the old or the new one. The file
/// contains secrets: nobody else may read it.
pub fn save(simulation: &Simulation, path: &Path) -> io::Result<()> {
    let bytes = serde_json::to_vec(&simulation.lock().world)?;
    let new = path.with_extension("new");
    let mut options = std::fs::OpenOptions::new();
    options.create(true).write(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&new)?.write_all(&bytes)?;
    std::fs::rename(new, path)
}

/// Saves after every change, forever.
pub async fn keep_saving(simulation: Arc<Simulation>, path: std::path::PathBuf) {
    loop {
        simulation.changed.notified().await;
        tokio::time::sleep(PAUSE).await;
        if let Err(error) = save(&simulation, &path) {
            tracing::error!(path = %path.display(), %error, "the state can't be saved");
        }
    }
}
