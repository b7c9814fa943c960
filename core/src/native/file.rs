//! A credential in a file, with its lock and its journal beside it.

use core::{
    fmt,
    hash::{Hash, Hasher},
};
use std::{
    format, fs,
    hash::DefaultHasher,
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    string::String,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    Reply, Store, commit,
    disk::read_file,
    fault::named,
    hold::Hold,
    journal_file::{self, Reader},
    owner::Owner,
    parked,
    place::Place,
    process::PerProcess,
    sys,
};
use crate::{
    Commit, CommitFault, FaultKind, Input, Load, Loaded, LockFault, Note, Prepare, SecretBytes, StoreFault,
    StoreFormat, StoreOp,
};

/// The store as a file. Carries out one operation at a time, on the thread that asks.
///
/// Links are followed: lock, journal and everything else of ours stands beside the file at their end, as
/// `.NAME.tokenward.lock`, `.NAME.tokenward.journal` and so on, and no file of that folder is touched otherwise.
/// Two stores of one process contend for the lock like two processes. Unix only.
///
/// ```
/// use tokenward::{FileStore, Store};
///
/// let store = FileStore::open("/no-such-folder/auth.json", false)?;
///
/// assert_eq!(store.identity().as_deref(), Some("file:/no-such-folder/auth.json"));
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct FileStore {
    path: PathBuf,
    trust_lock: bool,
    format: StoreFormat,
    /// A forked child finds nothing here and begins anew: neither the lock nor the mutex of its parent are its own.
    state: PerProcess<Mutex<State>>,
    identity: String,
}

#[derive(Debug)]
struct State {
    owner: Owner,
    place: Place,
    reader: Reader,
    hold: Option<Hold>,
}

impl FileStore {
    /// Names a store. Nothing is made and nothing is opened.
    ///
    /// With `trust_lock` the lock counts on file systems that another kernel may share (NFS, SMB, 9p, FUSE) and beside
    /// a single-file mount too. A single-file mount still cannot be replaced.
    ///
    /// # Errors
    /// The path names no file, its links go in a circle, or it is relative and there is no current folder.
    pub fn open(path: impl AsRef<Path>, trust_lock: bool) -> io::Result<Self> {
        sys::watch_forks();
        let path = std::path::absolute(path)?;
        let place = Place::of(&path)?;
        let identity = format!("file:{}", place.store.display());
        let state = PerProcess::new(sys::fork_generation());
        Ok(Self { path, trust_lock, format: StoreFormat::Tokenward, state, identity })
    }

