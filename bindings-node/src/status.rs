//! What can be told of a credential without telling a secret: safe to send to a renderer.

use napi_derive::napi;

use crate::{
    failure::{self, Failure, Holder},
    time::millis,
};

/// A credential's state. Times in milliseconds since 1970, tokens as fingerprints.
#[napi(object)]
pub struct Status {
    pub access_token: Option<String>,
    pub expires_at: Option<f64>,
    pub refresh_token: Option<String>,
    pub scope: Option<String>,
    pub account: Option<String>,
    pub last_rotation: Option<f64>,
    pub not_before: Option<f64>,
    pub dead: Option<String>,
    pub holder: Option<Holder>,
    pub unsaved: bool,
    pub unknown_outcome: bool,
    pub fault: Option<Failure>,
}

impl From<tokenward::Status> for Status {
    fn from(status: tokenward::Status) -> Self {
        Self {
            access_token: status.access_token.map(|name| name.to_string()),
            expires_at: status.expires_at.map(millis),
            refresh_token: status.refresh_token.map(|name| name.to_string()),
            scope: status.scope,
            account: status.account.map(|account| account.as_str().into()),
            last_rotation: status.last_rotation.map(millis),
            not_before: status.not_before.map(millis),
            dead: status.dead.map(|reason| reason.as_str().into()),
            holder: status.holder.as_ref().map(failure::holder),
            unsaved: status.unsaved,
            unknown_outcome: status.unknown_outcome,
            fault: status.fault.as_ref().map(Failure::from),
        }
    }
}
