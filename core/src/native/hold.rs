//! Holding a store: the lock on the lock file and on the journal, and what is done under it.

use std::{
    fs::{self, DirBuilder, Metadata, OpenOptions},
    io,
    os::unix::fs::DirBuilderExt,
    path::Path,
};

use super::{
    disk::{create_own, give_to_owner, open_own},
    fault::{fault, is_missing, is_unsupported, named},
    lock::Locked,
    owner::{OwnerHold, WriteLock},
    place::Place,
    temporary::Temporary,
    trust,
};
use crate::{FaultKind, LockFault, StoreFault};

/// A store that nobody else holds, as long as this is not dropped.
#[derive(Debug)]
pub(super) struct Hold {
    pub(super) place: Place,
    // In the order in which they are given back: the lock file last, as it is the first that the next holder tries.
    /// Room for the next content of the store.
    pub(super) temporary: Option<Temporary>,
    /// The locks of the tool that owns the store, inside ours.
    pub(super) owner: Option<OwnerHold>,
    /// Locked too: whoever removes the lock file makes room for another one, but for no second holder.
    pub(super) journal: Locked,
    lock: Locked,
    /// Whether the journal's name may not be on the disk yet.
    pub(super) journal_is_new: bool,
}

impl Hold {
    /// Tries to take both locks. Makes the folder and both files where they are missing.
    pub(super) fn new(place: &Place, trust_lock: bool) -> Result<Self, LockFault> {
        make_folder(&place.folder).map_err(|error| LockFault::Fault(fault("make", &place.folder, &error)))?;
        if !trust_lock {
            trust::refuse_untrusted(place).map_err(LockFault::Fault)?;
        }
        let store = fs::metadata(&place.store).ok();
        let (lock, _) = locked(&place.lock, store.as_ref())?;
        let (journal, journal_is_new) = locked(&place.journal, store.as_ref())?;
        Ok(Self { place: place.clone(), temporary: None, owner: None, journal, lock, journal_is_new })
    }

    /// Fails if the lock file, the journal or a lock of the owner's is not ours any more. Asked before a refresh token is
    /// spent.
    pub(super) fn check(&self) -> Result<(), StoreFault> {
        check(&self.lock, &self.place.lock)?;
        self.check_journal()?;
        self.owner.as_ref().map_or(Ok(()), OwnerHold::check)
    }

    /// Takes what the store's owner locks around each write; fails if one of its other locks is not ours any more.
    pub(super) fn lock_write(&self) -> Result<Option<WriteLock<'_>>, StoreFault> {
        self.owner.as_ref().map(OwnerHold::lock_write).transpose()
    }

    /// Fails if the journal is not ours any more: then somebody else may hold the store too. While it is, nobody can,
    /// even if the lock file was removed: an answer that has reached us is saved.
    pub(super) fn check_journal(&self) -> Result<(), StoreFault> {
        check(&self.journal, &self.place.journal)
    }

    /// Opens a new journal in the place of one that was moved away.
    pub(super) fn renew_journal(&mut self) -> Result<(), StoreFault> {
        let store = fs::metadata(&self.place.store).ok();
        match locked(&self.place.journal, store.as_ref()) {
            Ok((journal, _)) => {
                self.journal = journal;
                self.journal_is_new = true;
                Ok(())
            }
            Err(LockFault::Fault(fault)) => Err(fault),
            Err(LockFault::Busy) => {
                Err(named(FaultKind::Other, "renew", &self.place.journal, "somebody else locked it"))
            }
        }
    }
}

fn check(locked: &Locked, path: &Path) -> Result<(), StoreFault> {
    if locked.is_named(path) {
        return Ok(());
    }
    Err(named(FaultKind::Other, "rely on", path, "it was removed or replaced while it was locked"))
}

/// Returns the locked file of that name, and whether it was made here.
fn locked(path: &Path, store: Option<&Metadata>) -> Result<(Locked, bool), LockFault> {
    for _ in 0..ATTEMPTS {
        let (file, is_new) =
            open_or_make(path, store).map_err(|error| LockFault::Fault(fault("open", path, &error)))?;
        let Some(locked) = Locked::new(file).map_err(|error| LockFault::Fault(lock_fault(path, &error)))? else {
            return Err(LockFault::Busy);
        };
        // Between opening and locking somebody may have put another file there.
        if locked.is_named(path) {
            return Ok((locked, is_new));
        }
    }
    Err(LockFault::Busy)
}

/// Opens a file of ours, or makes it; `true` if it was made here.
pub(super) fn open_or_make(path: &Path, store: Option<&Metadata>) -> io::Result<(fs::File, bool)> {
    for _ in 0..ATTEMPTS {
        match open_own(path, OpenOptions::new().read(true).write(true)) {
            Ok(file) => {
                if let Some(store) = store {
                    give_to_owner(&file, store);
                }
                return Ok((file, false));
            }
            Err(error) if is_missing(&error) => {}
            Err(error) => return Err(error),
        }
        match create_own(path, store) {
            Ok(file) => return Ok((file, true)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("it comes and goes"))
}

/// Whatever the reason: without a lock nothing is done.
fn lock_fault(path: &Path, error: &io::Error) -> StoreFault {
    let fault = fault("lock", path, error);
    if is_unsupported(error) { StoreFault { kind: FaultKind::NoLocks, ..fault } } else { fault }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() { Ok(()) } else { DirBuilder::new().recursive(true).mode(0o700).create(folder) }
}

/// How often another file in the same place is tried before it counts as somebody else's turn.
const ATTEMPTS: usize = 5;
