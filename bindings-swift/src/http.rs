//! Requests and responses, and the transport that Swift brings.

use std::sync::{Arc, Mutex, PoisonError};

use tokenward::{Fetch, FetchFault, MAX_BODY, Reply, Request, Response, SecretBytes, Transport};

use crate::{input::CoreAnswer, time::Span};

uniffi::custom_type!(SecretBytes, Vec<u8>, {
    remote,
    // EXPOSE: Swift has to write or to send them. Nobody can wipe its copy.
    lower: |bytes| bytes.expose().to_vec(),
    try_lift: |bytes| Ok(SecretBytes::new(bytes)),
});

/// One POST to the token endpoint.
#[derive(uniffi::Object)]
pub(crate) struct CoreRequest {
    inner: Request,
}

/// A header's name and its value.
#[derive(uniffi::Record)]
pub(crate) struct CoreHeader {
    pub(crate) name: String,
    pub(crate) value: String,
}

#[uniffi::export]
impl CoreRequest {
    pub(crate) fn url(&self) -> String {
        self.inner.url.clone()
    }

    pub(crate) fn headers(&self) -> Vec<CoreHeader> {
        // EXPOSE: the host has to send them.
        let text = |value: &SecretBytes| String::from_utf8_lossy(value.expose()).into_owned();
        self.inner.headers.iter().map(|(name, value)| CoreHeader { name: name.clone(), value: text(value) }).collect()
    }

    pub(crate) fn body(&self) -> SecretBytes {
        self.inner.body.clone()
    }

    pub(crate) fn timeout(&self) -> Span {
        Span(self.inner.timeout)
    }

    pub(crate) fn connect_timeout(&self) -> Span {
        Span(self.inner.connect_timeout)
    }
}

/// Returns how many bytes of an answer count.
#[uniffi::export]
pub(crate) fn core_max_body() -> u64 {
    MAX_BODY as u64
}

/// What the server answered.
#[derive(uniffi::Record)]
pub(crate) struct CoreResponse {
    pub(crate) status: u16,
    pub(crate) headers: Vec<CoreHeader>,
    pub(crate) body: SecretBytes,
}

impl From<CoreResponse> for Response {
    fn from(CoreResponse { status, headers, body }: CoreResponse) -> Self {
        Self { status, headers: headers.into_iter().map(|header| (header.name, header.value)).collect(), body }
    }
}

/// What came of a request.
#[derive(uniffi::Enum)]
pub(crate) enum CoreOutcome {
    Response { response: CoreResponse },
    NotSent { detail: String },
    Blocked { detail: String },
    Misconfigured { setting: String, detail: String },
    MaybeSent { detail: String },
}

impl From<CoreOutcome> for Result<Response, FetchFault> {
    fn from(outcome: CoreOutcome) -> Self {
        match outcome {
            CoreOutcome::Response { response } => Ok(response.into()),
            CoreOutcome::NotSent { detail } => Err(FetchFault::NotSent { detail }),
            CoreOutcome::Blocked { detail } => Err(FetchFault::Blocked { detail }),
            CoreOutcome::Misconfigured { setting, detail } => Err(FetchFault::Misconfigured { setting, detail }),
            CoreOutcome::MaybeSent { detail } => Err(FetchFault::MaybeSent { detail }),
        }
    }
}

/// An effect of a machine: sends one request, once.
#[derive(uniffi::Object)]
pub(crate) struct CoreFetch {
    effect: Mutex<Option<Fetch>>,
    request: Arc<CoreRequest>,
}

impl CoreFetch {
    pub(crate) fn of(effect: Fetch) -> Arc<Self> {
        let request = Arc::new(CoreRequest { inner: effect.request.clone() });
        Arc::new(Self { effect: Mutex::new(Some(effect)), request })
    }
}

#[uniffi::export]
impl CoreFetch {
    pub(crate) fn request(&self) -> Arc<CoreRequest> {
        Arc::clone(&self.request)
    }

    pub(crate) fn answer(&self, outcome: CoreOutcome) -> Arc<CoreAnswer> {
        let effect = self.effect.lock().unwrap_or_else(PoisonError::into_inner).take();
        CoreAnswer::of(effect.map(|effect| effect.answer(outcome.into())))
    }
}

/// Sends the requests of a source.
#[uniffi::export(foreign)]
pub(crate) trait CoreTransport: Send + Sync {
    fn start(&self, exchange: Arc<CoreExchange>);
}

/// One request of a source. Dropped without a reply, it tells that its outcome is unknown.
#[derive(uniffi::Object)]
pub(crate) struct CoreExchange {
    open: Mutex<Option<(Fetch, Reply)>>,
    request: Arc<CoreRequest>,
}

#[uniffi::export]
impl CoreExchange {
    pub(crate) fn request(&self) -> Arc<CoreRequest> {
        Arc::clone(&self.request)
    }

    pub(crate) fn reply(&self, outcome: CoreOutcome) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((fetch, reply)) = open {
            reply(fetch.answer(outcome.into()));
        }
    }
}

impl Drop for CoreExchange {
    fn drop(&mut self) {
        self.reply(CoreOutcome::MaybeSent { detail: "the transport gave no answer".into() });
    }
}

/// Hands requests to Swift.
pub(crate) struct Courier(pub(crate) Arc<dyn CoreTransport>);

impl Transport for Courier {
    fn start(&self, fetch: Fetch, reply: Reply) {
        let request = Arc::new(CoreRequest { inner: fetch.request.clone() });
        self.0.start(Arc::new(CoreExchange { open: Mutex::new(Some((fetch, reply))), request }));
    }
}
