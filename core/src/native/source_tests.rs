//! The source with its driver, on a store and a server that do what the test says.

use std::{
    boxed::Box,
    collections::VecDeque,
    future::Future,
    pin::pin,
    string::{String, ToString},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    task::{Context, Poll, Wake, Waker},
    thread,
    time::Duration,
    vec::Vec,
};

use super::{FileStore, Reply, Store, TokenSource, Transport, message::Message, registry, slot::slot, sys};
use crate::{
    CommitFault, Config, Event, Fetch, Fingerprint, Grant, Guard, JournalWrites, Loaded, LockFault, Parked, Response,
    Secret, SecretBytes, StoreFormat, StoreOp, TokenError, Trouble, UnixTime,
};

const LONG: Duration = Duration::from_secs(20);

// -- The fresh path --------------------------------------------------------------------------------------------------

#[test]
fn a_fresh_token_costs_no_store_operation_no_request_and_no_thread() {
    let world = World::with(fresh(1));
    let source = world.source(exiting());
    let read = world.disk.ops();

    for _ in 0..1000 {
        assert_eq!(text(source.get_token()), "access-token-1");
    }

    assert_eq!(read, ["Load"]);
    assert_eq!(world.disk.ops(), read);
    assert!(source.has_no_thread());
}

#[test]
fn a_resident_source_that_nobody_uses_has_no_thread() {
    let world = World::with(fresh(1));

    let source = world.source(resident());

    assert!(source.has_no_thread());
    assert_eq!(text(source.get_token()), "access-token-1");
    assert!(!source.has_no_thread());
}

#[test]
fn a_life_longer_than_what_is_left_is_asked_of_the_driver() {
    let world = World::with(fresh(1));
    let source = world.source(resident());

    let token = thread::scope(|scope| {
        let asked = scope.spawn(|| source.get_token_within(Duration::from_secs(7200), LONG));
        world.server.next().grant(2);
        asked.join().unwrap()
    });

    assert_eq!(text(token), "access-token-2");
}

#[test]
fn in_the_early_window_the_caller_is_served_and_a_refresh_begins() {
    let world = World::with(ends_in(1, 100));
    let source = world.source(resident());
    let news = source.subscribe();

    let token = source.get_token();
    world.server.next().grant(2);

    assert_eq!(text(token), "access-token-1");
    await_news(&news, "saved");
    assert_eq!(text(source.get_token()), "access-token-2");
}

#[test]
fn a_fixed_source_hands_out_its_token() {
    let source = TokenSource::fixed(crate::AccessToken::new("access-token-1", None));

    assert_eq!(text(source.get_token()), "access-token-1");
    assert_eq!(source.authorization().unwrap().expose(), "Bearer access-token-1");
    assert!(source.status().unwrap().access_token.is_some());
    assert!(source.clear().is_err());
}

// -- Refreshes ---------------------------------------------------------------------------------------------------------

#[test]
fn status_knows_a_token_as_soon_as_it_is_handed_out() {
    let world = World::with(expired(1));
    let source = world.source(resident());
    let (link, (fill, status)) = (source.link(), slot());
    let asked = Arc::clone(&link);
    // The answer is staged and delivered, and the store is looked at once more before the save.
    let staged = Arc::new(AtomicBool::new(false));
    world.disk.call_at("Stage", 1, {
        let staged = Arc::clone(&staged);
        move || staged.store(true, Ordering::Relaxed)
    });
    world.disk.then_at_next("Load", move || asked.send(Message::Status(fill)));

    let token = thread::scope(|scope| {
        let get = scope.spawn(|| source.get_token());
        world.server.next().grant(2);
        get.join().unwrap().unwrap()
    });

    assert_eq!(link.wait(&status, LONG).unwrap().access_token, Some(token.fingerprint()));
    assert!(staged.load(Ordering::Relaxed));
}

#[test]
fn sixty_four_threads_at_one_expiry_send_one_request() {
    let world = World::with(expired(1));
    let source = world.source(resident());

    let tokens = thread::scope(|scope| {
        let asking: Vec<_> = (0..64).map(|_| scope.spawn(|| source.get_token())).collect();
        world.server.next().grant(2);
        asking.into_iter().map(|asked| text(asked.join().unwrap())).collect::<Vec<_>>()
    });

    assert_eq!(tokens, ["access-token-2"; 64]);
    assert_eq!(world.server.requests(), 1);
}

