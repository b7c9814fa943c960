//! An error as plain data: `index.cjs` makes the exception of it.

use napi_derive::napi;
use tokenward::{ErrorKind, ReauthReason, SETTINGS, TokenError};

use crate::time::span_millis;

/// What went wrong, without a secret.
#[napi(object)]
pub struct Failure {
    /// The name of the error, the same in every language.
    pub kind: String,
    pub message: String,
    /// What to do next.
    pub act: String,
    /// What tells errors of one kind apart.
    pub code: Option<String>,
    pub retry_in_ms: Option<f64>,
    pub holder: Option<Holder>,
}

/// The process that stands in the way.
#[napi(object)]
pub struct Holder {
    pub pid: u32,
    pub host: String,
}

impl From<&TokenError> for Failure {
    fn from(error: &TokenError) -> Self {
        Self {
            kind: error.kind().as_str().into(),
            message: error.to_string(),
            act: error.act().as_str().into(),
            code: error.code().map(Into::into),
            retry_in_ms: error.retry_in().map(span_millis),
            holder: error.holder().map(holder),
        }
    }
}

pub(crate) fn holder(holder: &tokenward::Holder) -> Holder {
    Holder { pid: holder.pid, host: holder.host.clone() }
}

/// Returns the error table: kind and act, for the test that compares it with the declarations.
#[napi]
pub fn error_kinds() -> Vec<String> {
    ErrorKind::ALL.iter().map(|kind| kind.as_str().into()).collect()
}

/// Returns the reasons of `reauth_required`.
#[napi]
pub fn reauth_reasons() -> Vec<String> {
    let reasons = [ReauthReason::Expired, ReauthReason::Revoked, ReauthReason::Reused, ReauthReason::RotationLost];
    reasons.iter().map(|reason| reason.as_str().into()).collect()
}

/// Returns the names of the settings.
#[napi]
pub fn setting_names() -> Vec<String> {
    SETTINGS.iter().map(|setting| setting.name.into()).collect()
}
