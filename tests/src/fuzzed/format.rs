//! A store in the format of any tool, without a machine: it is read or it is not, and a save changes the login alone.

use std::{fmt, mem};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;
use tokenward::{AccessToken, Adopt, Grant, Guard, Input, Secret, StoreFormat, UnixTime};

use super::{
    LONGEST_ERROR,
    host::{self, Host},
    unmarked,
};

/// The same bytes as a store of each format.
pub fn format(bytes: &[u8]) {
    for format in StoreFormat::ALL {
        let read = format.decode(bytes);
        for grant in [rotated(), without_a_refresh_token(), Grant::default()] {
            save(*format, bytes, &grant);
        }
        if let Ok(Some(login)) = read {
            save_the_same(*format, bytes, &login);
            keep_the_better(*format, bytes, &login);
        }
    }
}

/// What can be read can be saved, unless it is only read; what cannot be read is never written over; what was saved reads
/// back; and every other member stands there as it did.
fn save(format: StoreFormat, bytes: &[u8], grant: &Grant) {
    let is_blank = std::str::from_utf8(bytes).is_ok_and(|text| text.trim_start_matches('\u{feff}').trim().is_empty());
    let is_known = format.decode(bytes).is_ok() || is_blank;
    let saved = match format.encode(Some(bytes), grant) {
        Ok(saved) => saved,
        Err(error) => {
            assert!(!is_known || format.read_only().is_some(), "{}: read, and not saved: {error}", format.name());
            assert!(error.to_string().len() <= LONGEST_ERROR, "an error of {} bytes", error.to_string().len());
            return;
        }
    };
    // EXPOSE: the tokens of a test.
    let saved = saved.expose();
    assert!(is_known, "{}: written over what it cannot read", format.name());
    let read = format.decode(saved).unwrap_or_else(|reason| panic!("{}: saved, and then {reason}", format.name()));
    let read = read.unwrap_or_default();
    assert_eq!(tokens(&read), tokens(grant), "{}", format.name());
    if grant.access_token.is_some() {
        let end = |grant: &Grant| grant.access_token.as_ref().and_then(AccessToken::expires_at);
        assert_eq!(end(&read), end(grant), "{}: the end of the token", format.name());
    }
    if !is_blank {
        assert_eq!(foreign(format, bytes), foreign(format, saved), "{}: a member of the owner's", format.name());
    }
    let again = format.encode(Some(saved), grant).expect("what was saved can be saved");
    assert_eq!(again.expose(), saved, "{}: a second save of the same changes something", format.name());
}

/// A save that changes nothing leaves every byte of another tool's store.
fn save_the_same(format: StoreFormat, bytes: &[u8], login: &Grant) {
    if format == StoreFormat::Tokenward || format.read_only().is_some() || login.access_token.is_none() {
        return;
    }
    let saved = format.encode(Some(bytes), login).expect("what can be read can be saved");
    assert_eq!(saved.expose(), bytes, "{}: nothing changed", format.name());
}

/// A login that cannot refresh replaces none that can (promise P4), in whatever format it stands.
fn keep_the_better(format: StoreFormat, bytes: &[u8], login: &Grant) {
    if login.refresh_token.is_none() {
        return;
    }
    let mut host = Host::of(format, Some(bytes.to_vec()));

    let adopt = |waiter| Input::Adopt(Adopt { waiter, grant: without_a_refresh_token(), guard: Guard::SameAccount });
    let outcome = host.ask(adopt);

    assert!(outcome.is_err(), "{}: a login is made worse", format.name());
    assert_eq!(host.store(), bytes, "{}: the store has changed", format.name());
}

fn rotated() -> Grant {
    Grant {
        access_token: Some(AccessToken::new("access-token-9", Some(END))),
        refresh_token: Some(Secret::new("refresh-token-9")),
        issued_at: Some(host::NOW.wall),
        scope: Some("openid \"quoted\" \u{1f511}".into()),
        ..Grant::default()
    }
}

fn without_a_refresh_token() -> Grant {
    Grant { refresh_token: None, ..rotated() }
}

/// A whole second, which every format can write.
const END: UnixTime = UnixTime::from_secs(1_800_000_000);

fn tokens(grant: &Grant) -> [Option<&str>; 2] {
    // EXPOSE: the tokens of a test, compared.
    [grant.access_token.as_ref().map(AccessToken::expose), grant.refresh_token.as_ref().map(Secret::expose)]
}

/// Returns the members that are not the login's, by their names and as they are written, in their order.
fn foreign(format: StoreFormat, store: &[u8]) -> Vec<(String, String)> {
    let (inside, ours) = login_of(format);
    let mut found = Vec::new();
    for (name, value) in members(store) {
        match inside {
            Some(inside) if name == inside => {
                let login = members(value.as_bytes()).into_iter().filter(|(name, _)| !ours.contains(&name.as_str()));
                found.extend(login.map(|(name, value)| (format!("{inside}.{name}"), value)));
            }
            None if ours.contains(&name.as_str()) => {}
            Some(_) | None => found.push((name, value)),
        }
    }
    found
}

/// Returns the member that holds the login, and the members of a login.
fn login_of(format: StoreFormat) -> (Option<&'static str>, &'static [&'static str]) {
    match format {
        StoreFormat::Tokenward => (None, super::OURS),
        StoreFormat::ClaudeCode => {
            (Some("claudeAiOauth"), &["accessToken", "refreshToken", "expiresAt", "refreshTokenExpiresAt", "scopes"])
        }
        StoreFormat::Panda => {
            (None, &["access_token", "refresh_token", "expires_at", "expires_in", "refresh_token_issued_at"])
        }
        StoreFormat::Gemini => (None, &["access_token", "refresh_token", "expiry_date", "scope"]),
        StoreFormat::AnthropicSdk => (None, &["access_token", "refresh_token", "expires_at", "scope"]),
        StoreFormat::AwsSso => (None, &["accessToken", "refreshToken", "expiresAt"]),
        // Codex is only read.
        _ => (None, &[]),
    }
}

/// Returns the members of an object as they are written, twice where they stand twice.
fn members(object: &[u8]) -> Vec<(String, String)> {
    struct Members(Vec<(String, String)>);

    impl<'de> Deserialize<'de> for Members {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_map(Self(Vec::new()))
        }
    }

    impl<'de> Visitor<'de> for Members {
        type Value = Self;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self, A::Error> {
            while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                self.0.push((name, value.get().into()));
            }
            Ok(self)
        }
    }

    // serde_json wants whole surrogates in a name that nobody reads, and we do not: then there is nothing to compare.
    serde_json::from_slice::<Members>(unmarked(object)).map(|mut found| mem::take(&mut found.0)).unwrap_or_default()
}
