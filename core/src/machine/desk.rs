//! The callers: who waits for what, and what each is told. Stands above the table, which knows nothing of them.

use alloc::{collections::VecDeque, string::String, vec::Vec};
use core::time::Duration;

use super::{Machine, Out, state::State};
use crate::{
    AccessToken, Adopt, Deliver, Effect, Fingerprint, Now, ReauthReason, Secret, TokenError, Trouble, Unreadable,
    Waiter, Want, journal::Known,
};

/// Everybody who waits.
#[derive(Debug, Default)]
pub(super) struct Desk {
    wants: Vec<Waiting>,
    /// Logins and sign-outs, done one after the other.
    pub(super) calls: VecDeque<Call>,
    looks: Vec<Looker>,
}

/// A caller who wants a token.
#[derive(Debug)]
struct Waiting {
    want: Want,
    joined: Now,
    /// The machine's count of results and failures when the caller came.
    results: u64,
    failures: u64,
    /// The reads that had begun before it came: they say nothing to it.
    looks: u64,
}

/// A caller who wants something done.
#[derive(Debug)]
pub(super) struct Call {
    /// `None` once the caller has gone; what it asked for is done all the same.
    pub(super) waiter: Option<Waiter>,
    pub(super) act: Act,
}

#[derive(Debug)]
pub(super) enum Act {
    Adopt {
        adopt: Adopt,
        /// The login that was stored when the caller signed in.
        known: Option<Known>,
        /// The name under which the login waits beside the store.
        parked: Option<String>,
    },
    SignOut,
}

#[derive(Debug)]
struct Looker {
    waiter: Waiter,
    /// Whether the read that is under way began after the caller came.
    started: bool,
}

/// What a caller gets now.
enum Judgement {
    Deliver(AccessToken),
    Fail(TokenError),
    /// Nothing before this moment on the monotonic clock, or before something moves.
    Wait(Option<Duration>),
    /// Nothing before another look: what would be said is from before the caller came.
    Look,
    /// A refresh is what it needs.
    Refresh,
}

/// Whether a refresh can be tried.
pub(super) enum Can {
    Yes,
    Never(TokenError),
    Later { due: Duration, error: TokenError },
}

/// The last attempt that ended in an error.
#[derive(Debug, Default)]
pub(super) struct Failure {
    /// How many there were.
    pub(super) count: u64,
    pub(super) error: Option<TokenError>,
    /// Whether everybody who waited is told, not only who asked explicitly.
    pub(super) hard: bool,
    /// No early refresh is tried before, on the monotonic clock.
    pub(super) calm: Duration,
}

impl Desk {
    /// Notes which login was stored when those in line signed in.
    pub(super) fn know(&mut self, stored: Option<Known>) {
        for call in &mut self.calls {
            if let Act::Adopt { known, .. } = &mut call.act {
                *known = known.or(stored);
            }
        }
    }

    /// Notes that the first caller's login waits beside the store.
    pub(super) fn park(&mut self, name: String) {
        if let Some(Act::Adopt { parked, .. }) = self.calls.front_mut().map(|call| &mut call.act) {
            *parked = Some(name);
        }
    }

    /// Returns the name under which the first caller's login waits beside the store.
    pub(super) fn parked(&self) -> Option<&String> {
        match &self.calls.front()?.act {
            Act::Adopt { parked, .. } => parked.as_ref(),
            Act::SignOut => None,
        }
    }

    pub(super) fn is_parked(&self) -> bool {
        self.parked().is_some()
    }

    /// Returns whether a login that waits beside the store is the first caller's.
    pub(super) fn owns(&self, name: &String) -> bool {
        self.parked() == Some(name)
    }

    pub(super) fn look(&mut self, waiter: Waiter) {
        self.looks.push(Looker { waiter, started: false });
    }

    pub(super) fn has_looks(&self) -> bool {
        self.looks.iter().any(|look| !look.started)
    }

