//! Requests and responses as values, for those who bring their own HTTP.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use pyo3::{
    prelude::*,
    types::{PyBytes, PyString},
};
use tokenward::{FetchFault, SecretBytes};

use crate::{effect::answered, input::Answer};

/// One POST to the token endpoint: sent once, over a fresh connection, without redirects and without an automatic
/// resend. Prints redacted.
#[pyclass(frozen, module = "tokenward")]
pub(crate) struct Request {
    inner: tokenward::Request,
}

impl Request {
    pub(crate) fn of(inner: tokenward::Request) -> Self {
        Self { inner }
    }
}

#[pymethods]
impl Request {
    /// An https URL, or an http one on loopback.
    #[getter]
    fn url(&self) -> &str {
        &self.inner.url
    }

    /// Lower-case names; values may hold a client secret.
    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<BTreeMap<&str, Bound<'py, PyString>>> {
        // EXPOSE: the host has to send them.
        let text = |value: &SecretBytes| PyString::from_bytes(py, value.expose());
        self.inner.headers.iter().map(|(name, value)| Ok((name.as_str(), text(value)?))).collect()
    }

    /// The form, with the refresh token in it.
    #[getter]
    fn body<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        // EXPOSE: the host has to send it.
        PyBytes::new(py, self.inner.body.expose())
    }

    /// The time for all of it, answer included, in seconds.
    #[getter]
    fn timeout(&self) -> f64 {
        self.inner.timeout.as_secs_f64()
    }

    /// The time for name look-up, connection and handshake, in seconds.
    #[getter]
    fn connect_timeout(&self) -> f64 {
        self.inner.connect_timeout.as_secs_f64()
    }

    fn __repr__(&self) -> String {
        format!("Request({})", self.inner.url)
    }
}

/// What the server, or something in front of it, answered. Not parsed by the host. Prints redacted.
#[pyclass(frozen, module = "tokenward")]
pub(crate) struct Response {
    inner: tokenward::Response,
}

impl Response {
    pub(crate) fn inner(&self) -> &tokenward::Response {
        &self.inner
    }
}

#[pymethods]
impl Response {
    #[new]
    fn new(status: u16, headers: Vec<(String, String)>, body: Vec<u8>) -> Self {
        Self { inner: tokenward::Response { status, headers, body: SecretBytes::new(body) } }
    }

    fn __repr__(&self) -> String {
        format!("{:?}", self.inner)
    }
}

/// No byte of the request left after the handshake: the refresh token is certainly unspent.
///
/// `blocked`: it will not help to wait, a person has to look at the network. `setting`: it is a setting of this process
/// that cannot be used, by its name.
#[pyclass(frozen, module = "tokenward")]
pub(crate) struct NotSent {
    fault: FetchFault,
}

#[pymethods]
impl NotSent {
    #[new]
    #[pyo3(signature = (detail, *, blocked=false, setting=None))]
    fn new(detail: String, blocked: bool, setting: Option<String>) -> Self {
        let fault = match (setting, blocked) {
            (Some(setting), _) => FetchFault::Misconfigured { setting, detail },
            (None, true) => FetchFault::Blocked { detail },
            (None, false) => FetchFault::NotSent { detail },
        };
        Self { fault }
    }
}

/// The request, or part of it, may have arrived: the refresh token may be spent.
#[pyclass(frozen, module = "tokenward")]
pub(crate) struct MaybeSent {
    detail: String,
}

#[pymethods]
impl MaybeSent {
    #[new]
    fn new(detail: String) -> Self {
        Self { detail }
    }
}

#[derive(FromPyObject)]
pub(crate) enum Outcome<'py> {
    Response(Bound<'py, Response>),
    NotSent(Bound<'py, NotSent>),
    MaybeSent(Bound<'py, MaybeSent>),
}

impl Outcome<'_> {
    pub(crate) fn get(self) -> Result<tokenward::Response, FetchFault> {
        match self {
            Self::Response(response) => Ok(response.get().inner.clone()),
            Self::NotSent(fault) => Err(fault.get().fault.clone()),
            Self::MaybeSent(fault) => Err(FetchFault::MaybeSent { detail: fault.get().detail.clone() }),
        }
    }
}

/// Sends one request, once.
#[pyclass(frozen, module = "tokenward")]
pub(crate) struct Fetch {
    effect: Mutex<Option<tokenward::Fetch>>,
    #[pyo3(get)]
    request: Py<Request>,
}

impl Fetch {
    pub(crate) fn of(py: Python<'_>, effect: tokenward::Fetch) -> PyResult<Self> {
        let request = Py::new(py, Request::of(effect.request.clone()))?;
        Ok(Self { effect: Mutex::new(Some(effect)), request })
    }
}

#[pymethods]
impl Fetch {
    #[classattr]
    #[pyo3(name = "kind")]
    const KIND: &'static str = "fetch";

    /// Brings the server's answer.
    fn answer(&self, outcome: Outcome<'_>) -> PyResult<Answer> {
        let effect = self.effect.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or_else(answered)?;
        Ok(Answer::of(effect.answer(outcome.get())))
    }
}
