//! What the machine asks of its host.

use std::sync::{Arc, Mutex, PoisonError};

use tokenward::{
    CommitFault, Deliver, Effect, FaultKind, Fingerprint, Input, JournalWrites, Loaded, LockFault, Parked, SecretBytes,
    StoreFault, StoreOp, Write,
};

use crate::{error::CoreFailure, event::CoreEvent, grant::CoreToken, http::CoreFetch, input::CoreAnswer};

/// One thing the host does for the machine.
#[derive(uniffi::Enum)]
pub(crate) enum CoreEffect {
    Store { op: CoreStoreOp },
    Fetch { fetch: Arc<CoreFetch> },
    Deliver { waiter: u64, token: Option<Arc<CoreToken>>, failure: Option<CoreFailure> },
    Emit { event: Box<CoreEvent> },
}

impl CoreEffect {
    /// Returns the effect, `None` for one that this version does not know.
    pub(crate) fn of(effect: Effect) -> Option<Self> {
        Some(match effect {
            Effect::Store(op) => Self::Store { op: CoreStoreOp::of(op)? },
            Effect::Fetch(fetch) => Self::Fetch { fetch: CoreFetch::of(fetch) },
            Effect::Deliver(Deliver { waiter, outcome }) => {
                let (token, failure) = match outcome {
                    Ok(token) => (token.map(CoreToken::of), None),
                    Err(error) => (None, Some((&error).into())),
                };
                Self::Deliver { waiter: waiter.0, token, failure }
            }
            Effect::Emit(event) => Self::Emit { event: Box::new((&event).into()) },
            _ => return None,
        })
    }
}

/// One operation on a store: what is asked for, and in `op` what takes the answer.
#[derive(uniffi::Enum)]
pub(crate) enum CoreStoreOp {
    Load { op: Arc<CoreOp>, journal: Vec<CoreRange>, store: bool, parked: bool },
    TryLock { op: Arc<CoreOp> },
    Prepare { op: Arc<CoreOp>, journal: CoreJournalWrites, room: u64 },
    Stage { op: Arc<CoreOp>, frame: CoreWrite, mark: CoreWrite },
    Commit { op: Arc<CoreOp>, base: Option<Vec<u8>>, content: Option<SecretBytes> },
    Note { op: Arc<CoreOp>, journal: CoreJournalWrites, unpark: Vec<String> },
    Park { op: Arc<CoreOp>, content: SecretBytes },
    Unlock { op: Arc<CoreOp> },
}

impl CoreStoreOp {
    /// Returns the operation, `None` for one that this version does not know.
    pub(crate) fn of(op: StoreOp) -> Option<Self> {
        let held = |op| Arc::new(CoreOp { op: Mutex::new(Some(op)) });
        Some(match op {
            StoreOp::Load(load) => {
                let range = |range: &std::ops::Range<u64>| CoreRange { start: range.start, end: range.end };
                let journal = load.journal.iter().map(range).collect();
                let (store, parked) = (load.store, load.parked);
                Self::Load { op: held(StoreOp::Load(load)), journal, store, parked }
            }
            StoreOp::TryLock(_) => Self::TryLock { op: held(op) },
            StoreOp::Prepare(prepare) => {
                let (journal, room) = ((&prepare.journal).into(), prepare.room);
                Self::Prepare { op: held(StoreOp::Prepare(prepare)), journal, room }
            }
            StoreOp::Stage(stage) => {
                let (frame, mark) = ((&stage.frame).into(), (&stage.mark).into());
                Self::Stage { op: held(StoreOp::Stage(stage)), frame, mark }
            }
            StoreOp::Commit(commit) => {
                let base = commit.base.map(|base| base.as_bytes().to_vec());
                let content = commit.bytes.clone();
                Self::Commit { op: held(StoreOp::Commit(commit)), base, content }
            }
            StoreOp::Note(note) => {
                let (journal, unpark) = ((&note.journal).into(), note.unpark.clone());
                Self::Note { op: held(StoreOp::Note(note)), journal, unpark }
            }
            StoreOp::Park(park) => {
                let content = park.bytes.clone();
                Self::Park { op: held(StoreOp::Park(park)), content }
            }
            StoreOp::Unlock(_) => Self::Unlock { op: held(op) },
            _ => return None,
        })
    }
}

