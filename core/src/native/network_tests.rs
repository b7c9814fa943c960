//! The transport on bad roads: proxies, certificates, dead addresses, odd answers. What left is counted by the server.

use core::{iter, net::SocketAddr, time::Duration};
use std::{
    fs,
    io::{ErrorKind, Write},
    net::{Shutdown, TcpListener, TcpStream},
    path::Path,
    println,
    process::Command,
    sync::mpsc,
    vec,
};

use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use ureq::{
    Error,
    config::Config as AgentConfig,
    unversioned::{resolver::ResolvedSocketAddrs, transport::NextTimeout},
};

use super::*;

// -- Certificates ---------------------------------------------------------------------------------------------------

#[test]
fn certificate_of_an_extra_ca_is_believed_beside_the_system() {
    let Some(made) = Certificates::make() else { return };
    let server = Server::tls(made.show("good"), GRANT);

    let answered = made.client().fetch(URL, &[server.address]);

    assert_eq!(status_of(&answered), 200);
    assert!(server.received().ends_with("refresh_token=refresh-token-1"));
}

#[test]
fn certificate_nobody_vouches_for_is_named_with_its_host_and_nothing_is_sent() {
    let Some(made) = Certificates::make() else { return };
    for (shown, client, cause) in [
        ("wronghost", made.client(), "certificate not valid for name"),
        ("expired", made.client(), "certificate expired"),
        ("selfsigned", made.client(), "UnknownIssuer"),
        ("good", Client::default(), "UnknownIssuer"),
    ] {
        let server = Server::tls(made.show(shown), GRANT);

        let refused = client.fetch(URL, &[server.address]);

        let Err(FetchFault::Blocked { detail }) = &refused else { panic!("{shown}: {refused:?}") };
        assert!(detail.starts_with("id.test: ") && detail.contains(cause), "{shown}: {detail}");
        assert_eq!(server.received(), "", "{shown}");
    }
}

#[test]
fn damaged_ca_file_stops_before_a_connection_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    fs::write(&ca_file, "-----BEGIN CERTIFICATE-----\nMAMFAA==\n-----END CERTIFICATE-----\n").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();

    let refused = Client::with_ca_file(&ca_file).fetch(URL, &[listener.local_addr().unwrap()]);

    let detail = format!("{}: a certificate is damaged", ca_file.display());
    assert_eq!(refused, Err(misconfigured("ca_file", detail)));
    assert_nobody_came(&listener);
}

#[test]
fn connection_that_ends_in_the_handshake_has_sent_nothing() {
    let server = Server::new(|mut connection| {
        drop(connection.read(&mut [0; 4096]));
        vec![]
    });

    let broken = Client::default().fetch(URL, &[server.address]);

    assert!(matches!(broken, Err(FetchFault::NotSent { .. })), "{broken:?}");
}

#[test]
fn connection_that_ends_after_the_handshake_may_have_carried_the_request() {
    let Some(made) = Certificates::make() else { return };
    let silent = Server::tls(made.show("good"), "");

    let broken = made.client().fetch(URL, &[silent.address]);

    assert!(matches!(broken, Err(FetchFault::MaybeSent { .. })), "{broken:?}");
    assert!(silent.received().contains("refresh-token-1"));
}

// -- Proxies --------------------------------------------------------------------------------------------------------

#[test]
fn proxy_that_refuses_blocks_the_way_and_has_seen_no_token() {
    for (answer, blocked, cause) in [
        ("407 Proxy Authentication Required", true, "proxy answered 407: it wants a name and a password"),
        ("403 Forbidden", true, "proxy answered 403"),
        ("302 Found\r\nLocation: http://portal.test/", true, "proxy answered 302"),
        ("400 Bad Request", true, "proxy answered 400"),
        ("502 Bad Gateway", false, "proxy answered 502"),
        ("503 Service Unavailable", false, "proxy answered 503"),
    ] {
        let page = "<html>invalid_grant</html>";
        let proxy = Server::answering(&format!("HTTP/1.1 {answer}\r\nContent-Length: {}\r\n\r\n{page}", page.len()));

        let refused = Client::default().through("http://proxy.test:3128").fetch(URL, &[proxy.address]);

        let detail = format!("id.test through proxy proxy.test:3128: {cause}");
        let expected = if blocked { FetchFault::Blocked { detail } } else { FetchFault::NotSent { detail } };
        assert_eq!(refused, Err(expected));
        assert_only_asked_to_connect(&proxy.received());
    }
}