    /// Notes that a read begins: it serves those who came before it.
    pub(super) fn start_looks(&mut self) {
        for look in &mut self.looks {
            look.started = true;
        }
    }

    /// Answers those whose read has ended.
    pub(super) fn end_looks(&mut self, out: &mut Out) {
        self.looks.retain(|look| {
            if look.started {
                out.deliver(look.waiter, Ok(None));
            }
            !look.started
        });
    }

    pub(super) fn is_waiting(&self) -> bool {
        !self.wants.is_empty()
    }

    pub(super) fn forget(&mut self, waiter: Waiter) {
        self.wants.retain(|waiting| waiting.want.waiter != waiter);
        self.looks.retain(|look| look.waiter != waiter);
        for call in self.calls.iter_mut().filter(|call| call.waiter == Some(waiter)) {
            call.waiter = None;
        }
    }
}

impl Machine {
    /// Takes a caller in.
    pub(super) fn want(&mut self, want: Want, joined: Now) {
        let (results, failures, looks) = (self.results, self.failure.count, self.looks);
        self.desk.wants.push(Waiting { want, joined, results, failures, looks });
    }

    /// Hands everybody what there is for them.
    pub(super) fn serve(&mut self, now: Now, out: &mut Out) {
        let wants = core::mem::take(&mut self.desk.wants);
        for waiting in wants {
            let overdue = now.mono >= waiting.deadline();
            let outcome = match self.judge(&waiting, now) {
                Judgement::Deliver(token) => Ok(Some(token)),
                Judgement::Fail(error) => Err(error),
                // What is known is from before it came: the store does not answer.
                Judgement::Look if now.mono >= waiting.look_deadline() => Err(out_of_time()),
                Judgement::Wait(_) | Judgement::Refresh if overdue => match self.spare(now) {
                    Some(token) if !waiting.want.explicit => Ok(Some(token)),
                    Some(_) | None => Err(self.obstacle(now)),
                },
                Judgement::Wait(_) | Judgement::Look | Judgement::Refresh => {
                    self.desk.wants.push(waiting);
                    continue;
                }
            };
            // Whoever is served in the early window starts what makes the next one wait-free.
            self.early_wanted |= outcome.is_ok() && self.held.as_ref().is_some_and(|held| held.is_early(now));
            out.deliver(waiting.want.waiter, outcome);
        }
    }

    /// Returns the next moment on the monotonic clock at which a caller's fate changes by itself.
    pub(super) fn next_due(&self, now: Now) -> Option<Duration> {
        let moments = self.desk.wants.iter().flat_map(|waiting| {
            let wait = match self.judge(waiting, now) {
                Judgement::Wait(due) => due,
                Judgement::Deliver(_) | Judgement::Fail(_) | Judgement::Refresh => None,
                Judgement::Look => return [None, Some(waiting.look_deadline())],
            };
            [wait, Some(waiting.deadline())]
        });
        moments.flatten().min()
    }

    /// Returns whether somebody needs a refresh, or the token in hand should be replaced early.
    pub(super) fn refresh_is_due(&self, now: Now) -> bool {
        let wanted = |waiting| matches!(self.judge(waiting, now), Judgement::Refresh);
        self.desk.wants.iter().any(wanted) || self.early_is_due(now)
    }

    /// Returns whether somebody would be told what was read before it came.
    pub(super) fn look_is_due(&self, now: Now) -> bool {
        self.desk.wants.iter().any(|waiting| matches!(self.judge(waiting, now), Judgement::Look))
    }

