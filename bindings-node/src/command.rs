//! The `tokenward` command, as the library has it.

use napi_derive::napi;

/// Runs the command and returns its exit code. `name` is what it was called by.
#[napi]
pub fn run(name: String, args: Vec<String>) -> i32 {
    tokenward::cli::run(&name, args.into_iter().map(Into::into))
}

/// What is measured beside a call that does something.
#[napi]
pub fn nothing() {}
