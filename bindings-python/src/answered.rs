//! One answer of a token endpoint, read by itself.

use pyo3::prelude::*;

use crate::{error, grant::Grant, http::Response, time::moment};

/// What an answer of a token endpoint means. Prints without a secret.
#[pyclass(frozen, module = "tokenward")]
pub(crate) struct Answered {
    inner: tokenward::Answered,
}

#[pymethods]
impl Answered {
    /// What the answer means: success, pending, terminal_reauth, terminal_config, transient or malformed_success.
    #[getter]
    fn class_(&self) -> &'static str {
        self.inner.class.as_str()
    }

    /// The short stable id of the row that decided.
    #[getter]
    fn row(&self) -> &'static str {
        self.inner.row
    }

    /// What the answer gives: all of a success; else at most a new refresh token.
    #[getter]
    fn grant(&self) -> Option<Grant> {
        self.inner.grant.clone().map(|inner| Grant { inner })
    }

    /// What callers are told: an exception that is not raised; None for a success.
    #[getter]
    fn error<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        error::optional(py, self.inner.error.as_ref())
    }

    /// The seconds the server asks to wait, as it said it.
    #[getter]
    fn retry_after(&self) -> Option<f64> {
        self.inner.retry_after.map(|span| span.as_secs_f64())
    }

    fn __repr__(&self) -> String {
        format!("Answered({}, {})", self.inner.class.as_str(), self.inner.row)
    }
}

/// Reads one answer of a token endpoint, received at `now`, as `time.time()` counts: for a sign-in of your own, a log, a
/// test. Never fails: what cannot be understood is an answer too.
#[pyfunction]
pub(crate) fn read_answer(response: &Bound<'_, Response>, now: f64) -> PyResult<Answered> {
    Ok(Answered { inner: tokenward::read_answer(response.get().inner(), moment("now", now)?) })
}
