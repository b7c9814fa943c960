//! A lock that is a directory: made to take it, touched to keep it, removed to give it back.

use std::{
    format,
    fs::{self, DirBuilder, File, Metadata, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use crate::{
    Now,
    native::{fault::is_missing, lock::is_same, place::random, sys},
};

/// A lock directory of our making.
///
/// It is known by its open file: as long as that is open, no other directory gets its number, and a touch through it
/// never moves the time of a directory that somebody else made in its place.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    folder: File,
}

/// What a lock directory is known by: two that differ are two, or one that its holder has touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) dev: u64,
    pub(super) ino: u64,
    pub(super) seconds: i64,
    pub(super) nanos: i64,
}

/// Who stands still for longer than this between making a directory and opening it cannot know whose it opened: the
/// owner takes over what is untouched for ten seconds and more.
const SURELY_OURS: Duration = Duration::from_secs(1);

impl Directory {
    /// Makes the directory; `None` if somebody else has it.
    pub(super) fn make(path: &Path) -> io::Result<Option<Self>> {
        let before = sys::now();
        match DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
            Err(error) => return Err(error),
        }
        let opened = open(path);
        if !is_within(before, sys::now(), SURELY_OURS) {
            // If it is ours after all, it will be seen standing still.
            return Ok(None);
        }
        match opened {
            Ok(folder) => Ok(Some(Self { path: path.into(), folder })),
            Err(error) => {
                drop(fs::remove_dir(path));
                Err(error)
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Moves its time to now, as a sign that its holder lives, and returns what it is known by since.
    pub(super) fn touch(&self) -> io::Result<Identity> {
        let now = sys::now();
        // Finer than anybody else's times, so that it is told from a directory that was made in its place.
        let fine = Duration::from_nanos(u64::from(now.mono.subsec_nanos() % 1_000_000));
        let moment = UNIX_EPOCH.checked_add(Duration::from_millis(now.wall.as_millis()).saturating_add(fine));
        self.folder.set_modified(moment.unwrap_or(UNIX_EPOCH))?;
        Ok(Identity::of(&self.folder.metadata()?))
    }

    /// Returns whether the path still names it. Right after a touch it stays so: nobody takes over what is new.
    pub(super) fn is_ours(&self) -> bool {
        match (fs::symlink_metadata(&self.path), self.folder.metadata()) {
            (Ok(named), Ok(own)) => is_same(&named, &own),
            (Err(_), _) | (_, Err(_)) => false,
        }
    }

    /// Gives the lock back, unless somebody else has taken it over.
    pub(super) fn remove(self) {
        moment("before a lock of the owner's is given back");
        let touched = self.touch();
        if touched.is_ok() && self.is_ours() {
            // One that stays is known by the record, and by standing still.
            drop(fs::remove_dir(&self.path));
        }
    }
}

impl Identity {
    fn of(found: &Metadata) -> Self {
        Self { dev: found.dev(), ino: found.ino(), seconds: found.mtime(), nanos: found.mtime_nsec() }
    }
}

/// Returns what has a lock's name; `None` if nothing has.
///
/// # Errors
/// What is there is no directory: no lock, and nothing that could be waited for.
pub(super) fn look(path: &Path) -> io::Result<Option<Identity>> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => Ok(Some(Identity::of(&found))),
        Ok(_) => Err(io::Error::from_raw_os_error(libc::ENOTDIR)),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes an abandoned lock directory; `false` if there is another one by now.
///
/// It is moved aside first and looked at there: of two that find it abandoned, the second must not remove what the first
/// has made in its place.
pub(super) fn remove_abandoned(path: &Path, identity: Identity) -> io::Result<bool> {
    let abandoned = match open(path) {
        Ok(folder) => folder,
        Err(error) if is_missing(&error) => return Ok(true),
        Err(error) => return Err(error),
    };
    let found = abandoned.metadata()?;
    if Identity::of(&found) != identity {
        return Ok(false);
    }
    let mut aside = path.as_os_str().to_os_string();
    aside.push(format!(".tokenward-{:016x}", random()));
    let aside = PathBuf::from(aside);
    moment("before an abandoned lock is moved aside");
    match fs::rename(path, &aside) {
        Ok(()) => {}
        Err(error) if is_missing(&error) => return Ok(true),
        Err(error) => return Err(error),
    }
    if is_same(&fs::symlink_metadata(&aside)?, &found) {
        fs::remove_dir(&aside)?;
        return Ok(true);
    }
    // Somebody else was faster: this one lives. Back with it, unless there is yet another; its holder will notice.
    let back = crate::native::commit::no_replace(&aside, path);
    if back.is_err() {
        drop(fs::remove_dir(&aside));
    }
    Ok(false)
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(libc::O_DIRECTORY | libc::O_NOFOLLOW | libc::O_CLOEXEC).open(path)
}

/// By both clocks: one stands still while the machine sleeps, the other may be set.
fn is_within(before: Now, after: Now, span: Duration) -> bool {
    after.mono.saturating_sub(before.mono) < span && after.wall.since(before.wall) < span
}

/// A point in time at which a test lets somebody else act.
fn moment(_name: &'static str) {
    #[cfg(test)]
    crate::native::commit::moments::reach(_name);
}