#[test]
fn two_drivers_on_one_store_send_one_request() {
    let world = World::with(expired(1));
    let (first, second) = (world.source(resident()), world.source(resident()));

    let tokens = thread::scope(|scope| {
        let asking = [scope.spawn(|| first.get_token()), scope.spawn(|| second.get_token())];
        world.server.next().grant(2);
        asking.map(|asked| text(asked.join().unwrap()))
    });

    assert_eq!(tokens, ["access-token-2", "access-token-2"]);
    assert_eq!(world.server.requests(), 1);
}

#[test]
fn an_explicit_refresh_replaces_a_fresh_token() {
    let world = World::with(fresh(1));
    let source = world.source(resident());

    let token = thread::scope(|scope| {
        let asked = scope.spawn(|| source.refresh(LONG));
        world.server.next().grant(2);
        asked.join().unwrap()
    });

    assert_eq!(text(token), "access-token-2");
    assert_eq!(text(source.get_token()), "access-token-2");
}

// -- The store moves ---------------------------------------------------------------------------------------------------

#[test]
fn a_source_in_use_sees_what_another_process_wrote() {
    let world = World::with(fresh(1));
    let source = world.source(resident());
    let news = source.subscribe();
    assert_eq!(text(source.get_token()), "access-token-1");

    world.disk.write(&fresh(2));

    await_news(&news, "adopted");
    assert_eq!(text(source.get_token()), "access-token-2");
}

#[test]
fn a_refused_token_is_not_handed_out_again() {
    let world = World::with(fresh(1));
    let source = world.source(resident());
    let token = source.get_token().unwrap();
    world.disk.write(&fresh(2));

    source.report_refused(&token);

    assert_eq!(text(source.get_token()), "access-token-2");
    assert_eq!(world.server.requests(), 0);
}

#[test]
fn a_refused_token_that_is_too_young_to_be_believed_stays() {
    let world = World::with(Grant { issued_at: Some(sys::now().wall), ..fresh(1) });
    let source = world.source(exiting());
    let token = source.get_token().unwrap();

    source.report_refused(&token);

    assert_eq!(text(source.get_token()), "access-token-1");
}

#[test]
fn a_saved_login_is_handed_out_and_a_cleared_one_is_not() {
    let world = World::new();
    let source = world.source(exiting());
    assert_eq!(source.get_token(), Err(TokenError::SignedOut));

    source.save(fresh(1), Guard::SameAccount).unwrap();
    let saved = source.get_token();
    source.clear().unwrap();

    assert_eq!(text(saved), "access-token-1");
    assert_eq!(source.get_token(), Err(TokenError::SignedOut));
}

#[test]
fn a_look_sees_a_store_that_was_just_written() {
    let world = World::new();
    let source = world.source(exiting());
    world.disk.write(&fresh(1));

    source.look().unwrap();

    assert_eq!(text(source.fresh().ok_or(TokenError::SignedOut)), "access-token-1");
}

// -- The end -----------------------------------------------------------------------------------------------------------

#[test]
fn the_last_clone_is_dropped_only_after_the_answer_is_in_the_store() {
    let world = World::with(ends_in(1, 100));
    let source = world.source(resident());
    source.get_token().unwrap();
    let request = world.server.next();

    let dropped = thread::spawn(move || drop(source));
    request.grant(2);
    dropped.join().unwrap();

    assert_eq!(world.disk.refresh_token(), "refresh-token-2");
    assert!(!world.disk.is_locked());
}

#[test]
fn a_close_tells_those_who_wait() {
    let world = World::with(expired(1));
    world.disk.lock_elsewhere();
    let source = world.source(resident());
    let news = source.subscribe();

    let told = thread::scope(|scope| {
        let waiting = scope.spawn(|| source.get_token());
        await_news(&news, "lock_busy");
        source.close();
        waiting.join().unwrap()
    });

    assert_eq!(told, Err(closed()));
    assert_eq!(source.get_token(), Err(closed()));
    assert_eq!(world.server.requests(), 0);
}

#[test]
fn a_lock_that_was_taken_for_nothing_is_given_back_at_the_end() {
    let world = World::with(expired(1));
    let source = world.source(resident());
    let closing = source.clone();
    // The third read is the one under the lock, before the intent.
    world.disk.call_at("Load", 3, move || closing.close());

    let told = source.get_token();

    assert_eq!(told, Err(closed()));
    assert_eq!(world.disk.ops(), ["Load", "Load", "TryLock", "Load", "Unlock"]);
    assert!(!world.disk.is_locked());
}

