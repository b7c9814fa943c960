//! What the system gives only through C: word of a fork, of the process's end, and clocks that cost nothing.
//!
//! The only file with `unsafe`.

use core::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::{
    os::fd::RawFd,
    sync::{Once, OnceLock},
    time::Duration,
};

use rustix::time::{ClockId, Timespec, clock_gettime};

use crate::{Now, UnixTime};

/// Returns how many forks lie between the process that first called [`watch_forks`] and this one. One relaxed load.
#[inline]
pub(crate) fn fork_generation() -> u64 {
    GENERATION.load(Ordering::Relaxed)
}

/// Begins to count forks. Later calls do nothing.
pub(crate) fn watch_forks() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        #[expect(unsafe_code, reason = "word of a fork comes through C only")]
        // SAFETY: `in_child` is a plain function that lives as long as the program and does nothing but atomic stores
        // and `close`, which POSIX allows between fork and exec.
        let code = unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
        // It fails only when memory is exhausted. Then a forked child is not told apart, as in any other library.
        debug_assert_eq!(code, 0, "pthread_atfork failed");
    });
}

/// Calls `hook` when the process ends in good order. The first hook counts, later ones are dropped. A forked child
/// that ends calls it too.
pub(crate) fn at_exit(hook: fn()) {
    if HOOK.set(hook).is_err() {
        return;
    }
    #[expect(unsafe_code, reason = "word of the end comes through C only")]
    // SAFETY: `at_end` is a plain function that lives as long as the program and lets no panic out.
    let code = unsafe { libc::atexit(at_end) };
    debug_assert_eq!(code, 0, "atexit failed");
}

/// Returns the monotonic clock, up to 4 ms behind, for about 6 ns.
#[inline]
pub(crate) fn coarse_mono() -> Duration {
    #[cfg(target_os = "linux")]
    return span(clock_gettime(ClockId::MonotonicCoarse));
    #[cfg(not(target_os = "linux"))]
    return span(clock_gettime(ClockId::Monotonic));
}

/// Returns the wall clock, up to 4 ms behind.
pub(crate) fn coarse_wall() -> UnixTime {
    #[cfg(target_os = "linux")]
    return moment(clock_gettime(ClockId::RealtimeCoarse));
    #[cfg(not(target_os = "linux"))]
    return moment(clock_gettime(ClockId::Realtime));
}

/// Returns both clocks. The monotonic one counts from the same start as [`coarse_mono`].
pub(crate) fn now() -> Now {
    Now { wall: moment(clock_gettime(ClockId::Realtime)), mono: span(clock_gettime(ClockId::Monotonic)) }
}

/// Returns the user whose rights this process has; 0 is root.
pub(super) fn effective_user() -> u32 {
    #[expect(unsafe_code, reason = "the standard library does not tell")]
    // SAFETY: takes nothing, cannot fail and touches no memory of ours.
    unsafe {
        libc::geteuid()
    }
}

/// Returns whether this process ignores a signal, as `nohup` and shells leave it to what they start.
#[cfg(feature = "cli")]
pub(crate) fn is_ignored(signal: i32) -> bool {
    #[expect(unsafe_code, reason = "the standard library does not tell")]
    // SAFETY: without a new action nothing changes. `old` is a plain structure of C, for which zeros are a value, and
    // it outlives the call.
    unsafe {
        let mut old: libc::sigaction = core::mem::zeroed();
        libc::sigaction(signal, core::ptr::null(), &raw mut old) == 0 && old.sa_sigaction == libc::SIG_IGN
    }
}

/// Has `fd` closed in every child that is forked from now on; `false` if there is no room to remember it.
///
/// A child that inherits a lock must neither keep it (the parent could never give it up by dying) nor unlock it (that
/// would release the parent's).
pub(super) fn close_in_children(fd: RawFd) -> bool {
    CLOSED_IN_CHILDREN.iter().any(|slot| slot.compare_exchange(NO_FD, fd, Ordering::AcqRel, Ordering::Relaxed).is_ok())
}

/// Takes back [`close_in_children`]. To be called before `fd` is closed: its number is free for anybody then.
pub(super) fn keep_in_children(fd: RawFd) {
    for slot in &CLOSED_IN_CHILDREN {
        if slot.compare_exchange(fd, NO_FD, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            return;
        }
    }
}

