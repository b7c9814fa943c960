//! Replacing the store: read it once more, apply the change to *those* bytes, commit, write down what came of it.

use alloc::string::{String, ToString};
use core::time::Duration;

use super::{
    Machine, Out,
    state::{Change, State, What},
    view::Stored,
};
use crate::{
    AccessToken, Commit, Effect, Event as Told, Fingerprint, Grant, Load, Loaded, Now, SecretBytes, StoreFault,
    StoreOp, TokenError, Trouble,
    journal::{self, Rotation, Staged},
    rotation,
    wire::{Tokens, Verdict},
};

/// The times that somebody else may write the store between our read and our write before we let it be.
const MOVES: u8 = 5;

/// What a change makes of the store that was read.
enum Rewrite {
    /// These bytes, holding this credential.
    Write(SecretBytes, Grant),
    /// Nothing: the store holds something that this change must not replace.
    Drop(Option<TokenError>),
    /// Nothing for now: there is no store to change.
    Keep(String),
}

impl Machine {
    /// Reads the store once more.
    pub(super) fn reload(&mut self, change: Change, out: &mut Out) -> State {
        let load = Load { ticket: self.ticket(), journal: alloc::vec::Vec::new(), store: true, parked: false };
        out.ask(Effect::Store(StoreOp::Load(load)));
        State::Rereading(change)
    }

    pub(super) fn reread(&mut self, change: Change, loaded: Loaded, now: Now, out: &mut Out) -> State {
        self.view.take_in_store(loaded);
        self.rewrite(change, now, out)
    }

    /// Applies a change to what was just read.
    pub(super) fn rewrite(&mut self, change: Change, now: Now, out: &mut Out) -> State {
        let rewrite = match &change.what {
            What::Answer { .. } => self.apply_answer(),
            What::Login => self.apply_login(self.view.journal.answer.as_ref()),
            What::Parked { answer, .. } => self.apply_parked(answer.as_ref()),
            What::SignOut => self.apply_sign_out(),
            What::Refusal { refresh_token, .. } => {
                let same = self.view.stored_refresh_token().is_none_or(|name| name == *refresh_token);
                if same { return self.refused(change.what, now, out) } else { Rewrite::Drop(None) }
            }
        };
        match rewrite {
            Rewrite::Write(bytes, grant) => {
                // EXPOSE: hashed, to be compared with what the store holds when it is replaced.
                let base = self.view.bytes.as_ref().map(SecretBytes::fingerprint);
                self.pending = Some((bytes.clone(), grant));
                let commit = Commit { ticket: self.ticket(), base, bytes: Some(bytes) };
                out.ask(Effect::Store(StoreOp::Commit(commit)));
                State::Committing(change)
            }
            Rewrite::Drop(error) => self.drop_change(change, error, now, out),
            Rewrite::Keep(detail) => self.not_saved(change, detail, now, out),
        }
    }

    fn apply_answer(&self) -> Rewrite {
        let Some(answer) = &self.view.journal.answer else { return Rewrite::Drop(None) };
        if answer.head.login {
            return self.apply_login(Some(answer));
        }
        let stored = match &self.view.stored {
            Stored::Readable(grant) => grant,
            Stored::Absent => return Rewrite::Keep("the store is gone".into()),
            Stored::Unreadable(reason) => return Rewrite::Keep(reason.to_string()),
        };
        if !self.view.matches(answer) {
            return Rewrite::Drop(None);
        }
        let Some(grant) = self.view.granted(answer, Some(stored)) else { return Rewrite::Drop(None) };
        match rotation::check_account(stored, &grant) {
            Ok(()) => self.encode(grant),
            Err(error) => Rewrite::Drop(Some(error)),
        }
    }

    fn apply_parked(&self, answer: Option<&Staged>) -> Rewrite {
        let login = answer.and_then(|answer| self.view.granted(answer, None));
        if login.is_some_and(|login| self.has_seen(&login)) {
            // It was adopted before, and its file could not be removed: what came of it is newer, whatever may be replaced.
            return Rewrite::Drop(Some(TokenError::Downgrade));
        }
        self.apply_login(answer)
    }

