//! A request that the host sends, and the answer that it brings back unread.

use std::{cell::RefCell, collections::BTreeMap};

use napi::{
    Env,
    bindgen_prelude::{BufferSlice, Uint8Array},
};
use napi_derive::napi;
use tokenward::FetchFault;

use crate::{
    bytes::{buffer, secret},
    effect::answered,
    input::Input,
    time::{invalid, span_millis},
};

/// The bytes that are read of an answer, at most.
#[napi]
pub const MAX_BODY: u32 = tokenward::MAX_BODY as u32;

/// One POST to the token endpoint.
#[napi]
pub struct Request {
    inner: tokenward::Request,
}

#[napi]
impl Request {
    #[napi(getter)]
    pub fn url(&self) -> String {
        self.inner.url.clone()
    }

    #[napi]
    pub fn headers(&self) -> BTreeMap<String, String> {
        // EXPOSE: the host has to send them. A header is ASCII.
        let text = |value: &tokenward::SecretBytes| String::from_utf8_lossy(value.expose()).into_owned();
        self.inner.headers.iter().map(|(name, value)| (name.clone(), text(value))).collect()
    }

    #[napi]
    pub fn body<'env>(&self, env: &'env Env) -> napi::Result<BufferSlice<'env>> {
        buffer(env, &self.inner.body)
    }

    #[napi(getter)]
    pub fn timeout(&self) -> f64 {
        span_millis(self.inner.timeout)
    }

    #[napi(getter)]
    pub fn connect_timeout(&self) -> f64 {
        span_millis(self.inner.connect_timeout)
    }
}

/// Sends one request, once.
#[napi(js_name = "NativeFetch")]
pub struct Fetch {
    effect: RefCell<Option<tokenward::Fetch>>,
    request: tokenward::Request,
}

impl Fetch {
    pub(crate) fn of(effect: tokenward::Fetch) -> Self {
        let request = effect.request.clone();
        Self { effect: RefCell::new(Some(effect)), request }
    }

    fn answer(&self, outcome: Result<tokenward::Response, FetchFault>) -> napi::Result<Input> {
        Ok(Input::of(self.effect.take().ok_or_else(answered)?.answer(outcome)))
    }
}

#[napi]
impl Fetch {
    #[napi]
    pub fn request(&self) -> Request {
        Request { inner: self.request.clone() }
    }

    /// Brings what was answered.
    #[napi]
    pub fn respond(&self, status: u32, headers: Vec<Vec<String>>, body: Uint8Array) -> napi::Result<Input> {
        self.answer(Ok(response(status, headers, &body)?))
    }

    /// Says that no byte of the request left.
    #[napi]
    pub fn not_sent(&self, detail: String, blocked: bool, setting: Option<String>) -> napi::Result<Input> {
        self.answer(Err(match (setting, blocked) {
            (Some(setting), _) => FetchFault::Misconfigured { setting, detail },
            (None, true) => FetchFault::Blocked { detail },
            (None, false) => FetchFault::NotSent { detail },
        }))
    }

    /// Says that some of it may have arrived.
    #[napi]
    pub fn maybe_sent(&self, detail: String) -> napi::Result<Input> {
        self.answer(Err(FetchFault::MaybeSent { detail }))
    }
}

pub(crate) fn response(status: u32, headers: Vec<Vec<String>>, body: &Uint8Array) -> napi::Result<tokenward::Response> {
    let status = u16::try_from(status).map_err(|_| invalid("status is no status code"))?;
    let pair = |pair: Vec<String>| {
        let pair = <[String; 2]>::try_from(pair).map_err(|_| invalid("a header is no pair"))?;
        let [name, value] = pair;
        Ok((name, value))
    };
    let headers = headers.into_iter().map(pair).collect::<napi::Result<_>>()?;
    Ok(tokenward::Response { status, headers, body: secret(body) })
}
