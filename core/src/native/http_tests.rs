//! The transport against small servers of our own.

use core::time::Duration;
use std::{
    io::Write,
    net::{Shutdown, TcpListener, TcpStream},
    sync::mpsc,
    vec,
};

use super::*;
use crate::{
    Answer, Input,
    effect::{Outcome, Ticket},
};

#[test]
fn answer_comes_with_its_status_the_kept_headers_and_its_body() {
    let server = Server::answering(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n\
         Set-Cookie: session=secret\r\nContent-Length: 2\r\n\r\n{}",
    );

    let response = fetch(server.request()).unwrap();

    assert_eq!((response.status, response.body.expose()), (200, &b"{}"[..]));
    assert_eq!(response.header("Content-Type"), Some("application/json"));
    assert_eq!(response.header("Date"), Some("Thu, 01 Jan 2026 00:00:00 GMT"));
    assert_eq!(response.headers.len(), 2);
}

#[test]
fn request_is_a_post_over_a_connection_of_its_own_in_our_name() {
    let server = Server::answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");

    fetch(server.request()).unwrap();

    let sent = server.received().to_ascii_lowercase();
    assert!(sent.starts_with("post /token?tenant=1 http/1.1\r\n"), "{sent}");
    assert!(sent.ends_with("\r\n\r\ngrant_type=refresh_token&refresh_token=refresh-token-1"), "{sent}");
    for header in ["connection: close", "content-length: 54", "authorization: basic client-secret-1"] {
        assert_eq!(sent.matches(header).count(), 1, "{header}: {sent}");
    }
    assert!(sent.contains(concat!("user-agent: tokenward/", env!("CARGO_PKG_VERSION"))), "{sent}");
    assert!(!sent.contains("accept-encoding") && !sent.contains("expect:"), "{sent}");
}

#[test]
fn refusal_is_an_answer() {
    let server = Server::answering("HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nbusy");

    let response = fetch(server.request()).unwrap();

    assert_eq!((response.status, response.header("retry-after")), (503, Some("7")));
}

#[test]
fn redirect_is_an_answer_and_is_not_followed() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    let location = elsewhere.local_addr().unwrap();
    let server =
        Server::answering(&format!("HTTP/1.1 302 Found\r\nLocation: http://{location}/\r\nContent-Length: 0\r\n\r\n"));

    let response = fetch(server.request()).unwrap();

    elsewhere.set_nonblocking(true).unwrap();
    assert_eq!(response.status, 302);
    assert_eq!(elsewhere.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn body_that_ends_early_may_have_been_an_answer() {
    let cut_short = Server::answering("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"access_token\"");
    let cut_chunk = Server::answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"acc\r\n");
    let cut_header = Server::answering("HTTP/1.1 200 OK\r\nContent-Ty");

    for server in [cut_short, cut_chunk, cut_header] {
        assert_may_have_been_sent(&fetch(server.request()));
    }
}

#[test]
fn connection_that_breaks_before_the_answer_may_have_carried_the_request() {
    let closed = Server::doing(|connection| {
        read_request(&connection);
    });
    let reset = Server::doing(drop);

    for server in [closed, reset] {
        assert_may_have_been_sent(&fetch(server.request()));
    }
}

#[test]
fn what_is_no_http_is_no_answer_and_is_not_quoted() {
    let server = Server::answering("refresh-token-1\r\n\r\n");

    assert_may_have_been_sent(&fetch(server.request()));
}

#[test]
fn server_that_says_nothing_runs_into_the_timeout() {
    let server = Server::doing(|connection| {
        read_request(&connection);
        // Until the client gives up.
        drop((&connection).read(&mut [0]));
    });

    let silent = fetch(Request { timeout: Duration::from_millis(300), ..server.request() });

    assert_may_have_been_sent(&silent);
}

#[test]
fn refused_connection_has_sent_nothing() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();

    let refused = fetch(request(&format!("http://{nobody}/token?tenant=1")));

    assert_eq!(refused, Err(FetchFault::NotSent { detail: "127.0.0.1: connection refused".into() }));
}

