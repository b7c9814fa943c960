//! What a host tells the machine.

use std::sync::{Mutex, PoisonError};

use pyo3::{exceptions::PyRuntimeError, prelude::*};
use tokenward::{Guard, Waiter};

use crate::{
    grant::{AccessToken, Grant},
    time::span,
};

/// A caller wants a token. Answered by exactly one Deliver.
#[pyclass(frozen, module = "tokenward")]
pub(crate) struct Want {
    inner: tokenward::Want,
}

#[pymethods]
impl Want {
    #[new]
    #[pyo3(signature = (waiter, *, min_ttl=0.0, deadline=40.0, explicit=false))]
    fn new(waiter: u64, min_ttl: f64, deadline: f64, explicit: bool) -> PyResult<Self> {
        let (min_ttl, deadline) = (span("min_ttl", min_ttl)?, span("deadline", deadline)?);
        Ok(Self { inner: tokenward::Want { min_ttl, deadline, explicit, ..tokenward::Want::new(Waiter(waiter)) } })
    }
}

/// A login is to be stored. Answered by exactly one Deliver.
#[pyclass(frozen, module = "tokenward")]
pub(crate) struct Adopt {
    inner: tokenward::Adopt,
}

#[pymethods]
impl Adopt {
    #[new]
    #[pyo3(signature = (waiter, grant, *, replace=false))]
    fn new(waiter: u64, grant: &Bound<'_, Grant>, replace: bool) -> Self {
        let guard = if replace { Guard::Replace } else { Guard::SameAccount };
        Self { inner: tokenward::Adopt { waiter: Waiter(waiter), grant: grant.get().inner.clone(), guard } }
    }
}

/// A resource server refused this token.
#[pyclass(frozen, module = "tokenward")]
pub(crate) struct Refused {
    inner: tokenward::AccessToken,
}

#[pymethods]
impl Refused {
    #[new]
    fn new(token: &Bound<'_, AccessToken>) -> Self {
        Self { inner: token.get().inner().clone() }
    }
}

macro_rules! by_waiter {
    ($($name:ident, $doc:literal;)*) => {$(
        #[doc = $doc]
        #[pyclass(frozen, module = "tokenward")]
        pub(crate) struct $name {
            waiter: u64,
        }

        #[pymethods]
        impl $name {
            #[new]
            fn new(waiter: u64) -> Self {
                Self { waiter }
            }
        }
    )*};
}

by_waiter! {
    SignOut, "The credential is to be removed from the store. Answered by exactly one Deliver.";
    Look, "A caller wants the store to be read now. Answered by exactly one Deliver.";
    Forget, "A caller no longer waits. What it started goes on.";
}

macro_rules! bare {
    ($($name:ident, $doc:literal;)*) => {$(
        #[doc = $doc]
        #[pyclass(frozen, module = "tokenward")]
        pub(crate) struct $name {}

        #[pymethods]
        impl $name {
            #[new]
            fn new() -> Self {
                Self {}
            }
        }
    )*};
}

bare! {
    Changed, "The store may have moved: a hint, never needed.";
    Tick, "The time asked for by Step.wake_in has passed, or the host looks in early.";
}

/// The answer to one effect. Only an effect can make one, and a machine takes it once.
#[pyclass(frozen, module = "tokenward")]
pub(crate) struct Answer {
    input: Mutex<Option<tokenward::Input>>,
}

impl Answer {
    pub(crate) fn of(input: tokenward::Input) -> Self {
        Self { input: Mutex::new(Some(input)) }
    }

    pub(crate) fn take(&self) -> PyResult<tokenward::Input> {
        let taken = self.input.lock().unwrap_or_else(PoisonError::into_inner).take();
        taken.ok_or_else(|| PyRuntimeError::new_err("this answer was fed already"))
    }
}

#[derive(FromPyObject)]
pub(crate) enum Input<'py> {
    Answer(Bound<'py, Answer>),
    Want(Bound<'py, Want>),
    #[expect(dead_code, reason = "its type says all")]
    Tick(Bound<'py, Tick>),
    #[expect(dead_code, reason = "its type says all")]
    Changed(Bound<'py, Changed>),
    Refused(Bound<'py, Refused>),
    Forget(Bound<'py, Forget>),
    Look(Bound<'py, Look>),
    Adopt(Bound<'py, Adopt>),
    SignOut(Bound<'py, SignOut>),
}

impl Input<'_> {
    pub(crate) fn take(self) -> PyResult<tokenward::Input> {
        Ok(match self {
            Self::Answer(answer) => answer.get().take()?,
            Self::Want(want) => tokenward::Input::Want(want.get().inner.clone()),
            Self::Tick(_) => tokenward::Input::Tick,
            Self::Changed(_) => tokenward::Input::Changed,
            Self::Refused(refused) => tokenward::Input::Refused(refused.get().inner.clone()),
            Self::Forget(forget) => tokenward::Input::Forget(Waiter(forget.get().waiter)),
            Self::Look(look) => tokenward::Input::Look(Waiter(look.get().waiter)),
            Self::Adopt(adopt) => tokenward::Input::Adopt(adopt.get().inner.clone()),
            Self::SignOut(sign_out) => tokenward::Input::SignOut(Waiter(sign_out.get().waiter)),
        })
    }
}
