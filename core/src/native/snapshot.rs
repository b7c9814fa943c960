//! The token that may be handed out without asking anybody, shown by the driver and read by every caller.

use std::{
    cell::RefCell,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread_local,
    time::Duration,
    vec::Vec,
};

use crate::{AccessToken, Current, Now, UnixTime};

/// What the driver shows and callers read.
///
/// A read takes no lock, makes no system call and allocates nothing: each thread keeps the last snapshot it saw and
/// compares one number. Only the first read after a change goes to the mutex. A thread that never asks again keeps the
/// last token it saw until it ends. (Measured beside a read-write lock and
/// the crate `arc-swap`: as fast as either alone, and the fastest of the three when eight threads read at once.)
pub(super) struct Board {
    id: u64,
    /// Counts the changes of `shown`. Written under its lock.
    generation: AtomicU64,
    shown: Mutex<Shown>,
    /// The second of the last use on the monotonic clock, plus one; 0 before the first.
    used: AtomicU64,
    /// Whether a refresh token is on its way.
    busy: AtomicBool,
    ended: AtomicBool,
}

/// A token to hand out.
pub(super) enum Serve {
    /// It will do.
    Fresh(AccessToken),
    /// It works, but ends soon. `first` is said once per snapshot and second: that caller has the driver told.
    Early { token: AccessToken, first: bool },
}

impl Board {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            generation: AtomicU64::new(0),
            shown: Mutex::default(),
            used: AtomicU64::new(0),
            busy: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        }
    }

    /// Returns the number of this board, which no other one has. Not 0.
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// Returns the token on show if it has `min_ttl` left on both clocks.
    ///
    /// The wall clock, which jumps when somebody sets it or opens a lid, is read once a second at most.
    #[inline]
    pub(super) fn serve(&self, mono: Duration, wall: impl Fn() -> UnixTime, min_ttl: Duration) -> Option<Serve> {
        let cached = CACHE.try_with(|cache| {
            let mut cache = cache.try_borrow_mut().ok()?;
            let generation = self.generation.load(Ordering::Acquire);
            match cache.iter().find(|seen| seen.board == self.id) {
                Some(seen) if seen.generation == generation => {}
                Some(_) | None => self.look_again(&mut cache),
            }
            let seen = cache.iter_mut().find(|seen| seen.board == self.id)?;
            Some(seen.serve(mono, &wall, min_ttl))
        });
        match cached {
            Ok(Some(serve)) => serve,
            // A thread that is ending has no cache any more.
            Ok(None) | Err(_) => self.shown().snapshot.as_ref()?.serve(Now { wall: wall(), mono }, min_ttl),
        }
    }

    #[cold]
    fn look_again(&self, cache: &mut Vec<Seen>) {
        let seen = {
            let shown = self.shown();
            let generation = self.generation.load(Ordering::Relaxed);
            Seen { board: self.id, generation, snapshot: shown.snapshot.clone(), fresh_until: Duration::ZERO }
        };
        cache.retain(|other| other.board != self.id);
        if cache.len() >= CACHED {
            cache.remove(0);
        }
        cache.push(seen);
    }

    /// Shows the driver's token, unless it is the one on show already or is barred, and whether a refresh token is on
    /// its way.
    pub(super) fn show(&self, current: Option<Current>, busy: bool) {
        self.busy.store(busy, Ordering::Relaxed);
        let mut shown = self.shown();
        let next = current.filter(|current| shown.barred.as_ref() != Some(&current.token)).map(Snapshot::new);
        match (&shown.snapshot, &next) {
            (None, None) => return,
            (Some(old), Some(new)) if old.is(new) => return,
            (Some(_) | None, Some(_) | None) => {}
        }
        let _old = std::mem::replace(&mut shown.snapshot, next.map(Arc::new));
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// Takes a refused token off the board, and keeps it off until the driver has heard of the refusal.
    pub(super) fn bar(&self, token: &AccessToken) {
        let mut shown = self.shown();
        if shown.snapshot.as_ref().is_some_and(|snapshot| snapshot.token == *token) {
            shown.barred = Some(token.clone());
            shown.snapshot = None;
            self.generation.fetch_add(1, Ordering::Release);
        }
    }

    /// Leaves it to the driver again whether that token is shown.
    pub(super) fn unbar(&self, token: &AccessToken) {
        let mut shown = self.shown();
        shown.barred.take_if(|barred| barred == token);
    }

    /// Notes a use; `true` for the first after a time in which the driver may have stopped to watch the store.
    #[inline]
    pub(super) fn touch(&self, mono: Duration) -> bool {
        let second = mono.as_secs() + 1;
        let last = self.used.load(Ordering::Relaxed);
        last != second && self.note_use(last, second)
    }

    #[cold]
    fn note_use(&self, last: u64, second: u64) -> bool {
        self.used.store(second, Ordering::Relaxed);
        // The driver watches longer than we trust it to: between the two nobody is forgotten.
        last == 0 || last + IDLE.as_secs() / 2 < second
    }

    /// Returns whether callers have used the source lately.
    pub(super) fn is_used(&self, now: Now) -> bool {
        let last = self.used.load(Ordering::Relaxed);
        last != 0 && last + IDLE.as_secs() > now.mono.as_secs()
    }

    /// Returns whether a refresh token is on its way.
    pub(super) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed)
    }

    /// Notes that the driver is gone. What is on show still works.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
        self.busy.store(false, Ordering::Relaxed);
    }

    /// Returns whether the driver is gone.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The time without a caller after which the driver stops to watch the store.
