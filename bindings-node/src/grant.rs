//! A credential as an object: it prints nothing, and gives its texts only when asked.

use napi_derive::napi;
use tokenward::{Account, Secret};

use crate::{
    time::{millis, moment},
    token::Token,
};

/// What a login yields and the store keeps.
#[napi(js_name = "NativeGrant")]
pub struct Grant {
    pub(crate) inner: tokenward::Grant,
}

/// The members of a grant, times in milliseconds since 1970.
#[napi(object)]
pub struct Members {
    pub access_token: Option<String>,
    pub expires_at: Option<f64>,
    pub refresh_token: Option<String>,
    pub refresh_token_expires_at: Option<f64>,
    pub scope: Option<String>,
    pub issued_at: Option<f64>,
    pub account: Option<String>,
}

#[napi]
impl Grant {
    #[napi(constructor)]
    pub fn new(members: Members) -> Self {
        let ends_at = members.expires_at.map(moment);
        let inner = tokenward::Grant {
            access_token: members.access_token.map(|text| tokenward::AccessToken::new(text, ends_at)),
            refresh_token: members.refresh_token.map(Secret::new),
            refresh_token_expires_at: members.refresh_token_expires_at.map(moment),
            scope: members.scope,
            issued_at: members.issued_at.map(moment),
            account: members.account.map(Account::new),
        };
        Self { inner }
    }

    #[napi]
    pub fn access_token(&self) -> Option<Token> {
        self.inner.access_token.clone().map(|inner| Token { inner })
    }

    #[napi]
    pub fn expose_refresh_token(&self) -> Option<String> {
        // EXPOSE: asked for by the application.
        self.inner.refresh_token.as_ref().map(|token| token.expose().into())
    }

    #[napi]
    pub fn refresh_token_expires_at(&self) -> Option<f64> {
        self.inner.refresh_token_expires_at.map(millis)
    }

    #[napi]
    pub fn scope(&self) -> Option<String> {
        self.inner.scope.clone()
    }

    #[napi]
    pub fn issued_at(&self) -> Option<f64> {
        self.inner.issued_at.map(millis)
    }

    #[napi]
    pub fn account(&self) -> Option<String> {
        self.inner.account.as_ref().map(|account| account.as_str().into())
    }

    #[napi]
    pub fn fingerprint(&self) -> String {
        self.inner.fingerprint().to_string()
    }
}
