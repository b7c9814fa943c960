//! Time on the border: milliseconds since 1970, and nanoseconds. `uniffi.toml` makes a Date and a Duration of them.

use std::time::Duration;

use tokenward::UnixTime;

uniffi::custom_type!(UnixTime, u64, {
    remote,
    lower: |moment| moment.as_millis(),
    try_lift: |millis| Ok(UnixTime::from_millis(millis)),
});

/// A span of time. The longest one, 584 years, is for ever.
#[derive(Clone, Copy)]
pub(crate) struct Span(pub(crate) Duration);

uniffi::custom_type!(Span, u64, {
    lower: |span| u64::try_from(span.0.as_nanos()).unwrap_or(u64::MAX),
    try_lift: |nanos| Ok(Span(Duration::from_nanos(nanos))),
});
