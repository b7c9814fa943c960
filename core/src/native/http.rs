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
    tls::TlsConfig,
    unversioned::{
        resolver::{DefaultResolver, Resolver},
        transport::{Connector as _, DefaultConnector},
    },
};
use zeroize::Zeroizing;

use super::{Reply, Transport, proxy, quiet::Quiet, roots, sent::MarkSent, sys};
use crate::{Config, Fetch, FetchFault, MAX_BODY, Request, Response, SecretBytes, config::is_safe_url};

/// Sends requests over ureq: https with rustls, one fresh connection and one thread for each.
///
/// Nothing is set up before the first request: no thread, no TLS, no trust store. An http or https proxy is taken from
/// `HTTPS_PROXY`, else `ALL_PROXY`, with the exceptions in `NO_PROXY`, as curl and Go read them; loopback is never asked
/// through one. A variable that cannot be used is an error, not a way around the proxy. Certificates are checked by the
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
    fn send(
        &self,
        request: &Request,
        proxy: impl FnOnce(&Uri) -> Result<Option<Proxy>, proxy::Unusable>,
        resolver: impl Resolver,
        sent: &Arc<AtomicBool>,
    ) -> Result<Response, FetchFault> {
        if !is_safe_url(&request.url) {
            return Err(misconfigured("token_url", "neither https nor on loopback"));
        }
        let url: Uri = request.url.parse().map_err(|_| misconfigured("token_url", "not a URL"))?;
        let proxy = proxy(&url).map_err(|unusable| misconfigured(unusable.variable, unusable.why))?;
        let tls = roots::tls_config(self.ca_file.as_deref())
            .map_err(|unusable| misconfigured(unusable.setting, unusable.why))?;
        let way = way(&url, proxy.as_ref());
        let post = post(url.clone(), request)?;
        let agent = self.agent(request, url, proxy, tls, resolver, sent);
        let fault = |cause| fault(cause, sent.load(Ordering::Acquire), &way);
        let answer = agent.run(post).map_err(|error| fault(cause(&error)))?;
        read(answer).map_err(fault)
    }

    /// Returns an agent for one request: no connection is kept, and a changed trust store or proxy is seen.
    fn agent(
        &self,
        request: &Request,
        target: Uri,
        proxy: Option<Proxy>,
        tls: TlsConfig,
        resolver: impl Resolver,
        sent: &Arc<AtomicBool>,
    ) -> Agent {
        let deadline = sys::now().mono.saturating_add(request.timeout);
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(0)
            .timeout_resolve(Some(request.connect_timeout.min(request.timeout)))
            .timeout_connect(Some(request.connect_timeout.min(request.timeout)))
            .accept_encoding(AutoHeaderValue::None)
            .user_agent(self.user_agent.as_str())
            .proxy(proxy)
            .tls_config(tls)
            .build();
        let connector = DefaultConnector::default().chain(MarkSent { target, sent: Arc::clone(sent), deadline });
        Agent::with_parts(config, connector, resolver)
    }
}