    fn judge(&self, waiting: &Waiting, now: Now) -> Judgement {
        let want = &waiting.want;
        if !self.view.loaded {
            return Judgement::Look;
        }
        if let Some(held) = self.held.as_ref().filter(|_| !self.is_refused()) {
            let result = self.results > waiting.results
                || (waiting.joined != now
                    && held.received.is_none()
                    && self.issued_at(held).is_some_and(|at| at >= waiting.joined.wall));
            // Who waited for a refresh is served by its result, unless that has ended on its way (a closed lid).
            if (result && !held.has_ended(now)) || (!want.explicit && held.serves(now, want.min_ttl)) {
                return Judgement::Deliver(held.token.clone());
            }
        }
        let spare = self.spare(now).filter(|_| !want.explicit);
        if let Some(error) = &self.failure.error
            && self.failure.count > waiting.failures
            && (self.failure.hard || want.explicit)
        {
            return spare.map_or_else(|| Judgement::Fail(error.clone()), Judgement::Deliver);
        }
        if let Some(token) = &spare
            && (self.is_calm(now) || self.is_contended())
        {
            return Judgement::Deliver(token.clone());
        }
        match (self.can_refresh(now, want.explicit), spare) {
            (Can::Yes, _) => Judgement::Refresh,
            (Can::Never(_) | Can::Later { .. }, Some(token)) => Judgement::Deliver(token),
            (Can::Never(_), None) if self.has_parked() && self.has_looked(waiting) => Judgement::Wait(None),
            (Can::Never(error), None) => self.said(waiting, error),
            (Can::Later { due, error }, None) if due > waiting.deadline() => self.said(waiting, error),
            (Can::Later { due, .. }, None) => Judgement::Wait(Some(due)),
        }
    }

    /// Returns when the token in hand was issued, as far as is known: a store that does not say leaves it to the journal.
    pub(super) fn issued_at(&self, held: &crate::expiry::Held) -> Option<crate::UnixTime> {
        let rotation = || self.view.journal.state.rotation.as_ref();
        held.issued_at.or_else(|| Some(crate::UnixTime::from_millis(rotation()?.at)))
    }

    /// Nobody is told an error from memory: somebody else may have mended it since.
    fn said(&self, waiting: &Waiting, error: TokenError) -> Judgement {
        if self.has_looked(waiting) { Judgement::Fail(error) } else { Judgement::Look }
    }

    /// Returns whether what is known was read after a caller came.
    fn has_looked(&self, waiting: &Waiting) -> bool {
        self.seen_looks > waiting.looks
    }

    /// Returns the token in hand if it still works at all.
    fn spare(&self, now: Now) -> Option<AccessToken> {
        let held = self.held.as_ref()?;
        (!self.is_refused() && held.serves(now, Duration::ZERO)).then(|| held.token.clone())
    }

    /// Returns whether a server refused the token in hand.
    pub(super) fn is_refused(&self) -> bool {
        self.held.as_ref().is_some_and(|held| self.refused == Some(held.token.fingerprint()))
    }

    fn early_is_due(&self, now: Now) -> bool {
        let Some(held) = &self.held else { return false };
        // A refresh that did not move the end would be followed by another, and another, towards the end.
        let moved = self.view.journal.state.rotation.as_ref().is_none_or(|rotation| rotation.moved);
        self.early_wanted
            && held.is_early(now)
            && held.serves(now, Duration::ZERO)
            && moved
            && now.mono >= self.failure.calm
            && !self.is_calm(now)
            && matches!(self.can_refresh(now, false), Can::Yes)
    }

    /// Returns whether the last rotation is so young that only an expired or refused token is a reason for another.
    fn is_calm(&self, now: Now) -> bool {
        let Some(rotation) = &self.view.journal.state.rotation else { return false };
        let Some(held) = &self.held else { return false };
        let at = crate::UnixTime::from_millis(rotation.at);
        at <= now.wall && now.wall.since(at) < held.calm()
    }