    /// Returns whether a login is in the store, or was: then the journal knows more about its refresh token than it does.
    fn has_seen(&self, login: &Grant) -> bool {
        let Some(name) = login.names().1 else { return false };
        let end = |grant: &Grant| grant.access_token.as_ref().and_then(AccessToken::expires_at);
        let is_newer = |stored: &Grant| match (stored.issued_at, login.issued_at) {
            (Some(stored), Some(login)) => login > stored,
            // Another tool's store does not say when it was issued.
            _ => end(login) > end(stored),
        };
        let same = self.view.stored_grant().filter(|stored| stored.names().1 == Some(name));
        same.is_some_and(|stored| !is_newer(stored)) || self.view.journal.state.is_spent(name)
    }

    fn apply_login(&self, answer: Option<&Staged>) -> Rewrite {
        let Some((answer, grant)) = answer.and_then(|answer| Some((answer, self.view.granted(answer, None)?))) else {
            return Rewrite::Drop(None);
        };
        if let Stored::Unreadable(reason) = self.view.stored {
            return Rewrite::Keep(reason.to_string());
        }
        let stored = self.view.stored_grant();
        match rotation::check_login(stored, &grant, answer.guard(), answer.known(), &self.view.journal.state) {
            Ok(()) => self.encode(grant),
            Err(error) => Rewrite::Drop(Some(error)),
        }
    }

    fn apply_sign_out(&self) -> Rewrite {
        match &self.view.stored {
            // What is not ours in the store stays.
            Stored::Readable(_) => self.encode(Grant::default()),
            Stored::Absent => Rewrite::Drop(None),
            Stored::Unreadable(reason) => Rewrite::Keep(reason.to_string()),
        }
    }

    fn encode(&self, grant: Grant) -> Rewrite {
        // EXPOSE: spliced into a copy that is a secret again.
        match self.config.format.encode(self.view.bytes.as_ref().map(SecretBytes::expose), &grant) {
            Ok(bytes) => Rewrite::Write(bytes, grant),
            Err(reason) => Rewrite::Keep(reason.to_string()),
        }
    }

    /// The store holds the new credential.
    pub(super) fn committed(&mut self, change: Change, now: Now, out: &mut Out) -> State {
        let Some((bytes, grant)) = self.pending.take() else { return self.unlock(out) };
        let before = self.view.stored_grant().cloned();
        let login = self.view.journal.answer.as_ref().is_some_and(|answer| answer.head.login);
        let stored = Some(grant.clone()).filter(|grant| !grant.is_empty());
        self.view.wrote(Some(bytes), stored);
        self.saves_failed = 0;
        self.save_at = None;
        self.kept = None;
        match change.what {
            What::Answer { .. } if login => self.signed_in(&grant, None, now, out),
            What::Answer { ours, durable } => self.saved(before.as_ref(), &grant, ours, durable, now, out),
            What::Login => {
                let parked = self.desk.parked().cloned();
                let state = self.signed_in(&grant, parked, now, out);
                self.end_call(Ok(()), out);
                state
            }
            What::Parked { name, .. } => self.signed_in(&grant, Some(name), now, out),
            What::SignOut => {
                self.take_in_hand(None, false, now);
                self.announced = None;
                out.tell(Told::SignedOut { refresh_token: before.and_then(|grant| grant.names().1) });
                self.end_call(Ok(()), out);
                let state = self.view.journal.state.clone();
                self.note(journal::State { intent: None, not_before: None, ..state }, out)
            }
            What::Refusal { .. } => self.unlock(out),
        }
    }

