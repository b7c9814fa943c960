//! What happens to the credential, for an application's log and its "sign in again" banner.

use std::{sync::mpsc::Receiver, thread};

use napi::{
    Status,
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use napi_derive::napi;
use tokenward::Fingerprint;

use crate::{
    failure::{self, Failure, Holder},
    time::span_millis,
};

/// One thing that happened, without a secret. What does not belong to the kind is missing.
#[napi(object, object_from_js = false)]
#[derive(Default)]
pub struct Event {
    pub kind: String,
    pub level: String,
    pub message: String,
    pub refresh_token: Option<String>,
    pub access_token: Option<String>,
    pub base: Option<String>,
    pub attempt: Option<u32>,
    pub status: Option<u32>,
    pub row: Option<String>,
    pub what: Option<String>,
    pub detail: Option<String>,
    pub retry_in: Option<f64>,
    pub error: Option<Failure>,
    pub believed: Option<bool>,
    pub holder: Option<Holder>,
    pub transition: Option<Vec<String>>,
}

impl From<&tokenward::Event> for Event {
    fn from(event: &tokenward::Event) -> Self {
        use tokenward::Event as E;
        let name = |name: &Option<Fingerprint>| name.map(|name| name.to_string());
        let bare = Self {
            kind: event.kind().into(),
            level: event.level().as_str().into(),
            message: event.to_string(),
            ..Self::default()
        };
        match event {
            E::RefreshStarted { refresh_token, attempt } | E::Replay { refresh_token, attempt } => {
                Self { refresh_token: Some(refresh_token.to_string()), attempt: Some(*attempt), ..bare }
            }
            E::Answered { status, row } => Self { status: Some(u32::from(*status)), row: Some((*row).into()), ..bare },
            E::Rotated { access_token, refresh_token, base } => {
                Self { access_token: name(access_token), refresh_token: name(refresh_token), base: name(base), ..bare }
            }
            E::Saved { refresh_token } | E::RolledForward { refresh_token } | E::SignedOut { refresh_token } => {
                Self { refresh_token: name(refresh_token), ..bare }
            }
            E::SaveFailed { refresh_token, detail, retry_in } => {
                let (detail, retry_in) = (Some(detail.clone()), Some(span_millis(*retry_in)));
                Self { refresh_token: name(refresh_token), detail, retry_in, ..bare }
            }
            E::Adopted { access_token, refresh_token } | E::SignedIn { access_token, refresh_token } => {
                Self { access_token: name(access_token), refresh_token: name(refresh_token), ..bare }
            }
            E::Dropped { what, base } => Self { what: Some((*what).into()), base: name(base), ..bare },
            E::RefreshFailed { refresh_token, error } | E::ReauthRequired { refresh_token, error } => {
                Self { refresh_token: name(refresh_token), error: Some(Failure::from(error)), ..bare }
            }
            E::Refused { access_token, believed } => {
                Self { access_token: Some(access_token.to_string()), believed: Some(*believed), ..bare }
            }
            E::LockBusy { holder } | E::Parked { holder } => {
                Self { holder: holder.as_ref().map(failure::holder), ..bare }
            }
            E::ParkedDropped { detail } => Self { detail: Some(detail.clone()), ..bare },
            E::Transition { state, on } => Self { transition: Some(vec![(*state).into(), (*on).into()]), ..bare },
            // These are told by their kind alone, and so is one that is new here.
            E::JournalSetAside | E::LateAnswer | _ => bare,
        }
    }
}

/// Calls JavaScript with what happened. Weak: it keeps no event loop alive.
type Tell = ThreadsafeFunction<Event, (), Event, Status, false, true, 0>;

/// Carries the events to Node's thread until the source ends.
pub(crate) fn forward(events: Receiver<tokenward::Event>, tell: Tell) -> napi::Result<()> {
    let carry = move || {
        for event in events {
            if tell.call(Event::from(&event), ThreadsafeFunctionCallMode::NonBlocking) != Status::Ok {
                return;
            }
        }
    };
    let spawned = thread::Builder::new().name("tokenward-events".into()).spawn(carry);
    spawned.map(drop).map_err(|error| napi::Error::from_reason(error.to_string()))
}