#[test]
fn proxy_that_hangs_up_has_seen_no_token() {
    for answer in ["", "HTTP/1.1 200 Connected\r\n\r\n", "HTTP/1.1 200 Connected\r\n\r\nHTTP/1.1 400 Bad\r\n\r\n", "no"]
    {
        let proxy = Server::answering(answer);

        let refused = Client::default().through("http://proxy.test:3128").fetch(URL, &[proxy.address]);

        assert!(!matches!(refused, Ok(_) | Err(FetchFault::MaybeSent { .. })), "{answer}: {refused:?}");
        assert_only_asked_to_connect(&proxy.received());
    }
}

#[test]
fn proxy_gets_its_name_and_password_and_nobody_else_does() {
    let Some(made) = Certificates::make() else { return };
    let proxy = Server::tunnel(made.show("good"), GRANT);

    let answered = made.client().through("http://user:secret-1@proxy.test:3128").fetch(URL, &[proxy.address]);

    assert_eq!(status_of(&answered), 200);
    let (connect, request) = (proxy.received(), proxy.received());
    // "user:secret-1" in base64.
    assert!(connect.contains("Proxy-Authorization: Basic dXNlcjpzZWNyZXQtMQ==\r\n"), "{connect}");
    assert_only_asked_to_connect(&connect);
    assert!(!request.to_ascii_lowercase().contains("proxy-auth") && request.contains("refresh-token-1"), "{request}");
}

#[test]
fn name_and_password_of_a_proxy_stand_in_no_error() {
    let proxy = Server::answering("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");

    let refused = Client::default().through("http://user:secret-1@proxy.test:3128").fetch(URL, &[proxy.address]);

    let shown = format!("{refused:?}");
    assert!(shown.contains("407") && !shown.contains("secret-1") && !shown.contains("dXNlcj"), "{shown}");
}

#[test]
fn proxy_that_opens_tls_itself_needs_its_ca() {
    let Some(made) = Certificates::make() else { return };
    let through = |client: Client| {
        let proxy = Server::tunnel(made.show("good"), GRANT);
        (client.through("http://proxy.test:3128").fetch(URL, &[proxy.address]), proxy)
    };

    let (trusted, _) = through(made.client());
    let (refused, proxy) = through(Client::default());

    assert_eq!(status_of(&trusted), 200);
    let Err(FetchFault::Blocked { detail }) = &refused else { panic!("{refused:?}") };
    assert!(detail.contains("id.test through proxy proxy.test:3128: ") && detail.contains("UnknownIssuer"), "{detail}");
    assert_only_asked_to_connect(&proxy.received());
    assert_eq!(proxy.received(), "", "something went through the tunnel");
}

#[test]
fn tunnel_that_breaks_after_the_request_may_have_carried_it() {
    let Some(made) = Certificates::make() else { return };
    let proxy = Server::tunnel(made.show("good"), "");

    let broken = made.client().through("http://proxy.test:3128").fetch(URL, &[proxy.address]);

    assert!(matches!(broken, Err(FetchFault::MaybeSent { .. })), "{broken:?}");
}

#[test]
fn proxy_variable_that_cannot_be_used_leads_nowhere() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = Client { proxy: Err("no proxy"), ..Client::default() };

    let refused = client.fetch(URL, &[listener.local_addr().unwrap()]);

    assert_eq!(refused, Err(misconfigured("HTTPS_PROXY", "no proxy")));
    assert_nobody_came(&listener);
}

// -- Addresses ------------------------------------------------------------------------------------------------------

