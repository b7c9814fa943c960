//! The news of a source.

use std::{
    sync::{
        Mutex, TryLockError,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Duration,
};

use pyo3::{exceptions::PyRuntimeError, prelude::*};

use tokenward::Fingerprint;

use crate::{error, status::Holder, wait::SLICE};

/// One thing that happened to the credential, told without a secret. What does not belong to the kind is None.
#[pyclass(frozen, get_all, module = "tokenward")]
#[derive(Default)]
pub(crate) struct Event {
    /// The name in every language.
    kind: &'static str,
    /// How loud it is in a log, by the core's names.
    level: &'static str,
    /// The refresh token's name.
    refresh_token: Option<String>,
    /// The access token's name.
    access_token: Option<String>,
    /// The name of the refresh token that was asked with.
    base: Option<String>,
    /// The number of the attempt with this refresh token.
    attempt: Option<u32>,
    /// The status code of an answer.
    status: Option<u16>,
    /// The row of the table of answers that decided what it means.
    row: Option<&'static str>,
    /// What was dropped.
    what: Option<&'static str>,
    /// What happened, in words.
    detail: Option<String>,
    /// The time until the next attempt.
    retry_in: Option<f64>,
    /// The error that callers see: an exception that is not raised.
    error: Option<Py<PyAny>>,
    /// Whether a refresh follows a refusal.
    believed: Option<bool>,
    /// The last process seen with the lock.
    holder: Option<Holder>,
    /// The row of the transition table: a state and the answer it met.
    transition: Option<(&'static str, &'static str)>,
}

impl Event {
    pub(crate) fn of(py: Python<'_>, event: &tokenward::Event) -> PyResult<Self> {
        use tokenward::Event as E;
        let name = |name: &Option<Fingerprint>| name.map(|name| name.to_string());
        let bare = Self { kind: event.kind(), level: event.level().as_str(), ..Self::default() };
        Ok(match event {
            E::RefreshStarted { refresh_token, attempt } | E::Replay { refresh_token, attempt } => {
                Self { refresh_token: Some(refresh_token.to_string()), attempt: Some(*attempt), ..bare }
            }
            E::Answered { status, row } => Self { status: Some(*status), row: Some(row), ..bare },
            E::Rotated { access_token, refresh_token, base } => {
                Self { access_token: name(access_token), refresh_token: name(refresh_token), base: name(base), ..bare }
            }
            E::Saved { refresh_token } | E::RolledForward { refresh_token } | E::SignedOut { refresh_token } => {
                Self { refresh_token: name(refresh_token), ..bare }
            }
            E::SaveFailed { refresh_token, detail, retry_in } => {
                let (detail, retry_in) = (Some(detail.clone()), Some(retry_in.as_secs_f64()));
                Self { refresh_token: name(refresh_token), detail, retry_in, ..bare }
            }
            E::Adopted { access_token, refresh_token } | E::SignedIn { access_token, refresh_token } => {
                Self { access_token: name(access_token), refresh_token: name(refresh_token), ..bare }
            }
            E::Dropped { what, base } => Self { what: Some(what), base: name(base), ..bare },
            E::RefreshFailed { refresh_token, error } | E::ReauthRequired { refresh_token, error } => {
                let error = Some(error::exception(py, error)?.unbind());
                Self { refresh_token: name(refresh_token), error, ..bare }
            }
            E::Refused { access_token, believed } => {
                Self { access_token: Some(access_token.to_string()), believed: Some(*believed), ..bare }
            }
            E::LockBusy { holder } | E::Parked { holder } => Self { holder: holder.as_ref().map(Holder::of), ..bare },
            E::ParkedDropped { detail } => Self { detail: Some(detail.clone()), ..bare },
            E::Transition { state, on } => Self { transition: Some((state, on)), ..bare },
            // These are told by their kind alone, and so is one that is new here.
            E::JournalSetAside | E::LateAnswer | _ => bare,
        })
    }
}

#[pymethods]
impl Event {
    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let mut text = format!("Event({}", self.kind);
        let names = [("refresh_token", &self.refresh_token), ("access_token", &self.access_token)];
        for (name, value) in names.into_iter().chain([("detail", &self.detail)]) {
            if let Some(value) = value {
                text += &format!(", {name}={value}");
            }
        }
        if let Some(error) = &self.error {
            text += &format!(", error={}", error.bind(py).repr()?);
        }
        Ok(text + ")")
    }
}

/// The news from now on. Ends with the source; one that is not read grows.
#[pyclass(frozen, module = "tokenward")]
pub(crate) struct Events {
    news: Mutex<Receiver<tokenward::Event>>,
}

impl Events {
    pub(crate) fn of(news: Receiver<tokenward::Event>) -> Self {
        Self { news: Mutex::new(news) }
    }

    fn next(&self, at_most: Duration) -> PyResult<Result<tokenward::Event, RecvTimeoutError>> {
        match self.news.try_lock() {
            Ok(news) => Ok(news.recv_timeout(at_most)),
            Err(TryLockError::Poisoned(news)) => Ok(news.into_inner().recv_timeout(at_most)),
            Err(TryLockError::WouldBlock) => Err(PyRuntimeError::new_err("another thread reads these events")),
        }
    }
}

#[pymethods]
impl Events {
    fn __iter__(this: Bound<'_, Self>) -> Bound<'_, Self> {
        this
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Event>> {
        loop {
            match py.detach(|| self.next(SLICE))? {
                Ok(event) => return Event::of(py, &event).map(Some),
                Err(RecvTimeoutError::Timeout) => py.check_signals()?,
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
            }
        }
    }
}
