//! What stands in a store: our own format, and those of other tools.

use std::{fmt, sync::Arc};

use tokenward::{SecretBytes, StoreFormat, TokenError};

use crate::{error::CoreFailure, grant::CoreGrant};

/// Why a store cannot be read or written.
#[derive(uniffi::Error)]
pub(crate) enum CoreUnfit {
    Failed { failure: Box<CoreFailure> },
}

impl From<TokenError> for CoreUnfit {
    fn from(error: TokenError) -> Self {
        Self::Failed { failure: Box::new((&error).into()) }
    }
}

impl fmt::Debug for CoreUnfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Failed { failure } = self;
        f.write_str(&failure.message)
    }
}

impl fmt::Display for CoreUnfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl std::error::Error for CoreUnfit {}

/// Returns the names of all formats, for the test that compares them with the cases.
#[uniffi::export]
pub(crate) fn core_store_formats() -> Vec<String> {
    StoreFormat::ALL.iter().map(|format| format.name().into()).collect()
}

/// Reads what stands in a store; nothing where that is no login.
#[uniffi::export]
pub(crate) fn core_decode(format: String, content: SecretBytes) -> Result<Option<Arc<CoreGrant>>, CoreUnfit> {
    // EXPOSE: read into secrets.
    let decoded = known(&format).decode(content.expose());
    let grant = decoded.map_err(|reason| TokenError::StoreUnreadable { reason })?;
    Ok(grant.map(CoreGrant::of))
}

/// Returns the new content of a store. What is not the login's stays as it is.
#[uniffi::export]
pub(crate) fn core_encode(
    format: String,
    existing: Option<SecretBytes>,
    grant: Arc<CoreGrant>,
) -> Result<SecretBytes, CoreUnfit> {
    // EXPOSE: what is kept is copied into a secret.
    let existing = existing.as_ref().map(SecretBytes::expose);
    Ok(known(&format).encode(existing, grant.inner())?)
}

fn known(name: &str) -> StoreFormat {
    StoreFormat::from_name(name).unwrap_or_default()
}
