//! `tokenward exec`: runs another command with the token in its environment.

use std::{
    ffi::OsString,
    format, io,
    process::Command,
    string::{String, ToString},
    time::Duration,
    vec::Vec,
};

use super::{
    exit::{Failure, examples},
    got::Got,
    settings::{Settings, parse_seconds},
};
use crate::{Kind, SETTINGS, native::io_words};

/// Runs a command with an access token in its environment.
///
/// The command takes the place of this process once the token is there: signals reach it and its exit code is the
/// caller's. The token is the one at its start: a command that runs longer than the token lives asks anew. 127: there
/// is no such command; 126: it cannot be run. The client secret is not passed on.
#[derive(Debug, clap::Args)]
#[command(after_help = examples!("\
  tokenward exec -- sh -c \\
      'curl --oauth2-bearer \"$ACCESS_TOKEN\" https://api.example.com/'
  tokenward exec --env GITLAB_TOKEN --min-ttl 600 -- glab issue list"))]
pub(super) struct Exec {
    /// Variable the token is put into
    #[arg(long, default_value = "ACCESS_TOKEN", value_name = "NAME", value_parser = parse_name)]
    env: String,
    /// Life in seconds the token should have left
    #[arg(long, default_value = "0", value_name = "SECONDS", value_parser = parse_seconds)]
    min_ttl: Duration,
    #[command(flatten)]
    pub(super) settings: Settings,
    /// Command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

impl Exec {
    /// Becomes the command. Returns only where that fails.
    pub(super) fn run(self) -> Result<(), Failure> {
        let got = Got::token(&self.settings, self.min_ttl)?;
        let token = got.token.clone();
        // Before the command takes over: nothing of ours runs after that.
        got.finish()?;
        let mut words = self.command.into_iter();
        let mut command = Command::new(words.next().unwrap_or_default());
        for setting in SETTINGS.iter().filter(|setting| setting.kind == Kind::Secret) {
            command.env_remove(setting.env());
        }
        // EXPOSE: the command gets the token in a variable; its own user alone can see that.
        command.args(words).env(&self.env, token.expose());
        become_command(&mut command).map_err(|error| {
            let is_missing = error.kind() == io::ErrorKind::NotFound;
            let (code, why) = if is_missing { (127, "no such command".into()) } else { (126, io_words(&error)) };
            let name = command.get_program().to_string_lossy();
            Failure::Command { code, message: format!("cannot run {name}: {why}") }
        })
    }
}

#[cfg(unix)]
fn become_command(command: &mut Command) -> io::Result<()> {
    Err(std::os::unix::process::CommandExt::exec(command))
}

#[cfg(not(unix))]
fn become_command(command: &mut Command) -> io::Result<()> {
    let status = command.status()?;
    std::process::exit(status.code().unwrap_or(1))
}

fn parse_name(text: &str) -> Result<String, String> {
    let good = !text.is_empty()
        && !text.starts_with(|letter: char| letter.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if good { Ok(text.to_string()) } else { Err("not the name of a variable".into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_variables_are_letters_digits_and_underscores() {
        assert_eq!(parse_name("GITLAB_TOKEN_2"), Ok("GITLAB_TOKEN_2".into()));
        for wrong in ["", "2ND", "A=B", "A B", "Ä"] {
            assert!(parse_name(wrong).is_err(), "{wrong}");
        }
    }
}
