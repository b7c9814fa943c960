//! Tells the events to the application's log: the `log` crate's, which `tracing` listens to as well.

use std::{format, string::String};

use crate::{Config, Event, Level};

/// The target of every line.
const TARGET: &str = "tokenward";

/// One credential's voice in the log.
pub(super) struct Log {
    /// What ends each of its lines: a process may have several credentials.
    of: String,
}

impl Log {
    pub(super) fn new(config: &Config) -> Self {
        Self { of: config.store.as_ref().map(|store| format!(" store={store:?}")).unwrap_or_default() }
    }

    /// Writes one line. The rows of the transition table are for tests.
    pub(super) fn tell(&self, event: &Event) {
        if !matches!(event, Event::Transition { .. }) {
            log::log!(target: TARGET, level(event.level()), "{event}{}", self.of);
        }
    }
}

const fn level(level: Level) -> log::Level {
    match level {
        Level::Error => log::Level::Error,
        Level::Warn => log::Level::Warn,
        Level::Info => log::Level::Info,
        Level::Debug => log::Level::Debug,
    }
}
