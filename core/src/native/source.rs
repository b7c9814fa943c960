//! The token source: what an application holds.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, channel},
    },
    time::Duration,
};

#[cfg(feature = "http")]
use super::{FileStore, UreqTransport};
use super::{
    future::GetToken,
    link::{Link, Message, closed},
    process::PerProcess,
    registry::Share,
    slot::{Slot, slot},
    snapshot::Serve,
    store::{Store, Transport},
    sys,
    waiting::Outcome,
};
use crate::{AccessToken, Adopt, Config, Event, Grant, Guard, Holder, Input, Secret, Status, TokenError, Waiter, Want};

/// A credential that is kept usable, shared with every other process that has the same store.
///
/// ```no_run
/// use tokenward::{Config, TokenSource};
///
/// let config = Config {
///     store: Some("/home/me/.config/app/auth.json".into()),
///     ..Config::new("https://id.test/token", "my-client")
/// };
/// # #[cfg(feature = "http")]
/// let source = TokenSource::open(config)?;
/// # #[cfg(feature = "http")]
/// let token = source.get_token()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Cheap to clone and to share between threads. While the token is fresh a call takes no lock, makes no system call and
/// allocates nothing. Sources of one process on the same store, token endpoint and client share one driver; the settings
/// of the first one count. A forked child may go on using its copy.
///
/// Dropping the last clone closes the source, see [`close`](Self::close).
#[derive(Clone)]
pub struct TokenSource(Kind);

#[derive(Clone)]
enum Kind {
    Fixed(AccessToken),
    Live(Arc<Live>),
}

struct Live {
    config: Config,
    store: Arc<dyn Store>,
    transport: Arc<dyn Transport>,
    share: PerProcess<Share>,
    closed: AtomicBool,
}

impl TokenSource {
    /// Opens the credential file named by [`Config::store`] and reads it once. No thread, no connection, no lock.
    ///
    /// A store that is absent or unreadable is no error here: [`get_token`](Self::get_token) tells what to do about it.
    ///
    /// # Errors
    /// `InvalidInput` where [`Config::store`] is missing; else what the system said to the store's path.
    #[cfg(feature = "http")]
    pub fn open(config: Config) -> std::io::Result<Self> {
        let missing = || std::io::Error::new(std::io::ErrorKind::InvalidInput, "store: missing");
        let store = FileStore::open(config.store.as_deref().ok_or_else(missing)?, config.trust_lock)?;
        let transport = UreqTransport::new(&config);
        Ok(Self::with(config, Arc::new(store), Arc::new(transport)))
    }

    /// Returns a source on a store and a transport of your own. Neither may wait for this source from within.
    pub fn with(config: Config, store: Arc<dyn Store>, transport: Arc<dyn Transport>) -> Self {
        sys::watch_forks();
        let (share, closed) = (PerProcess::new(sys::fork_generation()), AtomicBool::new(false));
        let live = Live { config, store, transport, share, closed };
        live.share.get_or(live.join());
        Self(Kind::Live(Arc::new(live)))
    }

    /// Returns a source that hands out this token for ever, whatever its expiry: for tests.
    ///
    /// ```
    /// use tokenward::{AccessToken, TokenSource};
    ///
    /// let source = TokenSource::fixed(AccessToken::new("access-token-1", None));
    /// assert_eq!(source.authorization()?.expose(), "Bearer access-token-1");
    /// # Ok::<(), tokenward::TokenError>(())
    /// ```
    pub fn fixed(token: AccessToken) -> Self {
        Self(Kind::Fixed(token))
    }

    /// Returns a token that works, at once if it can, refreshed by this or another process if it must.
    ///
    /// Waits up to [`Config::deadline`].
    ///
    /// # Errors
    /// [`TokenError`] names what can be done next.
    #[inline]
    pub fn get_token(&self) -> Result<AccessToken, TokenError> {
        self.get(&self.wish())
    }

