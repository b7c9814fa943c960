//! What is done while the lock is ours: decide, write down the intent, spend the refresh token, stage the answer.

use alloc::string::String;
use core::time::Duration;

use super::{
    Machine, Out,
    desk::Act,
    state::{Change, Goal, Hold, Plan, Preparation, Spend, Spending, State, What},
    view::Stored,
};
use crate::{
    AccessToken, Barrier, Effect, Event as Told, Fetch, Fingerprint, JournalWrites, Loaded, Note, Now, Prepare,
    ReauthReason, Response, Secret, Stage, StoreFault, StoreOp, TokenError, Trouble, UnknownOutcome,
    journal::{self, Condition, Dead, Head, HolderRecord, Intent, Reach, Staged, clip},
    rotation,
    wire::{self, Verdict},
};

/// What a store may grow to by a replacement.
const ROOM: u64 = 16 * 1024;

impl Machine {
    /// The lock is ours and everything is read: one thing is done in this hold, what is left over first.
    pub(super) fn decide(&mut self, hold: Hold, loaded: Loaded, now: Now, out: &mut Out) -> State {
        if !self.absorb(loaded, hold.reach, now, out) {
            self.load(Reach::Whole, out);
            return State::Reading(Hold { reach: Reach::Whole, ..hold });
        }
        if let Some(error) = self.view.journal_fault() {
            self.give_up(hold.goal, error, now, out);
            return self.unlock(out);
        }
        let matches = |answer| self.view.matches(answer);
        if self.view.journal.answer.as_ref().is_some_and(matches) {
            return self.settle(now, out);
        }
        if let Some(left) = self.take_parked() {
            return self.rewrite(left, now, out);
        }
        if let Some(answer) = self.view.journal.answer.take() {
            let keep = match self.view.stored {
                Stored::Unreadable(_) => true,
                Stored::Absent => hold.goal != Goal::Call,
                Stored::Readable(_) => false,
            };
            if keep {
                // Whoever took the store away, or broke it, may bring it back.
                self.view.journal.answer = Some(answer);
                self.save_later(now);
                if let (Goal::Call, Stored::Unreadable(reason)) = (hold.goal, &self.view.stored) {
                    let error = TokenError::from(*reason);
                    self.end_call(Err(error), out);
                }
                return self.unlock(out);
            }
            out.tell(Told::Dropped { what: "answer", base: answer.base() });
            self.remember(&answer);
        }
        match hold.goal {
            Goal::Look => self.leave(out),
            Goal::Save => self.stage_kept(out),
            Goal::Refresh => self.refresh(now, out),
            Goal::Call => self.call(out),
        }
    }

    /// Gives the lock back; an answer that is done with is wiped first.
    fn leave(&mut self, out: &mut Out) -> State {
        if self.view.journal.condition == Condition::Sound && self.view.journal.is_untidy() {
            let state = self.view.journal.state.clone();
            return self.note(state, out);
        }
        self.unlock(out)
    }

    fn refresh(&mut self, now: Now, out: &mut Out) -> State {
        if !self.refresh_is_due(now) {
            // Somebody else did it.
            return self.leave(out);
        }
        let Some(refresh_token) = self.view.stored_grant().and_then(|grant| grant.refresh_token.clone()) else {
            return self.leave(out);
        };
        let name = refresh_token.fingerprint();
        let key = self.key(&refresh_token);
        let hex = name.to_hex();
        let state = &self.view.journal.state;
        let previous = state.intent.clone().filter(|intent| intent.refresh_token == hex);
        let replay = previous.is_some() || self.view.journal.condition == Condition::Torn;
        if replay && self.config.unknown_outcome == UnknownOutcome::Reauth {
            return self.bury(key, ReauthReason::RotationLost, now, out);
        }
        let attempt = previous.as_ref().map_or(0, |intent| intent.attempt).saturating_add(1);
        let intent = Intent { refresh_token: hex, attempt, at: now.wall.as_millis() };
        let state = journal::State { intent: Some(intent), ..state.clone() };
        self.prepare(Plan::Spend(Spend { refresh_token: name, key, previous, replay }), state, out)
    }

