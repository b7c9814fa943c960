//! `tokenward doctor`: what is wrong with a set-up, and what to do about it.

mod files;
mod login;
mod report;
mod setup;

use std::{
    format,
    io::{self, Write},
    path::Path,
    string::String,
    vec::Vec,
};

use serde_json::{Value, json};

use super::{
    colour::Paint,
    exit::{Failure, examples},
    settings::{Environment, Resolved, Settings},
};
use crate::{
    UnixTime,
    native::{Site, io_words},
    provider::clock::now,
};

/// Looks for what is wrong with settings, files, locks and clocks, and says what to do about each. Changes nothing.
///
/// The exit code is 0 only if nothing is wrong. No server is asked: `status --verify` does that.
#[derive(Debug, clap::Args)]
#[command(after_help = examples!("\
  tokenward doctor
  tokenward doctor --profile work --json
  tokenward doctor --report"))]
pub(super) struct Doctor {
    /// Print a text for a bug report: settings, state and findings, without secrets
    #[arg(long, conflicts_with = "json")]
    report: bool,
    #[command(flatten)]
    pub(super) settings: Settings,
}

/// Something a person should know.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    /// A name that stays.
    code: &'static str,
    weight: Weight,
    message: String,
    /// What to do about it.
    advice: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    /// It is wrong, now or at the next refresh.
    Wrong,
    /// It is as somebody may have wanted it.
    Note,
}

/// What was looked at, and what was found.
#[derive(Debug, Default)]
struct Findings {
    /// The areas that were looked at, in order, each with the number of findings before it.
    areas: Vec<(&'static str, usize)>,
    all: Vec<Finding>,
}

impl Findings {
    /// Begins an area.
    fn look_at(&mut self, area: &'static str) {
        self.areas.push((area, self.all.len()));
    }

    fn wrong(&mut self, code: &'static str, message: impl Into<String>, advice: impl Into<String>) {
        self.add(Weight::Wrong, code, message.into(), advice.into());
    }

    fn note(&mut self, code: &'static str, message: impl Into<String>, advice: impl Into<String>) {
        self.add(Weight::Note, code, message.into(), advice.into());
    }

    fn add(&mut self, weight: Weight, code: &'static str, message: String, advice: String) {
        self.all.push(Finding { code, weight, message, advice });
    }

    fn is_well(&self) -> bool {
        self.all.iter().all(|finding| finding.weight == Weight::Note)
    }

    /// Returns each area with its findings.
    fn by_area(&self) -> impl Iterator<Item = (&'static str, &[Finding])> {
        self.areas.iter().enumerate().map(|(index, (area, from))| {
            let to = self.areas.get(index.saturating_add(1)).map_or(self.all.len(), |(_, next)| *next);
            (*area, self.all.get(*from..to).unwrap_or_default())
        })
    }

    fn text(&self, paint: Paint) -> String {
        let mut text = String::new();
        for (area, findings) in self.by_area() {
            let is_wrong = findings.iter().any(|finding| finding.weight == Weight::Wrong);
            let mark = if is_wrong { paint.red("wrong") } else { paint.green("ok   ") };
            text.push_str(&format!("{mark}  {area}\n"));
            for Finding { code, weight, message, advice } in findings {
                let code = if *weight == Weight::Wrong { paint.red(code) } else { paint.yellow(code) };
                text.push_str(&format!("         {code}: {message}\n           {advice}\n"));
            }
        }
        text
    }

    fn json(&self) -> Value {
        let findings = self.all.iter().map(|Finding { code, weight, message, advice }| {
            let level = if *weight == Weight::Wrong { "wrong" } else { "note" };
            json!({"code": code, "level": level, "message": message, "advice": advice})
        });
        let areas: Vec<_> = self.areas.iter().map(|(area, _)| *area).collect();
        json!({"ok": self.is_well(), "looked_at": areas, "findings": findings.collect::<Vec<_>>()})
    }
}

impl Doctor {
    /// Looks at everything and tells.
    pub(super) fn run(self) -> Result<(), Failure> {
        let environment = Environment::read();
        let resolved = environment.as_ref().ok().map(|environment| self.settings.resolve(environment));
        let site = match &resolved {
            Some(Ok(resolved)) => Some(Site::of(Path::new(resolved.config.store.as_deref().unwrap_or_default()))),
            Some(Err(_)) | None => None,
        };
        let now = now().wall;
        let mut findings = Findings::default();
        findings.look_at("settings");
        setup::settings(&self.settings, &environment, resolved.as_ref(), &mut findings);
        findings.look_at("network");
        setup::network(resolved.as_ref().and_then(|resolved| resolved.as_ref().ok()), &mut findings);
        if let (Some(Ok(resolved)), Some(site)) = (&resolved, &site) {
            look_at_store(resolved, site.as_ref(), &self.settings, now, &mut findings);
        }
        let mut stdout = io::stdout().lock();
        if self.settings.json {
            writeln!(stdout, "{}", findings.json())?;
        } else if self.report {
            write!(stdout, "{}", report::text(&self.settings, resolved.as_ref(), &findings))?;
        } else {
            write!(stdout, "{}", findings.text(Paint::on(&stdout)))?;
            let end = if findings.is_well() { "nothing is wrong" } else { "see what is wrong above" };
            writeln!(stdout, "{end}")?;
        }
        stdout.flush()?;
        if findings.is_well() { Ok(()) } else { Err(Failure::Told(1)) }
    }
}

fn look_at_store(
    resolved: &Resolved,
    site: Result<&Site, &io::Error>,
    settings: &Settings,
    now: UnixTime,
    findings: &mut Findings,
) {
    findings.look_at("files");
    let site = match site {
        Ok(site) => site,
        Err(error) => {
            let store = resolved.config.store.as_deref().unwrap_or_default();
            findings.wrong(
                "store_path",
                format!("{store}: {}", io_words(error)),
                "correct the path of the store, or the links on it",
            );
            return;
        }
    };
    files::store(site, Path::new(resolved.config.store.as_deref().unwrap_or_default()), findings);
    files::companions(site, findings);
    files::leftovers(site, now, findings);
    findings.look_at("locks");
    files::locks(site, resolved.config.trust_lock, findings);
    findings.look_at("journal");
    login::journal(site, findings);
    findings.look_at("clock");
    login::clock(site, resolved.config.format, now, findings);
    findings.look_at("login");
    login::login(settings, site, now, findings);
}
