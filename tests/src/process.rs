//! A process: a machine, the effect it waits for, and its callers.

use std::{collections::BTreeMap, time::Duration};

use tokenward::{AccessToken, Input, Machine};

use crate::world::{Op, Who};

/// One process. Without a machine it is dead.
#[derive(Debug)]
pub struct Process {
    pub machine: Option<Machine>,
    /// The effect that is being carried out.
    pub op: Option<Op>,
    /// The answer that the machine has not heard yet.
    pub answer: Option<Input>,
    /// When the machine wants to be stepped, on the process's monotonic clock.
    pub wake_at: Option<Duration>,
    /// What its monotonic clock is ahead of the others' by.
    pub offset: Duration,
    pub callers: BTreeMap<u64, Caller>,
    /// Whether it has ever read the store.
    pub loaded: bool,
    /// Whether an explicit refresh was asked for and may be under way.
    pub explicit: bool,
    pub signs_out: bool,
    pub signs_in: bool,
    /// The token its callers were last given, and its number.
    pub last: Option<(AccessToken, usize)>,
    /// When it first gave it, by the count of what happens.
    pub last_since: u64,
    /// The tokens that were reported as refused.
    pub reported: Vec<usize>,
    /// The state of the world when it last looked, for those who skip looks that can see nothing new.
    pub looked_at: u64,
    /// The effects since time last passed.
    pub spins: u32,
}

/// Who waits for what.
#[derive(Clone, Debug)]
pub struct Caller {
    pub asked: Asked,
    /// When, in true time, by the count of what happens, and on the process's monotonic clock.
    pub joined: Duration,
    pub joined_at: u64,
    pub due: Option<Duration>,
}

/// What a caller wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    Token { explicit: bool },
    SignIn(usize),
    SignOut,
    Look,
}

impl Process {
    pub fn new(machine: Machine, offset: Duration) -> Self {
        Self {
            machine: Some(machine),
            op: None,
            answer: None,
            wake_at: None,
            offset,
            callers: BTreeMap::new(),
            loaded: false,
            explicit: false,
            signs_out: false,
            signs_in: false,
            last: None,
            last_since: 0,
            reported: Vec::new(),
            looked_at: u64::MAX,
            spins: 0,
        }
    }

    pub fn is_alive(&self) -> bool {
        self.machine.is_some()
    }

    /// Returns whether it has something to do at a moment of true time without being woken.
    pub fn is_busy(&self, time: Duration) -> bool {
        self.answer.is_some() || self.op.as_ref().is_some_and(|op| op.ready_at <= time)
    }

    pub fn who(&self, process: usize) -> Who {
        Who { process, explicit: self.explicit, signs_out: self.signs_out, signs_in: self.signs_in }
    }
}
