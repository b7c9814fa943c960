//! The token source: what an application holds.

use std::{
    fmt,
    sync::{
        Arc,
        mpsc::{Receiver, channel},
    },
    time::Duration,
};

#[cfg(feature = "http")]
use super::UreqTransport;
use super::{
    FileStore,
    future::GetToken,
    handle::{Handle, Live, Wish, token_of},
    message::Message,
    slot::slot,
    store::{Store, Transport},
};
use crate::{AccessToken, Adopt, Config, Event, Grant, Guard, Input, Secret, Status, TokenError, Waiter};

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
pub struct TokenSource(Handle);

impl TokenSource {
    /// Opens the credential file named by [`Config::store`] and reads it once. No thread, no connection, no lock.
    ///
    /// A store that is absent or unreadable is no error here: [`get_token`](Self::get_token) tells what to do about it.
    ///
    /// # Errors
    /// `InvalidInput` where [`Config::store`] is missing; else what the system said to the store's path.
    #[cfg(feature = "http")]
    pub fn open(config: Config) -> std::io::Result<Self> {
        let transport = UreqTransport::new(&config);
        Self::open_with(config, Arc::new(transport))
    }

    /// Opens the credential file named by [`Config::store`], and sends its requests by a transport of your own.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use tokenward::{Config, Fetch, FetchFault, Reply, TokenError, TokenSource, Transport};
    ///
    /// struct Unplugged;
    ///
    /// impl Transport for Unplugged {
    ///     fn start(&self, fetch: Fetch, reply: Reply) {
    ///         reply(fetch.answer(Err(FetchFault::NotSent { detail: "unplugged".into() })));
    ///     }
    /// }
    ///
    /// let config = Config {
    ///     store: Some("/no-such-folder/auth.json".into()),
    ///     ..Config::new("https://id.test/token", "my-client")
    /// };
    /// let source = TokenSource::open_with(config, Arc::new(Unplugged))?;
    /// assert_eq!(source.get_token(), Err(TokenError::SignedOut));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidInput` where [`Config::store`] is missing; else what the system said to the store's path.
    pub fn open_with(config: Config, transport: Arc<dyn Transport>) -> std::io::Result<Self> {
        let missing = || std::io::Error::new(std::io::ErrorKind::InvalidInput, "store: missing");
        let store = FileStore::open(config.store.as_deref().ok_or_else(missing)?, config.trust_lock)?;
        let store = store.with_format(config.format);
        Ok(Self::with(config, Arc::new(store), transport))
    }

    /// Returns a source on a store and a transport of your own. Neither may wait for this source from within.
    pub fn with(config: Config, store: Arc<dyn Store>, transport: Arc<dyn Transport>) -> Self {
        Self(Handle::Live(Arc::new(Live::open(config, store, transport))))
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
        Self(Handle::Fixed(token))
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
        GetToken::new(self.0.clone(), self.wish())
    }

    /// Returns the future of [`get_token_within`](Self::get_token_within), for any executor.
    pub fn get_token_within_async(&self, min_ttl: Duration, deadline: Duration) -> GetToken {
        GetToken::new(self.0.clone(), Wish { min_ttl, deadline, explicit: false })
    }

    /// Returns the token if it can be had without waiting; a caller that gets `None` asks [`get_token`](Self::get_token).
    #[inline]
    pub fn fresh(&self) -> Option<AccessToken> {
        self.0.ready(&self.wish())
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
        GetToken::new(self.0.clone(), Wish { min_ttl: Duration::ZERO, deadline, explicit: true })
    }

    /// Says that a server refused this token: 401, or `invalid_token` (RFC 6750 section 3.1).
    ///
    /// Nobody is handed that token again before the store was looked at. A token younger than a minute is not replaced:
    /// there, the refusal is about something else.
    pub fn report_refused(&self, token: &AccessToken) {
        let Handle::Live(live) = &self.0 else { return };
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
            Handle::Fixed(_) => Ok(()),
            Handle::Live(_) => self.call(Input::Look),
        }
    }

    /// Returns what is known of the credential, as of the last read, without a secret.
    ///
    /// # Errors
    /// [`TokenError::Unavailable`] after [`close`](Self::close).
    pub fn status(&self) -> Result<Status, TokenError> {
        let live = match &self.0 {
            Handle::Fixed(token) => {
                let (access_token, expires_at) = (Some(token.fingerprint()), token.expires_at());
                return Ok(Status { access_token, expires_at, ..Status::default() });
            }
            Handle::Live(live) => live,
        };
        let share = live.share()?;
        let (fill, slot) = slot();
        share.link.send(Message::Status(fill));
        share.link.wait(&slot, Duration::MAX)
    }

    /// Returns the news from now on. A receiver that is dropped is forgotten; one that is not read grows.
    ///
    /// The receiver ends with the source. A forked child subscribes anew.
    pub fn subscribe(&self) -> Receiver<Event> {
        let (listener, news) = channel();
        if let Handle::Live(live) = &self.0
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
        if let Handle::Live(live) = &self.0 {
            live.close();
        }
    }

    #[cfg(test)]
    pub(super) fn has_no_thread(&self) -> bool {
        matches!(&self.0, Handle::Live(live) if live.share().is_ok_and(|share| share.link.lies_still()))
    }

    #[cfg(test)]
    pub(super) fn link(&self) -> Arc<super::link::Link> {
        self.0.ask(Input::Look).map(|(link, ..)| Arc::clone(link)).unwrap()
    }

    #[inline]
    fn get(&self, wish: &Wish) -> Result<AccessToken, TokenError> {
        match self.0.ready(wish) {
            Some(token) => Ok(token),
            None => self.wait_for(wish),
        }
    }

    #[cold]
    fn wait_for(&self, wish: &Wish) -> Result<AccessToken, TokenError> {
        let (link, waiter, slot) = self.0.ask(|waiter| wish.input(waiter))?;
        // The driver keeps the deadline and says what stands in the way. This is for the day it cannot.
        let outcome = link.wait(&slot, wish.deadline.saturating_add(Duration::from_secs(1)));
        if slot.is_empty() {
            link.send(Message::Forget(waiter));
        }
        token_of(outcome)
    }

    fn call(&self, input: impl FnOnce(Waiter) -> Input) -> Result<(), TokenError> {
        let (link, _, slot) = self.0.ask(input)?;
        link.wait(&slot, Duration::MAX)?.map(|_| ())
    }

    #[inline]
    fn wish(&self) -> Wish {
        let deadline = match &self.0 {
            Handle::Fixed(_) => Duration::ZERO,
            Handle::Live(live) => live.config.deadline,
        };
        Wish { min_ttl: Duration::ZERO, deadline, explicit: false }
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("TokenSource");
        if let Handle::Live(live) = &self.0 {
            shown.field("store", &live.config.store).field("token_url", &live.config.token_url);
        }
        shown.finish_non_exhaustive()
    }
}
