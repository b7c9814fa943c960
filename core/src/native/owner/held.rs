//! Holding an owner's locks: all or none, kept alive while ours is held, given back before it.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    thread,
    time::Duration,
    vec::Vec,
};

use super::{
    directory::{Directory, look, remove_abandoned},
    record::{Line, Record},
    watch::Watch,
};
use crate::{
    FaultKind, StoreFault,
    native::{
        fault::{fault, named},
        place::Place,
        sys,
    },
};

/// The lock directories of an owner, in its order.
#[derive(Clone, Debug)]
pub(super) struct Names {
    /// Held from before the store is read until after it is written.
    pub(super) refresh: Vec<PathBuf>,
    /// The time after which the owner takes over one that is not touched.
    pub(super) refresh_stale: Duration,
    /// Held around each write, inside the others.
    pub(super) write: Vec<PathBuf>,
    pub(super) write_stale: Duration,
}

/// An owner's locks, as long as this is not dropped. A thread touches them.
///
/// A forked child has no such thread, and leaves the directories alone.
#[derive(Debug)]
pub(in crate::native) struct OwnerHold {
    locks: Arc<Mutex<Locks>>,
    generation: u64,
    /// Ends the thread when it is dropped.
    _beating: Sender<()>,
}

/// The lock around one write.
#[derive(Debug)]
#[must_use = "the lock is given back at once"]
pub(in crate::native) struct WriteLock<'a>(&'a OwnerHold);

/// The time between two touches. Claude Code touches its own every five seconds.
const BEAT: Duration = Duration::from_secs(3);

/// The time between two tries for the lock around a write, which its owner holds for milliseconds.
const PAUSE: Duration = Duration::from_millis(5);

/// The stack of the thread that touches.
const STACK: usize = 256 * 1024;

/// The time after which somebody who lives and never gives it back is told of.
const WRITE_PATIENCE: Duration = Duration::from_secs(20);

impl OwnerHold {
    /// Keeps locks that were taken alive.
    pub(super) fn new(locks: Locks) -> Result<Self, StoreFault> {
        Self::beating(locks, BEAT)
    }

    pub(super) fn beating(locks: Locks, every: Duration) -> Result<Self, StoreFault> {
        let (beating, stop) = channel::<()>();
        // Made first: where there is no thread to be had, dropping it gives the directories back.
        let hold = Self { locks: Arc::new(Mutex::new(locks)), generation: sys::fork_generation(), _beating: beating };
        let locks = Arc::clone(&hold.locks);
        let beat = move || {
            while stop.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                // One that cannot be touched is told of by the next check.
                drop(lock(&locks).touch());
            }
        };
        match thread::Builder::new().name("tokenward-lock".into()).stack_size(STACK).spawn(beat) {
            Ok(_) => Ok(hold),
            Err(error) => {
                let first = lock(&hold.locks).names.refresh.first().cloned().unwrap_or_default();
                Err(fault("start a thread that touches", &first, &error))
            }
        }
    }

    /// Fails if one of the locks is not ours any more. From here on nobody takes them over for the owner's stale time.
    pub(in crate::native) fn check(&self) -> Result<(), StoreFault> {
        lock(&self.locks).check()
    }

    /// Takes the lock around one write, and checks the others last.
    ///
    /// This waits though our lock is held. The refresh token in the store may be spent already: if the locks were given
    /// back now, the owner would send it again.
    pub(in crate::native) fn lock_write(&self) -> Result<WriteLock<'_>, StoreFault> {
        self.lock_write_by(sys::now().mono, || {
            thread::sleep(PAUSE);
            sys::now().mono
        })
    }

    /// `wait` lets time pass and returns the monotonic clock.
    pub(super) fn lock_write_by(
        &self,
        begin: Duration,
        mut wait: impl FnMut() -> Duration,
    ) -> Result<WriteLock<'_>, StoreFault> {
        let (mut watch, mut now) = (Watch::default(), begin);
        while !lock(&self.locks).take_write(&mut watch, now)? {
            if now.saturating_sub(begin) > WRITE_PATIENCE {
                let first = lock(&self.locks).names.write.first().cloned().unwrap_or_default();
                return Err(named(FaultKind::Other, "take", &first, "somebody else never gives it back"));
            }
            now = wait();
        }
        let taken = WriteLock(self);
        self.check()?;
        Ok(taken)
    }
}

impl Drop for OwnerHold {
    fn drop(&mut self) {
        // A child has a copy of all this; the directories are its parent's, and so is the mutex.
        if self.generation == sys::fork_generation() {
            lock(&self.locks).give_back(0);
        }
    }
}

impl Drop for WriteLock<'_> {
    fn drop(&mut self) {
        if self.0.generation == sys::fork_generation() {
            let mut locks = lock(&self.0.locks);
            let refresh = locks.names.refresh.len();
            locks.give_back(refresh);
        }
    }
}

/// The directories that are ours now.
#[derive(Debug)]
pub(super) struct Locks {
    names: Names,
    held: Vec<Held>,
    record: Record,
}

/// A directory and its number in the owner's order.
type Held = (usize, Directory);

impl Locks {
    pub(super) fn new(names: Names, place: &Place) -> Self {
        Self { names, held: Vec::new(), record: Record::open(place) }
    }

