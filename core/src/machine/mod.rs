//! The machine: takes one input at a time, says what is to be done, and never reads a clock, a file or dice.

mod backoff;
mod change;
mod desk;
mod hold;
mod hunt;
mod look;
mod state;
mod status;
mod transition;
mod view;

use alloc::{string::String, vec::Vec};
use core::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use backoff::{Dice, Seen};
use desk::{Act, Call, Can, Desk, Failure};
use state::{Event, Goal, Hold, Hunt, Look, State};
use view::View;

pub use status::{Current, Status};

use crate::{
    AccessToken, Adopt, Config, Effect, Event as Told, Fingerprint, Grant, Input, Now, ReauthReason, SecretBytes,
    TokenError,
    effect::Ticket,
    expiry::{BELIEVED_AFTER, Held},
    journal::{Known, Staged},
    wire::Dialect,
};

/// Decides when and how a credential is refreshed.
///
/// A host owns the clocks and does the work: it feeds [`Input`]s, carries out the [`Effect`]s of each [`Step`] in
/// order, and comes back after [`Step::wake_in`] at the latest.
///
/// ```
/// use tokenward::{Config, Effect, Input, Loaded, Machine, Now, StoreOp, Waiter, Want};
///
/// let mut machine = Machine::new(Config::new("https://id.test/token", "my-client"));
///
/// // A caller wants a token: the machine first wants to know what is in the store.
/// let mut step = machine.step(Now::default(), Input::Want(Want::new(Waiter(1))));
/// let Some(Effect::Store(StoreOp::Load(load))) = step.effects.pop() else { panic!("a load comes first") };
///
/// // There is nothing in it: the caller is told to sign in.
/// let step = machine.step(Now::default(), load.answer(Loaded::default()));
/// let signed_out = step.effects.iter().any(|effect| matches!(effect, Effect::Deliver(deliver) if deliver.outcome.is_err()));
/// assert!(signed_out);
/// ```
#[derive(Debug)]
pub struct Machine {
    config: Config,
    dice: Dice,
    state: State,
    desk: Desk,
    view: View,
    /// The access token in hand.
    held: Option<Held>,
    /// The access token that a server refused.
    refused: Option<Fingerprint>,
    /// The refresh token that a server refused, in case the journal could not be told.
    dead: Option<(Fingerprint, ReauthReason)>,
    /// The refreshes of this process that yielded a token.
    results: u64,
    /// The reads of store and journal that were begun, and those of them that were taken in.
    looks: u64,
    seen_looks: u64,
    failure: Failure,
    /// Whether somebody was served in the early window.
    early_wanted: bool,
    /// Whether the store should be read at the next opportunity.
    stale: bool,
    /// When a staged answer is to be carried into the store, on the monotonic clock.
    save_at: Option<Duration>,
    saves_failed: u32,
    /// An answer that the disk took neither as a frame nor as a store.
    kept: Option<Staged>,
    /// What is on its way into the store.
    pending: Option<(SecretBytes, Grant)>,
    /// The parked logins that are done with, in case they could not be removed.
    unparked: Vec<String>,
    /// The credential whose end was announced.
    announced: Option<Fingerprint>,
    /// The shared wait as this process counts it.
    seen: Option<Seen>,
    awaited: Option<Ticket>,
    tickets: u64,
}

/// What the machine asks for, and when it wants to be stepped again at the latest.
#[derive(Debug)]
#[must_use = "a dropped step loses effects the machine is waiting on"]
pub struct Step {
    /// The effects, to be carried out in this order.
    pub effects: Vec<Effect>,
    /// The time after which [`Input::Tick`] is due, if nothing else comes first.
    pub wake_in: Option<Duration>,
}

/// The effects of a step in the making.
#[derive(Debug, Default)]
struct Out {
    effects: Vec<Effect>,
}

impl Machine {
    /// Returns a machine that knows nothing yet.
    pub fn new(config: Config) -> Self {
        Self {
            dice: Dice::new(config.seed),
            state: State::Idle,
            desk: Desk::default(),
            view: View { format: config.format, dialect: Dialect::of(&config), ..View::default() },
            held: None,
            refused: None,
            dead: None,
            results: 0,
            looks: 0,
            seen_looks: 0,
            failure: Failure::default(),
            early_wanted: false,
            stale: false,
            save_at: None,
            saves_failed: 0,
            kept: None,
            pending: None,
            unparked: Vec::new(),
            announced: None,
            seen: None,
            awaited: None,
            tickets: first_ticket(),
            config,
        }
    }

    /// Takes one input and says what is to be done. Never fails, never blocks, never reads a clock.
    pub fn step(&mut self, now: Now, input: Input) -> Step {
        let mut out = Out::default();
        self.take(input, now, &mut out);
        self.go_on(now, &mut out);
        Step { effects: out.effects, wake_in: self.wake_in(now) }
    }

