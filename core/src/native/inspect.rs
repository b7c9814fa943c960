//! A look at what lies at and beside a store, for who has to tell a person about it. Changes nothing.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    vec::Vec,
};

use super::{
    disk::read_file,
    journal_file::Reader,
    place::{Extra, Place},
    roots, sys, trust,
};
use crate::{
    Grant, Loaded, SecretBytes, StoreFault, StoreFormat,
    journal::{Journal, Reach},
};

/// Where a store and its companions lie.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    place: Place,
}

/// A file of ours that a process left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// The next content of the store, which never took its place.
    Temporary,
    /// A login that waits for the next holder of the lock.
    Grant,
    /// A journal that nobody understood.
    Journal,
}

impl Site {
    /// Follows the links of a path.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        Place::of(path).map(|place| Self { place })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.place.folder
    }

    pub(crate) fn store(&self) -> &Path {
        &self.place.store
    }

    pub(crate) fn lock(&self) -> &Path {
        &self.place.lock
    }

    pub(crate) fn journal(&self) -> &Path {
        &self.place.journal
    }

    /// Returns why a lock says nothing here.
    pub(crate) fn untrusted(&self) -> Option<StoreFault> {
        trust::refuse_untrusted(&self.place).err()
    }

    /// Returns why the store cannot be renamed over.
    pub(crate) fn pinned(&self) -> Option<StoreFault> {
        trust::refuse_pinned(&self.place).err()
    }

    /// Returns the store's content.
    pub(crate) fn read_store(&self) -> Result<Option<SecretBytes>, StoreFault> {
        read_file(&self.place.store)
    }

    /// Returns the credential in the store, if it can be read.
    pub(crate) fn grant(&self, format: StoreFormat) -> Option<Grant> {
        let bytes = read_file(&self.place.store).ok()??;
        // EXPOSE: decoded in place.
        format.decode(bytes.expose()).ok()?
    }

    /// Returns what the journal holds.
    pub(crate) fn read_journal(&self) -> Journal {
        let read = |reach: Reach| {
            let journal = Reader::default().read(&self.place.journal, &reach.ranges());
            Journal::read(&Loaded { journal, ..Loaded::default() }, reach)
        };
        read(Reach::Usual).or_else(|| read(Reach::Whole)).unwrap_or_default()
    }

    /// Returns what was left beside the store.
    pub(crate) fn left(&self) -> Vec<(Left, PathBuf)> {
        let Ok(entries) = fs::read_dir(&self.place.folder) else { return Vec::new() };
        let found = entries.flatten().filter_map(|entry| Some((self.kind(&entry.file_name())?, entry.path())));
        let mut found: Vec<_> = found.collect();
        found.sort_by(|one, other| one.1.cmp(&other.1));
        found
    }

    fn kind(&self, name: &OsStr) -> Option<Left> {
        const KINDS: [(Extra, Left); 4] = [
            (Extra::Temporary, Left::Temporary),
            (Extra::Parking, Left::Temporary),
            (Extra::Grant, Left::Grant),
            (Extra::BadJournal, Left::Journal),
        ];
        KINDS.into_iter().find(|(extra, _)| self.place.is_extra(name, *extra)).map(|(_, left)| left)
    }
}

/// Returns what keeps a file of CA certificates from being used.
pub(crate) fn ca_file_trouble(file: &str) -> Option<std::string::String> {
    roots::tls_config(Some(file)).err().map(|trouble| std::format!("{}: {}", trouble.setting, trouble.why))
}

/// Reads a whole file that a person wrote; `None` if there is none. Never waits for a pipe.
pub(crate) fn read_whole(path: &Path) -> Result<Option<SecretBytes>, StoreFault> {
    read_file(path)
}

/// Returns the user whose rights this process has.
pub(crate) fn user() -> u32 {
    sys::effective_user()
}
