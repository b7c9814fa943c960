//! `tokenward demo`: many processes share one credential before a strict server, and the server's log is the verdict.
//!
//! The import is a refresh token alone, so the first `get_token` is rotation 1. Each worker asks, shows its token to
//! the server's API, waits until the token ends and asks again. It stops when it was served R different tokens; a
//! worker that missed one would ask once more and cause a rotation too many. A token ends for us when less than 2 s of
//! its life remain (or half of it, if that is shorter): then every worker asks at the same moment.

mod children;
mod client;
mod killer;
mod ledger;
mod live;
mod naive;
mod report;
mod serve;
mod worker;

use std::{
    fs, io,
    path::Path,
    process::Command,
    string::{String, ToString},
    sync::mpsc::RecvTimeoutError,
    time::Duration,
};

use serde_json::Value;

use super::{
    exit::{Failure, examples},
    interrupt::Interrupts,
    settings::parse_seconds,
};
use crate::{Config, Grant, Guard, Secret, TokenSource, provider::clock::now};
use children::{Launcher, Line, Workers};
use killer::Killer;
use ledger::Ledger;
use report::{Report, Verdict};
pub(super) use worker::Worker;

/// Shows many processes sharing one rotating login before a strict server, all on this machine.
///
/// Starts a token server that revokes a login whenever a spent refresh token comes back, stores one login in a private
/// temporary folder, and lets worker processes use it over many rotations. The verdict comes from the server's own log:
/// exit code 0 only if there was exactly one request per rotation, no replay, every worker was served after every
/// rotation, and at least two different workers refreshed.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = examples!("\
  tokenward demo
  tokenward demo --naive
  tokenward demo --kill
  tokenward demo --kill --strict
  tokenward demo --serve
  tokenward demo --workers 64 --rotations 5 --json"))]
pub(super) struct Demo {
    /// Worker processes
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=256))]
    workers: u32,
    /// Rotations to live through
    #[arg(long, default_value_t = 20, value_name = "R", value_parser = clap::value_parser!(u32).range(2..=10_000))]
    rotations: u32,
    /// Life of an access token, at least 3
    #[arg(long, default_value = "4", value_name = "SECONDS", value_parser = parse_life)]
    ttl: Duration,
    /// Time the server takes for an answer
    #[arg(long, default_value_t = 50, value_name = "MS", value_parser = clap::value_parser!(u64).range(..=10_000))]
    latency: u64,
    /// Use the widespread code instead: read, refresh if expired, replace the file, no lock
    #[arg(long)]
    naive: bool,
    /// Kill the refreshing worker at every other rotation, with the answer on its way; the server repeats that answer
    /// to the next one for a while
    #[arg(long, conflicts_with = "naive")]
    kill: bool,
    /// With --kill: the server repeats nothing, each such rotation is lost, and the user signs in again
    #[arg(long, requires = "kill")]
    strict: bool,
    /// Leave the strict server running for other programs until Ctrl-C, and print where it is
    #[arg(long, conflicts_with_all = ["naive", "kill", "workers", "rotations"])]
    serve: bool,
    /// Report in JSON, one object per line
    #[arg(long)]
    pub(super) json: bool,
}

const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The time workers of the naive kind get after the first of them has lost its login.
const NAIVE_REST: Duration = Duration::from_secs(2);

impl Demo {
    /// Runs the demo and prints its report and verdict.
    pub(super) fn run(self, argv0: &str) -> Result<(), Failure> {
        let interrupts = Interrupts::note()?;
        if self.serve {
            return serve::run(&interrupts, self.ttl, Duration::from_millis(self.latency));
        }
        let folder = private_folder()?;
        let launcher = Launcher::new(argv0);
        let log = folder.path().join("provider.log");
        let store = folder.path().join("credential.json");

        let mut provider = launcher.start(|command| self.provider(command, &log))?;
        let ready: Value = serde_json::from_str(&provider.first_line()?)?;
        let text = |name: &str| ready.get(name).and_then(Value::as_str).unwrap_or_default();
        self.import(&store, text("token_url"), text("client_id"), Secret::new(text("refresh_token")))?;
        let mut workers = Workers::start(self.workers, |number| {
            launcher.start(|command| self.worker(command, number, self.rotations, &store, &ready))
        })?;

        let report = Report::new(&self);
        let mut ledger = Ledger::open(&log)?;
        report.begin()?;
        let mut killer = Killer::new(&self, &launcher, &store, &ready);
        let ended = self.watch(&interrupts, &mut workers, &mut ledger, &report, &mut killer)?;
        ledger.read()?;
        report.last(&ledger)?;
        let stats = client::get(&std::format!("{}/stats", text("url")), None)?.1;
        let verdict = Verdict::new(&self, &ledger, &serde_json::from_slice(&stats)?, killer.tally(), ended);
        report.verdict(&verdict)?;
        if verdict.passed() { Ok(()) } else { Err(Failure::Told(1)) }
    }

