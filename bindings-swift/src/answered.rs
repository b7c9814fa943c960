//! One answer of a token endpoint, read by itself.

use std::sync::Arc;

use tokenward::{UnixTime, read_answer};

use crate::{error::CoreFailure, grant::CoreGrant, http::CoreResponse, time::Span};

/// What an answer of a token endpoint means.
#[derive(uniffi::Record)]
pub(crate) struct CoreAnswered {
    pub(crate) class: String,
    pub(crate) row: String,
    pub(crate) grant: Option<Arc<CoreGrant>>,
    pub(crate) failure: Option<CoreFailure>,
    pub(crate) retry_after: Option<Span>,
}

/// Reads one answer of a token endpoint, received at `now`.
#[uniffi::export]
pub(crate) fn core_read_answer(response: CoreResponse, now: UnixTime) -> CoreAnswered {
    let answered = read_answer(&response.into(), now);
    CoreAnswered {
        class: answered.class.as_str().into(),
        row: answered.row.into(),
        grant: answered.grant.map(CoreGrant::of),
        failure: answered.error.as_ref().map(CoreFailure::from),
        retry_after: answered.retry_after.map(Span),
    }
}
