//! What can be told of a credential without telling a secret.

use alloc::string::String;

use super::{Machine, view::Stored};
use crate::{AccessToken, Account, Fingerprint, Holder, Now, ReauthReason, Secret, TokenError, UnixTime};

/// The token that may be handed out without asking the machine.
#[derive(Clone, Debug)]
pub struct Current {
    /// The token.
    pub token: AccessToken,
    /// While both clocks are before this moment the token is fresh; after it the machine wants to hear of the next
    /// caller. `None` if the server did not say when the token ends.
    pub early_at: Option<Now>,
    /// While both clocks are before this moment the token may be handed out. `None` if the server did not say.
    pub ends_at: Option<Now>,
}

/// A credential's state, safe to log, to print and to send to a renderer.
///
/// ```
/// use tokenward::{Config, Machine};
///
/// let status = Machine::new(Config::new("https://id.test/token", "my-client")).status();
/// assert!(status.access_token.is_none());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The access token's name.
    pub access_token: Option<Fingerprint>,
    /// When the access token ends.
    pub expires_at: Option<UnixTime>,
    /// The refresh token's name.
    pub refresh_token: Option<Fingerprint>,
    /// The granted scope.
    pub scope: Option<String>,
    /// Who the credential belongs to.
    pub account: Option<Account>,
    /// When the credential was last rotated.
    pub last_rotation: Option<UnixTime>,
    /// The moment before which nobody asks the server again.
    pub not_before: Option<UnixTime>,
    /// Why the refresh token is known to be dead.
    pub dead: Option<ReauthReason>,
    /// The process that last changed something. It may have ended.
    pub holder: Option<Holder>,
    /// Whether the server's answer is in the journal and not yet in the store.
    pub unsaved: bool,
    /// Whether the outcome of the last request is unknown.
    pub unknown_outcome: bool,
    /// What is wrong with the store, or why there is no login.
    pub fault: Option<TokenError>,
}

