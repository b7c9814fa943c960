//! Effects in the words of a vector: language neutral, with fingerprints as the tokens they name.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;
use tokenward::{
    Deliver, Effect, Event, Fetch, Fingerprint, Holder, JournalWrites, Secret, StoreOp, TokenError, UnixTime,
};

use super::{
    disk::shown,
    format::Nothing,
    shown::{self as format, Error, Shown},
};

/// 2026-01-01T00:00:00Z: where every vector begins.
pub(super) const START: u64 = 1_767_225_600_000;

/// Knows tokens by their fingerprints: vectors use these names and no others.
#[derive(Debug)]
pub(super) struct Names {
    by_fingerprint: BTreeMap<Fingerprint, String>,
}

impl Names {
    pub(super) fn new() -> Self {
        Self {
            by_fingerprint: tokens().into_iter().map(|name| (Secret::new(name.as_str()).fingerprint(), name)).collect(),
        }
    }

    fn named(&self, fingerprint: Option<Fingerprint>) -> Option<String> {
        fingerprint.map(|name| self.of(name))
    }

    fn of(&self, fingerprint: Fingerprint) -> String {
        self.by_fingerprint.get(&fingerprint).cloned().unwrap_or_else(|| format!("unknown token {fingerprint}"))
    }

    /// Shows an effect; `None` for a row of the transition table, which is counted and not compared.
    pub(super) fn show(&self, effect: &Effect) -> Option<Shown> {
        Some(match effect {
            Effect::Store(op) => show_store(op),
            Effect::Fetch(fetch) => show_fetch(fetch),
            Effect::Deliver(deliver) => show_deliver(deliver),
            Effect::Emit(event) => Shown::Emit(Box::new(self.show_event(event)?)),
            other => Shown::Emit(Box::new(format::Event { event: format!("{other:?}"), ..Default::default() })),
        })
    }

    fn show_event(&self, event: &Event) -> Option<format::Event> {
        let bare = format::Event { event: event.kind().into(), ..Default::default() };
        Some(match event {
            Event::Transition { .. } => return None,
            Event::RefreshStarted { refresh_token, attempt } | Event::Replay { refresh_token, attempt } => {
                format::Event { refresh_token: Some(self.of(*refresh_token)), attempt: Some(*attempt), ..bare }
            }
            Event::Rotated { access_token, refresh_token, base } => format::Event {
                access_token: self.named(*access_token),
                refresh_token: self.named(*refresh_token),
                base: self.named(*base),
                ..bare
            },
            Event::Saved { refresh_token }
            | Event::RolledForward { refresh_token }
            | Event::SignedOut { refresh_token } => format::Event { refresh_token: self.named(*refresh_token), ..bare },
            Event::SaveFailed { refresh_token, detail, retry_in } => format::Event {
                refresh_token: self.named(*refresh_token),
                detail: Some(detail.clone()),
                retry_in_ms: Some(millis(*retry_in)),
                ..bare
            },
            Event::Adopted { access_token, refresh_token } | Event::SignedIn { access_token, refresh_token } => {
                let (access_token, refresh_token) = (self.named(*access_token), self.named(*refresh_token));
                format::Event { access_token, refresh_token, ..bare }
            }
            Event::Answered { status, row } => {
                format::Event { status: Some(*status), row: Some((*row).into()), ..bare }
            }
            Event::Dropped { what, base } => {
                format::Event { what: Some((*what).into()), base: self.named(*base), ..bare }
            }
            Event::RefreshFailed { refresh_token, error } | Event::ReauthRequired { refresh_token, error } => {
                format::Event { refresh_token: self.named(*refresh_token), error: Some(show_error(error)), ..bare }
            }
            Event::Refused { access_token, believed } => {
                format::Event { access_token: Some(self.of(*access_token)), believed: Some(*believed), ..bare }
            }
            Event::LockBusy { holder } | Event::Parked { holder } => {
                format::Event { holder: holder.as_ref().map(Holder::to_string), ..bare }
            }
            Event::ParkedDropped { detail } => format::Event { detail: Some(detail.clone()), ..bare },
            _ => bare,
        })
    }
}

