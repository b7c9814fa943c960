//! The token endpoint over ureq and rustls.

use core::{
    mem,
    sync::atomic::{AtomicBool, Ordering},
};
use std::{
    format,
    io::Read,
    panic::{AssertUnwindSafe, catch_unwind},
    string::{String, ToString},
    sync::{Arc, Mutex, PoisonError},
    thread,
    vec::Vec,
};

use ureq::{
    Agent, Body, Proxy,
    config::AutoHeaderValue,
    http::{HeaderValue, Request as HttpRequest, Response as HttpResponse, Uri},
    unversioned::{
        resolver::DefaultResolver,
        transport::{Connector as _, DefaultConnector},
    },
};
use zeroize::Zeroizing;

use super::{Reply, Transport, quiet::Quiet, roots, sent::MarkSent};
use crate::{Config, Fetch, FetchFault, MAX_BODY, Request, Response, SecretBytes, config::is_safe_url};

/// Sends requests over ureq: https with rustls, one fresh connection and one thread for each.
///
/// Nothing is set up before the first request: no thread, no TLS, no trust store. Proxies are taken from `ALL_PROXY`,
/// `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`; loopback is never asked through one. Certificates are checked by the
/// system's trust store. With `ca_file` the file's certificates count beside those of the system's bundle
/// (`SSL_CERT_FILE`, or the first of the usual places); roots that exist in a keychain only are not seen then.
///
/// While a request is under way the `log` crate takes nothing finer than `debug` from anybody: ureq would log the tokens.
///
/// ```
/// use tokenward::{Config, Transport, UreqTransport};
///
/// let transport = UreqTransport::new(&Config::new("https://id.test/token", "my-client"));
/// # fn check(_: &dyn Transport) {}
/// # check(&transport);
/// ```
#[derive(Clone, Debug)]
pub struct UreqTransport {
    ca_file: Option<String>,
    user_agent: String,
}

impl UreqTransport {
    /// Takes the CA file and the User-Agent from the settings. All else stands in each request.
    pub fn new(config: &Config) -> Self {
        Self { ca_file: config.ca_file.clone(), user_agent: config.user_agent.clone() }
    }

    /// Sends the request and waits for the answer.
    fn send(&self, request: &Request, proxy: Option<Proxy>, sent: &Arc<AtomicBool>) -> Result<Response, FetchFault> {
        let fault = |detail: String| {
            if sent.load(Ordering::Acquire) { FetchFault::MaybeSent { detail } } else { FetchFault::NotSent { detail } }
        };
        if !is_safe_url(&request.url) {
            return Err(fault("token endpoint is neither https nor on loopback".into()));
        }
        let url: Uri = request.url.parse().map_err(|_| fault("token endpoint is not a URL".into()))?;
        let proxy = if is_loopback(&url) { None } else { proxy };
        let agent = self.agent(request, &url, proxy, sent).map_err(fault)?;
        let answered = post(url, request).and_then(|post| agent.run(post).map_err(|error| describe(&error)));
        read(answered.map_err(fault)?).map_err(fault)
    }

    /// Returns an agent for one request: no connection is kept, and a changed trust store or proxy is seen.
    fn agent(
        &self,
        request: &Request,
        url: &Uri,
        proxy: Option<Proxy>,
        sent: &Arc<AtomicBool>,
    ) -> Result<Agent, String> {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(0)
            .timeout_global(Some(request.timeout))
            .timeout_resolve(Some(request.connect_timeout))
            .timeout_connect(Some(request.connect_timeout))
            .accept_encoding(AutoHeaderValue::None)
            .user_agent(self.user_agent.as_str())
            .proxy(proxy)
            .tls_config(roots::tls_config(self.ca_file.as_deref())?)
            .build();
        let connector = DefaultConnector::default().chain(MarkSent { target: url.clone(), sent: Arc::clone(sent) });
        Ok(Agent::with_parts(config, connector, DefaultResolver::default()))
    }
}

