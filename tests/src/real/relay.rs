//! A bad road: a relay on loopback between workers and their provider that drops, cuts and delays.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use super::PATIENCE;

/// What happens to one request and its answer.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Mishap {
    /// Nothing.
    None,
    /// The connection closes before the server hears of it.
    DropRequest,
    /// The server gets half of the request.
    CutRequest,
    /// The server answers and the answer is lost.
    DropAnswer,
    /// The server answers and half of the answer is lost.
    CutAnswer,
    /// A page takes the answer's place, after the server has answered.
    Page,
    /// Request and answer take this many milliseconds longer.
    Delay(u16),
}

/// A relay that works until the test ends.
pub struct Relay {
    address: String,
    counts: Counts,
}

type Counts = Arc<Mutex<BTreeMap<&'static str, u32>>>;

impl Relay {
    /// Starts a relay to the server of a URL. `next` says what happens to the next request.
    pub fn start(url: &str, mut next: impl FnMut() -> Mishap + Send + 'static) -> Self {
        Self::with(url, move || (next(), false))
    }

    /// Starts a relay that passes on refusals without a word: a status of 400 and an empty body.
    pub fn silent(url: &str) -> Self {
        Self::with(url, || (Mishap::None, true))
    }

    /// Returns the way to the provider over this relay.
    pub fn token_url(&self) -> String {
        format!("http://{}/token", self.address)
    }

    /// Returns how often each mishap took place.
    pub fn counts(&self) -> BTreeMap<&'static str, u32> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn with(url: &str, mut next: impl FnMut() -> (Mishap, bool) + Send + 'static) -> Self {
        let rest = url.strip_prefix("http://").expect("a provider of ours speaks plain HTTP");
        let server = rest.split('/').next().unwrap_or_default().to_string();
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a port left");
        let address = listener.local_addr().expect("it is bound").to_string();
        let counts = Counts::default();
        let counted = Arc::clone(&counts);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (mishap, silent) = next();
                *counted.lock().unwrap_or_else(PoisonError::into_inner).entry(name(mishap)).or_default() += 1;
                let server = server.clone();
                // A connection that breaks is what this is for.
                thread::spawn(move || drop(carry(client, &server, mishap, silent)));
            }
        });
        Self { address, counts }
    }
}

fn name(mishap: Mishap) -> &'static str {
    match mishap {
        Mishap::None => "none",
        Mishap::DropRequest => "drop request",
        Mishap::CutRequest => "cut request",
        Mishap::DropAnswer => "drop answer",
        Mishap::CutAnswer => "cut answer",
        Mishap::Page => "page",
        Mishap::Delay(_) => "delay",
    }
}

fn carry(mut client: TcpStream, server: &str, mishap: Mishap, silent: bool) -> std::io::Result<()> {
    client.set_read_timeout(Some(PATIENCE))?;
    let request = read_request(&mut client)?;
    if mishap == Mishap::DropRequest {
        return Ok(());
    }
    if let Mishap::Delay(ms) = mishap {
        thread::sleep(Duration::from_millis(ms.into()));
    }
    let mut server = TcpStream::connect(server)?;
    server.set_read_timeout(Some(PATIENCE))?;
    let half = |bytes: &[u8]| bytes.len() / 2;
    let sent = if mishap == Mishap::CutRequest { half(&request) } else { request.len() };
    server.write_all(&request[..sent])?;
    server.shutdown(Shutdown::Write)?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    match mishap {
        Mishap::CutRequest | Mishap::DropAnswer => return Ok(()),
        Mishap::CutAnswer => answer.truncate(half(&answer)),
        Mishap::Page => answer = PAGE.into(),
        Mishap::None if silent && answer.starts_with(b"HTTP/1.1 400 ") => answer = SILENCE.into(),
        Mishap::None | Mishap::DropRequest => {}
        Mishap::Delay(ms) => thread::sleep(Duration::from_millis(ms.into())),
    }
    client.write_all(&answer)
}

const PAGE: &[u8] =
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 24\r\n\r\n<html>Bad Gateway</html>";
const SILENCE: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";

/// Reads headers and body.
fn read_request(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Ok(bytes);
            }
        }
        let mut more = [0; 4096];
        match stream.read(&mut more)? {
            0 => return Ok(bytes),
            read => bytes.extend_from_slice(&more[..read]),
        }
    }
}
