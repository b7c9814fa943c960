//! tokenward for Swift. A file here converts, calls the file of the same name in the core, and converts back.
//!
//! What is exported here is the border, not the API: people use `Sources/Tokenward`. Nothing is `async` across it; what
//! takes time is settled by a call of [`wait::CoreWaiter`].

mod answered;
mod effect;
mod error;
mod event;
mod format;
mod grant;
mod http;
mod input;
mod machine;
mod settings;
mod source;
mod status;
mod store;
mod time;
mod wait;

uniffi::setup_scaffolding!("TokenwardCore");
