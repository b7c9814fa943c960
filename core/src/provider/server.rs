//! The sockets, the threads and the one lock behind them.

use std::{
    format, io,
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    string::{String, ToString},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    Options,
    clock::now,
    control::{Command, Hold, Stats},
    http::{Answer, Request},
    state::State,
};

/// A strict token server that runs on threads of this process until it is dropped. See the [module](super).
///
/// ```
/// use tokenward::provider::{Options, Provider};
///
/// let provider = Provider::start(Options::default())?;
/// assert!(provider.token_url().starts_with("http://127.0.0.1:"));
/// assert_eq!(provider.stats().rotations, 0);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Provider {
    shared: Arc<Shared>,
    address: SocketAddr,
    refresh_token: String,
    accept: Option<JoinHandle<()>>,
}

impl Provider {
    /// Listens on a free port of 127.0.0.1 and begins a first family.
    ///
    /// # Errors
    /// Where no port, no log file or no randomness is to be had.
    pub fn start(options: Options) -> io::Result<Self> {
        let (state, refresh_token) = State::new(options)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { state: Mutex::new(state), moved: Condvar::new() });
        let accept = {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name("provider".into()).spawn(move || shared.accept(&listener))?
        };
        Ok(Self { shared, address, refresh_token, accept: Some(accept) })
    }

    /// Returns the server's address, `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the address of the token endpoint.
    pub fn token_url(&self) -> String {
        format!("http://{}/token", self.address)
    }

    /// Returns the first family's first refresh token.
    pub fn refresh_token(&self) -> &str {
        &self.refresh_token
    }

    /// Returns the counters.
    pub fn stats(&self) -> Stats {
        self.shared.lock().stats_now()
    }

    /// Does what `POST /control` does with this JSON text, and returns its answer.
    ///
    /// # Errors
    /// What is wrong with the command.
    pub fn control(&self, command: &str) -> Result<String, String> {
        self.shared.control(command).map(|answer| answer.to_string())
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.moved.notify_all();
        // Wakes `accept`, which then sees that the server is closed.
        drop(TcpStream::connect(self.address));
        if let Some(accept) = self.accept.take() {
            let _ = accept.join();
        }
    }
}

struct Shared {
    state: Mutex<State>,
    moved: Condvar,
}

const SOCKET_TIMEOUT: Duration = Duration::from_secs(10);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accept(self: Arc<Self>, listener: &TcpListener) {
        loop {
            let accepted = listener.accept();
            if self.lock().closed {
                return;
            }
            let Ok((stream, _)) = accepted else {
                // Out of file descriptors, say: let others end first.
                thread::sleep(Duration::from_millis(5));
                continue;
            };
            let shared = Arc::clone(&self);
            // A thread that cannot be had closes the connection.
            let _ = thread::Builder::new().stack_size(256 * 1024).spawn(move || {
                let _ = shared.serve(stream);
            });
        }
    }

    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(SOCKET_TIMEOUT))?;
        stream.set_write_timeout(Some(SOCKET_TIMEOUT))?;
        let Some(request) = Request::read(&mut stream)? else {
            return Answer::json(400, json!({"error": "not a request"})).write(&mut stream, &date());
        };
        let answer = match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/token") => return self.token(&request, &mut stream),
            ("GET", "/api") => self.api(&request),
            ("GET", "/stats") => Answer::json(200, self.lock().stats_json()),
            ("GET", "/control/wait") => self.wait(&request),
            ("POST", "/control") => match self.control(&String::from_utf8_lossy(&request.body)) {
                Ok(answer) => Answer::json(200, answer),
                Err(why) => Answer::json(400, json!({"error": why})),
            },
            _ => Answer::json(404, json!({"error": "no such page"})),
        };
        answer.write(&mut stream, &date())
    }

    fn token(&self, request: &Request, stream: &mut TcpStream) -> io::Result<()> {
        let fault = self.lock().arrive();
        self.moved.notify_all();
        self.hold(Hold::Before);
        let (answer, latency) = {
            let mut state = self.lock();
            (state.token(request, fault.as_ref(), now().mono)?, state.options.latency)
        };
        self.moved.notify_all();
        self.hold(Hold::After);
        thread::sleep(latency);
        let written = match answer {
            Some(answer) => answer.write(stream, &date()),
            None => stream.shutdown(Shutdown::Both),
        };
        self.lock().leave();
        self.moved.notify_all();
        written
    }

    /// Waits while token requests are held at this point.
    fn hold(&self, point: Hold) {
        let mut state = self.lock();
        if state.hold != point || state.closed {
            return;
        }
        state.stats.held = state.stats.held.saturating_add(1);
        self.moved.notify_all();
        while state.hold == point && !state.closed {
            state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.stats.held = state.stats.held.saturating_sub(1);
    }

    fn api(&self, request: &Request) -> Answer {
        let answer = self.lock().api(request, now().mono);
        self.moved.notify_all();
        answer
    }

    fn control(&self, command: &str) -> Result<Value, String> {
        let command = Command::parse(command)?;
        let answer = self.lock().obey(command, now().mono).map_err(|error| error.to_string());
        self.moved.notify_all();
        answer
    }

    fn wait(&self, request: &Request) -> Answer {
        let event = request.query("event").unwrap_or_default();
        let Some(count) = request.query("count").unwrap_or("1").parse::<u64>().ok() else {
            return Answer::json(400, json!({"error": "count is no number"}));
        };
        let patience = request.query("timeout_ms").and_then(|millis| millis.parse().ok()).unwrap_or(30_000);
        let deadline = now().mono.saturating_add(Duration::from_millis(patience));
        let mut state = self.lock();
        loop {
            let stats = state.stats_json();
            let Some(reached) = stats.get(event).and_then(Value::as_u64) else {
                return Answer::json(400, json!({"error": "no such counter"}));
            };
            let left = deadline.saturating_sub(now().mono);
            if reached >= count {
                return Answer::json(200, stats);
            }
            if left.is_zero() || state.closed {
                return Answer::json(408, stats);
            }
            state = self.moved.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Returns the time for a `Date` header.
fn date() -> String {
    let millis = i64::try_from(now().wall.as_millis()).unwrap_or_default();
    let time = jiff::Timestamp::from_millisecond(millis).unwrap_or_default();
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
