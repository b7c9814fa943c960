//! The one place where the command and its provider read clocks.

use std::{
    sync::OnceLock,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use crate::{Now, UnixTime, clock::millis};

/// Returns both clocks. The monotonic one counts from the first call.
#[expect(clippy::disallowed_methods, reason = "the host reads clocks, and this is where it does")]
pub(crate) fn now() -> Now {
    static START: OnceLock<Instant> = OnceLock::new();
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Now { wall: UnixTime::from_millis(millis(since)), mono: START.get_or_init(Instant::now).elapsed() }
}