#[test]
fn handshake_that_fails_has_sent_nothing() {
    let server = Server::doing(|mut connection| {
        drop(connection.read(&mut [0; 1024]));
        drop(connection.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
    });

    let failed = fetch(request(&format!("https://{}/token?tenant=1", server.address)));

    let is_named = |detail: &str| detail.starts_with("127.0.0.1: received corrupt message");
    assert!(matches!(&failed, Err(FetchFault::Blocked { detail }) if is_named(detail)), "{failed:?}");
}

#[test]
fn url_that_is_not_safe_has_sent_nothing() {
    for url in ["http://id.test/token?tenant=1", "ftp://127.0.0.1/", "", "https://user@id.test/"] {
        let refused = fetch(request(url));

        let is_named = |setting: &str| setting == "token_url";
        assert!(matches!(&refused, Err(FetchFault::Misconfigured { setting, .. }) if is_named(setting)), "{refused:?}");
        assert!(!format!("{refused:?}").contains("tenant"), "{refused:?}");
    }
}

#[test]
fn giant_answer_is_cut() {
    let long = "x".repeat(MAX_BODY + 100_000);
    let with_length = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{long}", long.len());
    let without_length = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{long}");

    for answer in [with_length, without_length] {
        let response = fetch(Server::answering(&answer).request()).unwrap();

        assert_eq!((response.status, response.body.len()), (200, MAX_BODY));
    }
}

#[test]
fn panic_in_the_client_is_answered() {
    let (to, from) = mpsc::channel();

    answer(op(request("https://id.test/")), reply_to(to), |_, _| panic!("a panic on purpose"));

    assert_may_have_been_sent(&outcome(from.recv().unwrap()));
}

#[test]
fn missing_ca_file_has_sent_nothing() {
    let mut config = Config::new("https://id.test/token", "my-client");
    config.ca_file = Some("/no-such-folder/ca.pem".into());

    let refused = fetch_with(&config, request("https://id.test/token"));

    assert_eq!(refused, Err(misconfigured("ca_file", "/no-such-folder/ca.pem: no such file")));
}

/// A server for one connection.
struct Server {
    address: std::net::SocketAddr,
    received: mpsc::Receiver<String>,
}

impl Server {
    fn answering(answer: &str) -> Self {
        let answer: String = answer.into();
        let (to, received) = mpsc::channel();
        let address = listen(move |mut connection| {
            to.send(read_request(&connection)).unwrap();
            // The client may have gone by now.
            drop(connection.write_all(answer.as_bytes()));
            drop(connection.shutdown(Shutdown::Write));
        });
        Self { address, received }
    }

    fn doing(act: impl FnOnce(TcpStream) + Send + 'static) -> Self {
        Self { address: listen(act), received: mpsc::channel().1 }
    }

    fn request(&self) -> Request {
        request(&format!("http://{}/token?tenant=1", self.address))
    }

    fn received(&self) -> String {
        self.received.recv().unwrap()
    }
}

fn listen(act: impl FnOnce(TcpStream) + Send + 'static) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || act(listener.accept().unwrap().0));
    address
}

/// Reads headers and body.
fn read_request(mut connection: &TcpStream) -> String {
    let mut bytes = vec![];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .to_ascii_lowercase()
                .split_once("content-length: ")
                .map_or(0, |(_, rest)| rest.lines().next().unwrap_or_default().parse().unwrap());
            if body.len() >= length {
                return text;
            }
        }
        let mut more = [0; 4096];
        match connection.read(&mut more).unwrap() {
            0 => return text,
            read => bytes.extend_from_slice(&more[..read]),
        }
    }
}

fn request(url: &str) -> Request {
    Request {
        url: url.into(),
        headers: vec![("authorization".into(), SecretBytes::new(b"Basic client-secret-1".to_vec()))],
        body: SecretBytes::new(b"grant_type=refresh_token&refresh_token=refresh-token-1".to_vec()),
        timeout: Duration::from_secs(10),
        connect_timeout: Duration::from_secs(5),
    }
}

fn fetch(request: Request) -> Result<Response, FetchFault> {
    fetch_with(&Config::new("https://id.test/token", "my-client"), request)
}

fn fetch_with(config: &Config, request: Request) -> Result<Response, FetchFault> {
    let (to, from) = mpsc::channel();
    UreqTransport::new(config).start(op(request), reply_to(to));
    outcome(from.recv().unwrap())
}

fn op(request: Request) -> Fetch {
    Fetch { ticket: Ticket(1), request }
}

fn reply_to(to: mpsc::Sender<Input>) -> Reply {
    std::boxed::Box::new(move |input| to.send(input).unwrap())
}

fn outcome(input: Input) -> Result<Response, FetchFault> {
    let Input::Answer(Answer { outcome: Outcome::Fetched(fetched), .. }) = input else {
        panic!("a fetch is answered by {input:?}")
    };
    fetched
}

/// And says so without a secret.
fn assert_may_have_been_sent(outcome: &Result<Response, FetchFault>) {
    assert!(matches!(outcome, Err(FetchFault::MaybeSent { .. })), "{outcome:?}");
    for secret in ["refresh-token", "client-secret", "tenant", "access_token"] {
        assert!(!format!("{outcome:?}").contains(secret), "{outcome:?}");
    }
}
