//! The loop between the machine and the world: take a message, step, show the token, carry out the effects.

use std::{boxed::Box, collections::VecDeque, sync::Arc, sync::mpsc::Receiver, time::Duration};

use super::{doors::Doors, log::Log, message::Message, snapshot::Board, sys, waiting::Waiting};
use crate::{Config, Effect, Input, Machine, Now, Step, StoreOp};

/// Drives one machine: on the threads of its callers until an effect takes time, from then on its own.
pub(super) struct Driver {
    machine: Machine,
    resident: bool,
    log: Log,
    board: Arc<Board>,
    pub(super) messages: Receiver<Message>,
    doors: Doors,
    own_thread: bool,
    effects: VecDeque<Effect>,
    /// When the machine wants to be stepped, on the monotonic clock.
    wake_at: Option<Duration>,
    broken: bool,
    /// The last field: who waits for the end is told when all else is dropped.
    pub(super) waiting: Waiting,
}

impl Driver {
    /// Returns the driver of a machine that knows nothing yet. `resident` ones watch their store.
    pub(super) fn new(config: Config, board: Arc<Board>, messages: Receiver<Message>, doors: Doors) -> Self {
        let (resident, log) = (config.resident, Log::new(&config));
        let machine = Machine::new(config);
        let (own_thread, broken, wake_at) = (false, false, None);
        let (effects, waiting) = (VecDeque::new(), Waiting::default());
        Self { machine, resident, log, board, messages, doors, own_thread, effects, wake_at, broken, waiting }
    }

    /// Runs on a thread of its own until the last source is closed and no refresh token is on its way.
    pub(super) fn run(mut self: Box<Self>) {
        self.own_thread = true;
        self.perform();
        while !self.is_over() {
            let message = match self.pause(sys::now()) {
                Some(span) => self.messages.recv_timeout(span).ok(),
                None => self.messages.recv().ok(),
            };
            self.turn(message.unwrap_or(Message::Tell(Input::Tick)));
        }
    }

    /// Takes one message, and looks at the store if that is due.
    pub(super) fn turn(&mut self, message: Message) {
        self.take(message);
        let now = sys::now();
        if self.watches(now) && self.doors.has_moved(now) {
            self.step(Input::Changed);
        }
    }

    /// Returns whether there is something to wait for, which is not done on a caller's thread.
    pub(super) fn needs_thread(&self) -> bool {
        let waits = !self.effects.is_empty() || self.doors.is_waiting() || self.waiting.is_waiting();
        waits || self.machine.must_stay() || (self.resident && (self.wake_at.is_some() || self.watches(sys::now())))
    }

    /// Returns whether nothing is left to do. Then the driver is dropped, and whoever still waits is told so.
    pub(super) fn is_over(&self) -> bool {
        self.broken || (self.is_leaving() && !self.doors.is_waiting())
    }

    /// Returns whether all sources are closed and no refresh token is on its way: nothing is begun any more.
    fn is_leaving(&self) -> bool {
        self.waiting.is_closing() && !self.machine.must_stay()
    }

    fn watches(&self, now: Now) -> bool {
        self.resident && self.board.is_used(now)
    }

    fn pause(&self, now: Now) -> Option<Duration> {
        if self.is_leaving() {
            return None;
        }
        let watch_at = self.watches(now).then_some(self.doors.look_at());
        self.wake_at.into_iter().chain(watch_at).min().map(|next| next.saturating_sub(now.mono))
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Answer(input) => {
                self.doors.answered(&input);
                self.step(input);
            }
            Message::Tell(input) => self.step(input),
            Message::Ask(asker, input) => {
                if self.waiting.admit(asker) {
                    self.step(input);
                }
            }
            Message::Forget(waiter) => {
                if self.waiting.forget(waiter) {
                    self.step(Input::Forget(waiter));
                }
            }
            Message::Refused(token) => {
                self.board.unbar(&token);
                self.step(Input::Refused(token));
            }
            Message::Leave(share) => {
                for gone in self.waiting.leave(share) {
                    self.step(Input::Forget(gone));
                }
            }
            Message::Status(fill) => fill.fill(self.machine.status()),
            Message::Listen(listener) => self.waiting.listen(listener),
            Message::Close(fill) => self.waiting.close(fill),
            Message::Broken => self.broken = true,
        }
    }

    fn step(&mut self, input: Input) {
        if self.is_leaving() {
            return;
        }
        let now = sys::now();
        let Step { effects, wake_in } = self.machine.step(now, input);
        self.wake_at = wake_in.map(|span| now.mono.saturating_add(span));
        self.board.show(self.machine.current(), self.machine.must_stay());
        self.effects.extend(effects);
        self.perform();
    }

    /// Carries out the effects in their order, on a caller's thread up to the first that may take time.
    fn perform(&mut self) {
        while let Some(effect) = self.effects.pop_front() {
            match effect {
                Effect::Deliver(deliver) => self.waiting.deliver(deliver),
                Effect::Emit(event) => {
                    self.log.tell(&event);
                    self.waiting.tell(&event);
                }
                Effect::Store(_) | Effect::Fetch(_) if self.is_leaving() => {}
                Effect::Store(op) if self.own_thread || matches!(op, StoreOp::Load(_)) => self.doors.start(op),
                Effect::Fetch(fetch) if self.own_thread => self.doors.fetch(fetch),
                later @ (Effect::Store(_) | Effect::Fetch(_)) => return self.effects.push_front(later),
            }
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.board.end();
    }
}
