//! Replacing the store in one piece, if it still is what was read.

use std::{
    fs::{self, Metadata},
    io,
    path::Path,
};

use super::{
    disk::{read_file, remove_if_there, sync_folder},
    fault::{fault, is_missing, is_unsupported},
    hold::Hold,
    lock::is_same,
    place::Extra,
    temporary::{Temporary, remove_leftovers},
    trust,
};
use crate::{CommitFault, Fingerprint, StoreFault};

/// Proves that the store can be replaced by something of `room` bytes, and keeps the room until the commit.
pub(super) fn prove(hold: &mut Hold, room: u64) -> Result<(), StoreFault> {
    let place = &hold.place;
    trust::refuse_pinned(place)?;
    let store = metadata(&place.store).map_err(|error| fault("replace", &place.store, &error))?;
    // The old one first: the disk may have room for one.
    hold.temporary = None;
    let tried = |error| pinned(fault("make a file beside", &place.store, &error), &error);
    let temporary = Temporary::new(place, store.as_ref()).map_err(tried)?;
    temporary.reserve(room).map_err(tried)?;
    // A holder that died between its rename and its sync leaves a store that a loss of power would take back, after its
    // successor has spent the refresh token in it.
    sync_folder(&place.folder).map_err(|error| fault("sync", &place.folder, &error))?;
    hold.temporary = Some(temporary);
    Ok(())
}

/// Replaces or removes the store. On [`CommitFault::Moved`] it is as somebody else left it.
pub(super) fn commit(hold: &mut Hold, base: Option<Fingerprint>, bytes: Option<&[u8]>) -> Result<(), CommitFault> {
    hold.check_journal()?;
    match (base, bytes) {
        (None, None) => expect(&hold.place.store, None)?,
        (Some(base), None) => remove(hold, base)?,
        (None, Some(bytes)) => create(hold, bytes)?,
        (Some(base), Some(bytes)) => replace(hold, base, bytes)?,
    }
    sync_folder(&hold.place.folder).map_err(|error| fault("sync", &hold.place.folder, &error))?;
    remove_leftovers(&hold.place);
    Ok(())
}

impl From<StoreFault> for CommitFault {
    fn from(fault: StoreFault) -> Self {
        Self::Fault(fault)
    }
}

fn replace(hold: &mut Hold, base: Fingerprint, bytes: &[u8]) -> Result<(), CommitFault> {
    let temporary = written(hold, bytes)?;
    let _write = hold.lock_write()?;
    let store = &hold.place.store;
    expect(store, Some(base))?;
    moment("before the store is replaced");
    match exchange(temporary.path(), store) {
        Ok(()) => {}
        Err(error) if is_missing(&error) => return Err(CommitFault::Moved),
        Err(error) if is_unsupported(&error) => {
            // Without an exchange the gap between comparing and renaming is as small as it gets.
            expect(store, Some(base))?;
            return Ok(rename(temporary.path(), store)?);
        }
        Err(error) => return Err(pinned(fault("replace", store, &error), &error).into()),
    }
    let out = expect(temporary.path(), Some(base));
    if out.is_err() {
        put_back(&temporary, store)?;
    }
    out
}

/// Puts back what came out of an exchange, unless something even newer took our place meanwhile: then that stays.
fn put_back(temporary: &Temporary, store: &Path) -> Result<(), StoreFault> {
    let tried = |error| fault("put back", store, &error);
    let mut put_in = temporary.metadata().map_err(tried)?;
    for _ in 0..EXCHANGES {
        moment("before a foreign store is put back");
        let going_in = fs::symlink_metadata(temporary.path()).map_err(tried)?;
        match exchange(temporary.path(), store) {
            // Removed while ours was there. What we took out is the last that somebody else wrote.
            Err(error) if is_missing(&error) => {
                return no_replace(temporary.path(), store).or_else(already_there).map_err(tried);
            }
            other => other.map_err(tried)?,
        }
        if is_same(&fs::symlink_metadata(temporary.path()).map_err(tried)?, &put_in) {
            return Ok(());
        }
        put_in = going_in;
    }
    Ok(())
}

fn create(hold: &mut Hold, bytes: &[u8]) -> Result<(), CommitFault> {
    let temporary = written(hold, bytes)?;
    let _write = hold.lock_write()?;
    let store = &hold.place.store;
    moment("before the store is made");
    match no_replace(temporary.path(), store) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(CommitFault::Moved),
        Err(error) => Err(fault("make", store, &error).into()),
    }
}