    /// Returns a token with `min_ttl` of life left, where it can be had within `deadline`; else one that works.
    ///
    /// # Errors
    /// [`TokenError`] names what can be done next. After a deadline the refresh goes on.
    #[inline]
    pub fn get_token_within(&self, min_ttl: Duration, deadline: Duration) -> Result<AccessToken, TokenError> {
        self.get(&Wish { min_ttl, deadline, explicit: false })
    }

    /// Returns the future of [`get_token`](Self::get_token), for any executor.
    pub fn get_token_async(&self) -> GetToken {
        GetToken::new(self.clone(), self.wish())
    }

    /// Returns the future of [`get_token_within`](Self::get_token_within), for any executor.
    pub fn get_token_within_async(&self, min_ttl: Duration, deadline: Duration) -> GetToken {
        GetToken::new(self.clone(), Wish { min_ttl, deadline, explicit: false })
    }

    /// Returns the token if it can be had without waiting; a caller that gets `None` asks [`get_token`](Self::get_token).
    #[inline]
    pub fn fresh(&self) -> Option<AccessToken> {
        self.ready(&self.wish())
    }

    /// Returns the value of an `Authorization` header (RFC 6750 section 2.1).
    ///
    /// # Errors
    /// Those of [`get_token`](Self::get_token).
    pub fn authorization(&self) -> Result<Secret, TokenError> {
        Ok(self.get_token()?.authorization())
    }

    /// Asks the server for a new token even if the old one is fresh, the shared wait is not over or the login is known
    /// to be dead. Waits up to `deadline`.
    ///
    /// # Errors
    /// [`TokenError`] names what can be done next.
    pub fn refresh(&self, deadline: Duration) -> Result<AccessToken, TokenError> {
        self.get(&Wish { min_ttl: Duration::ZERO, deadline, explicit: true })
    }

    /// Returns the future of [`refresh`](Self::refresh), for any executor.
    pub fn refresh_async(&self, deadline: Duration) -> GetToken {
        GetToken::new(self.clone(), Wish { min_ttl: Duration::ZERO, deadline, explicit: true })
    }

    /// Says that a server refused this token: 401, or `invalid_token` (RFC 6750 section 3.1).
    ///
    /// Nobody is handed that token again before the store was looked at. A token younger than a minute is not replaced:
    /// there, the refusal is about something else.
    pub fn report_refused(&self, token: &AccessToken) {
        let Kind::Live(live) = &self.0 else { return };
        if let Ok(share) = live.share() {
            share.link.board.bar(token);
            share.link.send(Message::Refused(token.clone()));
        }
    }

    /// Stores a login.
    ///
    /// # Errors
    /// [`TokenError::Downgrade`] and [`TokenError::AccountMismatch`] where `guard` forbids it; else what kept the
    /// store from being written.
    pub fn save(&self, grant: Grant, guard: Guard) -> Result<(), TokenError> {
        self.call(|waiter| Input::Adopt(Adopt { waiter, grant, guard }))
    }

    /// Removes the credential from the store. The server is not told.
    ///
    /// # Errors
    /// What kept the store from being written.
    pub fn clear(&self) -> Result<(), TokenError> {
        self.call(Input::SignOut)
    }

    /// Reads the store now. For those who know that it was written; a source in use sees it within a second anyway.
    ///
    /// # Errors
    /// [`TokenError::Unavailable`] after [`close`](Self::close).
    pub fn look(&self) -> Result<(), TokenError> {
        match &self.0 {
            Kind::Fixed(_) => Ok(()),
            Kind::Live(_) => self.call(Input::Look),
        }
    }

    /// Returns what is known of the credential, as of the last read, without a secret.
    ///
    /// # Errors
    /// [`TokenError::Unavailable`] after [`close`](Self::close).
    pub fn status(&self) -> Result<Status, TokenError> {
        let live = match &self.0 {
            Kind::Fixed(token) => {
                let (access_token, expires_at) = (Some(token.fingerprint()), token.expires_at());
                return Ok(Status { access_token, expires_at, ..Status::default() });
            }
            Kind::Live(live) => live,
        };
        let share = live.share()?;
        let (fill, slot) = slot();
        share.link.send(Message::Status(fill));
        share.link.wait(slot)
    }