/// Returns the names of all tokens that a vector may use.
pub(super) fn tokens() -> Vec<String> {
    ["access-token", "refresh-token"]
        .iter()
        .flat_map(|kind| (0..10).map(move |number| format!("{kind}-{number}")))
        .collect()
}

/// Returns a span in whole milliseconds, rounded up: who waits that long does not come too early.
pub(super) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// Returns a moment as milliseconds from the vector's start.
pub(super) fn moment(at: UnixTime) -> i64 {
    let millis = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    millis(at.as_millis()).saturating_sub(millis(START))
}

/// Returns a moment from milliseconds after the vector's start.
pub(super) fn at(millis: i64) -> UnixTime {
    UnixTime::from_millis(START.saturating_add_signed(millis))
}

fn show_store(op: &StoreOp) -> Shown {
    let journal = |writes: &JournalWrites, unpark: &[String]| format::Journal {
        set_aside: writes.set_aside,
        unpark: unpark.to_vec(),
    };
    match op {
        StoreOp::Load(load) => Shown::Load(format::Load {
            journal: load.journal.iter().map(|range| range.end.saturating_sub(range.start)).sum(),
            store: load.store,
            parked: load.parked,
        }),
        StoreOp::TryLock(_) => Shown::TryLock(Nothing {}),
        StoreOp::Prepare(prepare) => Shown::Prepare(journal(&prepare.journal, &[])),
        StoreOp::Stage(_) => Shown::Stage(Nothing {}),
        StoreOp::Commit(commit) => {
            let store = commit.bytes.as_ref().map_or(Value::Null, |bytes| shown(bytes.expose(), false));
            Shown::Commit(format::Commit { store })
        }
        StoreOp::Note(note) => Shown::Note(journal(&note.journal, &note.unpark)),
        StoreOp::Park(_) => Shown::Park(Nothing {}),
        _ => Shown::Unlock(Nothing {}),
    }
}

fn show_fetch(fetch: &Fetch) -> Shown {
    let request = &fetch.request;
    let mut headers: Vec<_> = request.headers.iter().map(|(name, _)| name.clone()).collect();
    headers.sort();
    let body = String::from_utf8_lossy(request.body.expose()).into_owned();
    let json: BTreeMap<_, _> = serde_json::from_str(&body).unwrap_or_default();
    let form = body.split('&').filter_map(|pair| pair.split_once('=')).filter(|_| json.is_empty());
    let form = form.map(|(name, value)| (form_decoded(name), form_decoded(value))).collect();
    Shown::Fetch(format::Fetch { url: request.url.clone(), headers, form, json })
}

fn show_deliver(deliver: &Deliver) -> Shown {
    let waiter = deliver.waiter.0;
    let bare = format::Deliver { waiter, token: None, expires_at_ms: None, error: None };
    Shown::Deliver(match &deliver.outcome {
        Ok(Some(token)) => format::Deliver {
            token: Some(token.expose().into()),
            expires_at_ms: token.expires_at().map(moment),
            ..bare
        },
        Ok(None) => bare,
        Err(error) => format::Deliver { error: Some(show_error(error)), ..bare },
    })
}

fn show_error(error: &TokenError) -> Error {
    Error { kind: error.kind().as_str().into(), message: error.to_string(), retry_in_ms: error.retry_in().map(millis) }
}

fn form_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut letters = text.bytes();
    while let Some(letter) = letters.next() {
        bytes.push(match letter {
            b'+' => b' ',
            b'%' => {
                let mut digit = || letters.next().and_then(|digit| char::from(digit).to_digit(16)).unwrap_or(0);
                u8::try_from(digit() * 16 + digit()).unwrap_or(b'?')
            }
            other => other,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
