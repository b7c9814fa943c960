//! Ctrl-C, SIGTERM and a terminal that goes away: the first signal is noted, the second one ends the process.

use std::{
    io,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    flag,
};

use super::exit::Failure;
use crate::{TokenSource, native::is_ignored};

/// What signals have come.
#[derive(Clone, Debug)]
pub(super) struct Interrupts(Arc<AtomicUsize>);

const SIGNALS: [(i32, i32); 3] = [(SIGINT, 130), (SIGTERM, 143), (SIGHUP, 129)];
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// One of each in a process: a signal that comes between two pieces of work is not lost.
static NOTED: OnceLock<Interrupts> = OnceLock::new();
static ARMED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

impl Interrupts {
    /// Notes signals instead of ending at them.
    pub(super) fn note() -> io::Result<Self> {
        if let Some(noted) = NOTED.get() {
            return Ok(noted.clone());
        }
        let code = Arc::new(AtomicUsize::new(0));
        for (signal, exit) in heard() {
            flag::register_usize(signal, Arc::clone(&code), usize::try_from(exit).unwrap_or(1))?;
        }
        Ok(NOTED.get_or_init(|| Self(code)).clone())
    }

    /// Notes the first signal and ends the process at the second.
    pub(super) fn note_first() -> io::Result<Self> {
        if ARMED.get().is_none() {
            let armed = Arc::new(AtomicBool::new(false));
            for (signal, exit) in heard() {
                // The order counts: the first signal finds the switch open and closes it.
                flag::register_conditional_shutdown(signal, exit, Arc::clone(&armed))?;
                flag::register(signal, Arc::clone(&armed))?;
            }
            let _first = ARMED.set(armed);
        }
        Self::note()
    }

    /// Forgets what an earlier command in this process was sent.
    pub(super) fn forget() {
        if let Some(Self(code)) = NOTED.get() {
            code.store(0, Ordering::SeqCst);
        }
        if let Some(armed) = ARMED.get() {
            armed.store(false, Ordering::SeqCst);
        }
    }

    /// Returns the failure to end with, if a signal has come.
    pub(super) fn check(&self) -> Result<(), Failure> {
        match self.0.load(Ordering::SeqCst) {
            0 => Ok(()),
            code => Err(Failure::Interrupted(i32::try_from(code).unwrap_or(1))),
        }
    }

    /// Does the work on another thread and returns its result, or fails at a signal: then the source is closed first,
    /// which waits for a refresh token that is on its way (promise P3).
    pub(super) fn during<T: Send + 'static>(
        &self,
        source: &TokenSource,
        work: impl FnOnce(&TokenSource) -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let (done, outcome) = mpsc::channel();
        let worker = source.clone();
        thread::Builder::new().name("command".into()).spawn(move || done.send(work(&worker)))?;
        loop {
            match outcome.recv_timeout(LOOK_EVERY) {
                Ok(value) => return Ok(value),
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    if let Err(failure) = self.check() {
                        source.close();
                        return Err(failure);
                    }
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    return Err(Failure::Io(io::Error::other("the command's own thread has ended")));
                }
            }
        }
    }
}

/// Returns the signals that we are to hear: whoever started us with one ignored (`nohup`, `trap '' TERM`, a shell's
/// `&`) wants us to go on.
fn heard() -> impl Iterator<Item = (i32, i32)> {
    SIGNALS.into_iter().filter(|(signal, _)| !is_ignored(*signal))
}