    /// Returns the news from now on. A receiver that is dropped is forgotten; one that is not read grows.
    ///
    /// The receiver ends with the source. A forked child subscribes anew.
    pub fn subscribe(&self) -> Receiver<Event> {
        let (listener, news) = channel();
        if let Kind::Live(live) = &self.0
            && let Ok(share) = live.share()
        {
            share.link.send(Message::Listen(listener));
        }
        news
    }

    /// Closes the source: every call fails from now on, and whoever waits is told so.
    ///
    /// While a refresh token is on its way this waits until its answer is in the store, at most for the HTTP timeout
    /// and five seconds. The exit of the process waits likewise.
    pub fn close(&self) {
        if let Kind::Live(live) = &self.0 {
            live.closed.store(true, Ordering::Release);
            if let Some(share) = live.share.get() {
                share.leave();
            }
        }
    }

    /// Returns the token that will do without asking the driver. The fresh path.
    #[inline]
    pub(super) fn ready(&self, wish: &Wish) -> Option<AccessToken> {
        let live = match &self.0 {
            Kind::Fixed(token) => return Some(token.clone()),
            Kind::Live(live) => live,
        };
        if wish.explicit || live.closed.load(Ordering::Acquire) {
            return None;
        }
        let link = &live.share.get()?.link;
        let now = sys::coarse_now();
        let serve = link.board.serve(now, wish.min_ttl)?;
        if link.board.touch(now) && link.resident {
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
        let Kind::Live(live) = &self.0 else {
            return Err(TokenError::StoreUnwritable { reason: "a fixed token has no store".into() });
        };
        let share = live.share()?;
        share.link.board.touch(sys::coarse_now());
        let (waiter, slot) = share.link.ask(share.id, input);
        Ok((&share.link, waiter, slot))
    }

    #[cfg(test)]
    pub(super) fn has_no_thread(&self) -> bool {
        matches!(&self.0, Kind::Live(live) if live.share().is_ok_and(|share| share.link.lies_still()))
    }

    #[inline]
    fn get(&self, wish: &Wish) -> Result<AccessToken, TokenError> {
        match self.ready(wish) {
            Some(token) => Ok(token),
            None => self.wait_for(wish),
        }
    }

    #[cold]
    fn wait_for(&self, wish: &Wish) -> Result<AccessToken, TokenError> {
        let (link, _, slot) = self.ask(|waiter| wish.input(waiter))?;
        token_of(link.wait(slot))
    }

    fn call(&self, input: impl FnOnce(Waiter) -> Input) -> Result<(), TokenError> {
        let (link, _, slot) = self.ask(input)?;
        link.wait(slot)?.map(|_| ())
    }

    #[inline]
    fn wish(&self) -> Wish {
        let deadline = match &self.0 {
            Kind::Fixed(_) => Duration::ZERO,
            Kind::Live(live) => live.config.deadline,
        };
        Wish { min_ttl: Duration::ZERO, deadline, explicit: false }
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("TokenSource");
        if let Kind::Live(live) = &self.0 {
            shown.field("store", &live.config.store).field("token_url", &live.config.token_url);
        }
        shown.finish_non_exhaustive()
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
    /// Returns this process's share in a driver: a forked child opens its own.
    fn share(&self) -> Result<&Share, TokenError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(closed());
        }
        let share = match self.share.get() {
            Some(share) => share,
            None => self.share.get_or(self.join()),
        };
        if self.closed.load(Ordering::Acquire) {
            share.leave();
            return Err(closed());
        }
        Ok(share)
    }

    /// Joins the sources of this process that are on the same credential. The first of them reads the store.
    fn join(&self) -> Share {
        let mut config = self.config.clone();
        if config.seed == 0 {
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