#[test]
fn a_source_that_shares_its_driver_leaves_the_other_one_alone() {
    let world = World::with(expired(1)).named("shared");
    let (first, second) = (world.source(resident()), world.source(resident()));

    let (left, token) = thread::scope(|scope| {
        let leaving = scope.spawn(|| first.get_token());
        let request = world.server.next();
        let staying = scope.spawn(|| second.get_token());
        first.close();
        let left = leaving.join().unwrap();
        request.grant(2);
        (left, staying.join().unwrap())
    });

    assert_eq!(left, Err(closed()));
    assert_eq!(text(token), "access-token-2");
    assert_eq!(world.disk.ops().iter().filter(|op| **op == "TryLock").count(), 1);
}

#[test]
fn a_transport_that_panics_may_have_sent_the_request() {
    let world = World::with(expired(1));
    world.server.panic();
    let source = world.source(resident());
    let news = source.subscribe();

    let told = source.get_token_within(Duration::ZERO, Duration::from_millis(400));
    await_news(&news, "refresh_failed");

    assert!(matches!(told, Err(TokenError::Unavailable { .. })), "{told:?}");
    assert!(source.status().unwrap().unknown_outcome);
}

#[test]
fn an_answer_that_is_lost_may_have_been_given() {
    let world = World::with(expired(1));
    let source = world.source(resident());
    let news = source.subscribe();

    let token = thread::scope(|scope| {
        let asked = scope.spawn(|| source.get_token());
        drop(world.server.next());
        await_news(&news, "replay");
        world.server.next().grant(2);
        asked.join().unwrap()
    });

    assert_eq!(text(token), "access-token-2");
}

#[test]
fn the_exit_of_the_process_waits_for_a_refresh_token_on_its_way() {
    let world = World::with(ends_in(1, 100));
    let source = world.source(resident());
    source.get_token().unwrap();
    let request = world.server.next();

    let exiting = thread::scope(|scope| {
        let exiting = scope.spawn(|| registry::close_each(&[source.link()]));
        request.grant(2);
        exiting.join()
    });

    assert!(exiting.is_ok());
    assert_eq!(world.disk.refresh_token(), "refresh-token-2");
    assert_eq!(source.refresh(LONG), Err(closed()));
}

#[test]
fn a_store_that_hangs_keeps_nobody_beyond_the_deadline() {
    let world = World::with(expired(1));
    let source = world.source(resident());
    let (go_on, hang) = channel::<()>();
    world.disk.call_at("TryLock", 1, move || {
        let _ = hang.recv();
    });

    let told = source.get_token_within(Duration::ZERO, Duration::ZERO);
    drop(go_on);

    assert_eq!(told, Err(TokenError::Unavailable { retry_in: None, trouble: Trouble::Deadline }));
}

#[test]
fn a_store_that_panics_leaves_nobody_waiting() {
    let world = World::with(expired(1));
    let source = world.source(resident());
    world.disk.call_at("TryLock", 1, || panic!("asked to"));

    assert_eq!(source.get_token(), Err(closed()));
    assert_eq!(source.get_token(), Err(closed()));
    source.close();
}

#[test]
fn a_store_that_waits_for_its_own_source_is_told_so() {
    let world = World::with(expired(1));
    let source = Arc::new(Mutex::new(None::<TokenSource>));
    let told = Arc::new(Mutex::new(None));
    let (inner, tell) = (Arc::clone(&source), Arc::clone(&told));
    world.disk.call_at("TryLock", 1, move || {
        let source = inner.lock().unwrap().clone().unwrap();
        *tell.lock().unwrap() = Some(source.get_token());
        source.report_refused(&crate::AccessToken::new("access-token-0", None));
    });
    *source.lock().unwrap() = Some(world.source(resident()));
    let asked = source.lock().unwrap().clone().unwrap();

    let token = thread::scope(|scope| {
        let asked = scope.spawn(|| asked.get_token());
        world.server.next().grant(2);
        asked.join().unwrap()
    });

    assert_eq!(text(token), "access-token-2");
    let deadline = TokenError::Unavailable { retry_in: None, trouble: Trouble::Deadline };
    assert_eq!(told.lock().unwrap().take(), Some(Err(deadline)));
    source.lock().unwrap().take();
}