    fn call(&mut self, out: &mut Out) -> State {
        let Some(call) = self.desk.calls.front() else { return self.leave(out) };
        if let Stored::Unreadable(reason) = self.view.stored {
            self.end_call(Err(reason.into()), out);
            return self.leave(out);
        }
        let state = self.view.journal.state.clone();
        let (adopt, known) = match &call.act {
            Act::SignOut => {
                // Answers go first: nothing may bring the credential back.
                return self.prepare(Plan::SignOut, state, out);
            }
            Act::Adopt { adopt, known, .. } => (adopt, *known),
        };
        let parked = self.desk.parked().cloned();
        let taken = parked.as_ref().is_some_and(|name| !self.view.parked.iter().any(|left| left.name == *name));
        let name = adopt.grant.refresh_token.as_ref().map(Secret::fingerprint);
        let adopted = name.is_some_and(|name| self.view.stored_refresh_token() == Some(name) || state.is_spent(name));
        if taken && adopted {
            // Another process adopted it while we waited; it may have been rotated since.
            self.end_call(Ok(()), out);
            return self.leave(out);
        }
        let stored = self.view.stored_grant();
        if let Err(error) = rotation::check_login(stored, &adopt.grant, adopt.guard, known, &state) {
            return self.refuse_login(error, parked, out);
        }
        let Some(answer) = self.login() else { return self.leave(out) };
        self.prepare(Plan::Login { answer }, state, out)
    }

