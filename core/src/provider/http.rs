//! One HTTP/1.1 request per connection, read within bounds.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    format,
    io::{self, Read, Write},
    string::{String, ToString},
    vec,
    vec::Vec,
};

use serde_json::Value;

/// A request as far as this server cares.
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

const MAX_HEAD: usize = 16 * 1024;
const MAX_REQUEST_BODY: usize = 64 * 1024;

impl Request {
    /// Reads a request; `None` if it is none, or too large, or ends early.
    pub(super) fn read(stream: &mut impl Read) -> io::Result<Option<Self>> {
        let mut bytes = Vec::new();
        let mut chunk = [0; 4096];
        let head_end = loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break end;
            }
            let count = stream.read(&mut chunk)?;
            if count == 0 || bytes.len() > MAX_HEAD {
                return Ok(None);
            }
            bytes.extend(chunk.iter().take(count));
        };
        let mut body = bytes.split_off(head_end.saturating_add(4));
        let Ok(head) = String::from_utf8(bytes) else { return Ok(None) };
        let Some(mut request) = Self::parse_head(&head) else { return Ok(None) };
        let length = match request.header("content-length").map(str::parse::<usize>) {
            None if request.header("transfer-encoding").is_none() => 0,
            Some(Ok(length)) if length <= MAX_REQUEST_BODY => length,
            None | Some(_) => return Ok(None),
        };
        while body.len() < length {
            let count = stream.read(&mut chunk)?;
            if count == 0 {
                return Ok(None);
            }
            body.extend(chunk.iter().take(count));
        }
        body.truncate(length);
        request.body = body;
        Ok(Some(request))
    }

    fn parse_head(head: &str) -> Option<Self> {
        let mut lines = head.split("\r\n");
        let mut words = lines.next()?.split(' ');
        let (method, target) = (words.next()?, words.next()?);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_string()))
            .collect();
        Some(Self { method: method.into(), path: path.into(), query: form(query), headers, body: vec![] })
    }

    /// Returns the first header of that name, given in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        field(&self.headers, name)
    }

    /// Returns the fields of the body: a form (RFC 6749 section 6), or the texts of a JSON object, as some tools send it.
    pub(super) fn fields(&self) -> Vec<(String, String)> {
        let body = String::from_utf8_lossy(&self.body);
        let is_json = self.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
        if !is_json {
            return form(&body);
        }
        let texts = serde_json::from_str::<BTreeMap<String, Value>>(&body).unwrap_or_default().into_iter();
        texts.filter_map(|(name, value)| Some((name, value.as_str()?.to_string()))).collect()
    }

    /// Returns the first query parameter of that name.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        field(&self.query, name)
    }
}

/// Returns the first value of that name.
pub(super) fn field<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// Decodes `application/x-www-form-urlencoded`.
pub(super) fn form(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hex(rest.next()).zip(hex(rest.next())).map_or(b'?', |(high, low)| (high << 4) | low),
            plain => plain,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: Option<u8>) -> Option<u8> {
    char::from(digit?).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// What goes back, and how much of it.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
    /// The number of bytes after which the body is cut off.
    pub(super) cut: Option<usize>,
}

impl Answer {
    /// Returns a JSON answer.
    pub(super) fn json(status: u16, body: impl ToString) -> Self {
        let headers = vec![
            ("Content-Type".into(), "application/json".into()),
            // RFC 6749 section 5.1
            ("Cache-Control".into(), "no-store".into()),
        ];
        Self { status, headers, body: body.to_string(), cut: None }
    }

    /// Writes the answer with a single write.
    pub(super) fn write(&self, stream: &mut impl Write, date: &str) -> io::Result<()> {
        let mut bytes = format!("HTTP/1.1 {} {}\r\nDate: {date}\r\n", self.status, reason(self.status)).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        let length = format!("Content-Length: {}\r\nConnection: close\r\n\r\n", self.body.len());
        bytes.extend_from_slice(length.as_bytes());
        let body = self.body.as_bytes();
        bytes.extend(body.iter().take(self.cut.unwrap_or(body.len())));
        stream.write_all(&bytes)?;
        stream.flush()
    }
}

fn reason(status: u16) -> Cow<'static, str> {
    match status {
        200 => "OK".into(),
        400 => "Bad Request".into(),
        401 => "Unauthorized".into(),
        404 => "Not Found".into(),
        408 => "Request Timeout".into(),
        429 => "Too Many Requests".into(),
        500 => "Internal Server Error".into(),
        503 => "Service Unavailable".into(),
        _ => "Answer".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_is_decoded() {
        let fields = form("grant_type=refresh_token&a=b%2Bc+d&broken=%4");

        assert_eq!(field(&fields, "grant_type"), Some("refresh_token"));
        assert_eq!(field(&fields, "a"), Some("b+c d"));
        assert_eq!(field(&fields, "broken"), Some("?"));
    }

    #[test]
    fn fields_come_as_a_form_or_as_json() {
        let with = |kind: &str, body: &str| {
            let text =
                format!("POST /token HTTP/1.1\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            Request::read(&mut text.as_bytes()).unwrap().unwrap().fields()
        };
        let expected = [(String::from("a"), String::from("b c"))];

        assert_eq!(with("application/x-www-form-urlencoded", "a=b+c"), expected);
        assert_eq!(with("application/json; charset=utf-8", r#"{"a":"b c","n":1}"#), expected);
        assert_eq!(with("application/json", "a=b+c"), []);
    }

    #[test]
    fn request_in_pieces_is_read_whole_and_one_without_end_is_none() {
        let whole = b"POST /token?x=1 HTTP/1.1\r\nContent-Length: 4\r\n\r\na=bc";

        let request = Request::read(&mut Trickle(whole)).unwrap().unwrap();

        assert_eq!(
            (request.path.as_str(), request.query("x"), request.body.as_slice()),
            ("/token", Some("1"), &b"a=bc"[..])
        );
        assert!(
            Request::read(&mut Trickle(b"POST /token HTTP/1.1\r\nContent-Length: 9\r\n\r\na=b")).unwrap().is_none()
        );
        assert!(Request::read(&mut io::repeat(b'x')).unwrap().is_none());
    }

    struct Trickle(&'static [u8]);

    impl Read for Trickle {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let (first, rest) = self.0.split_at(self.0.len().min(3));
            buffer[..first.len()].copy_from_slice(first);
            self.0 = rest;
            Ok(first.len())
        }
    }
}
