//! How long a token may be handed out, and from when on a new one is fetched early.

use core::time::Duration;

use crate::{AccessToken, Now, UnixTime};

/// The life below which a token is not handed out: it would end on its way. Half the lifetime where that is less: the
/// first half of a token's life is always good for something, and rotations stay half a lifetime apart.
const LEAST_LIFE: Duration = Duration::from_secs(2);

/// A token younger than this is not replaced because a server refused it: it was not the expiry.
pub(crate) const BELIEVED_AFTER: Duration = Duration::from_secs(60);

/// A process that may exit begins no early refresh while this much life remains.
const EXITING: Duration = Duration::from_secs(60);

/// The access token in hand and its times.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) token: AccessToken,
    /// When its answer was received, as far as is known.
    pub(crate) issued_at: Option<UnixTime>,
    /// The monotonic clock when this process received it; `None` if another one did.
    pub(crate) received: Option<Duration>,
    /// The time from receipt to the end; `None` if the server did not say.
    pub(crate) lifetime: Option<Duration>,
    /// The part of the life at its end in which a new token is fetched early.
    pub(crate) early: Duration,
}

impl Held {
    /// Takes a token in hand. `dice` are 16 bits of jitter.
    pub(crate) fn new(
        token: AccessToken,
        issued_at: Option<UnixTime>,
        now: Now,
        received_here: bool,
        resident: bool,
        dice: u16,
    ) -> Self {
        // A store of another tool may not tell when the token was issued: what is seen of its life is its life.
        let start = issued_at.filter(|at| token.expires_at().is_none_or(|end| *at <= end)).unwrap_or(now.wall);
        let lifetime = token.expires_at().map(|end| end.since(start));
        let early = lifetime.map_or(Duration::ZERO, |lifetime| early_window(lifetime, resident, dice));
        Self { token, issued_at, received: received_here.then_some(now.mono), lifetime, early }
    }

    /// Returns the life that is left: in the process that received the token, on the clock that says less.
    /// `None` if the server did not say.
    pub(crate) fn life(&self, now: Now) -> Option<Duration> {
        let by_wall = self.token.expires_at()?.since(now.wall);
        let by_mono = match (self.received, self.lifetime) {
            (Some(received), Some(lifetime)) => received.saturating_add(lifetime).saturating_sub(now.mono),
            (Some(_) | None, None) | (None, Some(_)) => Duration::MAX,
        };
        Some(by_wall.min(by_mono))
    }

    /// Returns whether the token may be handed out to who wants `min_ttl` of life. One of unknown life has all there is.
    pub(crate) fn serves(&self, now: Now, min_ttl: Duration) -> bool {
        let least = self.least_life().max(min_ttl);
        self.life(now).is_none_or(|life| life >= least && !life.is_zero())
    }

    /// Returns whether the token has ended. One shorter than any that is handed out from stock never has: the next would be
    /// no longer.
    pub(crate) fn has_ended(&self, now: Now) -> bool {
        let short = self.lifetime.is_some_and(|lifetime| lifetime < LEAST_LIFE);
        !short && self.life(now).is_some_and(|life| life.is_zero())
    }

    /// Returns the life below which the token is not handed out.
    pub(crate) fn least_life(&self) -> Duration {
        self.lifetime.map_or(LEAST_LIFE, |lifetime| LEAST_LIFE.min(lifetime / 2))
    }

    /// Returns whether a new token should be fetched although this one works.
    pub(crate) fn is_early(&self, now: Now) -> bool {
        self.life(now).is_some_and(|life| life <= self.early)
    }

    /// Returns the moment on both clocks when `life` is left, `None` if the server did not say.
    pub(crate) fn moment(&self, life: Duration) -> Option<Now> {
        let wall =
            UnixTime::from_millis(self.token.expires_at()?.as_millis().saturating_sub(crate::clock::millis(life)));
        let mono = match (self.received, self.lifetime) {
            (Some(received), Some(lifetime)) => received.saturating_add(lifetime).saturating_sub(life),
            (Some(_) | None, None) | (None, Some(_)) => Duration::MAX,
        };
        Some(Now { wall, mono })
    }

    /// Returns the time since the token was issued; `None` if that is unknown.
    pub(crate) fn age(&self, now: Now) -> Option<Duration> {
        match (self.received, self.issued_at) {
            (Some(received), _) => Some(now.mono.saturating_sub(received)),
            (None, Some(issued_at)) => Some(now.wall.since(issued_at)),
            (None, None) => None,
        }
    }

