//! `tokenward import`: stores a login that was made elsewhere.

use std::{
    format,
    io::{self, IsTerminal, Read, Write},
    string::{String, ToString},
};

use serde::de::IgnoredAny;

use super::{
    exit::{Failure, examples},
    interrupt::Interrupts,
    settings::Settings,
    text,
};
use crate::{
    AccessToken, Config, Grant, Guard, MAX_BODY, Secret, SecretBytes, StoreFormat, UnixTime, Unreadable,
    json::{self, Object},
    provider::clock::now,
    rotation,
    wire::{self, Dialect, Raw, Verdict},
};

/// Stores a login: a refresh token, a whole token response or a store's content as JSON, read from standard input.
///
/// A stored login is not replaced by another account's, by an older one or by one that cannot be refreshed.
#[derive(Debug, clap::Args)]
#[command(after_help = examples!("\
  tokenward import --profile work < refresh-token.txt
  tokenward import --store cred.json --client-id my-client \\
      --token-url https://id.example.com/token < token-response.json"))]
pub(super) struct Import {
    /// Replace whatever is stored
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    pub(super) settings: Settings,
}

impl Import {
    /// Reads the login and saves it.
    pub(super) fn run(self) -> Result<(), Failure> {
        let (source, resolved) = self.settings.open_store()?;
        let input = read()?;
        // Not before the read: until then Ctrl-C ends the command at once.
        let interrupts = Interrupts::note_first()?;
        let grant = grant(&input, &resolved.config, now().wall)?;
        let told = (
            grant.refresh_token.as_ref().map(|token| token.fingerprint().to_string()),
            grant.access_token.as_ref().map(|token| token.fingerprint().to_string()),
            grant.access_token.as_ref().and_then(AccessToken::expires_at),
        );
        let guard = if self.replace { Guard::Replace } else { Guard::SameAccount };
        let saved = interrupts.during(&source, move |source| source.save(grant, guard))?;
        source.close();
        let store = resolved.config.store.unwrap_or_default();
        saved.map_err(|error| Failure::from(error).at(Some(&store)))?;
        interrupts.check()?;
        let (refresh, access, expires_at) = told;
        let mut stdout = io::stdout().lock();
        if self.settings.json {
            let expires_at = expires_at.map(text::rfc3339);
            let answer = serde_json::json!({"store": store, "refresh_token": refresh, "access_token": access, "expires_at": expires_at});
            writeln!(stdout, "{answer}")?;
        } else {
            let name = refresh.map(|name| format!("refresh token {name}"));
            let name = name.or_else(|| access.map(|name| format!("access token {name}"))).unwrap_or_default();
            writeln!(stdout, "stored {name} in {store}")?;
        }
        Ok(())
    }
}

/// Reads standard input to its end.
fn read() -> io::Result<SecretBytes> {
    let mut stdin = io::stdin().lock();
    if stdin.is_terminal() {
        let end = if cfg!(windows) { "Ctrl-Z and Enter" } else { "Ctrl-D" };
        let hint = "paste a refresh token or a token response (it will be seen on the screen), then";
        writeln!(io::stderr().lock(), "{hint} {end}:")?;
    }
    let mut input = SecretBytes::with_capacity(MAX_BODY);
    let mut chunk = [0; 4096];
    loop {
        let count = match stdin.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        input.push(chunk.get(..count).unwrap_or_default());
        if input.len() > MAX_BODY {
            return Err(io::Error::other("standard input is larger than any token response"));
        }
    }
    zeroize::Zeroize::zeroize(&mut chunk);
    Ok(input)
}

/// What tools print in the place of a token that is not there.
const NOTHING: &[&str] = &["null", "undefined", "none", "nil", "true", "false", "error:"];