    /// Returns the token that may be handed out without asking the machine; `None` if there is none.
    pub fn current(&self) -> Option<Current> {
        let held = self.held.as_ref().filter(|_| !self.is_refused())?;
        Some(Current {
            token: held.token.clone(),
            early_at: held.moment(held.early),
            ends_at: held.moment(held.least_life()),
        })
    }

    /// Returns whether a refresh token is being spent: a process that ends in an orderly way goes on stepping until
    /// this is false. One that is not resident also stays for the refresh that it is about to begin.
    pub fn must_stay(&self) -> bool {
        match &self.state {
            State::Preparing(_)
            | State::Fetching(_)
            | State::Staging(_)
            | State::Rereading(_)
            | State::Committing(_)
            | State::Noting
            | State::Unlocking => true,
            State::Looking(Look { goal, hunt: None, .. })
            | State::Locking(Hunt { goal, told: false, .. })
            | State::Reading(Hold { goal, .. }) => *goal == Goal::Refresh && !self.config.resident,
            State::Idle
            | State::Looking(_)
            | State::Locking(_)
            | State::Parking(_)
            | State::Waiting(_)
            | State::Peeking(_) => false,
        }
    }

    /// Returns whether nobody else can change what is known.
    fn has_lock(&self) -> bool {
        match self.state {
            State::Preparing(_)
            | State::Fetching(_)
            | State::Staging(_)
            | State::Rereading(_)
            | State::Committing(_)
            | State::Noting => true,
            State::Idle
            | State::Looking(_)
            | State::Locking(_)
            | State::Parking(_)
            | State::Waiting(_)
            | State::Peeking(_)
            | State::Reading(_)
            | State::Unlocking => false,
        }
    }

