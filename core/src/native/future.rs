//! The wait for a token as a future, for any executor.

use std::{
    fmt,
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
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
}

impl GetToken {
    pub(super) fn new(handle: Handle, wish: Wish) -> Self {
        Self { handle, wish, asked: None }
    }
}

impl Future for GetToken {
    type Output = Result<AccessToken, TokenError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        // A forked child asks its own driver, and leaves the parent's locks alone.
        mem::forget(this.asked.take_if(|asked| asked.generation != sys::fork_generation()));
        if this.asked.is_none() {
            if let Some(token) = this.handle.ready(&this.wish) {
                return Poll::Ready(Ok(token));
            }
            let (link, waiter, slot) = match this.handle.ask(|waiter| this.wish.input(waiter)) {
                Ok(asked) => asked,
                Err(error) => return Poll::Ready(Err(error)),
            };
            this.asked = Some(Asked { link: Arc::clone(link), waiter, slot, generation: sys::fork_generation() });
        }
        let Some(asked) = &this.asked else { return Poll::Ready(Err(closed())) };
        let outcome = ready!(asked.slot.poll(context));
        this.asked = None;
        Poll::Ready(token_of(outcome.ok_or_else(closed)))
    }
}

impl Drop for GetToken {
    fn drop(&mut self) {
        match self.asked.take() {
            Some(Asked { link, waiter, slot, generation }) if generation == sys::fork_generation() => {
                // First the slot: nobody is woken for a future that is gone.
                drop(slot);
                link.send(Message::Forget(waiter));
            }
            parents => mem::forget(parents),
        }
    }
}

impl fmt::Debug for GetToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GetToken").finish_non_exhaustive()
    }
}
