//! The locks of a store's owner: another tool that refreshes the same login.
//!
//! Ours is outermost, then the owner's in the owner's order, all or none. An owner that locks by `flock` shares its lock
//! file with us; one that makes directories gets them made, touched and removed as it does itself.

mod directory;
mod held;
mod record;
#[cfg(test)]
mod tests;
mod watch;

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
    vec::Vec,
};

use held::{Locks, Names};
pub(super) use held::{OwnerHold, WriteLock};
use watch::Watch;

use super::{
    fault::{fault, named},
    place::Place,
};
use crate::{FaultKind, LockFault, StoreFormat};

/// Who owns a store, and what was seen of its locks.
#[derive(Debug)]
pub(super) struct Owner {
    format: StoreFormat,
    watch: Watch,
}

impl Owner {
    pub(super) fn new(format: StoreFormat) -> Self {
        Self { format, watch: Watch::default() }
    }

    /// Returns where a store lies. Where its owner locks a file, that file takes the place of our lock file.
    pub(super) fn place(&self, path: &Path) -> io::Result<Place> {
        let mut place = Place::of(path)?;
        if self.format == StoreFormat::Panda {
            // Beside the name that panda knows. It never deletes the file, nor do we.
            place.lock = appended(path);
        }
        Ok(place)
    }

    /// Refuses a store that is only read: its owner would not notice our lock and send the refresh token that we spend.
    pub(super) fn refuse_read_only(&self, place: &Place) -> Result<(), LockFault> {
        match self.format.read_only() {
            Some(why) => Err(LockFault::Fault(named(FaultKind::ReadOnly, "lock", &place.store, why))),
            None => Ok(()),
        }
    }

    /// Tries to take the owner's directories, all or none. Ours is held, and dropped by the caller where this fails.
    /// `now` is the monotonic clock.
    pub(super) fn try_lock(
        &mut self,
        path: &Path,
        place: &Place,
        now: Duration,
    ) -> Result<Option<OwnerHold>, LockFault> {
        if self.format != StoreFormat::ClaudeCode {
            return Ok(None);
        }
        let names = claude_code(path, place)
            .map_err(|error| LockFault::Fault(fault("find the folder of", &place.store, &error)))?;
        let mut locks = Locks::new(names, place);
        locks.take_in_record(&mut self.watch);
        match locks.take_refresh(&mut self.watch, now) {
            Ok(true) => OwnerHold::new(locks).map(Some).map_err(LockFault::Fault),
            Ok(false) => {
                locks.leave_record(&self.watch);
                Err(LockFault::Busy)
            }
            Err(fault) => Err(LockFault::Fault(fault)),
        }
    }
}

/// Claude Code 2.1 takes these by npm's proper-lockfile, and gives up the first where the second is contended. Sources
/// differ about the name of the lock around a write: both are taken.
fn claude_code(path: &Path, place: &Place) -> io::Result<Names> {
    // Its folder is where it looks for the file, wherever a link there may lead.
    let known = path.file_name().is_some_and(|name| name == ".credentials.json");
    let folder = fs::canonicalize(path.parent().filter(|_| known).unwrap_or(&place.folder))?;
    let write = folder.join(".storage-write");
    // A plain file of that name is what is locked; then only the other name is the lock.
    let bare = Some(write.clone()).filter(|write| !write.is_file());
    Ok(Names {
        refresh: Vec::from([folder.join(".oauth_refresh.lock"), appended(&folder)]),
        refresh_stale: Duration::from_secs(60),
        write: bare.into_iter().chain([appended(&write)]).collect(),
        write_stale: Duration::from_secs(15),
    })
}

fn appended(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(".lock");
    name.into()
}
