//! Errors become the exceptions of `tokenward/errors.py`, chosen by their kind.

use pyo3::{intern, prelude::*, sync::PyOnceLock};
use tokenward::{ConfigError, ErrorKind, TokenError};

use crate::{settings, status::Holder};

/// Returns the names of all kinds, for the test that compares them with the exceptions.
#[pyfunction]
pub(crate) fn error_kinds() -> Vec<&'static str> {
    ErrorKind::ALL.iter().map(|kind| kind.as_str()).collect()
}

/// Returns the exception of an error.
pub(crate) fn exception<'py>(py: Python<'py>, error: &TokenError) -> PyResult<Bound<'py, PyAny>> {
    static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let retry_in = error.retry_in().map(|span| span.as_secs_f64());
    let holder = error.holder().map(Holder::of);
    let told = (error.kind().as_str(), error.to_string(), error.act().as_str(), retry_in, error.code(), holder);
    MAKE.import(py, "tokenward.errors", "make")?.call1(told)
}

/// Returns the exception of an error, to be raised.
pub(crate) fn raise(py: Python<'_>, error: &TokenError) -> PyErr {
    exception(py, error).map_or_else(|error| error, PyErr::from_value)
}

pub(crate) fn optional<'py>(py: Python<'py>, error: Option<&TokenError>) -> PyResult<Option<Bound<'py, PyAny>>> {
    error.map(|error| exception(py, error)).transpose()
}

/// Returns the exception of a setting that cannot be used, to be raised.
pub(crate) fn raise_setting(py: Python<'_>, error: &ConfigError) -> PyErr {
    let told = (error.to_string(), error.name.as_str());
    let made = py.import(intern!(py, "tokenward.errors")).and_then(|errors| errors.call_method1("ConfigError", told));
    made.map_or_else(|error| error, PyErr::from_value)
}

/// Returns the exception of a setting that has no value.
pub(crate) fn missing(py: Python<'_>, name: &str) -> PyErr {
    let (place, name) = (settings::PLACE.into(), name.into());
    raise_setting(py, &ConfigError { place, name, value: String::new(), why: "missing".into() })
}