// -- Futures -----------------------------------------------------------------------------------------------------------

#[test]
fn a_future_is_woken_when_its_token_is_there() {
    let world = World::with(expired(1));
    let source = world.source(resident());

    let token = thread::scope(|scope| {
        let asked = scope.spawn(|| block_on(source.get_token_async()));
        world.server.next().grant(2);
        asked.join().unwrap()
    });

    assert_eq!(text(token), "access-token-2");
    assert_eq!(text(block_on(source.get_token_within_async(Duration::ZERO, LONG))), "access-token-2");
}

#[test]
fn a_future_that_is_dropped_is_forgotten_and_its_refresh_goes_on() {
    let world = World::with(expired(1));
    let source = world.source(resident());
    let news = source.subscribe();
    let woken = Arc::new(Count::default());

    let mut asked = Box::pin(source.get_token_async());
    let first = asked.as_mut().poll(&mut Context::from_waker(&Waker::from(Arc::clone(&woken))));
    let request = world.server.next();
    drop(asked);
    request.grant(2);
    await_news(&news, "saved");

    assert!(first.is_pending());
    assert_eq!(woken.0.load(Ordering::Relaxed), 0);
    assert_eq!(text(source.get_token()), "access-token-2");
}

#[test]
fn a_future_can_be_waited_for_in_slices() {
    let world = World::with(expired(1));
    let source = world.source(resident());
    let mut asked = source.get_token_async();

    let early = asked.wait_for(Duration::ZERO);
    world.server.next().grant(2);
    let token = asked.wait_for(LONG);

    assert!(early.is_none());
    assert_eq!(token.map(text).as_deref(), Some("access-token-2"));
}

// -- Forks -------------------------------------------------------------------------------------------------------------

#[test]
fn a_forked_child_goes_on_with_a_driver_of_its_own() {
    let world = World::with(fresh(1));
    let source = world.source(resident());
    assert_eq!(text(source.get_token()), "access-token-1");
    assert!(!source.has_no_thread());
    let copy = source.clone();

    let works = sys::in_forked_child(|| {
        let before = world.disk.ops().len();
        let token = copy.get_token();
        let looked = world.disk.ops().len() > before;
        drop(copy);
        looked && text(token) == "access-token-1"
    });

    assert_eq!(works, Some(true));
    assert_eq!(text(source.get_token()), "access-token-1");
}

#[test]
fn a_forked_child_goes_on_with_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("auth.json");
    std::fs::write(&path, StoreFormat::Tokenward.encode(None, &expired(1)).unwrap().expose()).unwrap();
    let world = World::new();
    let store = Arc::new(FileStore::open(&path, true).unwrap());
    let source = TokenSource::with(exiting(), store, Arc::clone(&world.server) as _);
    let refreshed = |number| {
        thread::scope(|scope| {
            let asked = scope.spawn(|| source.refresh(LONG));
            world.server.next().grant(number);
            text(asked.join().unwrap())
        })
    };
    assert_eq!(refreshed(2), "access-token-2");

    // Without a thread: the standard library holds a lock while one starts, and other tests start some.
    let child = sys::in_forked_child(|| {
        let token = source.get_token();
        source.has_no_thread() && text(token) == "access-token-2"
    });

    assert_eq!(child, Some(true));
    assert_eq!(refreshed(3), "access-token-3");
}

#[test]
fn a_child_that_never_asks_drops_its_copy_without_waiting() {
    let world = World::with(ends_in(1, 100));
    let source = world.source(resident());
    source.get_token().unwrap();
    let request = world.server.next();

    let source = Mutex::new(Some(source));
    let dropped = sys::in_forked_child(|| {
        drop(source.lock().unwrap().take());
        true
    });
    request.grant(2);

    assert_eq!(dropped, Some(true));
}

// -- The world ---------------------------------------------------------------------------------------------------------

struct World {
    disk: Arc<Disk>,
    server: Arc<Server>,
}

impl World {
    fn new() -> Self {
        let (requests, taken) = channel();
        let server = Server { requests, taken: Mutex::new(taken), count: AtomicUsize::new(0), panics: false.into() };
        Self { disk: Arc::default(), server: Arc::new(server) }
    }

    fn with(grant: Grant) -> Self {
        let world = Self::new();
        world.disk.write(&grant);
        world
    }

