//! The two doors of a source, where they lead to Python.

use std::{
    io,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use pyo3::{exceptions::PyKeyboardInterrupt, intern, prelude::*};
use tokenward::{FaultKind, FetchFault, Reply, StoreFault, StoreOp};

use crate::{
    effect::{self, Op},
    http::{Outcome, Request},
    input::Answer,
};

/// A transport with a method `send`, called on a thread of its own for each request.
pub(crate) struct Transport(Arc<Py<PyAny>>);

/// The time that a transport gets beyond the request's own, to say itself that the time is up.
const GRACE: Duration = Duration::from_secs(1);

impl Transport {
    pub(crate) fn of(transport: Bound<'_, PyAny>) -> Self {
        Self(Arc::new(transport.unbind()))
    }
}

impl tokenward::Transport for Transport {
    fn start(&self, fetch: tokenward::Fetch, reply: Reply) {
        let (transport, request) = (Arc::clone(&self.0), fetch.request.clone());
        let limit = request.timeout.saturating_add(GRACE);
        let (done, outcome) = mpsc::sync_channel(1);
        // Whoever gave up waiting is not there any more to be told.
        if let Err(error) = begin("tokenward-fetch", move || drop(done.send(send(&transport, request)))) {
            let detail = format!("no thread can be had: {}", error.kind());
            return reply(fetch.answer(Err(FetchFault::NotSent { detail })));
        }
        // Nobody can make a call into Python end: the driver, and the lock it holds, do not wait for one that does not.
        let watch = move || {
            let late = |_| Err(FetchFault::MaybeSent { detail: "the transport gave no answer in time".into() });
            reply(fetch.answer(outcome.recv_timeout(limit).unwrap_or_else(late)));
        };
        // Without a watch the reply is dropped, and for the driver that is a request that may have been sent.
        drop(begin("tokenward-watch", watch));
    }
}

fn begin(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.into()).spawn(work).map(drop)
}

/// Calls the transport. What raises may have sent the request; only a transport that says so has not.
fn send(transport: &Py<PyAny>, request: tokenward::Request) -> Result<tokenward::Response, FetchFault> {
    let told = Python::try_attach(|py| {
        let transport = transport.bind(py);
        let sent = transport.call_method1(intern!(py, "send"), (Request::of(request),));
        sent.and_then(|outcome| Ok(outcome.extract::<Outcome<'_>>()?.get())).unwrap_or_else(|raised| {
            let detail = format!("the transport raised {}", name(&raised, py));
            raised.write_unraisable(py, Some(transport));
            Err(FetchFault::MaybeSent { detail })
        })
    });
    told.unwrap_or_else(|| Err(FetchFault::NotSent { detail: "the interpreter has ended".into() }))
}

/// A store with a method `perform`, called on the thread that drives the source.
pub(crate) struct Store(Py<PyAny>);

impl Store {
    pub(crate) fn of(store: Bound<'_, PyAny>) -> Self {
        Self(store.unbind())
    }

    /// Returns the answer; None if there is none to be had any more.
    fn perform(&self, py: Python<'_>, op: StoreOp) -> PyResult<Option<tokenward::Input>> {
        let (store, op) = (self.0.bind(py), effect::store(py, op)?);
        let performed = store.call_method1(intern!(py, "perform"), (&op,));
        let raised = match performed.and_then(|answer| answer.cast_into::<Answer>()?.get().take()) {
            Ok(input) => return Ok(Some(input)),
            Err(raised) => raised,
        };
        let detail = format!("the store raised {}", name(&raised, py));
        // An operation that was answered, with an answer that was not returned, cannot be answered again.
        let left = op.bind(py).extract::<Op<'_>>()?.take();
        if raised.is_instance_of::<PyKeyboardInterrupt>(py) {
            // Ctrl-C belongs to the caller whose thread this is, and who asks for signals next. Nothing of Python's runs
            // in between: it would get it.
            py.import("_thread")?.call_method0("interrupt_main")?;
        } else {
            raised.write_unraisable(py, Some(store));
        }
        Ok(left.ok().map(|op| op.fail(StoreFault { kind: FaultKind::Other, detail })))
    }

    /// Calls a method that a store may have.
    fn ask<T: for<'py> FromPyObject<'py, 'py, Error = PyErr>>(&self, method: &str) -> Option<T> {
        Python::try_attach(|py| {
            let store = self.0.bind(py);
            let asked = store.getattr_opt(method).and_then(|method| match method {
                Some(method) => method.call0()?.extract::<Option<T>>(),
                None => Ok(None),
            });
            asked.unwrap_or_else(|raised| {
                raised.write_unraisable(py, Some(store));
                None
            })
        })?
    }
}

impl tokenward::Store for Store {
    fn start(&self, op: StoreOp, reply: Reply) {
        let performed = Python::try_attach(|py| {
            self.perform(py, op).unwrap_or_else(|raised| {
                raised.write_unraisable(py, None);
                None
            })
        });
        if let Some(Some(input)) = performed {
            reply(input);
        }
    }

    fn stamp(&self) -> Option<u64> {
        self.ask("stamp")
    }

    fn identity(&self) -> Option<String> {
        self.ask("identity")
    }
}

/// Returns the name of an exception's class. Its text may hold a secret.
fn name(raised: &PyErr, py: Python<'_>) -> String {
    raised.get_type(py).name().map_or_else(|_| "something".into(), |name| name.to_string())
}
