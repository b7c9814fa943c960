//! An error as plain data: `TokenError.swift` makes the case of it.

use std::fmt;

use tokenward::{ConfigError, ErrorKind, TokenError};

use crate::{status::CoreHolder, time::Span};

/// Why a caller got no token, without a secret.
#[derive(uniffi::Record)]
pub(crate) struct CoreFailure {
    pub(crate) kind: String,
    pub(crate) message: String,
    pub(crate) act: String,
    pub(crate) retry_in: Option<Span>,
    pub(crate) code: Option<String>,
    pub(crate) holder: Option<CoreHolder>,
}

impl From<&TokenError> for CoreFailure {
    fn from(error: &TokenError) -> Self {
        Self {
            kind: error.kind().as_str().into(),
            message: error.to_string(),
            act: error.act().as_str().into(),
            retry_in: error.retry_in().map(Span),
            code: error.code().map(Into::into),
            holder: error.holder().map(CoreHolder::from),
        }
    }
}

/// Returns the names of all kinds, for the test that compares them with the cases.
#[uniffi::export]
pub(crate) fn core_error_kinds() -> Vec<String> {
    ErrorKind::ALL.iter().map(|kind| kind.as_str().into()).collect()
}

/// Why a source, a machine or a store cannot be had.
#[derive(Debug, uniffi::Error)]
pub(crate) enum CoreRefusal {
    /// A setting cannot be used.
    Setting { name: String, message: String },
    /// The system says no.
    System { message: String },
}

impl fmt::Display for CoreRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting { message, .. } | Self::System { message } => f.write_str(message),
        }
    }
}

impl std::error::Error for CoreRefusal {}

impl From<ConfigError> for CoreRefusal {
    fn from(error: ConfigError) -> Self {
        Self::Setting { name: error.name.clone(), message: error.to_string() }
    }
}

impl From<std::io::Error> for CoreRefusal {
    fn from(error: std::io::Error) -> Self {
        Self::System { message: error.to_string() }
    }
}
