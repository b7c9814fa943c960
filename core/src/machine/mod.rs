//! The machine.

use alloc::vec::Vec;
use core::time::Duration;

use crate::{Config, Effect, Input, Now};

/// What the machine asks for, and when it wants to be stepped again at the latest.
#[derive(Debug)]
#[must_use = "a dropped step loses effects the machine is waiting on"]
pub struct Step {
    /// The effects, to be carried out in this order.
    pub effects: Vec<Effect>,
    /// The time after which [`Input::Tick`] is due, if nothing else comes first.
    pub wake_in: Option<Duration>,
}

/// Decides when and how a credential is refreshed.
#[derive(Debug)]
pub struct Machine {
    #[expect(dead_code, reason = "stub")]
    config: Config,
}

impl Machine {
    /// Returns a machine that knows nothing yet.
    pub fn new(config: Config) -> Self {
        Self { config }
    }

    /// Takes one input and says what is to be done.
    pub fn step(&mut self, _now: Now, _input: Input) -> Step {
        Step { effects: Vec::new(), wake_in: None }
    }

    /// Returns whether a refresh token is on its way and the process should stay until its answer is on the disk.
    pub fn must_stay(&self) -> bool {
        false
    }
}
