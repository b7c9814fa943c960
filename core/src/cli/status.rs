//! `tokenward status`: what is known of the login, without a secret.

use std::{
    format,
    io::{self, Write},
    path::Path,
    string::{String, ToString},
    vec::Vec,
};

use serde_json::{Value, json};

use super::{
    colour::Paint,
    exit::{Failure, code, examples},
    got::Got,
    lock, problem,
    settings::Settings,
    text,
};
use crate::{Account, ReauthReason, TokenError, UnixTime, native::Site, provider::clock::now};

/// Shows the state of the login. Reads only: asks no server, takes no lock, creates nothing.
///
/// Tokens appear as the first eight characters of their fingerprints. The exit code is 0 while the login can serve.
#[derive(Debug, clap::Args)]
#[command(after_help = examples!("\
  tokenward status
  tokenward status --profile work --json
  tokenward status --verify"))]
pub(super) struct Status {
    /// Refresh the login first, whatever its state, and say what happened
    #[arg(long)]
    verify: bool,
    #[command(flatten)]
    pub(super) settings: Settings,
}

/// A login as it is shown.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) status: crate::Status,
    pub(super) store: String,
    /// Whose format the store has.
    pub(super) format: &'static str,
    pub(super) profile: Option<String>,
    /// The process that holds the lock now, 0 if the system does not say which.
    pub(super) locked_by: Option<u32>,
    /// What came of a refresh, if one was asked for.
    pub(super) verified: Option<Result<(), TokenError>>,
}

impl Status {
    /// Prints the status; fails with what stands in the way of a token.
    pub(super) fn run(self) -> Result<(), Failure> {
        let verified = if self.verify { Some(verify(&self.settings)?) } else { None };
        let shown = Shown { verified, ..Shown::read(&self.settings)? };
        let mut stdout = io::stdout().lock();
        if self.settings.json {
            writeln!(stdout, "{}", shown.json())?;
        } else {
            write!(stdout, "{}", super::lines(&shown.rows(now().wall, Paint::on(&stdout))))?;
        }
        stdout.flush()?;
        match shown.trouble() {
            Some(error) => Err(Failure::Told(code(error.kind()))),
            None => Ok(()),
        }
    }
}

/// Refreshes. Fails only where the command itself does, or at Ctrl-C.
fn verify(settings: &Settings) -> Result<Result<(), TokenError>, Failure> {
    match Got::refresh(settings) {
        Ok(got) => got.finish().map(Ok),
        Err(Failure::Token { error, .. }) => Ok(Err(error)),
        Err(failure) => Err(failure),
    }
}

impl Shown {
    /// Reads the state of a login.
    pub(super) fn read(settings: &Settings) -> Result<Self, Failure> {
        let (source, resolved) = settings.open()?;
        let status = source.status()?;
        let store = resolved.config.store.unwrap_or_default();
        let locked_by = Site::of(Path::new(&store)).ok().and_then(|site| lock::holder(site.lock()));
        let format = resolved.config.format.name();
        Ok(Self { status, store, format, profile: resolved.profile, locked_by, verified: None })
    }

    /// Returns the error a caller would get. A refresh token that is dead stands in nobody's way while the access token
    /// works.
    pub(super) fn trouble(&self) -> Option<TokenError> {
        if let Some(Err(error)) = &self.verified {
            return Some(error.clone());
        }
        let status = &self.status;
        let served = status.access_token.is_some() && status.expires_at.is_none_or(|end| end > now().wall);
        let dead = ended(status, now().wall).filter(|_| !served).map(|reason| TokenError::ReauthRequired { reason });
        status.fault.clone().or(dead)
    }

    /// Says what is wrong, and where.
    pub(super) fn message(&self, error: &TokenError) -> String {
        problem::message(error, Some(&self.store))
    }

    fn rows(&self, now: UnixTime, paint: Paint) -> Vec<(&'static str, String)> {
        let status = &self.status;
        let mut rows = Vec::new();
        let mut row = |name, value: Option<String>| rows.extend(value.map(|value| (name, value)));
        row("profile", self.profile.clone());
        row("store", Some(self.store.clone()));
        row("format", Some(self.format.into()));
        row("account", status.account.as_ref().map(|account| account.as_str().to_string()));
        row("scope", status.scope.clone());
        row(
            "access token",
            status.access_token.map(|token| match status.expires_at {
                Some(end) if end > now => format!("{token}, ends {}", text::moment(end, now)),
                Some(end) => paint.yellow(&format!("{token}, ended {}", text::moment(end, now))),
                None => format!("{token}, end unknown"),
            }),
        );
        if status.access_token.is_none() && status.refresh_token.is_some() && status.dead.is_none() {
            row("access token", Some("none yet: the next use gets one".into()));
        }
        row("refresh token", Some(status.refresh_token.map_or_else(|| "none".into(), |token| token.to_string())));
        row("last rotation", status.last_rotation.map(|time| text::moment(time, now)));
        row("last change by", status.holder.as_ref().map(ToString::to_string));
        row("locked by", self.locked_by.map(process));
        let wait = status.not_before.filter(|time| *time > now);
        row("next attempt", wait.map(|time| paint.yellow(&text::moment(time, now))));
        row("not saved yet", status.unsaved.then(|| "the server's answer is in the journal, the store follows".into()));
        let unknown = "the outcome of the last refresh is unknown; the next one repeats it";
        row("in doubt", status.unknown_outcome.then(|| paint.yellow(unknown)));
        row("login ended", ended(status, now).map(|reason| paint.red(&format!("{reason}: sign in again"))));
        let told = |error: &TokenError| paint.red(&format!("{}: {}", self.message(error), problem::advice(error)));
        row("fault", status.fault.as_ref().map(told));
        row(
            "verified",
            self.verified.as_ref().map(|verified| match verified {
                Ok(()) => paint.green("the server gave a new token"),
                Err(error) => told(error),
            }),
        );
        rows
    }

