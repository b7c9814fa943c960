//! Keeps tokens out of the application's log.
//!
//! At its finest level ureq logs every byte of a request and of the answer, and has no switch for that. The `log` crate
//! has one, for the whole process: while a request is under way the log takes nothing finer than `debug`.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use log::LevelFilter;

/// The log is held back as long as one of these lives.
#[derive(Debug)]
pub(super) struct Quiet(());

static REQUESTS: AtomicUsize = AtomicUsize::new(0);
/// Whether it was us who lowered the level.
static LOWERED: AtomicBool = AtomicBool::new(false);

impl Quiet {
    pub(super) fn begin() -> Self {
        REQUESTS.fetch_add(1, Ordering::SeqCst);
        lower();
        Self(())
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let is_last = REQUESTS.fetch_sub(1, Ordering::SeqCst) == 1;
        // An application that changed the level in the meantime has its way.
        if is_last && LOWERED.swap(false, Ordering::SeqCst) && log::max_level() == LevelFilter::Debug {
            log::set_max_level(LevelFilter::Trace);
            if REQUESTS.load(Ordering::SeqCst) > 0 {
                // The next request began just now, and found nothing to lower.
                lower();
            }
        }
    }
}

fn lower() {
    if log::max_level() == LevelFilter::Trace {
        LOWERED.store(true, Ordering::SeqCst);
        log::set_max_level(LevelFilter::Debug);
    }
}
