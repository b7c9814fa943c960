//! Times for people.

use std::{format, string::String, time::Duration};

use crate::UnixTime;

/// Returns a span in its largest sensible unit.
pub(super) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", span.as_secs_f64()),
        10..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Returns a moment as seen from `now`, with its date.
pub(super) fn moment(moment: UnixTime, now: UnixTime) -> String {
    let relative = if moment > now {
        format!("in {}", span(moment.since(now)))
    } else {
        format!("{} ago", span(now.since(moment)))
    };
    format!("{relative} ({})", rfc3339(moment))
}

/// Returns a moment by RFC 3339, in UTC.
pub(super) fn rfc3339(moment: UnixTime) -> String {
    let millis = i64::try_from(moment.as_millis()).unwrap_or(i64::MAX);
    match jiff::Timestamp::from_millisecond(millis) {
        Ok(time) => format!("{time}"),
        Err(_) => "after the year 9999".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_from_here() {
        let now = UnixTime::from_secs(1_800_000_000);

        assert_eq!(moment(now.plus(Duration::from_secs(3000)), now), "in 50 min (2027-01-15T08:50:00Z)");
        assert_eq!(moment(UnixTime::from_secs(1_799_999_955), now), "45 s ago (2027-01-15T07:59:15Z)");
        assert_eq!(span(Duration::from_millis(1540)), "1.5 s");
        assert_eq!(rfc3339(UnixTime::from_millis(u64::MAX)), "after the year 9999");
    }
}
