//! What the machine asks of its host, and how the host answers.
//!
//! A host carries out every effect of a [`Step`](crate::Step) in order before it feeds the next input. Each effect
//! that wants an answer gives it by its own `answer`, which consumes it: nothing can be answered twice.

use alloc::{string::String, vec::Vec};
use core::ops::Range;

use crate::{AccessToken, Event, FetchFault, Fingerprint, Request, Response, SecretBytes, TokenError};

/// One thing the host does for the machine.
#[derive(Debug)]
#[non_exhaustive]
pub enum Effect {
    /// Does something to the store, its journal or its lock.
    Store(StoreOp),
    /// Sends a request to the token endpoint.
    Fetch(Fetch),
    /// Hands a caller its result. Wants no answer.
    Deliver(Deliver),
    /// Tells what happened. Wants no answer.
    Emit(Event),
}

/// One operation on the store. A host makes no format and takes no decision: bytes, offsets and order come from here.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreOp {
    /// Reads.
    Load(Load),
    /// Tries the lock, never waits for it.
    TryLock(TryLock),
    /// Proves that the store can be replaced, then writes to the journal and syncs it.
    Prepare(Prepare),
    /// Writes the server's answer to the journal and syncs it.
    Stage(Stage),
    /// Replaces the store.
    Commit(Commit),
    /// Writes to the journal without syncing.
    Note(Note),
    /// Keeps a grant whose code is spent while another process holds the lock.
    Park(Park),
    /// Gives the lock back.
    Unlock(Unlock),
}

/// Who waits for a result: a number the host chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Waiter(pub u64);

/// Ties an answer to the effect it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket(pub(crate) u64);

/// The answer to one effect. Only an effect can make one.
#[derive(Debug)]
pub struct Answer {
    pub(crate) ticket: Ticket,
    pub(crate) outcome: Outcome,
}

#[derive(Debug)]
pub(crate) enum Outcome {
    Loaded(Loaded),
    Locked(Result<(), LockFault>),
    Prepared(Result<(), StoreFault>),
    Staged(Result<(), StoreFault>),
    Committed(Result<(), CommitFault>),
    Noted(Result<(), StoreFault>),
    Parked(Result<String, StoreFault>),
    Unlocked,
    Fetched(Result<Response, FetchFault>),
}

/// Reads ranges of the journal first, then the store, then the parked grants. Takes no lock and creates nothing.
#[derive(Debug)]
pub struct Load {
    pub(crate) ticket: Ticket,
    /// The byte ranges of the journal to read, in this order.
    pub journal: Vec<Range<u64>>,
    /// Whether to read the store's content too.
    pub store: bool,
    /// Whether to read the parked grants too.
    pub parked: bool,
}

/// What a [`Load`] found.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The bytes of each range asked for, short where the journal is short, empty where there is none.
    pub journal: Result<Vec<SecretBytes>, StoreFault>,
    /// The store's content; `None` where there is no store, or where it was not asked for.
    pub store: Result<Option<SecretBytes>, StoreFault>,
    /// The parked grants, oldest first.
    pub parked: Vec<Parked>,
}

impl Default for Loaded {
    /// Nothing there: no journal, no store, nothing parked.
    fn default() -> Self {
        Self { journal: Ok(Vec::new()), store: Ok(None), parked: Vec::new() }
    }
}

/// A grant that waits beside the store for the next holder of the lock.
#[derive(Clone, Debug)]
pub struct Parked {
    /// The name [`Park`] was answered with.
    pub name: String,
    /// The bytes.
    pub bytes: SecretBytes,
}

/// Tries to take the lock: ours first, then the owner's in the owner's order.
#[derive(Debug)]
pub struct TryLock {
    pub(crate) ticket: Ticket,
}

/// Why the lock was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LockFault {
    /// Another process, or another source of this one, has it.
    Busy,
    /// It cannot be taken here at all: no lock file can be made, or locks cannot be trusted.
    Fault(StoreFault),
}

/// Proves that the store can be replaced (its folder takes a new file of `room` bytes that can be renamed over it) and
/// that the journal has its `reserve` of bytes on the disk; then writes and syncs the journal.
#[derive(Debug)]
pub struct Prepare {
    pub(crate) ticket: Ticket,
    /// The journal's writes.
    pub journal: JournalWrites,
    /// The bytes the replaced store will need, at most.
    pub room: u64,
}

