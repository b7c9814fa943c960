//! What the processes of a scene have said, for whoever has to find out why a test failed.

use std::{
    fmt::Write,
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The logs of a scene. Clones are the same logs.
#[derive(Clone, Debug, Default)]
pub(super) struct Logs(Arc<Mutex<Vec<Log>>>);

#[derive(Debug)]
struct Log {
    name: String,
    lines: Lines,
    file: PathBuf,
}

/// What one process has said on standard output.
pub(super) type Lines = Arc<Mutex<Vec<String>>>;

/// The lines of each log that a failure shows.
const TAIL: usize = 12;

impl Logs {
    /// Adds a process: its output, and the file of its errors or its log.
    pub(super) fn add(&self, name: &str, lines: Lines, file: PathBuf) {
        self.lock().push(Log { name: name.into(), lines, file });
    }

    /// Ends the test: says what did not happen, and what everybody said last.
    pub(super) fn fail(&self, what: &str) -> ! {
        panic!("{what}\n{}", self.tails());
    }

    fn tails(&self) -> String {
        let mut text = String::new();
        for log in self.lock().iter() {
            let said = log.lines.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let written = fs::read_to_string(&log.file).unwrap_or_default();
            let written: Vec<String> = written.lines().map(Into::into).collect();
            for (from, lines) in [("said", said), ("wrote", written)] {
                for line in lines.iter().skip(lines.len().saturating_sub(TAIL)) {
                    let _ = writeln!(text, "  {} {from}: {line}", log.name);
                }
            }
        }
        text
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Log>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
