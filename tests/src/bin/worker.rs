//! A scripted process that uses the public API: takes orders on standard input, answers on standard output.

use std::{
    collections::BTreeMap,
    future::Future,
    io::{self, Write},
    pin::Pin,
    process,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::{Context, Waker},
    thread,
    time::Duration,
};

use tokenward::{
    AccessToken, Config, Fetch, FileStore, GetToken, Grant, Guard, Reply, Secret, Store, StoreFormat, StoreOp,
    TokenError, TokenSource, Transport, UnixTime, UreqTransport,
};
use tokenward_tests::real::{
    Child, Command, Got, Line, Open, Point, When,
    clock::{now, until},
    script::Order,
};

fn main() {
    let mut worker = Worker { source: None, futures: Vec::new(), gate: Arc::default() };
    for line in io::stdin().lines() {
        let Order { id, command } = serde_json::from_str(&line.expect("orders are text")).expect("orders are JSON");
        if matches!(command, Command::Return) {
            say_exiting_at_exit();
            return;
        }
        worker.carry_out(id, command);
    }
    // Nobody is left who could read an answer: this is the end of the test, not an exit that it looks at.
    leave();
}

struct Worker {
    source: Option<TokenSource>,
    /// What was begun and is not waited for.
    futures: Vec<GetToken>,
    gate: Arc<Gate>,
}

impl Worker {
    fn carry_out(&mut self, id: u64, command: Command) {
        match command {
            Command::Open(open) => {
                let source = self.open(&open);
                let news = source.subscribe();
                thread::spawn(move || {
                    for event in news {
                        say(&Line::News { kind: event.kind().into() });
                    }
                });
                self.source = Some(source);
                done(id);
            }
            Command::Get { at, threads } => {
                let source = self.source().clone();
                thread::spawn(move || {
                    let got = get_on(&source, at, threads);
                    // The line is the end of it: whoever reads it may rely on this clone being gone.
                    drop(source);
                    reply(id, got);
                });
            }
            Command::Refresh => {
                let source = self.source().clone();
                self.apart(id, move || token(source.refresh(DEADLINE)));
            }
            Command::Begin => {
                let mut future = self.source().refresh_async(DEADLINE);
                drop(Pin::new(&mut future).poll(&mut Context::from_waker(Waker::noop())));
                self.futures.push(future);
                done(id);
            }
            Command::Forget => {
                self.futures.clear();
                done(id);
            }
            Command::Save { access_token, refresh_token, lifetime_ms, replace } => {
                let issued_at = UnixTime::from_millis(now());
                let ends_at = issued_at.plus(Duration::from_millis(lifetime_ms));
                let grant = Grant {
                    access_token: Some(AccessToken::new(access_token, Some(ends_at))),
                    refresh_token: Some(Secret::new(refresh_token)),
                    issued_at: Some(issued_at),
                    ..Grant::default()
                };
                let guard = if replace { Guard::Replace } else { Guard::SameAccount };
                let source = self.source().clone();
                self.apart(id, move || nothing(source.save(grant, guard)));
            }
            Command::Clear => {
                let source = self.source().clone();
                self.apart(id, move || nothing(source.clear()));
            }
            Command::StopAt { point, nth, when } => {
                self.gate.stop_at(point, nth, when);
                done(id);
            }
            Command::GoOn => {
                self.gate.open();
                done(id);
            }
            Command::Drop => {
                say(&Line::Exiting);
                self.futures.clear();
                self.source = None;
                done(id);
            }
            Command::Close => {
                say(&Line::Exiting);
                self.source().close();
                done(id);
            }
            Command::Exit => {
                say_exiting_at_exit();
                process::exit(0);
            }
            Command::Return => unreachable!("main returns"),
            Command::Fork { child, raw } => {
                fork(self.source(), child, raw);
                done(id);
            }
        }
    }

    fn open(&self, open: &Open) -> TokenSource {
        let mut config = Config::new(open.token_url.as_str(), open.client_id.as_str());
        config.store = Some(open.store.clone());
        config.user_agent.clone_from(&open.name);
        config.ca_file = Some(open.ca_file.clone()).filter(|file| !file.is_empty());
        config.format = StoreFormat::from_name(&open.format).unwrap_or_default();
        let settings = [
            (open.patience_ms, &mut config.patience),
            (open.deadline_ms, &mut config.deadline),
            (open.timeout_ms, &mut config.timeout),
        ];
        for (value, setting) in settings.into_iter().filter(|(value, _)| *value > 0) {
            *setting = Duration::from_millis(value);
        }
        if !open.gated {
            return TokenSource::open(config).expect("the store has a path");
        }
        let store = FileStore::open(&open.store, false).expect("the store has a path").with_format(config.format);
        let store = GatedStore { store, gate: Arc::clone(&self.gate) };
        let transport = GatedTransport { transport: UreqTransport::new(&config), gate: Arc::clone(&self.gate) };
        TokenSource::with(config, Arc::new(store), Arc::new(transport))
    }

