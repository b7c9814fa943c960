//! What can be told of a credential without telling a secret.

use pyo3::prelude::*;

use crate::{error, time::unix};

/// A process, for display only.
#[pyclass(frozen, get_all, eq, module = "tokenward")]
#[derive(Clone, PartialEq)]
pub(crate) struct Holder {
    /// The process id.
    pub(crate) pid: u32,
    /// The host's name.
    pub(crate) host: String,
}

impl Holder {
    pub(crate) fn of(inner: &tokenward::Holder) -> Self {
        Self { pid: inner.pid, host: inner.host.clone() }
    }
}

#[pymethods]
impl Holder {
    #[new]
    fn new(pid: u32, host: String) -> Self {
        Self { pid, host }
    }

    fn __str__(&self) -> String {
        tokenward::Holder { pid: self.pid, host: self.host.clone() }.to_string()
    }

    fn __repr__(&self) -> String {
        format!("Holder(pid={}, host={:?})", self.pid, self.host)
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> (Bound<'py, PyAny>, (u32, &str)) {
        (py.get_type::<Self>().into_any(), (self.pid, &self.host))
    }
}

/// A credential's state, safe to log and to print. Moments count as `time.time()` does.
#[pyclass(frozen, module = "tokenward")]
pub(crate) struct Status {
    pub(crate) inner: tokenward::Status,
}

#[pymethods]
impl Status {
    /// The access token's name.
    #[getter]
    fn access_token(&self) -> Option<String> {
        self.inner.access_token.map(|name| name.to_string())
    }

    /// When the access token ends.
    #[getter]
    fn expires_at(&self) -> Option<f64> {
        self.inner.expires_at.map(unix)
    }

    /// The refresh token's name.
    #[getter]
    fn refresh_token(&self) -> Option<String> {
        self.inner.refresh_token.map(|name| name.to_string())
    }

    /// The granted scope.
    #[getter]
    fn scope(&self) -> Option<&str> {
        self.inner.scope.as_deref()
    }

    /// Who the credential belongs to.
    #[getter]
    fn account(&self) -> Option<&str> {
        self.inner.account.as_ref().map(tokenward::Account::as_str)
    }

    /// When the credential was last rotated.
    #[getter]
    fn last_rotation(&self) -> Option<f64> {
        self.inner.last_rotation.map(unix)
    }

    /// The moment before which nobody asks the server again.
    #[getter]
    fn not_before(&self) -> Option<f64> {
        self.inner.not_before.map(unix)
    }

    /// Why the refresh token is known to be dead.
    #[getter]
    fn dead(&self) -> Option<&str> {
        self.inner.dead.as_ref().map(tokenward::ReauthReason::as_str)
    }

    /// The process that last changed something. It may have ended.
    #[getter]
    fn holder(&self) -> Option<Holder> {
        self.inner.holder.as_ref().map(Holder::of)
    }

    /// Whether the server's answer is in the journal and not yet in the store.
    #[getter]
    fn unsaved(&self) -> bool {
        self.inner.unsaved
    }

    /// Whether the outcome of the last request is unknown.
    #[getter]
    fn unknown_outcome(&self) -> bool {
        self.inner.unknown_outcome
    }

    /// What is wrong with the store, or why there is no login: an exception that is not raised.
    #[getter]
    fn fault<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        error::optional(py, self.inner.fault.as_ref())
    }

    fn __repr__(&self) -> String {
        format!("{:?}", self.inner)
    }
}
