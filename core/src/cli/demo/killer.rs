//! `tokenward demo --kill`: ends the refreshing worker with the answer on its way.
//!
//! The server is told to hold its answers. When one is held, its refresh token is spent and nobody has the new one: the
//! server's log says who asked, and that process is killed. A process in its place begins anew at once.

use std::{
    collections::BTreeMap,
    path::Path,
    string::{String, ToString},
};

use serde_json::{Value, json};

use super::{
    Demo,
    children::{Launcher, Workers},
    client,
    ledger::Ledger,
};
use crate::{Config, Grant, Guard, Secret, TokenSource, cli::exit::Failure};

pub(super) struct Killer<'a> {
    demo: &'a Demo,
    launcher: &'a Launcher,
    store: &'a Path,
    ready: &'a Value,
    /// Whether the server holds its answers.
    is_armed: bool,
    /// The rotation that comes next, counted from the last kill.
    seen: usize,
    served: BTreeMap<u32, u32>,
    tally: Tally,
}

/// What was done to the workers and to the login.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) kills: u64,
    pub(super) sign_ins: u64,
}

impl<'a> Killer<'a> {
    pub(super) fn new(demo: &'a Demo, launcher: &'a Launcher, store: &'a Path, ready: &'a Value) -> Self {
        let (served, tally) = (BTreeMap::new(), Tally::default());
        Self { demo, launcher, store, ready, is_armed: false, seen: 0, served, tally }
    }

    /// Arms after every rotation that went well, and strikes when an answer is held.
    pub(super) fn look(&mut self, workers: &mut Workers, ledger: &mut Ledger) -> Result<(), Failure> {
        let kept = ledger.rotations().iter().filter(|rotation| !rotation.lost).count();
        let is_last = kept >= usize::try_from(self.demo.rotations).unwrap_or(usize::MAX);
        let went_well =
            ledger.rotations().len() > self.seen && ledger.rotations().last().is_some_and(|last| !last.killed);
        if !self.is_armed && went_well && !is_last {
            client::control(self.url(), &json!({"hold": true}))?;
            self.is_armed = true;
            self.seen = ledger.rotations().len();
        }
        if self.is_armed && self.holds_an_answer()? {
            ledger.read()?;
            let winner = ledger.rotations().last().map(|rotation| rotation.winner.clone()).unwrap_or_default();
            let number = winner.strip_prefix("worker-").and_then(|number| number.parse().ok()).unwrap_or_default();
            if workers.kill(number) {
                self.tally.kills = self.tally.kills.saturating_add(1);
                ledger.killed(self.demo.strict);
                let done = self.served.get(&number).copied().unwrap_or_default();
                let left = self.demo.rotations.saturating_sub(done);
                let child =
                    self.launcher.start(|command| self.demo.worker(command, number, left, self.store, self.ready))?;
                workers.replace(number, child)?;
            }
            self.seen = ledger.rotations().len();
            self.is_armed = false;
            client::control(self.url(), &json!({"hold": false}))?;
        }
        Ok(())
    }

    /// Notes that a worker was served a token it had not seen.
    pub(super) fn served(&mut self, worker: u32) {
        let count = self.served.entry(worker).or_default();
        *count = count.saturating_add(1);
    }

    /// Signs the demo's user in again, once for each loss.
    pub(super) fn failed(&mut self, message: &str) -> Result<(), Failure> {
        let is_loss = self.demo.strict && message.ends_with("rotation_lost");
        if !is_loss || self.tally.sign_ins >= self.tally.kills {
            return Ok(());
        }
        self.tally.sign_ins = self.tally.sign_ins.saturating_add(1);
        let login = client::control(self.url(), &json!({"login": true}))?;
        let refresh_token = login.get("refresh_token").and_then(Value::as_str).unwrap_or_default();
        let store = Some(self.store.display().to_string());
        let source =
            TokenSource::open(Config { store, ..Config::new(self.text("token_url"), self.text("client_id")) })?;
        let grant = Grant { refresh_token: Some(Secret::new(refresh_token)), ..Grant::default() };
        let saved = source.save(grant, Guard::Replace);
        source.close();
        Ok(saved?)
    }

    pub(super) fn tally(&self) -> Tally {
        self.tally
    }

    fn holds_an_answer(&self) -> Result<bool, Failure> {
        let (_, stats) = client::get(&std::format!("{}/stats", self.url()), None)?;
        let stats: Value = serde_json::from_slice(&stats)?;
        Ok(stats.get("held").and_then(Value::as_u64).unwrap_or_default() > 0)
    }

    fn url(&self) -> &str {
        self.ready.get("url").and_then(Value::as_str).unwrap_or_default()
    }

    fn text(&self, name: &str) -> String {
        self.ready.get(name).and_then(Value::as_str).unwrap_or_default().to_string()
    }
}
