//! tokenward for Node and Electron: converts, calls, converts back. What is written for people stands in `index.cjs`.

// Cargo's test harness cannot load this; what it would build registers nothing with Node.
#![cfg(not(test))]
#![expect(unreachable_pub, reason = "what JavaScript sees has to be public")]

mod answered;
mod bytes;
mod command;
mod effect;
mod event;
mod failure;
mod fault;
mod grant;
mod http;
mod input;
mod machine;
mod source;
mod status;
mod store;
mod time;
mod token;
mod waits;
