//! The two doors to the world, and what is under way behind them.

use std::{
    boxed::Box,
    mem,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, mpsc::Sender},
    thread,
    time::Duration,
};

use super::{
    message::Message,
    store::{Store, Transport},
};
use crate::{
    Answer, Fetch, FetchFault, Input, Now, StoreOp, Unlock,
    effect::{Outcome, Ticket},
};

/// The store and the transport of one driver.
pub(super) struct Doors {
    store: Arc<dyn Store>,
    transport: Arc<dyn Transport>,
    driver: Sender<Message>,
    unanswered: usize,
    has_lock: bool,
    /// How the store looked last, and when it is looked at again on the monotonic clock.
    stamp: Option<u64>,
    look_at: Duration,
}

/// The time between two looks at the store's stamp.
const WATCH: Duration = Duration::from_secs(1);

impl Doors {
    pub(super) fn new(store: Arc<dyn Store>, transport: Arc<dyn Transport>, driver: Sender<Message>) -> Self {
        let (unanswered, has_lock, look_at) = (0, false, Duration::ZERO);
        // Taken before the store is read for the first time: nothing that is written from here on is missed.
        let stamp = store.stamp();
        Self { store, transport, driver, unanswered, has_lock, stamp, look_at }
    }

    /// Hands an operation to the store. A store that does not answer breaks the driver: nobody knows what it did.
    pub(super) fn start(&mut self, op: StoreOp) {
        self.has_lock &= !matches!(op, StoreOp::Unlock(_));
        let promise = self.promise(Message::Broken);
        self.store.start(op, Box::new(|input| promise.keep(input)));
    }

    /// Hands a request to the transport. One that does not answer, or panics, may have sent it.
    pub(super) fn fetch(&mut self, fetch: Fetch) {
        let fault = FetchFault::MaybeSent { detail: "the transport gave no answer".into() };
        let lost = Answer { ticket: fetch.ticket, outcome: Outcome::Fetched(Err(fault)) };
        let promise = self.promise(Message::Answer(Input::Answer(lost)));
        let start = || self.transport.start(fetch, Box::new(|input| promise.keep(input)));
        // Nothing is left to be seen of a panic: what it interrupted is the transport's own.
        let _ = panic::catch_unwind(AssertUnwindSafe(start));
    }

    /// Notes an answer before the machine gets it.
    pub(super) fn answered(&mut self, input: &Input) {
        self.unanswered = self.unanswered.saturating_sub(1);
        self.has_lock |= matches!(input, Input::Answer(Answer { outcome: Outcome::Locked(Ok(())), .. }));
    }

    /// Returns whether answers are to come.
    pub(super) fn is_waiting(&self) -> bool {
        self.unanswered > 0
    }

    /// Returns when the store is looked at again.
    pub(super) fn look_at(&self) -> Duration {
        self.look_at
    }

    /// Returns whether the store has moved since the last look, where another one is due.
    pub(super) fn has_moved(&mut self, now: Now) -> bool {
        if now.mono < self.look_at {
            return false;
        }
        self.look_at = now.mono.saturating_add(WATCH);
        let stamp = self.store.stamp();
        mem::replace(&mut self.stamp, stamp) != stamp
    }

    fn promise(&mut self, lost: Message) -> Promise {
        self.unanswered += 1;
        Promise(Some((self.driver.clone(), lost)))
    }
}

impl Drop for Doors {
    fn drop(&mut self) {
        // The store may outlive the driver, and nobody else would give the lock back. After a panic the store may be
        // what panicked: it is left alone.
        if self.has_lock && !thread::panicking() {
            self.store.start(StoreOp::Unlock(Unlock { ticket: Ticket(0) }), Box::new(drop));
        }
    }
}

/// An answer to come, and the message in its place should it be lost: else the machine would wait for ever, and with it
/// all callers.
struct Promise(Option<(Sender<Message>, Message)>);

impl Promise {
    fn keep(mut self, input: Input) {
        if let Some((driver, _)) = self.0.take() {
            // Where the driver has ended, nobody needs the answer.
            drop(driver.send(Message::Answer(input)));
        }
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        if let Some((driver, lost)) = self.0.take() {
            drop(driver.send(lost));
        }
    }
}