const IDLE: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Shown {
    snapshot: Option<Arc<Snapshot>>,
    barred: Option<AccessToken>,
}

/// A token and its two moments. An unknown moment never comes.
struct Snapshot {
    token: AccessToken,
    early_at: Now,
    ends_at: Now,
    /// The second in which the driver was last told that the early window is reached, plus one.
    told: AtomicU64,
}

impl Snapshot {
    fn new(current: Current) -> Self {
        const NEVER: Now = Now { wall: UnixTime::from_millis(u64::MAX), mono: Duration::MAX };
        Self {
            token: current.token,
            early_at: current.early_at.unwrap_or(NEVER),
            ends_at: current.ends_at.unwrap_or(NEVER),
            told: AtomicU64::new(0),
        }
    }

    fn is(&self, other: &Self) -> bool {
        self.token == other.token && self.early_at == other.early_at && self.ends_at == other.ends_at
    }

    #[inline]
    fn serve(&self, now: Now, min_ttl: Duration) -> Option<Serve> {
        let used = if min_ttl.is_zero() { now } else { now.after(min_ttl) };
        if !is_before(used, self.ends_at) {
            return None;
        }
        let token = self.token.clone();
        if is_before(now, self.early_at) {
            return Some(Serve::Fresh(token));
        }
        let second = now.mono.as_secs() + 1;
        let told = self.told.load(Ordering::Relaxed);
        let first =
            told != second && self.told.compare_exchange(told, second, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        Some(Serve::Early { token, first })
    }

    /// Returns until when the token is certainly fresh if the wall clock does not jump, on the monotonic one.
    fn fresh_until(&self, now: Now) -> Duration {
        let left = self.early_at.wall.since(now.wall).min(self.early_at.mono.saturating_sub(now.mono));
        now.mono.saturating_add(left.min(GLANCE))
    }
}

/// Returns whether both clocks are before `moment`.
#[inline]
fn is_before(now: Now, moment: Now) -> bool {
    now.wall < moment.wall && now.mono < moment.mono
}

/// What a thread saw last on one board.
struct Seen {
    board: u64,
    generation: u64,
    snapshot: Option<Arc<Snapshot>>,
    /// Until when the token is fresh without another look at the wall clock, on the monotonic one.
    fresh_until: Duration,
}

impl Seen {
    #[inline]
    fn serve(&mut self, mono: Duration, wall: impl Fn() -> UnixTime, min_ttl: Duration) -> Option<Serve> {
        let snapshot = self.snapshot.as_ref()?;
        if mono < self.fresh_until && min_ttl.is_zero() {
            return Some(Serve::Fresh(snapshot.token.clone()));
        }
        let now = Now { wall: wall(), mono };
        self.fresh_until = snapshot.fresh_until(now);
        snapshot.serve(now, min_ttl)
    }
}

/// The time after which the wall clock is read again.
const GLANCE: Duration = Duration::from_secs(1);

/// The boards a thread remembers.
const CACHED: usize = 8;

thread_local! {
    static CACHE: RefCell<Vec<Seen>> = const { RefCell::new(Vec::new()) };
}

#[cfg(test)]
mod tests {
    use std::{string::String, thread};

    use super::*;

    #[test]
    fn both_clocks_must_say_that_the_token_lasts() {
        let served = |wall, mono| served(&board(current(1)), at(wall, mono));

        assert_eq!(served(0, 0), Some("access-token-1 fresh".into()));
        assert_eq!(served(59, 0), Some("access-token-1 fresh".into()));
        assert_eq!(served(60, 0), Some("access-token-1 early".into()));
        assert_eq!(served(0, 61), Some("access-token-1 early".into()));
        assert_eq!(served(100, 0), None);
        assert_eq!(served(0, 100), None);
    }

    #[test]
    fn a_clock_that_jumps_is_seen_within_a_second() {
        let board = board(current(1));
        let millis = |wall, mono| Now { mono: at(0, 0).mono + Duration::from_millis(mono), ..at(wall, 0) };

        assert_eq!(served(&board, millis(0, 0)), Some("access-token-1 fresh".into()));
        assert_eq!(served(&board, millis(99, 999)), Some("access-token-1 fresh".into()));
        assert_eq!(served(&board, millis(99, 1000)), Some("access-token-1 early".into()));
        assert_eq!(served(&board, millis(100, 1001)), None);
    }

