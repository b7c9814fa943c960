//! Who waits for the driver: for a result, for news, for its end.

use std::{collections::BTreeMap, sync::mpsc::Sender, vec::Vec};

use super::slot::Fill;
use crate::{AccessToken, Deliver, Event, TokenError, Waiter};

/// What a caller gets.
pub(super) type Outcome = Result<Option<AccessToken>, TokenError>;

/// A caller and the source it came through.
pub(super) struct Asker {
    pub(super) waiter: Waiter,
    pub(super) share: u64,
    pub(super) fill: Fill<Outcome>,
}

/// Everybody who waits. Whoever still does when this is dropped is told that the source is closed.
#[derive(Default)]
pub(super) struct Waiting {
    askers: BTreeMap<Waiter, Asker>,
    listeners: Vec<Sender<Event>>,
    closing: Vec<Fill<()>>,
}

impl Waiting {
    /// Takes in a caller; `false` if nobody is taken in any more.
    pub(super) fn admit(&mut self, asker: Asker) -> bool {
        let open = !self.is_closing();
        if open {
            self.askers.insert(asker.waiter, asker);
        }
        open
    }

    /// Hands a caller its result, unless it has gone.
    pub(super) fn deliver(&mut self, deliver: Deliver) {
        if let Some(asker) = self.askers.remove(&deliver.waiter) {
            asker.fill.fill(deliver.outcome);
        }
    }

    /// Lets a caller go; `false` if it had its result already.
    pub(super) fn forget(&mut self, waiter: Waiter) -> bool {
        self.askers.remove(&waiter).is_some()
    }

    /// Lets all callers of a source go and returns their names.
    pub(super) fn leave(&mut self, share: u64) -> Vec<Waiter> {
        let of_it = |(waiter, asker): (&Waiter, &Asker)| (asker.share == share).then_some(*waiter);
        let gone: Vec<Waiter> = self.askers.iter().filter_map(of_it).collect();
        self.askers.retain(|_, asker| asker.share != share);
        gone
    }

    /// Tells everybody that it cannot be done.
    pub(super) fn fail_all(&mut self, error: &TokenError) {
        while let Some((_, asker)) = self.askers.pop_first() {
            asker.fill.fill(Err(error.clone()));
        }
    }

    pub(super) fn is_waiting(&self) -> bool {
        !self.askers.is_empty()
    }

    pub(super) fn listen(&mut self, listener: Sender<Event>) {
        self.listeners.push(listener);
    }

    /// Tells the news to everybody who still listens.
    pub(super) fn tell(&mut self, event: &Event) {
        if !matches!(event, Event::Transition { .. }) {
            self.listeners.retain(|listener| listener.send(event.clone()).is_ok());
        }
    }

    pub(super) fn close(&mut self, fill: Fill<()>) {
        self.closing.push(fill);
    }

    pub(super) fn is_closing(&self) -> bool {
        !self.closing.is_empty()
    }
}
