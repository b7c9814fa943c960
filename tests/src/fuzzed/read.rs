//! An answer of the token endpoint, read by itself.

use tokenward::{Act, AnswerClass, Answered, ErrorKind, Response, SecretBytes, read_answer};

use super::{
    host,
    input::{self, Answer},
};

/// An answer means one thing: its class, what it grants and the error that callers are told go together, and nothing that is
/// told holds a token.
pub fn read(bytes: &[u8]) {
    let Answer { status, content_type, body } = input::answer(bytes);
    let headers = content_type.map(|text| ("Content-Type".to_string(), text));
    let response = Response { status, headers: headers.into_iter().collect(), body: SecretBytes::new(body) };

    let answered = read_answer(&response, host::NOW.wall);

    assert_eq!(answered, read_answer(&response, host::NOW.wall), "twice the same answer");
    assert!(!answered.row.is_empty() && answered.row.bytes().all(|byte| byte.is_ascii_graphic()), "{:?}", answered.row);
    check_class(status, &answered);
    check_grant(&answered);
    check_told(&answered);
}

/// What a caller is told asks for the act of the class.
fn check_class(status: u16, answered: &Answered) {
    let error = answered.error.as_ref().map(|error| (error.kind(), error.act()));
    let expected: &[_] = match answered.class {
        AnswerClass::Success => &[None],
        AnswerClass::TerminalReauth => &[Some((ErrorKind::ReauthRequired, Act::SignIn))],
        AnswerClass::TerminalConfig => &[Some((ErrorKind::Misconfigured, Act::FixConfiguration))],
        AnswerClass::Pending | AnswerClass::MalformedSuccess => &[Some((ErrorKind::Unavailable, Act::Wait))],
        AnswerClass::Transient => {
            &[Some((ErrorKind::Unavailable, Act::Wait)), Some((ErrorKind::Blocked, Act::CheckNetwork))]
        }
        other => panic!("a class that nobody knows: {other:?}"),
    };
    assert!(expected.contains(&error), "{:?} by {}: {error:?}", answered.class, answered.row);
    // Promise P4: only a verdict of the server ends a login, and a server in trouble gives none.
    let ends = matches!(answered.class, AnswerClass::TerminalReauth | AnswerClass::TerminalConfig);
    assert!(!ends || (200..500).contains(&status), "{status} ends a login by {}", answered.row);
    assert!(!answered.row.starts_with("status.") || !ends, "a status alone ends a login: {}", answered.row);
    // No wait that a server asks for keeps anybody longer.
    let wait = answered.error.as_ref().and_then(|error| error.retry_in());
    assert!(wait.is_none_or(|wait| wait.as_secs() <= 900), "{wait:?}");
}

/// A success brings an access token; anything else a refresh token at most.
fn check_grant(answered: &Answered) {
    let access_token = answered.grant.as_ref().and_then(|grant| grant.access_token.as_ref());
    // EXPOSE: the token of a test.
    assert_eq!(access_token.is_some_and(|token| !token.expose().is_empty()), answered.class == AnswerClass::Success);
    if answered.class != AnswerClass::Success
        && let Some(grant) = &answered.grant
    {
        assert!(grant.refresh_token.is_some(), "a grant of nothing by {}", answered.row);
        assert!(grant.scope.is_none() && grant.account.is_none(), "more than a refresh token by {}", answered.row);
    }
}

/// The names of test tokens end in a number, which no code does that is shown.
fn check_told(answered: &Answered) {
    let said = answered.error.as_ref().map(ToString::to_string).unwrap_or_default();
    assert!(said.len() < 128 && said.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{said:?}");
    // Scope and account are no secrets, whatever a server puts into them.
    let mut answered = answered.clone();
    if let Some(grant) = &mut answered.grant {
        (grant.scope, grant.account) = (None, None);
    }
    for text in [said, format!("{answered:?}")] {
        let ends = text.match_indices("-token-").map(|(at, name)| text.as_bytes().get(at + name.len()));
        let numbered = ends.flatten().any(u8::is_ascii_digit);
        assert!(!numbered, "a token is told: {text}");
    }
}
