//! One worker process: asks for a token, shows it to the server, waits until it ends, asks again.

use std::{
    collections::BTreeSet,
    format,
    io::{self, Write},
    path::PathBuf,
    process,
    string::{String, ToString},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use super::{client::get, naive};
use crate::{
    AccessToken, Act, Config, TokenError, TokenSource,
    cli::{exit::Failure, settings::parse_seconds},
    provider::clock::now,
};

/// One worker of the demo.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Worker {
    #[arg(long)]
    number: u32,
    #[arg(long)]
    rotations: usize,
    #[arg(long, value_parser = parse_seconds)]
    ttl: Duration,
    #[arg(long)]
    store: PathBuf,
    #[arg(long)]
    url: String,
    #[arg(long)]
    token_url: String,
    #[arg(long)]
    client_id: String,
    #[arg(long)]
    naive: bool,
    /// Whether somebody will sign in again when the login is lost.
    #[arg(long)]
    patient: bool,
}

/// The pause before a worker asks again that was served a token it knows.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// The pause before a worker asks again that was told an error.
const AFTER_FAILURE: Duration = Duration::from_millis(200);
/// Workers wake within this time of each other, so that it is not always the same one that is first.
const SPREAD: Duration = Duration::from_millis(5);

impl Worker {
    /// Runs until it was served a token of every rotation, or its parent ends.
    pub(in crate::cli) fn run(self) -> Result<(), Failure> {
        let client = if self.naive { None } else { Some(TokenSource::open(self.config())?) };
        let get = || match &client {
            Some(source) => source.get_token(),
            None => naive::get_token(&self.store, &self.token_url, &self.client_id, &self.name()),
        };
        say(&json!({"ready": true}))?;
        wait_for_go()?;
        let mut seen = BTreeSet::new();
        while seen.len() < self.rotations {
            let asked = now().mono;
            let token = match get() {
                Ok(token) => token,
                Err(error) if passes(&error) || (self.patient && error.act() == Act::SignIn) => {
                    self.fail(&error)?;
                    thread::sleep(error.retry_in().unwrap_or_default().max(AFTER_FAILURE));
                    continue;
                }
                Err(error) => return self.fail(&error),
            };
            let waited_ms = now().mono.saturating_sub(asked).as_secs_f64() * 1000.0;
            if !seen.insert(token.fingerprint()) {
                thread::sleep(LOOK_AGAIN);
                continue;
            }
            // The server's log is the proof that a worker was served: it says which token was shown to it, and by whom.
            let url = format!("{}/api?caller={}", self.url, self.name());
            let status = get_page(&url, &token)?;
            let name = token.fingerprint().to_string();
            say(&json!({"access_token": name, "waited_ms": waited_ms, "api_status": status}))?;
            if seen.len() < self.rotations {
                thread::sleep(self.rest(&token)?);
            }
        }
        if let Some(source) = client {
            source.close();
        }
        Ok(())
    }

    fn name(&self) -> String {
        format!("worker-{}", self.number)
    }

    fn config(&self) -> Config {
        Config {
            store: Some(self.store.display().to_string()),
            // The server logs the User-Agent: that is how it knows who refreshed.
            user_agent: self.name(),
            ..Config::new(self.token_url.as_str(), self.client_id.as_str())
        }
    }

    fn fail(&self, error: &TokenError) -> Result<(), Failure> {
        Ok(say(&json!({"error": {"kind": error.kind().as_str(), "message": error.to_string()}}))?)
    }

    /// Returns the time until the token has ended for us.
    fn rest(&self, token: &AccessToken) -> io::Result<Duration> {
        let mut dice = [0];
        getrandom::fill(&mut dice).map_err(io::Error::other)?;
        let [throw] = dice;
        let spread = SPREAD.mul_f64(f64::from(throw) / 255.0);
        let left = token.expires_at().map_or(Duration::ZERO, |end| end.since(now().wall));
        Ok(left.saturating_sub(margin(self.ttl, self.naive)) + spread)
    }
}

/// Returns how long before its expiry a token has ended for its user: the library hands out no token with less than 2 s
/// of life, and refreshes short-lived ones no sooner than at half their life. The naive code knows no such thing.
pub(super) fn margin(ttl: Duration, naive: bool) -> Duration {
    if naive { Duration::ZERO } else { Duration::from_secs(2).min(ttl / 2) }
}

fn get_page(url: &str, token: &AccessToken) -> io::Result<u16> {
    get(url, Some(&token.authorization())).map(|(status, _)| status)
}

/// Returns whether asking again makes sense.
fn passes(error: &TokenError) -> bool {
    match error.act() {
        Act::Wait | Act::Retry | Act::CheckNetwork => true,
        Act::SignIn | Act::FixConfiguration | Act::FreeStore | Act::Confirm => false,
    }
}

fn say(line: &Value) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}

/// Waits for the parent's word, then watches for its end.
fn wait_for_go() -> io::Result<()> {
    let mut word = String::new();
    if io::stdin().read_line(&mut word)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    thread::Builder::new().stack_size(128 * 1024).spawn(|| {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        process::exit(1);
    })?;
    Ok(())
}
