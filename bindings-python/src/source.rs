//! The token source: what an application holds.

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use pyo3::{
    intern,
    prelude::*,
    sync::PyOnceLock,
    types::{PyDict, PyMapping, PyString},
};
use tokenward::{GetToken, Guard, UreqTransport};

use crate::{
    doors::{Store, Transport},
    error,
    event::Events,
    grant::{AccessToken, Grant},
    settings,
    status::Status,
    store::FileStore,
    time::span,
    wait::{Wait, blocking, wait},
};

/// A credential that is kept usable, shared with every other process that has the same store.
///
/// Settings come as one mapping, as keyword arguments, or both. A source may be used by any number of threads and event
/// loops, and by forked children. Closing waits while a refresh token is on its way; so does the end of the interpreter.
///
/// `transport` sends the requests in place of the built-in one; `store` may be a store of your own in place of a path.
/// Sources of one process on the same store, server and client share what the first of them was given.
#[pyclass(frozen, weakref, module = "tokenward")]
pub(crate) struct TokenSource {
    /// None only while it is dropped.
    inner: Option<tokenward::TokenSource>,
    deadline: Duration,
    /// The object of the token handed out last: one per token, not one per call.
    held: Mutex<Option<Py<AccessToken>>>,
}

#[pymethods]
impl TokenSource {
    #[new]
    #[pyo3(signature = (settings=None, /, *, transport=None, **named))]
    fn new<'py>(
        py: Python<'py>,
        settings: Option<&Bound<'py, PyMapping>>,
        transport: Option<Bound<'py, PyAny>>,
        named: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Self> {
        let (config, store) = settings::source(py, settings, named)?;
        let deadline = config.deadline;
        let transport: Arc<dyn tokenward::Transport> = match transport {
            Some(transport) => Arc::new(Transport::of(transport)),
            None => Arc::new(UreqTransport::new(&config)),
        };
        let store: Option<Arc<dyn tokenward::Store>> = store.map(|store| match store.cast::<FileStore>() {
            Ok(file) => file.get().inner() as _,
            Err(_) => Arc::new(Store::of(store)) as _,
        });
        if store.is_none() && config.store.is_none() {
            return Err(error::missing(py, "store"));
        }
        let inner = py.detach(|| match store {
            Some(store) => Ok(tokenward::TokenSource::with(config, store, transport)),
            None => tokenward::TokenSource::open_with(config, transport),
        });
        Ok(Self::of(inner?, deadline))
    }

    /// Returns a source that hands out this token for ever, whatever its expiry: for tests.
    #[staticmethod]
    #[pyo3(name = "static")]
    fn fixed(token: &Bound<'_, PyAny>) -> PyResult<Self> {
        let token = match token.cast::<AccessToken>() {
            Ok(token) => token.get().inner().clone(),
            Err(_) => tokenward::AccessToken::new(token.extract::<String>()?, None),
        };
        Ok(Self::of(tokenward::TokenSource::fixed(token), Duration::ZERO))
    }

    /// Returns a token that works, at once if it can, refreshed by this or another process if it must.
    ///
    /// It has `min_ttl` seconds of life left where that can be had; `deadline` is how long to wait, in seconds, by
    /// default the setting of that name. Ctrl-C ends the wait, never the refresh.
    #[pyo3(signature = (min_ttl=0.0, deadline=None))]
    fn get_token(&self, py: Python<'_>, min_ttl: f64, deadline: Option<f64>) -> PyResult<Py<AccessToken>> {
        if min_ttl == 0.0
            && let Some(token) = self.inner().fresh()
        {
            return self.object(py, token);
        }
        let token = wait(py, self.pending(min_ttl, deadline)?)?;
        self.object(py, token)
    }

    /// Returns the token if it can be had without waiting, else None.
    fn fresh(&self, py: Python<'_>) -> PyResult<Option<Py<AccessToken>>> {
        let fresh = self.inner().fresh();
        fresh.map(|token| self.object(py, token)).transpose()
    }

