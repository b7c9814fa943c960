//! The promises as rules over what can be seen from outside: the server, the files, and what callers are told.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::Value;
use tokenward::{Guard, TokenError};

use crate::{
    Fate, World,
    process::{Asked, Caller},
    provider::{Refresh, numbers},
    sim::Outcome,
    world::Who,
};

/// What the rules remember.
#[derive(Debug, Default)]
pub struct Rules {
    /// The first rule that was broken, and how.
    pub broken: Option<String>,
    /// Counts what happens.
    pub moment: u64,
    /// The pairs that are on the disk, in the store or in the journal.
    pub durable: BTreeSet<usize>,
    /// The pairs that were in the store.
    pub stored: BTreeSet<usize>,
    /// The server's answers by number.
    pub answers: Vec<Reply>,
    /// The refresh tokens whose refusal is on the disk.
    pub dead: BTreeSet<usize>,
    /// The refresh tokens that were sent without a word about what became of it.
    pub unknown: BTreeSet<usize>,
    /// Those about which an answer came and may not have been written down.
    pub doubtful: BTreeSet<usize>,
    /// The logins of our processes.
    pub logins: BTreeMap<usize, Guard>,
    /// The seconds that each pair was last said to have.
    pub granted: BTreeMap<usize, u64>,
    /// Who has a request on its way.
    pub in_flight: Option<usize>,
    /// Whether the lock's holder has proved the store and written its intent.
    pub prepared: bool,
    sent_in_hold: bool,
    /// When the server may be asked again after the failure in hand, and after what was written down.
    pub failed: Option<Duration>,
    /// The refresh token about which the holder of the lock has an answer that it has not written down.
    pub in_hand: Option<usize>,
    wait_until: Option<Duration>,
    /// The moments at which the store came to hold this refresh token, last came to hold any, and to hold none.
    pub store_since: u64,
    pub empty_until: u64,
    pub signed_out_at: Option<u64>,
    /// The owner put another login into the store.
    pub owner_wrote: bool,
    /// The owner put a spent one back.
    pub disturbed: bool,
    pub power_lost: bool,
    pub note_failed: bool,
    pub wall_jumped: bool,
    /// `unknown_outcome = "reauth"`.
    pub never_replays: bool,
}

/// An answer of the server.
#[derive(Clone, Copy, Debug)]
pub struct Reply {
    pub sent: usize,
    pub granted: Option<usize>,
    pub refused: bool,
}

impl Rules {
    pub fn takes_lock(&mut self) {
        (self.prepared, self.sent_in_hold, self.failed, self.in_hand) = (false, false, None, None);
    }

    pub fn require(&mut self, holds: bool, rule: &str, how: impl FnOnce() -> String) {
        if !holds && self.broken.is_none() {
            self.broken = Some(format!("{rule}: {}", how()));
        }
    }
}

impl World {
    pub fn needs_lock(&mut self, process: usize, what: &str) {
        let holder = self.disk.lock;
        self.rules.require(holder == Some(process), "P1", || format!("process {process}: {what} without the lock"));
    }

    /// A refresh token leaves.
    pub fn sends(&mut self, who: Who, sent: usize, fate: Fate) {
        let Who { process, explicit, .. } = who;
        self.tell(|| format!("            refresh-token-{sent} is sent; {fate:?}"));
        self.needs_lock(process, "Fetch");
        let pair = self.provider.pairs[sent].clone();
        let rules = &mut self.rules;
        rules.require(rules.in_flight.is_none(), "P1", || format!("refresh-token-{sent}: two requests at once"));
        rules.require(rules.prepared, "P3", || format!("refresh-token-{sent} is sent before the store was proved"));
        rules.require(!rules.sent_in_hold, "P1", || format!("refresh-token-{sent}: a second request in one hold"));
        let spent = matches!(pair.state, Refresh::Spent { by } if rules.durable.contains(&by));
        let forgot = (rules.power_lost || rules.note_failed) && rules.disturbed;
        rules.require(!spent || forgot, "P2", || format!("refresh-token-{sent} is known to be spent and sent again"));
        // One refusal is remembered, and another login ends the memory; who then puts the old one back asks for it.
        let dead = rules.dead.contains(&sent) && !rules.owner_wrote;
        rules.require(!dead || explicit, "P2", || format!("refresh-token-{sent} is known to be dead and sent again"));
        let again = rules.unknown.contains(&sent) && !rules.owner_wrote;
        rules.require(!again || !rules.never_replays || explicit, "P2", || format!("refresh-token-{sent} is replayed"));
        let early = rules.wait_until.is_some_and(|until| self.time < until);
        rules.require(!early || explicit || rules.wall_jumped, "P1", || {
            format!("refresh-token-{sent} is sent before the shared wait is over")
        });
        (rules.in_flight, rules.sent_in_hold) = (Some(process), true);
    }

