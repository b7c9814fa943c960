//! `tokenward keep-alive`: refreshes when nobody else does.

use std::{
    env, format, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    string::{String, ToString},
    thread,
    time::Duration,
    vec::Vec,
};

use serde_json::json;

use super::{
    exit::{Failure, examples},
    got::Got,
    interrupt::Interrupts,
    problem,
    settings::{Environment, Origin, Settings, parse_seconds},
    text,
    units::{Job, Manager},
};
use crate::{AccessToken, Act, TokenError, provider::clock::now};

/// Keeps a login in use while no other process does: some providers end a refresh token that rests for too long.
///
/// Runs until Ctrl-C and refreshes whenever the token would end before the next look. With --once it looks once; a
/// timer does the rest, and --install writes one for this user: a systemd timer, on macOS a LaunchAgent.
#[derive(Debug, clap::Args)]
#[command(after_help = examples!("\
  tokenward keep-alive --profile work
  tokenward keep-alive --profile work --once
  tokenward keep-alive --profile work --print
  tokenward keep-alive --profile work --install
  tokenward keep-alive --profile work --uninstall"))]
pub(super) struct KeepAlive {
    /// Time between two looks, at least 60
    #[arg(long, default_value = "600", value_name = "SECONDS", value_parser = parse_pause)]
    every: Duration,
    /// Look once and end
    #[arg(long)]
    once: bool,
    /// Write the timer for a profile and say how it is started
    #[arg(long, conflicts_with_all = ["once", "uninstall", "print"])]
    install: bool,
    /// Remove the timer of a profile
    #[arg(long, conflicts_with_all = ["once", "print"])]
    uninstall: bool,
    /// Show the timer's files and write nothing
    #[arg(long, conflicts_with = "once")]
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
        if self.install || self.uninstall || self.print {
            return self.timer();
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

    fn timer(&self) -> Result<(), Failure> {
        let manager = self.manager.unwrap_or_else(Manager::of_this_system);
        let environment = Environment::read()?;
        // Not before the settings are known to be good: a timer that fails is heard by nobody.
        let resolved = self.settings.resolve(&environment)?;
        let Some(profile) = resolved.profile else {
            return Err(Failure::Usage("a timer needs a profile: it has no flags and no variables of yours".into()));
        };
        let elsewhere = resolved.origins.iter().find(|(name, origin)| {
            name.as_str() != "profile" && matches!(origin, Origin::Environment | Origin::CommandLine)
        });
        if let Some((name, origin)) = elsewhere.filter(|_| !self.uninstall) {
            let message = format!("{origin}: {name}: a timer knows the profile only; write it there");
            return Err(Failure::Usage(message));
        }
        let file = self.settings.file(&environment).filter(|(_, is_named)| *is_named);
        let config = file.map(|(path, _)| std::path::absolute(path)).transpose()?;
        let program = env::current_exe()?;
        let job = Job { profile: &profile, config: config.as_deref(), program: &program, every: self.every };
        let folder = manager.folder().ok_or_else(|| Failure::Usage("there is no home folder".into()))?;
        let files: Vec<(PathBuf, String)> =
            manager.files(&job)?.into_iter().map(|(name, text)| (folder.join(name), text)).collect();
        let mut stdout = io::stdout().lock();
        if self.print {
            for (path, text) in &files {
                writeln!(stdout, "# {}\n{text}", path.display())?;
            }
            return Ok(());
        }
        if self.uninstall {
            // Stopped first: what runs has its files read already.
            writeln!(stdout, "stop it with: {}", manager.stop(&profile))?;
        }
        for (path, text) in &files {
            let done = if self.install { write(path, text)? } else { remove(path)? };
            writeln!(stdout, "{done} {}", path.display())?;
        }
        if self.install {
            writeln!(stdout, "start it with: {}", manager.start(&profile))?;
        }
        Ok(())
    }
}

fn write(path: &Path, text: &str) -> io::Result<&'static str> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)?;
    Ok("wrote")
}

fn remove(path: &Path) -> io::Result<&'static str> {
    match fs::remove_file(path) {
        Ok(()) => Ok("removed"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok("there was no"),
        Err(error) => Err(error),
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
