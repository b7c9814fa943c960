//! Stores of other tools: where each keeps what, as a table, and one codec for all of them.
//!
//! A save edits the members whose meaning changed, and nothing else: numbers keep their spelling, siblings their place.

use alloc::{string::String, vec::Vec};

use super::{
    read,
    splice::{Edit, NotAnObject, splice},
};
use crate::{
    AccessToken, Account, Grant, Secret, SecretBytes, UnixTime, Unreadable,
    json::{self, Object},
    wire,
};

/// Where a tool keeps its login.
pub(super) struct Layout {
    /// The member that holds the login, beside others of the tool's; `None` where the login is the whole file.
    inside: Option<&'static str>,
    access_token: &'static str,
    refresh_token: &'static str,
    expiry: Expiry,
    scope: Scope,
    /// When the refresh token ends, in milliseconds.
    refresh_token_end: Option<&'static str>,
    account: Option<&'static str>,
    /// The life that the access token was issued with, in seconds.
    expires_in: Option<&'static str>,
    /// When the refresh token was issued (RFC 3339).
    refresh_token_issued_at: Option<&'static str>,
    /// How a sign-out is written: by blanks, as the tool does itself, or by leaving the members out.
    blanks: bool,
    /// What a new file grows from.
    fresh: &'static str,
    /// What else must hold for the file to be a login that we understand.
    check: fn(&Object<'_>) -> Result<(), Unreadable>,
}

/// When the access token ends. The tool's own unit: a number's size is never asked (a moment of 1970 has passed).
enum Expiry {
    Millis(&'static str),
    Seconds(&'static str),
    Rfc3339(&'static str),
    /// The token says so itself.
    Jwt,
}

enum Scope {
    Text(&'static str),
    List(&'static str),
    Nowhere,
}

const PLAIN: Layout = Layout {
    inside: None,
    access_token: "access_token",
    refresh_token: "refresh_token",
    expiry: Expiry::Rfc3339("expires_at"),
    scope: Scope::Nowhere,
    refresh_token_end: None,
    account: None,
    expires_in: None,
    refresh_token_issued_at: None,
    blanks: false,
    fresh: "{}",
    check: |_| Ok(()),
};

/// `.credentials.json`: the login beside those of MCP servers and plugins. Signed out is a login of blanks that ended in
/// 1970.
pub(super) const CLAUDE_CODE: Layout = Layout {
    inside: Some("claudeAiOauth"),
    access_token: "accessToken",
    refresh_token: "refreshToken",
    expiry: Expiry::Millis("expiresAt"),
    scope: Scope::List("scopes"),
    refresh_token_end: Some("refreshTokenExpiresAt"),
    blanks: true,
    ..PLAIN
};

/// `credentials.json`, as Go writes it: a moment it does not know is in the year 1.
pub(super) const PANDA: Layout = Layout {
    expires_in: Some("expires_in"),
    refresh_token_issued_at: Some("refresh_token_issued_at"),
    fresh: "{\n  \"token_type\": \"Bearer\"\n}",
    ..PLAIN
};

/// `auth.json`: only read.
pub(super) const CODEX: Layout = Layout {
    inside: Some("tokens"),
    expiry: Expiry::Jwt,
    account: Some("account_id"),
    // An API key in the place of a login: nothing that a sign-in should replace, and no token of this kind.
    check: |file| match (file.get("tokens"), read::plain(file, "OPENAI_API_KEY")) {
        (None, Some(_)) => Err(Unreadable::Unsupported),
        (Some(_), _) | (None, None) => Ok(()),
    },
    ..PLAIN
};

/// `oauth_creds.json` of Gemini CLI.
pub(super) const GEMINI: Layout =
    Layout { expiry: Expiry::Millis("expiry_date"), scope: Scope::Text("scope"), ..PLAIN };

/// The profile file of Anthropic's SDKs.
pub(super) const ANTHROPIC_SDK: Layout = Layout {
    expiry: Expiry::Seconds("expires_at"),
    scope: Scope::Text("scope"),
    fresh: "{\n  \"version\": \"1.0\",\n  \"type\": \"oauth_token\"\n}\n",
    check: |file| {
        let says = |name| read::plain(file, name).or_else(|| file.get(name).map(String::from));
        match (says("version").as_deref(), says("type").as_deref()) {
            (Some(version), _) if version != "1" && !version.starts_with("1.") => Err(Unreadable::Newer),
            (_, Some(kind)) if kind != "oauth_token" => Err(Unreadable::Unsupported),
            (Some(_) | None, Some(_) | None) => Ok(()),
        }
    },
    ..PLAIN
};

/// A token in `~/.aws/sso/cache`.
pub(super) const AWS_SSO: Layout = Layout {
    access_token: "accessToken",
    refresh_token: "refreshToken",
    expiry: Expiry::Rfc3339("expiresAt"),
    ..PLAIN
};

impl Layout {
    /// Reads the login; `Ok(None)` where the file holds none.
    pub(super) fn decode(&self, bytes: &[u8]) -> Result<Option<Grant>, Unreadable> {
        let text = read::utf8(bytes)?;
        let file = read::object(text)?;
        (self.check)(&file)?;
        let Some(login) = self.login(&file)? else { return Ok(None) };
        let grant = self.grant(&login)?;
        Ok((!grant.is_empty()).then_some(grant))
    }

    /// Returns the content with the members changed whose meaning differs from what stands there.
    pub(super) fn encode(&self, existing: Option<&[u8]>, grant: &Grant) -> Result<SecretBytes, Unreadable> {
        let existing = read::utf8(existing.unwrap_or_default())?;
        let text = if json::without_mark(existing).trim().is_empty() { self.fresh } else { existing };
        let file = read::object(text)?;
        (self.check)(&file)?;
        let login = self.login(&file)?.unwrap_or_default();
        let before = self.grant(&login)?;
        let changes = self.changes(&login, &before, grant);
        let paths: Vec<Vec<&str>> =
            changes.iter().map(|(name, _)| self.inside.into_iter().chain([*name]).collect()).collect();
        // EXPOSE: written into the file's bytes, which are a secret.
        let values = changes.iter().map(|(_, value)| value.as_ref().map(Secret::expose));
        let edits: Vec<_> = paths.iter().zip(values).map(|(path, value)| Edit { path, value }).collect();
        splice(text, &edits).map_err(|NotAnObject| Unreadable::Corrupt)
    }

    fn login<'a>(&self, file: &Object<'a>) -> Result<Option<Object<'a>>, Unreadable> {
        match self.inside {
            None => Ok(Some(file.clone())),
            Some(name) => file.get(name).map(read::object).transpose(),
        }
    }

    fn grant(&self, login: &Object<'_>) -> Result<Grant, Unreadable> {
        let access_token = read::token(login, self.access_token)?;
        let expires_at = match self.expiry {
            Expiry::Millis(name) => read::moment(login, name, 1),
            Expiry::Seconds(name) => read::moment(login, name, 1000),
            Expiry::Rfc3339(name) => read::date(login, name),
            // EXPOSE: looked at only.
            Expiry::Jwt => access_token.as_ref().and_then(|token| wire::jwt_end(token.expose())),
        };
        let lifetime = self.expires_in.and_then(|name| read::millis(login, name, 1000));
        let issued_at = |end: UnixTime| Some(UnixTime::from_millis(end.as_millis().checked_sub(lifetime?)?));
        Ok(Grant {
            issued_at: expires_at.and_then(issued_at),
            access_token: access_token.map(|token| AccessToken::from_secret(token, expires_at)),
            refresh_token: read::token(login, self.refresh_token)?,
            refresh_token_expires_at: self.refresh_token_end.and_then(|name| read::moment(login, name, 1)),
            scope: match self.scope {
                Scope::Text(name) => read::plain(login, name),
                Scope::List(name) => read::words(login, name),
                Scope::Nowhere => None,
            },
            account: self.account.and_then(|name| read::plain(login, name)).map(Account::new),
        })
    }

    /// Returns the members to write, by name; `None` leaves one out.
    fn changes(&self, login: &Object<'_>, before: &Grant, after: &Grant) -> Vec<(&'static str, Option<Secret>)> {
        let mut changes = Vec::new();
        let blank = || self.blanks.then(|| json::quoted(""));
        let is_out = after.is_empty();
        let new_access = before.access_token != after.access_token;
        if text_of(before) != text_of(after) || login.get(self.access_token).is_none() {
            // EXPOSE: quoted for the file.
            let text = after.access_token.as_ref().map(|token| json::quoted(token.expose()));
            changes.push((self.access_token, text.or_else(blank)));
        }
        let new_refresh = before.refresh_token != after.refresh_token;
        if new_refresh || (is_out && self.blanks) {
            // EXPOSE: quoted for the file.
            let text = after.refresh_token.as_ref().map(|token| json::quoted(token.expose()));
            changes.push((self.refresh_token, text.or_else(blank)));
        }
        if new_access || (self.blanks && after.access_token.is_none()) {
            changes.extend(self.written_expiry(after));
        }
        if let (Some(name), Some(end), Some(start)) = (self.expires_in, end_of(after), after.issued_at)
            && (new_access || before.issued_at.is_none())
        {
            changes.push((name, Some(number(end.since(start).as_secs()))));
        }
        if let Some(name) = self.refresh_token_issued_at
            && new_refresh
            && !is_out
        {
            changes.push((name, after.issued_at.map(read::written_date)));
        }
        if let Some(name) = self.refresh_token_end
            && before.refresh_token_expires_at != after.refresh_token_expires_at
            && !is_out
        {
            // One that is unknown now was another login's.
            changes.push((name, after.refresh_token_expires_at.map(|end| number(end.as_millis()))));
        }
        if let Some(scope) = after.scope.as_deref().filter(|scope| before.scope.as_deref() != Some(*scope)) {
            match self.scope {
                Scope::Text(name) => changes.push((name, Some(json::quoted(scope)))),
                Scope::List(name) => changes.push((name, Some(list(scope)))),
                Scope::Nowhere => {}
            }
        }
        changes
    }

    fn written_expiry(&self, after: &Grant) -> Option<(&'static str, Option<Secret>)> {
        // Without an access token there is nothing that could still work.
        let end = if after.access_token.is_none() { Some(UnixTime::default()) } else { end_of(after) };
        let unknown = || Some(Secret::new("null"));
        let in_units = |unit: u64| end.map(|end| number(end.as_millis() / unit)).or_else(unknown);
        let signed_out = after.is_empty() && !self.blanks;
        match self.expiry {
            Expiry::Millis(name) | Expiry::Seconds(name) | Expiry::Rfc3339(name) if signed_out => Some((name, None)),
            Expiry::Millis(name) => Some((name, in_units(1))),
            Expiry::Seconds(name) => Some((name, in_units(1000))),
            Expiry::Rfc3339(name) => Some((name, end.map(read::written_date))),
            Expiry::Jwt => None,
        }
    }
}

fn text_of(grant: &Grant) -> Option<&str> {
    // EXPOSE: compared only.
    grant.access_token.as_ref().map(AccessToken::expose)
}

fn end_of(grant: &Grant) -> Option<UnixTime> {
    grant.access_token.as_ref().and_then(AccessToken::expires_at)
}

fn number(value: u64) -> Secret {
    Secret::new(alloc::format!("{value}"))
}

/// Writes the words of a scope as a list (RFC 6749 section 3.3 separates them by spaces).
fn list(scope: &str) -> Secret {
    let words: Vec<_> = scope.split(' ').filter(|word| !word.is_empty()).map(json::quoted).collect();
    // EXPOSE: a scope is no secret.
    let words: Vec<_> = words.iter().map(Secret::expose).collect();
    Secret::new(alloc::format!("[{}]", words.join(",")))
}
