//! An advisory lock on a file: exclusive, tried and never waited for, gone with the process that holds it.

use core::mem;
use std::{
    fs::{File, Metadata},
    io,
    os::{fd::AsRawFd, unix::fs::MetadataExt},
    path::Path,
    sync::Arc,
};

use super::sys;

/// A file whose lock is ours until this is dropped.
///
/// A forked child never unlocks: the lock belongs to the open file, which it shares with its parent. The fork handler
/// closes the child's copy, and the child never closes that number again, which may be somebody else's by then.
#[derive(Debug)]
pub(super) struct Locked {
    file: Arc<File>,
    generation: u64,
}

impl Locked {
    /// Tries to take the lock; `None` if somebody else has it. Two handles of one process contend like two processes.
    pub(super) fn new(file: File) -> io::Result<Option<Self>> {
        // Registered first: a child forked in between must not keep the lock alive after our death.
        if !sys::close_in_children(file.as_raw_fd()) {
            return Ok(None);
        }
        match try_lock(&file) {
            Ok(()) => Ok(Some(Self { file: Arc::new(file), generation: sys::fork_generation() })),
            Err(error) => {
                sys::keep_in_children(file.as_raw_fd());
                if is_contended(&error) { Ok(None) } else { Err(error) }
            }
        }
    }

    /// Returns the file.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Returns whether `path` still names the locked file. If not, somebody removed or replaced it, and another
    /// process may hold the lock of the new one.
    pub(super) fn is_named(&self, path: &Path) -> bool {
        match (std::fs::symlink_metadata(path), self.file.metadata()) {
            (Ok(named), Ok(locked)) => is_same(&named, &locked),
            (Err(_), _) | (_, Err(_)) => false,
        }
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        if self.generation != sys::fork_generation() {
            mem::forget(Arc::clone(&self.file));
            return;
        }
        // Said explicitly: closing alone releases nothing while a child lives that was made without the fork handler.
        // An error changes nothing, the file is closed next.
        drop(unlock(&self.file));
        sys::keep_in_children(self.file.as_raw_fd());
    }
}

/// Returns whether both are the same file.
pub(super) fn is_same(one: &Metadata, other: &Metadata) -> bool {
    one.dev() == other.dev() && one.ino() == other.ino()
}

// fs2's methods are called by full path: `File` has methods of its own with the same names, which would win.

fn try_lock(file: &File) -> io::Result<()> {
    fs2::FileExt::try_lock_exclusive(file)
}

fn unlock(file: &File) -> io::Result<()> {
    fs2::FileExt::unlock(file)
}

fn is_contended(error: &io::Error) -> bool {
    error.raw_os_error() == fs2::lock_contended_error().raw_os_error()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::sys::in_forked_child;

    fn open(path: &Path) -> File {
        File::options().read(true).write(true).create(true).truncate(false).open(path).unwrap()
    }

    #[test]
    fn two_handles_of_one_process_contend() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let first = Locked::new(open(&path)).unwrap();

        let second = Locked::new(open(&path)).unwrap();
        assert!(first.is_some() && second.is_none());
        drop(first);

        assert!(Locked::new(open(&path)).unwrap().is_some());
    }

    #[test]
    fn replaced_file_is_no_longer_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let locked = Locked::new(open(&path)).unwrap().unwrap();
        assert!(locked.is_named(&path));

        std::fs::remove_file(&path).unwrap();
        let missing = locked.is_named(&path);
        drop(open(&path));

        assert!(!missing);
        assert!(!locked.is_named(&path));
    }

    #[test]
    fn end_of_a_forked_child_leaves_the_parents_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let locked = Locked::new(open(&path)).unwrap().unwrap();

        let closed_in_child = in_forked_child(|| locked.file().metadata().is_err());

        assert_eq!(closed_in_child, Some(true));
        assert!(Locked::new(open(&path)).unwrap().is_none());
        assert!(locked.is_named(&path));
    }

    #[test]
    fn child_that_drops_what_it_inherited_leaves_the_parents_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let mut locked = Locked::new(open(&path)).unwrap();

        let dropped = in_forked_child(|| {
            drop(locked.take());
            true
        });

        assert_eq!(dropped, Some(true));
        assert!(Locked::new(open(&path)).unwrap().is_none());
    }
}
