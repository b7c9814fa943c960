//! `tokenward list`: the configured profiles and the state of their logins.

use std::{
    format,
    io::{self, Write},
    string::{String, ToString},
    vec::Vec,
};

use serde_json::{Value, json};

use super::{
    colour::Paint,
    exit::{Failure, examples},
    profiles::Profiles,
    settings::{Environment, Settings},
    status::Shown,
    text,
};
use crate::{Profile, TokenError, UnixTime, provider::clock::now};

/// Lists the profiles of the configuration file, then the built-in ones, and the state of their logins. Reads only.
#[derive(Debug, clap::Args)]
#[command(after_help = examples!("\
  tokenward list
  tokenward list --json"))]
pub(super) struct List {
    #[command(flatten)]
    pub(super) settings: Settings,
}

impl List {
    /// Prints a line for each profile.
    pub(super) fn run(self) -> Result<(), Failure> {
        let environment = Environment::read()?;
        let file = self.settings.profiles(&environment)?;
        let names: Vec<_> = file.iter().flat_map(Profiles::names).collect();
        let built_in = Profile::ALL.iter().map(|profile| profile.name).filter(|name| !names.contains(name));
        let mut stdout = io::stdout().lock();
        let paint = Paint::on(&stdout);
        let (mut rows, mut answers) = (Vec::new(), Vec::new());
        for (name, is_built_in) in names.iter().map(|name| (*name, false)).chain(built_in.map(|name| (name, true))) {
            let shown = Shown::read(&self.settings.with_profile(name));
            answers.push(as_json(name, is_built_in, &shown));
            // That nobody uses one of these is nothing to be alarmed at.
            let paint = if is_built_in && !is_used(&shown) { Paint::plain() } else { paint };
            let sort = if is_built_in { "built in, " } else { "" };
            rows.push((name, format!("{sort}{}", sentence(&shown, now().wall, paint))));
        }
        if self.settings.json {
            writeln!(stdout, "{}", json!({"profiles": answers}))?;
        } else {
            write!(stdout, "{}", super::lines(&rows))?;
            if names.is_empty() {
                let path = self.settings.file(&environment).map(|(path, _)| path.display().to_string());
                writeln!(
                    stdout,
                    "no profiles of yours: they are tables [profiles.NAME] in {}",
                    path.unwrap_or_default()
                )?;
            }
        }
        Ok(())
    }
}

/// Returns the state in a word.
fn state(shown: &Shown, now: UnixTime) -> &'static str {
    let status = &shown.status;
    if let Some(error) = shown.trouble() {
        return error.kind().as_str();
    }
    match (status.access_token, status.expires_at) {
        (Some(_), Some(end)) if end <= now => "due",
        (Some(_), _) => "works",
        (None, _) => "due",
    }
}

fn sentence(shown: &Result<Shown, Failure>, now: UnixTime, paint: Paint) -> String {
    let shown = match shown {
        Ok(shown) => shown,
        Err(failure) => return paint.red(&failure.message()),
    };
    let end = shown.status.expires_at.filter(|end| *end > now);
    match (state(shown, now), end) {
        ("works", Some(end)) => paint.green(&format!("works, ends {}", text::moment(end, now))),
        ("works", None) => paint.green("works"),
        ("due", _) => "refreshed at the next use".into(),
        (_, _) => paint.red(&shown.trouble().map(|error| shown.message(&error)).unwrap_or_default()),
    }
}

/// Returns whether there is a login, or what was one.
fn is_used(shown: &Result<Shown, Failure>) -> bool {
    shown.as_ref().is_ok_and(|shown| shown.status.fault != Some(TokenError::SignedOut))
}

fn as_json(name: &str, is_built_in: bool, shown: &Result<Shown, Failure>) -> Value {
    match shown {
        Ok(shown) => json!({
            "profile": name,
            "built_in": is_built_in,
            "store": shown.store,
            "state": state(shown, now().wall),
            "expires_at": shown.status.expires_at.map(text::rfc3339),
            "error": null,
        }),
        Err(failure) => json!({
            "profile": name,
            "built_in": is_built_in,
            "store": null,
            "state": failure.kind(),
            "expires_at": null,
            "error": failure.message(),
        }),
    }
}
