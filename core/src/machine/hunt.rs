//! Waiting for a lock that another process has. The lock is never waited for: it is tried, and the journal is watched.

use alloc::string::String;
use core::time::Duration;

use super::{
    Machine, Out,
    desk::Act,
    state::{Goal, Hold, Hunt, State},
};
use crate::{
    Adopt, Effect, Event as Told, Guard, Load, Loaded, Now, Park, StoreFault, StoreFormat, StoreOp, TokenError,
    UnixTime, Unlock,
    journal::{self, Head, Reach, Staged},
};

/// A lock whose holder writes to the journal is not tried at every look: a try costs many times a look, and what 64
/// waiters spend is taken from the one process that gets somewhere. This is how late the end of a holder that was killed is seen.
const BETWEEN_TRIES: Duration = Duration::from_millis(10);

impl Machine {
    /// Another process has the lock.
    pub(super) fn contend(&mut self, mut hunt: Hunt, now: Now, out: &mut Out) -> State {
        hunt.tried = now.mono;
        if !hunt.told {
            hunt.told = true;
            out.tell(Told::LockBusy { holder: self.view.journal.state.holder() });
        }
        if hunt.goal == Goal::Call
            && !self.desk.is_parked()
            && let Some(login) = self.login()
        {
            let park = Park { ticket: self.ticket(), bytes: journal::park(&login) };
            out.ask(Effect::Store(StoreOp::Park(park)));
            return State::Parking(hunt);
        }
        self.wait_for_lock(hunt, now)
    }

    /// Our login is safe beside the store.
    pub(super) fn parked(&mut self, hunt: Hunt, name: String, now: Now, out: &mut Out) -> State {
        self.desk.park(name);
        out.tell(Told::Parked { holder: self.view.journal.state.holder() });
        self.wait_for_lock(hunt, now)
    }

    /// Waits for the next look: 1 ms for 200 ms, 5 ms until 2 s, then 50 ms to 1 s with jitter. An early refresh, for
    /// which nobody waits, takes its time from the start.
    pub(super) fn wait_for_lock(&mut self, mut hunt: Hunt, now: Now) -> State {
        let waited = now.mono.saturating_sub(hunt.progress);
        let idle = hunt.goal == Goal::Save || (hunt.goal == Goal::Refresh && !self.desk.is_waiting());
        let interval = if waited < Duration::from_millis(200) && !idle {
            Duration::from_millis(1)
        } else if waited < Duration::from_secs(2) && !idle {
            Duration::from_millis(5)
        } else {
            let longer = hunt.interval.saturating_mul(2).clamp(Duration::from_millis(50), Duration::from_secs(1));
            hunt.interval = longer;
            self.dice.half_to_all(longer)
        };
        hunt.due = now.mono.saturating_add(interval);
        State::Waiting(hunt)
    }

    /// Looks at the journal's states, unless the wait is over.
    pub(super) fn peek(&mut self, hunt: Hunt, now: Now, out: &mut Out) -> State {
        if !self.is_needed(hunt.goal, now) {
            return State::Idle;
        }
        if self.is_asked_to_look(now) {
            return self.look(hunt.goal, Some(hunt), out);
        }
        if now.mono.saturating_sub(hunt.progress) >= self.config.patience {
            let error = TokenError::StoreBusy { holder: self.view.journal.state.holder() };
            self.give_up(hunt.goal, error, now, out);
            return State::Idle;
        }
        let load = Load { ticket: self.ticket(), journal: alloc::vec![journal::states()], store: false, parked: false };
        out.ask(Effect::Store(StoreOp::Load(load)));
        State::Peeking(hunt)
    }

    /// The journal stood still: the lock is tried from time to time. It moved: what is in it may be what we want.
    pub(super) fn peeked(&mut self, mut hunt: Hunt, loaded: Loaded, now: Now, out: &mut Out) -> State {
        if !self.view.journal.has_moved(&loaded) {
            let is_due = now.mono.saturating_sub(hunt.tried) >= BETWEEN_TRIES;
            return if is_due { self.try_lock(hunt, out) } else { self.wait_for_lock(hunt, now) };
        }
        hunt.progress = now.mono;
        hunt.interval = Duration::ZERO;
        self.look(hunt.goal, Some(hunt), out)
    }

    pub(super) fn cannot_lock(&mut self, hunt: &Hunt, fault: StoreFault, now: Now, out: &mut Out) -> State {
        self.give_up(hunt.goal, TokenError::StoreUnwritable { reason: fault.detail }, now, out);
        State::Idle
    }

    /// Tells whoever something was done for that it cannot be done.
    pub(super) fn give_up(&mut self, goal: Goal, error: TokenError, now: Now, out: &mut Out) {
        match goal {
            Goal::Look => {}
            Goal::Refresh => self.fail(error, true, now, out),
            Goal::Save => _ = self.save_later(now),
            Goal::Call => self.end_call(Err(error), out),
        }
    }

    /// Reads what there is, now that nobody else writes.
    pub(super) fn read_with_lock(&mut self, hunt: &Hunt, out: &mut Out) -> State {
        self.load(Reach::Usual, out);
        State::Reading(Hold { goal: hunt.goal, reach: Reach::Usual })
    }

    /// Gives the lock back.
    pub(super) fn unlock(&mut self, out: &mut Out) -> State {
        let ticket = self.ticket();
        out.ask(Effect::Store(StoreOp::Unlock(Unlock { ticket })));
        State::Unlocking
    }

    /// Returns the first caller's login as an answer, if that is what it wants.
    pub(super) fn login(&self) -> Option<Staged> {
        let Act::Adopt { adopt: Adopt { grant, guard, .. }, known, .. } = &self.desk.calls.front()?.act else {
            return None;
        };
        Some(Staged {
            head: Head {
                received: grant.issued_at.unwrap_or_default().as_millis(),
                base: self.view.stored_refresh_token().map(|name| name.to_hex()),
                login: true,
                replaces: known.map(|known| known.refresh_token.to_hex()),
                replaces_issued_at: known.and_then(|known| known.issued_at).map(UnixTime::as_millis),
                replace: *guard == Guard::Replace,
                ..Head::default()
            },
            // Whatever the store's format: the journal is ours.
            body: StoreFormat::Tokenward.encode(None, grant).unwrap_or_default(),
        })
    }

    /// Answers the first caller in line, if it still waits.
    pub(super) fn end_call(&mut self, outcome: Result<(), TokenError>, out: &mut Out) {
        if let Some(waiter) = self.desk.calls.pop_front().and_then(|call| call.waiter) {
            out.deliver(waiter, outcome.map(|()| None));
        }
    }
}