    /// Takes in what the last process of ours left: its directories are removed, for our lock was free and so it is dead;
    /// what it saw of other people's is seen on.
    pub(super) fn take_in_record(&self, watch: &mut Watch) {
        let names: Vec<_> = self.names.numbered().collect();
        for line in self.record.lines() {
            let (Line::Held(number, identity) | Line::Seen(number, identity, _)) = line;
            let Some((_, path)) = names.get(number) else { continue };
            match line {
                Line::Seen(_, _, since) => watch.learn(path, identity, since),
                // One that stays is contended, and has to be seen standing still.
                Line::Held(..) if matches!(look(path), Ok(Some(found)) if found == identity) => {
                    drop(remove_abandoned(path, identity));
                }
                Line::Held(..) => {}
            }
        }
    }

    /// Leaves what was seen of other people's locks for the next process: many end before they have seen enough.
    pub(super) fn leave_record(&mut self, watch: &Watch) {
        let names: Vec<_> = self.names.numbered().take(self.names.refresh.len()).collect();
        let seen = |(number, path): &(usize, PathBuf)| {
            watch.seen(path).map(|(identity, since)| Line::Seen(*number, identity, since))
        };
        self.record.write(names.iter().filter_map(seen));
    }

    /// Takes the locks around a refresh; `false` if somebody else has one of them.
    pub(super) fn take_refresh(&mut self, watch: &mut Watch, now: Duration) -> Result<bool, StoreFault> {
        let wanted: Vec<_> = self.names.numbered().take(self.names.refresh.len()).collect();
        self.take(&wanted, self.names.refresh_stale, watch, now)
    }

    fn take_write(&mut self, watch: &mut Watch, now: Duration) -> Result<bool, StoreFault> {
        let wanted: Vec<_> = self.names.numbered().skip(self.names.refresh.len()).collect();
        self.take(&wanted, self.names.write_stale, watch, now)
    }

    fn take(
        &mut self,
        wanted: &[(usize, PathBuf)],
        stale: Duration,
        watch: &mut Watch,
        now: Duration,
    ) -> Result<bool, StoreFault> {
        // Looked at first: a try every millisecond must not make and remove directories. All of them, so that each is
        // seen standing still from the first try on.
        let mut free = true;
        for (_, path) in wanted {
            free &= is_free(path, stale, watch, now).map_err(|error| fault("take", path, &error))?;
        }
        let before = self.held.len();
        let taken = if free { self.make_each(wanted) } else { Ok(false) };
        if taken != Ok(true) {
            // As the owner does it: whoever has the second and wants the first must not wait for us.
            self.give_back(before);
        }
        taken
    }

    fn make_each(&mut self, wanted: &[(usize, PathBuf)]) -> Result<bool, StoreFault> {
        for (number, path) in wanted {
            moment("before a lock of the owner's is taken");
            match Directory::make(path).map_err(|error| fault("take", path, &error))? {
                Some(directory) => self.held.push((*number, directory)),
                None => return Ok(false),
            }
            drop(self.touch());
        }
        Ok(true)
    }

    /// Touches all of them, and notes what they are known by since. Returns the first that cannot be touched.
    fn touch(&mut self) -> Option<StoreFault> {
        let (mut touched, mut first) = (Vec::new(), None);
        for (number, directory) in &self.held {
            match directory.touch() {
                Ok(identity) => touched.push(Line::Held(*number, identity)),
                Err(error) => first = first.or_else(|| Some(fault("touch", directory.path(), &error))),
            }
        }
        self.record.write(touched.into_iter());
        first
    }

    fn check(&mut self) -> Result<(), StoreFault> {
        if let Some(untouched) = self.touch() {
            return Err(untouched);
        }
        match self.held.iter().find(|(_, directory)| !directory.is_ours()) {
            None => Ok(()),
            Some((_, lost)) => {
                let why = "somebody took it over while this process stood still";
                Err(named(FaultKind::Other, "rely on", lost.path(), why))
            }
        }
    }

    /// Gives locks back, the last one first, until `left` are left.
    fn give_back(&mut self, left: usize) {
        if self.held.len() <= left {
            return;
        }
        while self.held.len() > left
            && let Some((_, directory)) = self.held.pop()
        {
            directory.remove();
        }
        drop(self.touch());
    }
}

impl Names {
    fn numbered(&self) -> impl Iterator<Item = (usize, PathBuf)> {
        self.refresh.iter().chain(&self.write).cloned().enumerate()
    }
}

/// Returns whether nobody has a lock. One that is abandoned is removed.
fn is_free(path: &Path, stale: Duration, watch: &mut Watch, now: Duration) -> io::Result<bool> {
    match look(path)? {
        None => {
            watch.is_free(path);
            Ok(true)
        }
        Some(found) if watch.is_abandoned(path, found, now, stale) => remove_abandoned(path, found),
        Some(_) => Ok(false),
    }
}

fn lock(locks: &Mutex<Locks>) -> MutexGuard<'_, Locks> {
    // Whoever panicked did it between two operations of the system: the directories say what is true.
    locks.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A point in time at which a test lets somebody else act.
fn moment(_name: &'static str) {
    #[cfg(test)]
    crate::native::commit::moments::reach(_name);
}
