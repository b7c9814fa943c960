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
    killer::Tally,
    ledger::{Failed, Ledger, Rotation},
    live::Live,
};

/// Prints while the demo runs.
pub(super) struct Report<'a> {
    demo: &'a Demo,
    printed: Cell<usize>,
    /// On a terminal a table is drawn over and over; else there is a line per rotation.
    live: Option<Live>,
}

impl<'a> Report<'a> {
    pub(super) fn new(demo: &'a Demo) -> Self {
        let live = Live::on_terminal().filter(|_| !demo.json);
        Self { demo, printed: Cell::new(0), live }
    }

    /// Says what is about to happen.
    pub(super) fn begin(&self) -> io::Result<()> {
        let Demo { workers, rotations, latency, .. } = self.demo;
        let ttl = self.demo.ttl.as_secs_f64();
        if self.demo.json {
            return Ok(());
        }
        let kill = match (self.demo.kill, self.demo.strict) {
            (true, false) => {
                "\nEvery other time the refreshing process is killed; the server then repeats its answer once more."
            }
            (true, true) => {
                "\nEvery other time the refreshing process is killed and its rotation is lost: the user signs in again."
            }
            (false, _) => "",
        };
        let how = if self.demo.naive { "by the widespread code, without a lock" } else { "through tokenward" };
        say(&format!(
            "{workers} processes share one login {how}, over {rotations} rotations.\n\
             Tokens live {ttl} s, the server takes {latency} ms, a spent refresh token revokes the login.{kill}"
        ))
    }

    /// Draws the table, where there is one.
    pub(super) fn draw(&self, ledger: &Ledger) -> io::Result<()> {
        self.live.as_ref().map_or(Ok(()), |live| live.draw(self.demo, ledger))
    }