    fn named(self, name: &'static str) -> Self {
        self.disk.state().name = Some(name);
        self
    }

    fn source(&self, config: Config) -> TokenSource {
        TokenSource::with(config, Arc::clone(&self.disk) as _, Arc::clone(&self.server) as _)
    }
}

fn resident() -> Config {
    Config { seed: 1, ..Config::new("https://id.test/token", "my-client") }
}

fn exiting() -> Config {
    Config { resident: false, ..resident() }
}

fn ends_in(number: u32, secs: u64) -> Grant {
    let now = sys::now().wall;
    Grant {
        access_token: Some(crate::AccessToken::new(
            ["access-token-", &number.to_string()].concat(),
            Some(now.plus(Duration::from_secs(secs))),
        )),
        refresh_token: Some(Secret::new(["refresh-token-", &number.to_string()].concat())),
        issued_at: Some(UnixTime::from_millis(now.as_millis() - 3_500_000)),
        ..Grant::default()
    }
}

fn fresh(number: u32) -> Grant {
    ends_in(number, 3600)
}

fn expired(number: u32) -> Grant {
    ends_in(number, 0)
}

fn text(token: Result<crate::AccessToken, TokenError>) -> String {
    token.unwrap().expose().into()
}

fn closed() -> TokenError {
    TokenError::Unavailable { retry_in: None, trouble: Trouble::Closed }
}

fn await_news(news: &Receiver<Event>, kind: &str) {
    while news.recv_timeout(LONG).unwrap().kind() != kind {}
}

/// A store in memory, with one lock.
#[derive(Default)]
struct Disk {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    name: Option<&'static str>,
    store: Option<Vec<u8>>,
    journal: Vec<u8>,
    parked: VecDeque<Parked>,
    locked: bool,
    ops: Vec<&'static str>,
    writes: u64,
    call: Option<(&'static str, usize, Call)>,
    /// What is to be called from within the first operation of that name after the call above.
    next: Option<(&'static str, Call)>,
}

type Call = Box<dyn FnOnce() + Send>;

impl Disk {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn write(&self, grant: &Grant) {
        let bytes = StoreFormat::Tokenward.encode(None, grant).unwrap();
        self.state().store = Some(bytes.expose().to_vec());
        self.state().writes += 1;
    }

    fn refresh_token(&self) -> String {
        let grant = StoreFormat::Tokenward.decode(self.state().store.as_deref().unwrap()).unwrap().unwrap();
        grant.refresh_token.unwrap().expose().into()
    }

    fn ops(&self) -> Vec<&'static str> {
        self.state().ops.clone()
    }

    fn is_locked(&self) -> bool {
        self.state().locked
    }

    fn lock_elsewhere(&self) {
        self.state().locked = true;
    }

    /// Calls `call` from within the nth operation of that name.
    fn call_at(&self, op: &'static str, nth: usize, call: impl FnOnce() + Send + 'static) {
        self.state().call = Some((op, nth, Box::new(call)));
    }

    /// Calls `call` from within the first operation of that name after the one of `call_at`.
    fn then_at_next(&self, op: &'static str, call: impl FnOnce() + Send + 'static) {
        self.state().next = Some((op, Box::new(call)));
    }
}

impl State {
    fn note(&mut self, journal: JournalWrites) {
        if journal.set_aside {
            self.journal.clear();
        }
        let reserve = usize::try_from(journal.reserve).unwrap();
        self.journal.resize(self.journal.len().max(reserve), 0);
        for write in journal.writes {
            self.put(&write);
        }
    }