    /// Names the tool that owns the store: its locks are taken too, in its order and inside ours.
    ///
    /// The path is the one that the tool knows: its locks stand beside that, wherever a link may lead.
    ///
    /// ```
    /// use tokenward::{FileStore, StoreFormat};
    ///
    /// let store = FileStore::open("/no-such-folder/.credentials.json", false)?.with_format(StoreFormat::ClaudeCode);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn with_format(self, format: StoreFormat) -> Self {
        Self { format, state: PerProcess::new(sys::fork_generation()), ..self }
    }

    /// Returns where the store lies now, links followed.
    ///
    /// # Errors
    /// The links go in a circle by now.
    pub fn resolved(&self) -> io::Result<PathBuf> {
        Place::of(&self.path).map(|place| place.store)
    }

    /// Carries out one operation and returns its answer, to be fed to the machine that asked for it.
    ///
    /// ```
    /// use tokenward::{Config, Effect, FileStore, Machine, Now, StoreOp, Waiter, Want, Input};
    ///
    /// let store = FileStore::open("/no-such-folder/auth.json", false)?;
    /// let mut machine = Machine::new(Config::new("https://id.test/token", "my-client"));
    ///
    /// let step = machine.step(Now::default(), Input::Want(Want::new(Waiter(1))));
    /// for effect in step.effects {
    ///     if let Effect::Store(op) = effect {
    ///         let step = machine.step(Now::default(), store.perform(op));
    ///         // … and so on, with the effects of this step.
    /// #       drop(step);
    ///     }
    /// }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn perform(&self, op: StoreOp) -> Input {
        let mut state = match self.state() {
            Ok(state) => state,
            Err(error) => return refuse(op, &named(FaultKind::Other, "find", &self.path, &format!("{error}"))),
        };
        match op {
            StoreOp::Load(op) => {
                let loaded = state.load(&self.path, &op);
                op.answer(loaded)
            }
            StoreOp::TryLock(op) => op.answer(state.try_lock(&self.path, self.trust_lock)),
            StoreOp::Prepare(op) => {
                let prepared = state.hold().and_then(|hold| prepare(hold, &op));
                op.answer(prepared)
            }
            StoreOp::Stage(op) => {
                let staged = state.hold().and_then(|hold| journal_file::stage(hold, &op));
                op.answer(staged)
            }
            StoreOp::Commit(op) => {
                let committed = state.hold().map_err(CommitFault::Fault).and_then(|hold| replace(hold, &op));
                op.answer(committed)
            }
            StoreOp::Note(op) => {
                let noted = state.hold().and_then(|hold| note(hold, &op));
                op.answer(noted)
            }
            StoreOp::Park(op) => {
                let parked = parked::park(&state.place, &op.bytes);
                op.answer(parked)
            }
            StoreOp::Unlock(op) => {
                state.hold = None;
                op.answer()
            }
        }
    }

    fn state(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = match self.state.get() {
            Some(state) => state,
            None => {
                let owner = Owner::new(self.format);
                let place = owner.place(&self.path)?;
                self.state.get_or(Mutex::new(State { owner, place, reader: Reader::default(), hold: None }))
            }
        };
        // Whoever panicked did it between two operations of the system: the files say what is true.
        Ok(state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Store for FileStore {
    fn start(&self, op: StoreOp, reply: Reply) {
        reply(self.perform(op));
    }

    fn stamp(&self) -> Option<u64> {
        let state = self.state().ok()?;
        let mut stamp = DefaultHasher::new();
        // The path as it was given: a link that leads elsewhere by now is a change too.
        for path in [&self.path, &state.place.journal] {
            let found = fs::metadata(path).ok();
            let seen = found.map(|it| {
                (it.dev(), it.ino(), it.size(), (it.mtime(), it.mtime_nsec()), (it.ctime(), it.ctime_nsec()))
            });
            seen.hash(&mut stamp);
        }
        Some(stamp.finish())
    }

    fn identity(&self) -> Option<String> {
        Some(self.identity.clone())
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore")
            .field("path", &self.path)
            .field("trust_lock", &self.trust_lock)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

impl State {
    fn load(&mut self, path: &Path, op: &Load) -> Loaded {
        if op.store {
            self.look_again(path);
        }
        // The journal first: whoever commits writes the store before clearing the answer, so one of them has it.
        let journal = self.reader.read(&self.place.journal, &op.journal);
        let store = if op.store { read_file(&self.place.store) } else { Ok(None) };
        let parked = if op.parked { parked::read_all(&self.place) } else { Default::default() };
        Loaded { journal, store, parked }
    }

    fn try_lock(&mut self, path: &Path, trust_lock: bool) -> Result<(), LockFault> {
        if self.hold.is_none() {
            self.look_again(path);
            self.owner.refuse_read_only(&self.place)?;
            let mut hold = Hold::new(&self.place, trust_lock)?;
            hold.owner = self.owner.try_lock(path, &self.place, sys::now().mono)?;
            self.hold = Some(hold);
        }
        Ok(())
    }

    fn hold(&mut self) -> Result<&mut Hold, StoreFault> {
        let lock = &self.place.lock;
        self.hold.as_mut().ok_or_else(|| named(FaultKind::Other, "write without", lock, "it is not locked"))
    }

    /// Follows the links anew: they may lead elsewhere since the last time. Never while the lock is held.
    fn look_again(&mut self, path: &Path) {
        if self.hold.is_none()
            && let Ok(place) = self.owner.place(path)
        {
            self.place = place;
        }
    }
}

fn prepare(hold: &mut Hold, op: &Prepare) -> Result<(), StoreFault> {
    hold.check()?;
    commit::prove(hold, op.room)?;
    journal_file::write(hold, &op.journal, true)
}

fn replace(hold: &mut Hold, op: &Commit) -> Result<(), CommitFault> {
    // EXPOSE: the bytes go to a file with the store's own mode.
    commit::commit(hold, op.base, op.bytes.as_ref().map(SecretBytes::expose))
}

fn note(hold: &mut Hold, op: &Note) -> Result<(), StoreFault> {
    hold.check_journal()?;
    journal_file::write(hold, &op.journal, false)?;
    op.unpark.iter().try_for_each(|name| parked::unpark(&hold.place, name))
}

/// Answers any operation with the same fault.
fn refuse(op: StoreOp, fault: &StoreFault) -> Input {
    let fault = fault.clone();
    match op {
        StoreOp::Load(op) => op.answer(Loaded { journal: Err(fault.clone()), store: Err(fault), ..Loaded::default() }),
        StoreOp::TryLock(op) => op.answer(Err(LockFault::Fault(fault))),
        StoreOp::Prepare(op) => op.answer(Err(fault)),
        StoreOp::Stage(op) => op.answer(Err(fault)),
        StoreOp::Commit(op) => op.answer(Err(CommitFault::Fault(fault))),
        StoreOp::Note(op) => op.answer(Err(fault)),
        StoreOp::Park(op) => op.answer(Err(fault)),
        StoreOp::Unlock(op) => op.answer(),
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