impl Machine {
    /// Returns what is known of the credential, as of the last read.
    pub fn status(&self) -> Status {
        let grant = self.view.grant.as_ref();
        let journal = &self.view.journal.state;
        let refresh_token = grant.and_then(|grant| grant.refresh_token.as_ref());
        let key = refresh_token.map(|token| self.key(token).to_hex());
        let dead = journal.dead.as_ref().filter(|dead| Some(&dead.key) == key.as_ref()).map(|dead| dead.reason());
        // Of a login that has ended nothing is in doubt: nobody repeats its last request.
        let in_doubt = journal.intent.as_ref().filter(|_| dead.is_none());
        let fault = match &self.view.stored {
            Stored::Unreadable(reason) => Some(TokenError::StoreUnreadable { reason: *reason }),
            Stored::Absent if grant.is_none() => Some(TokenError::SignedOut),
            Stored::Absent | Stored::Readable(_) => self.view.journal_fault(),
        };
        Status {
            access_token: grant.and_then(|grant| grant.access_token.as_ref()).map(AccessToken::fingerprint),
            expires_at: grant.and_then(|grant| grant.access_token.as_ref()).and_then(AccessToken::expires_at),
            refresh_token: refresh_token.map(Secret::fingerprint),
            scope: grant.and_then(|grant| grant.scope.clone()),
            account: grant.and_then(|grant| grant.account.clone()),
            last_rotation: journal.rotation.as_ref().map(|rotation| UnixTime::from_millis(rotation.at)),
            not_before: journal.not_before.as_ref().map(|wait| UnixTime::from_millis(wait.at)),
            dead,
            holder: journal.holder(),
            unsaved: self.view.journal.answer.is_some(),
            unknown_outcome: in_doubt.is_some_and(|intent| {
                refresh_token.is_some_and(|token| token.fingerprint().to_hex() == intent.refresh_token)
            }),
            fault,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::{string::String, vec, vec::Vec};

    use super::*;
    use crate::{
        Config, Effect, Fingerprint, Input, Loaded, Now, ReauthReason, SecretBytes, StoreOp, Unreadable, Waiter, Write,
        journal::{Dead, Head, HolderRecord, Intent, Journal, Staged, State},
    };

    const STORE: &str = r#"{"access_token":"access-token-1","refresh_token":"refresh-token-1","scope":"read"}"#;

    #[test]
    fn a_store_and_its_journal_are_told() {
        let name = Secret::new("refresh-token-1").fingerprint();
        let key = Fingerprint::of_all(&["refresh-token-1", "https://id.test/token", "client-1"]);
        let intent = Some(Intent { refresh_token: name.to_hex(), attempt: 1, at: 0 });
        let dead = Some(Dead { key: key.to_hex(), reason: "revoked".into() });
        let state =
            State { intent, holder: Some(HolderRecord { pid: 4711, host: "laptop".into() }), ..State::default() };

        let ended = status(Some(STORE), Some(State { dead, ..state.clone() }));
        let status = status(Some(STORE), Some(state));

        assert_eq!(status.refresh_token, Some(name));
        assert_eq!(status.scope, Some(String::from("read")));
        assert_eq!((status.dead, status.unknown_outcome), (None, true));
        assert_eq!((ended.dead, ended.unknown_outcome), (Some(ReauthReason::Revoked), false));
        assert_eq!(status.holder.map(|holder| holder.pid), Some(4711));
        assert_eq!((status.fault, status.unsaved), (None, false));
    }

    #[test]
    fn what_is_remembered_of_another_login_is_not_told() {
        let other = Fingerprint::of(b"another").to_hex();
        let state = State {
            dead: Some(Dead { key: other.clone(), reason: "revoked".into() }),
            intent: Some(Intent { refresh_token: other, attempt: 1, at: 0 }),
            ..State::default()
        };

        let status = status(Some(STORE), Some(state));

        assert_eq!((status.dead, status.unknown_outcome), (None, false));
    }

    #[test]
    fn a_store_without_a_login_and_one_that_is_damaged_are_told_apart() {
        assert_eq!(status(None, None).fault, Some(TokenError::SignedOut));
        let corrupt = TokenError::StoreUnreadable { reason: Unreadable::Corrupt };
        assert_eq!(status(Some("{"), None).fault, Some(corrupt));
    }

    #[test]
    fn a_login_that_is_staged_before_there_is_a_store_is_told() {
        let mut journal = Journal::default();
        let mut writes = journal.write(State::default()).writes;
        let head = Head { login: true, ..Head::default() };
        let (frame, mark) = journal.stage(Staged { head, body: SecretBytes::new(STORE.into()) });
        writes.extend([frame, mark]);

        let status = status_after(None, writes);

        assert_eq!(status.refresh_token, Some(Secret::new("refresh-token-1").fingerprint()));
        assert_eq!((status.fault, status.unsaved), (None, true));
    }

    fn status(store: Option<&str>, state: Option<State>) -> Status {
        let writes = state.map(|state| Journal::default().write(state).writes);
        status_after(store, writes.unwrap_or_default())
    }

    /// Returns the status after one look.
    fn status_after(store: Option<&str>, writes: Vec<Write>) -> Status {
        let starts = [0, 4096, 12_288];
        let mut parts = vec![vec![0; 4096], vec![0; 8192], vec![0; 4096], Vec::new()];
        for write in writes {
            let offset = usize::try_from(write.offset).expect("small");
            let part = starts.partition_point(|start| *start <= offset) - 1;
            let at = offset - starts[part];
            // EXPOSE: no secret is real here.
            parts[part].splice(at..at + write.bytes.expose().len(), write.bytes.expose().iter().copied());
        }
        let loaded = Loaded {
            journal: Ok(parts.into_iter().map(SecretBytes::new).collect()),
            store: Ok(store.map(|text| SecretBytes::new(text.into()))),
            ..Loaded::default()
        };
        let mut machine = Machine::new(Config::new("https://id.test/token", "client-1"));
        let mut step = machine.step(Now::default(), Input::Look(Waiter(1)));
        let Some(Effect::Store(StoreOp::Load(load))) = step.effects.pop() else { panic!("a look reads the store") };
        _ = machine.step(Now::default(), load.answer(loaded));
        machine.status()
    }
}