    /// Returns whether a refresh can be tried, whoever needs it.
    pub(super) fn can_refresh(&self, now: Now, explicit: bool) -> Can {
        let Some(grant) = &self.view.grant else {
            return Can::Never(match self.view.stored {
                super::view::Stored::Unreadable(reason) => TokenError::StoreUnreadable { reason },
                super::view::Stored::Absent | super::view::Stored::Readable(_) => TokenError::SignedOut,
            });
        };
        if let Some(error) = self.view.journal_fault() {
            return Can::Never(error);
        }
        let Some(refresh_token) = &grant.refresh_token else { return Can::Never(reauth(ReauthReason::Expired)) };
        if let Some(error) = self.read_only() {
            return Can::Never(error);
        }
        let state = &self.view.journal.state;
        if !state.spent.is_empty() && state.is_spent(refresh_token.fingerprint()) {
            return Can::Never(reauth(ReauthReason::Reused));
        }
        if explicit || (self.dead.is_none() && state.dead.is_none() && state.not_before.is_none()) {
            // Nothing is remembered: no name is needed to look it up by.
            return Can::Yes;
        }
        let key = self.key(refresh_token);
        if let Some(dead) = self.dead(key) {
            return Can::Never(reauth(dead));
        }
        match self.wait_of(key, now) {
            Some((_, error @ TokenError::Misconfigured { .. })) => Can::Never(error),
            Some((due, error)) => Can::Later { due, error },
            None => Can::Yes,
        }
    }

    fn dead(&self, key: Fingerprint) -> Option<ReauthReason> {
        if let Some((dead, reason)) = &self.dead
            && *dead == key
        {
            return Some(reason.clone());
        }
        let memo = self.view.journal.state.dead.as_ref()?;
        (memo.key == key.to_hex()).then(|| memo.reason())
    }

    /// Returns the name of a refresh token as used with this configuration.
    pub(super) fn key(&self, refresh_token: &Secret) -> Fingerprint {
        // EXPOSE: hashed, not kept.
        Fingerprint::of_all(&[refresh_token.expose(), &self.config.token_url, &self.config.client_id])
    }

    /// Returns whether another process has the lock.
    fn is_contended(&self) -> bool {
        let hunt = match &self.state {
            State::Locking(hunt) | State::Waiting(hunt) | State::Peeking(hunt) | State::Parking(hunt) => Some(hunt),
            State::Looking(look) => look.hunt.as_ref(),
            State::Idle
            | State::Reading(_)
            | State::Preparing(_)
            | State::Fetching(_)
            | State::Staging(_)
            | State::Rereading(_)
            | State::Committing(_)
            | State::Noting
            | State::Unlocking => None,
        };
        hunt.is_some_and(|hunt| hunt.told)
    }

    /// Returns what stands in the way of a caller whose deadline has passed.
    fn obstacle(&self, now: Now) -> TokenError {
        if self.is_contended() {
            return TokenError::StoreBusy { holder: self.view.journal.state.holder() };
        }
        match self.can_refresh(now, false) {
            Can::Later { error, .. } => error,
            // A dead login that somebody wants asked once more was not asked: nobody is told an error from memory.
            Can::Never(_) | Can::Yes => out_of_time(),
        }
    }
}

impl Waiting {
    fn deadline(&self) -> Duration {
        self.joined.mono.saturating_add(self.want.deadline)
    }

    /// Returns when a caller who needs a look gives up: a look is one local read, and gets a second whatever the deadline.
    fn look_deadline(&self) -> Duration {
        self.deadline().max(self.joined.mono.saturating_add(Duration::from_secs(1)))
    }
}

impl Out {
    pub(super) fn deliver(&mut self, waiter: Waiter, outcome: Result<Option<AccessToken>, TokenError>) {
        self.effects.push(Effect::Deliver(Deliver { waiter, outcome }));
    }
}

fn out_of_time() -> TokenError {
    TokenError::Unavailable { retry_in: None, trouble: Trouble::Deadline }
}

fn reauth(reason: ReauthReason) -> TokenError {
    TokenError::ReauthRequired { reason }
}

impl From<Unreadable> for TokenError {
    fn from(reason: Unreadable) -> Self {
        Self::StoreUnreadable { reason }
    }
}
