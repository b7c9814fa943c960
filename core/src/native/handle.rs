//! A source without its face: what a blocking call, a future and a clone of a source have in common.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::{
    link::{Link, closed},
    process::PerProcess,
    registry::Share,
    slot::Slot,
    snapshot::Serve,
    store::{Store, Transport},
    sys,
    waiting::Outcome,
};
use crate::{AccessToken, Config, Holder, Input, TokenError, Waiter, Want};

/// Where the tokens come from.
#[derive(Clone)]
pub(super) enum Handle {
    Fixed(AccessToken),
    Live(Arc<Live>),
}

/// A credential that is kept usable.
pub(super) struct Live {
    pub(super) config: Config,
    store: Arc<dyn Store>,
    transport: Arc<dyn Transport>,
    share: PerProcess<Share>,
    closed: AtomicBool,
}

impl Handle {
    /// Returns the token that will do without asking the driver. The fresh path.
    #[inline]
    pub(super) fn ready(&self, wish: &Wish) -> Option<AccessToken> {
        let live = match self {
            Self::Fixed(token) => return Some(token.clone()),
            Self::Live(live) => live,
        };
        if wish.explicit || live.closed.load(Ordering::Acquire) {
            return None;
        }
        let link = &live.share.get()?.link;
        let mono = sys::coarse_mono();
        let serve = link.board.serve(mono, sys::coarse_wall, wish.min_ttl)?;
        if link.board.touch(mono) && link.resident {
            link.wake();
        }
        match serve {
            Serve::Fresh(token) => Some(token),
            // A process that may exit decides anew at each call whether it begins something.
            Serve::Early { .. } if !link.resident => None,
            Serve::Early { token, first } => {
                if first {
                    link.poke();
                }
                Some(token)
            }
        }
    }

    /// Puts a question to the driver and returns where the answer will be.
    pub(super) fn ask(
        &self,
        input: impl FnOnce(Waiter) -> Input,
    ) -> Result<(&Arc<Link>, Waiter, Slot<Outcome>), TokenError> {
        let Self::Live(live) = self else {
            return Err(TokenError::StoreUnwritable { reason: "a fixed token has no store".into() });
        };
        let share = live.share()?;
        share.link.board.touch(sys::coarse_mono());
        let (waiter, slot) = share.link.ask(share.id, input);
        Ok((&share.link, waiter, slot))
    }
}

/// What a caller wants.
pub(super) struct Wish {
    pub(super) min_ttl: Duration,
    pub(super) deadline: Duration,
    pub(super) explicit: bool,
}

impl Wish {
    pub(super) fn input(&self, waiter: Waiter) -> Input {
        Input::Want(Want { waiter, min_ttl: self.min_ttl, deadline: self.deadline, explicit: self.explicit })
    }
}

/// Returns the token of an answer.
pub(super) fn token_of(outcome: Result<Outcome, TokenError>) -> Result<AccessToken, TokenError> {
    outcome??.ok_or(TokenError::SignedOut)
}

impl Live {
    /// Opens the credential.
    pub(super) fn open(config: Config, store: Arc<dyn Store>, transport: Arc<dyn Transport>) -> Self {
        sys::watch_forks();
        let (share, closed) = (PerProcess::new(sys::fork_generation()), AtomicBool::new(false));
        let live = Self { config, store, transport, share, closed };
        live.share.get_or(live.join(live.config.seed));
        live
    }

    /// Returns this process's share in a driver: a forked child opens its own.
    pub(super) fn share(&self) -> Result<&Share, TokenError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(closed());
        }
        let share = match self.share.get() {
            Some(share) => share,
            None => self.share.get_or(self.join(0)),
        };
        if self.closed.load(Ordering::Acquire) {
            share.leave();
            return Err(closed());
        }
        Ok(share)
    }

    /// Closes it. Waits while a refresh token is on its way.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        if let Some(share) = self.share.get() {
            share.leave();
        }
    }

    /// Joins the sources of this process that are on the same credential. The first of them reads the store.
    fn join(&self, seed: u64) -> Share {
        let mut config = Config { seed, ..self.config.clone() };
        if seed == 0 {
            // Jitter only: where the system has no dice, the process id will do.
            config.seed = getrandom::u64().unwrap_or_else(|_| u64::from(std::process::id()));
        }
        if config.holder == Holder::default() {
            config.holder = holder();
        }
        let key = self.store.identity().map(|store| (store, config.token_url.clone(), config.client_id.clone()));
        let link = || Link::new(config, Arc::clone(&self.store), Arc::clone(&self.transport));
        let share = Share::join(key, link);
        if share.is_first {
            share.link.ask(share.id, Input::Look);
        }
        share
    }
}

/// Returns who we are, for display.
fn holder() -> Holder {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = name.or_else(|| ["HOSTNAME", "COMPUTERNAME"].iter().find_map(|name| std::env::var(name).ok()));
    Holder { pid: std::process::id(), host: name.map(|name| name.trim_end().into()).unwrap_or_default() }
}