/// Bytes of the journal, from the first one to the one behind the last.
#[derive(uniffi::Record)]
pub(crate) struct CoreRange {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

/// Writes to the journal, in order.
#[derive(uniffi::Record)]
pub(crate) struct CoreJournalWrites {
    pub(crate) set_aside: bool,
    pub(crate) reserve: u64,
    pub(crate) writes: Vec<CoreWrite>,
}

impl From<&JournalWrites> for CoreJournalWrites {
    fn from(journal: &JournalWrites) -> Self {
        let writes = journal.writes.iter().map(CoreWrite::from).collect();
        Self { set_aside: journal.set_aside, reserve: journal.reserve, writes }
    }
}

/// One write at one offset.
#[derive(uniffi::Record)]
pub(crate) struct CoreWrite {
    pub(crate) offset: u64,
    pub(crate) data: SecretBytes,
}

impl From<&Write> for CoreWrite {
    fn from(write: &Write) -> Self {
        Self { offset: write.offset, data: write.bytes.clone() }
    }
}

/// A failure of the store or its folder, by the core's names.
#[derive(uniffi::Record)]
pub(crate) struct CoreStoreFault {
    pub(crate) kind: String,
    pub(crate) detail: String,
}

impl From<CoreStoreFault> for StoreFault {
    fn from(CoreStoreFault { kind, detail }: CoreStoreFault) -> Self {
        let kind = FaultKind::ALL.into_iter().find(|known| known.as_str() == kind).unwrap_or(FaultKind::Other);
        Self { kind, detail }
    }
}

/// Returns the names of all kinds of faults, for the test that compares them with the cases.
#[uniffi::export]
pub(crate) fn core_fault_kinds() -> Vec<String> {
    FaultKind::ALL.iter().map(|kind| kind.as_str().into()).collect()
}

/// A parked grant.
#[derive(uniffi::Record)]
pub(crate) struct CoreParked {
    pub(crate) name: String,
    pub(crate) data: SecretBytes,
}

/// An operation that is not answered yet. Each kind is answered by the method that belongs to it.
#[derive(uniffi::Object)]
pub(crate) struct CoreOp {
    op: Mutex<Option<StoreOp>>,
}

impl CoreOp {
    pub(crate) fn take(&self) -> Option<StoreOp> {
        self.op.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[uniffi::export]
impl CoreOp {
    /// Answers a load.
    pub(crate) fn loaded(
        &self,
        journal: Vec<SecretBytes>,
        journal_fault: Option<CoreStoreFault>,
        store: Option<SecretBytes>,
        store_fault: Option<CoreStoreFault>,
        parked: Vec<CoreParked>,
    ) -> Arc<CoreAnswer> {
        let Some(StoreOp::Load(op)) = self.take() else { return CoreAnswer::of(None) };
        let parked = parked.into_iter().map(|CoreParked { name, data }| Parked { name, bytes: data }).collect();
        CoreAnswer::of(Some(op.answer(Loaded {
            journal: result(journal, journal_fault),
            store: result(store, store_fault),
            parked,
        })))
    }

    /// Answers an attempt to lock.
    pub(crate) fn locked(&self, busy: bool, fault: Option<CoreStoreFault>) -> Arc<CoreAnswer> {
        let Some(StoreOp::TryLock(op)) = self.take() else { return CoreAnswer::of(None) };
        let outcome = if busy { Err(LockFault::Busy) } else { result((), fault).map_err(LockFault::Fault) };
        CoreAnswer::of(Some(op.answer(outcome)))
    }

    /// Answers a commit.
    pub(crate) fn committed(&self, moved: bool, fault: Option<CoreStoreFault>) -> Arc<CoreAnswer> {
        let Some(StoreOp::Commit(op)) = self.take() else { return CoreAnswer::of(None) };
        let outcome = if moved { Err(CommitFault::Moved) } else { result((), fault).map_err(CommitFault::Fault) };
        CoreAnswer::of(Some(op.answer(outcome)))
    }

    /// Answers a park by the grant's name.
    pub(crate) fn parked(&self, name: String, fault: Option<CoreStoreFault>) -> Arc<CoreAnswer> {
        let Some(StoreOp::Park(op)) = self.take() else { return CoreAnswer::of(None) };
        CoreAnswer::of(Some(op.answer(result(name, fault))))
    }

    /// Answers what is done or not: a prepare, a stage, a note or an unlock.
    pub(crate) fn done(&self, fault: Option<CoreStoreFault>) -> Arc<CoreAnswer> {
        let outcome = result((), fault);
        CoreAnswer::of(self.take().and_then(|op| -> Option<Input> {
            match op {
                StoreOp::Prepare(op) => Some(op.answer(outcome)),
                StoreOp::Stage(op) => Some(op.answer(outcome)),
                StoreOp::Note(op) => Some(op.answer(outcome)),
                StoreOp::Unlock(op) => Some(op.answer()),
                StoreOp::Load(_) | StoreOp::TryLock(_) | StoreOp::Commit(_) | StoreOp::Park(_) | _ => None,
            }
        }))
    }
}

/// Returns whether this content is what a commit was made for: its `base`.
#[uniffi::export]
pub(crate) fn core_is_base(base: Option<Vec<u8>>, content: Option<SecretBytes>) -> bool {
    // EXPOSE: hashed, not kept.
    base == content.map(|content| Fingerprint::of(content.expose()).as_bytes().to_vec())
}

fn result<T>(value: T, fault: Option<CoreStoreFault>) -> Result<T, StoreFault> {
    fault.map_or(Ok(value), |fault| Err(fault.into()))
}