    /// Follows the workers to their end. Returns what ended them if it was not their own will.
    fn watch(
        &self,
        interrupts: &Interrupts,
        workers: &mut Workers,
        ledger: &mut Ledger,
        report: &Report<'_>,
        killer: &mut Killer<'_>,
    ) -> Result<Option<String>, Failure> {
        let start = now().mono;
        let mut limit = self.time_limit();
        while workers.running() > 0 {
            interrupts.check()?;
            if self.kill {
                ledger.read()?;
                killer.look(workers, ledger)?;
            }
            report.draw(ledger)?;
            if now().mono.saturating_sub(start) > limit {
                let running = workers.running();
                let lost = self.naive && !ledger.failures().is_empty();
                return Ok((!lost).then(|| std::format!("{running} workers still ran after {} s", limit.as_secs())));
            }
            match workers.next(LOOK_EVERY) {
                Ok((_, Line::Ready)) => workers.go_if_all_ready()?,
                Ok((worker, Line::Served { access_token, waited_ms })) => {
                    ledger.read()?;
                    killer.served(worker);
                    ledger.served(&access_token, waited_ms);
                    report.rotations(ledger)?;
                }
                Ok((worker, Line::Failed { kind, message })) => {
                    if ledger.failed(worker, kind, &message) {
                        report.failure(worker, &message)?;
                    }
                    killer
                        .failed(&ledger.failures().last().map(|failed| failed.message.clone()).unwrap_or_default())?;
                    if self.naive {
                        limit = limit.min(now().mono.saturating_sub(start) + NAIVE_REST);
                    }
                }
                Ok((worker, Line::Ended)) => workers.ended(worker),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
        }
        Ok(None)
    }

    /// Returns the time after which a worker asks again once it was served: when its token ends for it.
    fn period(&self) -> Duration {
        self.ttl.saturating_sub(worker::margin(self.ttl, self.naive))
    }

    /// Returns the time after which something must be wrong.
    fn time_limit(&self) -> Duration {
        let round = self.period() + Duration::from_millis(self.latency) + Duration::from_millis(200);
        let patience = if self.kill { Duration::from_secs(60) } else { Duration::from_secs(20) };
        patience + round.saturating_mul(self.rotations).mul_f64(1.3)
    }

    fn import(&self, store: &Path, token_url: &str, client_id: &str, refresh_token: Secret) -> Result<(), Failure> {
        if self.naive {
            return Ok(naive::import(store, &refresh_token)?);
        }
        let config = Config { store: Some(store.display().to_string()), ..Config::new(token_url, client_id) };
        let source = TokenSource::open(config)?;
        let grant = Grant { refresh_token: Some(refresh_token), ..Grant::default() };
        let saved = source.save(grant, Guard::SameAccount);
        source.close();
        Ok(saved?)
    }

    fn provider(&self, command: &mut Command, log: &Path) {
        command.arg("provider").arg("--log").arg(log);
        command.args(["--ttl", &self.ttl.as_secs_f64().to_string(), "--latency", &self.latency.to_string()]);
        if self.kill && !self.strict {
            command.args(["--grace", "60"]);
        }
    }

    // Arguments can be seen by others: there is no secret among them.
    fn worker(&self, command: &mut Command, number: u32, rotations: u32, store: &Path, ready: &Value) {
        let text = |name: &str| ready.get(name).and_then(Value::as_str).unwrap_or_default().to_string();
        command.arg("demo-worker").arg("--store").arg(store);
        command.args(["--number", &number.to_string(), "--rotations", &rotations.to_string()]);
        command.args(["--ttl", &self.ttl.as_secs_f64().to_string()]);
        command.args(["--url", &text("url"), "--token-url", &text("token_url"), "--client-id", &text("client_id")]);
        if self.naive {
            command.arg("--naive");
        }
        if self.strict {
            command.arg("--patient");
        }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::Io(io::Error::other(error.to_string()))
    }
}

/// Makes a folder only we can look into. It is removed when dropped, at Ctrl-C too.
fn private_folder() -> io::Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("tokenward-demo-");
    #[cfg(unix)]
    builder.permissions(<fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o700));
    builder.tempdir()
}

fn parse_life(text: &str) -> Result<Duration, String> {
    let life = parse_seconds(text)?;
    // Below 2 s of life no token is handed out, and two rotations are half a life apart: under 3 s a worker that comes
    // a moment late would meet a token it can no longer have.
    let bounds = Duration::from_secs(3)..=Duration::from_secs(3600);
    if bounds.contains(&life) { Ok(life) } else { Err("not a time in seconds, 3 to 3600".into()) }
}