    fn source(&self) -> &TokenSource {
        self.source.as_ref().expect("a source is opened first")
    }

    /// Does something that may take its time, so that the next order can come.
    fn apart(&self, id: u64, work: impl FnOnce() -> Got + Send + 'static) {
        thread::spawn(move || reply(id, vec![work()]));
    }
}

/// Longer than any test waits.
const DEADLINE: Duration = Duration::from_secs(60);

fn get_on(source: &TokenSource, at: u64, threads: usize) -> Vec<Got> {
    until(at);
    thread::scope(|scope| {
        let asking: Vec<_> = (1..threads).map(|_| scope.spawn(|| token(source.get_token()))).collect();
        let own = token(source.get_token());
        let others = asking.into_iter().map(|thread| thread.join().expect("asking does not panic"));
        std::iter::once(own).chain(others).collect()
    })
}

fn token(outcome: Result<AccessToken, TokenError>) -> Got {
    let ends_at = outcome.as_ref().ok().and_then(AccessToken::expires_at).unwrap_or_default();
    Got::now(outcome.map(|token| token.fingerprint().to_string()).map_err(|error| name(&error)), ends_at.as_millis())
}

fn nothing(outcome: Result<(), TokenError>) -> Got {
    Got::now(outcome.map(|()| String::new()).map_err(|error| name(&error)), 0)
}

/// Returns an error's kind, and what tells errors of that kind apart.
fn name(error: &TokenError) -> String {
    let kind = error.kind().as_str();
    match error {
        TokenError::ReauthRequired { reason } => format!("{kind} {reason}"),
        TokenError::Unavailable { trouble, .. } => format!("{kind} {trouble}"),
        TokenError::StoreUnreadable { reason } => format!("{kind} {reason}"),
        TokenError::StoreUnwritable { reason } => format!("{kind} {reason}"),
        _ => kind.into(),
    }
}

// -- What it says -----------------------------------------------------------------------------------------------

fn reply(id: u64, got: Vec<Got>) {
    say(&Line::Reply { id, got });
}

fn done(id: u64) {
    reply(id, vec![Got::now(Ok(String::new()), 0)]);
}

fn say(line: &Line) {
    let mut text = serde_json::to_string(line).expect("a line is plain data");
    text.push('\n');
    // One write: lines of several threads, and of forked children, do not mix. Where nobody reads, nobody is missed.
    let _ = io::stdout().lock().write_all(text.as_bytes());
    let _ = io::stdout().lock().flush();
}

/// Like [`say`], for a forked child: its parent's other threads may have held the lock of standard output.
fn say_raw(line: &Line) {
    let mut text = serde_json::to_string(line).expect("a line is plain data");
    text.push('\n');
    // SAFETY: the buffer is ours and as long as said.
    unsafe { libc::write(1, text.as_ptr().cast(), text.len()) };
}

/// Says that the end has begun when it has: exit hooks run in the reverse order of their registration, so this one
/// comes before that of the source.
fn say_exiting_at_exit() {
    extern "C" fn hook() {
        say_raw(&Line::Exiting);
    }
    // SAFETY: the hook lives as long as the program and lets no panic out.
    unsafe { libc::atexit(hook) };
}

fn leave() -> ! {
    // SAFETY: ends the process at once.
    unsafe { libc::_exit(0) }
}

// -- Its children -----------------------------------------------------------------------------------------------

fn fork(source: &TokenSource, child: Child, raw: bool) {
    // SAFETY: the child goes on in `be_child`, which takes no lock that a thread of its parent may hold: glibc keeps its
    // allocator usable, and what the source does after a fork is what is tested. The raw one does system calls only.
    let pid = unsafe { if raw { raw_fork() } else { i64::from(libc::fork()) } };
    if pid == 0 {
        be_child(source, child, raw);
    }
    assert!(pid > 0, "no child can be had");
    say(&Line::Child { pid: u32::try_from(pid).expect("a process number"), got: None });
}