/// Returns the login in a text: a store or a token response if it begins like JSON, else a refresh token and nothing
/// else.
fn grant(input: &SecretBytes, config: &Config, now: UnixTime) -> Result<Grant, Failure> {
    // EXPOSE: parsed in place.
    let text = str::from_utf8(input.expose()).map_err(|_| wrong("not UTF-8"))?.trim();
    if text.is_empty() {
        return Err(wrong("empty"));
    }
    if !text.starts_with('{') {
        // RFC 6749 appendix A.17 allows spaces in a token; a text with spaces is a pasted sentence. What a tool prints
        // where it has none, a piece of JSON or of a page would take the place of a login that works.
        let is_nothing = NOTHING.iter().any(|word| word.eq_ignore_ascii_case(text));
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) || is_nothing || text.starts_with(['"', '\'', '[', '<']) {
            return Err(wrong("neither a refresh token nor a token response"));
        }
        return Ok(Grant { refresh_token: Some(Secret::new(text)), ..Grant::default() });
    }
    let parsed: Result<IgnoredAny, _> = serde_json::from_str(text);
    if let Err(error) = parsed {
        return Err(wrong(&format!("not one whole JSON object: line {}, column {}", error.line(), error.column())));
    }
    let object = Object::parse(text).ok_or_else(|| wrong("not one whole JSON object"))?;
    if ["access_token", "refresh_token"].into_iter().any(|name| is_no_token(&object, name)) {
        return Err(wrong("a token with a character that no token has"));
    }
    match stored(text, &object, config.format)? {
        Some(grant) => Ok(grant),
        None => {
            answered(text, &object, &Dialect::of(config), now).ok_or_else(|| wrong("a JSON object without a token"))
        }
    }
}

/// Returns whether a member is a text that could not be sent (RFC 6749 appendix A: visible ASCII and spaces).
fn is_no_token(object: &Object<'_>, name: &str) -> bool {
    let token = object.get(name).and_then(json::text);
    // EXPOSE: looked at, not kept.
    token.is_some_and(|token| !token.expose().bytes().all(|byte| matches!(byte, b' '..=b'~')))
}

fn wrong(what: &str) -> Failure {
    Failure::Usage(String::from("standard input: ") + what)
}

/// Reads a store's content: a life in seconds is a token response's, a moment is a store's.
fn stored(text: &str, object: &Object<'_>, format: StoreFormat) -> Result<Option<Grant>, Failure> {
    let has = |name: &str| object.get(name).is_some();
    let ours = !has("expires_in") && ["version", "issued_at", "expires_at"].into_iter().any(has);
    let format = if ours { StoreFormat::Tokenward } else { format };
    if !ours && format == StoreFormat::Tokenward {
        return Ok(None);
    }
    match format.decode(text.as_bytes()) {
        Ok(grant) => Ok(grant),
        Err(Unreadable::Newer) => Err(wrong("a store of a newer version: update this tokenward")),
        // A token response may have a member of that name, a number perhaps.
        Err(_) => Ok(None),
    }
}

/// Reads a token response as if it came now. Some tools write the end as a moment, in seconds or in milliseconds.
fn answered(text: &str, object: &Object<'_>, dialect: &Dialect, now: UnixTime) -> Option<Grant> {
    let raw = Raw {
        status: 200,
        content_type: Some("application/json"),
        retry_after: None,
        error_type: None,
        date: None,
        received: now,
        dialect,
        body: text.as_bytes(),
    };
    match wire::read(&raw).verdict {
        Verdict::Granted(tokens) => {
            let mut grant = rotation::merge(None, tokens, now);
            let end = object.get("expires_at").and_then(|written| json::number(written, 1));
            if let (Some(token), Some(end)) =
                (grant.access_token.as_ref().filter(|token| token.expires_at().is_none()), end)
            {
                let end = if end < FIRST_IN_MILLIS { UnixTime::from_secs(end) } else { UnixTime::from_millis(end) };
                // EXPOSE: the same token with its end.
                grant.access_token = Some(AccessToken::new(token.expose(), Some(end)));
            }
            Some(grant)
        }
        Verdict::Malformed { refresh_token: Some(refresh_token), .. } => {
            Some(Grant { refresh_token: Some(refresh_token), ..Grant::default() })
        }
        Verdict::Malformed { refresh_token: None, .. }
        | Verdict::Refused { .. }
        | Verdict::Misconfigured { .. }
        | Verdict::Transient { .. }
        | Verdict::Blocked { .. } => None,
    }
}

