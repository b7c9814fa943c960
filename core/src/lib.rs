//! tokenward keeps one OAuth credential usable while many processes, in several languages, share it.

#![no_std]
#![cfg_attr(not(feature = "store"), forbid(unsafe_code))]

extern crate alloc;
#[cfg(any(feature = "store", test))]
extern crate std;

mod classify;
mod clock;
mod config;
mod effect;
mod error;
mod event;
mod expiry;
mod format;
mod grant;
mod http;
mod input;
mod journal;
mod json;
mod machine;
mod rotation;
mod secret;
mod wire;

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "cli")]
pub mod provider;

pub use clock::{Now, UnixTime};
pub use config::{ClientAuth, Config, ConfigError, Kind, SETTINGS, Setting, UnknownOutcome};
pub use effect::{
    Answer, Commit, CommitFault, Deliver, Effect, FaultKind, Fetch, JournalWrites, Load, Loaded, LockFault, Note, Park,
    Parked, Prepare, Stage, StoreFault, StoreOp, TryLock, Unlock, Waiter, Write,
};
pub use error::{Act, ErrorKind, Holder, ReauthReason, TokenError, Trouble, Unreadable};
pub use event::Event;
pub use grant::{AccessToken, Account, Grant};
pub use http::{FetchFault, MAX_BODY, Request, Response};
pub use input::{Adopt, Guard, Input, Want};
pub use machine::{Current, Machine, Status, Step};
pub use secret::{Fingerprint, Secret, SecretBytes};