    /// Returns all of it in JSON.
    pub(super) fn json(&self) -> Value {
        let status = &self.status;
        let time = |moment: Option<UnixTime>| moment.map(text::rfc3339);
        let error = |error: &TokenError| json!({"kind": error.kind().as_str(), "message": self.message(error)});
        json!({
            "profile": self.profile,
            "store": self.store,
            "format": self.format,
            "account": status.account.as_ref().map(Account::as_str),
            "scope": status.scope,
            "access_token": status.access_token.map(|token| token.to_string()),
            "expires_at": time(status.expires_at),
            "refresh_token": status.refresh_token.map(|token| token.to_string()),
            "last_rotation": time(status.last_rotation),
            "not_before": time(status.not_before),
            "holder": status.holder.as_ref().map(|holder| json!({"pid": holder.pid, "host": holder.host})),
            "locked_by": self.locked_by,
            "unsaved": status.unsaved,
            "unknown_outcome": status.unknown_outcome,
            "dead": status.dead.as_ref().map(|reason| reason.as_str()),
            "fault": status.fault.as_ref().map(error),
            "verified": self.verified.as_ref().map(|verified| match verified {
                Ok(()) => json!({"ok": true, "error": null}),
                Err(failed) => json!({"ok": false, "error": error(failed)}),
            }),
        })
    }
}

/// Returns why the login cannot be renewed any more: a server said so, or it has nothing to be renewed with.
fn ended(status: &crate::Status, now: UnixTime) -> Option<ReauthReason> {
    let over = status.expires_at.is_some_and(|end| end <= now);
    let bare = status.access_token.is_some() && status.refresh_token.is_none() && over;
    status.dead.clone().or_else(|| bare.then_some(ReauthReason::Expired))
}

fn process(pid: u32) -> String {
    if pid == 0 { "a process of another container".into() } else { format!("process {pid}") }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;
    use crate::{Holder, Secret, Trouble};

    #[test]
    fn status_is_readable_and_tells_no_secret() {
        let noon = UnixTime::from_secs(1_800_000_000);

        let text = crate::cli::lines(&shown(noon).rows(noon, Paint::plain()));

        assert_eq!(
            text,
            "\
profile         work
store           cred.json
format          tokenward
account         https://id.test alice
access token    c5b0f233, ends in 50 min (2027-01-15T08:50:00Z)
refresh token   154f43e8
last rotation   1.0 s ago (2027-01-15T07:59:59Z)
last change by  process 4711 on laptop
locked by       process 4712
login ended     revoked: sign in again
verified        token endpoint answered 503: it passes: try again later
"
        );
    }

    #[test]
    fn json_has_every_field_by_its_own_name() {
        let status = shown(UnixTime::from_secs(1_800_000_000)).json();

        assert_eq!(status["dead"], "revoked");
        assert_eq!(status["expires_at"], "2027-01-15T08:50:00Z");
        assert_eq!(status["fault"], Value::Null);
        assert_eq!(status.as_object().unwrap().len(), 17);
    }

    #[test]
    fn dead_refresh_token_is_no_trouble_while_the_access_token_works() {
        let mut shown = Shown { verified: None, ..shown(now().wall) };
        assert_eq!(shown.trouble(), None);

        shown.status.access_token = None;

        assert_eq!(shown.trouble(), Some(TokenError::ReauthRequired { reason: ReauthReason::Revoked }));
    }

    #[test]
    fn login_without_a_refresh_token_ends_with_its_access_token() {
        let mut shown = Shown { verified: None, ..shown(now().wall) };
        (shown.status.dead, shown.status.refresh_token) = (None, None);
        assert_eq!(shown.trouble(), None);

        shown.status.expires_at = Some(UnixTime::from_secs(1));

        assert_eq!(shown.trouble(), Some(TokenError::ReauthRequired { reason: ReauthReason::Expired }));
    }

    fn shown(noon: UnixTime) -> Shown {
        let failed = TokenError::Unavailable { retry_in: None, trouble: Trouble::Status(503) };
        Shown {
            status: full(noon),
            store: "cred.json".into(),
            format: "tokenward",
            profile: Some("work".into()),
            locked_by: Some(4712),
            verified: Some(Err(failed)),
        }
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
