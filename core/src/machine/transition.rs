//! The table: every change of state stands here, one arm per case, grouped by source state.
//!
//! [`ARMS`] lists the arms for the tests, which fail if the two differ.

use alloc::string::ToString;

use super::{
    Machine, Out,
    hold::unavailable,
    state::{Event, State},
};
use crate::{Barrier, CommitFault, FetchFault, LockFault, Now, TokenError, Trouble};

/// Returns the state that follows, and asks for what it awaits.
pub(super) fn next(m: &mut Machine, state: State, event: Event, now: Now, out: &mut Out) -> State {
    match (state, event) {
        // -- Idle -------------------------------------------------------------------------------------------------
        (State::Idle, Event::Begin(goal)) => m.look(goal, None, out),

        // -- Looking: reading without the lock ---------------------------------------------------------------------
        (State::Looking(look), Event::Loaded(loaded)) => m.looked(look, loaded, now, out),

        // -- Locking -----------------------------------------------------------------------------------------------
        (State::Locking(hunt), Event::Locked(Ok(()))) => m.read_with_lock(&hunt, out),
        (State::Locking(hunt), Event::Locked(Err(LockFault::Busy))) => m.contend(hunt, now, out),
        (State::Locking(hunt), Event::Locked(Err(LockFault::Fault(fault)))) => m.cannot_lock(&hunt, fault, now, out),

        // -- Parking: the code is spent, the lock is not ours --------------------------------------------------------
        (State::Parking(hunt), Event::Parked(Ok(name))) => m.parked(hunt, name, now, out),
        (State::Parking(hunt), Event::Parked(Err(_))) => m.wait_for_lock(hunt, now),

        // -- Waiting for somebody else's lock ------------------------------------------------------------------------
        (State::Waiting(hunt), Event::TimeUp) => m.peek(hunt, now, out),

        // -- Peeking: has the journal moved? -------------------------------------------------------------------------
        (State::Peeking(hunt), Event::Loaded(loaded)) => m.peeked(hunt, loaded, now, out),

        // -- Reading: the lock is ours -------------------------------------------------------------------------------
        (State::Reading(hold), Event::Loaded(loaded)) => m.decide(hold, loaded, now, out),

        // -- Preparing: the store can be replaced, the intent is on the disk -----------------------------------------
        (State::Preparing(done), Event::Prepared(Ok(()))) => m.carry_out(done.plan, out),
        (State::Preparing(failed), Event::Prepared(Err(fault))) => m.cannot_prepare(failed, fault, now, out),

        // -- Fetching: the refresh token is on its way ---------------------------------------------------------------
        (State::Fetching(spend), Event::Fetched(Ok(response))) => m.stage(spend, response, now, out),
        (State::Fetching(spend), Event::Fetched(Err(FetchFault::NotSent { detail }))) => {
            m.take_back(spend, unavailable(Trouble::Network(detail)), now, out)
        }
        (State::Fetching(spend), Event::Fetched(Err(FetchFault::Blocked { detail }))) => {
            m.take_back(spend, TokenError::Blocked { by: Barrier::Line(detail), retry_in: None }, now, out)
        }
        (State::Fetching(spend), Event::Fetched(Err(fault @ FetchFault::Misconfigured { .. }))) => {
            m.give_back(spend, fault.to_string(), now, out)
        }
        (State::Fetching(spend), Event::Fetched(Err(FetchFault::MaybeSent { detail }))) => {
            m.keep_intent(spend, detail, now, out)
        }

        // -- Staging: the answer is on its way to the disk -----------------------------------------------------------
        (State::Staging(spending), Event::Staged(Ok(()))) => m.staged(spending, now, out),
        (State::Staging(spending), Event::Staged(Err(fault))) => m.not_staged(spending, fault, now, out),

        // -- Rereading: the last look before the store is replaced ---------------------------------------------------
        (State::Rereading(change), Event::Loaded(loaded)) => m.reread(change, loaded, now, out),

        // -- Committing ----------------------------------------------------------------------------------------------
        (State::Committing(change), Event::Committed(Ok(()))) => m.committed(change, now, out),
        (State::Committing(change), Event::Committed(Err(CommitFault::Moved))) => m.moved(change, now, out),
        (State::Committing(change), Event::Committed(Err(CommitFault::Fault(fault)))) => {
            m.not_committed(change, fault, now, out)
        }

        // -- Noting --------------------------------------------------------------------------------------------------
        (State::Noting, Event::Noted(Ok(()))) => m.unlock(out),
        // What could not be noted is found again by the next holder: the store is right, the journal is behind.
        (State::Noting, Event::Noted(Err(fault))) => m.not_noted(fault, now, out),

        // -- Unlocking -----------------------------------------------------------------------------------------------
        (State::Unlocking, Event::Unlocked) => State::Idle,

        // -- Answers to a question that this state did not ask: a ticket is answered once and by its own effect, so
        //    these cannot come; the state stays.
        (
            state @ (State::Looking(_)
            | State::Locking(_)
            | State::Parking(_)
            | State::Waiting(_)
            | State::Peeking(_)
            | State::Reading(_)
            | State::Preparing(_)
            | State::Fetching(_)
            | State::Staging(_)
            | State::Rereading(_)
            | State::Committing(_)
            | State::Noting
            | State::Unlocking),
            Event::Begin(_),
        )
        | (
            state @ (State::Idle
            | State::Looking(_)
            | State::Locking(_)
            | State::Parking(_)
            | State::Peeking(_)
            | State::Reading(_)
            | State::Preparing(_)
            | State::Fetching(_)
            | State::Staging(_)
            | State::Rereading(_)
            | State::Committing(_)
            | State::Noting
            | State::Unlocking),
            Event::TimeUp,
        )
        | (
            state @ (State::Idle
            | State::Locking(_)
            | State::Parking(_)
            | State::Waiting(_)
            | State::Preparing(_)
            | State::Fetching(_)
            | State::Staging(_)
            | State::Committing(_)
            | State::Noting
            | State::Unlocking),
            Event::Loaded(_),
        )
        | (
            state @ (State::Idle
            | State::Looking(_)
            | State::Parking(_)
            | State::Waiting(_)
            | State::Peeking(_)
            | State::Reading(_)
            | State::Preparing(_)
            | State::Fetching(_)
            | State::Staging(_)
            | State::Rereading(_)
            | State::Committing(_)
            | State::Noting
            | State::Unlocking),
            Event::Locked(_),
        )
        | (
            state @ (State::Idle
            | State::Looking(_)
            | State::Locking(_)
            | State::Waiting(_)
            | State::Peeking(_)
            | State::Reading(_)
            | State::Preparing(_)
            | State::Fetching(_)
            | State::Staging(_)
            | State::Rereading(_)
            | State::Committing(_)
            | State::Noting
            | State::Unlocking),
            Event::Parked(_),
        )
        | (
            state @ (State::Idle
            | State::Looking(_)
            | State::Locking(_)
            | State::Parking(_)
            | State::Waiting(_)
            | State::Peeking(_)
            | State::Reading(_)
            | State::Fetching(_)
            | State::Staging(_)
            | State::Rereading(_)
            | State::Committing(_)
            | State::Noting
            | State::Unlocking),
            Event::Prepared(_),
        )
        | (
            state @ (State::Idle
            | State::Looking(_)
            | State::Locking(_)
            | State::Parking(_)
            | State::Waiting(_)
            | State::Peeking(_)
            | State::Reading(_)
            | State::Preparing(_)
            | State::Staging(_)
            | State::Rereading(_)
            | State::Committing(_)
            | State::Noting
            | State::Unlocking),
            Event::Fetched(_),
        )
        | (
            state @ (State::Idle
            | State::Looking(_)
            | State::Locking(_)
            | State::Parking(_)
            | State::Waiting(_)
            | State::Peeking(_)
            | State::Reading(_)
            | State::Preparing(_)
            | State::Fetching(_)
            | State::Rereading(_)
            | State::Committing(_)
            | State::Noting
            | State::Unlocking),
            Event::Staged(_),
        )
        | (
            state @ (State::Idle
            | State::Looking(_)
            | State::Locking(_)
            | State::Parking(_)
            | State::Waiting(_)
            | State::Peeking(_)
            | State::Reading(_)
            | State::Preparing(_)
            | State::Fetching(_)
            | State::Staging(_)
            | State::Rereading(_)
            | State::Noting
            | State::Unlocking),
            Event::Committed(_),
        )
        | (
            state @ (State::Idle
            | State::Looking(_)
            | State::Locking(_)
            | State::Parking(_)
            | State::Waiting(_)
            | State::Peeking(_)
            | State::Reading(_)
            | State::Preparing(_)
            | State::Fetching(_)
            | State::Staging(_)
            | State::Rereading(_)
            | State::Committing(_)
            | State::Unlocking),
            Event::Noted(_),
        )
        | (
            state @ (State::Idle
            | State::Looking(_)
            | State::Locking(_)
            | State::Parking(_)
            | State::Waiting(_)
            | State::Peeking(_)
            | State::Reading(_)
            | State::Preparing(_)
            | State::Fetching(_)
            | State::Staging(_)
            | State::Rereading(_)
            | State::Committing(_)
            | State::Noting),
            Event::Unlocked,
        ) => state,
    }
}

