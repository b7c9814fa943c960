//! Waits between attempts: shared through the journal, so that many processes wait as one.

use core::time::Duration;

use super::Machine;
use crate::{
    Fingerprint, Now, TokenError, UnixTime,
    journal::{NotBefore, State},
};

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(300);
const LONGEST_ASKED: Duration = Duration::from_secs(900);

/// A source of jitter: the same seed gives the same numbers (splitmix64).
#[derive(Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next 16 bits.
    pub(super) fn roll(&mut self) -> u16 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits >> 48) as u16
    }

    /// Returns a time between half of `span` and all of it.
    pub(super) fn half_to_all(&mut self, span: Duration) -> Duration {
        span / 2 + (span / 2).saturating_mul(u32::from(self.roll())) / 65_535
    }
}

/// A wait that somebody wrote down, as this process counts it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    at: u64,
    due: Duration,
}

impl Machine {
    /// Returns the wait after one more failure: 1 s, doubled each time, at most 5 min; what the server asks for counts
    /// up to 15 min.
    pub(super) fn next_wait(
        &mut self,
        state: &State,
        key: Fingerprint,
        error: &TokenError,
        asked: Option<Duration>,
        now: Now,
    ) -> NotBefore {
        let attempt = state.not_before.as_ref().map_or(0, |wait| wait.attempt).saturating_add(1);
        let span = FIRST.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(LONGEST);
        let span = self.dice.half_to_all(span).max(asked.unwrap_or_default().min(LONGEST_ASKED));
        NotBefore::new(now.wall.plus(span), attempt, key, error)
    }

    /// Returns when the written-down wait ends on the monotonic clock, and what it is for; `None` if nobody waits.
    pub(super) fn wait_of(&self, key: Fingerprint, now: Now) -> Option<(Duration, TokenError)> {
        let wait = self.view.journal.state.not_before.as_ref()?;
        let misconfigured = wait.reason == "misconfigured";
        if misconfigured && wait.key != key.to_hex() {
            // Another client's refusal says nothing about this one.
            return None;
        }
        // The wall clock may have jumped since it was written; what was first seen on the monotonic clock caps it.
        let by_wall = UnixTime::from_millis(wait.at).since(now.wall).min(LONGEST_ASKED);
        let by_mono =
            self.seen.filter(|seen| seen.at == wait.at).map_or(by_wall, |seen| seen.due.saturating_sub(now.mono));
        let left = by_wall.min(by_mono);
        (!left.is_zero()).then(|| (now.mono.saturating_add(left), wait.error(left)))
    }

    /// Notes when a written-down wait was first seen.
    pub(super) fn see_wait(&mut self, now: Now) {
        let at = self.view.journal.state.not_before.as_ref().map(|wait| wait.at);
        if at != self.seen.map(|seen| seen.at) {
            self.seen = at.map(|at| {
                let left = UnixTime::from_millis(at).since(now.wall).min(LONGEST_ASKED);
                Seen { at, due: now.mono.saturating_add(left) }
            });
        }
    }
}
