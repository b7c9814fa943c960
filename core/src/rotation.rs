//! How a new credential replaces an old one, and when it must not.

use crate::{
    AccessToken, Account, Grant, Guard, Secret, TokenError, UnixTime,
    journal::{Known, State},
    wire::Tokens,
};

/// Returns the credential after an answer: what the answer leaves out stays (RFC 6749 section 6).
pub(crate) fn merge(base: Option<&Grant>, tokens: Tokens, received: UnixTime) -> Grant {
    let expires_at = tokens.expires_in.map(|span| received.plus(span));
    Grant {
        access_token: Some(AccessToken::from_secret(tokens.access_token, expires_at)),
        refresh_token: tokens.refresh_token.or_else(|| base.and_then(|base| base.refresh_token.clone())),
        // Kept where the server does not say: most families end when their login does.
        refresh_token_expires_at: tokens
            .refresh_token_expires_in
            .map(|span| received.plus(span))
            .or_else(|| base.and_then(|base| base.refresh_token_expires_at)),
        scope: tokens.scope.or_else(|| base.and_then(|base| base.scope.clone())),
        issued_at: Some(received),
        account: account(base.and_then(|base| base.account.as_ref()), tokens.account),
    }
}

/// Returns the new account, unless it only is another name: the stored one stays then, or it would change with every answer.
fn account(stored: Option<&Account>, new: Option<Account>) -> Option<Account> {
    let other_name = |stored: &&Account| new.as_ref().is_none_or(|new| !is_alike(stored, new));
    stored.filter(other_name).cloned().or(new)
}

/// Refuses a login that would make things worse (promise P4).
///
/// A login is older if its refresh token is known to be spent, or if it was issued earlier than the stored one. Where that
/// one is the `known` one or came of it by refreshes, only what was known counts.
pub(crate) fn check_login(
    stored: Option<&Grant>,
    login: &Grant,
    guard: Guard,
    known: Option<Known>,
    state: &State,
) -> Result<(), TokenError> {
    if guard == Guard::Replace {
        return Ok(());
    }
    let name = login.refresh_token.as_ref().map(Secret::fingerprint);
    if name.is_some_and(|name| state.is_spent(name)) {
        return Err(TokenError::Downgrade);
    }
    let Some(stored) = stored else { return Ok(()) };
    check_account(stored, login)?;
    let loses_refresh = stored.refresh_token.is_some() && login.refresh_token.is_none();
    let name = stored.refresh_token.as_ref().map(Secret::fingerprint);
    let same = |known: &Known| Some(known.refresh_token) == name || state.is_spent(known.refresh_token);
    let issued_at = known.filter(same).map_or(stored.issued_at, |known| known.issued_at);
    let is_older = matches!((issued_at, login.issued_at), (Some(stored), Some(login)) if login < stored);
    if loses_refresh || is_older { Err(TokenError::Downgrade) } else { Ok(()) }
}

/// Refuses a credential of another account. Unknown never matches and never blocks.
pub(crate) fn check_account(stored: &Grant, new: &Grant) -> Result<(), TokenError> {
    match (&stored.account, &new.account) {
        (Some(stored), Some(new)) if stored != new && is_alike(stored, new) => Err(TokenError::AccountMismatch),
        (Some(_) | None, Some(_) | None) => Ok(()),
    }
}

/// Returns whether two accounts are named in the same way: issuer and subject of an id_token with a space between, or a
/// server's own field. An answer may leave the id_token out (OpenID Connect Core section 12.2).
fn is_alike(one: &Account, other: &Account) -> bool {
    one.as_str().contains(' ') == other.as_str().contains(' ')
}