/// Forks like a program that does not go through the C library: no fork handler is called.
unsafe fn raw_fork() -> i64 {
    // SAFETY: no flag but the signal: a plain fork, as fork(2) did it before handlers were invented.
    unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) }
}

fn be_child(source: &TokenSource, child: Child, raw: bool) -> ! {
    if !raw && child != Child::Idle {
        say_raw(&Line::Child { pid: process::id(), got: Some(token(source.get_token())) });
    }
    if child == Child::GetAndExit {
        process::exit(0);
    }
    // Reads nothing, for the orders are its parent's, and wakes when nobody can give orders any more.
    let mut orders = libc::pollfd { fd: 0, events: 0, revents: 0 };
    // SAFETY: one entry, as said.
    while unsafe { libc::poll(&raw mut orders, 1, -1) } < 1 {}
    leave()
}

// -- Its doors --------------------------------------------------------------------------------------------------

/// Where the worker stops, and what it has passed.
#[derive(Default)]
struct Gate {
    plan: Mutex<Plan>,
    moved: Condvar,
}

#[derive(Default)]
struct Plan {
    stop: Option<(Point, u32, When)>,
    passed: BTreeMap<Point, u32>,
    has_lock: bool,
    /// Counts how often it was told to go on.
    opened: u64,
}

impl Gate {
    fn stop_at(&self, point: Point, nth: u32, when: When) {
        let mut plan = self.plan();
        plan.passed.clear();
        plan.stop = Some((point, nth, when));
    }

    fn open(&self) {
        let mut plan = self.plan();
        plan.stop = None;
        plan.opened += 1;
        self.moved.notify_all();
    }

    /// Counts an effect that begins.
    fn begin(&self, point: Point) {
        {
            let mut plan = self.plan();
            *plan.passed.entry(point).or_default() += 1;
            *plan.passed.entry(Point::Any).or_default() += 1;
        }
        self.pass(point, When::During);
        self.pass(point, When::Before);
    }

    /// Says that the worker is here, if somebody wants to know, and waits until it may go on.
    fn pass(&self, point: Point, when: When) {
        let plan = self.plan();
        let is_stop = |(at, nth, then): (Point, u32, When)| {
            (at == point || at == Point::Any) && then == when && plan.passed.get(&at) == Some(&nth)
        };
        if !plan.stop.is_some_and(is_stop) {
            return;
        }
        say(&Line::At { point, when });
        if when != When::During {
            let opened = plan.opened;
            drop(self.moved.wait_while(plan, |plan| plan.opened == opened));
        }
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct GatedStore {
    store: FileStore,
    gate: Arc<Gate>,
}

impl Store for GatedStore {
    fn start(&self, op: StoreOp, reply: Reply) {
        let point = self.point(&op);
        self.gate.begin(point);
        let input = self.store.perform(op);
        match point {
            // An answer is opaque to a host, but not to a curious test.
            Point::TryLock => self.gate.plan().has_lock = format!("{input:?}").contains("Locked(Ok("),
            Point::Unlock => self.gate.plan().has_lock = false,
            _ => {}
        }
        self.gate.pass(point, When::After);
        reply(input);
    }

    fn stamp(&self) -> Option<u64> {
        self.store.stamp()
    }

    fn identity(&self) -> Option<String> {
        self.store.identity()
    }
}

impl GatedStore {
    fn point(&self, op: &StoreOp) -> Point {
        match op {
            StoreOp::Load(load) if !load.store => Point::Peek,
            StoreOp::Load(load) if load.journal.is_empty() => Point::Reread,
            StoreOp::Load(_) if self.gate.plan().has_lock => Point::Read,
            StoreOp::Load(_) => Point::Load,
            StoreOp::TryLock(_) => Point::TryLock,
            StoreOp::Prepare(_) => Point::Prepare,
            StoreOp::Stage(_) => Point::Stage,
            StoreOp::Commit(_) => Point::Commit,
            StoreOp::Note(_) => Point::Note,
            StoreOp::Park(_) => Point::Park,
            StoreOp::Unlock(_) => Point::Unlock,
            other => panic!("an effect that this worker does not know: {other:?}"),
        }
    }
}

struct GatedTransport {
    transport: UreqTransport,
    gate: Arc<Gate>,
}

impl Transport for GatedTransport {
    fn start(&self, fetch: Fetch, reply: Reply) {
        self.gate.begin(Point::Fetch);
        let gate = Arc::clone(&self.gate);
        self.transport.start(
            fetch,
            Box::new(move |input| {
                gate.pass(Point::Fetch, When::After);
                reply(input);
            }),
        );
    }
}
