//! The machine, for those who bring their own files, sockets or event loop.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokenward::{Machine, Now, UnixTime};

use crate::{
    effect::CoreEffect,
    error::CoreRefusal,
    grant::CoreToken,
    input::CoreInput,
    settings::{self, CoreGiven},
    status::{CoreHolder, CoreStatus},
    time::Span,
};

/// Both clocks.
#[derive(uniffi::Record)]
pub(crate) struct CoreNow {
    pub(crate) wall: UnixTime,
    pub(crate) mono: Span,
}

impl From<Now> for CoreNow {
    fn from(Now { wall, mono }: Now) -> Self {
        Self { wall, mono: Span(mono) }
    }
}

/// What the machine asks for, and when it wants to be stepped again at the latest.
#[derive(uniffi::Record)]
pub(crate) struct CoreStep {
    pub(crate) effects: Vec<CoreEffect>,
    pub(crate) wake_in: Option<Span>,
}

/// The token that may be handed out without asking the machine.
#[derive(uniffi::Record)]
pub(crate) struct CoreCurrent {
    pub(crate) token: Arc<CoreToken>,
    pub(crate) early_at: Option<CoreNow>,
    pub(crate) ends_at: Option<CoreNow>,
}

/// Decides when and how a credential is refreshed.
#[derive(uniffi::Object)]
pub(crate) struct CoreMachine {
    inner: Mutex<Machine>,
}

#[uniffi::export]
impl CoreMachine {
    #[uniffi::constructor]
    pub(crate) fn new(given: Vec<CoreGiven>, seed: u64, holder: CoreHolder) -> Result<Arc<Self>, CoreRefusal> {
        let (mut config, _) = settings::config(given)?;
        (config.seed, config.holder) = (seed, holder.into());
        Ok(Arc::new(Self { inner: Mutex::new(Machine::new(config)) }))
    }

    pub(crate) fn step(&self, now: CoreNow, input: CoreInput) -> CoreStep {
        let now = Now { wall: now.wall, mono: now.mono.0 };
        let step = self.machine().step(now, input.into());
        let effects = step.effects.into_iter().filter_map(CoreEffect::of).collect();
        CoreStep { effects, wake_in: step.wake_in.map(Span) }
    }

    pub(crate) fn current(&self) -> Option<CoreCurrent> {
        let current = self.machine().current()?;
        Some(CoreCurrent {
            token: CoreToken::of(current.token),
            early_at: current.early_at.map(CoreNow::from),
            ends_at: current.ends_at.map(CoreNow::from),
        })
    }

    pub(crate) fn must_stay(&self) -> bool {
        self.machine().must_stay()
    }

    pub(crate) fn status(&self) -> CoreStatus {
        self.machine().status().into()
    }
}

impl CoreMachine {
    fn machine(&self) -> MutexGuard<'_, Machine> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
