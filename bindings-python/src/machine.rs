//! The machine, for those who bring their own files, sockets or event loop.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::{
    prelude::*,
    types::{PyDict, PyMapping},
};

use crate::{
    effect,
    grant::AccessToken,
    input::Input,
    settings,
    status::{Holder, Status},
    time::{moment, span, unix},
};

/// Both clocks, read together by the host: `time.time()` and `time.monotonic()`.
#[pyclass(frozen, get_all, eq, from_py_object, module = "tokenward")]
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Now {
    /// The wall clock.
    wall: f64,
    /// The monotonic clock, from any start.
    mono: f64,
}

#[pymethods]
impl Now {
    #[new]
    fn new(wall: f64, mono: f64) -> Self {
        Self { wall, mono }
    }

    fn __repr__(&self) -> String {
        format!("Now(wall={}, mono={})", self.wall, self.mono)
    }
}

impl Now {
    fn of(now: tokenward::Now) -> Self {
        Self { wall: unix(now.wall), mono: now.mono.as_secs_f64() }
    }

    fn inner(self) -> PyResult<tokenward::Now> {
        Ok(tokenward::Now { wall: moment("wall", self.wall)?, mono: span("mono", self.mono)? })
    }
}

/// What the machine asks for, and when it wants to be stepped again at the latest.
#[pyclass(frozen, get_all, module = "tokenward")]
pub(crate) struct Step {
    /// The effects, to be carried out in this order.
    effects: Vec<Py<PyAny>>,
    /// The seconds after which a Tick is due, if nothing else comes first; None: never.
    wake_in: Option<f64>,
}

/// The token that may be handed out without asking the machine.
#[pyclass(frozen, get_all, module = "tokenward")]
pub(crate) struct Current {
    /// The token.
    token: Py<AccessToken>,
    /// While both clocks are before this moment the token is fresh; after it the machine wants to hear of the next
    /// caller. None if the server did not say when the token ends.
    early_at: Option<Now>,
    /// While both clocks are before this moment the token may be handed out. None if the server did not say.
    ends_at: Option<Now>,
}

/// Decides when and how a credential is refreshed: takes one input at a time and says what is to be done.
///
/// `seed` makes the jitter and differs from process to process; `holder` is shown to others. Both have good defaults.
#[pyclass(frozen, module = "tokenward")]
pub(crate) struct Machine {
    inner: Mutex<tokenward::Machine>,
}

#[pymethods]
impl Machine {
    #[new]
    #[pyo3(signature = (settings=None, /, *, seed=None, holder=None, **named))]
    fn new(
        py: Python<'_>,
        settings: Option<&Bound<'_, PyMapping>>,
        seed: Option<u64>,
        holder: Option<&Bound<'_, Holder>>,
        named: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let mut config = settings::config(py, settings, named)?;
        config.seed = match seed {
            Some(seed) => seed,
            None => u64::from_ne_bytes(py.import("os")?.call_method1("urandom", (8,))?.extract()?),
        };
        config.holder = match holder {
            Some(holder) => tokenward::Holder { pid: holder.get().pid, host: holder.get().host.clone() },
            None => {
                let host = py.import("platform")?.call_method0("node")?.extract()?;
                tokenward::Holder { pid: std::process::id(), host }
            }
        };
        Ok(Self { inner: Mutex::new(tokenward::Machine::new(config)) })
    }

    /// Takes one input and says what is to be done. Never blocks, and never reads a clock.
    fn step(&self, py: Python<'_>, now: Now, input: Input<'_>) -> PyResult<Step> {
        let (now, input) = (now.inner()?, input.take()?);
        let step = self.machine().step(now, input);
        let effects = step.effects.into_iter().map(|effect| effect::object(py, effect));
        Ok(Step { effects: effects.collect::<PyResult<_>>()?, wake_in: step.wake_in.map(|span| span.as_secs_f64()) })
    }

    /// Returns the token that may be handed out without asking, if there is one.
    fn current(&self, py: Python<'_>) -> PyResult<Option<Current>> {
        let Some(current) = self.machine().current() else { return Ok(None) };
        Ok(Some(Current {
            token: Py::new(py, AccessToken::of(current.token))?,
            early_at: current.early_at.map(Now::of),
            ends_at: current.ends_at.map(Now::of),
        }))
    }

    /// Returns whether a refresh token is on its way, so that the process should not end.
    fn must_stay(&self) -> bool {
        self.machine().must_stay()
    }

    /// Returns what is known of the credential, as of the last read.
    fn status(&self) -> Status {
        Status { inner: self.machine().status() }
    }
}

impl Machine {
    fn machine(&self) -> MutexGuard<'_, tokenward::Machine> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
