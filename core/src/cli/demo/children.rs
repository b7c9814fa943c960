//! The demo's other processes: started without a secret in arguments or environment, ended by their own id.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    ffi::OsString,
    io::{self, BufRead, BufReader, Write},
    path::Path,
    process::{self, ChildStdin, ChildStdout, Command, Stdio},
    string::String,
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::SETTINGS;

/// Starts this command again.
pub(super) struct Launcher(OsString);

impl Launcher {
    /// Takes the running program if it is the command itself, else what it was started as: behind a wheel or an npm
    /// package the running program is an interpreter.
    pub(super) fn new(argv0: &str) -> Self {
        let own = env::current_exe().ok().filter(|path| path.file_stem().is_some_and(|stem| stem == "tokenward"));
        let given = Path::new(argv0);
        Self(match own {
            Some(path) => path.into(),
            None => given.into(),
        })
    }

    /// Starts a process with the arguments `set` gives it.
    pub(super) fn start(&self, set: impl FnOnce(&mut Command)) -> io::Result<Child> {
        let mut command = Command::new(&self.0);
        set(&mut command);
        for setting in SETTINGS {
            // The user's own settings and secrets are none of the demo's business.
            command.env_remove(setting.env());
        }
        // The demo's server is on loopback whatever the proxy.
        command.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (stdin, stdout) = (process.stdin.take(), process.stdout.take().map(BufReader::new));
        Ok(Child { process, stdin, stdout })
    }
}

/// A process that ends with its parent: it watches its standard input, and is killed when this is dropped.
pub(super) struct Child {
    process: process::Child,
    stdin: Option<ChildStdin>,
    stdout: Option<BufReader<ChildStdout>>,
}

impl Child {
    /// Returns the first line of the process's standard output.
    pub(super) fn first_line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if let Some(stdout) = &mut self.stdout {
            stdout.read_line(&mut line)?;
        }
        if line.is_empty() { Err(io::Error::other("the demo's server did not start")) } else { Ok(line) }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        drop(self.stdin.take());
        // One that has ended already is not found, and that is fine.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a worker says.
pub(super) enum Line {
    Ready,
    Served { access_token: String, waited_ms: f64 },
    Failed { kind: String, message: String },
    Ended,
}

impl Line {
    fn parse(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(String::from);
        if value.get("ready").is_some() {
            return Some(Self::Ready);
        }
        if let Some(error) = value.get("error") {
            return Some(Self::Failed { kind: text(error, "kind")?, message: text(error, "message")? });
        }
        let waited_ms = value.get("waited_ms").and_then(Value::as_f64)?;
        Some(Self::Served { access_token: text(&value, "access_token")?, waited_ms })
    }
}

/// All workers and what they say.
pub(super) struct Workers {
    children: BTreeMap<u32, Child>,
    say: Sender<(u32, Line)>,
    said: Receiver<(u32, Line)>,
    ready: u32,
    running: BTreeSet<u32>,
    /// How many ends are still to be heard of that are no news: those of the killed.
    killed: BTreeMap<u32, u32>,
}

impl Workers {
    /// Starts workers 1 to `count`. They wait for [`go_if_all_ready`](Self::go_if_all_ready).
    pub(super) fn start(count: u32, start: impl Fn(u32) -> io::Result<Child>) -> io::Result<Self> {
        let (say, said) = mpsc::channel();
        let (children, killed) = (BTreeMap::new(), BTreeMap::new());
        let mut workers = Self { children, say, said, ready: 0, running: (1..=count).collect(), killed };
        for number in 1..=count {
            workers.add(number, start(number)?)?;
        }
        Ok(workers)
    }

    fn add(&mut self, number: u32, mut child: Child) -> io::Result<()> {
        let (stdout, say) = (child.stdout.take(), self.say.clone());
        self.children.insert(number, child);
        thread::Builder::new().stack_size(128 * 1024).spawn(move || {
            let lines = stdout.into_iter().flat_map(BufRead::lines).map_while(Result::ok);
            for line in lines.filter_map(|line| Line::parse(&line)) {
                let _ = say.send((number, line));
            }
            let _ = say.send((number, Line::Ended));
        })?;
        Ok(())
    }

    /// Kills a worker, wherever it is. Returns whether it was there.
    pub(super) fn kill(&mut self, worker: u32) -> bool {
        let was_there = self.children.remove(&worker).is_some();
        if was_there {
            let ends = self.killed.entry(worker).or_default();
            *ends = ends.saturating_add(1);
        }
        was_there
    }

    /// Starts a worker in the place of one that was killed.
    pub(super) fn replace(&mut self, worker: u32, child: Child) -> io::Result<()> {
        self.add(worker, child)
    }

    /// Returns the next thing said.
    pub(super) fn next(&self, patience: Duration) -> Result<(u32, Line), RecvTimeoutError> {
        self.said.recv_timeout(patience)
    }

    /// Notes that one more is ready; when all are, lets them begin together.
    pub(super) fn go_if_all_ready(&mut self) -> io::Result<()> {
        self.ready = self.ready.saturating_add(1);
        if usize::try_from(self.ready).unwrap_or(usize::MAX) < self.children.len() {
            return Ok(());
        }
        // Who runs already drops the word: it only watches for the end.
        for stdin in self.children.values_mut().filter_map(|child| child.stdin.as_mut()) {
            match stdin.write_all(b"go\n") {
                // One that is done takes no word any more.
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error),
                Err(_) | Ok(()) => {}
            }
        }
        Ok(())
    }

    /// Notes that a worker has ended.
    pub(super) fn ended(&mut self, worker: u32) {
        match self.killed.get_mut(&worker).filter(|ends| **ends > 0) {
            Some(ends) => *ends = ends.saturating_sub(1),
            None => {
                self.running.remove(&worker);
            }
        }
    }

    /// Returns how many workers have not ended.
    pub(super) fn running(&self) -> usize {
        self.running.len()
    }
}
