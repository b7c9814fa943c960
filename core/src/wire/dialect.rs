//! What a provider's answers have of their own.

use alloc::string::String;

use crate::{Bearer, Config};

/// Where an answer keeps what the standards leave open, or what its client takes from elsewhere.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dialect {
    /// The path of the account, its names joined by dots, where there is no id_token.
    pub(crate) account_field: Option<String>,
    /// Which of the answer's tokens is the bearer.
    pub(crate) bearer: Bearer,
}

impl Dialect {
    /// Returns the standards' own.
    pub(crate) const fn standard() -> Self {
        Self { account_field: None, bearer: Bearer::AccessToken }
    }

    /// Returns what the settings say.
    pub(crate) fn of(config: &Config) -> Self {
        Self { account_field: config.account_field.clone(), bearer: config.bearer }
    }
}