impl Transport for UreqTransport {
    fn start(&self, fetch: Fetch, reply: Reply) {
        // In a shared place until the thread takes it: a thread that cannot be had must still be answered.
        let work = Arc::new(Mutex::new(Some((fetch, reply))));
        let (this, taken) = (self.clone(), Arc::clone(&work));
        let spawned = thread::Builder::new().name("tokenward-fetch".into()).spawn(move || {
            if let Some((fetch, reply)) = take(&taken) {
                answer(fetch, reply, |request, sent| {
                    this.send(request, proxy::from_environment, DefaultResolver::default(), sent)
                });
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

fn post(url: Uri, request: &Request) -> Result<HttpRequest<&[u8]>, FetchFault> {
    let mut post = HttpRequest::post(url).header("connection", "close");
    for (name, value) in &request.headers {
        // EXPOSE: the header goes to the server; marked, so that the HTTP client does not log it.
        let value = HeaderValue::from_bytes(value.expose()).map(|mut value| {
            value.set_sensitive(true);
            value
        });
        let unfit = |_| misconfigured(if name == "user-agent" { "user_agent" } else { "client_secret" }, UNFIT);
        post = post.header(name, value.map_err(unfit)?);
    }
    // EXPOSE: the form goes to the server.
    post.body(request.body.expose()).map_err(|_| FetchFault::NotSent { detail: "a header cannot be sent".into() })
}

const UNFIT: &str = "has a character that no header can carry";

fn read(answer: HttpResponse<Body>) -> Result<Response, Cause> {
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
    body.read_to_end(&mut bytes)
        .map_err(|error| Cause::Network(format!("answer was cut off: {}", cause_of_io(&error).words())))?;
    Ok(Response { status, headers, body: SecretBytes::new(mem::take(&mut *bytes)) })
}

/// What the core looks at. Nothing else is kept: a header may hold a secret.
const KEPT_HEADERS: &[&str] = &["content-type", "date", "retry-after", "x-amzn-errortype"];

/// Why there is no answer, in words that hold neither the URL nor anything that was sent.
enum Cause {
    /// It may pass.
    Network(String),
    /// A proxy or a certificate stands in the way.
    Barrier(String),
    /// A setting cannot be used.
    Setting(&'static str, String),
}

impl Cause {
    fn words(self) -> String {
        match self {
            Self::Network(words) | Self::Barrier(words) | Self::Setting(_, words) => words,
        }
    }
}

/// Tells what happened to the request. Whether a byte of it left decides first: the name of an error cannot know.
fn fault(cause: Cause, sent: bool, way: &str) -> FetchFault {
    match cause {
        cause if sent => FetchFault::MaybeSent { detail: format!("{way}: {}", cause.words()) },
        Cause::Network(words) => FetchFault::NotSent { detail: format!("{way}: {words}") },
        Cause::Barrier(words) => FetchFault::Blocked { detail: format!("{way}: {words}") },
        Cause::Setting(setting, words) => misconfigured(setting, words),
    }
}

fn misconfigured(setting: &str, detail: impl Into<String>) -> FetchFault {
    FetchFault::Misconfigured { setting: setting.into(), detail: detail.into() }
}

/// Returns the host that was asked, and through whom, for the person who has to look. A proxy's password is left out.
fn way(url: &Uri, proxy: Option<&Proxy>) -> String {
    let host = url.host().unwrap_or_default();
    proxy.map_or_else(|| host.into(), |proxy| format!("{host} through proxy {}:{}", proxy.host(), proxy.port()))
}

fn cause(error: &ureq::Error) -> Cause {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "ureq adds errors; what they say of themselves may hold the URL"
    )]
    match error {
        ureq::Error::Io(error) => cause_of_io(error),
        ureq::Error::ConnectProxyFailed(reason) => refused_by_proxy(reason),
        // Raised before there is a connection. What goes wrong on one comes in an envelope.
        ureq::Error::Rustls(error) => Cause::Setting("trust_store", error.to_string()),
        ureq::Error::Tls(_) => Cause::Setting("token_url", "its host cannot stand in a certificate".into()),
        ureq::Error::Timeout(_)
        | ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::InvalidProxyUrl
        | ureq::Error::TlsRequired
        | ureq::Error::LargeResponseHeader(..)
        | ureq::Error::Pem(_) => Cause::Network(error.to_string()),
        // Its own words may quote the answer.
        ureq::Error::Protocol(_) => Cause::Network("answer is not proper HTTP".into()),
        _ => Cause::Network("the HTTP client failed".into()),
    }
}

fn cause_of_io(error: &std::io::Error) -> Cause {
    match error.get_ref().map(|inner| (inner, inner.downcast_ref())) {
        // The client's own error in an envelope.
        Some((_, Some(own))) => cause(own),
        // rustls in an envelope: it says what is wrong with the certificate and never quotes what is sent over it.
        Some((tls, None)) if error.kind() == std::io::ErrorKind::InvalidData => Cause::Barrier(tls.to_string()),
        Some((_, None)) | None => Cause::Network(error.kind().to_string()),
    }
}

/// Reads the status behind which the HTTP client hides a proxy's page: "proxy server responded 407/407".
fn refused_by_proxy(reason: &str) -> Cause {
    let status = reason.rsplit('/').next().and_then(|status| status.parse::<u16>().ok());
    match status {
        // The proxy is willing, and cannot reach the server or is busy.
        Some(status @ (408 | 429 | 500..=599)) => Cause::Network(format!("proxy answered {status}")),
        Some(407) => Cause::Barrier("proxy answered 407: it wants a name and a password".into()),
        Some(status) => Cause::Barrier(format!("proxy answered {status}")),
        None => Cause::Network("proxy did not answer".into()),
    }
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "network_tests.rs"]
mod network_tests;
