//! `tokenward docker`: the protocol of docker-credential-helpers.

use std::{
    format,
    io::{self, Read, Write},
    string::{String, ToString},
    time::Duration,
    vec::Vec,
};

use serde_json::{Map, json};

use super::{
    exit::{Failure, examples},
    got::Got,
    settings::Settings,
};

/// Answers docker as its credential helper.
///
/// Only for the registries that are named. docker runs a program called docker-credential-NAME: a script of one line
/// makes this command one (docs/helpers.md). The token is the password; `store` is refused and `erase` changes nothing,
/// because the login is not docker's.
#[derive(Debug, clap::Args)]
#[command(after_help = examples!("\
  tokenward docker --host registry.example.com --profile work list

In ~/.docker/config.json:
  \"credHelpers\": {\"registry.example.com\": \"work\"}

As docker-credential-work in the PATH, executable:
  #!/bin/sh
  exec tokenward docker --host registry.example.com --profile work \"$@\""))]
pub(super) struct Docker {
    /// Registry, with its port if it has one, that may see the token; may be repeated
    #[arg(long, required = true, value_name = "HOST")]
    host: Vec<String>,
    /// User name that goes with the token
    #[arg(long, default_value = "oauth2accesstoken", value_name = "NAME")]
    username: String,
    #[command(flatten)]
    pub(super) settings: Settings,
    /// What docker wants
    #[arg(value_enum)]
    act: Act,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Act {
    Get,
    List,
    Store,
    Erase,
}

/// What docker takes for "ask the next one": the very words of docker-credential-helpers.
const NOT_FOUND: &str = "credentials not found in native keychain";
/// More than docker ever says.
const MAX_INPUT: u64 = 1024 * 1024;

impl Docker {
    /// Answers. docker reads errors on standard output.
    pub(super) fn run(self) -> Result<(), Failure> {
        match self.act {
            Act::List => {
                let known: Map<_, _> = self.host.iter().map(|host| (url(host), self.username.clone().into())).collect();
                answer(&json!(known).to_string())
            }
            Act::Get => {
                let mut server = String::new();
                io::stdin().lock().take(MAX_INPUT).read_to_string(&mut server)?;
                let server = server.trim();
                if !may_see(server, &self.host) {
                    answer(NOT_FOUND)?;
                    return Err(Failure::Told(1));
                }
                self.get(server)
            }
            Act::Store => {
                answer("tokenward keeps this login itself: nothing is stored for docker")?;
                Err(Failure::Told(1))
            }
            Act::Erase => {
                writeln!(io::stderr().lock(), "the login stays; `tokenward logout --local` removes it")?;
                Ok(())
            }
        }
    }

    fn get(&self, server: &str) -> Result<(), Failure> {
        let got = match Got::token(&self.settings, Duration::ZERO) {
            Ok(got) => got,
            Err(failure) => {
                answer(&failure.message())?;
                return Err(failure);
            }
        };
        // EXPOSE: docker gets the token.
        let secret = got.token.expose();
        let printed = answer(&json!({"ServerURL": server, "Username": self.username, "Secret": secret}).to_string());
        got.finish()?;
        printed
    }
}

/// Returns whether a registry is one that was named. docker writes it with or without scheme and path.
fn may_see(server: &str, hosts: &[String]) -> bool {
    let url = if server.contains("://") { server.to_string() } else { url(server) };
    let host = url.split_once("://").and_then(|(_, rest)| rest.split('/').next()).unwrap_or_default();
    crate::config::is_safe_url(&url) && hosts.iter().any(|known| known.eq_ignore_ascii_case(host))
}

fn url(host: &str) -> String {
    format!("https://{host}")
}

fn answer(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")?;
    Ok(stdout.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_registry_sees_the_token() {
        let hosts = ["registry.test".to_string(), "localhost:5000".to_string()];
        let sees = |server: &str| may_see(server, &hosts);

        assert!(sees("registry.test"));
        assert!(sees("https://registry.test/v2/"));
        assert!(sees("http://localhost:5000"));
        assert!(!sees("http://registry.test"));
        assert!(!sees("registry.test.evil.test"));
        assert!(!sees("https://registry.test@evil.test"));
        assert!(!sees(""));
    }
}
