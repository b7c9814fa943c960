//! What must hold for every input from outside, whatever its bytes: an answer of the server, a store, a journal.
//!
//! Each property takes bytes and panics where it does not hold. `fuzz/` feeds them what a fuzzer finds; the test `corpus`
//! feeds them the corpus and mutations of it.

mod format;
pub mod host;
pub mod input;
pub mod mutate;
mod read;

use serde_json::{Map, Value};
use tokenward::{Account, Adopt, Grant, Guard, Input, Response, Secret, SecretBytes, Want};

pub use format::format;
use host::{Host, TOKEN};
use input::Answer;
pub use read::read;

/// What a store of ours begins with. The owner's members stand between ours.
const STORE: &str = r#"{"mine":[1,2.50,{"deep":"\u00e9"}],"version":1,"access_token":"access-token-1","refresh_token":"refresh-token-1","issued_at":"2026-01-01T00:00:00Z","expires_at":"2026-01-01T00:00:10Z","last":null}"#;

/// The members that a store of ours has.
const OURS: &[&str] = &[
    "version",
    "access_token",
    "refresh_token",
    "token_type",
    "scope",
    "issued_at",
    "expires_at",
    "refresh_token_expires_at",
    "account",
];

/// The longest error that anybody is told.
const LONGEST_ERROR: usize = 1024;

/// An answer of the token endpoint (see [`input::answer`]): it is taken or it is not, the caller hears of it once, and the
/// store stays one.
pub fn answer(bytes: &[u8]) {
    let Answer { status, content_type, body } = input::answer(bytes);
    let mut host = Host::new(Some(STORE.into()), None);
    let headers = content_type.map(|text| ("Content-Type".to_string(), text));
    let response = Response { status, headers: headers.into_iter().collect(), body: SecretBytes::new(body.clone()) };
    host.answers.push(response);

    let outcome = host.ask(|waiter| Input::Want(Want::new(waiter)));

    let store = host.store();
    check_foreign(STORE.as_bytes(), &store);
    assert!(
        store.len() <= STORE.len() + body.len() * 6 + 1024,
        "an answer of {} bytes makes {}",
        body.len(),
        store.len()
    );
    match outcome {
        Ok(token) => {
            let token = token.expect("a caller who wants a token gets one");
            assert!(!token.is_empty(), "an empty token");
            let again = Host::new(Some(store), host.journal()).ask(|waiter| Input::Want(Want::new(waiter)));
            assert!(again.is_err() || again == Ok(Some(token)) || again == Ok(Some(TOKEN.into())), "{again:?}");
        }
        Err(error) => {
            assert!(error.len() <= LONGEST_ERROR, "an error of {} bytes", error.len());
            // What is left of the login can be refreshed, or a person is sent to sign in.
            assert!(text_of(&store, "refresh_token").is_some(), "the login is gone");
        }
    }
}

/// A store: it is understood or it is not. What is not is left as it is; in what is, only our members change.
pub fn store(bytes: &[u8]) {
    let mut host = Host::new(Some(bytes.to_vec()), None);

    let outcome = host.ask(|waiter| Input::Want(Want::new(waiter)));
    let after = host.store();

    if after == bytes {
        if let Err(error) = &outcome {
            assert!(error.len() <= LONGEST_ERROR, "an error of {} bytes", error.len());
        }
    } else {
        check_foreign(bytes, &after);
        assert!(after.len() <= bytes.len() + 1024, "{} bytes become {}", bytes.len(), after.len());
        assert_eq!(text_of(&after, "access_token").as_deref(), Some(TOKEN));
        let again = Host::new(Some(after), host.journal()).ask(|waiter| Input::Want(Want::new(waiter)));
        assert_eq!(again, Ok(Some(TOKEN.into())), "what we wrote is not what we read");
    }
    sign_in(bytes);
}

