//! Time as an argument: the core never reads a clock.

use core::time::Duration;

/// A moment on the wall clock: milliseconds since 1970-01-01T00:00:00Z.
///
/// ```
/// use core::time::Duration;
/// use tokenward::UnixTime;
///
/// let noon = UnixTime::from_secs(43_200);
/// assert_eq!(noon.plus(Duration::from_millis(5)).as_millis(), 43_200_005);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(u64);

impl UnixTime {
    /// Returns the moment `millis` milliseconds after the epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Returns the moment `secs` seconds after the epoch; a moment too far away becomes the last one.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// Returns the milliseconds since the epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Returns the moment `span` later; a moment too far away becomes the last one.
    #[must_use]
    pub const fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }

    /// Returns the time from `earlier` to this moment, zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// Both clocks, read together by the host.
///
/// `wall` says when a token ends and may jump; `mono` measures waits, never goes back, and counts from any start the
/// host likes as long as it keeps it for the life of a machine.
///
/// ```
/// use core::time::Duration;
/// use tokenward::{Now, UnixTime};
///
/// let now = Now { wall: UnixTime::from_secs(1_800_000_000), mono: Duration::from_secs(12) };
/// assert_eq!(now.after(Duration::from_secs(3)).mono, Duration::from_secs(15));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// The wall clock.
    pub wall: UnixTime,
    /// The monotonic clock.
    pub mono: Duration,
}

impl Now {
    /// Returns the same pair of clocks `span` later.
    #[must_use]
    pub const fn after(self, span: Duration) -> Self {
        Self { wall: self.wall.plus(span), mono: self.mono.saturating_add(span) }
    }
}

/// Returns a span in whole milliseconds, the largest number for one that does not fit.
pub(crate) const fn millis(span: Duration) -> u64 {
    let millis = span.as_millis();
    if millis > u64::MAX as u128 { u64::MAX } else { millis as u64 }
}
