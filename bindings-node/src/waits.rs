//! What was begun and is not over: polled on Node's thread, woken from the driver's.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        mpsc::{Receiver, TryRecvError, sync_channel},
    },
    task::{Context, Poll, Wake, Waker},
    thread,
};

use napi::{
    Status,
    bindgen_prelude::Either4,
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use tokenward::{GetToken, TokenError};

use crate::{failure::Failure, token::Token};

/// Calls JavaScript with the number of a wait that should be polled. Weak: it keeps no event loop alive.
pub(crate) type Knock = ThreadsafeFunction<u32, (), u32, Status, false, true, 0>;

/// The end of a wait: a token, an error, a state, or `true` where there is nothing to tell.
pub(crate) type Outcome = Either4<Token, Failure, crate::status::Status, bool>;

/// The waits of one source by number.
pub(crate) struct Waits {
    knock: Arc<Knock>,
    next: u32,
    open: BTreeMap<u32, Wait>,
}

enum Wait {
    Token(GetToken),
    Call(Receiver<Outcome>),
}

impl Waits {
    pub(crate) fn new(knock: Knock) -> Self {
        Self { knock: Arc::new(knock), next: 0, open: BTreeMap::new() }
    }

    /// Begins to wait for a token.
    pub(crate) fn token(&mut self, pending: GetToken) -> u32 {
        self.add(Wait::Token(pending))
    }

    /// Begins to wait for work that may take long, done on a thread of its own.
    pub(crate) fn call(&mut self, work: impl FnOnce() -> Outcome + Send + 'static) -> napi::Result<u32> {
        let (done, outcome) = sync_channel(1);
        let number = self.add(Wait::Call(outcome));
        let knock = Arc::clone(&self.knock);
        let spawned = thread::Builder::new().name("tokenward-call".into()).spawn(move || {
            if done.send(work()).is_ok() {
                knock.call(number, ThreadsafeFunctionCallMode::NonBlocking);
            }
        });
        match spawned {
            Ok(_) => Ok(number),
            Err(error) => {
                self.forget(number);
                Err(napi::Error::from_reason(error.to_string()))
            }
        }
    }

    /// Returns the outcome of a wait, `None` if it is still to come.
    pub(crate) fn poll(&mut self, number: u32) -> Option<Outcome> {
        let outcome = match self.open.get_mut(&number)? {
            Wait::Token(pending) => {
                let waker = Waker::from(Arc::new(Bell { knock: Arc::clone(&self.knock), number }));
                match Pin::new(pending).poll(&mut Context::from_waker(&waker)) {
                    Poll::Ready(outcome) => settled(outcome, |inner| Either4::A(Token { inner })),
                    Poll::Pending => return None,
                }
            }
            Wait::Call(outcome) => match outcome.try_recv() {
                Ok(outcome) => outcome,
                Err(TryRecvError::Empty) => return None,
                Err(TryRecvError::Disconnected) => Either4::B(Failure::from(&TokenError::Unavailable {
                    retry_in: None,
                    trouble: tokenward::Trouble::Closed,
                })),
            },
        };
        self.open.remove(&number);
        Some(outcome)
    }

    /// Waits no longer. What was begun goes on.
    pub(crate) fn forget(&mut self, number: u32) {
        self.open.remove(&number);
    }

    pub(crate) fn forget_all(&mut self) {
        self.open.clear();
    }

    fn add(&mut self, wait: Wait) -> u32 {
        self.next = self.next.wrapping_add(1);
        self.open.insert(self.next, wait);
        self.next
    }
}

/// Returns the outcome of a call.
pub(crate) fn settled<T>(outcome: Result<T, TokenError>, ok: impl FnOnce(T) -> Outcome) -> Outcome {
    outcome.map_or_else(|error| Either4::B(Failure::from(&error)), ok)
}

struct Bell {
    knock: Arc<Knock>,
    number: u32,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        // An environment that ends has nobody left to wake.
        self.knock.call(self.number, ThreadsafeFunctionCallMode::NonBlocking);
    }
}
