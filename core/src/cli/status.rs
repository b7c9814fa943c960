//! `tokenward status`: what is known of the login, without a secret.

use std::{
    format,
    io::{self, Write},
    string::{String, ToString},
    vec::Vec,
};

use serde_json::{Value, json};

use super::{
    exit::{Failure, advice, code},
    settings::Settings,
    text,
};
use crate::{Account, ReauthReason, TokenError, UnixTime, provider::clock::now};

/// Shows the state of the login. Reads only: asks no server, takes no lock, creates nothing.
///
/// Tokens appear as the first eight characters of their fingerprints. The exit code is 0 while the login can serve.
#[derive(Debug, clap::Args)]
pub(super) struct Status {
    #[command(flatten)]
    pub(super) settings: Settings,
}

impl Status {
    /// Prints the status; fails with what stands in the way of a token.
    pub(super) fn run(self) -> Result<(), Failure> {
        let (source, config) = self.settings.open()?;
        let status = source.status()?;
        let store = config.store.unwrap_or_default();
        let mut stdout = io::stdout().lock();
        if self.settings.json {
            writeln!(stdout, "{}", as_json(&status, &store))?;
        } else {
            write!(stdout, "{}", super::lines(&rows(&status, &store, now().wall)))?;
        }
        stdout.flush()?;
        match trouble(&status) {
            Some(error) => Err(Failure::Told(code(error.kind()))),
            None => Ok(()),
        }
    }
}

/// Returns the error a caller would get. A refresh token that is dead stands in nobody's way while the access token
/// works.
fn trouble(status: &crate::Status) -> Option<TokenError> {
    let served = status.access_token.is_some() && status.expires_at.is_none_or(|end| end > now().wall);
    let dead = ended(status, now().wall).filter(|_| !served).map(|reason| TokenError::ReauthRequired { reason });
    status.fault.clone().or(dead)
}

/// Returns why the login cannot be renewed any more: a server said so, or it has nothing to be renewed with.
fn ended(status: &crate::Status, now: UnixTime) -> Option<ReauthReason> {
    let over = status.expires_at.is_some_and(|end| end <= now);
    let bare = status.access_token.is_some() && status.refresh_token.is_none() && over;
    status.dead.clone().or_else(|| bare.then_some(ReauthReason::Expired))
}

fn rows(status: &crate::Status, store: &str, now: UnixTime) -> Vec<(&'static str, String)> {
    let mut rows = Vec::from([("store", store.to_string())]);
    let mut row = |name, value: Option<String>| rows.extend(value.map(|value| (name, value)));
    row("account", status.account.as_ref().map(|account| account.as_str().to_string()));
    row("scope", status.scope.clone());
    row(
        "access token",
        status.access_token.map(|token| match status.expires_at {
            Some(end) if end > now => format!("{token}, ends {}", text::moment(end, now)),
            Some(end) => format!("{token}, ended {}", text::moment(end, now)),
            None => format!("{token}, end unknown"),
        }),
    );
    row("refresh token", status.refresh_token.map(|token| token.to_string()));
    row("last rotation", status.last_rotation.map(|time| text::moment(time, now)));
    row("last change by", status.holder.as_ref().map(ToString::to_string));
    let wait = status.not_before.filter(|time| *time > now);
    row("next attempt", wait.map(|time| text::moment(time, now)));
    row("not saved yet", status.unsaved.then(|| "the server's answer is in the journal, the store follows".into()));
    let unknown = "the outcome of the last refresh is unknown; the next one repeats it";
    row("in doubt", status.unknown_outcome.then(|| unknown.into()));
    row("login ended", ended(status, now).map(|reason| format!("{reason}: sign in again")));
    row("fault", status.fault.as_ref().map(|error| format!("{error}: {}", advice(error))));
    rows
}

fn as_json(status: &crate::Status, store: &str) -> Value {
    let time = |moment: Option<UnixTime>| moment.map(text::rfc3339);
    json!({
        "store": store,
        "account": status.account.as_ref().map(Account::as_str),
        "scope": status.scope,
        "access_token": status.access_token.map(|token| token.to_string()),
        "expires_at": time(status.expires_at),
        "refresh_token": status.refresh_token.map(|token| token.to_string()),
        "last_rotation": time(status.last_rotation),
        "not_before": time(status.not_before),
        "holder": status.holder.as_ref().map(|holder| json!({"pid": holder.pid, "host": holder.host})),
        "unsaved": status.unsaved,
        "unknown_outcome": status.unknown_outcome,
        "dead": status.dead.as_ref().map(|reason| reason.as_str()),
        "fault": status.fault.as_ref().map(|error| json!({
            "kind": error.kind().as_str(),
            "message": error.to_string(),
        })),
    })
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;
    use crate::{Holder, Secret};

    #[test]
    fn status_is_readable_and_tells_no_secret() {
        let noon = UnixTime::from_secs(1_800_000_000);

        let text = crate::cli::lines(&rows(&full(noon), "cred.json", noon));

        assert_eq!(
            text,
            "\
store           cred.json
account         https://id.test alice
access token    c5b0f233, ends in 50 min (2027-01-15T08:50:00Z)
refresh token   154f43e8
last rotation   1.0 s ago (2027-01-15T07:59:59Z)
last change by  process 4711 on laptop
login ended     revoked: sign in again
"
        );
    }

    #[test]
    fn json_has_every_field_by_its_own_name() {
        let status = as_json(&full(UnixTime::from_secs(1_800_000_000)), "cred.json");

        assert_eq!(status["dead"], "revoked");
        assert_eq!(status["expires_at"], "2027-01-15T08:50:00Z");
        assert_eq!(status["fault"], Value::Null);
        assert_eq!(status.as_object().unwrap().len(), 13);
    }

    #[test]
    fn dead_refresh_token_is_no_trouble_while_the_access_token_works() {
        let mut status = full(now().wall);
        assert_eq!(trouble(&status), None);

        status.access_token = None;

        assert_eq!(trouble(&status), Some(TokenError::ReauthRequired { reason: ReauthReason::Revoked }));
    }

    #[test]
    fn login_without_a_refresh_token_ends_with_its_access_token() {
        let mut status = crate::Status { dead: None, refresh_token: None, ..full(now().wall) };
        assert_eq!(trouble(&status), None);

        status.expires_at = Some(UnixTime::from_secs(1));

        assert_eq!(trouble(&status), Some(TokenError::ReauthRequired { reason: ReauthReason::Expired }));
    }

    fn full(noon: UnixTime) -> crate::Status {
        crate::Status {
            account: Some(Account::new("https://id.test alice")),
            access_token: Some(Secret::new("access-token-1").fingerprint()),
            expires_at: Some(noon.plus(Duration::from_secs(3000))),
            refresh_token: Some(Secret::new("refresh-token-1").fingerprint()),
            last_rotation: Some(UnixTime::from_millis(noon.as_millis() - 1000)),
            holder: Some(Holder { pid: 4711, host: "laptop".into() }),
            dead: Some(ReauthReason::Revoked),
            ..crate::Status::default()
        }
    }
}