/// A number above it means milliseconds: as seconds it would be in the year 5138.
const FIRST_IN_MILLIS: u64 = 100_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refresh_token_is_taken_without_its_line_end() {
        let grant = read("refresh-token-1\r\n").unwrap();

        assert_eq!(grant.refresh_token, Some(Secret::new("refresh-token-1")));
        assert_eq!(grant.access_token, None);
    }

    #[test]
    fn token_response_is_taken_as_if_it_came_now() {
        let response = r#" {"access_token":"access-token-1","expires_in":60,"refresh_token":"refresh-token-1"}"#;

        let grant = read(response).unwrap();

        let token = grant.access_token.unwrap();
        assert_eq!((token.expose(), token.expires_at()), ("access-token-1", Some(UnixTime::from_secs(160))));
        assert_eq!(grant.refresh_token, Some(Secret::new("refresh-token-1")));
    }

    #[test]
    fn stores_content_is_taken_with_its_moments() {
        let store = r#"{"access_token":"access-token-1","refresh_token":"refresh-token-1","scope":"a",
            "issued_at":"1970-01-01T00:01:00Z","expires_at":"1970-01-01T00:03:20Z","account":"https://id.test alice"}"#;

        let grant = read(store).unwrap();

        assert_eq!(grant.access_token.and_then(|token| token.expires_at()), Some(UnixTime::from_secs(200)));
        assert_eq!((grant.issued_at, grant.scope.as_deref()), (Some(UnixTime::from_secs(60)), Some("a")));
        assert_eq!(grant.account.unwrap().as_str(), "https://id.test alice");
    }

    #[test]
    fn end_that_is_a_number_is_a_moment() {
        for end in ["200", "\"200\"", "200000000000"] {
            let grant = read(&format!(r#"{{"access_token":"access-token-1","expires_at":{end}}}"#)).unwrap();

            let seconds = if end.len() > 5 { 200_000_000 } else { 200 };
            assert_eq!(grant.access_token.unwrap().expires_at(), Some(UnixTime::from_secs(seconds)), "{end}");
        }
    }

    #[test]
    fn what_is_wrong_with_json_is_told_by_its_place() {
        for (text, told) in [
            ("{\"access_token\":\n\"refresh-token-1", "not one whole JSON object: line 2, column 16"),
            (r#"{"version":2,"refresh_token":"x"}"#, "a store of a newer version: update this tokenward"),
            (r#"{"refresh_token":"refresh-token\u0000-1"}"#, "a token with a character that no token has"),
            (r#"{"access_token":"access\ntoken-1","refresh_token":"x"}"#, "a token with a character that no token has"),
            (r#"{"expires_at":"soon"}"#, "a JSON object without a token"),
        ] {
            let Err(Failure::Usage(message)) = read(text) else { panic!("taken: {text}") };

            assert_eq!(message, format!("standard input: {told}"));
        }
    }

    #[test]
    fn anything_else_is_refused_without_being_quoted() {
        let nothing = ["null", "undefined", "[]", "\"refresh-token-1\"", "<html>", "Error:"];
        let wrong = ["", " \n", "two words", "{}", r#"{"error":"invalid_grant"}"#, "{\"access_token\":"];
        for wrong in nothing.into_iter().chain(wrong) {
            let failure = read(wrong).unwrap_err();

            assert!(matches!(&failure, Failure::Usage(_)), "{wrong}");
        }
        let Err(Failure::Usage(message)) = read("secret words") else { panic!("taken") };
        assert!(!message.contains("secret"));
    }

    fn read(text: &str) -> Result<Grant, Failure> {
        let config = Config::new("https://id.test/token", "my-client");
        grant(&SecretBytes::new(text.as_bytes().to_vec()), &config, UnixTime::from_secs(100))
    }
}
