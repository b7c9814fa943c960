//! What was begun and is not over: settled by one call, from a thread of the driver's.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Wake, Waker},
    thread,
};

use tokenward::{GetToken, TokenError, Trouble};

use crate::{error::CoreFailure, grant::CoreToken, status::CoreStatus};

/// How a call ended.
#[derive(uniffi::Enum)]
pub(crate) enum CoreEnd {
    Token { token: Arc<CoreToken> },
    Status { status: Box<CoreStatus> },
    Done,
    Failed { failure: Box<CoreFailure> },
}

impl CoreEnd {
    pub(crate) fn of<T>(outcome: Result<T, TokenError>, ok: impl FnOnce(T) -> Self) -> Self {
        outcome.map_or_else(|error| Self::Failed { failure: Box::new((&error).into()) }, ok)
    }
}

/// Waits for the end of a call.
#[uniffi::export(foreign)]
pub(crate) trait CoreWaiter: Send + Sync {
    /// Called at most once, and never after the wait was given up.
    fn settle(&self, end: CoreEnd);
}

/// One wait for a token.
#[derive(uniffi::Object)]
pub(crate) struct CoreWait {
    turn: Arc<Turn>,
}

impl CoreWait {
    pub(crate) fn begin(pending: GetToken, waiter: Arc<dyn CoreWaiter>) -> Arc<Self> {
        let turn = Arc::new(Turn { pending: Mutex::new(Some(pending)), waiter });
        Arc::clone(&turn).wake();
        Arc::new(Self { turn })
    }
}

#[uniffi::export]
impl CoreWait {
    /// Waits no longer. The refresh goes on.
    pub(crate) fn give_up(&self) {
        let pending = self.turn.pending.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Without the lock: it tells the driver.
        drop(pending);
    }
}

struct Turn {
    pending: Mutex<Option<GetToken>>,
    waiter: Arc<dyn CoreWaiter>,
}

impl Wake for Turn {
    fn wake(self: Arc<Self>) {
        // Polled under the lock, so that a wake from the driver's thread finds the future where it belongs.
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(future) = pending.as_mut() else { return };
        let waker = Waker::from(Arc::clone(&self));
        let Poll::Ready(outcome) = Pin::new(future).poll(&mut Context::from_waker(&waker)) else { return };
        let over = pending.take();
        drop(pending);
        drop(over);
        self.waiter.settle(CoreEnd::of(outcome, |token| CoreEnd::Token { token: CoreToken::of(token) }));
    }
}

/// Does something that may take long on a thread of its own.
pub(crate) fn apart(waiter: Arc<dyn CoreWaiter>, work: impl FnOnce() -> CoreEnd + Send + 'static) {
    let told = Arc::clone(&waiter);
    let spawned = thread::Builder::new().name("tokenward-call".into()).spawn(move || told.settle(work()));
    if let Err(error) = spawned {
        let trouble = Trouble::Network(format!("no thread can be had: {}", error.kind()));
        let failure = Box::new((&TokenError::Unavailable { retry_in: None, trouble }).into());
        waiter.settle(CoreEnd::Failed { failure });
    }
}
