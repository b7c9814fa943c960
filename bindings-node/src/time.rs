//! Times as JavaScript counts them: numbers of milliseconds.

use std::time::Duration;

use tokenward::UnixTime;

/// Reads a span. Infinity is for ever.
pub(crate) fn span(name: &str, millis: f64) -> napi::Result<Duration> {
    if millis == f64::INFINITY {
        return Ok(Duration::MAX);
    }
    Duration::try_from_secs_f64(millis / 1000.0).map_err(|_| invalid(&format!("{name} is no time in milliseconds")))
}

/// Returns a span. Divided once, so that whole milliseconds stay whole.
pub(crate) fn span_millis(span: Duration) -> f64 {
    span.as_nanos() as f64 / 1e6
}

/// Reads a moment. A number that is no moment is the nearest one.
pub(crate) fn moment(millis: f64) -> UnixTime {
    UnixTime::from_millis(millis.round() as u64)
}

/// Returns milliseconds since 1970 as JavaScript counts them: exact for the next 285,000 years.
pub(crate) fn millis(moment: UnixTime) -> f64 {
    moment.as_millis() as f64
}

pub(crate) fn invalid(message: &str) -> napi::Error {
    napi::Error::new(napi::Status::InvalidArg, message)
}