    fn put(&mut self, write: &crate::Write) {
        let (start, bytes) = (usize::try_from(write.offset).unwrap(), write.bytes.expose());
        let end = start + bytes.len();
        self.journal.resize(self.journal.len().max(end), 0);
        self.journal[start..end].copy_from_slice(bytes);
    }
}

impl Store for Disk {
    fn start(&self, op: StoreOp, reply: Reply) {
        let name = match &op {
            StoreOp::Load(_) => "Load",
            StoreOp::TryLock(_) => "TryLock",
            StoreOp::Prepare(_) => "Prepare",
            StoreOp::Stage(_) => "Stage",
            StoreOp::Commit(_) => "Commit",
            StoreOp::Note(_) => "Note",
            StoreOp::Park(_) => "Park",
            StoreOp::Unlock(_) => "Unlock",
        };
        let mut state = self.state();
        state.ops.push(name);
        let count = state.ops.iter().filter(|op| **op == name).count();
        let is_next = state.call.is_none();
        if let Some((_, call)) = state.next.take_if(|(op, _)| is_next && *op == name) {
            drop(state);
            call();
            state = self.state();
        }
        if let Some((.., call)) = state.call.take_if(|(op, nth, _)| (*op, *nth) == (name, count)) {
            drop(state);
            call();
            state = self.state();
        }
        let answer = match op {
            StoreOp::Load(op) => {
                let read = |range: &std::ops::Range<u64>| {
                    let end = usize::try_from(range.end).unwrap().min(state.journal.len());
                    let start = usize::try_from(range.start).unwrap().min(end);
                    SecretBytes::new(state.journal[start..end].to_vec())
                };
                let loaded = Loaded {
                    journal: Ok(op.journal.iter().map(read).collect()),
                    store: Ok(state.store.clone().filter(|_| op.store).map(SecretBytes::new)),
                    parked: state.parked.iter().filter(|_| op.parked).cloned().collect(),
                };
                op.answer(loaded)
            }
            StoreOp::TryLock(op) => {
                let before = std::mem::replace(&mut state.locked, true);
                op.answer(if before { Err(LockFault::Busy) } else { Ok(()) })
            }
            StoreOp::Prepare(mut op) => {
                let none = JournalWrites { set_aside: false, reserve: 0, writes: Vec::new() };
                state.note(std::mem::replace(&mut op.journal, none));
                op.answer(Ok(()))
            }
            StoreOp::Stage(op) => {
                state.put(&op.frame);
                state.put(&op.mark);
                op.answer(Ok(()))
            }
            StoreOp::Commit(op) => {
                if state.store.as_deref().map(Fingerprint::of) == op.base {
                    state.store = op.bytes.as_ref().map(|bytes| bytes.expose().to_vec());
                    state.writes += 1;
                    op.answer(Ok(()))
                } else {
                    op.answer(Err(CommitFault::Moved))
                }
            }
            StoreOp::Note(mut op) => {
                let none = JournalWrites { set_aside: false, reserve: 0, writes: Vec::new() };
                state.note(std::mem::replace(&mut op.journal, none));
                state.parked.retain(|parked| !op.unpark.contains(&parked.name));
                op.answer(Ok(()))
            }
            StoreOp::Park(op) => {
                let name = ["grant-", &state.parked.len().to_string()].concat();
                state.parked.push_back(Parked { name: name.clone(), bytes: op.bytes.clone() });
                op.answer(Ok(name))
            }
            StoreOp::Unlock(op) => {
                state.locked = false;
                op.answer()
            }
        };
        drop(state);
        reply(answer);
    }

    fn stamp(&self) -> Option<u64> {
        Some(self.state().writes)
    }

    fn identity(&self) -> Option<String> {
        self.state().name.map(String::from)
    }
}

/// A server whose requests the test answers.
struct Server {
    requests: Sender<Pending>,
    taken: Mutex<Receiver<Pending>>,
    count: AtomicUsize,
    panics: AtomicBool,
}

struct Pending(Fetch, Reply);

impl Server {
    fn next(&self) -> Pending {
        self.taken.lock().unwrap().recv_timeout(LONG).unwrap()
    }

    fn requests(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    fn panic(&self) {
        self.panics.store(true, Ordering::Relaxed);
    }
}

impl Pending {
    fn grant(self, number: u32) {
        let number = number.to_string();
        let body = [
            r#"{"token_type":"Bearer","expires_in":3600,"access_token":"access-token-"#,
            &number,
            r#"","refresh_token":"refresh-token-"#,
            &number,
            r#""}"#,
        ];
        let response = Response {
            status: 200,
            headers: [("Content-Type".into(), "application/json".into())].into(),
            body: SecretBytes::new(body.concat().into_bytes()),
        };
        (self.1)(self.0.answer(Ok(response)));
    }
}

impl Transport for Server {
    fn start(&self, fetch: Fetch, reply: Reply) {
        assert!(!self.panics.load(Ordering::Relaxed), "asked to");
        self.count.fetch_add(1, Ordering::Relaxed);
        drop(self.requests.send(Pending(fetch, reply)));
    }
}

/// The smallest executor.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return value;
        }
        thread::park();
    }
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