    #[test]
    fn the_early_window_is_not_overrun_by_what_is_left_of_a_second() {
        for (wall, mono) in [(59, 0), (0, 59)] {
            let board = board(current(1));

            assert_eq!(
                served(&board, at(wall, mono).after(Duration::from_millis(500))),
                Some("access-token-1 fresh".into())
            );
            assert_eq!(
                served(&board, at(wall, mono).after(Duration::from_millis(1200))),
                Some("access-token-1 early".into())
            );
        }
    }

    #[test]
    fn a_life_that_is_not_left_is_not_served() {
        let board = board(current(1));

        let served = |span| serve(&board, at(0, 0), Duration::from_secs(span)).is_some();

        assert!(served(99));
        assert!(!served(100));
    }

    #[test]
    fn an_unknown_expiry_is_served_for_ever() {
        let board = board(Current { early_at: None, ends_at: None, ..current(1) });

        assert_eq!(served(&board, at(u32::MAX.into(), u32::MAX.into())), Some("access-token-1 fresh".into()));
    }

    #[test]
    fn the_early_window_is_told_once_a_second() {
        let board = board(current(1));

        let told =
            |secs| matches!(serve(&board, at(secs, secs), Duration::ZERO), Some(Serve::Early { first: true, .. }));

        assert_eq!([told(60), told(60), told(61), told(61)], [true, false, true, false]);
    }

    #[test]
    fn a_thread_that_has_read_before_sees_the_next_token() {
        let board = board(current(1));
        assert_eq!(served(&board, at(0, 0)), Some("access-token-1 fresh".into()));

        thread::scope(|scope| scope.spawn(|| board.show(Some(current(2)), false)).join().unwrap());
        let next = served(&board, at(0, 0));
        board.show(None, false);

        assert_eq!(next, Some("access-token-2 fresh".into()));
        assert_eq!(served(&board, at(0, 0)), None);
    }

    #[test]
    fn more_boards_than_a_thread_remembers_are_told_apart() {
        let boards: Vec<_> = (0..20).map(|number| board(current(number))).collect();

        for _ in 0..2 {
            for (number, board) in boards.iter().enumerate() {
                assert_eq!(served(board, at(0, 0)), Some(std::format!("access-token-{number} fresh")));
            }
        }
    }

    #[test]
    fn a_refused_token_stays_off_until_the_driver_has_heard_of_it() {
        let board = board(current(1));
        let token = current(1).token;

        board.bar(&token);
        let barred = served(&board, at(0, 0));
        board.show(Some(Current { early_at: None, ..current(1) }), false);
        let still = served(&board, at(0, 0));
        board.unbar(&token);
        board.show(Some(current(1)), false);

        assert_eq!((barred, still), (None, None));
        assert_eq!(served(&board, at(0, 0)), Some("access-token-1 fresh".into()));
    }

    #[test]
    fn a_token_that_is_not_on_show_bars_nothing() {
        let board = board(current(2));

        board.bar(&current(1).token);

        assert_eq!(served(&board, at(0, 0)), Some("access-token-2 fresh".into()));
    }

    #[test]
    fn the_driver_is_woken_by_the_first_use_and_by_one_after_a_pause() {
        let board = Board::new();

        let woken = [0, 0, 1, 20, 60].map(|secs| board.touch(at(0, secs).mono));

        assert_eq!(woken, [true, false, false, false, true]);
        assert!(board.is_used(at(0, 100)));
        assert!(!board.is_used(at(0, 121)));
    }

    /// A token that is early after 60 s and ends after 100 s.
    fn current(number: u32) -> Current {
        let token = AccessToken::new(std::format!("access-token-{number}"), None);
        Current { token, early_at: Some(at(60, 60)), ends_at: Some(at(100, 100)) }
    }

    fn at(wall: u64, mono: u64) -> Now {
        Now { wall: UnixTime::from_secs(1_800_000_000 + wall), mono: Duration::from_secs(1000 + mono) }
    }

    fn board(current: Current) -> Board {
        let board = Board::new();
        board.show(Some(current), false);
        board
    }

    fn serve(board: &Board, now: Now, min_ttl: Duration) -> Option<Serve> {
        board.serve(now.mono, || now.wall, min_ttl)
    }

    fn served(board: &Board, now: Now) -> Option<String> {
        Some(match serve(board, now, Duration::ZERO)? {
            Serve::Fresh(token) => std::format!("{} fresh", token.expose()),
            Serve::Early { token, .. } => std::format!("{} early", token.expose()),
        })
    }
}
