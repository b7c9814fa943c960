//! Reading store and journal without the lock.

use core::time::Duration;

use super::{
    Machine, Out,
    desk::Can,
    state::{Goal, Hunt, Look, State},
};
use crate::{Effect, Event as Told, Load, Loaded, Now, Parked, StoreOp, TryLock, journal::Known, journal::Reach};

impl Machine {
    /// Begins with a look: somebody else may have done it already, and that costs no lock.
    pub(super) fn look(&mut self, goal: Goal, hunt: Option<Hunt>, out: &mut Out) -> State {
        self.desk.start_looks();
        self.stale = false;
        self.read(Look { goal, reach: Reach::Usual, hunt }, out)
    }

    fn read(&mut self, look: Look, out: &mut Out) -> State {
        self.load(look.reach, out);
        State::Looking(look)
    }

    /// Asks for store and journal.
    pub(super) fn load(&mut self, reach: Reach, out: &mut Out) {
        self.looks = self.looks.saturating_add(1);
        let load = Load { ticket: self.ticket(), journal: reach.ranges(), store: true, parked: true };
        out.ask(Effect::Store(StoreOp::Load(load)));
    }

    pub(super) fn looked(&mut self, look: Look, loaded: Loaded, now: Now, out: &mut Out) -> State {
        if !self.absorb(loaded, look.reach, now, out) {
            return self.read(Look { reach: Reach::Whole, ..look }, out);
        }
        self.plan_save(now);
        self.desk.end_looks(out);
        self.desk.know(Known::of(self.view.stored_grant()));
        self.serve(now, out);
        let goal = match look.goal {
            // What was seen shows what is to be done next, and is as good for that as another look.
            Goal::Look => self.next_goal(now).unwrap_or(Goal::Look),
            Goal::Refresh | Goal::Save | Goal::Call => look.goal,
        };
        if !self.is_needed(goal, now) {
            return State::Idle;
        }
        match look.hunt {
            // The journal moved: give the other process its time before the lock is tried again.
            Some(hunt) => self.wait_for_lock(hunt, now),
            None => {
                let hunt = Hunt {
                    goal,
                    progress: now.mono,
                    tried: now.mono,
                    due: now.mono,
                    interval: Duration::ZERO,
                    told: false,
                };
                self.try_lock(hunt, out)
            }
        }
    }

    pub(super) fn try_lock(&mut self, hunt: Hunt, out: &mut Out) -> State {
        let ticket = self.ticket();
        out.ask(Effect::Store(StoreOp::TryLock(TryLock { ticket })));
        State::Locking(hunt)
    }

    /// Takes in what was read; `false` if an answer is longer than what was read.
    pub(super) fn absorb(&mut self, loaded: Loaded, reach: Reach, now: Now, out: &mut Out) -> bool {
        if !self.view.take_in(loaded, reach) {
            return false;
        }
        self.seen_looks = self.looks;
        self.see_wait(now);
        self.adopt_view(now, out);
        true
    }

    /// Takes the credential of the view in hand.
    pub(super) fn adopt_view(&mut self, now: Now, out: &mut Out) {
        let grant = self.view.grant.clone();
        let unreadable = matches!(self.view.stored, super::view::Stored::Unreadable(_));
        let unsaved = self.view.journal.answer.is_some() || self.kept.is_some();
        if grant.is_none() && (unreadable || unsaved) {
            // A store that cannot be read ends no login: what is in hand goes on.
            return;
        }
        let first = self.held.is_none();
        if self.take_in_hand(grant.as_ref(), false, now) && !first {
            let (access_token, refresh_token) = grant.unwrap_or_default().names();
            out.tell(Told::Adopted { access_token, refresh_token });
        }
    }

    /// Returns whether a goal is still worth a lock.
    pub(super) fn is_needed(&self, goal: Goal, now: Now) -> bool {
        match goal {
            Goal::Look => false,
            Goal::Call => !self.desk.calls.is_empty(),
            Goal::Save => self.is_unsaved(),
            Goal::Refresh => self.refresh_is_due(now),
        }
    }

    fn is_unsaved(&self) -> bool {
        let staged = self.view.journal.answer.as_ref().is_some_and(|answer| self.view.matches(answer));
        staged || self.kept.is_some() || self.has_parked()
    }

    /// Returns whether another process left a login beside the store.
    pub(super) fn has_parked(&self) -> bool {
        self.read_only().is_none() && self.left_parked().next().is_some()
    }

    /// Returns the logins that other processes left beside the store, oldest first.
    pub(super) fn left_parked(&self) -> impl Iterator<Item = &Parked> {
        let is_left = |parked: &&Parked| !self.desk.owns(&parked.name) && !self.unparked.contains(&parked.name);
        self.view.parked.iter().filter(is_left)
    }

    /// An answer that its process has not carried into the store waits for the next holder; after a while that is us.
    fn plan_save(&mut self, now: Now) {
        if self.read_only().is_some() {
            return;
        }
        // Whoever took the store away may bring it back.
        let gone = self.view.journal.answer.is_some() && self.view.stored_grant().is_none();
        let failed = self.saves_failed > 0;
        if !failed && self.has_parked() && matches!(self.can_refresh(now, false), Can::Never(_)) {
            // It is the only login there is: nobody else may come to adopt it.
            self.save_at = Some(now.mono);
        } else if !self.is_unsaved() && !gone {
            self.save_at = None;
        } else if self.save_at.is_none_or(|due| due <= now.mono) && self.kept.is_none() {
            let wait = Duration::from_secs(2) + self.dice.half_to_all(Duration::from_secs(2));
            self.save_at = Some(now.mono.saturating_add(wait));
        }
    }
}