/// Writes to the journal, in order.
#[derive(Debug)]
pub struct JournalWrites {
    /// Whether what is there now is foreign or damaged and is moved aside first, under a name of its own.
    pub set_aside: bool,
    /// The size the file has before the first write; it is filled with zeros up to here.
    pub reserve: u64,
    /// The writes.
    pub writes: Vec<Write>,
}

/// One write at one offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Where it begins.
    pub offset: u64,
    /// What is written.
    pub bytes: SecretBytes,
}

/// Writes `frame` with one write, syncs, then writes `mark` without syncing: who reads the mark knows that the frame
/// is on the disk.
#[derive(Debug)]
pub struct Stage {
    pub(crate) ticket: Ticket,
    /// The server's answer.
    pub frame: Write,
    /// The state that names it.
    pub mark: Write,
}

/// Replaces the store in one piece, if it still is what the machine has read.
#[derive(Debug)]
pub struct Commit {
    pub(crate) ticket: Ticket,
    /// The fingerprint of the store's content as it was read; `None` if there was no store.
    pub base: Option<Fingerprint>,
    /// The new content; `None` removes the store.
    pub bytes: Option<SecretBytes>,
}

/// Why the store was not replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommitFault {
    /// The store is not what was read: somebody else wrote it. Nothing was changed.
    Moved,
    /// The system refused.
    Fault(StoreFault),
}

/// Writes to the journal without syncing, then removes parked grants.
#[derive(Debug)]
pub struct Note {
    pub(crate) ticket: Ticket,
    /// The journal's writes.
    pub journal: JournalWrites,
    /// The parked grants that are done with.
    pub unpark: Vec<String>,
}

/// Writes a grant to a new file beside the store, readable by its owner only, and syncs it.
#[derive(Debug)]
pub struct Park {
    pub(crate) ticket: Ticket,
    /// The bytes.
    pub bytes: SecretBytes,
}

/// Gives the lock back.
#[derive(Debug)]
pub struct Unlock {
    pub(crate) ticket: Ticket,
}

/// Sends one request, once.
#[derive(Debug)]
pub struct Fetch {
    pub(crate) ticket: Ticket,
    /// The request.
    pub request: Request,
}

/// Hands a caller its result.
#[derive(Debug, PartialEq, Eq)]
pub struct Deliver {
    /// Who asked.
    pub waiter: Waiter,
    /// The token for [`Input::Want`](crate::Input::Want), `None` for a call that wants none, or why it failed.
    pub outcome: Result<Option<AccessToken>, TokenError>,
}

/// A failure of the store or its folder, as the host saw it.
///
/// ```
/// use tokenward::{FaultKind, StoreFault};
///
/// let fault = StoreFault { kind: FaultKind::NoSpace, detail: "no space left on device".into() };
/// assert_eq!(fault.to_string(), "no space left on device");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct StoreFault {
    /// What kind it is.
    pub kind: FaultKind,
    /// What the system said, with the path and without a secret.
    pub detail: String,
}

/// The kinds of [`StoreFault`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// Access is refused.
    Denied,
    /// The keychain is locked.
    Locked,
    /// The path names a folder, a pipe or something else that is no file.
    NotAFile,
    /// The content is larger than any credential.
    TooLarge,
    /// The folder or the file system is read-only.
    ReadOnly,
    /// The disk or the quota is full.
    NoSpace,
    /// The store is a mount point, immutable or otherwise not to be renamed over.
    Pinned,
    /// Locks do not work here, or cannot be trusted.
    NoLocks,
    /// Anything else.
    Other,
}

impl FaultKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Denied,
        Self::Locked,
        Self::NotAFile,
        Self::TooLarge,
        Self::ReadOnly,
        Self::NoSpace,
        Self::Pinned,
        Self::NoLocks,
        Self::Other,
    ];

    /// Returns the name in every language.
    ///
    /// ```
    /// use tokenward::FaultKind;
    ///
    /// assert!(FaultKind::ALL.iter().any(|kind| kind.as_str() == "no_space"));
    /// ```
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Locked => "locked",
            Self::NotAFile => "not_a_file",
            Self::TooLarge => "too_large",
            Self::ReadOnly => "read_only",
            Self::NoSpace => "no_space",
            Self::Pinned => "pinned",
            Self::NoLocks => "no_locks",
            Self::Other => "other",
        }
    }
}
