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
use crate::{UnixTime, provider::clock::now};

/// Lists the profiles of the configuration file and the state of their logins. Reads only.
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
        let names: Vec<_> = file.iter().flat_map(Profiles::names).map(String::from).collect();
        let mut stdout = io::stdout().lock();
        let paint = Paint::on(&stdout);
        let (mut rows, mut answers) = (Vec::new(), Vec::new());
        for name in &names {
            let shown = Shown::read(&self.settings.with_profile(name));
            answers.push(as_json(name, &shown));
            rows.push((name.as_str(), sentence(&shown, now().wall, paint)));
        }
        if self.settings.json {
            writeln!(stdout, "{}", json!({"profiles": answers}))?;
        } else if names.is_empty() {
            let path = self.settings.file(&environment).map(|(path, _)| path.display().to_string());
            writeln!(stdout, "no profiles; they are tables [profiles.NAME] in {}", path.unwrap_or_default())?;
        } else {
            write!(stdout, "{}", super::lines(&rows))?;
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
        (_, _) => paint.red(&shown.trouble().map(|error| error.to_string()).unwrap_or_default()),
    }
}

fn as_json(name: &str, shown: &Result<Shown, Failure>) -> Value {
    match shown {
        Ok(shown) => json!({
            "profile": name,
            "store": shown.store,
            "state": state(shown, now().wall),
            "expires_at": shown.status.expires_at.map(text::rfc3339),
            "error": null,
        }),
        Err(failure) => json!({
            "profile": name,
            "store": null,
            "state": failure.kind(),
            "expires_at": null,
            "error": failure.message(),
        }),
    }
}