    /// Prints the rotations that everybody has told of, and those that somebody has missed because the next one is there.
    pub(super) fn rotations(&self, ledger: &Ledger) -> io::Result<()> {
        let everybody = usize::try_from(self.demo.workers).unwrap_or(usize::MAX);
        let all = ledger.rotations();
        while let Some(rotation) = all.get(self.printed.get()) {
            if self.live.is_some() {
                break;
            }
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
        if let Some(live) = &self.live {
            return live.draw(self.demo, ledger);
        }
        while let Some(rotation) = ledger.rotations().get(self.printed.get()) {
            self.rotation(rotation)?;
        }
        Ok(())
    }

    fn rotation(&self, rotation: &Rotation) -> io::Result<()> {
        let number = self.printed.get().saturating_add(1);
        self.printed.set(number);
        let Rotation { winner, served, slowest_ms, killed, lost, .. } = rotation;
        let served = served.len();
        let Demo { workers, rotations, .. } = self.demo;
        if self.demo.json {
            let line = json!({"rotation": number, "winner": winner, "served": served, "slowest_ms": slowest_ms, "killed": killed, "lost": lost});
            return say(&line.to_string());
        }
        let fate = match (killed, lost) {
            (_, true) => return say(&format!("rotation {number:>2}: {winner:<10} was killed, the answer is lost")),
            (true, false) => "was killed",
            (false, false) => "refreshed",
        };
        // With losses there are more rotations than were asked for.
        let of = if self.demo.strict { String::new() } else { format!("/{rotations}") };
        say(&format!(
            "rotation {number:>2}{of}: {winner:<10} {fate}, {served} of {workers} served, \
             slowest after {slowest_ms:.0} ms"
        ))
    }

    /// Prints an error a worker met.
    pub(super) fn failure(&self, worker: u32, message: &str) -> io::Result<()> {
        if self.live.is_some() {
            return Ok(());
        }
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
    /// Judges a run by the server's counters and log, and by what the demo itself did. `ended` says what ended it before
    /// its time.
    pub(super) fn new(demo: &Demo, ledger: &Ledger, stats: &Value, tally: Tally, ended: Option<String>) -> Self {
        let count = |name: &str| stats.get(name).and_then(Value::as_u64).unwrap_or_default();
        let (requests, rotations) = (count("requests"), count("rotations"));
        let (replays, in_grace) = (count("replays"), count("replays_in_grace"));
        let revoked = count("families_revoked");
        let Tally { kills, sign_ins } = tally;
        // What the killed had asked for, in the one way or in the other.
        let (lost, repeated) = if demo.strict { (kills, 0) } else { (0, kills) };
        let wanted = u64::from(demo.rotations).saturating_add(lost);
        let everybody = usize::try_from(demo.workers).unwrap_or(usize::MAX);
        let all = ledger.rotations();
        let kept = || all.iter().filter(|rotation| !rotation.lost);
        let least = kept().map(|rotation| rotation.served.len()).min().unwrap_or_default();
        let winners = all.iter().map(|rotation| rotation.winner.as_str()).collect::<BTreeSet<_>>().len();
        let slowest = all.iter().map(|rotation| rotation.slowest_ms).fold(0.0, f64::max);
        let signed_out: BTreeSet<_> = ledger
            .failures()
            .iter()
            .filter(|failed| failed.kind == "reauth_required")
            .map(|failed| failed.worker)
            .collect();
        let named = |failed: &&Failed| failed.message.ends_with("rotation_lost");
        let errors = ledger.failures().iter().filter(|failed| !(demo.strict && named(failed))).count();
        let told_of_losses = ledger.failures().iter().filter(named).count();

        let mut failed = Vec::from_iter(ended);
        let mut demand = |holds: bool, what: String| {
            if !holds {
                failed.push(what);
            }
        };
        let asked = wanted.saturating_add(kills);
        demand(rotations == wanted, format!("rotations: {rotations} instead of {wanted}"));
        demand(requests == asked, format!("requests: {requests} instead of {asked}"));
        demand(in_grace == repeated, format!("answers repeated: {in_grace} instead of {repeated}"));
        demand(replays == lost, format!("replays: {replays} instead of {lost}"));
        demand(revoked == lost, format!("logins revoked: {revoked} instead of {lost}"));
        demand(sign_ins == lost, format!("logins made again: {sign_ins} instead of {lost}"));
        demand(!demo.kill || kills > 0, "nobody was killed".into());
        demand(lost == 0 || told_of_losses > 0, "no loss was named rotation_lost".into());
        demand(
            kept().count() == usize::try_from(demo.rotations).unwrap_or(usize::MAX) && least == everybody,
            format!("served after every rotation: {least} of {everybody}"),
        );
        demand(errors == 0, format!("errors: {errors}"));
        // Below that it may be chance.
        demand(winners >= 2 || rotations < 10, format!("different winners: {winners} instead of 2 or more"));
        let mut closing = match failed.is_empty() {
            true if lost > 0 => format!("passed: {kills} rotations were lost, and each loss was named rotation_lost"),
            true if kills > 0 => {
                format!(
                    "passed: {kills} processes killed with the answer on its way, {in_grace} answers repeated, nobody signed out"
                )
            }
            true => format!("passed: one request per rotation, and all {everybody} processes stayed signed in"),
            false => format!("failed: {}", failed.join("; ")),
        };
        if demo.naive {
            closing.push('\n');
            closing.push_str(&naive_closing(rotations, revoked, everybody, signed_out.len()));
            failed.push("the naive code is no way to share a login".into());
        }
        let kill_rows = [
            ("killed in flight", kills.to_string()),
            ("answers repeated", in_grace.to_string()),
            ("rotations lost", lost.to_string()),
            ("logins made again", sign_ins.to_string()),
        ];
        let mut rows = Vec::from([
            ("rotations", format!("{rotations} of {wanted}")),
            ("requests", requests.to_string()),
            ("replays", replays.to_string()),
            ("logins revoked", revoked.to_string()),
            ("callers served", format!("at least {least} of {everybody} after each rotation")),
            ("errors", errors.to_string()),
            ("different winners", winners.to_string()),
            ("slowest caller", format!("{slowest:.0} ms")),
        ]);
        rows.extend(kill_rows.into_iter().filter(|_| demo.kill));
        Self {
            rows,
            figures: json!({
                "rotations": rotations, "requests": requests, "replays": replays, "families_revoked": revoked,
                "served_min": least, "errors": errors, "winners": winners, "slowest_ms": slowest, "workers_signed_out": signed_out.len(),
                "kills": kills, "replays_in_grace": in_grace, "rotations_lost": lost, "sign_ins": sign_ins,
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    #[test]
    fn run_in_which_everybody_was_served_by_one_request_each_passes() {
        let verdict = Run::of(10).judge(&[]);

        assert_eq!(verdict.failed, Vec::<String>::new());
    }

    #[test]
    fn one_winner_is_chance_in_a_short_run_and_a_fault_in_a_long_one() {
        let one = |rotations| Run { winners: 1, ..Run::of(rotations) }.judge(&[]).failed;

        assert_eq!(one(9), Vec::<String>::new());
        assert_eq!(one(10), ["different winners: 1 instead of 2 or more"]);
    }

    #[test]
    fn whatever_the_servers_log_says_against_it_fails_a_run() {
        for (stats, what) in [
            (("requests", 11), "requests: 11 instead of 10"),
            (("rotations", 9), "rotations: 9 instead of 10"),
            (("replays", 1), "replays: 1 instead of 0"),
            (("replays_in_grace", 1), "answers repeated: 1 instead of 0"),
            (("families_revoked", 1), "logins revoked: 1 instead of 0"),
        ] {
            assert_eq!(Run::of(10).judge(&[stats]).failed, [what]);
        }
        assert_eq!(Run { unserved: 1, ..Run::of(10) }.judge(&[]).failed, ["served after every rotation: 1 of 2"]);
        assert_eq!(Run { errors: 1, ..Run::of(10) }.judge(&[]).failed, ["errors: 1"]);
    }

    /// A run of two workers.
    struct Run {
        rotations: u32,
        winners: u32,
        /// How many were not served after the last rotation.
        unserved: u32,
        errors: u32,
    }

    impl Run {
        fn of(rotations: u32) -> Self {
            Self { rotations, winners: 2, unserved: 0, errors: 0 }
        }

        fn judge(&self, stats: &[(&str, u64)]) -> Verdict {
            let rotations = self.rotations.to_string();
            let argv = ["tokenward", "demo", "--workers", "2", "--rotations", &rotations];
            let Command::Demo(demo) = Cli::try_parse_from(argv).unwrap().command else { panic!("another command") };
            let log = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(log.path(), self.log()).unwrap();
            let mut ledger = Ledger::open(log.path()).unwrap();
            ledger.read().unwrap();
            for worker in 0..self.errors {
                ledger.failed(worker, "unavailable".into(), "token endpoint answered 503");
            }
            let mut told = json!({"requests": self.rotations, "rotations": self.rotations});
            for (name, value) in stats {
                told[*name] = (*value).into();
            }
            Verdict::new(&demo, &ledger, &told, Tally { kills: 0, sign_ins: 0 }, None)
        }

        fn log(&self) -> String {
            let mut log = String::new();
            for rotation in 0..self.rotations {
                let winner = format!("worker-{}", rotation % self.winners);
                log += &format!(
                    "{}\n",
                    json!({"kind": "rotation", "access_token": rotation.to_string(), "agent": winner})
                );
                let served = if rotation + 1 == self.rotations { 2 - self.unserved } else { 2 };
                for worker in 0..served {
                    let api = json!({"kind": "api", "status": 200, "access_token": rotation.to_string(), "caller": format!("worker-{worker}")});
                    log += &format!("{api}\n");
                }
            }
            log
        }
    }
}