    /// Returns the arms of the transition table by state and answer, for tests that count them.
    #[doc(hidden)]
    pub fn arms() -> &'static [(&'static str, &'static str)] {
        &transition::ARMS
    }

    fn take(&mut self, input: Input, now: Now, out: &mut Out) {
        match input {
            Input::Want(want) => self.want(want, now),
            Input::Adopt(Adopt { waiter, .. }) | Input::SignOut(waiter) if self.read_only().is_some() => {
                // Before anything is parked or locked: nothing of ours stands beside a store that is only read.
                out.deliver(waiter, self.read_only().map_or(Ok(None), Err));
            }
            Input::Adopt(adopt) => {
                let waiter = Some(adopt.waiter);
                let known = Known::of(self.view.stored_grant());
                self.desk.calls.push_back(Call { waiter, act: Act::Adopt { adopt, known, parked: None } });
            }
            Input::SignOut(waiter) => {
                self.desk.calls.push_back(Call { waiter: Some(waiter), act: Act::SignOut });
            }
            Input::Look(waiter) => self.desk.look(waiter),
            Input::Forget(waiter) => self.desk.forget(waiter),
            Input::Refused(token) => self.refuse(&token, now, out),
            Input::Changed => self.stale = true,
            Input::Tick => {}
            Input::Answer(answer) if self.awaited == Some(answer.ticket) => {
                self.awaited = None;
                self.turn(Event::from(answer.outcome), now, out);
            }
            Input::Answer(_) => out.tell(Told::LateAnswer),
        }
    }

    /// Serves whoever can be served and begins what is due, until there is something to wait for.
    fn go_on(&mut self, now: Now, out: &mut Out) {
        loop {
            self.serve(now, out);
            self.announce(now, out);
            if self.has_lock() {
                // Nobody else writes: what is known is what a read would find.
                self.desk.start_looks();
                self.desk.end_looks(out);
            }
            let event = match &self.state {
                State::Idle => self.next_goal(now).map(Event::Begin),
                State::Waiting(hunt) if now.mono >= hunt.due || self.is_asked_to_look(now) => Some(Event::TimeUp),
                State::Waiting(_)
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
                | State::Unlocking => None,
            };
            match event {
                Some(event) => self.turn(event, now, out),
                None => return,
            }
        }
    }

    fn turn(&mut self, event: Event, now: Now, out: &mut Out) {
        let state = core::mem::replace(&mut self.state, State::Idle);
        out.tell(Told::Transition { state: state.name(), on: event.name() });
        self.state = transition::next(self, state, event, now, out);
    }

    /// Returns why nothing is written, if the store is only read.
    pub(super) fn read_only(&self) -> Option<TokenError> {
        let asked = self.config.read_only.then_some("it is only read (see read_only)");
        self.config.format.read_only().or(asked).map(|reason| TokenError::StoreUnwritable { reason: reason.into() })
    }

    fn next_goal(&self, now: Now) -> Option<Goal> {
        if self.is_asked_to_look(now) {
            return Some(Goal::Look);
        }
        if !self.desk.calls.is_empty() {
            return Some(Goal::Call);
        }
        if self.save_at.is_some_and(|due| now.mono >= due) {
            return Some(Goal::Save);
        }
        self.refresh_is_due(now).then_some(Goal::Refresh)
    }

    fn is_asked_to_look(&self, now: Now) -> bool {
        self.stale || self.desk.has_looks() || self.look_is_due(now)
    }

    fn wake_in(&self, now: Now) -> Option<Duration> {
        let next = match &self.state {
            State::Waiting(hunt) => Some(hunt.due),
            State::Idle => self.save_at,
            State::Looking(_)
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
            | State::Unlocking => None,
        };
        let next = [next, self.next_due(now), self.next_early(now)].into_iter().flatten().min()?;
        Some(next.saturating_sub(now.mono))
    }

    /// Returns when an early refresh that somebody started, and that could not be done, is tried again.
    fn next_early(&self, now: Now) -> Option<Duration> {
        let works = |held: &Held| held.is_early(now) && held.serves(now, Duration::ZERO);
        let early = self.early_wanted && self.held.as_ref().is_some_and(works);
        match self.can_refresh(now, false) {
            Can::Later { due, .. } if early => Some(due),
            Can::Yes if early && self.failure.calm > now.mono => Some(self.failure.calm),
            Can::Later { .. } | Can::Yes | Can::Never(_) => None,
        }
    }

    fn refuse(&mut self, token: &AccessToken, now: Now, out: &mut Out) {
        let name = token.fingerprint();
        let Some(held) = self.held.as_ref().filter(|held| held.token.fingerprint() == name) else { return };
        let noted = || self.issued_at(held).filter(|at| *at <= now.wall).map(|at| now.wall.since(at));
        let age = held.age(now).or_else(noted);
        let believed = age.is_none_or(|age| age >= BELIEVED_AFTER) || !held.serves(now, Duration::ZERO);
        if believed {
            self.refused = Some(name);
        }
        // Whoever refused it may know of another process's rotation.
        self.stale = true;
        out.tell(Told::Refused { access_token: name, believed });
    }

    /// Takes a credential in hand. Returns whether the access token is another one.
    fn take_in_hand(&mut self, grant: Option<&Grant>, received_here: bool, now: Now) -> bool {
        let Some(grant) = grant else {
            self.held = None;
            return false;
        };
        let Some(token) = &grant.access_token else {
            self.held = None;
            return false;
        };
        let same = self.held.as_ref().is_some_and(|held| held.token == *token);
        if !same {
            let dice = self.dice.roll();
            let resident = self.config.resident;
            self.held = Some(Held::new(token.clone(), grant.issued_at, now, received_here, resident, dice));
            self.early_wanted = false;
        }
        !same
    }

    /// Tells once that a person must sign in.
    fn announce(&mut self, now: Now, out: &mut Out) {
        let Some(grant) = &self.view.grant else { return };
        let decides = |answer: &Staged| answer.head.login || self.view.matches(answer);
        if self.view.journal.answer.as_ref().is_some_and(decides) || !self.view.parked.is_empty() {
            // A login is on its way into the store, or an answer that is newer than what is remembered.
            return;
        }
        let Can::Never(error @ TokenError::ReauthRequired { .. }) = self.can_refresh(now, false) else { return };
        let name = grant.fingerprint();
        let expired = matches!(&error, TokenError::ReauthRequired { reason: ReauthReason::Expired });
        let works = self.held.as_ref().is_some_and(|held| held.serves(now, Duration::ZERO));
        if self.announced == Some(name) || (expired && works) {
            return;
        }
        self.announced = Some(name);
        out.tell(Told::ReauthRequired { refresh_token: grant.names().1, error });
    }

    /// Ends an attempt with an error. `hard` ones are told to everybody who waited.
    fn fail(&mut self, error: TokenError, hard: bool, now: Now, out: &mut Out) {
        out.tell(Told::RefreshFailed { refresh_token: self.view.stored_refresh_token(), error: error.clone() });
        self.failure.count = self.failure.count.saturating_add(1);
        self.failure.hard = hard;
        self.failure.error = Some(error);
        if hard {
            self.failure.calm = now.mono.saturating_add(Duration::from_secs(30));
        }
    }

    fn ticket(&mut self) -> Ticket {
        self.tickets = self.tickets.saturating_add(1);
        let ticket = Ticket(self.tickets);
        self.awaited = Some(ticket);
        ticket
    }
}

/// Returns the number before a machine's first ticket. No two machines of a program share one, so that an answer to an
/// earlier machine is not taken for one to this.
fn first_ticket() -> u64 {
    static MACHINES: AtomicU32 = AtomicU32::new(0);
    u64::from(MACHINES.fetch_add(1, Ordering::Relaxed)) << 32
}

impl Out {
    fn tell(&mut self, event: Told) {
        self.effects.push(Effect::Emit(event));
    }

    fn ask(&mut self, effect: Effect) {
        self.effects.push(effect);
    }
}
