//! The news of a source.

use std::{
    sync::{Arc, mpsc::Receiver},
    thread,
};

use tokenward::{Event, Fingerprint};

use crate::{error::CoreFailure, status::CoreHolder, time::Span};

/// One thing that happened to the credential, told without a secret. What does not belong to the kind is absent.
#[derive(Default, uniffi::Record)]
pub(crate) struct CoreEvent {
    pub(crate) kind: String,
    pub(crate) level: String,
    /// All of it in one line.
    pub(crate) text: String,
    pub(crate) refresh_token: Option<String>,
    pub(crate) access_token: Option<String>,
    pub(crate) base: Option<String>,
    pub(crate) attempt: Option<u32>,
    pub(crate) status: Option<u16>,
    pub(crate) row: Option<String>,
    pub(crate) what: Option<String>,
    pub(crate) detail: Option<String>,
    pub(crate) retry_in: Option<Span>,
    pub(crate) failure: Option<CoreFailure>,
    pub(crate) believed: Option<bool>,
    pub(crate) holder: Option<CoreHolder>,
    pub(crate) state: Option<String>,
    pub(crate) on: Option<String>,
}

impl From<&Event> for CoreEvent {
    fn from(event: &Event) -> Self {
        use Event as E;
        let name = |name: &Option<Fingerprint>| name.map(|name| name.to_string());
        let (kind, level) = (event.kind().into(), event.level().as_str().into());
        let bare = Self { kind, level, text: event.to_string(), ..Self::default() };
        match event {
            E::RefreshStarted { refresh_token, attempt } | E::Replay { refresh_token, attempt } => {
                Self { refresh_token: Some(refresh_token.to_string()), attempt: Some(*attempt), ..bare }
            }
            E::Answered { status, row } => Self { status: Some(*status), row: Some((*row).into()), ..bare },
            E::Rotated { access_token, refresh_token, base } => {
                Self { access_token: name(access_token), refresh_token: name(refresh_token), base: name(base), ..bare }
            }
            E::Saved { refresh_token } | E::RolledForward { refresh_token } | E::SignedOut { refresh_token } => {
                Self { refresh_token: name(refresh_token), ..bare }
            }
            E::SaveFailed { refresh_token, detail, retry_in } => {
                let (detail, retry_in) = (Some(detail.clone()), Some(Span(*retry_in)));
                Self { refresh_token: name(refresh_token), detail, retry_in, ..bare }
            }
            E::Adopted { access_token, refresh_token } | E::SignedIn { access_token, refresh_token } => {
                Self { access_token: name(access_token), refresh_token: name(refresh_token), ..bare }
            }
            E::Dropped { what, base } => Self { what: Some((*what).into()), base: name(base), ..bare },
            E::RefreshFailed { refresh_token, error } | E::ReauthRequired { refresh_token, error } => {
                Self { refresh_token: name(refresh_token), failure: Some(error.into()), ..bare }
            }
            E::Refused { access_token, believed } => {
                Self { access_token: Some(access_token.to_string()), believed: Some(*believed), ..bare }
            }
            E::LockBusy { holder } | E::Parked { holder } => {
                Self { holder: holder.as_ref().map(CoreHolder::from), ..bare }
            }
            E::ParkedDropped { detail } => Self { detail: Some(detail.clone()), ..bare },
            E::Transition { state, on } => Self { state: Some((*state).into()), on: Some((*on).into()), ..bare },
            // These are told by their kind alone, and so is one that is new here.
            E::JournalSetAside | E::LateAnswer | _ => bare,
        }
    }
}

/// Hears the news of a source.
#[uniffi::export(foreign)]
pub(crate) trait CoreListener: Send + Sync {
    /// Takes one event; `false` if nobody listens any more.
    fn tell(&self, event: CoreEvent) -> bool;

    /// Hears that the source has ended.
    fn end(&self);
}

/// Carries the news to Swift, on a thread of its own, until the source ends or nobody listens.
pub(crate) fn forward(news: Receiver<Event>, listener: Arc<dyn CoreListener>) {
    let carry = move || {
        if news.into_iter().all(|event| listener.tell((&event).into())) {
            listener.end();
        }
    };
    // Without a thread there are no news, and the listener is told so by being dropped.
    drop(thread::Builder::new().name("tokenward-news".into()).spawn(carry));
}