/// The arms by state and answer, for the tests.
pub(super) const ARMS: [(&str, &str); 26] = [
    ("Idle", "Begin"),
    ("Looking", "Loaded"),
    ("Locking", "Locked(Ok)"),
    ("Locking", "Locked(Busy)"),
    ("Locking", "Locked(Fault)"),
    ("Parking", "Parked(Ok)"),
    ("Parking", "Parked(Err)"),
    ("Waiting", "TimeUp"),
    ("Peeking", "Loaded"),
    ("Reading", "Loaded"),
    ("Preparing", "Prepared(Ok)"),
    ("Preparing", "Prepared(Err)"),
    ("Fetching", "Fetched(Ok)"),
    ("Fetching", "Fetched(NotSent)"),
    ("Fetching", "Fetched(Blocked)"),
    ("Fetching", "Fetched(Misconfigured)"),
    ("Fetching", "Fetched(MaybeSent)"),
    ("Staging", "Staged(Ok)"),
    ("Staging", "Staged(Err)"),
    ("Rereading", "Loaded"),
    ("Committing", "Committed(Ok)"),
    ("Committing", "Committed(Moved)"),
    ("Committing", "Committed(Fault)"),
    ("Noting", "Noted(Ok)"),
    ("Noting", "Noted(Err)"),
    ("Unlocking", "Unlocked"),
];