extern "C" fn in_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    for slot in &CLOSED_IN_CHILDREN {
        let fd = slot.swap(NO_FD, Ordering::Relaxed);
        if fd != NO_FD {
            #[expect(unsafe_code, reason = "between fork and exec nothing but a bare close is allowed")]
            // SAFETY: the number belongs to a lock's file, which unregisters before it closes. In this process nobody
            // else closes it: a lock that is dropped in another generation leaves its file alone (`lock::Locked`).
            unsafe {
                libc::close(fd);
            }
        }
    }
}

extern "C" fn at_end() {
    if let Some(hook) = HOOK.get() {
        // A panic must not unwind into C. There is nobody left to tell.
        drop(std::panic::catch_unwind(hook));
    }
}

fn moment(time: Timespec) -> UnixTime {
    UnixTime::from_millis(u64::try_from(span(time).as_millis()).unwrap_or(u64::MAX))
}

/// A clock set before 1970 reads 1970.
fn span(time: Timespec) -> Duration {
    let nanos = u32::try_from(time.tv_nsec).unwrap_or(0);
    u64::try_from(time.tv_sec).map_or(Duration::ZERO, |secs| Duration::new(secs, nanos))
}

static GENERATION: AtomicU64 = AtomicU64::new(0);
static HOOK: OnceLock<fn()> = OnceLock::new();

/// Two for each store whose lock this process holds at the same time.
static CLOSED_IN_CHILDREN: [AtomicI32; 256] = [const { AtomicI32::new(NO_FD) }; 256];
const NO_FD: RawFd = -1;

/// Runs `check` in a forked child and returns what it said; `None` if it did not come to say anything.
#[cfg(test)]
pub(super) fn in_forked_child(check: impl FnOnce() -> bool) -> Option<bool> {
    watch_forks();
    #[expect(unsafe_code, reason = "a real fork is what is tested")]
    // SAFETY: the child runs `check`, which takes no lock that another thread may have held, and ends by `_exit`.
    // glibc keeps its allocator usable in the child.
    unsafe {
        match libc::fork() {
            -1 => None,
            0 => {
                let said = std::panic::catch_unwind(std::panic::AssertUnwindSafe(check));
                libc::_exit(said.map_or(2, i32::from));
            }
            child => {
                let mut status = 0;
                let ended = libc::waitpid(child, &raw mut status, 0) == child && libc::WIFEXITED(status);
                match libc::WEXITSTATUS(status) {
                    1 if ended => Some(true),
                    0 if ended => Some(false),
                    _ => None,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::File, os::fd::AsRawFd};

    use super::*;

    #[test]
    fn child_is_one_generation_further_and_parent_stays() {
        watch_forks();
        let before = fork_generation();

        let counted = in_forked_child(|| fork_generation() == before + 1);

        assert_eq!(counted, Some(true));
        assert_eq!(fork_generation(), before);
    }

    #[test]
    fn child_finds_a_registered_file_closed_and_an_unregistered_one_open() {
        let (kept, closed) = (File::open("/dev/null").unwrap(), File::open("/dev/null").unwrap());
        assert!(close_in_children(kept.as_raw_fd()));
        assert!(close_in_children(closed.as_raw_fd()));
        keep_in_children(kept.as_raw_fd());

        let told = in_forked_child(|| {
            let told = kept.metadata().is_ok() && closed.metadata().is_err();
            std::mem::forget((kept.try_clone(), told));
            told
        });

        assert_eq!(told, Some(true));
        assert!(closed.metadata().is_ok());
        keep_in_children(closed.as_raw_fd());
    }

    #[test]
    fn coarse_clocks_are_close_behind_the_precise_ones() {
        let coarse = Now { wall: coarse_wall(), mono: coarse_mono() };
        let precise = now();

        assert!(precise.mono >= coarse.mono);
        assert!(precise.mono - coarse.mono < Duration::from_secs(1));
        assert!(precise.wall.since(coarse.wall) < Duration::from_secs(1));
        assert!(precise.wall > UnixTime::from_secs(1_700_000_000));
    }
}
