//! `tokenward provider`: the strict provider in a process of its own, for the demo and for tests.

use std::{
    io::{self, Read, Write},
    path::PathBuf,
    string::String,
    time::Duration,
};

use serde_json::json;

use super::settings::parse_seconds;
use crate::provider::{Options, Provider};

/// Runs a strict token server on 127.0.0.1 until standard input closes.
#[derive(Debug, clap::Args)]
pub(super) struct Provide {
    /// Life of an access token in seconds, fractions allowed
    #[arg(long, default_value = "3600", value_name = "SECONDS", value_parser = parse_seconds)]
    ttl: Duration,
    /// Time between a rotation and its answer
    #[arg(long, default_value_t = 0, value_name = "MS")]
    latency: u64,
    /// Time in seconds in which the predecessor of a refresh token gets the same answer again
    #[arg(long, default_value = "0", value_name = "SECONDS", value_parser = parse_seconds)]
    grace: Duration,
    /// Let a rotation end the older access tokens too
    #[arg(long)]
    single: bool,
    /// Client that may use the refresh tokens
    #[arg(long, default_value = "tokenward-demo")]
    client_id: String,
    /// File the log is appended to, one JSON object per request, without secrets
    #[arg(long)]
    log: Option<PathBuf>,
}

impl Provide {
    /// Prints the ready line and serves.
    pub(super) fn run(self) -> io::Result<()> {
        let client_id = self.client_id.clone();
        let provider = Provider::start(Options {
            ttl: self.ttl,
            latency: Duration::from_millis(self.latency),
            grace: self.grace,
            single: self.single,
            client_id: self.client_id,
            log: self.log,
        })?;
        let ready = json!({
            "url": provider.url(),
            "token_url": provider.token_url(),
            "refresh_token": provider.refresh_token(),
            "client_id": client_id,
        });
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "{ready}")?;
        stdout.flush()?;
        let mut stdin = io::stdin().lock();
        let mut ignored = [0; 256];
        loop {
            match stdin.read(&mut ignored) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}
