//! Getting a token for a command that ends after it: Ctrl-C on the way loses nothing.

use std::time::Duration;

use super::{
    exit::Failure,
    interrupt::Interrupts,
    settings::{Resolved, Settings},
};
use crate::{AccessToken, TokenError, TokenSource};

/// A token, and a source that may still be saving it.
#[derive(Debug)]
pub(super) struct Got {
    pub(super) token: AccessToken,
    pub(super) resolved: Resolved,
    source: TokenSource,
    interrupts: Option<Interrupts>,
}

impl Got {
    /// Returns a token that works, at once and without a thread if it can.
    pub(super) fn token(settings: &Settings, min_ttl: Duration) -> Result<Self, Failure> {
        let (source, resolved) = settings.open()?;
        let deadline = resolved.config.deadline;
        if min_ttl.is_zero()
            && let Some(token) = source.fresh()
        {
            return Ok(Self { token, resolved, source, interrupts: None });
        }
        Self::wait(source, resolved, move |source| source.get_token_within(min_ttl, deadline))
    }

    /// Asks the server for a new token, whatever the old one: for the store's login, since a variable's token has none.
    pub(super) fn refresh(settings: &Settings) -> Result<Self, Failure> {
        let (source, resolved) = settings.open_store()?;
        let deadline = resolved.config.deadline;
        Self::wait(source, resolved, move |source| source.refresh(deadline))
    }

    /// Has a refused token replaced, if it is the one in the store and old enough for the refusal to be about it.
    pub(super) fn after_refusal(settings: &Settings, refused: &str) -> Result<(), Failure> {
        let (source, resolved) = settings.open()?;
        let deadline = resolved.config.deadline;
        // EXPOSE: compared, not kept.
        let Some(token) = source.fresh().filter(|token| token.expose() == refused) else { return Ok(()) };
        let got = Self::wait(source, resolved, move |source| {
            source.report_refused(&token);
            source.get_token_within(Duration::ZERO, deadline)
        });
        got?.finish()
    }

    /// Waits for what is still to be saved.
    pub(super) fn finish(self) -> Result<(), Failure> {
        self.source.close();
        self.interrupts.map_or(Ok(()), |interrupts| interrupts.check())
    }

    fn wait(
        source: TokenSource,
        resolved: Resolved,
        get: impl FnOnce(&TokenSource) -> Result<AccessToken, TokenError> + Send + 'static,
    ) -> Result<Self, Failure> {
        let interrupts = Interrupts::note_first()?;
        let got = interrupts.during(&source, get)?;
        match got {
            Ok(token) => Ok(Self { token, resolved, source, interrupts: Some(interrupts) }),
            Err(error) => {
                source.close();
                interrupts.check()?;
                Err(Failure::from(error).at(resolved.config.store.as_deref()))
            }
        }
    }
}
