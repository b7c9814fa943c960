//! The token source: what an application holds.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use napi::{
    Either,
    bindgen_prelude::{ClassInstance, Either4, Function},
};
use napi_derive::napi;
use tokenward::{Config, TokenSource};

use crate::{
    event::{self, Event},
    grant::Grant,
    input::guard,
    time::{invalid, span},
    token::Token,
    waits::{Outcome, Waits, settled},
};

/// A credential that is kept usable.
#[napi(js_name = "NativeSource")]
pub struct Source {
    inner: TokenSource,
    deadline: Duration,
    waits: Mutex<Waits>,
}

#[napi]
impl Source {
    /// Opens a source. `knock` is called with the number of a wait that should be polled.
    #[napi(constructor)]
    pub fn new(
        settings: Either<BTreeMap<String, String>, ClassInstance<'_, Token>>,
        knock: Function<'_, u32, ()>,
    ) -> napi::Result<Self> {
        let knock = knock.build_threadsafe_function::<u32>().weak::<true>().callee_handled::<false>().build()?;
        let (inner, deadline) = match settings {
            Either::A(settings) => open(&settings)?,
            Either::B(token) => (TokenSource::fixed(token.inner.clone()), Duration::ZERO),
        };
        Ok(Self { inner, deadline, waits: Mutex::new(Waits::new(knock)) })
    }

    /// Returns the token if it can be had without waiting.
    #[napi]
    pub fn fresh(&self) -> Option<Token> {
        self.inner.fresh().map(|inner| Token { inner })
    }

    /// Begins to wait for a token and returns the number of the wait.
    #[napi]
    pub fn begin(&self, min_ttl: f64, deadline: Option<f64>, explicit: bool) -> napi::Result<u32> {
        let deadline = deadline.map_or(Ok(self.deadline), |millis| span("deadline", millis))?;
        let pending = if explicit {
            self.inner.refresh_async(deadline)
        } else {
            self.inner.get_token_within_async(span("minTtl", min_ttl)?, deadline)
        };
        Ok(self.waits().token(pending))
    }

    /// Returns the outcome of a wait, null if it is still to come.
    #[napi]
    pub fn poll(&self, number: u32) -> Option<Outcome> {
        self.waits().poll(number)
    }

    /// Waits no longer. The refresh goes on.
    #[napi]
    pub fn forget(&self, number: u32) {
        self.waits().forget(number);
    }

    /// Says that a server refused this token.
    #[napi]
    pub fn report_refused(&self, token: ClassInstance<'_, Token>) {
        self.inner.report_refused(&token.inner);
    }

    /// Begins to read what is known of the credential.
    #[napi]
    pub fn status(&self) -> napi::Result<u32> {
        self.call(|source| settled(source.status(), |status| Either4::C(status.into())))
    }

    /// Begins to read the store.
    #[napi]
    pub fn look(&self) -> napi::Result<u32> {
        self.call(|source| settled(source.look(), nothing))
    }

    /// Begins to store a login.
    #[napi]
    pub fn save(&self, grant: ClassInstance<'_, Grant>, replace: Option<bool>) -> napi::Result<u32> {
        let (grant, guard) = (grant.inner.clone(), guard(replace));
        self.call(move |source| settled(source.save(grant, guard), nothing))
    }

    /// Begins to remove the credential.
    #[napi]
    pub fn clear(&self) -> napi::Result<u32> {
        self.call(|source| settled(source.clear(), nothing))
    }

    /// Begins to close the source: every call fails from then on.
    #[napi]
    pub fn close(&self) -> napi::Result<u32> {
        self.call(|source| {
            source.close();
            Either4::D(true)
        })
    }

    /// Has `listener` called with what happens from now on, until the source is closed.
    #[napi]
    pub fn subscribe(&self, listener: Function<'_, Event, ()>) -> napi::Result<()> {
        let tell = listener.build_threadsafe_function::<Event>().weak::<true>().callee_handled::<false>().build()?;
        event::forward(self.inner.subscribe(), tell)
    }
}

impl Source {
    fn call(&self, work: impl FnOnce(&TokenSource) -> Outcome + Send + 'static) -> napi::Result<u32> {
        let source = self.inner.clone();
        self.waits().call(move || work(&source))
    }

    fn waits(&self) -> MutexGuard<'_, Waits> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.waits().forget_all();
    }
}

fn open(settings: &BTreeMap<String, String>) -> napi::Result<(TokenSource, Duration)> {
    let variable = |name: &str| std::env::var(name).ok();
    let (config, found) =
        Config::from_profile(PLACE, settings, &variable).map_err(|error| invalid(&error.to_string()))?;
    if let Some((_, token)) = found.token {
        // EXPOSE: handed out as the tool of the profile would use it.
        let token = tokenward::AccessToken::new(token.expose(), None);
        return Ok((TokenSource::fixed(token), config.deadline));
    }
    if config.store.is_none() {
        return Err(invalid(&format!("{PLACE}: store: missing")));
    }
    let deadline = config.deadline;
    let source = TokenSource::open(config).map_err(|error| invalid(&error.to_string()))?;
    Ok((source, deadline))
}

fn nothing((): ()) -> Outcome {
    Either4::D(true)
}

/// Where a value stands that an error is about.
pub(crate) const PLACE: &str = "settings";