#[test]
fn address_that_refuses_is_followed_by_the_next() {
    let refusing = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = Server::answering(OK);

    let answered = Client::default().fetch(PLAIN, &[refusing, server.address]);

    assert_eq!(status_of(&answered), 200);
}

#[test]
fn localhost_that_is_ipv6_first_reaches_a_server_on_ipv4_only() {
    let server = Server::answering(OK);
    // Nobody listens there: on a machine without IPv6 there is not even a way.
    let ipv6 = SocketAddr::new(core::net::Ipv6Addr::LOCALHOST.into(), server.address.port());

    let answered = Client::default().fetch(PLAIN, &[ipv6, server.address]);

    assert_eq!(status_of(&answered), 200);
}

#[test]
fn server_on_ipv6_only_is_reached() {
    let Ok(listener) = TcpListener::bind("[::1]:0") else {
        println!("SKIPPED network: the machine has no IPv6");
        return;
    };
    let server = Server::on(listener, answering(OK));

    let url = format!("http://{}/token", server.address);
    let answered = Client::default().fetch(&url, &[server.address]);

    assert_eq!(status_of(&answered), 200);
}

#[test]
fn address_that_is_dead_leaves_time_for_the_next() {
    let Some(dead) = Dead::new() else { return };
    let server = Server::answering(OK);

    let answered = Client::default().fetch(PLAIN, &[dead.address, server.address]);

    assert_eq!(status_of(&answered), 200);
}

#[test]
fn addresses_that_are_all_dead_have_sent_nothing() {
    let Some(dead) = Dead::new() else { return };

    let nobody = Client::default().fetch(PLAIN, &[dead.address, dead.address]);

    assert!(matches!(nobody, Err(FetchFault::NotSent { .. })), "{nobody:?}");
}

// -- Answers --------------------------------------------------------------------------------------------------------

