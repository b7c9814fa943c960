//! Seconds as Python counts them: floats.

use std::time::Duration;

use pyo3::{exceptions::PyValueError, prelude::*};
use tokenward::UnixTime;

/// Reads a span. Infinity is for ever.
pub(crate) fn span(name: &str, seconds: f64) -> PyResult<Duration> {
    if seconds == f64::INFINITY {
        return Ok(Duration::MAX);
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| PyValueError::new_err(format!("{name} is no time in seconds")))
}

/// Reads a moment as `time.time()` gives it.
pub(crate) fn moment(name: &str, seconds: f64) -> PyResult<UnixTime> {
    // The nearest millisecond: a float of today's size holds a quarter of a microsecond.
    let span = span(name, seconds)?.saturating_add(Duration::from_micros(500));
    Ok(UnixTime::from_millis(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)))
}

pub(crate) fn optional_moment(name: &str, seconds: Option<f64>) -> PyResult<Option<UnixTime>> {
    seconds.map(|seconds| moment(name, seconds)).transpose()
}

/// Returns a moment as `time.time()` gives it.
pub(crate) fn unix(moment: UnixTime) -> f64 {
    Duration::from_millis(moment.as_millis()).as_secs_f64()
}
