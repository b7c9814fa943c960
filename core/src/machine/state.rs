//! The states, and what the table sees of the world.

use alloc::string::String;
use core::time::Duration;

use crate::{
    CommitFault, FetchFault, Fingerprint, Loaded, LockFault, ReauthReason, Response, StoreFault,
    effect::Outcome,
    journal::{self, Condition, Intent, Reach, Staged},
};

/// What the machine is doing. Every state but [`Idle`](Self::Idle) and [`Waiting`](Self::Waiting) awaits one answer.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a machine has one state, and it is moved once a step")]
pub(super) enum State {
    /// Nothing is under way.
    Idle,
    /// Reading store and journal without the lock.
    Looking(Look),
    /// Trying the lock.
    Locking(Hunt),
    /// Putting a login beside the store while another process has the lock.
    Parking(Hunt),
    /// Another process has the lock: waiting for the next look at the journal's states.
    Waiting(Hunt),
    /// Looking at the journal's states.
    Peeking(Hunt),
    /// The lock is ours: reading store and journal.
    Reading(Hold),
    /// Proving that the store can be replaced, and writing down what is about to happen.
    Preparing(Preparation),
    /// The refresh token is on its way.
    Fetching(Spend),
    /// The answer is on its way to the disk.
    Staging(Spending),
    /// Reading the store once more before it is replaced.
    Rereading(Change),
    /// Replacing the store.
    Committing(Change),
    /// Writing to the journal what came of it.
    Noting,
    /// Giving the lock back.
    Unlocking,
}

/// What the table sees: the one awaited answer, a start, or the end of a wait.
#[derive(Debug)]
pub(super) enum Event {
    Begin(Goal),
    TimeUp,
    Loaded(Loaded),
    Locked(Result<(), LockFault>),
    Parked(Result<String, StoreFault>),
    Prepared(Result<(), StoreFault>),
    Fetched(Result<Response, FetchFault>),
    Staged(Result<(), StoreFault>),
    Committed(Result<(), CommitFault>),
    Noted(Result<(), StoreFault>),
    Unlocked,
}

/// What something is done for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// To know what is in the store.
    Look,
    /// To get a new token.
    Refresh,
    /// To carry a staged answer into the store.
    Save,
    /// To do what the first caller in line asked for: a login or a sign-out.
    Call,
}

/// A read without the lock.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) goal: Goal,
    pub(super) reach: Reach,
    /// The wait for the lock that this read interrupts.
    pub(super) hunt: Option<Hunt>,
}

/// The wait for a lock that another process has.
#[derive(Debug)]
pub(super) struct Hunt {
    pub(super) goal: Goal,
    /// When the journal last moved, or the wait began, on the monotonic clock.
    pub(super) progress: Duration,
    /// When the lock was last found busy, on the monotonic clock.
    pub(super) tried: Duration,
    /// When to look again, on the monotonic clock.
    pub(super) due: Duration,
    /// The last interval beyond the first two seconds.
    pub(super) interval: Duration,
    /// Whether the contention was told.
    pub(super) told: bool,
}

/// The lock is ours.
#[derive(Debug)]
pub(super) struct Hold {
    pub(super) goal: Goal,
    pub(super) reach: Reach,
}

/// What is being prepared.
#[derive(Debug)]
pub(super) struct Preparation {
    pub(super) plan: Plan,
    /// How the journal was found and what it said, in case the preparation fails.
    pub(super) condition: Condition,
    pub(super) before: journal::State,
}

/// What a preparation leads to.
#[derive(Debug)]
pub(super) enum Plan {
    /// Spending a refresh token.
    Spend(Spend),
    /// Staging a login. The answer waits in memory.
    Login { answer: Staged },
    /// Removing the credential.
    SignOut,
}

/// A refresh token that is being spent.
#[derive(Debug)]
pub(super) struct Spend {
    /// The refresh token's name.
    pub(super) refresh_token: Fingerprint,
    /// The name of refresh token, token URL and client id.
    pub(super) key: Fingerprint,
    /// The intent before this one: the outcome of its request is unknown.
    pub(super) previous: Option<Intent>,
    /// Whether this request repeats one whose outcome is unknown.
    pub(super) replay: bool,
}

