//! The wait for a token as a future, for any executor.

use std::{
    fmt,
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use super::{
    handle::{Handle, Wish, token_of},
    link::{Link, closed},
    message::Message,
    slot::Slot,
    sys,
    waiting::Outcome,
};
use crate::{AccessToken, TokenError, Waiter};

/// A token to come, from [`TokenSource::get_token_async`](crate::TokenSource::get_token_async) and its siblings.
///
/// ```
/// use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
/// use tokenward::{AccessToken, TokenSource};
///
/// let source = TokenSource::fixed(AccessToken::new("access-token-1", None));
/// let mut token = pin!(source.get_token_async());
///
/// let polled = token.as_mut().poll(&mut Context::from_waker(Waker::noop()));
/// assert!(matches!(polled, Poll::Ready(Ok(token)) if token.expose() == "access-token-1"));
/// ```
///
/// Nothing happens before the first poll. Dropped, it lets go of the result and of nothing else: a refresh that it
/// started goes on. Needs no runtime; the waker is called by the source's own thread.
#[must_use = "a future does nothing until it is polled"]
pub struct GetToken {
    handle: Handle,
    wish: Wish,
    asked: Option<Asked>,
}

/// A question that the driver has.
struct Asked {
    link: Arc<Link>,
    waiter: Waiter,
    slot: Slot<Outcome>,
    /// The process that asked.
    generation: u64,
    /// When it asked, on the monotonic clock.
    since: Duration,
}

impl GetToken {
    pub(super) fn new(handle: Handle, wish: Wish) -> Self {
        Self { handle, wish, asked: None }
    }

    /// Waits on this thread for at most `span`; `None` if the token is still to come. For a host that looks up in
    /// between: an interpreter has signals to handle. Not to be called again after it returned `Some`.
    ///
    /// ```
    /// use core::time::Duration;
    /// use tokenward::{AccessToken, TokenSource};
    ///
    /// let source = TokenSource::fixed(AccessToken::new("access-token-1", None));
    /// let mut token = source.get_token_async();
    ///
    /// let outcome = loop {
    ///     if let Some(outcome) = token.wait_for(Duration::from_millis(50)) {
    ///         break outcome;
    ///     }
    /// };
    /// assert_eq!(outcome?.expose(), "access-token-1");
    /// # Ok::<(), tokenward::TokenError>(())
    /// ```
    pub fn wait_for(&mut self, span: Duration) -> Option<Result<AccessToken, TokenError>> {
        let deadline = self.wish.deadline;
        let asked = match self.begin() {
            Ok(asked) => asked,
            Err(outcome) => return Some(outcome),
        };
        // The driver keeps the deadline and says what stands in the way. This is for the day it cannot.
        let given_up = asked.since.saturating_add(deadline).saturating_add(Duration::from_secs(1));
        let outcome = asked.link.wait(&asked.slot, span);
        let is_open = asked.slot.is_empty();
        if is_open && !asked.link.is_driven_here() && sys::now().mono < given_up {
            return None;
        }
        if let Some(asked) = self.asked.take().filter(|_| is_open) {
            asked.let_go();
        }
        Some(token_of(outcome))
    }

    /// Asks, if nobody has asked yet; the outcome where nobody has to be asked.
    fn begin(&mut self) -> Result<&Asked, Result<AccessToken, TokenError>> {
        // A forked child asks its own driver, and leaves the parent's locks alone.
        mem::forget(self.asked.take_if(|asked| asked.generation != sys::fork_generation()));
        if self.asked.is_none() {
            if let Some(token) = self.handle.ready(&self.wish) {
                return Err(Ok(token));
            }
            let (link, waiter, slot) = self.handle.ask(|waiter| self.wish.input(waiter)).map_err(Err)?;
            let (link, generation) = (Arc::clone(link), sys::fork_generation());
            self.asked = Some(Asked { link, waiter, slot, generation, since: sys::now().mono });
        }
        self.asked.as_ref().ok_or_else(|| Err(closed()))
    }
}

impl Future for GetToken {
    type Output = Result<AccessToken, TokenError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let asked = match this.begin() {
            Ok(asked) => asked,
            Err(outcome) => return Poll::Ready(outcome),
        };
        let outcome = ready!(asked.slot.poll(context));
        this.asked = None;
        Poll::Ready(token_of(outcome.ok_or_else(closed)))
    }
}

impl Drop for GetToken {
    fn drop(&mut self) {
        if let Some(asked) = self.asked.take() {
            asked.let_go();
        }
    }
}

impl Asked {
    fn let_go(self) {
        if self.generation != sys::fork_generation() {
            return mem::forget(self);
        }
        let Self { link, waiter, slot, .. } = self;
        // First the slot: nobody is woken for a future that is gone.
        drop(slot);
        link.send(Message::Forget(waiter));
    }
}

impl fmt::Debug for GetToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GetToken").finish_non_exhaustive()
    }
}
