//! A store in a folder of its own, and the operations as the machine would ask for them.

use core::ops::Range;
use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    string::String,
    vec::Vec,
};

use super::FileStore;
use crate::{
    Commit, CommitFault, Fingerprint, Input, JournalWrites, Load, Loaded, LockFault, Note, Park, Prepare, SecretBytes,
    Stage, StoreFault, StoreOp, TryLock, Unlock, Write,
    effect::{Outcome, Ticket},
};

const TICKET: Ticket = Ticket(1);

/// A folder that is removed with everything in it.
pub(super) struct World {
    root: PathBuf,
    _folder: tempfile::TempDir,
}

impl World {
    pub(super) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { root: fs::canonicalize(folder.path()).unwrap(), _folder: folder }
    }

    pub(super) fn with_store(content: &str) -> Self {
        let world = Self::empty();
        fs::write(world.store_path(), content).unwrap();
        fs::set_permissions(world.store_path(), fs::Permissions::from_mode(0o600)).unwrap();
        world
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    pub(super) fn store_path(&self) -> PathBuf {
        self.path("auth.json")
    }

    pub(super) fn lock_path(&self) -> PathBuf {
        self.path(".auth.json.tokenward.lock")
    }

    pub(super) fn journal_path(&self) -> PathBuf {
        self.path(".auth.json.tokenward.journal")
    }

    pub(super) fn open(&self) -> FileStore {
        FileStore::open(self.store_path(), false).unwrap()
    }

    pub(super) fn locked(&self) -> FileStore {
        let store = self.open();
        store.try_lock().unwrap();
        store
    }

    /// The content of the store; `None` if there is none.
    pub(super) fn content(&self) -> Option<String> {
        fs::read_to_string(self.store_path()).ok()
    }

    /// The names in the folder, sorted.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(&self.root).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// What `perform` says, without the envelope.
impl FileStore {
    pub(super) fn load(&self, journal: &[Range<u64>]) -> Loaded {
        let load = Load { ticket: TICKET, journal: journal.to_vec(), store: true, parked: true };
        let Outcome::Loaded(loaded) = self.outcome(StoreOp::Load(load)) else { panic!("a load is answered") };
        loaded
    }

    /// Looks into the journal only, as a waiter does.
    pub(super) fn peek(&self, range: Range<u64>) -> Result<Vec<u8>, StoreFault> {
        let load = Load { ticket: TICKET, journal: [range].to_vec(), store: false, parked: false };
        let Outcome::Loaded(loaded) = self.outcome(StoreOp::Load(load)) else { panic!("a load is answered") };
        loaded.journal.map(|ranges| ranges[0].expose().to_vec())
    }

    pub(super) fn try_lock(&self) -> Result<(), LockFault> {
        let Outcome::Locked(locked) = self.outcome(StoreOp::TryLock(TryLock { ticket: TICKET })) else {
            panic!("a try is answered")
        };
        locked
    }

    pub(super) fn prepare(&self, journal: JournalWrites, room: u64) -> Result<(), StoreFault> {
        let Outcome::Prepared(prepared) = self.outcome(StoreOp::Prepare(Prepare { ticket: TICKET, journal, room }))
        else {
            panic!("a preparation is answered")
        };
        prepared
    }

    pub(super) fn stage(&self, frame: Write, mark: Write) -> Result<(), StoreFault> {
        let Outcome::Staged(staged) = self.outcome(StoreOp::Stage(Stage { ticket: TICKET, frame, mark })) else {
            panic!("a stage is answered")
        };
        staged
    }

    pub(super) fn commit(&self, base: Option<&str>, bytes: Option<&str>) -> Result<(), CommitFault> {
        let base = base.map(|base| Fingerprint::of(base.as_bytes()));
        let bytes = bytes.map(|bytes| SecretBytes::new(bytes.into()));
        let Outcome::Committed(committed) = self.outcome(StoreOp::Commit(Commit { ticket: TICKET, base, bytes }))
        else {
            panic!("a commit is answered")
        };
        committed
    }

    pub(super) fn note(&self, journal: JournalWrites, unpark: Vec<String>) -> Result<(), StoreFault> {
        let Outcome::Noted(noted) = self.outcome(StoreOp::Note(Note { ticket: TICKET, journal, unpark })) else {
            panic!("a note is answered")
        };
        noted
    }

    pub(super) fn park(&self, bytes: &str) -> Result<String, StoreFault> {
        let park = Park { ticket: TICKET, bytes: SecretBytes::new(bytes.into()) };
        let Outcome::Parked(parked) = self.outcome(StoreOp::Park(park)) else { panic!("a park is answered") };
        parked
    }

    pub(super) fn unlock(&self) {
        let Outcome::Unlocked = self.outcome(StoreOp::Unlock(Unlock { ticket: TICKET })) else {
            panic!("an unlock is answered")
        };
    }

    fn outcome(&self, op: StoreOp) -> Outcome {
        let Input::Answer(answer) = self.perform(op) else { panic!("an operation is answered") };
        assert_eq!(answer.ticket, TICKET);
        answer.outcome
    }
}

pub(super) fn write(offset: u64, bytes: &str) -> Write {
    Write { offset, bytes: SecretBytes::new(bytes.into()) }
}

pub(super) fn writes(reserve: u64, writes: &[Write]) -> JournalWrites {
    JournalWrites { set_aside: false, reserve, writes: writes.to_vec() }
}

/// The permission bits of a file.
pub(super) fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Writes as other tools do: a new file renamed over the old one.
pub(super) fn replace(path: &Path, content: &str) {
    let new = path.with_extension("new");
    fs::write(&new, content).unwrap();
    fs::rename(&new, path).unwrap();
}

/// Makes a named pipe.
pub(super) fn make_pipe(path: &Path) -> io::Result<()> {
    let made = std::process::Command::new("mkfifo").arg(path).status()?;
    if made.success() { Ok(()) } else { Err(io::Error::other("mkfifo failed")) }
}
