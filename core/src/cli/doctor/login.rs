//! The journal, the clock and the login itself.

use core::time::Duration;
use std::{format, string::String, vec::Vec};

use super::{Findings, files::modified_at};
use crate::{
    StoreFormat, TokenError, UnixTime,
    cli::{problem, settings::Settings, status::Shown, text},
    journal::Condition,
    native::Site,
};

/// Judges whether the journal can be read.
pub(super) fn journal(site: &Site, findings: &mut Findings) {
    let path = site.journal().display();
    match site.read_journal().condition {
        Condition::Missing | Condition::Sound => {}
        Condition::Torn | Condition::Foreign => findings.wrong(
            "journal_damaged",
            format!("{path} is damaged, or not ours"),
            "the next refresh moves it aside and repeats the last request, should there be one",
        ),
        Condition::Newer => findings.wrong(
            "journal_newer",
            format!("{path} was written by a newer version"),
            "update this tokenward: until then it refreshes nothing",
        ),
        // A companion that is no file is told of with the files.
        Condition::Fault(_) if !site.journal().is_file() => {}
        Condition::Fault(fault) => {
            findings.wrong("journal_unreadable", fault.detail, "let the store's owner read and write it");
        }
    }
}

/// Judges the clock by what was written down: what lies in the future was written under another one.
pub(super) fn clock(site: &Site, format: StoreFormat, now: UnixTime, findings: &mut Findings) {
    if now < EARLIEST {
        let message = format!("the clock says {}", text::rfc3339(now));
        return findings.wrong("clock", message, "set the clock: tokens would seem to last for ever");
    }
    let state = site.read_journal().state;
    let journal = site.journal().display();
    let written = |name: &str, millis: u64| (format!("{name} in {journal}"), UnixTime::from_millis(millis));
    let mut moments: Vec<(String, UnixTime)> = Vec::new();
    moments.extend(
        site.grant(format)
            .and_then(|grant| grant.issued_at)
            .map(|time| (format!("issued_at in {}", site.store().display()), time)),
    );
    moments.extend(state.rotation.as_ref().map(|rotation| written("last rotation", rotation.at)));
    moments.extend(state.intent.as_ref().map(|intent| written("last request", intent.at)));
    let wait = state.not_before.as_ref().map(|wait| (wait.at, LONGEST_WAIT));
    let wait = wait.map(|(at, longest)| written("next attempt", at.saturating_sub(crate::clock::millis(longest))));
    moments.extend(wait);
    moments.extend([site.store(), site.journal()].into_iter().filter_map(modified_at));
    for (name, moment) in moments.into_iter().filter(|(_, moment)| *moment > now.plus(SLACK)) {
        findings.wrong(
            "clock",
            format!("{name} lies ahead: {}", text::moment(moment, now)),
            "set this machine's clock, or the one of whoever wrote it; sign in again if the login stays unusable",
        );
    }
}

/// Judges the login as a caller would meet it.
pub(super) fn login(settings: &Settings, site: &Site, now: UnixTime, findings: &mut Findings) {
    let shown = match Shown::read(settings) {
        Ok(shown) => shown,
        Err(failure) => return findings.wrong("login", failure.message(), "see the settings"),
    };
    let path = shown.store.as_str();
    let placed = |text: &str| if text.contains(path) { String::from(text) } else { format!("{path}: {text}") };
    match shown.trouble() {
        // Told of with the files and the journal.
        Some(TokenError::StoreUnreadable { .. }) if site.store().exists() && !site.store().is_file() => {}
        Some(TokenError::StoreUnwritable { .. }) => {}
        Some(error) => {
            findings.wrong(error.kind().as_str(), placed(&shown.message(&error)), problem::advice(&error));
        }
        None => {}
    }
    let status = &shown.status;
    if let Some(reason) = status.dead.as_ref().filter(|_| shown.trouble().is_none()) {
        let message = format!("the refresh token is dead ({reason}); the access token still works");
        findings.wrong("reauth_required", placed(&message), "sign in again before it ends");
    }
    if status.refresh_token.is_none() && status.access_token.is_some() {
        findings.note(
            "no_refresh_token",
            placed("there is no refresh token"),
            "sign in again when the access token ends",
        );
    }
    if let Some(wait) = status.not_before.filter(|wait| *wait > now) {
        let message = format!("nobody asks the server before {}", text::rfc3339(wait));
        findings.note("waiting", placed(&message), "`tokenward refresh` asks at once");
    }
    if status.unknown_outcome {
        let message = "the last request had no answer: the next one repeats it";
        findings.note("in_doubt", placed(message), "`tokenward refresh` asks at once");
    }
    if status.unsaved {
        let message = "the server's answer is in the journal and not yet in the store";
        findings.note("unsaved", placed(message), "any process that uses the store saves it; `tokenward token` does");
    }
}

/// No tokenward was there before: a clock that says so was never set.
const EARLIEST: UnixTime = UnixTime::from_secs(1_735_689_600);
/// Two machines' clocks may differ by this much.
const SLACK: Duration = Duration::from_secs(60);
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