    fn saved(
        &mut self,
        before: Option<&Grant>,
        grant: &Grant,
        ours: bool,
        durable: bool,
        now: Now,
        out: &mut Out,
    ) -> State {
        let verdict = self.view.journal.answer.as_ref().map(|answer| self.view.weigh(answer).verdict);
        let rotated = !matches!(verdict, Some(Verdict::Malformed { .. }));
        let before_this = self.view.journal.state.clone();
        // The waits after answers without an access token add up: each of them spends a refresh token.
        let not_before = before_this.not_before.clone().filter(|_| !rotated);
        let mut state = journal::State { intent: None, dead: None, not_before, ..before_this };
        self.dead = None;
        let base = before.and_then(|grant| grant.names().1);
        if let Some(spent) = base.filter(|base| Some(*base) != grant.names().1) {
            state.spend(spent);
        }
        if rotated {
            let moved = rotation::moved_the_end(before, grant);
            state.rotation = Some(Rotation { at: grant.issued_at.unwrap_or(now.wall).as_millis(), moved });
        }
        let (access_token, refresh_token) = grant.names();
        out.tell(if ours { Told::Saved { refresh_token } } else { Told::RolledForward { refresh_token } });
        if ours && !durable && rotated {
            // The journal could not take it; now the store has it, and whoever waits may be told.
            out.tell(Told::Rotated { access_token, refresh_token, base });
            self.took(grant, now);
        } else if !ours {
            self.adopt_view(now, out);
        }
        if !rotated {
            // A new refresh token without an access token: the old one goes on, and the server is asked again later.
            let key = grant.refresh_token.as_ref().map_or_else(|| Fingerprint::of(&[]), |token| self.key(token));
            let error = match verdict {
                Some(Verdict::Malformed { code: Some(code), .. }) => TokenError::Misconfigured { code: code.into() },
                Some(_) | None => TokenError::Unavailable { retry_in: None, trouble: Trouble::Malformed },
            };
            return self.put_off(state, key, error, None, now, out);
        }
        self.note(state, out)
    }

    fn signed_in(&mut self, grant: &Grant, unpark: Option<String>, now: Now, out: &mut Out) -> State {
        if let Some(answer) = self.view.journal.answer.take() {
            self.remember(&answer);
        }
        let mut state = self.view.journal.state.clone();
        (state.intent, state.dead, state.not_before, state.rotation) = (None, None, None, None);
        if let Some(refresh_token) = &grant.refresh_token {
            state.unspend(refresh_token.fingerprint());
        }
        self.dead = None;
        self.refused = None;
        self.failure.error = None;
        self.take_in_hand(Some(grant), true, now);
        let (access_token, refresh_token) = grant.names();
        out.tell(Told::SignedIn { access_token, refresh_token });
        self.note_and_unpark(state, unpark, out)
    }

    /// The server refused, and the store holds nothing newer.
    fn refused(&mut self, what: What, now: Now, out: &mut Out) -> State {
        match what {
            What::Refusal { key, reason, .. } => self.bury(key, reason, now, out),
            What::Answer { .. } | What::Login | What::Parked { .. } | What::SignOut => self.unlock(out),
        }
    }

    pub(super) fn refuse_login(&mut self, error: TokenError, parked: Option<String>, out: &mut Out) -> State {
        self.end_call(Err(error), out);
        match parked {
            Some(name) => self.note_and_unpark(self.view.journal.state.clone(), Some(name), out),
            None => self.unlock(out),
        }
    }