    /// The server judges a refresh token.
    pub fn judge(&mut self, sent: usize) -> Option<usize> {
        let granted = self.provider.judge(sent, self.time);
        if let Some(number) = granted {
            let life = self.provider.expires_in(number, self.time);
            self.rules.granted.insert(number, life);
        }
        self.tell(|| match granted {
            Some(number) => format!("            the server grants access-token-{number} and refresh-token-{number}"),
            None => format!("            the server refuses refresh-token-{sent}"),
        });
        granted
    }

    /// A request failed in a way that passes.
    pub fn failed(&mut self, asked: Option<u64>) {
        let wait = Duration::from_secs(asked.unwrap_or_default().min(900)).max(Duration::from_millis(500));
        self.rules.failed = Some(self.time + wait);
    }

    /// The holder has written down what came of it.
    pub fn noted(&mut self) {
        self.rules.in_hand = None;
        if let Some(until) = self.rules.failed.take() {
            self.rules.wait_until = Some(until);
        }
    }

    /// The holder of the lock lets it go, perhaps with an answer in its hands; `dies` with an intent on the disk.
    pub fn lets_go(&mut self, dies: bool) {
        let stored = self.stored().refresh.filter(|_| dies);
        self.rules.doubtful.extend(self.rules.in_hand.take().into_iter().chain(stored));
    }

    /// What was not synced may be forgotten.
    pub fn loses_power(&mut self) {
        self.rules.doubtful.extend(self.stored().refresh);
        let rules = &mut self.rules;
        (rules.power_lost, rules.wait_until, rules.store_since) = (true, None, rules.moment);
    }

    /// These bytes would be found after a loss of power.
    pub fn is_durable(&mut self, bytes: &[u8]) {
        for word in ["access-token-", "refresh-token-"] {
            self.rules.durable.extend(numbers(bytes, word));
        }
        for answer in numbers(bytes, "answer-") {
            let Reply { sent, refused, .. } = self.rules.answers[answer];
            if refused {
                self.rules.dead.insert(sent);
            }
        }
    }

    /// One of our processes replaces the store.
    pub fn commits(&mut self, who: Who, bytes: Option<&[u8]>) {
        let process = who.process;
        let before = self.disk.store.as_deref().map(Stored::read);
        let after = bytes.map(Stored::read);
        self.tell(|| format!("            the store becomes {after:?}"));
        let rules = &mut self.rules;
        rules.require(after.is_some(), "P4", || format!("process {process} deletes the store"));
        let Some(after) = after else { return };
        rules.require(after.readable, "P4", || format!("process {process} writes rubbish"));
        let before = before.unwrap_or(Stored { kept: after.kept.clone(), readable: true, ..Stored::default() });
        rules.require(before.readable, "P4", || format!("process {process} replaces a store that nobody can read"));
        rules.require(before.kept == after.kept, "P8", || format!("process {process} lost a member of the owner's"));
        let pairs = &self.provider.pairs;
        let state = after.refresh.map(|number| pairs[number].state);
        let spent = matches!(state, Some(Refresh::Spent { by }) if rules.durable.contains(&by));
        rules.disturbed |= spent && rules.note_failed;
        match (before.refresh, after.refresh) {
            (_, None) => {
                rules.require(who.signs_out, "P4", || format!("process {process} blanks the store"));
                rules.signed_out_at = Some(rules.moment);
            }
            (Some(old), Some(new)) if pairs[old].family == pairs[new].family => {
                // A journal that takes no note forgets what became of a login that could not be removed.
                let forgot = rules.note_failed && rules.logins.contains_key(&new);
                rules.require(new >= old || forgot, "P4", || format!("refresh-token-{new} replaces a newer one"));
                rules.require(after.access >= before.access || forgot, "P4", || {
                    "an older access token comes back".into()
                });
                rules.require(after.account == before.account, "P4", || "the account changes".into());
            }
            (_, Some(new)) => {
                let guard = rules.logins.get(&new).copied();
                rules.require(guard.is_some(), "P4", || format!("refresh-token-{new} is no login's"));
                let stranger = before.account.is_some() && after.account != before.account;
                let allowed = guard == Some(Guard::Replace) || !stranger;
                rules.require(allowed, "P4", || "another account's login replaces the store".into());
            }
        }
        if before.refresh != after.refresh {
            rules.store_since = rules.moment;
        }
        if before.refresh.is_none() {
            rules.empty_until = rules.moment;
        }
        rules.stored.extend(after.refresh);
        rules.wait_until = None;
        self.is_durable(bytes.unwrap_or_default());
    }

