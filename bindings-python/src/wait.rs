//! The wait for a token: blocking in slices, or woken by the driver for an event loop.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    task::{Context, Poll, Wake, Waker},
    thread,
    time::Duration,
};

use pyo3::{exceptions::PyRuntimeError, prelude::*};
use tokenward::GetToken;

use crate::{error, grant::AccessToken};

/// How long Ctrl-C waits at most: signals reach Python only between two slices.
pub(crate) const SLICE: Duration = Duration::from_millis(50);

/// Waits on this thread. A signal handler that raises ends the wait, and nothing else: the refresh goes on.
pub(crate) fn wait(py: Python<'_>, mut pending: GetToken) -> PyResult<tokenward::AccessToken> {
    loop {
        match py.detach(|| pending.wait_for(SLICE)) {
            Some(Ok(token)) => return Ok(token),
            // Ctrl-C in a store of Python's is more than what it led to.
            Some(Err(error)) => return py.check_signals().and_then(|()| Err(error::raise(py, &error))),
            None => {}
        }
        if let Err(raised) = py.check_signals() {
            py.detach(|| drop(pending));
            return Err(raised);
        }
    }
}

/// Does something that may take long on a thread of its own and waits for it; a signal handler that raises ends the wait.
pub(crate) fn blocking<T: Send + 'static>(py: Python<'_>, work: impl FnOnce() -> T + Send + 'static) -> PyResult<T> {
    let (done, mut outcome) = mpsc::sync_channel(1);
    // A caller that was interrupted is not there any more to be told.
    thread::Builder::new().name("tokenward-call".into()).spawn(move || drop(done.send(work())))?;
    loop {
        let outcome = &mut outcome;
        match py.detach(move || outcome.recv_timeout(SLICE)) {
            Ok(value) => return Ok(value),
            Err(mpsc::RecvTimeoutError::Timeout) => py.check_signals()?,
            Err(mpsc::RecvTimeoutError::Disconnected) => return Err(PyRuntimeError::new_err("the call has panicked")),
        }
    }
}

/// One wait of an event loop. `tokenward/_aio.py` makes a coroutine of it.
#[pyclass(frozen, module = "tokenward")]
pub(crate) struct Wait {
    pending: Mutex<Option<GetToken>>,
}

impl Wait {
    pub(crate) fn of(pending: GetToken) -> Self {
        Self { pending: Mutex::new(Some(pending)) }
    }

    fn pending(&self) -> MutexGuard<'_, Option<GetToken>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Wait {
    /// Returns the token, or None: then `call(release, turn)` is called once when it pays to poll again, from a thread
    /// of the driver's. `call` is `loop.call_soon_threadsafe`.
    fn poll(
        &self,
        py: Python<'_>,
        call: Py<PyAny>,
        release: Py<PyAny>,
        turn: Py<PyAny>,
    ) -> PyResult<Option<AccessToken>> {
        let waker = Waker::from(Arc::new(Knock { call, release, turn }));
        let taken = self.pending().take();
        let Some(mut pending) = taken else { return Err(PyRuntimeError::new_err("this wait is over")) };
        match py.detach(|| Pin::new(&mut pending).poll(&mut Context::from_waker(&waker))) {
            Poll::Ready(Ok(token)) => Ok(Some(AccessToken::of(token))),
            Poll::Ready(Err(error)) => Err(error::raise(py, &error)),
            Poll::Pending => {
                *self.pending() = Some(pending);
                Ok(None)
            }
        }
    }

    /// Waits no longer. The refresh goes on.
    fn close(&self, py: Python<'_>) {
        let pending = self.pending().take();
        py.detach(|| drop(pending));
    }
}

struct Knock {
    call: Py<PyAny>,
    release: Py<PyAny>,
    turn: Py<PyAny>,
}

impl Wake for Knock {
    fn wake(self: Arc<Self>) {
        // An interpreter that ends, and a loop that is closed, have nobody left to wake.
        let _ = Python::try_attach(|py| self.call.call1(py, (&self.release, &self.turn)).is_ok());
    }
}