    fn prepare(&mut self, plan: Plan, state: journal::State, out: &mut Out) -> State {
        let holder = Some(&self.config.holder).filter(|holder| holder.pid != 0);
        let holder = holder.map(|holder| HolderRecord { pid: holder.pid, host: clip(&holder.host) });
        let condition = self.view.journal.condition.clone();
        let before = self.view.journal.state.clone();
        let journal = self.write(journal::State { holder, ..state }, false, out);
        let room = ROOM.saturating_add(self.view.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64));
        out.ask(Effect::Store(StoreOp::Prepare(Prepare { ticket: self.ticket(), journal, room })));
        State::Preparing(Preparation { plan, condition, before })
    }

    /// The intent is on the disk: now it may be carried out.
    pub(super) fn carry_out(&mut self, plan: Plan, out: &mut Out) -> State {
        match plan {
            Plan::Spend(spend) => self.fetch(spend, out),
            Plan::Login { answer } => self.ask_stage(answer, Spending::Login, out),
            Plan::SignOut => {
                let change = Change { what: What::SignOut, moved: 0 };
                self.reload(change, out)
            }
        }
    }

    fn fetch(&mut self, spend: Spend, out: &mut Out) -> State {
        let Some(refresh_token) = self.view.stored_grant().and_then(|grant| grant.refresh_token.as_ref()) else {
            return self.unlock(out);
        };
        let request = wire::refresh_request(&self.config, refresh_token);
        let attempt = self.view.journal.state.intent.as_ref().map_or(1, |intent| intent.attempt);
        let refresh_token = spend.refresh_token;
        out.tell(match spend.replay {
            true => Told::Replay { refresh_token, attempt },
            false => Told::RefreshStarted { refresh_token, attempt },
        });
        out.ask(Effect::Fetch(Fetch { ticket: self.ticket(), request }));
        State::Fetching(spend)
    }

    pub(super) fn cannot_prepare(&mut self, failed: Preparation, fault: StoreFault, now: Now, out: &mut Out) -> State {
        // What was to be written may not be there: a journal that is yet to be made is made by the next write.
        self.view.journal.condition = failed.condition;
        let error = TokenError::StoreUnwritable { reason: fault.detail };
        match failed.plan {
            Plan::Spend(_) => self.give_up(Goal::Refresh, error, now, out),
            Plan::Login { .. } | Plan::SignOut => self.give_up(Goal::Call, error, now, out),
        }
        // Nothing was sent: an intent that half reached the disk must not look like a lost answer.
        self.note(failed.before, out)
    }

    /// No byte left: the refresh token is unspent, and the attempt does not count.
    pub(super) fn take_back(&mut self, spend: Spend, error: TokenError, now: Now, out: &mut Out) -> State {
        self.wait(spend.previous.clone(), &spend, error, None, now, out)
    }

    /// No byte left, through a fault of our own settings: the attempt does not count, and nobody else is put off.
    pub(super) fn give_back(&mut self, spend: Spend, code: String, now: Now, out: &mut Out) -> State {
        self.give_up(Goal::Refresh, TokenError::Misconfigured { code }, now, out);
        self.note(journal::State { intent: spend.previous, ..self.view.journal.state.clone() }, out)
    }

    /// Nobody knows whether the refresh token is spent: the intent stays, and the next attempt is the replay.
    pub(super) fn keep_intent(&mut self, spend: Spend, detail: String, now: Now, out: &mut Out) -> State {
        let intent = self.view.journal.state.intent.clone();
        let error = unavailable(Trouble::Network(detail));
        self.wait(intent, &spend, error, None, now, out)
    }

    /// Writes down when the server may be asked again, for all processes.
    fn wait(
        &mut self,
        intent: Option<Intent>,
        spend: &Spend,
        error: TokenError,
        asked: Option<Duration>,
        now: Now,
        out: &mut Out,
    ) -> State {
        let state = journal::State { intent, ..self.view.journal.state.clone() };
        self.put_off(state, spend.key, error, asked, now, out)
    }

    /// Writes down, beside what else is to be noted, when the server may be asked again.
    pub(super) fn put_off(
        &mut self,
        state: journal::State,
        key: Fingerprint,
        error: TokenError,
        asked: Option<Duration>,
        now: Now,
        out: &mut Out,
    ) -> State {
        let not_before = self.next_wait(&state, key, &error, asked, now);
        let noted = self.note(journal::State { not_before: Some(not_before), ..state }, out);
        self.see_wait(now);
        let left = self.wait_of(key, now).map_or(error, |(_, error)| error);
        self.fail(left, false, now, out);
        noted
    }

    /// The server answered: the answer goes to the disk before anybody looks into it.
    pub(super) fn stage(&mut self, spend: Spend, response: Response, now: Now, out: &mut Out) -> State {
        let header = |name| response.header(name).filter(|text| !self.repeats(text)).map(clip);
        let head = Head {
            // EXPOSE: compared with what was sent.
            echo: self.may_repeat(response.body.expose()),
            received: now.wall.as_millis(),
            status: response.status,
            content_type: header("content-type"),
            retry_after: header("retry-after"),
            error_type: header("x-amzn-errortype"),
            date: response.header("date").and_then(wire::http_date).map(|date| date.as_millis()),
            base: Some(spend.refresh_token.to_hex()),
            ..Head::default()
        };
        self.ask_stage(Staged { head, body: response.body }, Spending::Refresh(spend), out)
    }

    fn ask_stage(&mut self, answer: Staged, spending: Spending, out: &mut Out) -> State {
        let (frame, mark) = self.view.journal.stage(answer);
        out.ask(Effect::Store(StoreOp::Stage(Stage { ticket: self.ticket(), frame, mark })));
        State::Staging(spending)
    }

    /// An answer that no disk took is tried once more, if it still is the newest word on its refresh token.
    fn stage_kept(&mut self, out: &mut Out) -> State {
        let Some(answer) = self.kept.take() else { return self.leave(out) };
        let intent = self.view.journal.state.intent.as_ref();
        let current = intent.is_some_and(|intent| Some(&intent.refresh_token) == answer.head.base.as_ref());
        let (Some(refresh_token), true) = (
            self.view.stored_grant().and_then(|grant| grant.refresh_token.as_ref()),
            current && self.view.matches(&answer),
        ) else {
            out.tell(Told::Dropped { what: "answer", base: answer.base() });
            return self.leave(out);
        };
        let spend = Spend {
            refresh_token: refresh_token.fingerprint(),
            key: self.key(refresh_token),
            previous: None,
            replay: false,
        };
        self.ask_stage(answer, Spending::Refresh(spend), out)
    }

    /// The answer is on the disk: now it is read, and whoever waits is told.
    pub(super) fn staged(&mut self, spending: Spending, now: Now, out: &mut Out) -> State {
        match spending {
            Spending::Refresh(spend) => self.weigh(&spend, true, true, now, out),
            Spending::Login => self.reload(Change { what: What::Login, moved: 0 }, out),
        }
    }

    /// The journal's disk failed: the store itself may still take it, and nobody is told before it has.
    pub(super) fn not_staged(&mut self, spending: Spending, fault: StoreFault, now: Now, out: &mut Out) -> State {
        match spending {
            Spending::Refresh(spend) => self.weigh(&spend, true, false, now, out),
            Spending::Login => {
                self.give_up(Goal::Call, TokenError::StoreUnwritable { reason: fault.detail }, now, out);
                self.unlock(out)
            }
        }
    }

    /// An earlier process left an answer about the stored refresh token: it is carried to its end.
    fn settle(&mut self, now: Now, out: &mut Out) -> State {
        let Some(answer) = &self.view.journal.answer else { return self.leave(out) };
        if answer.head.login {
            return self.rewrite(Change { what: What::Answer { ours: false, durable: true }, moved: 0 }, now, out);
        }
        let Some(refresh_token) = self.view.stored_grant().and_then(|grant| grant.refresh_token.clone()) else {
            return self.leave(out);
        };
        let intent = self.view.journal.state.intent.as_ref();
        let spend = Spend {
            refresh_token: refresh_token.fingerprint(),
            key: self.key(&refresh_token),
            previous: None,
            replay: intent.is_some_and(|intent| intent.attempt > 1),
        };
        self.weigh(&spend, false, true, now, out)
    }

    /// Reads the answer and does what it says. `ours` is one that this process asked for.
    fn weigh(&mut self, spend: &Spend, ours: bool, durable: bool, now: Now, out: &mut Out) -> State {
        let Some(answer) = &self.view.journal.answer else { return self.leave(out) };
        let intent = self.view.journal.state.intent.clone();
        // An answer that decides nothing leaves a replay's outcome as unknown as it was.
        let unknown = intent.clone().filter(|_| spend.replay);
        let status = answer.head.status;
        let judged = self.view.weigh(answer);
        if !matches!(judged.verdict, Verdict::Granted(_)) {
            out.tell(Told::Answered { status, row: judged.row });
        }
        match judged.verdict {
            Verdict::Granted(tokens) => {
                let stored = self.view.stored_grant();
                let grant = rotation::merge(stored, tokens, answer.received());
                let same = stored.is_none_or(|stored| rotation::check_account(stored, &grant).is_ok());
                if durable && ours && same {
                    self.succeed(grant, now, out);
                }
                self.change_store(What::Answer { ours, durable }, ours, now, out)
            }
            Verdict::Malformed { refresh_token: Some(_), .. } => {
                self.change_store(What::Answer { ours, durable }, ours, now, out)
            }
            Verdict::Malformed { refresh_token: None, .. } => {
                self.wait(intent, spend, unavailable(Trouble::Malformed), None, now, out)
            }
            Verdict::Refused { reason } => {
                let reason = if spend.replay { ReauthReason::RotationLost } else { reason };
                let (key, refresh_token) = (spend.key, spend.refresh_token);
                self.change_store(What::Refusal { key, refresh_token, reason }, ours, now, out)
            }
            Verdict::Misconfigured { code } => {
                let code = self.shown(&code).into();
                self.wait(unknown, spend, TokenError::Misconfigured { code }, None, now, out)
            }
            Verdict::Transient { trouble, retry_after } => {
                self.wait(unknown, spend, unavailable(trouble), retry_after, now, out)
            }
            Verdict::Blocked { status, retry_after } => {
                let by = Barrier::Page(status);
                self.wait(unknown, spend, TokenError::Blocked { by, retry_in: None }, retry_after, now, out)
            }
        }
    }

    /// Returns a server's error code as it may be shown: not if it repeats what was sent (promise P7).
    fn shown<'a>(&self, code: &'a Secret) -> &'a str {
        // EXPOSE: compared with what was sent, and shown only if it is none of it.
        if self.repeats(code.expose()) { wire::UNPRINTABLE } else { code.expose() }
    }

    /// Returns whether a server's text repeats what was sent.
    fn repeats(&self, text: impl AsRef<[u8]>) -> bool {
        let grant = self.view.stored_grant();
        // EXPOSE: compared with the text, and goes no further.
        let sent = [
            grant.and_then(|grant| grant.refresh_token.as_ref()).map(Secret::expose),
            grant.and_then(|grant| grant.access_token.as_ref()).map(AccessToken::expose),
            self.config.client_secret.as_ref().map(Secret::expose),
        ];
        sent.into_iter().flatten().any(|secret| shares_a_fragment(text.as_ref(), secret.as_bytes()))
    }

    /// Returns whether a server's answer may repeat what was sent, in whatever spelling.
    fn may_repeat(&self, body: &[u8]) -> bool {
        body.len() > 4096 || body.iter().any(|byte| matches!(byte, b'%' | b'\\')) || self.repeats(body)
    }

    /// Hands the new token to everybody: its answer is on the disk, the store follows.
    fn succeed(&mut self, grant: crate::Grant, now: Now, out: &mut Out) {
        let (access_token, refresh_token) = grant.names();
        out.tell(Told::Rotated { access_token, refresh_token, base: self.view.stored_refresh_token() });
        self.took(&grant, now);
        self.view.count_answer();
        self.serve(now, out);
    }

    /// Counts a refresh of ours that yielded a token.
    pub(super) fn took(&mut self, grant: &crate::Grant, now: Now) {
        self.take_in_hand(Some(grant), true, now);
        self.refused = None;
        self.results = self.results.saturating_add(1);
        self.failure.error = None;
    }

    /// Changes the store: right away with what was just read, or after another look at it.
    fn change_store(&mut self, what: What, look_again: bool, now: Now, out: &mut Out) -> State {
        let change = Change { what, moved: 0 };
        if look_again { self.reload(change, out) } else { self.rewrite(change, now, out) }
    }

    /// Remembers a refresh token as dead, for all processes.
    pub(super) fn bury(&mut self, key: Fingerprint, reason: ReauthReason, now: Now, out: &mut Out) -> State {
        self.dead = Some((key, reason.clone()));
        let dead = Some(Dead { key: key.to_hex(), reason: clip(reason.as_str()) });
        self.fail(TokenError::ReauthRequired { reason }, false, now, out);
        let state = self.view.journal.state.clone();
        self.note(journal::State { intent: None, dead, not_before: None, ..state }, out)
    }

    /// Writes a state in which every answer is done with.
    pub(super) fn note(&mut self, state: journal::State, out: &mut Out) -> State {
        self.note_and_unpark(state, None, out)
    }

    pub(super) fn note_and_unpark(&mut self, state: journal::State, unpark: Option<String>, out: &mut Out) -> State {
        let journal = self.write(state, true, out);
        self.note_writes(journal, unpark, out)
    }

    pub(super) fn note_writes(&mut self, journal: JournalWrites, unpark: Option<String>, out: &mut Out) -> State {
        self.unparked.extend(unpark.clone());
        let unpark = unpark.into_iter().collect();
        out.ask(Effect::Store(StoreOp::Note(Note { ticket: self.ticket(), journal, unpark })));
        State::Noting
    }

    /// Returns the writes of a state in which every answer is done with.
    fn write(&mut self, state: journal::State, loose: bool, out: &mut Out) -> JournalWrites {
        let journal = self.view.journal.settle(journal::State { loose, ..state });
        if journal.set_aside {
            out.tell(Told::JournalSetAside);
        }
        journal
    }

    /// Returns the oldest login that another process left beside the store.
    fn take_parked(&self) -> Option<Change> {
        let left = self.left_parked().next()?;
        let answer = journal::unpark(&left.bytes);
        let what = What::Parked { name: left.name.clone(), answer };
        Some(Change { what, moved: 0 })
    }
}