    /// The owner of the store writes it, or takes it away.
    pub fn write_as_owner(&mut self, bytes: Option<Vec<u8>>) {
        let before = self.disk.store.as_deref().map(Stored::read).unwrap_or_default();
        let after = bytes.as_deref().map(Stored::read).unwrap_or_default();
        self.tell(|| format!("owner       the store becomes {after:?}"));
        let state = after.refresh.map(|number| self.provider.pairs[number].state);
        // What the owner puts back over something newer, or after it, is the owner's loss.
        self.rules.owner_wrote |= before.refresh != after.refresh && self.rules.moment > 0;
        self.rules.disturbed |= matches!(state, Some(Refresh::Spent { by }) if self.rules.durable.contains(&by));
        if before.refresh != after.refresh {
            self.rules.store_since = self.rules.moment;
        }
        if before.refresh.is_none() {
            self.rules.empty_until = self.rules.moment;
        }
        if after.refresh.is_none() {
            self.rules.signed_out_at = Some(self.rules.moment);
        }
        self.rules.stored.extend(after.refresh);
        self.is_durable(bytes.as_deref().unwrap_or_default());
        self.disk.replace_store(bytes);
        self.disk.sync_folder();
    }

    /// Returns what the store holds now.
    pub fn stored(&self) -> Stored {
        self.disk.store.as_deref().map(Stored::read).unwrap_or_default()
    }

    /// A caller is told something. `first` says that its process gives this token for the first time.
    pub fn delivered(&mut self, caller: &Caller, outcome: &Outcome, ends: Option<u64>, first: bool) {
        let stored = self.stored();
        let [now, came] = [self.time, caller.joined].map(|time| self.wall(time).as_millis());
        let rules = &mut self.rules;
        let signed_out = stored.refresh.is_none() || rules.empty_until >= caller.joined_at;
        match (outcome, &caller.asked) {
            (Ok(Some(number)), Asked::Token { .. }) => {
                let number = *number;
                let durable = rules.durable.contains(&number);
                rules.require(durable, "P3", || format!("access-token-{number} is told before it is on the disk"));
                let left = ends.map_or(u64::MAX, |ends| ends.saturating_sub(now));
                // What a caller waited for is its result, however short its life.
                let life = rules.granted.get(&number).copied().unwrap_or(self.provider.life.as_secs());
                let since = ends.is_some_and(|ends| ends.saturating_sub(life * 1000) >= came);
                let new = (first || since || rules.wall_jumped) && (left > 0 || life < 2);
                rules.require(left >= 2000.min(life * 500) || new, "P5", || {
                    format!("access-token-{number} has {left} ms to live")
                });
            }
            (Ok(None), Asked::SignIn(number)) => {
                let stored = rules.stored.contains(number);
                rules.require(stored, "P3", || format!("the login with refresh-token-{number} is nowhere"));
            }
            (Ok(None), Asked::SignOut) => {
                rules.require(signed_out, "P4", || "a sign-out is told and the login is still there".into());
            }
            (Ok(None), Asked::Look) => {}
            (Ok(_), _) => rules.require(false, "P5", || format!("{outcome:?} for {caller:?}")),
            (Err(TokenError::ReauthRequired { reason }), Asked::Token { .. }) => {
                let Some(number) = stored.refresh else { return };
                let since = rules.store_since < caller.joined_at;
                let given_up =
                    rules.never_replays && (rules.unknown.contains(&number) || rules.doubtful.contains(&number));
                let alive = self.provider.pairs[number].state == Refresh::Live && !given_up;
                rules.require(!(alive && since), "P4", || {
                    format!("a caller is sent to sign in ({reason}), but refresh-token-{number} is alive")
                });
            }
            (Err(TokenError::SignedOut), Asked::Token { .. }) => {
                rules.require(signed_out, "P4", || "a caller is told of a sign-out that never was".into());
            }
            (Err(_), _) => {}
        }
    }
}

/// What stands in a store.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Stored {
    pub access: Option<usize>,
    pub refresh: Option<usize>,
    pub account: Option<String>,
    pub kept: Option<String>,
    pub readable: bool,
}

impl Stored {
    pub fn read(bytes: &[u8]) -> Self {
        let Ok(Value::Object(members)) = serde_json::from_slice::<Value>(bytes) else { return Self::default() };
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        let number = |name, word| numbers(text(name).unwrap_or_default().as_bytes(), word).first().copied();
        Self {
            access: number("access_token", "access-token-"),
            refresh: number("refresh_token", "refresh-token-"),
            account: text("account").map(Into::into),
            kept: text("kept").map(Into::into),
            readable: true,
        }
    }
}
