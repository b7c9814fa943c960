//! What happens to the credential, for an application's log and its "sign in again" banner.

use std::{sync::mpsc::Receiver, thread};

use napi::{
    Status,
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use napi_derive::napi;
use tokenward::Event;

use crate::failure::Failure;

/// One thing that happened, without a secret.
#[napi(object)]
pub struct News {
    /// The name, the same in every language.
    pub kind: String,
    /// How much it matters: `error`, `warn`, `info` or `debug`.
    pub level: String,
    /// All of it in one line, tokens by their fingerprints.
    pub message: String,
    /// The error, where one was met.
    pub error: Option<Failure>,
}

/// Calls JavaScript with what happened. Weak: it keeps no event loop alive.
type Tell = ThreadsafeFunction<News, (), News, Status, false, true, 0>;

/// Carries the news to Node's thread until the source ends.
pub(crate) fn forward(news: Receiver<Event>, tell: Tell) -> napi::Result<()> {
    let carry = move || {
        for event in news {
            if tell.call(read(&event), ThreadsafeFunctionCallMode::NonBlocking) != Status::Ok {
                return;
            }
        }
    };
    let spawned = thread::Builder::new().name("tokenward-news".into()).spawn(carry);
    spawned.map(drop).map_err(|error| napi::Error::from_reason(error.to_string()))
}

fn read(event: &Event) -> News {
    let error = if let Event::RefreshFailed { error, .. } | Event::ReauthRequired { error, .. } = event {
        Some(error)
    } else {
        None
    };
    News {
        kind: event.kind().into(),
        level: event.level().as_str().into(),
        message: event.to_string(),
        error: error.map(Failure::from),
    }
}
