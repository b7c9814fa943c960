//! A process of ours: its lines, its signals, its end. It is killed when it goes out of scope.

use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    os::unix::process::{CommandExt, ExitStatusExt},
    path::Path,
    process::{self, ChildStdin, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use super::{PATIENCE, logs::Logs};

pub struct Process {
    name: String,
    pid: Pid,
    stdin: Option<ChildStdin>,
    shared: Arc<Shared>,
    logs: Logs,
}

struct Shared {
    seen: Mutex<Seen>,
    moved: Condvar,
}

#[derive(Default)]
struct Seen {
    /// The lines that nobody has asked for yet.
    lines: Vec<String>,
    /// Whether standard output is closed, by all that had it.
    closed: bool,
    status: Option<ExitStatus>,
}

impl Process {
    /// Starts a process whose errors go to a file in `folder`.
    pub(super) fn start(mut command: process::Command, name: &str, folder: &Path, logs: &Logs) -> Self {
        let errors = folder.join(format!("{name}.err"));
        let stderr = File::create(&errors).expect("a folder of our own takes a file");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(stderr);
        heed_signals(&mut command);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take().expect("it is piped"));
        let pid = Pid::from_child(&child);
        let said = Arc::default();
        logs.add(name, Arc::clone(&said), errors);
        let shared = Arc::new(Shared { seen: Mutex::default(), moved: Condvar::new() });
        let reader = Arc::clone(&shared);
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                said.lock().unwrap_or_else(PoisonError::into_inner).push(line.clone());
                reader.change(|seen| seen.lines.push(line));
            }
            reader.change(|seen| seen.closed = true);
        });
        let watcher = Arc::clone(&shared);
        thread::spawn(move || {
            // Its end is seen first and taken second, under the lock that `signal` holds: until it is taken, the number
            // is nobody else's.
            while waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).is_err_and(interrupted) {}
            watcher.change(|seen| seen.status = child.wait().ok());
        });
        Self { name: name.into(), pid, stdin, shared, logs: logs.clone() }
    }

    /// Returns its number, for who looks at it from outside.
    pub fn id(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Writes a line to its standard input. One that has ended takes none, and whoever waits for the answer is told.
    pub fn tell(&mut self, line: &str) {
        if let Some(stdin) = &mut self.stdin {
            let _ = stdin.write_all(format!("{line}\n").as_bytes());
        }
    }

    /// Waits for the first line that `pick` wants, and takes it.
    pub fn wait_for<T>(&self, what: &str, mut pick: impl FnMut(&str) -> Option<T>) -> T {
        let found = self.wait(|seen| {
            let found = seen.lines.iter().enumerate().find_map(|(index, line)| Some((index, pick(line)?)));
            match found {
                Some((index, value)) => {
                    seen.lines.remove(index);
                    Some(Some(value))
                }
                None => seen.closed.then_some(None),
            }
        });
        match found {
            Some(Some(value)) => value,
            Some(None) => self.logs.fail(&format!("{} ended without {what}", self.name)),
            None => self.logs.fail(&format!("{}: no {what} within {PATIENCE:?}", self.name)),
        }
    }

    /// Drops the lines that were said so far and that nobody will ask for.
    pub fn forget(&self, unwanted: impl Fn(&str) -> bool) {
        self.shared.lock().lines.retain(|line| !unwanted(line));
    }

    /// Waits for its end.
    pub fn end(&self) -> ExitStatus {
        self.wait(|seen| seen.status)
            .unwrap_or_else(|| self.logs.fail(&format!("{} did not end within {PATIENCE:?}", self.name)))
    }

    /// Waits for its end and returns its exit code, or the negative number of the signal that ended it.
    pub fn exit_code(&self) -> i32 {
        let status = self.end();
        status.code().unwrap_or_else(|| -status.signal().unwrap_or_default())
    }

    /// Kills it and waits for its end.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
        self.end();
    }

    /// Stops it (SIGSTOP) and waits until it stands still.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
        let stopped = WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while waitid(WaitId::Pid(self.pid), stopped).is_err_and(interrupted) {}
    }

    /// Lets it go on (SIGCONT).
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Sends what Ctrl-C sends, and returns when it was noticed: a second one would be merged with one that was not.
    pub fn interrupt(&self) {
        self.send(Signal::INT);
    }

    /// Sends what a terminal sends that goes away, and returns when it was noticed.
    pub fn hang_up(&self) {
        self.send(Signal::HUP);
    }

    /// Sends what `kill` sends, and returns when it was noticed.
    pub fn terminate(&self) {
        self.send(Signal::TERM);
    }

    fn send(&self, signal: Signal) {
        self.signal(signal);
        let noticed = || !is_pending(self.pid, signal) || self.shared.lock().status.is_some();
        while !noticed() {
            thread::yield_now();
        }
    }

    /// Closes its standard input.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    fn signal(&self, signal: Signal) {
        let seen = self.shared.lock();
        if seen.status.is_none() {
            let _ = kill_process(self.pid, signal);
        }
    }

    fn wait<T>(&self, mut ready: impl FnMut(&mut Seen) -> Option<T>) -> Option<T> {
        let mut found = None;
        let not_yet = |seen: &mut Seen| {
            found = ready(seen);
            found.is_none()
        };
        drop(self.shared.moved.wait_timeout_while(self.shared.lock(), PATIENCE, not_yet));
        found
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.lock());
        self.moved.notify_all();
    }
}

const fn bit(signal: Signal) -> u64 {
    1 << (signal.as_raw() - 1)
}

/// Returns whether a signal was sent and not noticed yet, as far as the system tells.
fn is_pending(pid: Pid, signal: Signal) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).unwrap_or_default();
    let sets = status.lines().filter_map(|line| line.strip_prefix("ShdPnd:").or(line.strip_prefix("SigPnd:")));
    sets.filter_map(|set| u64::from_str_radix(set.trim(), 16).ok()).any(|set| set & bit(signal) != 0)
}

fn interrupted(error: rustix::io::Errno) -> bool {
    error == rustix::io::Errno::INTR
}

/// Gives signals their usual meaning in what is started: what runs the tests may ignore them (`nohup`, a shell's background
/// job), and a program inherits that.
pub fn heed_signals(command: &mut process::Command) {
    let heed = || {
        for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGTERM] {
            // SAFETY: the default action is no function.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
        Ok(())
    };
    // SAFETY: only system calls between fork and exec.
    unsafe { command.pre_exec(heed) };
}