    /// The store holds something that this change must not replace: it is adopted.
    fn drop_change(&mut self, change: Change, error: Option<TokenError>, now: Now, out: &mut Out) -> State {
        let parked = matches!(change.what, What::Parked { .. });
        let mut base = None;
        if !parked && let Some(answer) = self.view.journal.answer.take() {
            base = answer.base();
            self.remember(&answer);
        }
        let mut state = self.view.journal.state.clone();
        match change.what {
            What::Answer { .. } | What::Refusal { .. } => {
                out.tell(Told::Dropped { what: "answer", base });
                if error.is_some()
                    && let Some(base) = self.view.stored_refresh_token()
                {
                    // The server took the refresh token for an answer that we may not save: it is spent all the same.
                    state.spend(base);
                }
                state.intent = None;
                self.view.grant = self.view.stored_grant().cloned();
                if let Some(error) = error {
                    self.fail(error, true, now, out);
                }
                self.adopt_view(now, out);
                self.note(state, out)
            }
            What::Login => {
                let parked = self.desk.parked().cloned();
                self.end_call(Err(error.unwrap_or(TokenError::Downgrade)), out);
                self.note_and_unpark(state, parked, out)
            }
            What::Parked { name, .. } => {
                let detail = error.map_or_else(|| "it is damaged".into(), |error| error.to_string());
                out.tell(Told::ParkedDropped { detail });
                if self.view.journal.answer.is_none() {
                    return self.note_and_unpark(state, Some(name), out);
                }
                // An answer whose store is gone outlives a login that cannot take its place.
                let journal = self.view.journal.write(journal::State { loose: true, ..state });
                self.note_writes(journal, Some(name), out)
            }
            What::SignOut => {
                self.take_in_hand(None, false, now);
                out.tell(Told::SignedOut { refresh_token: None });
                self.end_call(Ok(()), out);
                self.unlock(out)
            }
        }
    }

    /// An answer that is dropped still says what became of its refresh token: whoever puts that one back finds it spent.
    pub(super) fn remember(&mut self, answer: &Staged) {
        let Some(base) = answer.base().filter(|_| !answer.head.login) else { return };
        let spent = match self.view.weigh(answer).verdict {
            Verdict::Granted(Tokens { refresh_token, .. }) | Verdict::Malformed { refresh_token, .. } => {
                refresh_token.is_some_and(|new| new.fingerprint() != base)
            }
            Verdict::Refused { .. } => true,
            Verdict::Misconfigured { .. } | Verdict::Transient { .. } | Verdict::Blocked { .. } => false,
        };
        if spent {
            self.view.journal.state.spend(base);
        }
    }

    /// Somebody else wrote the store between our read and our write.
    pub(super) fn moved(&mut self, change: Change, now: Now, out: &mut Out) -> State {
        self.pending = None;
        if change.moved >= MOVES {
            return self.not_saved(change, "somebody else keeps writing the store".into(), now, out);
        }
        self.reload(Change { moved: change.moved.saturating_add(1), ..change }, out)
    }

    pub(super) fn not_committed(&mut self, change: Change, fault: StoreFault, now: Now, out: &mut Out) -> State {
        self.pending = None;
        self.not_saved(change, fault.detail, now, out)
    }

    /// The store could not be replaced. What is staged stays, and is tried again by whoever has the lock next.
    fn not_saved(&mut self, change: Change, detail: String, now: Now, out: &mut Out) -> State {
        let error = TokenError::StoreUnwritable { reason: detail.clone() };
        let refresh_token = self.view.stored_refresh_token();
        match change.what {
            What::Answer { ours, durable } => {
                if !durable {
                    self.kept = self.view.journal.answer.take();
                }
                if !ours {
                    // Nothing else is done before it is saved.
                    self.end_call(Err(error.clone()), out);
                }
                if !ours || !durable {
                    self.fail(error, true, now, out);
                }
                let retry_in = self.save_later(now);
                out.tell(Told::SaveFailed { refresh_token, detail, retry_in });
            }
            What::Login => {
                let retry_in = self.save_later(now);
                out.tell(Told::SaveFailed { refresh_token, detail, retry_in });
                self.end_call(Err(error), out);
            }
            What::Parked { .. } => {
                self.end_call(Err(error.clone()), out);
                self.fail(error, true, now, out);
                let retry_in = self.save_later(now);
                out.tell(Told::SaveFailed { refresh_token, detail, retry_in });
            }
            What::Refusal { .. } => {}
            What::SignOut => self.end_call(Err(error), out),
        }
        self.unlock(out)
    }

    /// The journal takes nothing: who still waits would wait for the next hold to find the same and fail the same way.
    pub(super) fn not_noted(&mut self, fault: StoreFault, now: Now, out: &mut Out) -> State {
        let error = TokenError::StoreUnwritable { reason: fault.detail };
        self.end_call(Err(error.clone()), out);
        if self.desk.is_waiting() {
            self.fail(error, true, now, out);
        }
        self.save_later(now);
        self.unlock(out)
    }