/// Returns whether the access token of `new` ends later than the one of `old`, by more than a rounding error.
pub(crate) fn moved_the_end(old: Option<&Grant>, new: &Grant) -> bool {
    let end = |grant: &Grant| grant.access_token.as_ref().and_then(AccessToken::expires_at);
    match (old.and_then(end), end(new)) {
        (Some(old), Some(new)) => new.as_millis() > old.as_millis().saturating_add(1000),
        (Some(_) | None, None) | (None, Some(_)) => true,
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;
    use crate::Account;

    fn grant(refresh_token: Option<&str>, issued_at: u64, account: Option<&str>) -> Grant {
        Grant {
            access_token: Some(AccessToken::new("access-token-1", None)),
            refresh_token: refresh_token.map(Secret::new),
            issued_at: Some(UnixTime::from_secs(issued_at)),
            account: account.map(Account::new),
            ..Grant::default()
        }
    }

    fn check(stored: &Grant, login: &Grant) -> Result<(), TokenError> {
        check_login(Some(stored), login, Guard::SameAccount, None, &State::default())
    }

    #[test]
    fn what_an_answer_leaves_out_stays() {
        let base = Grant { scope: Some("read".into()), ..grant(Some("refresh-token-1"), 1, Some("alice")) };
        let tokens = Tokens {
            access_token: Secret::new("access-token-2"),
            refresh_token: None,
            expires_in: Some(Duration::from_secs(60)),
            refresh_token_expires_in: None,
            scope: None,
            account: None,
        };

        let merged = merge(Some(&base), tokens, UnixTime::from_secs(5));

        assert_eq!(merged.refresh_token, base.refresh_token);
        assert_eq!(merged.scope, base.scope);
        assert_eq!(merged.account, base.account);
        assert_eq!(merged.access_token, Some(AccessToken::new("access-token-2", Some(UnixTime::from_secs(65)))));
    }

    #[test]
    fn a_login_that_cannot_refresh_never_replaces_one_that_can() {
        let stored = grant(Some("refresh-token-1"), 1, None);

        assert_eq!(check(&stored, &grant(None, 2, None)), Err(TokenError::Downgrade));
    }

    #[test]
    fn an_older_login_never_replaces_a_newer_one() {
        let stored = grant(Some("refresh-token-2"), 5, None);

        assert_eq!(check(&stored, &grant(Some("refresh-token-1"), 4, None)), Err(TokenError::Downgrade));
        assert_eq!(check(&stored, &grant(Some("refresh-token-3"), 5, None)), Ok(()));
    }

    #[test]
    fn a_login_is_compared_with_what_was_stored_when_the_person_signed_in() {
        let mut state = State::default();
        let known = Known::of(Some(&grant(Some("refresh-token-1"), 3, None)));
        state.spend(Secret::new("refresh-token-1").fingerprint());
        let refreshed = grant(Some("refresh-token-2"), 5, None);
        let check = |issued_at, state: &State| {
            let login = grant(Some("refresh-token-9"), issued_at, None);
            check_login(Some(&refreshed), &login, Guard::SameAccount, known, state)
        };

        assert_eq!(check(4, &state), Ok(()));
        assert_eq!(check(2, &state), Err(TokenError::Downgrade), "an old backup");
        assert_eq!(check(4, &State::default()), Err(TokenError::Downgrade), "another login came in between");
    }

    #[test]
    fn a_spent_refresh_token_is_an_older_login() {
        let mut state = State::default();
        let login = grant(Some("refresh-token-1"), 9, None);
        state.spend(Secret::new("refresh-token-1").fingerprint());

        assert_eq!(check_login(None, &login, Guard::SameAccount, None, &state), Err(TokenError::Downgrade));
        assert_eq!(check_login(None, &login, Guard::Replace, None, &state), Ok(()));
    }

    #[test]
    fn another_account_is_refused_and_an_unknown_one_is_not() {
        let alice = grant(Some("refresh-token-1"), 1, Some("alice"));

        assert_eq!(check(&alice, &grant(Some("refresh-token-2"), 2, Some("bob"))), Err(TokenError::AccountMismatch));
        assert_eq!(check(&alice, &grant(Some("refresh-token-2"), 2, None)), Ok(()));
    }

    #[test]
    fn two_ways_to_name_an_account_are_not_compared_and_the_first_one_stays() {
        let stored = grant(Some("refresh-token-1"), 1, Some("https://id.test alice"));
        let tokens = Tokens {
            access_token: Secret::new("access-token-2"),
            refresh_token: Some(Secret::new("refresh-token-2")),
            expires_in: None,
            refresh_token_expires_in: None,
            scope: None,
            account: Some(Account::new("u-1")),
        };

        let merged = merge(Some(&stored), tokens, UnixTime::from_secs(5));

        assert_eq!(check_account(&stored, &grant(None, 2, Some("u-1"))), Ok(()));
        assert_eq!(merged.account, stored.account);
    }

    #[test]
    fn the_end_moves_only_forwards() {
        let ending = |secs| Grant {
            access_token: Some(AccessToken::new("access-token", Some(UnixTime::from_secs(secs)))),
            ..Grant::default()
        };

        assert!(moved_the_end(Some(&ending(10)), &ending(20)));
        assert!(!moved_the_end(Some(&ending(10)), &ending(10)));
        assert!(!moved_the_end(Some(&ending(10)), &ending(11)), "a second is a rounding error");
        assert!(moved_the_end(None, &ending(10)));
    }
}
