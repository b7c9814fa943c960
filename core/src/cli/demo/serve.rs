//! `tokenward demo --serve`: the strict server for other people's tests.

use std::{
    io::{self, Write},
    thread,
    time::Duration,
};

use serde_json::json;

use crate::{
    cli::{exit::Failure, interrupt::Interrupts},
    provider::{Options, Provider},
};

const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Prints where the server is and serves until Ctrl-C.
pub(super) fn run(interrupts: &Interrupts, ttl: Duration, latency: Duration) -> Result<(), Failure> {
    let options = Options { ttl, latency, ..Options::default() };
    let client_id = options.client_id.clone();
    let provider = Provider::start(options)?;
    let ready = json!({
        "url": provider.url(),
        "token_url": provider.token_url(),
        "client_id": client_id,
        "refresh_token": provider.refresh_token(),
    });
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{ready}")?;
    stdout.flush()?;
    drop(stdout);
    loop {
        interrupts.check()?;
        thread::sleep(LOOK_EVERY);
    }
}
