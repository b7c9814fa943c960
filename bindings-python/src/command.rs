//! The `tokenward` command.

use std::ffi::OsString;

use pyo3::prelude::*;

/// Runs the command and returns its exit code.
#[pyfunction]
pub(crate) fn run(py: Python<'_>, argv0: &str, args: Vec<OsString>) -> i32 {
    py.detach(|| tokenward::cli::run(argv0, args))
}
