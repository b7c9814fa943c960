//! A new file beside the store that is renamed over it, or removed.

use core::time::Duration;
use std::{
    fs::{self, File, Metadata},
    io,
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
};

use super::{
    attributes,
    disk::{become_like, create_like, remove_if_there},
    place::{Extra, Place},
    sys,
};
use crate::UnixTime;

/// Removed when dropped, unless it is a forked child that drops it.
#[derive(Debug)]
pub(super) struct Temporary {
    path: PathBuf,
    /// The store whose place it takes.
    store: PathBuf,
    file: File,
    generation: u64,
}

impl Temporary {
    /// Makes one with the store's mode and owner.
    pub(super) fn new(place: &Place, store: Option<&Metadata>) -> io::Result<Self> {
        let path = place.new_extra(Extra::Temporary);
        let file = create_like(&path, store)?;
        let made = Self { path, store: place.store.clone(), file, generation: sys::fork_generation() };
        attributes::keep(&made.store, &made.file)?;
        Ok(made)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn metadata(&self) -> io::Result<Metadata> {
        self.file.metadata()
    }

    /// Proves that the disk has `room` bytes for it. fs2's `allocate` does not: it misreports a full disk.
    pub(super) fn reserve(&self, room: u64) -> io::Result<()> {
        fill_with_zeros(&self.file, 0, room)?;
        self.file.sync_all()
    }

    /// Makes `bytes` its whole content, on the disk, with the mode and owner that the store has by now.
    pub(super) fn write(&self, bytes: &[u8], store: Option<&Metadata>) -> io::Result<()> {
        if let Some(store) = store {
            become_like(&self.file, store)?;
            attributes::keep(&self.store, &self.file)?;
        }
        // Written over the zeros first, cut second: the reserved blocks are used, not given back and asked for again.
        self.file.write_all_at(bytes, 0)?;
        self.file.set_len(bytes.len() as u64)?;
        self.file.sync_all()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if self.generation == sys::fork_generation() {
            // What cannot be removed now is removed after the next commit.
            drop(remove_if_there(&self.path));
        }
    }
}

/// Writes zeros from one offset to another.
pub(super) fn fill_with_zeros(file: &File, from: u64, to: u64) -> io::Result<()> {
    let mut at = from;
    while at < to {
        let length = usize::try_from(to.saturating_sub(at)).unwrap_or(ZEROS.len());
        let zeros = ZEROS.get(..length).unwrap_or(&ZEROS);
        file.write_all_at(zeros, at)?;
        at = at.saturating_add(zeros.len() as u64);
    }
    Ok(())
}

/// Removes what holders left behind that died on the way. Only the holder of the lock may.
pub(super) fn remove_leftovers(place: &Place) {
    let Ok(entries) = fs::read_dir(&place.folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let stale =
            place.is_extra(&name, Extra::Temporary) || (place.is_extra(&name, Extra::Parking) && is_old(&entry));
        if stale {
            // Best effort, and tried again after the next commit.
            drop(remove_if_there(&entry.path()));
        }
    }
}

/// A grant is parked without the lock, by a process that may still be at it.
fn is_old(entry: &fs::DirEntry) -> bool {
    entry.metadata().is_ok_and(|found| {
        let written = UnixTime::from_secs(u64::try_from(found.mtime()).unwrap_or(0));
        sys::now().wall.since(written) > Duration::from_secs(3600)
    })
}

static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];