impl Transport for UreqTransport {
    fn start(&self, fetch: Fetch, reply: Reply) {
        // In a shared place until the thread takes it: a thread that cannot be had must still be answered.
        let work = Arc::new(Mutex::new(Some((fetch, reply))));
        let (this, taken) = (self.clone(), Arc::clone(&work));
        let spawned = thread::Builder::new().name("tokenward-fetch".into()).spawn(move || {
            if let Some((fetch, reply)) = take(&taken) {
                answer(fetch, reply, |request, sent| this.send(request, Proxy::try_from_env(), sent));
            }
        });
        if let Err(error) = spawned
            && let Some((fetch, reply)) = take(&work)
        {
            reply(fetch.answer(Err(FetchFault::NotSent { detail: format!("no thread can be had: {}", error.kind()) })));
        }
    }
}

fn take<T>(place: &Mutex<Option<T>>) -> Option<T> {
    place.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Answers whatever happens: a panic in the HTTP client is an answer that never came.
fn answer(fetch: Fetch, reply: Reply, send: impl FnOnce(&Request, &Arc<AtomicBool>) -> Result<Response, FetchFault>) {
    let sent = Arc::new(AtomicBool::new(false));
    let quiet = Quiet::begin();
    let outcome = catch_unwind(AssertUnwindSafe(|| send(&fetch.request, &sent)))
        .unwrap_or_else(|_| Err(FetchFault::MaybeSent { detail: "the HTTP client panicked".into() }));
    drop(quiet);
    reply(fetch.answer(outcome));
}

fn post(url: Uri, request: &Request) -> Result<HttpRequest<&[u8]>, String> {
    let mut post = HttpRequest::post(url).header("connection", "close");
    for (name, value) in &request.headers {
        // EXPOSE: the header goes to the server; marked, so that the HTTP client does not log it.
        let value = HeaderValue::from_bytes(value.expose()).map(|mut value| {
            value.set_sensitive(true);
            value
        });
        post = post.header(name, value.map_err(|_| format!("header {name} has a value that cannot be sent"))?);
    }
    // EXPOSE: the form goes to the server.
    post.body(request.body.expose()).map_err(|_| "a header has a name that cannot be sent".into())
}

fn read(answer: HttpResponse<Body>) -> Result<Response, String> {
    let status = answer.status().as_u16();
    let headers = KEPT_HEADERS
        .iter()
        .filter_map(|name| Some(((*name).into(), answer.headers().get(*name)?.to_str().ok()?.into())))
        .collect();
    let body = answer.into_body();
    let length = body.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(MAX_BODY);
    // One block for all of it: a block that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(length.min(MAX_BODY)));
    let mut body = body.into_reader().take(MAX_BODY as u64);
    body.read_to_end(&mut bytes).map_err(|error| format!("answer was cut off: {}", describe_io(&error)))?;
    Ok(Response { status, headers, body: SecretBytes::new(mem::take(&mut *bytes)) })
}

/// What the core looks at. Nothing else is kept: a header may hold a secret.
const KEPT_HEADERS: &[&str] = &["content-type", "date", "retry-after", "x-amzn-errortype"];

/// Says what happened in words that hold neither the URL nor anything that was sent.
fn describe(error: &ureq::Error) -> String {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "ureq adds errors; what they say of themselves may hold the URL"
    )]
    match error {
        ureq::Error::Io(error) => describe_io(error),
        ureq::Error::Timeout(_)
        | ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::InvalidProxyUrl
        | ureq::Error::TlsRequired
        | ureq::Error::LargeResponseHeader(..)
        | ureq::Error::Tls(_)
        | ureq::Error::Rustls(_)
        | ureq::Error::Pem(_)
        | ureq::Error::ConnectProxyFailed(_) => error.to_string(),
        // Its own words may quote the answer.
        ureq::Error::Protocol(_) => "answer is not proper HTTP".into(),
        _ => "the HTTP client failed".into(),
    }
}

fn describe_io(error: &std::io::Error) -> String {
    match error.get_ref().map(|inner| (inner, inner.downcast_ref())) {
        // The client's own error in an envelope.
        Some((_, Some(own))) => describe(own),
        // rustls in an envelope: it says what is wrong with the certificate and never quotes what is sent over it.
        Some((tls, None)) if error.kind() == std::io::ErrorKind::InvalidData => tls.to_string(),
        Some((_, None)) | None => error.kind().to_string(),
    }
}

fn is_loopback(url: &Uri) -> bool {
    let host = url.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<core::net::IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
