//! How the command ends when it fails: an exit code, and a text or a JSON object on standard error.

use std::{
    format,
    io::{self, Write},
    string::{String, ToString},
};

use serde_json::json;

use super::{colour::Paint, problem};
use crate::{ConfigError, ErrorKind, TokenError};

/// Why the command failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The credential, its store or its server.
    Token { error: TokenError, store: Option<String> },
    /// A flag or a variable.
    Usage(String),
    /// The command itself: its standard input or output, a file, a process.
    Io(io::Error),
    /// The command that `exec` was to become.
    Command { code: i32, message: String },
    /// A signal; the code is 128 and its number.
    Interrupted(i32),
    /// Everything is said already; only the code is left.
    Told(i32),
}

/// Examples and exit codes: what stands below the flags in every `--help`.
macro_rules! examples {
    ($examples:literal) => {
        concat!("Examples:\n  ", $examples, "\n\nExit codes: see `tokenward --help`.")
    };
}
pub(super) use examples;

macro_rules! table {
    () => {
        "\
Exit codes:
   0  done                    7  blocked: a page answered for the server
   1  anything else           8  store_busy
   2  usage                   9  store_unreadable
   3  signed_out             10  store_unwritable
   4  reauth_required        11  downgrade
   5  misconfigured          12  account_mismatch
   6  unavailable           130  Ctrl-C (129: SIGHUP, 143: SIGTERM)

`exec` ends with the exit code of its command; 126 and 127 where that cannot be run or found."
    };
}

/// The exit codes, as `-h` shows them.
pub(super) const TABLE: &str = table!();

/// What `--help` shows.
pub(super) const MANUAL: &str = concat!(
    "\
Examples:
  tokenward import --store cred.json --token-url https://id.example.com/token \\
      --client-id my-client < refresh-token.txt
  curl --header \"$(tokenward token --header --store cred.json …)\" https://api.example.com/
  tokenward exec --profile work -- my-command
  tokenward status --json --store cred.json …
  tokenward doctor
  tokenward demo

Each setting is a flag, a variable or a line in a profile: --token-url, TOKENWARD_TOKEN_URL, token_url. The flag wins, \
then the variable, then the profile. Profiles are tables [profiles.NAME] in tokenward/config.toml in the configuration \
folder ($XDG_CONFIG_HOME or ~/.config; macOS: ~/Library/Application Support). The client secret has no flag: arguments \
can be seen by other users of the machine.

Errors go to standard error; with --json as {\"error\":{\"kind\":…,\"message\":…,\"retry_in_ms\":…}}, where kind is the \
name in the table below, `usage`, `io`, `command` or `interrupted`. docs/command.schema.json describes every answer.

While a refresh is under way the first Ctrl-C waits for the server's answer, so that no rotated token is lost; a \
second one ends at once. SIGTERM and SIGHUP likewise, unless the command was started with them ignored (nohup).

",
    table!()
);

impl Failure {
    /// Writes the failure to standard error and returns the exit code.
    pub(super) fn tell(self, json: bool) -> i32 {
        // Nobody reads on: nothing to tell, and nobody to tell it to.
        let quiet = matches!(&self, Self::Told(_))
            || matches!(&self, Self::Io(error) if error.kind() == io::ErrorKind::BrokenPipe);
        if !quiet {
            let mut stderr = io::stderr().lock();
            let text = if json { self.json() } else { self.text(Paint::on(&stderr)) };
            let _ = writeln!(stderr, "{text}");
        }
        self.code()
    }

    fn code(&self) -> i32 {
        match self {
            Self::Token { error, .. } => code(error.kind()),
            Self::Usage(_) => 2,
            Self::Io(_) => 1,
            Self::Command { code, .. } | Self::Interrupted(code) | Self::Told(code) => *code,
        }
    }

    /// Names the store that the failure is about.
    pub(super) fn at(self, path: Option<&str>) -> Self {
        match self {
            Self::Token { error, .. } => Self::Token { error, store: path.map(String::from) },
            Self::Usage(_) | Self::Io(_) | Self::Command { .. } | Self::Interrupted(_) | Self::Told(_) => self,
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Token { error, .. } => error.kind().as_str(),
            Self::Usage(_) => "usage",
            Self::Io(_) => "io",
            Self::Command { .. } => "command",
            Self::Interrupted(_) => "interrupted",
            Self::Told(_) => "told",
        }
    }

    pub(super) fn message(&self) -> String {
        match self {
            Self::Token { error, store } => problem::message(error, store.as_deref()),
            Self::Usage(what) | Self::Command { message: what, .. } => what.clone(),
            Self::Io(error) => error.to_string(),
            Self::Interrupted(_) => "interrupted".into(),
            Self::Told(_) => "failed".into(),
        }
    }

    fn json(&self) -> String {
        let retry_in = match self {
            Self::Token { error, .. } => error.retry_in(),
            Self::Usage(_) | Self::Io(_) | Self::Command { .. } | Self::Interrupted(_) | Self::Told(_) => None,
        };
        let retry_in_ms = retry_in.map(crate::clock::millis);
        json!({"error": {"kind": self.kind(), "message": self.message(), "retry_in_ms": retry_in_ms}}).to_string()
    }

    fn text(&self, paint: Paint) -> String {
        let mut text = format!("{} {}", paint.red("tokenward:"), self.message());
        if let Self::Token { error, .. } = self {
            text.push_str("\n  ");
            text.push_str(&problem::advice(error));
        }
        text
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        Self::Token { error, store: None }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Usage(error.to_string())
    }
}

/// Returns the exit code for a kind of error.
pub(super) const fn code(kind: ErrorKind) -> i32 {
    match kind {
        ErrorKind::SignedOut => 3,
        ErrorKind::ReauthRequired => 4,
        ErrorKind::Misconfigured => 5,
        ErrorKind::Unavailable => 6,
        ErrorKind::Blocked => 7,
        ErrorKind::StoreBusy => 8,
        ErrorKind::StoreUnreadable => 9,
        ErrorKind::StoreUnwritable => 10,
        ErrorKind::Downgrade => 11,
        ErrorKind::AccountMismatch => 12,
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;
    use crate::Trouble;

    #[test]
    fn every_kind_has_a_code_of_its_own_that_help_names() {
        for kind in ErrorKind::ALL {
            let row = format!("{}  {}", code(kind), kind.as_str());

            assert!(TABLE.contains(&row), "{row}");
        }
    }

    #[test]
    fn json_error_names_kind_message_and_wait() {
        let busy =
            TokenError::Unavailable { retry_in: Some(Duration::from_millis(1500)), trouble: Trouble::Status(503) };

        assert_eq!(
            Failure::from(busy).json(),
            r#"{"error":{"kind":"unavailable","message":"token endpoint answered 503","retry_in_ms":1500}}"#
        );
        assert_eq!(Failure::Usage("x".into()).json(), r#"{"error":{"kind":"usage","message":"x","retry_in_ms":null}}"#);
    }
}
