//! Tokens cross the border as objects: they print redacted, and give their text by `expose()`.

use std::hash::{DefaultHasher, Hash, Hasher};

use pyo3::{exceptions::PyTypeError, prelude::*, sync::PyOnceLock, types::PyString};
use tokenward::{Account, Secret};

use crate::time::{optional_moment, unix};

/// A bearer token and the moment it ends. Prints redacted; refuses to be pickled, copied or turned into JSON.
#[pyclass(frozen, module = "tokenward")]
pub(crate) struct AccessToken {
    inner: tokenward::AccessToken,
    /// Made at first use, one for each token and not one for each call.
    text: PyOnceLock<Py<PyString>>,
    header: PyOnceLock<Py<PyString>>,
}

impl AccessToken {
    pub(crate) fn of(inner: tokenward::AccessToken) -> Self {
        Self { inner, text: PyOnceLock::new(), header: PyOnceLock::new() }
    }

    pub(crate) fn inner(&self) -> &tokenward::AccessToken {
        &self.inner
    }
}

#[pymethods]
impl AccessToken {
    #[new]
    #[pyo3(signature = (text, expires_at=None))]
    fn new(text: String, expires_at: Option<f64>) -> PyResult<Self> {
        Ok(Self::of(tokenward::AccessToken::new(text, optional_moment("expires_at", expires_at)?)))
    }

    /// Returns the token's text. Once it is a str, nobody can wipe it.
    fn expose(&self, py: Python<'_>) -> Py<PyString> {
        // EXPOSE: the caller asked for the text by this name.
        self.text.get_or_init(py, || PyString::new(py, self.inner.expose()).unbind()).clone_ref(py)
    }

    /// Returns the value of an Authorization header (RFC 6750 section 2.1).
    pub(crate) fn authorization(&self, py: Python<'_>) -> Py<PyString> {
        // EXPOSE: the header is what was asked for.
        let header = || PyString::new(py, self.inner.authorization().expose()).unbind();
        self.header.get_or_init(py, header).clone_ref(py)
    }

    /// When the token ends, as `time.time()` counts; None where the server did not say.
    #[getter]
    fn expires_at(&self) -> Option<f64> {
        self.inner.expires_at().map(unix)
    }

    /// The name under which this token may be logged and compared.
    #[getter]
    fn fingerprint(&self) -> String {
        self.inner.fingerprint().to_string()
    }

    fn __repr__(&self) -> String {
        format!("AccessToken({}, ..)", self.inner.fingerprint())
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| other.get().inner == self.inner)
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.inner.fingerprint().hash(&mut hasher);
        hasher.finish()
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("an AccessToken is not pickled or copied: call expose() where its text is needed"))
    }
}

/// One credential: what a login yields and the store keeps. Prints redacted.
#[pyclass(frozen, module = "tokenward")]
pub(crate) struct Grant {
    pub(crate) inner: tokenward::Grant,
}

#[pymethods]
impl Grant {
    #[new]
    #[pyo3(signature = (access_token=None, refresh_token=None, scope=None, issued_at=None, account=None, refresh_token_expires_at=None))]
    fn new(
        access_token: Option<&Bound<'_, AccessToken>>,
        refresh_token: Option<String>,
        scope: Option<String>,
        issued_at: Option<f64>,
        account: Option<String>,
        refresh_token_expires_at: Option<f64>,
    ) -> PyResult<Self> {
        let inner = tokenward::Grant {
            access_token: access_token.map(|token| token.get().inner.clone()),
            refresh_token: refresh_token.map(Secret::new),
            refresh_token_expires_at: optional_moment("refresh_token_expires_at", refresh_token_expires_at)?,
            scope,
            issued_at: optional_moment("issued_at", issued_at)?,
            account: account.map(Account::new),
        };
        Ok(Self { inner })
    }

    /// The bearer token, None after an import of a refresh token alone.
    #[getter]
    fn access_token(&self) -> Option<AccessToken> {
        self.inner.access_token.clone().map(AccessToken::of)
    }

    /// Returns the refresh token's text. Once it is a str, nobody can wipe it.
    fn expose_refresh_token(&self) -> Option<&str> {
        // EXPOSE: the caller asked for the text by this name.
        self.inner.refresh_token.as_ref().map(Secret::expose)
    }

    /// When the refresh token ends, None where the server did not say.
    #[getter]
    fn refresh_token_expires_at(&self) -> Option<f64> {
        self.inner.refresh_token_expires_at.map(unix)
    }

    /// The granted scope, as the server spelled it.
    #[getter]
    fn scope(&self) -> Option<&str> {
        self.inner.scope.as_deref()
    }

    /// When the answer with the access token was received.
    #[getter]
    fn issued_at(&self) -> Option<f64> {
        self.inner.issued_at.map(unix)
    }

    /// Who the credential belongs to, None if unknown.
    #[getter]
    fn account(&self) -> Option<&str> {
        self.inner.account.as_ref().map(Account::as_str)
    }

    fn __repr__(&self) -> String {
        format!("Grant({}, ..)", self.inner.fingerprint())
    }
}
