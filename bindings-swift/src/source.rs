//! The token source: what an application holds.

use std::{sync::Arc, thread, time::Duration};

use tokenward::{AccessToken, Config, FileStore, Profiled, TokenSource};

use crate::{
    error::CoreRefusal,
    event::{self, CoreListener},
    grant::{CoreGrant, CoreToken},
    http::{CoreTransport, Courier},
    input::guard,
    settings::{self, CoreGiven},
    store::{CoreStore, Keeper},
    time::Span,
    wait::{CoreEnd, CoreWait, CoreWaiter, apart},
};

/// A credential that is kept usable, shared with every other process that has the same store.
#[derive(uniffi::Object)]
pub(crate) struct CoreSource {
    /// None only while it is dropped.
    inner: Option<TokenSource>,
    deadline: Duration,
}

#[uniffi::export]
impl CoreSource {
    /// Opens the credential file of the settings.
    #[uniffi::constructor]
    pub(crate) fn new(given: Vec<CoreGiven>, transport: Arc<dyn CoreTransport>) -> Result<Arc<Self>, CoreRefusal> {
        let (config, found) = settings::config(given)?;
        if let Some(fixed) = Self::found(&config, found) {
            return Ok(fixed);
        }
        let path = config.store.as_deref().ok_or_else(|| settings::missing("store"))?;
        let store = FileStore::open(path, config.trust_lock)?.with_format(config.format);
        let deadline = config.deadline;
        let inner = TokenSource::with(config, Arc::new(store), Arc::new(Courier(transport)));
        Ok(Self::of(inner, deadline))
    }

    /// Opens a store of Swift's.
    #[uniffi::constructor]
    pub(crate) fn with_store(
        given: Vec<CoreGiven>,
        store: Arc<dyn CoreStore>,
        transport: Arc<dyn CoreTransport>,
    ) -> Result<Arc<Self>, CoreRefusal> {
        let (config, _) = settings::config(given)?;
        let deadline = config.deadline;
        let inner = TokenSource::with(config, Arc::new(Keeper(store)), Arc::new(Courier(transport)));
        Ok(Self::of(inner, deadline))
    }

    /// Hands out this token for ever.
    #[uniffi::constructor]
    pub(crate) fn fixed(token: Arc<CoreToken>) -> Arc<Self> {
        Self::of(TokenSource::fixed(token.inner().clone()), Duration::ZERO)
    }

    pub(crate) fn fresh(&self) -> Option<Arc<CoreToken>> {
        self.inner().fresh().map(CoreToken::of)
    }

    /// Begins to wait for a token.
    pub(crate) fn get_token(
        &self,
        min_ttl: Span,
        deadline: Option<Span>,
        waiter: Arc<dyn CoreWaiter>,
    ) -> Arc<CoreWait> {
        let deadline = deadline.map_or(self.deadline, |span| span.0);
        CoreWait::begin(self.inner().get_token_within_async(min_ttl.0, deadline), waiter)
    }

    /// Begins to wait for a new token.
    pub(crate) fn refresh(&self, deadline: Option<Span>, waiter: Arc<dyn CoreWaiter>) -> Arc<CoreWait> {
        let deadline = deadline.map_or(self.deadline, |span| span.0);
        CoreWait::begin(self.inner().refresh_async(deadline), waiter)
    }

    pub(crate) fn report_refused(&self, token: Arc<CoreToken>) {
        self.inner().report_refused(token.inner());
    }

    pub(crate) fn status(&self, waiter: Arc<dyn CoreWaiter>) {
        let source = self.inner().clone();
        apart(waiter, move || {
            CoreEnd::of(source.status(), |status| CoreEnd::Status { status: Box::new(status.into()) })
        });
    }

    pub(crate) fn look(&self, waiter: Arc<dyn CoreWaiter>) {
        let source = self.inner().clone();
        apart(waiter, move || CoreEnd::of(source.look(), |()| CoreEnd::Done));
    }

    pub(crate) fn save(&self, grant: Arc<CoreGrant>, replace: bool, waiter: Arc<dyn CoreWaiter>) {
        let (source, grant) = (self.inner().clone(), grant.inner().clone());
        apart(waiter, move || CoreEnd::of(source.save(grant, guard(replace)), |()| CoreEnd::Done));
    }

    pub(crate) fn clear(&self, waiter: Arc<dyn CoreWaiter>) {
        let source = self.inner().clone();
        apart(waiter, move || CoreEnd::of(source.clear(), |()| CoreEnd::Done));
    }

    pub(crate) fn close(&self, waiter: Arc<dyn CoreWaiter>) {
        let source = self.inner().clone();
        apart(waiter, move || {
            source.close();
            CoreEnd::Done
        });
    }

    pub(crate) fn subscribe(&self, listener: Arc<dyn CoreListener>) {
        event::forward(self.inner().subscribe(), listener);
    }
}

impl CoreSource {
    fn of(inner: TokenSource, deadline: Duration) -> Arc<Self> {
        Arc::new(Self { inner: Some(inner), deadline })
    }

    fn inner(&self) -> &TokenSource {
        #[expect(clippy::expect_used, reason = "an object that is being dropped is called by nobody")]
        self.inner.as_ref().expect("taken by drop only")
    }

    /// Returns the source of a token that a profile found in the environment.
    fn found(config: &Config, found: Profiled) -> Option<Arc<Self>> {
        let (_, token) = found.token?;
        // EXPOSE: handed out as the tool of the profile would use it.
        let inner = TokenSource::fixed(AccessToken::new(token.expose(), None));
        Some(Self::of(inner, config.deadline))
    }
}

impl Drop for CoreSource {
    fn drop(&mut self) {
        let inner = self.inner.take();
        // The last one to be dropped waits while a refresh token is on its way. Here that would be a thread of Swift's
        // pool, or the one that draws. The end of the process waits too.
        drop(thread::Builder::new().name("tokenward-close".into()).spawn(move || drop(inner)));
    }
}

/// Closes every source of this process, and waits while a refresh token is on its way.
#[uniffi::export]
pub(crate) fn core_close_all(waiter: Arc<dyn CoreWaiter>) {
    apart(waiter, || {
        tokenward::close_all();
        CoreEnd::Done
    });
}