/// A login over such a store is read back as it was written, or the store is left as it is.
fn sign_in(bytes: &[u8]) {
    let mut host = Host::new(Some(bytes.to_vec()), None);
    let grant = Grant {
        access_token: Some(host::token("access-token-9", 3600)),
        refresh_token: Some(Secret::new("refresh-token-9")),
        scope: Some("openid \"quoted\" \u{1f511}".into()),
        issued_at: Some(host::NOW.wall),
        account: Some(Account::new("https://id.test alice")),
        ..Grant::default()
    };

    let outcome = host.ask(|waiter| Input::Adopt(Adopt { waiter, grant: grant.clone(), guard: Guard::Replace }));

    let after = host.store();
    if outcome.is_err() {
        assert_eq!(after, bytes, "a login that fails changes the store");
        return;
    }
    check_foreign(bytes, &after);
    let mut reader = Host::new(Some(after), None);
    assert_eq!(reader.ask(|waiter| Input::Want(Want::new(waiter))), Ok(Some("access-token-9".into())));
    let status = reader.machine.status();
    assert_eq!((status.scope, status.account), (grant.scope, grant.account));
    assert_eq!(status.refresh_token, grant.refresh_token.as_ref().map(Secret::fingerprint));
}

/// A journal (see [`input::journal`]): whatever stands in it, the login is not lost and a caller is told something.
pub fn journal(bytes: &[u8]) {
    let journal = input::journal(bytes);
    let mut host = Host::new(Some(STORE.into()), Some(journal.clone()));

    let outcome = host.ask(|waiter| Input::Want(Want::new(waiter)));
    if let Err(error) = outcome {
        assert!(error.len() <= LONGEST_ERROR, "an error of {} bytes", error.len());
    }
    // An explicit one asks whatever the journal remembers, unless the token is spent or the journal newer than we are.
    let explicit = host.ask(|waiter| Input::Want(Want { explicit: true, ..Want::new(waiter) }));

    let store = host.store();
    check_foreign(STORE.as_bytes(), &store);
    // A login that somebody allowed to replace anything may be one that cannot refresh.
    let replaced = journal.windows(LOGIN.len()).any(|window| window == LOGIN);
    assert!(replaced || text_of(&store, "refresh_token").is_some(), "the login is gone");
    assert!(store.len() <= STORE.len() + journal.len() + 1024, "the store grows to {}", store.len());
    let written = host.journal().unwrap_or_default();
    assert!(written.len() <= journal.len().max(JOURNAL), "the journal grows to {}", written.len());
    let asked = explicit.is_ok() || host.requests > 0;
    let spent = explicit.as_ref().is_err_and(|error| error == "sign in again: reused");
    assert!(
        asked || spent || replaced || host.must_not_write(),
        "a refresh that was asked for is not tried: {explicit:?}"
    );
}

/// What the first line of a login says.
const LOGIN: &[u8] = br#""login":true"#;

/// The length of a journal in full.
const JOURNAL: usize = 552_960;

/// Fails unless every member that is not ours is still there, unchanged and in its order.
fn check_foreign(before: &[u8], after: &[u8]) {
    assert!(before.starts_with(MARK) <= after.starts_with(MARK), "the byte order mark is gone");
    let [before, after] = [before, after].map(|bytes| serde_json::from_slice::<Map<String, Value>>(unmarked(bytes)));
    let before = match before {
        Ok(before) => before,
        // A store that is empty is none yet.
        Err(error) if error.is_eof() && error.column() == 0 => Map::new(),
        // serde_json wants whole surrogates in a text that nobody reads, and we do not.
        Err(_) => return,
    };
    let after = after.expect("what we write is an object");
    let foreign = |members: Map<String, Value>| -> Vec<_> {
        members.into_iter().filter(|(name, _)| !OURS.contains(&name.as_str())).collect()
    };
    assert_eq!(foreign(before), foreign(after), "a member of the owner's");
}

fn text_of(store: &[u8], name: &str) -> Option<String> {
    let store: Value = serde_json::from_slice(unmarked(store)).ok()?;
    store.get(name)?.as_str().map(Into::into)
}

const MARK: &[u8] = "\u{feff}".as_bytes();

/// Some editors put a byte order mark before a text.
fn unmarked(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(MARK).unwrap_or(bytes)
}
