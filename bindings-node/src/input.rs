//! What a host tells the machine.

use std::cell::Cell;

use napi::bindgen_prelude::ClassInstance;
use napi_derive::napi;
use tokenward::{Adopt, Guard, Waiter, Want};

use crate::{
    grant::Grant,
    time::{invalid, span},
    token::Token,
};

/// One input: what a caller wants, or the answer to an effect. A machine takes it once.
#[napi]
pub struct Input {
    inner: Cell<Option<tokenward::Input>>,
}

#[napi]
impl Input {
    #[napi(factory)]
    pub fn want(
        waiter: f64,
        min_ttl: Option<f64>,
        deadline: Option<f64>,
        explicit: Option<bool>,
    ) -> napi::Result<Self> {
        let usual = Want::new(number(waiter)?);
        let want = Want {
            min_ttl: min_ttl.map_or(Ok(usual.min_ttl), |millis| span("minTtl", millis))?,
            deadline: deadline.map_or(Ok(usual.deadline), |millis| span("deadline", millis))?,
            explicit: explicit.unwrap_or(usual.explicit),
            ..usual
        };
        Ok(Self::of(tokenward::Input::Want(want)))
    }

    #[napi(factory)]
    pub fn adopt(waiter: f64, grant: ClassInstance<'_, Grant>, replace: Option<bool>) -> napi::Result<Self> {
        let adopt = Adopt { waiter: number(waiter)?, grant: grant.inner.clone(), guard: guard(replace) };
        Ok(Self::of(tokenward::Input::Adopt(adopt)))
    }

    #[napi(factory)]
    pub fn refused(token: ClassInstance<'_, Token>) -> Self {
        Self::of(tokenward::Input::Refused(token.inner.clone()))
    }

    #[napi(factory)]
    pub fn sign_out(waiter: f64) -> napi::Result<Self> {
        number(waiter).map(tokenward::Input::SignOut).map(Self::of)
    }

    #[napi(factory)]
    pub fn look(waiter: f64) -> napi::Result<Self> {
        number(waiter).map(tokenward::Input::Look).map(Self::of)
    }

    #[napi(factory)]
    pub fn forget(waiter: f64) -> napi::Result<Self> {
        number(waiter).map(tokenward::Input::Forget).map(Self::of)
    }

    #[napi(factory)]
    pub fn changed() -> Self {
        Self::of(tokenward::Input::Changed)
    }

    #[napi(factory)]
    pub fn tick() -> Self {
        Self::of(tokenward::Input::Tick)
    }
}

impl Input {
    pub(crate) fn of(input: tokenward::Input) -> Self {
        Self { inner: Cell::new(Some(input)) }
    }

    pub(crate) fn take(&self) -> napi::Result<tokenward::Input> {
        self.inner.take().ok_or_else(|| napi::Error::from_reason("this answer was fed already"))
    }
}

/// Returns what a login may replace.
pub(crate) fn guard(replace: Option<bool>) -> Guard {
    if replace == Some(true) { Guard::Replace } else { Guard::SameAccount }
}

/// Numbers of callers are whole, and small enough for JavaScript to tell them apart.
fn number(waiter: f64) -> napi::Result<Waiter> {
    let is_whole = waiter.fract() == 0.0 && (0.0..=9_007_199_254_740_991.0).contains(&waiter);
    if is_whole { Ok(Waiter(waiter as u64)) } else { Err(invalid("waiter is not a whole number")) }
}
