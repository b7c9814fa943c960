//! The callers' side of a driver: how to speak to it, whether it runs on a thread or lies still.

use std::{
    boxed::Box,
    cell::Cell,
    io,
    string::ToString,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc::{Sender, SyncSender, channel, sync_channel},
    },
    thread, thread_local,
    time::Duration,
};

use super::{
    doors::Doors,
    driver::Driver,
    message::Message,
    slot::{Slot, slot},
    snapshot::Board,
    store::{Store, Transport},
    sys,
    waiting::{Asker, Outcome},
};
use crate::{Config, Input, TokenError, Trouble, Waiter, Want};

/// One driver and the way to it.
pub(super) struct Link {
    pub(super) board: Arc<Board>,
    pub(super) resident: bool,
    /// The sources that are not closed. The last one to leave closes the link.
    shares: AtomicUsize,
    numbers: AtomicU64,
    stay: Duration,
    driver: Sender<Message>,
    /// The driver while it lies still. Whoever takes it out drives it; all others leave their message with `driver`.
    still: Mutex<Option<Box<Driver>>>,
}

/// The time a driver gets to end when no refresh token is on its way.
const GRACE: Duration = Duration::from_millis(500);

impl Link {
    /// Returns a link for one source. Nothing is read and no thread is started.
    pub(super) fn new(config: Config, store: Arc<dyn Store>, transport: Arc<dyn Transport>) -> Self {
        let (driver, messages) = channel();
        let board = Arc::new(Board::new());
        let resident = config.resident;
        let stay = config.timeout.saturating_add(Duration::from_secs(5));
        let doors = Doors::new(store, transport, driver.clone());
        let still = Driver::new(config, Arc::clone(&board), messages, doors);
        Self {
            board,
            resident,
            shares: AtomicUsize::new(1),
            numbers: AtomicU64::new(1),
            stay,
            driver,
            still: Mutex::new(Some(Box::new(still))),
        }
    }

    /// Counts another source; `false` if the link is closing or has ended.
    pub(super) fn enter(&self) -> bool {
        let more = |shares| if shares == 0 { None } else { Some(shares + 1) };
        !self.board.has_ended() && self.shares.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).is_ok()
    }

    /// Counts a source less; `true` if it was the last.
    pub(super) fn leave(&self) -> bool {
        self.shares.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Returns a number that nobody else on this link has.
    pub(super) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Puts a question to the driver, for a source, and returns where the answer will be.
    pub(super) fn ask(&self, share: u64, input: impl FnOnce(Waiter) -> Input) -> (Waiter, Slot<Outcome>) {
        let waiter = Waiter(self.number());
        let (fill, slot) = slot();
        self.send(Message::Ask(Asker { waiter, share, fill }, input(waiter)));
        (waiter, slot)
    }

    /// Tells the driver that somebody was served in the early window.
    pub(super) fn poke(&self) {
        self.send(Message::Tell(Input::Want(Want::new(Waiter(self.number())))));
    }

    /// Wakes the driver after a time in which it did not watch the store.
    pub(super) fn wake(&self) {
        self.send(Message::Tell(Input::Tick));
    }

    /// Waits for an answer, at most for `span`: a driver whose store or thread hangs keeps no deadline. Not on a thread
    /// that drives this link: it would wait for itself.
    pub(super) fn wait<T>(&self, slot: &Slot<T>, span: Duration) -> Result<T, TokenError> {
        if self.is_driven_here() {
            return Err(unavailable(Trouble::Deadline));
        }
        let answer = slot.wait_for(span);
        answer.ok_or_else(|| if slot.is_empty() { unavailable(Trouble::Deadline) } else { closed() })
    }

    /// Asks the driver to end. The slot is lost when it has.
    pub(super) fn close(&self) -> Slot<()> {
        let (fill, slot) = slot();
        self.send(Message::Close(fill));
        slot
    }

    /// Waits for the end of a driver that was asked to end at `since` on the monotonic clock: as long as a refresh token
    /// is on its way, but no longer than the request may take.
    pub(super) fn wait_for_end(&self, slot: &Slot<()>, since: Duration) {
        let left = |span: Duration| since.saturating_add(span).saturating_sub(sys::now().mono);
        if !self.is_driven_here() {
            slot.wait_for(left(GRACE));
            if self.board.is_busy() {
                slot.wait_for(left(self.stay));
            }
        }
    }

    /// Leaves a message with the driver, or drives it where it lies still.
    pub(super) fn send(&self, message: Message) {
        let mut still = self.still();
        let unsent = match still.take() {
            Some(driver) => {
                drop(still);
                return self.drive(driver, message);
            }
            None => self.driver.send(message),
        };
        // A message that cannot be sent tells its sender by being dropped, which may wake somebody.
        drop(still);
        drop(unsent);
    }

    /// Drives on this thread, without a lock, until there is nothing to do or a thread is needed.
    fn drive(&self, mut driver: Box<Driver>, mut message: Message) {
        let _driving = Driving::begin(self.board.id());
        loop {
            driver.turn(message);
            if driver.is_over() {
                return;
            }
            if let Ok(next) = driver.messages.try_recv() {
                message = next;
                continue;
            }
            if driver.needs_thread() {
                match self.thread() {
                    Ok(thread) => return drop(thread.send(driver)),
                    Err(error) => driver.waiting.fail_all(&no_thread(&error)),
                }
            }
            let mut still = self.still();
            match driver.messages.try_recv() {
                Ok(next) => message = next,
                // Seen empty under the lock: whoever comes next finds the driver.
                Err(_) => {
                    *still = Some(driver);
                    return;
                }
            }
        }
    }

    /// Starts a thread that runs the driver it is sent. A system that has no thread to spare does not take it away.
    fn thread(&self) -> io::Result<SyncSender<Box<Driver>>> {
        let (give, take) = sync_channel::<Box<Driver>>(1);
        let id = self.board.id();
        thread::Builder::new().name("tokenward".into()).spawn(move || {
            let _driving = Driving::begin(id);
            if let Ok(driver) = take.recv() {
                driver.run();
            }
        })?;
        Ok(give)
    }

    #[cfg(test)]
    pub(super) fn lies_still(&self) -> bool {
        self.still().is_some()
    }

    pub(super) fn is_driven_here(&self) -> bool {
        DRIVING.get().contains(&self.board.id())
    }

    fn still(&self) -> MutexGuard<'_, Option<Box<Driver>>> {
        self.still.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns what callers of a closed source are told.
pub(super) fn closed() -> TokenError {
    unavailable(Trouble::Closed)
}

fn unavailable(trouble: Trouble) -> TokenError {
    TokenError::Unavailable { retry_in: None, trouble }
}

fn no_thread(error: &io::Error) -> TokenError {
    let trouble = Trouble::Network(["no thread can be started: ", &error.to_string()].concat());
    TokenError::Unavailable { retry_in: Some(Duration::from_secs(1)), trouble }
}

thread_local! {
    /// The boards of the drivers that run on this thread, the innermost first, 0 for none: a store may ask another
    /// source for its token. Without a destructor, because `exit` runs those first and asks afterwards.
    static DRIVING: Cell<[u64; 4]> = const { Cell::new([0; 4]) };
}

/// While this lives, the thread drives a link.
struct Driving([u64; 4]);

impl Driving {
    fn begin(id: u64) -> Self {
        let before @ [first, second, third, _] = DRIVING.get();
        DRIVING.set([id, first, second, third]);
        Self(before)
    }
}

impl Drop for Driving {
    fn drop(&mut self) {
        DRIVING.set(self.0);
    }
}