/// Whose answer is staged.
#[derive(Debug)]
pub(super) enum Spending {
    Refresh(Spend),
    Login,
}

/// What is done to the store.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) what: What,
    /// The times somebody else wrote the store between our read and our write.
    pub(super) moved: u8,
}

#[derive(Debug)]
pub(super) enum What {
    /// The journal's answer is carried into the store.
    Answer {
        /// Whether this process asked the server, and so has told its callers.
        ours: bool,
        /// Whether the answer is on the disk; otherwise nothing is told before the store is.
        durable: bool,
    },
    /// A login of this process, staged as the journal's answer, is carried into the store.
    Login,
    /// A login that another process left beside the store is carried into it.
    Parked { name: String, answer: Option<Staged> },
    /// The server refused; another token in the store would make that void.
    Refusal { key: Fingerprint, refresh_token: Fingerprint, reason: ReauthReason },
    /// The credential is removed.
    SignOut,
}

impl State {
    /// Returns the state's name, as in the table of arms.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Idle => "Idle",
            Self::Looking(_) => "Looking",
            Self::Locking(_) => "Locking",
            Self::Parking(_) => "Parking",
            Self::Waiting(_) => "Waiting",
            Self::Peeking(_) => "Peeking",
            Self::Reading(_) => "Reading",
            Self::Preparing(_) => "Preparing",
            Self::Fetching(_) => "Fetching",
            Self::Staging(_) => "Staging",
            Self::Rereading(_) => "Rereading",
            Self::Committing(_) => "Committing",
            Self::Noting => "Noting",
            Self::Unlocking => "Unlocking",
        }
    }
}

impl Event {
    /// Returns the answer's name, as in the table of arms.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Begin(_) => "Begin",
            Self::TimeUp => "TimeUp",
            Self::Loaded(_) => "Loaded",
            Self::Locked(Ok(())) => "Locked(Ok)",
            Self::Locked(Err(LockFault::Busy)) => "Locked(Busy)",
            Self::Locked(Err(LockFault::Fault(_))) => "Locked(Fault)",
            Self::Parked(Ok(_)) => "Parked(Ok)",
            Self::Parked(Err(_)) => "Parked(Err)",
            Self::Prepared(Ok(())) => "Prepared(Ok)",
            Self::Prepared(Err(_)) => "Prepared(Err)",
            Self::Fetched(Ok(_)) => "Fetched(Ok)",
            Self::Fetched(Err(FetchFault::NotSent { .. })) => "Fetched(NotSent)",
            Self::Fetched(Err(FetchFault::Blocked { .. })) => "Fetched(Blocked)",
            Self::Fetched(Err(FetchFault::Misconfigured { .. })) => "Fetched(Misconfigured)",
            Self::Fetched(Err(FetchFault::MaybeSent { .. })) => "Fetched(MaybeSent)",
            Self::Staged(Ok(())) => "Staged(Ok)",
            Self::Staged(Err(_)) => "Staged(Err)",
            Self::Committed(Ok(())) => "Committed(Ok)",
            Self::Committed(Err(CommitFault::Moved)) => "Committed(Moved)",
            Self::Committed(Err(CommitFault::Fault(_))) => "Committed(Fault)",
            Self::Noted(Ok(())) => "Noted(Ok)",
            Self::Noted(Err(_)) => "Noted(Err)",
            Self::Unlocked => "Unlocked",
        }
    }
}

impl From<Outcome> for Event {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Loaded(loaded) => Self::Loaded(loaded),
            Outcome::Locked(result) => Self::Locked(result),
            Outcome::Prepared(result) => Self::Prepared(result),
            Outcome::Staged(result) => Self::Staged(result),
            Outcome::Committed(result) => Self::Committed(result),
            Outcome::Noted(result) => Self::Noted(result),
            Outcome::Parked(result) => Self::Parked(result),
            Outcome::Unlocked => Self::Unlocked,
            Outcome::Fetched(result) => Self::Fetched(result),
        }
    }
}
