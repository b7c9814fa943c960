//! The strict provider in a process of its own, and its counters.

use std::{
    env,
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{PATIENCE, Process, logs::Logs};

/// A `tokenward provider` that runs until this is dropped.
pub struct Provider {
    /// Ends when this is dropped.
    process: Process,
    address: String,
    ready: Value,
    log: PathBuf,
    logs: Logs,
}

/// What the provider has counted, as far as tests look at it.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
pub struct Stats {
    pub requests: u64,
    pub rotations: u64,
    pub replays: u64,
    pub replays_in_grace: u64,
    pub revoked: u64,
    pub unknown: u64,
    pub bad_requests: u64,
    pub families_revoked: u64,
    pub faults: u64,
}

impl Stats {
    /// Returns these counters as one request after the other without a fault makes them.
    pub fn rotations(count: u64) -> Self {
        Self { requests: count, rotations: count, ..Self::default() }
    }
}

impl Provider {
    /// Returns its process's number, for who looks at it from outside.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    pub(super) fn start(options: &[&str], folder: &Path, logs: &Logs) -> Self {
        let log = folder.join("provider.log");
        let mut command = Command::new(binary());
        command.arg("provider").args(options).arg("--log").arg(&log);
        let process = Process::start(command, "provider", folder, logs);
        logs.add("provider", Default::default(), log.clone());
        let ready: Value = process.wait_for("ready line", |line| serde_json::from_str(line).ok());
        let url = ready["url"].as_str().unwrap_or_default();
        let address = url.strip_prefix("http://").unwrap_or_default().to_string();
        Self { process, address, ready, log, logs: logs.clone() }
    }

    pub fn token_url(&self) -> &str {
        self.ready["token_url"].as_str().expect("the ready line has it")
    }

    pub fn client_id(&self) -> &str {
        self.ready["client_id"].as_str().expect("the ready line has it")
    }

    /// Returns the first family's first refresh token.
    pub fn refresh_token(&self) -> &str {
        self.ready["refresh_token"].as_str().expect("the ready line has it")
    }

    pub fn stats(&self) -> Stats {
        serde_json::from_value(self.all_stats()).expect("the counters are all there")
    }

    /// Returns the name of the access token of the newest family's last rotation.
    pub fn access_token(&self) -> Result<String, String> {
        let name = &self.all_stats()["current_access_token_fingerprint"];
        name.as_str().map(Into::into).ok_or_else(|| "no rotation so far".into())
    }

    /// Returns the name of the refresh token of the newest family's last rotation.
    pub fn newest_refresh_token(&self) -> Option<String> {
        self.all_stats()["current_refresh_token_fingerprint"].as_str().map(Into::into)
    }

    /// Returns how many requests are held now.
    pub fn held(&self) -> u64 {
        self.all_stats()["held"].as_u64().unwrap_or_default()
    }

    /// Gives a command to the control API.
    pub fn control(&self, command: &Value) -> Value {
        self.call("POST", "/control", &command.to_string())
    }

    /// Lets token requests rotate and holds their answers.
    pub fn hold_answers(&self) {
        self.control(&json!({"hold": true}));
    }

    /// Holds token requests before they rotate.
    pub fn hold_requests(&self) {
        self.control(&json!({"hold": "before"}));
    }

    pub fn release(&self) {
        self.control(&json!({"hold": false}));
    }

    /// Waits until a counter is at least `count`.
    pub fn wait(&self, counter: &str, count: u64) {
        let patience = PATIENCE.as_millis();
        self.call("GET", &format!("/control/wait?event={counter}&count={count}&timeout_ms={patience}"), "");
    }

    /// Returns the log.
    pub fn log(&self) -> Vec<Value> {
        self.log_from(&mut 0)
    }

    /// Returns the log from a byte on, and moves it behind what was read.
    pub fn log_from(&self, read: &mut u64) -> Vec<Value> {
        let mut file = File::open(&self.log).expect("the provider makes its log");
        file.seek(SeekFrom::Start(*read)).expect("a log is a file");
        let mut text = String::new();
        file.read_to_string(&mut text).expect("a log is text");
        // A line that is being written is read the next time.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        *read += whole as u64;
        text[..whole].lines().map(|line| serde_json::from_str(line).expect("a line of the log is an object")).collect()
    }

    fn all_stats(&self) -> Value {
        self.call("GET", "/stats", "")
    }

    fn call(&self, method: &str, path: &str, body: &str) -> Value {
        let answer = self.exchange(method, path, body);
        let answer = answer.unwrap_or_else(|error| self.logs.fail(&format!("{method} {path}: {error}")));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        if !head.starts_with("HTTP/1.1 200 ") {
            self.logs.fail(&format!("{method} {path}: {}: {body}", head.lines().next().unwrap_or_default()));
        }
        serde_json::from_str(body).expect("the control API speaks JSON")
    }

    fn exchange(&self, method: &str, path: &str, body: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(PATIENCE * 2))?;
        let length = body.len();
        stream.write_all(format!("{method} {path} HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{body}").as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }
}

/// Returns the `tokenward` command: where TOKENWARD_BIN says, else beside the tests.
pub fn binary() -> PathBuf {
    if let Some(named) = env::var_os("TOKENWARD_BIN") {
        return named.into();
    }
    let test = env::current_exe().expect("a test knows its path");
    // target/debug/deps/kills-0123456789abcdef
    let found = test.ancestors().skip(1).take(2).map(|folder| folder.join("tokenward")).find(|path| path.is_file());
    found.unwrap_or_else(|| {
        panic!("no tokenward beside {}: run `cargo build -p tokenward --features cli`", test.display())
    })
}
