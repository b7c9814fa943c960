//! What a worker is told and what it says: one JSON object per line. Tokens go in by standard input and never come out;
//! what comes out is their names.

use serde::{Deserialize, Serialize};

/// A command and the number under which it is answered.
#[derive(Debug, Deserialize, Serialize)]
pub struct Order {
    pub id: u64,
    pub command: Command,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub enum Command {
    /// Opens the source. Comes first.
    Open(Open),
    /// Asks for a token on `threads` threads at once, at the moment `at`.
    Get { at: u64, threads: usize },
    /// Asks for a new token even if the old one is fresh.
    Refresh,
    /// Begins a refresh: its future is polled once and kept.
    Begin,
    /// Drops the futures of what was begun.
    Forget,
    /// Stores a login.
    Save { access_token: String, refresh_token: String, lifetime_ms: u64, replace: bool },
    /// Removes the credential.
    Clear,
    /// Has the worker stop at the `nth` effect of a kind, counted from now; 1 is the next.
    StopAt { point: Point, nth: u32, when: When },
    /// Lets it go on, and takes back all stops.
    GoOn,
    /// Drops the source, and the futures.
    Drop,
    /// Closes the source.
    Close,
    /// Calls `std::process::exit`.
    Exit,
    /// Returns from `main`.
    Return,
    /// Forks. `raw` goes around the C library, and so around every fork handler.
    Fork { child: Child, raw: bool },
}

/// How a source is opened. Zero leaves the default.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Open {
    pub store: String,
    pub token_url: String,
    pub client_id: String,
    pub name: String,
    pub format: String,
    pub patience_ms: u64,
    pub deadline_ms: u64,
    pub timeout_ms: u64,
    /// A file with further CA certificates; none where it is empty.
    #[serde(default)]
    pub ca_file: String,
    /// Variables of the worker's environment, beside those of the test.
    #[serde(default)]
    pub environment: Vec<(String, String)>,
    /// Whether store and transport are wrapped, so that [`Command::StopAt`] works.
    pub gated: bool,
}

/// A kind of effect.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Point {
    /// A read without the lock.
    Load,
    /// A look at the journal's states while another process has the lock.
    Peek,
    TryLock,
    /// The read under the lock.
    Read,
    Prepare,
    /// `After` is when the answer is here and nobody has seen it yet.
    Fetch,
    Stage,
    /// The last read before the store is replaced.
    Reread,
    Commit,
    Note,
    Park,
    Unlock,
    /// Any of them.
    Any,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub enum When {
    Before,
    After,
    /// The worker says that it is there and does not stop: whoever reads the line catches it in the middle.
    During,
}

/// What a forked child does. All of them end with the worker's standard input.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Child {
    Idle,
    /// Asks the inherited source for a token, then idles.
    Get,
    /// Asks the inherited source for a token, then ends by `std::process::exit`.
    GetAndExit,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub enum Line {
    /// The answer to an order, one for each thread.
    Reply { id: u64, got: Vec<Got> },
    /// The worker stands at a point.
    At { point: Point, when: When },
    /// The end has begun.
    Exiting,
    /// A forked child lives, or has its token.
    Child { pid: u32, got: Option<Got> },
    /// Something the source told.
    News { kind: String },
}

/// How an order ended: a token's name (nothing, where there is none), or an error's kind and reason.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Got {
    pub outcome: Result<String, String>,
    /// When the token ends, 0 where there is none.
    pub ends_at: u64,
    pub done_at: u64,
}
