//! What the demo prints: a line per rotation, then the verdict.

use core::cell::Cell;
use std::{
    collections::BTreeSet,
    format,
    io::{self, Write},
    string::{String, ToString},
    vec::Vec,
};

use serde_json::{Value, json};

use super::{
    Demo,
    ledger::{Ledger, Rotation},
};

/// Prints while the demo runs.
pub(super) struct Report<'a> {
    demo: &'a Demo,
    printed: Cell<usize>,
}

impl<'a> Report<'a> {
    pub(super) fn new(demo: &'a Demo) -> Self {
        Self { demo, printed: Cell::new(0) }
    }

    /// Says what is about to happen.
    pub(super) fn begin(&self) -> io::Result<()> {
        let Demo { workers, rotations, latency, .. } = self.demo;
        let ttl = self.demo.ttl.as_secs_f64();
        if self.demo.json {
            return Ok(());
        }
        let how = if self.demo.naive { "by the widespread code, without a lock" } else { "through tokenward" };
        say(&format!(
            "{workers} processes share one login {how}, over {rotations} rotations.\n\
             Tokens live {ttl} s, the server takes {latency} ms, a spent refresh token revokes the login."
        ))
    }

    /// Prints the rotations that everybody has told of, and those that somebody has missed because the next one is there.
    pub(super) fn rotations(&self, ledger: &Ledger) -> io::Result<()> {
        let everybody = usize::try_from(self.demo.workers).unwrap_or(usize::MAX);
        let all = ledger.rotations();
        while let Some(rotation) = all.get(self.printed.get()) {
            let superseded = self.printed.get().saturating_add(2) < all.len();
            if rotation.told < everybody && !superseded {
                break;
            }
            self.rotation(rotation)?;
        }
        Ok(())
    }

    /// Prints the rotations that are left.
    pub(super) fn last(&self, ledger: &Ledger) -> io::Result<()> {
        while let Some(rotation) = ledger.rotations().get(self.printed.get()) {
            self.rotation(rotation)?;
        }
        Ok(())
    }

    fn rotation(&self, rotation: &Rotation) -> io::Result<()> {
        let number = self.printed.get().saturating_add(1);
        self.printed.set(number);
        let Rotation { winner, served, slowest_ms, .. } = rotation;
        let served = served.len();
        let Demo { workers, rotations, .. } = self.demo;
        if self.demo.json {
            let line = json!({"rotation": number, "winner": winner, "served": served, "slowest_ms": slowest_ms});
            return say(&line.to_string());
        }
        say(&format!(
            "rotation {number:>2}/{rotations}: {winner:<10} refreshed, {served} of {workers} served, \
             slowest after {slowest_ms:.0} ms"
        ))
    }

    /// Prints an error a worker met.
    pub(super) fn failure(&self, worker: u32, message: &str) -> io::Result<()> {
        if self.demo.json {
            return say(&json!({"worker": worker, "error": message}).to_string());
        }
        say(&format!("worker-{worker}: {message}"))
    }

    /// Prints the verdict.
    pub(super) fn verdict(&self, verdict: &Verdict) -> io::Result<()> {
        if self.demo.json { say(&verdict.json().to_string()) } else { say(&verdict.text()) }
    }
}

/// What the server's log proves.
pub(super) struct Verdict {
    rows: Vec<(&'static str, String)>,
    figures: Value,
    failed: Vec<String>,
    closing: String,
}

impl Verdict {
    /// Judges a run by the server's counters and log. `ended` says what ended it before its time.
    pub(super) fn new(demo: &Demo, ledger: &Ledger, stats: &Value, ended: Option<String>) -> Self {
        let count = |name: &str| stats.get(name).and_then(Value::as_u64).unwrap_or_default();
        let (requests, rotations) = (count("requests"), count("rotations"));
        let (replays, revoked) = (count("replays"), count("families_revoked"));
        let wanted = u64::from(demo.rotations);
        let everybody = usize::try_from(demo.workers).unwrap_or(usize::MAX);
        let all = ledger.rotations();
        let least = all.iter().map(|rotation| rotation.served.len()).min().unwrap_or_default();
        let winners = all.iter().map(|rotation| rotation.winner.as_str()).collect::<BTreeSet<_>>().len();
        let slowest = all.iter().map(|rotation| rotation.slowest_ms).fold(0.0, f64::max);
        let lost: BTreeSet<_> = ledger
            .failures()
            .iter()
            .filter(|failed| failed.kind == "reauth_required")
            .map(|failed| failed.worker)
            .collect();

        let mut failed = Vec::from_iter(ended);
        let mut demand = |holds: bool, what: String| {
            if !holds {
                failed.push(what);
            }
        };
        demand(rotations == wanted, format!("rotations: {rotations} instead of {wanted}"));
        demand(requests == wanted, format!("requests: {requests} instead of {wanted}"));
        demand(replays == 0, format!("replays: {replays}"));
        demand(revoked == 0, format!("logins revoked: {revoked}"));
        demand(
            all.len() == usize::try_from(wanted).unwrap_or(usize::MAX) && least == everybody,
            format!("served after every rotation: {least} of {everybody}"),
        );
        let errors = ledger.failures().len();
        demand(errors == 0, format!("errors: {errors}"));
        demand(winners >= 2, format!("different winners: {winners} instead of 2 or more"));
        let mut closing = match failed.is_empty() {
            true => format!("passed: one request per rotation, and all {everybody} processes stayed signed in"),
            false => format!("failed: {}", failed.join("; ")),
        };
        if demo.naive {
            closing.push('\n');
            closing.push_str(&naive_closing(rotations, revoked, everybody, lost.len()));
            failed.push("the naive code is no way to share a login".into());
        }
        Self {
            rows: Vec::from([
                ("rotations", format!("{rotations} of {wanted}")),
                ("requests", requests.to_string()),
                ("replays", replays.to_string()),
                ("logins revoked", revoked.to_string()),
                ("callers served", format!("at least {least} of {everybody} after each rotation")),
                ("errors", errors.to_string()),
                ("different winners", winners.to_string()),
                ("slowest caller", format!("{slowest:.0} ms")),
            ]),
            figures: json!({
                "rotations": rotations, "requests": requests, "replays": replays, "families_revoked": revoked,
                "served_min": least, "errors": errors, "winners": winners, "slowest_ms": slowest, "workers_signed_out": lost.len(),
                "failed": failed, "passed": failed.is_empty(),
            }),
            failed,
            closing,
        }
    }

    /// Returns whether everything held.
    pub(super) fn passed(&self) -> bool {
        self.failed.is_empty()
    }

    fn json(&self) -> Value {
        json!({"verdict": self.figures})
    }

    fn text(&self) -> String {
        format!("\nThe server's own log:\n{}\n{}", indent(&crate::cli::lines(&self.rows)), self.closing)
    }
}

fn naive_closing(rotations: u64, revoked: u64, workers: usize, lost: usize) -> String {
    if revoked == 0 {
        return "the login survived by luck this time".into();
    }
    let times = if rotations == 1 { "1 rotation".into() } else { format!("{rotations} rotations") };
    format!(
        "the login was lost after {times}: the server revoked it, {lost} of {workers} workers have met the refusal \
         already, and a person would have to sign in again for all of them"
    )
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

/// Prints a line at once. Whoever reads it sees the demo run.
fn say(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}
