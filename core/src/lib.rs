//! tokenward keeps one OAuth credential usable while many processes, in several languages, share it.
//!
//! Providers *rotate* refresh tokens: each use returns a new one and kills the old. Ten processes that wake up together
//! and all refresh replay a dead token nine times, the provider revokes the login, and a person has to sign in again.
//! tokenward lets exactly one of them ask, and gives everybody the answer, whatever crashes in between.
//!
//! # Which part is for you
//!
//! * You want a token: `TokenSource` (feature `native`) does everything.
//! * You have your own files, sockets or event loop: [`Machine`] decides, you act. It needs neither std nor a clock.
//!
//! # What is promised
//!
//! | | |
//! |---|---|
//! | P1 | **One refresh per rotation.** Of all processes that share a store, one sends the refresh token; the others adopt the result. |
//! | P2 | **A spent or dead refresh token is never sent**, by any process. The one repetition is the recorded replay after an unknown outcome. |
//! | P3 | **A rotated credential is never lost once its answer has reached us.** It is on the disk before anybody sees it, or even reads it. |
//! | P4 | **A login is never made worse**: not by a failure, an older credential, another account's, or one that cannot refresh. |
//! | P5 | **A caller who can be served is served.** While the access token works, nobody waits for a lock, a server or a disk. |
//! | P6 | **Every failure is named by what to do next** ([`TokenError::act`]). |
//! | P7 | **A secret stays a secret**: in logs, errors, `Debug`, argv and files. |
//! | P8 | **What we did not write survives.** |
//!
//! # How the machine is run
//!
//! [`Machine::step`] takes the time and one [`Input`] and returns a [`Step`]: effects, and when to come back.
//!
//! 1. Read both clocks ([`Now`]).
//! 2. Call [`Machine::step`] with what happened: a caller's [`Want`], an answer, or [`Input::Tick`].
//! 3. Carry out **every** effect of the step, in order. [`Effect::Deliver`] and [`Effect::Emit`] want no answer; the
//!    others are answered by their own `answer`, at once or later, as the next input.
//! 4. Wait for the next input, at most for [`Step::wake_in`]; then feed [`Input::Tick`].
//!
//! ```
//! use tokenward::{Config, Deliver, Effect, FetchFault, Input, Loaded, LockFault, Machine, Now, StoreOp, Waiter, Want};
//!
//! let mut machine = Machine::new(Config::new("https://id.test/token", "my-client"));
//! let now = Now::default();                                              // 1: a real host reads its clocks
//! let mut inputs = vec![Input::Want(Want::new(Waiter(1)))];
//! while let Some(input) = inputs.pop() {
//!     for effect in machine.step(now, input).effects {                   // 2
//!         match effect {                                                 // 3
//!             Effect::Deliver(Deliver { waiter, outcome }) => println!("{waiter:?}: {outcome:?}"),
//!             Effect::Emit(event) => println!("{}", event.kind()),
//!             Effect::Store(StoreOp::Load(load)) => inputs.push(load.answer(Loaded::default())),
//!             Effect::Store(StoreOp::TryLock(lock)) => inputs.push(lock.answer(Err(LockFault::Busy))),
//!             Effect::Fetch(fetch) => inputs.push(fetch.answer(Err(FetchFault::NotSent { detail: "no network".into() }))),
//!             other => unimplemented!("a real host carries out {other:?}"),
//!         }
//!     }
//! }                                                                      // 4: a real host waits here
//! ```
//!
//! # One refresh
//!
//! Look (somebody else may have done it) → try the lock → read again → prove that the store can be replaced and write
//! down the *intent* → send the refresh token, once → *stage* the answer, unparsed, and sync it → deliver → read the
//! store again and replace it, if it still is what was asked with → clear the intent → give the lock back. Every change
//! of state stands in one flat table, `machine/transition.rs`. `docs/on-disk.md` describes the files as a protocol.
//!
//! # What is told
//!
//! Every [`Event`] goes to whoever subscribed, and with `store` to the `log` crate, target `tokenward`: an application that
//! uses `tracing` gets it through `tracing-log`. `docs/diagnostics.md` lists them.
//!
//! # Features
//!
//! `default` is empty: `no_std + alloc`, no unsafe code. `store` adds files, lock and journal; `http` adds ureq and
//! rustls; `native` is both; `cli` is the `tokenward` command as a function.

#![no_std]
#![cfg_attr(not(feature = "store"), forbid(unsafe_code))]

extern crate alloc;
#[cfg(any(feature = "store", test))]
extern crate std;

mod answered;
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
#[cfg(feature = "store")]
mod native;
mod profile;
mod rotation;
mod secret;
mod wire;

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "cli")]
pub mod provider;

pub use answered::{AnswerClass, Answered, read_answer};
pub use clock::{Now, UnixTime};
pub use config::{Bearer, ClientAuth, Config, ConfigError, Kind, SETTINGS, Setting, TokenRequest, UnknownOutcome};
pub use effect::{
    Answer, Commit, CommitFault, Deliver, Effect, FaultKind, Fetch, JournalWrites, Load, Loaded, LockFault, Note, Park,
    Parked, Prepare, Stage, StoreFault, StoreOp, TryLock, Unlock, Waiter, Write,
};
pub use error::{Act, Barrier, ErrorKind, Holder, ReauthReason, TokenError, Trouble, Unreadable};
pub use event::{Event, Level};
pub use format::StoreFormat;
pub use grant::{AccessToken, Account, Grant};
pub use http::{FetchFault, MAX_BODY, Request, Response};
pub use input::{Adopt, Guard, Input, Want};
pub use machine::{Current, Machine, Status, Step};
#[cfg(feature = "http")]
pub use native::UreqTransport;
#[cfg(feature = "store")]
pub use native::{FileStore, GetToken, Reply, Store, TokenSource, Transport, close_all};
pub use profile::{Profile, Profiled, panda_store_key};
pub use secret::{Fingerprint, Secret, SecretBytes};