    /// Plans the next attempt to carry an answer into the store: 1 s, doubled each time, at most 5 min.
    pub(super) fn save_later(&mut self, now: Now) -> Duration {
        let span = Duration::from_secs(1).saturating_mul(1 << self.saves_failed.min(9)).min(Duration::from_secs(300));
        self.saves_failed = self.saves_failed.saturating_add(1);
        let wait = self.dice.half_to_all(span);
        self.save_at = Some(now.mono.saturating_add(wait));
        wait
    }
}

#[cfg(test)]
mod tests {
    use alloc::{vec, vec::Vec};

    use super::*;
    use crate::{
        Config, Input, Parked, UnixTime, Waiter, Write,
        journal::{Head, Journal},
    };

    /// A note is not synced, so two of them may be torn at once.
    #[test]
    fn notes_about_dropped_logins_spare_the_synced_state_beside_an_answer_whose_store_is_gone() {
        let mut journal = Journal::default();
        let mut disk = Disk(vec![0; 16_384]);
        let prepared = journal.write(journal::State::default()).writes;
        let head = Head { status: 200, base: Some(Fingerprint::of(b"refresh-token-1").to_hex()), ..Head::default() };
        let (answer, _lost) = journal.stage(Staged { head, body: SecretBytes::new(b"{}".to_vec()) });
        disk.write(&prepared);
        disk.write(&[answer]);

        let noted = disk.notes(Machine::new(Config::new("https://id.test/token", "client-1")));

        let synced = prepared.last().map(|write| write.offset);
        assert_eq!(noted.len(), 2);
        assert_eq!(noted.first(), noted.last());
        assert_ne!(noted.first().copied(), synced);
    }

    /// A journal without a store, beside two damaged logins.
    struct Disk(Vec<u8>);

    impl Disk {
        /// Lets a machine work for half a minute and returns where its notes went.
        fn notes(&mut self, mut machine: Machine) -> Vec<u64> {
            let mut notes = Vec::new();
            for secs in [0, 10, 20, 30] {
                let now = Now { mono: Duration::from_secs(secs), wall: UnixTime::from_secs(secs) };
                let mut input = if secs == 0 { Input::Look(Waiter(1)) } else { Input::Tick };
                loop {
                    let mut asked = None;
                    for effect in machine.step(now, input).effects {
                        if let Effect::Store(op) = effect {
                            asked = Some(op);
                        }
                    }
                    input = match asked {
                        None => break,
                        Some(StoreOp::Load(load)) => load.answer(self.loaded()),
                        Some(StoreOp::TryLock(lock)) => lock.answer(Ok(())),
                        Some(StoreOp::Unlock(unlock)) => unlock.answer(),
                        Some(StoreOp::Note(note)) => {
                            self.write(&note.journal.writes);
                            notes.extend(note.journal.writes.iter().map(|write| write.offset));
                            note.answer(Ok(()))
                        }
                        Some(op) => panic!("nothing else is to be done: {op:?}"),
                    };
                }
            }
            notes
        }

        fn write(&mut self, writes: &[Write]) {
            for write in writes {
                let at = usize::try_from(write.offset).expect("small");
                // EXPOSE: no secret is real here.
                let bytes = write.bytes.expose();
                self.0[at..at + bytes.len()].copy_from_slice(bytes);
            }
        }

        fn loaded(&self) -> Loaded {
            let parts = [&self.0[..4096], &self.0[4096..12_288], &self.0[12_288..], &[]];
            let parked = ["parked-1", "parked-2"]
                .map(|name| Parked { name: name.into(), bytes: SecretBytes::new(b"half a login".to_vec()) });
            Loaded {
                journal: Ok(parts.map(|part| SecretBytes::new(part.to_vec())).into()),
                store: Ok(None),
                parked: parked.into(),
            }
        }
    }
}
