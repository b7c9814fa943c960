//! `tokenward keep-alive`: refreshes when nobody else does.

use std::{
    format,
    io::{self, Write},
    string::{String, ToString},
    thread,
    time::Duration,
};

use serde_json::json;

use super::{
    exit::{Failure, examples},
    got::Got,
    interrupt::Interrupts,
    problem,
    settings::{Settings, parse_seconds},
    text, timer,
    units::Manager,
};
use crate::{AccessToken, Act, TokenError, provider::clock::now};

/// Keeps a login in use while no other process does: some providers end a refresh token that rests for too long.
///
/// Runs until Ctrl-C and refreshes whenever the token would end before the next look. With --once it looks once; a
/// timer does the rest, and --install writes and starts one for this user: a systemd timer, on macOS a LaunchAgent.
/// --uninstall stops it and removes what --install wrote.
#[derive(Debug, clap::Args)]
#[command(after_help = examples!("\
  tokenward keep-alive --profile work
  tokenward keep-alive --profile work --once
  tokenward keep-alive --profile work --dry-run
  tokenward keep-alive --profile work --install
  tokenward keep-alive --profile work --uninstall"))]
pub(super) struct KeepAlive {
    /// Time between two looks, at least 60
    #[arg(long, default_value = "600", value_name = "SECONDS", value_parser = parse_pause)]
    every: Duration,
    /// Look once and end
    #[arg(long)]
    once: bool,
    /// Write the timer for a profile, and start it where the system's manager can be asked
    #[arg(long, conflicts_with_all = ["once", "uninstall", "print"])]
    install: bool,
    /// With --install: write the files only
    #[arg(long, requires = "install")]
    no_start: bool,
    /// Stop the timer of a profile and remove its files
    #[arg(long, conflicts_with_all = ["once", "print"])]
    uninstall: bool,
    /// Show the timer's files; nothing is written and nothing started
    #[arg(long, visible_alias = "dry-run", conflicts_with = "once")]
    print: bool,
    /// Whose timer it is: this system's unless given
    #[arg(long, value_enum)]
    manager: Option<Manager>,
    #[command(flatten)]
    pub(super) settings: Settings,
}

/// How often a signal is looked for while nothing is to do.
const LOOK_EVERY: Duration = Duration::from_millis(100);

impl KeepAlive {
    /// Does one of its five things.
    pub(super) fn run(self) -> Result<(), Failure> {
        let manager = self.manager.unwrap_or_else(Manager::of_this_system);
        if self.print {
            return timer::print(manager, &self.settings, self.every);
        }
        if self.install {
            return timer::install(manager, &self.settings, self.every, !self.no_start);
        }
        if self.uninstall {
            return timer::uninstall(manager, &self.settings);
        }
        if self.once {
            let token = self.look()?;
            return self.tell(&token);
        }
        loop {
            match self.look() {
                Ok(token) => self.tell(&token)?,
                Err(Failure::Token { error, store }) if passes(&error) => {
                    let (message, advice) = (problem::message(&error, store.as_deref()), problem::advice(&error));
                    writeln!(io::stderr().lock(), "tokenward: {message}\n  {advice}")?;
                }
                Err(failure) => return Err(failure),
            }
            self.rest()?;
        }
    }

    /// Refreshes if the token ends before the next look, with time to spare for a failure.
    fn look(&self) -> Result<AccessToken, Failure> {
        let got = Got::token(&self.settings, self.every.saturating_mul(2))?;
        let token = got.token.clone();
        got.finish()?;
        Ok(token)
    }

    fn tell(&self, token: &AccessToken) -> Result<(), Failure> {
        let (name, end) = (token.fingerprint().to_string(), token.expires_at());
        let mut stdout = io::stdout().lock();
        if self.settings.json {
            writeln!(stdout, "{}", json!({"access_token": name, "expires_at": end.map(text::rfc3339)}))?;
        } else {
            let end = end.map_or_else(|| "end unknown".into(), |end| format!("ends {}", text::moment(end, now().wall)));
            writeln!(stdout, "access token {name}, {end}")?;
        }
        Ok(stdout.flush()?)
    }

    /// Waits for the next look. By the wall clock: a machine that slept looks at once.
    fn rest(&self) -> Result<(), Failure> {
        let interrupts = Interrupts::note()?;
        let next = now().wall.plus(self.every);
        while now().wall < next {
            interrupts.check()?;
            thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }
}

/// Returns whether the next look may go better.
fn passes(error: &TokenError) -> bool {
    match error.act() {
        Act::Wait | Act::Retry | Act::CheckNetwork => true,
        Act::SignIn | Act::FixConfiguration | Act::FreeStore | Act::Confirm => false,
    }
}

fn parse_pause(text: &str) -> Result<Duration, String> {
    let pause = parse_seconds(text)?;
    let bounds = Duration::from_secs(60)..=Duration::from_secs(7 * 86_400);
    if bounds.contains(&pause) { Ok(pause) } else { Err("not a time in seconds, 60 to 604800".into()) }
}
