//! The wall clock, and the waits for what only time brings about: the end of a token, the length of a sleep.

use std::{
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Returns the milliseconds since 1970.
pub fn now() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "processes of their own have clocks of their own")]
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Returns at that moment, at once if it has passed.
pub fn until(moment: u64) {
    loop {
        let left = moment.saturating_sub(now());
        if left == 0 {
            return;
        }
        thread::sleep(Duration::from_millis(left));
    }
}
