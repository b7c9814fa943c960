//! What can be told of a credential without telling a secret.

use tokenward::{Holder, Status, UnixTime};

use crate::error::CoreFailure;

/// A process, for display only.
#[derive(uniffi::Record)]
pub(crate) struct CoreHolder {
    pub(crate) pid: u32,
    pub(crate) host: String,
}

impl From<&Holder> for CoreHolder {
    fn from(holder: &Holder) -> Self {
        Self { pid: holder.pid, host: holder.host.clone() }
    }
}

impl From<CoreHolder> for Holder {
    fn from(CoreHolder { pid, host }: CoreHolder) -> Self {
        Self { pid, host }
    }
}

/// A credential's state. Tokens appear as fingerprints.
#[derive(uniffi::Record)]
pub(crate) struct CoreStatus {
    pub(crate) access_token: Option<String>,
    pub(crate) expires_at: Option<UnixTime>,
    pub(crate) refresh_token: Option<String>,
    pub(crate) scope: Option<String>,
    pub(crate) account: Option<String>,
    pub(crate) last_rotation: Option<UnixTime>,
    pub(crate) not_before: Option<UnixTime>,
    pub(crate) dead: Option<String>,
    pub(crate) holder: Option<CoreHolder>,
    pub(crate) unsaved: bool,
    pub(crate) unknown_outcome: bool,
    pub(crate) fault: Option<CoreFailure>,
}

impl From<Status> for CoreStatus {
    fn from(status: Status) -> Self {
        Self {
            access_token: status.access_token.map(|name| name.to_string()),
            expires_at: status.expires_at,
            refresh_token: status.refresh_token.map(|name| name.to_string()),
            scope: status.scope,
            account: status.account.map(|account| account.as_str().into()),
            last_rotation: status.last_rotation,
            not_before: status.not_before,
            dead: status.dead.map(|reason| reason.as_str().into()),
            holder: status.holder.as_ref().map(CoreHolder::from),
            unsaved: status.unsaved,
            unknown_outcome: status.unknown_outcome,
            fault: status.fault.as_ref().map(CoreFailure::from),
        }
    }
}
