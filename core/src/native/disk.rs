//! Reading and making files that hold secrets.

use core::mem;
use std::{
    fs::{self, File, Metadata, OpenOptions},
    io,
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::Path,
    vec,
};

use zeroize::Zeroizing;

use super::{
    fault::{fault, is_missing, is_unsupported, named},
    sys,
};
use crate::{FaultKind, SecretBytes, StoreFault};

/// No credential is larger.
pub(super) const MAX_CONTENT: u64 = 1024 * 1024;

/// Reads a whole file; `None` if there is none. Never blocks on a pipe and never opens a device.
pub(super) fn read_file(path: &Path) -> Result<Option<SecretBytes>, StoreFault> {
    for _ in 0..4 {
        let file = match open_file(path, OpenOptions::new().read(true)) {
            Ok(file) => file,
            Err(error) if is_missing(&error) => return Ok(None),
            Err(error) => return Err(fault("read", path, &error)),
        };
        let length = file.metadata().map_err(|error| fault("read", path, &error))?.len();
        if length > MAX_CONTENT {
            return Err(named(FaultKind::TooLarge, "read", path, "it is larger than any credential"));
        }
        // One byte more than there should be tells whether it has grown since.
        let bytes = read_range(&file, 0, length.saturating_add(1)).map_err(|error| fault("read", path, &error))?;
        if bytes.len() as u64 <= length {
            return Ok(Some(bytes));
        }
    }
    Err(named(FaultKind::Other, "read", path, "it grows while it is read"))
}

/// Opens a regular file; anything else is an error that says so.
pub(super) fn open_file(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    // Looked at first: opening a device may have effects. Looked at again below: it may be another one by then.
    regular(&fs::metadata(path)?)?;
    let file = options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC).open(path)?;
    regular(&file.metadata()?)?;
    Ok(file)
}

/// Like [`open_file`] for a file of ours: a link in its place is an error.
pub(super) fn open_own(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    regular(&fs::symlink_metadata(path)?)?;
    let file =
        options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC).open(path)?;
    regular(&file.metadata()?)?;
    Ok(file)
}

/// Reads at most `length` bytes from `offset` into one block of that size.
pub(super) fn read_range(file: &File, offset: u64, length: u64) -> io::Result<SecretBytes> {
    let mut bytes = Zeroizing::new(vec![0; usize::try_from(length).unwrap_or(0)]);
    let mut read = 0;
    while let Some(rest) = bytes.get_mut(read..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset.saturating_add(read as u64)) {
            Ok(0) => break,
            Ok(more) => read = read.saturating_add(more),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(read);
    Ok(SecretBytes::new(mem::take(&mut *bytes)))
}

/// Makes a new file, readable and writable by its owner only, who is the store's owner where we may say so.
pub(super) fn create_own(path: &Path, store: Option<&Metadata>) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC)
        .open(path)?;
    if let Some(store) = store {
        give_to_owner(&file, store);
    }
    Ok(file)
}

/// Makes a new file that can take the store's place: with its mode, owner and group. An error if it cannot have them.
pub(super) fn create_like(path: &Path, store: Option<&Metadata>) -> io::Result<File> {
    let file = create_own(path, None)?;
    if let Some(store) = store {
        let made = become_like(&file, store);
        if made.is_err() {
            drop(fs::remove_file(path));
        }
        made?;
    }
    Ok(file)
}

/// Gives a file the store's mode, owner and group.
pub(super) fn become_like(file: &File, store: &Metadata) -> io::Result<()> {
    let own = file.metadata()?;
    if (own.uid(), own.gid()) != (store.uid(), store.gid()) {
        let given = rustix::fs::fchown(file, Some(uid(store)), Some(gid(store)));
        // A group that has no rights, and that we may not give, is no loss.
        let negligible = own.uid() == store.uid() && store.mode() & 0o070 == 0;
        if !negligible {
            given?;
        }
    }
    if own.mode() & MODE != store.mode() & MODE {
        file.set_permissions(fs::Permissions::from_mode(store.mode() & MODE))?;
    }
    Ok(())
}

/// Gives a companion to the store's owner, where we are root and it is not: `sudo` leaves nothing that locks the
/// owner out.
pub(super) fn give_to_owner(file: &File, store: &Metadata) {
    let owner = file.metadata().map(|own| own.uid());
    if sys::effective_user() == 0 && owner.is_ok_and(|owner| owner != store.uid()) {
        // Best effort: whoever cannot open it later is told.
        let _refused = rustix::fs::fchown(file, Some(uid(store)), Some(gid(store)));
    }
}

/// Makes names durable: what was created, renamed and removed in a folder.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        // Some file systems have nothing to sync here and say so.
        Err(error) if is_unsupported(&error) => Ok(()),
        other => other,
    }
}

/// Removes a file that may be gone already.
pub(super) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if is_missing(&error) => Ok(()),
        other => other,
    }
}

fn regular(found: &Metadata) -> io::Result<()> {
    let kind = if found.is_dir() { libc::EISDIR } else { libc::ENXIO };
    if found.is_file() { Ok(()) } else { Err(io::Error::from_raw_os_error(kind)) }
}

fn uid(of: &Metadata) -> rustix::fs::Uid {
    rustix::fs::Uid::from_raw(of.uid())
}

fn gid(of: &Metadata) -> rustix::fs::Gid {
    rustix::fs::Gid::from_raw(of.gid())
}

/// The bits of a mode that say who may do what.
const MODE: u32 = 0o777;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::testing::{World, make_pipe};

    #[test]
    fn content_comes_in_a_block_of_its_size() {
        let world = World::with_store("{\"a\":1}");

        let read = read_file(&world.store_path()).unwrap().unwrap();

        assert_eq!(read.expose(), b"{\"a\":1}");
    }

    #[test]
    fn pipe_does_not_hang() {
        let world = World::empty();
        make_pipe(&world.store_path()).unwrap();

        let read = read_file(&world.store_path());

        assert_eq!(read.unwrap_err().kind, FaultKind::NotAFile);
    }

    #[test]
    fn folder_device_and_socket_are_no_files() {
        let world = World::empty();
        let _socket = std::os::unix::net::UnixListener::bind(world.path("socket")).unwrap();

        let kinds =
            [world.path(""), "/dev/null".into(), world.path("socket")].map(|path| read_file(&path).unwrap_err().kind);

        assert_eq!(kinds, [FaultKind::NotAFile; 3]);
    }

    #[test]
    fn only_what_may_be_a_credential_is_read() {
        let world = World::empty();
        let file = File::create(world.store_path()).unwrap();

        file.set_len(MAX_CONTENT).unwrap();
        let largest = read_file(&world.store_path());
        file.set_len(MAX_CONTENT + 1).unwrap();
        let larger = read_file(&world.store_path());

        assert_eq!(largest.unwrap().unwrap().len() as u64, MAX_CONTENT);
        assert_eq!(larger.unwrap_err().kind, FaultKind::TooLarge);
    }

    #[test]
    fn file_in_the_place_of_the_folder_is_told() {
        let world = World::with_store("old");

        let read = read_file(&world.store_path().join("auth.json"));

        assert_eq!(read.unwrap_err().kind, FaultKind::NotAFile);
    }
}