    /// The coroutine of `get_token`, for asyncio. The driver itself wakes the loop; no thread waits. A cancelled task
    /// stops waiting, and the refresh goes on.
    #[pyo3(signature = (min_ttl=0.0, deadline=None))]
    fn get_token_async<'py>(
        this: &Bound<'py, Self>,
        min_ttl: f64,
        deadline: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        static COROUTINE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let py = this.py();
        let coroutine = COROUTINE.import(py, "tokenward._aio", "settle")?;
        if min_ttl == 0.0
            && let Some(token) = this.get().fresh(py)?
        {
            return coroutine.call1((token,));
        }
        coroutine.call1((py.None(), Wait::of(this.get().pending(min_ttl, deadline)?)))
    }

    /// Returns the value of an Authorization header.
    fn authorization(&self, py: Python<'_>) -> PyResult<Py<PyString>> {
        let token = self.get_token(py, 0.0, None)?;
        Ok(token.get().authorization(py))
    }

    /// Asks the server for a new token even if the old one is fresh, the shared wait is not over or the login is known
    /// to be dead.
    #[pyo3(signature = (deadline=None))]
    fn refresh(&self, py: Python<'_>, deadline: Option<f64>) -> PyResult<Py<AccessToken>> {
        let deadline = self.deadline(deadline)?;
        let token = wait(py, self.inner().refresh_async(deadline))?;
        self.object(py, token)
    }

    /// The coroutine of `refresh`, for asyncio.
    #[pyo3(signature = (deadline=None))]
    fn refresh_async<'py>(&self, py: Python<'py>, deadline: Option<f64>) -> PyResult<Bound<'py, PyAny>> {
        let pending = self.inner().refresh_async(self.deadline(deadline)?);
        let coroutine = py.import(intern!(py, "tokenward._aio"))?.getattr("settle")?;
        coroutine.call1((py.None(), Wait::of(pending)))
    }

    /// Says that a server refused this token: 401, or `invalid_token` (RFC 6750 section 3.1).
    fn report_refused(&self, py: Python<'_>, token: &Bound<'_, AccessToken>) {
        let (source, token) = (self.inner(), token.get().inner());
        py.detach(|| source.report_refused(token));
    }

    /// Returns what is known of the credential, as of the last read, without a secret.
    fn status(&self, py: Python<'_>) -> PyResult<Status> {
        let source = self.inner();
        let status = py.detach(|| source.status());
        status.map(|inner| Status { inner }).map_err(|error| error::raise(py, &error))
    }

    /// Reads the store now. A source in use sees a change within a second anyway.
    fn look(&self, py: Python<'_>) -> PyResult<()> {
        self.call(py, |source| source.look())
    }

    /// Stores a login. With `replace` it may be older, another account's, or one that cannot be refreshed.
    #[pyo3(signature = (grant, *, replace=false))]
    fn save(&self, py: Python<'_>, grant: &Bound<'_, Grant>, replace: bool) -> PyResult<()> {
        let grant = grant.get().inner.clone();
        let guard = if replace { Guard::Replace } else { Guard::SameAccount };
        self.call(py, move |source| source.save(grant, guard))
    }

    /// Removes the credential from the store. The server is not told.
    fn clear(&self, py: Python<'_>) -> PyResult<()> {
        self.call(py, |source| source.clear())
    }

    /// Returns an iterator over the news from now on. It waits for the next one and ends with the source.
    fn events(&self, py: Python<'_>) -> Events {
        let source = self.inner();
        Events::of(py.detach(|| source.subscribe()))
    }

    /// Closes the source: every call fails from now on. Waits while a refresh token is on its way.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let source = self.inner().clone();
        blocking(py, move || source.close())
    }

    fn __enter__(this: Bound<'_, Self>) -> Bound<'_, Self> {
        this
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, pyo3::types::PyTuple>) -> PyResult<()> {
        self.close(py)
    }

    fn __repr__(&self) -> String {
        format!("{:?}", self.inner())
    }
}

impl TokenSource {
    fn of(inner: tokenward::TokenSource, deadline: Duration) -> Self {
        Self { inner: Some(inner), deadline, held: Mutex::new(None) }
    }

    fn inner(&self) -> &tokenward::TokenSource {
        #[expect(clippy::expect_used, reason = "an object that is being dropped is called by nobody")]
        self.inner.as_ref().expect("taken by drop only")
    }

    fn deadline(&self, deadline: Option<f64>) -> PyResult<Duration> {
        deadline.map_or(Ok(self.deadline), |seconds| span("deadline", seconds))
    }

    fn pending(&self, min_ttl: f64, deadline: Option<f64>) -> PyResult<GetToken> {
        let (min_ttl, deadline) = (span("min_ttl", min_ttl)?, self.deadline(deadline)?);
        Ok(self.inner().get_token_within_async(min_ttl, deadline))
    }

    /// Returns the object of a token: the same one as long as the token is the same.
    fn object(&self, py: Python<'_>, token: tokenward::AccessToken) -> PyResult<Py<AccessToken>> {
        if let Some(object) = self.held(|held| Some(held.as_ref()?.clone_ref(py)))
            && *object.get().inner() == token
        {
            return Ok(object);
        }
        let object = Py::new(py, AccessToken::of(token))?;
        drop(self.held(|held| held.replace(object.clone_ref(py))));
        Ok(object)
    }

    /// Nothing of Python's is made or dropped under this lock: that may run anything, and wait for every other thread.
    fn held<T>(&self, look: impl FnOnce(&mut Option<Py<AccessToken>>) -> T) -> T {
        look(&mut self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn call(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&tokenward::TokenSource) -> Result<(), tokenward::TokenError> + Send + 'static,
    ) -> PyResult<()> {
        let source = self.inner().clone();
        blocking(py, move || work(&source))?.map_err(|error| error::raise(py, &error))
    }
}

impl Drop for TokenSource {
    fn drop(&mut self) {
        let inner = self.inner.take();
        // The last one to be dropped waits while a refresh token is on its way. Here that would keep Ctrl-C out; the
        // end of the interpreter waits for it too.
        let left = thread::Builder::new().name("tokenward-close".into()).spawn(move || drop(inner));
        drop(left);
    }
}

/// Closes every source of this process, and waits while a refresh token is on its way.
#[pyfunction]
pub(crate) fn close_all(py: Python<'_>) -> PyResult<()> {
    blocking(py, tokenward::close_all)
}