/// Returns whether 12 bytes of a secret, or all of a shorter one, stand in a text.
fn shares_a_fragment(text: &[u8], secret: &[u8]) -> bool {
    let size = secret.len().min(12);
    let stands_in_text = |fragment| text.windows(size).any(|window| window == fragment);
    size > 0 && secret.windows(size).any(stands_in_text)
}

pub(super) fn unavailable(trouble: Trouble) -> TokenError {
    TokenError::Unavailable { retry_in: None, trouble }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    #[test]
    fn an_answer_that_may_repeat_what_was_sent_in_any_spelling_counts_as_a_secret() {
        let secret = Some(Secret::new("client-secret-1"));
        let machine =
            Machine::new(Config { client_secret: secret, ..Config::new("https://id.test/token", "client-1") });
        let may_repeat = |body: &str| machine.may_repeat(body.as_bytes());

        assert!(!may_repeat(r#"{"error":"invalid_grant"}"#));
        assert!(!may_repeat(&"x".repeat(4096)));
        assert!(may_repeat(&"x".repeat(4097)), "nobody looks through more");
        assert!(may_repeat("client%2Dsecret"), "a form's escapes");
        assert!(may_repeat(r"client\u002dsecret"), "escapes of JSON");
        assert!(may_repeat("of lient-secret"), "twelve bytes of it");
        assert!(!may_repeat("of ient-secret"), "eleven");
    }
}
