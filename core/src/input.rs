//! What a host tells the machine.

use core::time::Duration;

use alloc::string::String;

use crate::{
    AccessToken, Answer, Commit, CommitFault, Fetch, FetchFault, Grant, Load, Loaded, LockFault, Note, Park, Prepare,
    Response, Stage, StoreFault, StoreOp, TryLock, Unlock, Waiter, effect::Outcome,
};

/// One thing that happened outside.
#[derive(Debug)]
#[non_exhaustive]
pub enum Input {
    /// A caller wants a token. Answered by exactly one [`Deliver`](crate::Deliver).
    Want(Want),
    /// A login, or an import, is to be stored. Answered by exactly one [`Deliver`](crate::Deliver).
    Adopt(Adopt),
    /// The credential is to be removed from the store. Answered by exactly one [`Deliver`](crate::Deliver).
    SignOut(Waiter),
    /// A caller wants the machine to read the store now, and nothing more. Answered by exactly one
    /// [`Deliver`](crate::Deliver).
    Look(Waiter),
    /// A caller no longer waits. Nothing is delivered to it; what it started goes on.
    Forget(Waiter),
    /// A resource server refused this token (401 with `invalid_token`, RFC 6750 section 3.1).
    Refused(AccessToken),
    /// The store may have moved: a hint, never needed.
    Changed,
    /// The time asked for by [`Step::wake_in`](crate::Step::wake_in) has passed, or the host looks in early.
    Tick,
    /// An effect is answered.
    Answer(Answer),
}

/// A caller's wish for a token.
///
/// ```
/// use core::time::Duration;
/// use tokenward::{Waiter, Want};
///
/// let want = Want { deadline: Duration::from_secs(5), ..Want::new(Waiter(1)) };
/// assert_eq!(want.min_ttl, Duration::ZERO);
/// ```
#[derive(Clone, Debug)]
pub struct Want {
    /// Who asks.
    pub waiter: Waiter,
    /// The life the token should have left. Where it cannot be had, a token that still works is delivered.
    pub min_ttl: Duration,
    /// The time after which the caller gets whatever stands in the way as an error. The refresh goes on.
    pub deadline: Duration,
    /// Whether the server is asked even if the token is fresh, the wait is not over or the login is known to be dead.
    pub explicit: bool,
}

impl Want {
    /// Returns the usual wish: any token that works, within 40 s.
    pub const fn new(waiter: Waiter) -> Self {
        Self { waiter, min_ttl: Duration::ZERO, deadline: Duration::from_secs(40), explicit: false }
    }
}

/// A login to be stored.
#[derive(Clone, Debug)]
pub struct Adopt {
    /// Who asks.
    pub waiter: Waiter,
    /// The credential.
    pub grant: Grant,
    /// What may be replaced.
    pub guard: Guard,
}

/// What a login may replace.
///
/// ```
/// use tokenward::Guard;
///
/// assert_eq!(Guard::default(), Guard::SameAccount);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Guard {
    /// The same account's credential, an unknown one's, or none; never by one that is older or cannot be refreshed.
    #[default]
    SameAccount,
    /// Anything: the person said so.
    Replace,
}

macro_rules! answers {
    ($($op:ident, $doc:literal, $outcome:ident($value:ty);)*) => {$(
        impl $op {
            #[doc = $doc]
            pub fn answer(self, outcome: $value) -> Input {
                Input::Answer(Answer { ticket: self.ticket, outcome: Outcome::$outcome(outcome) })
            }
        }
    )*};
}

answers! {
    Load, "Says what was read.", Loaded(Loaded);
    TryLock, "Says whether the lock is ours.", Locked(Result<(), LockFault>);
    Prepare, "Says whether the store can be replaced and the journal is synced.", Prepared(Result<(), StoreFault>);
    Stage, "Says whether the answer is on the disk.", Staged(Result<(), StoreFault>);
    Commit, "Says whether the store was replaced.", Committed(Result<(), CommitFault>);
    Note, "Says whether the note was written.", Noted(Result<(), StoreFault>);
    Park, "Gives the name under which the grant waits.", Parked(Result<String, StoreFault>);
    Fetch, "Brings the server's answer.", Fetched(Result<Response, FetchFault>);
}

impl Unlock {
    /// Says that the lock is given back.
    pub fn answer(self) -> Input {
        Input::Answer(Answer { ticket: self.ticket, outcome: Outcome::Unlocked })
    }
}

impl StoreOp {
    /// Says that it failed, whatever it is. For a store that cannot say it better: one that threw an exception, say.
    ///
    /// ```
    /// use tokenward::{Config, Effect, FaultKind, Input, Machine, Now, StoreFault, Waiter, Want};
    ///
    /// let mut machine = Machine::new(Config::new("https://id.test/token", "my-client"));
    /// let mut step = machine.step(Now::default(), Input::Want(Want::new(Waiter(1))));
    /// let Some(Effect::Store(op)) = step.effects.pop() else { panic!("a load comes first") };
    ///
    /// let fault = StoreFault { kind: FaultKind::Other, detail: "the keychain is gone".into() };
    /// let step = machine.step(Now::default(), op.fail(fault));
    /// assert!(step.effects.iter().any(|effect| matches!(effect, Effect::Deliver(deliver) if deliver.outcome.is_err())));
    /// ```
    pub fn fail(self, fault: StoreFault) -> Input {
        match self {
            Self::Load(op) => {
                let (journal, store) = (Err(fault.clone()), Err(fault));
                op.answer(Loaded { journal, store, ..Loaded::default() })
            }
            Self::TryLock(op) => op.answer(Err(LockFault::Fault(fault))),
            Self::Prepare(op) => op.answer(Err(fault)),
            Self::Stage(op) => op.answer(Err(fault)),
            Self::Commit(op) => op.answer(Err(CommitFault::Fault(fault))),
            Self::Note(op) => op.answer(Err(fault)),
            Self::Park(op) => op.answer(Err(fault)),
            // The machine has nothing to decide here: it asks for the lock again when it needs it.
            Self::Unlock(op) => op.answer(),
        }
    }
}
