//! What a host tells the machine.

use std::sync::{Arc, Mutex, PoisonError};

use tokenward::{Adopt, Guard, Input, Waiter, Want};

use crate::{
    grant::{CoreGrant, CoreToken},
    time::Span,
};

/// The answer to one effect. Fed a second time, or made of an effect that was answered already, it is a tick: a machine
/// may be stepped early at any time.
#[derive(uniffi::Object)]
pub(crate) struct CoreAnswer {
    input: Mutex<Option<Input>>,
}

impl CoreAnswer {
    pub(crate) fn of(input: Option<Input>) -> Arc<Self> {
        Arc::new(Self { input: Mutex::new(input) })
    }

    pub(crate) fn take(&self) -> Input {
        self.input.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or(Input::Tick)
    }
}

/// One thing that happened outside.
#[derive(uniffi::Enum)]
pub(crate) enum CoreInput {
    Answer { answer: Arc<CoreAnswer> },
    Want { waiter: u64, min_ttl: Span, deadline: Span, explicit: bool },
    Adopt { waiter: u64, grant: Arc<CoreGrant>, replace: bool },
    SignOut { waiter: u64 },
    Look { waiter: u64 },
    Forget { waiter: u64 },
    Refused { token: Arc<CoreToken> },
    Changed,
    Tick,
}

impl From<CoreInput> for Input {
    fn from(input: CoreInput) -> Self {
        match input {
            CoreInput::Answer { answer } => answer.take(),
            CoreInput::Want { waiter, min_ttl, deadline, explicit } => {
                let want = Want::new(Waiter(waiter));
                Self::Want(Want { min_ttl: min_ttl.0, deadline: deadline.0, explicit, ..want })
            }
            CoreInput::Adopt { waiter, grant, replace } => {
                Self::Adopt(Adopt { waiter: Waiter(waiter), grant: grant.inner().clone(), guard: guard(replace) })
            }
            CoreInput::SignOut { waiter } => Self::SignOut(Waiter(waiter)),
            CoreInput::Look { waiter } => Self::Look(Waiter(waiter)),
            CoreInput::Forget { waiter } => Self::Forget(Waiter(waiter)),
            CoreInput::Refused { token } => Self::Refused(token.inner().clone()),
            CoreInput::Changed => Self::Changed,
            CoreInput::Tick => Self::Tick,
        }
    }
}

pub(crate) fn guard(replace: bool) -> Guard {
    if replace { Guard::Replace } else { Guard::SameAccount }
}
