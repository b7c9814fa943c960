//! Real processes on a real disk: the strict provider, scripted workers, the `tokenward` command.
//!
//! A [`Scene`] is one folder with one store and one provider. Its processes end with it, whatever happens. Nobody waits
//! for time to pass: a wait is for a line of output, for a counter of the provider or for the end of a process, takes
//! [`PATIENCE`] at most, and says what did not happen. (The two exceptions are in [`clock`].)

pub mod chaos;
pub mod clock;
pub mod herd;
mod logs;
mod process;
mod provider;
pub mod relay;
mod scene;
pub mod script;
mod worker;

pub use process::{Process, heed_signals};
pub use provider::{Provider, Stats, binary};
pub use scene::{Scene, tokens_in, worker_binary};
pub use script::{Child, Command, Got, Line, Open, Point, When};
pub use worker::{Call, Worker};

use std::time::Duration;

/// How long anybody waits for anything.
pub const PATIENCE: Duration = Duration::from_secs(30);
