//! Tokens cross the border as objects, which print as a handle and give their text by `expose`.

use std::sync::Arc;

use tokenward::{AccessToken, Account, Grant, Secret, UnixTime};

/// A bearer token and the moment it ends.
#[derive(uniffi::Object)]
pub(crate) struct CoreToken {
    inner: AccessToken,
}

impl CoreToken {
    pub(crate) fn of(inner: AccessToken) -> Arc<Self> {
        Arc::new(Self { inner })
    }

    pub(crate) fn inner(&self) -> &AccessToken {
        &self.inner
    }
}

#[uniffi::export]
impl CoreToken {
    #[uniffi::constructor]
    pub(crate) fn new(text: String, expires_at: Option<UnixTime>) -> Arc<Self> {
        Self::of(AccessToken::new(text, expires_at))
    }

    pub(crate) fn expose(&self) -> String {
        // EXPOSE: the caller asked for the text by this name.
        self.inner.expose().into()
    }

    pub(crate) fn authorization(&self) -> String {
        // EXPOSE: the header is what was asked for.
        self.inner.authorization().expose().into()
    }

    pub(crate) fn expires_at(&self) -> Option<UnixTime> {
        self.inner.expires_at()
    }

    pub(crate) fn fingerprint(&self) -> String {
        self.inner.fingerprint().to_string()
    }

    pub(crate) fn equals(&self, other: Arc<Self>) -> bool {
        self.inner == other.inner
    }
}

/// One credential: what a login yields and the store keeps.
#[derive(uniffi::Object)]
pub(crate) struct CoreGrant {
    inner: Grant,
}

impl CoreGrant {
    pub(crate) fn of(inner: Grant) -> Arc<Self> {
        Arc::new(Self { inner })
    }

    pub(crate) fn inner(&self) -> &Grant {
        &self.inner
    }
}

#[uniffi::export]
impl CoreGrant {
    #[uniffi::constructor]
    pub(crate) fn new(
        access_token: Option<Arc<CoreToken>>,
        refresh_token: Option<String>,
        scope: Option<String>,
        issued_at: Option<UnixTime>,
        account: Option<String>,
        refresh_token_expires_at: Option<UnixTime>,
    ) -> Arc<Self> {
        Self::of(Grant {
            access_token: access_token.map(|token| token.inner.clone()),
            refresh_token: refresh_token.map(Secret::new),
            refresh_token_expires_at,
            scope,
            issued_at,
            account: account.map(Account::new),
        })
    }

    pub(crate) fn access_token(&self) -> Option<Arc<CoreToken>> {
        self.inner.access_token.clone().map(CoreToken::of)
    }

    pub(crate) fn expose_refresh_token(&self) -> Option<String> {
        // EXPOSE: the caller asked for the text by this name.
        self.inner.refresh_token.as_ref().map(|token| token.expose().into())
    }

    pub(crate) fn refresh_token_expires_at(&self) -> Option<UnixTime> {
        self.inner.refresh_token_expires_at
    }

    pub(crate) fn scope(&self) -> Option<String> {
        self.inner.scope.clone()
    }

    pub(crate) fn issued_at(&self) -> Option<UnixTime> {
        self.inner.issued_at
    }

    pub(crate) fn account(&self) -> Option<String> {
        self.inner.account.as_ref().map(|account| account.as_str().into())
    }

    pub(crate) fn fingerprint(&self) -> String {
        self.inner.fingerprint().to_string()
    }
}
