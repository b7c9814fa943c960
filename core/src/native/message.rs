//! What a driver is told, by callers and by what answers its effects.

use std::sync::mpsc::Sender;

use super::{slot::Fill, waiting::Asker};
use crate::{AccessToken, Event, Input, Status, Waiter};

/// What the driver is told.
pub(super) enum Message {
    /// An effect is answered.
    Answer(Input),
    /// Something nobody waits for.
    Tell(Input),
    /// Something a caller waits for.
    Ask(Asker, Input),
    /// A caller waits no longer.
    Forget(Waiter),
    /// A server refused this token.
    Refused(AccessToken),
    /// A source is closed while others stay.
    Leave(u64),
    /// The last source is closed.
    Close(Fill<()>),
    /// Somebody wants to know how things stand.
    Status(Fill<Status>),
    /// Somebody wants the news.
    Listen(Sender<Event>),
    /// An answer will never come.
    Broken,
}