#[test]
fn odd_answers_are_read_to_the_end() {
    for (answer, status, body) in [
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, "{}"),
        ("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, "{}"),
        ("HTTP/1.0 200 OK\r\n\r\n{}", 200, "{}"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", 200, "{}"),
        ("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x0b", 200, "\x1f\x0b"),
        ("HTTP/1.1 204 No Content\r\n\r\n", 204, ""),
        ("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 2\r\n\r\n<>", 302, "<>"),
        ("HTTP/1.1 307 Again\r\nLocation: /token\r\nContent-Length: 0\r\n\r\n", 307, ""),
        ("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>", 200, "<html>"),
    ] {
        let server = Server::answering(answer);

        let answered = Client::default().fetch(PLAIN, &[server.address]);

        let answered = answered.unwrap_or_else(|fault| panic!("{answer:?}: {fault:?}"));
        assert_eq!((answered.status, answered.body.expose()), (status, body.as_bytes()), "{answer:?}");
    }
}

#[test]
fn answer_that_comes_before_the_request_was_read_is_an_answer() {
    let server = Server::new(|mut connection| {
        drop(connection.write_all(b"HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n"));
        drop(connection.shutdown(Shutdown::Write));
        read_on(&mut connection)
    });

    let answered = Client::default().fetch(PLAIN, &[server.address]);

    assert_eq!(status_of(&answered), 429);
}

#[test]
fn giant_header_is_no_answer() {
    let giant = format!("HTTP/1.1 200 OK\r\nX: {}\r\nContent-Length: 0\r\n\r\n", "x".repeat(1 << 20));
    let server = Server::answering(&giant);

    let refused = Client::default().fetch(PLAIN, &[server.address]);

    assert!(matches!(refused, Err(FetchFault::MaybeSent { .. })), "{refused:?}");
}

#[test]
fn answer_that_drips_ends_with_the_time_for_all_of_it() {
    for head in ["", "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"] {
        let server = Server::new(move |mut connection| {
            let received = read_request(&mut connection);
            // Slow, but never silent: no single wait is long.
            let drip = iter::once(head.as_bytes()).chain(iter::repeat(&b"H"[..]));
            for bytes in drip {
                if connection.write_all(bytes).is_err() {
                    break;
                }
                thread::sleep(Duration::from_millis(10));
            }
            received
        });
        let client = Client { timeout: Duration::from_millis(300), ..Client::default() };

        let cut = client.fetch(PLAIN, &[server.address]);

        assert!(matches!(cut, Err(FetchFault::MaybeSent { .. })), "{cut:?}");
    }
}

#[test]
fn request_goes_out_once_over_a_connection_of_its_own() {
    for answer in [
        "",
        "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 307 Again\r\nLocation: /token\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Server::on(listener.try_clone().unwrap(), answering(answer));

        drop(Client::default().fetch(PLAIN, &[server.address]));

        assert_eq!(server.received().matches("POST ").count(), 1, "{answer:?}");
        assert_nobody_came(&listener);
    }
}

// -- Helpers --------------------------------------------------------------------------------------------------------

const URL: &str = "https://id.test/token";
const PLAIN: &str = "http://localhost/token";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const GRANT: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
/// How long anybody waits for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// A transport whose proxy and addresses are given.
struct Client {
    transport: UreqTransport,
    proxy: Result<Option<Proxy>, &'static str>,
    timeout: Duration,
}

impl Default for Client {
    fn default() -> Self {
        let transport = UreqTransport::new(&Config::new(URL, "my-client"));
        Self { transport, proxy: Ok(None), timeout: PATIENCE }
    }
}

impl Client {
    fn with_ca_file(ca_file: &Path) -> Self {
        let mut client = Self::default();
        client.transport.ca_file = ca_file.to_str().map(Into::into);
        client
    }

    fn through(self, proxy: &str) -> Self {
        Self { proxy: Ok(Some(Proxy::new(proxy).unwrap())), ..self }
    }

    fn fetch(&self, url: &str, addresses: &[SocketAddr]) -> Result<Response, FetchFault> {
        let request = Request {
            url: url.into(),
            headers: vec![],
            body: SecretBytes::new(b"grant_type=refresh_token&refresh_token=refresh-token-1".to_vec()),
            timeout: self.timeout,
            connect_timeout: Duration::from_secs(3),
        };
        let proxy = self.proxy.clone().map_err(|why| proxy::Unusable { variable: "HTTPS_PROXY", why: why.into() });
        let answered = self.transport.send(&request, |_| proxy, Addresses(addresses.to_vec()), &Arc::default());
        if let Err(fault) = &answered {
            assert!(!format!("{fault:?}").contains("refresh-token"), "{fault:?}");
        }
        answered
    }
}

/// Finds the same addresses for every name.
#[derive(Debug)]
struct Addresses(Vec<SocketAddr>);

impl Resolver for Addresses {
    fn resolve(&self, _: &Uri, _: &AgentConfig, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let mut found = self.empty();
        self.0.iter().for_each(|address| found.push(*address));
        Ok(found)
    }
}

/// A server for one connection that says what it received: a request, or each layer of it.
struct Server {
    address: SocketAddr,
    received: mpsc::Receiver<Vec<u8>>,
}

impl Server {
    fn new(act: impl FnOnce(TcpStream) -> Vec<u8> + Send + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), act)
    }

    fn on(listener: TcpListener, act: impl FnOnce(TcpStream) -> Vec<u8> + Send + 'static) -> Self {
        Self::telling(listener, |connection, to| drop(to.send(act(connection))))
    }

    fn answering(answer: &str) -> Self {
        Self::new(answering(answer))
    }

    fn tls(config: Arc<ServerConfig>, answer: &'static str) -> Self {
        Self::new(move |connection| answer_over_tls(connection, config, answer))
    }

    /// A proxy that opens the tunnel and answers in it itself.
    fn tunnel(config: Arc<ServerConfig>, answer: &'static str) -> Self {
        Self::telling(TcpListener::bind("127.0.0.1:0").unwrap(), move |mut connection, to| {
            to.send(read_request(&mut connection)).unwrap();
            connection.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").unwrap();
            drop(to.send(answer_over_tls(connection, config, answer)));
        })
    }

    fn telling(listener: TcpListener, act: impl FnOnce(TcpStream, &mpsc::Sender<Vec<u8>>) + Send + 'static) -> Self {
        let address = listener.local_addr().unwrap();
        let (to, received) = mpsc::channel();
        thread::spawn(move || act(listener.accept().unwrap().0, &to));
        Self { address, received }
    }

    fn received(&self) -> String {
        String::from_utf8_lossy(&self.received.recv_timeout(PATIENCE).unwrap()).into_owned()
    }
}

