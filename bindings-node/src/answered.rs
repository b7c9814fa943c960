//! One answer of a token endpoint, read by itself.

use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;

use crate::{
    failure::Failure,
    grant::Grant,
    http::response,
    time::{moment, span_millis},
};

/// What an answer of a token endpoint means.
#[napi(object, object_from_js = false)]
pub struct Answered {
    pub class: String,
    pub row: String,
    pub grant: Option<Grant>,
    pub error: Option<Failure>,
    pub retry_after: Option<f64>,
}

/// Reads one answer of a token endpoint, received at `now`.
#[napi]
pub fn read_answer(status: u32, headers: Vec<Vec<String>>, body: Uint8Array, now: f64) -> napi::Result<Answered> {
    let answered = tokenward::read_answer(&response(status, headers, &body)?, moment(now));
    Ok(Answered {
        class: answered.class.as_str().into(),
        row: answered.row.into(),
        grant: answered.grant.map(|inner| Grant { inner }),
        error: answered.error.as_ref().map(Failure::from),
        retry_after: answered.retry_after.map(span_millis),
    })
}
