//! An access token as an object: it prints nothing, and gives its text only to `expose`.

use napi::bindgen_prelude::ClassInstance;
use napi_derive::napi;

use crate::time::{millis, moment};

/// A token that works.
#[napi(js_name = "NativeToken")]
pub struct Token {
    pub(crate) inner: tokenward::AccessToken,
}

#[napi]
impl Token {
    /// Takes a text, and when it ends in milliseconds since 1970.
    #[napi(constructor)]
    pub fn new(text: String, expires_at: Option<f64>) -> Self {
        Self { inner: tokenward::AccessToken::new(text, expires_at.map(moment)) }
    }

    /// Returns the text.
    #[napi]
    pub fn expose(&self) -> String {
        // EXPOSE: asked for by the application.
        self.inner.expose().into()
    }

    /// Returns the value of an `Authorization` header.
    #[napi]
    pub fn authorization(&self) -> String {
        // EXPOSE: asked for by the application.
        self.inner.authorization().expose().into()
    }

    /// Returns when it ends, in milliseconds since 1970.
    #[napi]
    pub fn expires_at(&self) -> Option<f64> {
        self.inner.expires_at().map(millis)
    }

    /// Returns its name, safe to log.
    #[napi]
    pub fn fingerprint(&self) -> String {
        self.inner.fingerprint().to_string()
    }
}

/// Returns whether both are the same token with the same end. A fingerprint is too short to tell.
#[napi]
pub fn is_same(one: ClassInstance<'_, Token>, other: ClassInstance<'_, Token>) -> bool {
    one.inner == other.inner
}