    /// Returns the time that two rotations are apart at least: min(30 s, half the lifetime).
    pub(crate) fn calm(&self) -> Duration {
        let calm = Duration::from_secs(30);
        self.lifetime.map_or(calm, |lifetime| calm.min(lifetime / 2))
    }
}

/// Returns min(max(5 min, 10 % of the lifetime) + jitter, half the lifetime), jitter up to min(30 s, 10 %).
pub(crate) fn early_window(lifetime: Duration, resident: bool, dice: u16) -> Duration {
    let tenth = lifetime / 10;
    let jitter = tenth.min(Duration::from_secs(30)).saturating_mul(u32::from(dice)) / 65_535;
    let window = Duration::from_secs(300).max(tenth).saturating_add(jitter).min(lifetime / 2);
    if resident { window } else { window.min(EXITING) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: u16 = u16::MAX;

    fn at(secs: u64) -> Now {
        Now { wall: UnixTime::from_secs(1000 + secs), mono: Duration::from_secs(secs) }
    }

    fn held(lifetime: Option<u64>, received_here: bool) -> Held {
        let token = AccessToken::new("access-token-1", lifetime.map(|secs| at(secs).wall));
        Held::new(token, Some(at(0).wall), at(0), received_here, true, 0)
    }

    #[test]
    fn the_early_window_is_the_one_of_the_table() {
        let window = |secs, dice| early_window(Duration::from_secs(secs), true, dice);

        assert_eq!(window(3, MAX), Duration::from_millis(1500));
        assert_eq!(window(60, 0), Duration::from_secs(30));
        assert_eq!(window(3600, 0), Duration::from_secs(360));
        assert_eq!(window(3600, MAX), Duration::from_secs(390));
        assert_eq!(window(28_800, 0), Duration::from_secs(2880));
        assert_eq!(window(700, 0), Duration::from_secs(300));
    }

    #[test]
    fn a_process_that_may_exit_refreshes_in_the_last_minute() {
        assert_eq!(early_window(Duration::from_secs(3600), false, MAX), Duration::from_secs(60));
        assert_eq!(early_window(Duration::from_secs(60), false, 0), Duration::from_secs(30));
    }

    #[test]
    fn the_clock_that_says_less_counts_where_the_token_was_received() {
        let wall_back = Now { wall: UnixTime::from_secs(0), mono: Duration::from_secs(50) };

        assert_eq!(held(Some(60), true).life(wall_back), Some(Duration::from_secs(10)));
        assert_eq!(held(Some(60), false).life(at(50)), Some(Duration::from_secs(10)));
    }

    #[test]
    fn a_token_of_unknown_life_works_and_is_never_early() {
        let held = held(None, true);

        assert!(held.serves(at(1_000_000), Duration::from_secs(3600)));
        assert!(!held.is_early(at(1_000_000)));
    }

    #[test]
    fn a_store_that_does_not_tell_the_issue_is_judged_by_what_is_left() {
        let token = AccessToken::new("access-token-1", Some(at(60).wall));

        let held = Held::new(token, None, at(0), false, true, 0);

        assert_eq!(held.early, Duration::from_secs(30));
    }

    #[test]
    fn a_token_is_handed_out_until_two_seconds_or_half_its_life_are_left() {
        let serves = |lifetime, secs: u64| held(Some(lifetime), true).serves(at(secs), Duration::ZERO);

        assert!(serves(60, 58) && !serves(60, 59));
        assert!(serves(2, 1) && !serves(2, 2));
        assert!(!serves(0, 0), "a token that ended at once serves nobody");
    }

    #[test]
    fn a_token_has_ended_at_its_end_unless_the_next_would_be_no_longer() {
        let has_ended = |lifetime, secs: u64| held(Some(lifetime), true).has_ended(at(secs));

        assert!(!has_ended(60, 59) && has_ended(60, 60));
        assert!(!has_ended(1, 1) && has_ended(2, 2));
        assert!(!held(None, true).has_ended(at(1_000_000)));
    }

    #[test]
    fn rotations_are_half_a_lifetime_apart_and_thirty_seconds_at_most() {
        assert_eq!(held(Some(10), true).calm(), Duration::from_secs(5));
        assert_eq!(held(Some(3600), true).calm(), Duration::from_secs(30));
    }
}