fn remove(hold: &Hold, base: Fingerprint) -> Result<(), CommitFault> {
    let store = &hold.place.store;
    trust::refuse_pinned(&hold.place)?;
    let _write = hold.lock_write()?;
    expect(store, Some(base))?;
    moment("before the store is removed");
    let aside = hold.place.new_extra(Extra::Temporary);
    match fs::rename(store, &aside) {
        Ok(()) => {}
        Err(error) if is_missing(&error) => return Err(CommitFault::Moved),
        Err(error) => return Err(pinned(fault("remove", store, &error), &error).into()),
    }
    let tried = |error| fault("remove", store, &error);
    let out = expect(&aside, Some(base));
    if out.is_err() {
        // Somebody wrote in between: it goes back, unless there is something newer already.
        no_replace(&aside, store).or_else(already_there).map_err(tried)?;
    }
    remove_if_there(&aside).map_err(tried)?;
    out
}

/// Returns the temporary file with the new content on the disk.
fn written(hold: &mut Hold, bytes: &[u8]) -> Result<Temporary, StoreFault> {
    let place = &hold.place;
    trust::refuse_pinned(place)?;
    let tried = |error| pinned(fault("make a file beside", &place.store, &error), &error);
    let store = metadata(&place.store).map_err(tried)?;
    let temporary = match hold.temporary.take() {
        Some(temporary) => temporary,
        None => Temporary::new(place, store.as_ref()).map_err(tried)?,
    };
    temporary.write(bytes, store.as_ref()).map_err(tried)?;
    Ok(temporary)
}

fn expect(store: &Path, base: Option<Fingerprint>) -> Result<(), CommitFault> {
    let is = read_file(store)?.map(|bytes| bytes.fingerprint());
    if is == base { Ok(()) } else { Err(CommitFault::Moved) }
}

fn metadata(store: &Path) -> io::Result<Option<Metadata>> {
    match fs::symlink_metadata(store) {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn rename(from: &Path, store: &Path) -> Result<(), StoreFault> {
    fs::rename(from, store).map_err(|error| pinned(fault("replace", store, &error), &error))
}

/// Not permitted, though we may write: something holds the file or the folder in place.
fn pinned(fault: StoreFault, error: &io::Error) -> StoreFault {
    let kind = if error.raw_os_error() == Some(libc::EPERM) { crate::FaultKind::Pinned } else { fault.kind };
    StoreFault { kind, ..fault }
}

fn already_there(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(error) }
}

#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    #[cfg(test)]
    if moments::reach("exchange is not supported") {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn exchange(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::Error::from_raw_os_error(libc::ENOSYS))
}

/// Renames where nothing of the new name is.
pub(super) fn no_replace(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_vendor = "apple"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE).map_err(io::Error::from) {
            Err(error) if is_unsupported(&error) => {}
            other => return other,
        }
    }
    match fs::hard_link(from, to) {
        Ok(()) => remove_if_there(from),
        // No links here (FAT): looking first is what is left.
        Err(error) if is_unsupported(&error) || error.raw_os_error() == Some(libc::EPERM) => {
            match fs::symlink_metadata(to) {
                Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
                Err(error) if is_missing(&error) => fs::rename(from, to),
                Err(error) => Err(error),
            }
        }
        Err(error) => Err(error),
    }
}

/// How often others may write in a row before what is there stays there.
const EXCHANGES: usize = 8;

/// A point in time at which a test lets somebody else act.
fn moment(_name: &'static str) {
    #[cfg(test)]
    moments::reach(_name);
}

#[cfg(test)]
pub(super) mod moments {
    use std::{boxed::Box, cell::RefCell, thread_local, vec::Vec};

    type Act = (&'static str, Box<dyn FnOnce()>);

    thread_local! {
        static ACTS: RefCell<Vec<Act>> = const { RefCell::new(Vec::new()) };
    }

    /// Has this thread call `act` the next time it reaches the moment.
    pub(in crate::native) fn at(name: &'static str, act: impl FnOnce() + 'static) {
        ACTS.with_borrow_mut(|acts| acts.push((name, Box::new(act))));
    }

    /// Returns whether there was something to do at this moment.
    pub(in crate::native) fn reach(name: &'static str) -> bool {
        let next = ACTS.with_borrow_mut(|acts| {
            let found = acts.iter().position(|(named, _)| *named == name);
            found.map(|found| acts.remove(found).1)
        });
        next.map(|act| act()).is_some()
    }
}

#[cfg(test)]
#[path = "commit_tests.rs"]
mod tests;
