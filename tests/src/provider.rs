//! A strict rotating server: each refresh token works once, and a spent one that comes again ends the family.

use std::time::Duration;

use tokenward::{Response, SecretBytes};

/// The server.
#[derive(Debug, Default)]
pub struct Provider {
    /// Whether the token before the newest one is answered with the same tokens until the newest one is used.
    pub grace: bool,
    /// The life of an access token.
    pub life: Duration,
    /// Every pair of tokens ever issued; a token's number is its place here.
    pub pairs: Vec<Pair>,
    /// Every request that was judged.
    pub log: Vec<Judged>,
    pub families: u32,
    /// The families that were ended because a spent token came again.
    pub revoked: u32,
}

/// An access token and a refresh token that were issued together.
#[derive(Clone, Debug)]
pub struct Pair {
    pub family: u32,
    pub account: &'static str,
    pub state: Refresh,
    /// The end of the access token in true time.
    pub ends: Duration,
}

/// What a refresh token is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    Live,
    Spent { by: usize },
    Revoked,
}

/// A request that was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    pub at: Duration,
    /// The refresh token's number.
    pub sent: usize,
    /// The number of the pair that was granted.
    pub granted: Option<usize>,
}

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    Healthy,
    /// The server answers with this status and perhaps a `Retry-After`.
    Status(u16, Option<u64>),
    /// The connection fails before a byte left.
    NotSent,
    /// The connection fails on the way there; nobody can tell.
    LostBefore,
    /// The server rotates and the answer is lost.
    LostAfter,
    /// A portal answers.
    Page,
    /// The server rotates and answers with half an object.
    Torn,
    /// The server rotates and answers without an access token.
    NoAccessToken,
    /// The server refuses the client.
    WrongClient,
}

impl Fate {
    /// Returns whether the server gets to judge the refresh token.
    pub fn is_judged(self) -> bool {
        matches!(self, Self::Healthy | Self::LostAfter | Self::Torn | Self::NoAccessToken)
    }
}

impl Provider {
    /// Issues the first tokens of a new family.
    pub fn log_in(&mut self, account: &'static str, now: Duration) -> usize {
        self.families += 1;
        self.issue(self.families, account, now)
    }

    /// Judges a refresh token. Returns the number of the pair it yields.
    pub fn judge(&mut self, sent: usize, now: Duration) -> Option<usize> {
        let pair = self.pairs[sent].clone();
        let granted = match pair.state {
            Refresh::Live => {
                let next = self.issue(pair.family, pair.account, now);
                self.pairs[sent].state = Refresh::Spent { by: next };
                Some(next)
            }
            Refresh::Spent { by } if self.grace && self.pairs[by].state == Refresh::Live => Some(by),
            Refresh::Spent { .. } | Refresh::Revoked => {
                self.revoke(pair.family);
                None
            }
        };
        self.log.push(Judged { at: now, sent, granted });
        granted
    }

    /// Ends a login.
    pub fn revoke(&mut self, family: u32) {
        let live = self.pairs.iter_mut().filter(|pair| pair.family == family && pair.state == Refresh::Live);
        let ended = live.map(|pair| pair.state = Refresh::Revoked).count();
        self.revoked += u32::from(ended > 0);
    }

    /// Returns whether a request with this token would be granted.
    pub fn would_grant(&self, number: usize) -> bool {
        match self.pairs[number].state {
            Refresh::Live => true,
            Refresh::Spent { by } => self.grace && self.pairs[by].state == Refresh::Live,
            Refresh::Revoked => false,
        }
    }

    /// Returns the seconds an access token has left.
    pub fn expires_in(&self, number: usize, now: Duration) -> u64 {
        self.pairs[number].ends.saturating_sub(now).as_secs()
    }

    /// Returns the answer to a request that was judged. `answer` names it.
    pub fn response(&self, fate: Fate, granted: Option<usize>, answer: usize, now: Duration) -> Response {
        let json = ("Content-Type".to_string(), "application/json".to_string());
        let page = ("Content-Type".to_string(), "text/html".to_string());
        let (status, headers, body) = match (fate, granted) {
            (Fate::Status(status, wait), _) => {
                let wait = wait.map(|wait| ("Retry-After".to_string(), wait.to_string()));
                (status, wait.into_iter().collect(), format!("answer-{answer}"))
            }
            (Fate::Page, _) => (403, vec![page], format!("<html><body>Please sign in. answer-{answer}</body></html>")),
            (Fate::WrongClient, _) => {
                (401, vec![json], format!(r#"{{"error":"invalid_client","id":"answer-{answer}"}}"#))
            }
            (_, None) => (400, vec![json], format!(r#"{{"error":"invalid_grant","id":"answer-{answer}"}}"#)),
            (Fate::Torn, Some(_)) => (200, vec![json], format!(r#"{{"id":"answer-{answer}","acc"#)),
            (Fate::NoAccessToken, Some(number)) => {
                (200, vec![json], format!(r#"{{"refresh_token":"refresh-token-{number}","id":"answer-{answer}"}}"#))
            }
            (_, Some(number)) => {
                let life = self.expires_in(number, now);
                let body = format!(
                    r#"{{"access_token":"access-token-{number}","refresh_token":"refresh-token-{number}","token_type":"Bearer","expires_in":{life},"id":"answer-{answer}"}}"#
                );
                (200, vec![json], body)
            }
        };
        Response { status, headers, body: SecretBytes::new(body.into_bytes()) }
    }

    fn issue(&mut self, family: u32, account: &'static str, now: Duration) -> usize {
        self.pairs.push(Pair { family, account, state: Refresh::Live, ends: now + self.life });
        self.pairs.len() - 1
    }
}

/// Returns every number that follows `word` in some bytes.
pub fn numbers(bytes: &[u8], word: &str) -> Vec<usize> {
    let word = word.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(hit) = bytes[at..].iter().position(|byte| *byte == word[0]) {
        at += hit;
        if !bytes[at..].starts_with(word) {
            at += 1;
            continue;
        }
        at += word.len();
        let digits = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if let Ok(number) = std::str::from_utf8(&bytes[at..at + digits]).unwrap_or_default().parse() {
            found.push(number);
        }
    }
    found
}
