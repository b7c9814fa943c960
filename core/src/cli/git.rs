//! `tokenward git-credential`: git's credential helper protocol (gitcredentials(7), git-credential(1)).

use std::{
    format,
    io::{self, Read, Write},
    string::String,
    time::Duration,
    vec::Vec,
};

use zeroize::Zeroizing;

use super::{
    exit::{Failure, examples},
    format::GIT_USER,
    got::Got,
    settings::Settings,
};
use crate::AccessToken;

/// Answers git as its credential helper.
///
/// Only for the hosts that are named: git asks its helpers about every host, and a token belongs to one. git 2.46 and
/// later get a Bearer token, older ones a user name with the token as its password. What git refused (`erase`) is
/// replaced, if it is what is stored; `store` does nothing, the store has the token already.
#[derive(Debug, clap::Args)]
#[command(after_help = examples!("\
  tokenward git-credential --host git.example.com --profile work get

In ~/.gitconfig:
  [credential \"https://git.example.com\"]
      helper = \"!tokenward git-credential --host git.example.com --profile work\""))]
pub(super) struct GitCredential {
    /// Host, with its port if it has one, that may see the token; may be repeated
    #[arg(long, required = true, value_name = "HOST")]
    host: Vec<String>,
    /// User name for servers that take the token as a password
    #[arg(long, default_value = GIT_USER, value_name = "NAME")]
    username: String,
    #[command(flatten)]
    pub(super) settings: Settings,
    /// What git wants
    #[arg(value_enum)]
    act: Act,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Act {
    Get,
    Store,
    Erase,
    /// Asked by git 2.46 and later
    Capability,
}

impl GitCredential {
    /// Reads what git says and answers.
    pub(super) fn run(self) -> Result<(), Failure> {
        if self.act == Act::Capability {
            return answer("version 0\ncapability authtype\n");
        }
        let mut input = Zeroizing::new(String::new());
        io::stdin().lock().take(MAX_INPUT).read_to_string(&mut input)?;
        let asked = Asked::read(&input);
        if !asked.may_see(&self.host) {
            // Another helper's business: git goes on to it.
            return Ok(());
        }
        match self.act {
            Act::Get => self.get(&asked),
            Act::Erase => match asked.refused {
                Some(refused) => Got::after_refusal(&self.settings, refused),
                None => Ok(()),
            },
            Act::Store | Act::Capability => Ok(()),
        }
    }

    fn get(&self, asked: &Asked<'_>) -> Result<(), Failure> {
        let got = match Got::token(&self.settings, Duration::ZERO) {
            Ok(got) => got,
            Err(failure) => {
                // Without this git would ask the person for a password, which does not exist.
                answer("quit=1\n")?;
                return Err(failure);
            }
        };
        let printed = answer(&asked.reply(&got.token, &self.username));
        got.finish()?;
        printed
    }
}

/// More than git ever says.
const MAX_INPUT: u64 = 1024 * 1024;

/// What git says: `name=value` lines up to an empty one.
#[derive(Debug, Default)]
struct Asked<'a> {
    protocol: &'a str,
    host: &'a str,
    username: Option<&'a str>,
    /// The token that was refused.
    refused: Option<&'a str>,
    /// Whether git understands `authtype` and `credential`.
    knows_authtype: bool,
}

impl<'a> Asked<'a> {
    fn read(input: &'a str) -> Self {
        let mut asked = Self::default();
        for line in input.lines().take_while(|line| !line.is_empty()) {
            match line.split_once('=') {
                Some(("protocol", value)) => asked.protocol = value,
                Some(("host", value)) => asked.host = value,
                Some(("username", value)) => asked.username = Some(value),
                Some(("password" | "credential", value)) => asked.refused = Some(value),
                Some(("capability[]", "authtype")) => asked.knows_authtype = true,
                Some(_) | None => {}
            }
        }
        asked
    }

    /// Returns whether a token may go there: a host that was named, and never in the clear over a network.
    fn may_see(&self, hosts: &[String]) -> bool {
        let url = format!("{}://{}", self.protocol, self.host);
        crate::config::is_safe_url(&url) && hosts.iter().any(|host| host.eq_ignore_ascii_case(self.host))
    }

    fn reply(&self, token: &AccessToken, username: &str) -> Zeroizing<String> {
        // EXPOSE: git gets the token; wiped when it is printed.
        let bearer = token.expose();
        let mut reply = if self.knows_authtype {
            // `ephemeral`: no other helper is to store what ends soon.
            format!("capability[]=authtype\nauthtype=Bearer\ncredential={bearer}\nephemeral=1\n")
        } else {
            format!("username={}\npassword={bearer}\n", self.username.unwrap_or(username))
        };
        if let Some(end) = token.expires_at() {
            reply.push_str(&format!("password_expiry_utc={}\n", end.as_millis() / 1000));
        }
        Zeroizing::new(reply)
    }
}

fn answer(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    Ok(stdout.flush()?)
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;
    use crate::UnixTime;

    #[test]
    fn new_git_gets_a_bearer_token_and_old_git_a_password() {
        let new = Asked::read("capability[]=authtype\nprotocol=https\nhost=git.test\n\n");
        let old = Asked::read("protocol=https\nhost=git.test\n");
        let named = Asked::read("protocol=https\nhost=git.test\nusername=alice\n");

        assert_eq!(
            reply(&new),
            "capability[]=authtype\nauthtype=Bearer\ncredential=access-token-1\nephemeral=1\npassword_expiry_utc=100\n"
        );
        assert_eq!(reply(&old), "username=oauth2\npassword=access-token-1\npassword_expiry_utc=100\n");
        assert_eq!(reply(&named), "username=alice\npassword=access-token-1\npassword_expiry_utc=100\n");
    }

    #[test]
    fn only_the_named_host_sees_the_token_and_never_in_the_clear() {
        let hosts = ["git.test".to_string(), "127.0.0.1:8080".to_string()];
        let sees = |input: &str| Asked::read(input).may_see(&hosts);

        assert!(sees("protocol=https\nhost=git.test\n"));
        assert!(sees("protocol=https\nhost=GIT.test\n"));
        assert!(sees("protocol=http\nhost=127.0.0.1:8080\n"));
        assert!(!sees("protocol=http\nhost=git.test\n"));
        assert!(!sees("protocol=https\nhost=other.test\n"));
        assert!(!sees("protocol=https\nhost=git.test.evil.test\n"));
        assert!(!sees("protocol=https\nhost=git.test:8443\n"));
        assert!(!sees(""));
    }

    #[test]
    fn refused_token_is_found_in_either_form() {
        assert_eq!(Asked::read("password=access-token-1\n").refused, Some("access-token-1"));
        assert_eq!(Asked::read("authtype=Bearer\ncredential=access-token-1\n").refused, Some("access-token-1"));
    }

    fn reply(asked: &Asked<'_>) -> String {
        let token = AccessToken::new("access-token-1", Some(UnixTime::from_secs(100)));
        asked.reply(&token, GIT_USER).to_string()
    }
}