fn answering(answer: &str) -> impl FnOnce(TcpStream) -> Vec<u8> + Send + 'static {
    let answer: String = answer.into();
    move |mut connection| {
        let mut received = read_request(&mut connection);
        // The client may have gone by now.
        drop(connection.write_all(answer.as_bytes()));
        drop(connection.shutdown(Shutdown::Write));
        received.extend(read_on(&mut connection));
        received
    }
}

/// Returns what came out of the TLS connection, nothing where there was none.
fn answer_over_tls(connection: TcpStream, config: Arc<ServerConfig>, answer: &str) -> Vec<u8> {
    let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), connection);
    let received = read_request(&mut stream);
    drop(stream.write_all(answer.as_bytes()));
    stream.conn.send_close_notify();
    drop(stream.flush());
    received
}

/// Reads headers and body, or as much as comes.
fn read_request(stream: &mut impl Read) -> Vec<u8> {
    let mut bytes = vec![];
    let mut more = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return bytes;
            }
        }
        match stream.read(&mut more) {
            Ok(0) | Err(_) => return bytes,
            Ok(read) => bytes.extend_from_slice(&more[..read]),
        }
    }
}

fn read_on(stream: &mut impl Read) -> Vec<u8> {
    let mut bytes = vec![];
    drop(stream.read_to_end(&mut bytes));
    bytes
}

/// Certificates of a CA of our own.
struct Certificates(tempfile::TempDir);

impl Certificates {
    fn make() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/providers/make-certs.sh");
        if Command::new("openssl").arg("version").output().is_err() {
            println!("SKIPPED network: openssl is missing");
            return None;
        }
        let made = Command::new("sh").arg(script).arg(folder.path()).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Some(Self(folder))
    }

    fn client(&self) -> Client {
        Client::with_ca_file(&self.0.path().join("ca.pem"))
    }

    /// Returns the settings of a server that shows one of them.
    fn show(&self, name: &str) -> Arc<ServerConfig> {
        let file = |kind: &str| self.0.path().join(format!("{name}.{kind}"));
        let certificate = CertificateDer::from_pem_file(file("pem")).unwrap();
        let key = PrivateKeyDer::from_pem_file(file("key")).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap())
    }
}

/// An address that takes no connection and refuses none: its queue is full. `None` where that is not so, and then the
/// test has said so.
struct Dead {
    address: SocketAddr,
    _listener: TcpListener,
    _queue: Vec<TcpStream>,
}

impl Dead {
    fn new() -> Option<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        rustix::net::listen(&listener, 0).unwrap();
        let address = listener.local_addr().unwrap();
        let mut queue = vec![];
        for _ in 0..64 {
            match TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
                Ok(connection) => queue.push(connection),
                Err(error) if error.kind() == ErrorKind::TimedOut => {
                    return Some(Self { address, _listener: listener, _queue: queue });
                }
                Err(_) => break,
            }
        }
        println!("SKIPPED network: a full queue of connections does not make this machine silent");
        None
    }
}

fn status_of(answered: &Result<Response, FetchFault>) -> u16 {
    answered.as_ref().unwrap_or_else(|fault| panic!("{fault:?}")).status
}

fn assert_only_asked_to_connect(received: &str) {
    assert!(received.starts_with("CONNECT id.test:443 HTTP/1.1\r\n"), "{received}");
    assert!(!received.contains("refresh"), "{received}");
}

fn assert_nobody_came(listener: &TcpListener) {
    listener.set_nonblocking(true).unwrap();
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}
