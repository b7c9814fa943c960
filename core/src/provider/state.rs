//! What the server knows and counts, and how it answers: everything but sockets and waiting.

use std::{
    fs::{File, OpenOptions},
    io,
    string::{String, ToString},
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    Options,
    book::{Book, Issued, Use},
    clock,
    control::{Command, Fault, Faults, Hold, Stats},
    http::{Answer, Request, field},
    log::{Line, name},
};

/// All of it, behind the server's one lock.
pub(super) struct State {
    book: Book,
    pub(super) options: Options,
    log: Option<File>,
    pub(super) stats: Stats,
    faults: Faults,
    pub(super) hold: Hold,
    pub(super) closed: bool,
}

impl State {
    /// Returns a server's state with a first family, and that family's refresh token.
    pub(super) fn new(options: Options) -> io::Result<(Self, String)> {
        let log = match &options.log {
            Some(path) => Some(OpenOptions::new().create(true).append(true).open(path)?),
            None => None,
        };
        let mut book = Book::new(|bytes| getrandom::fill(bytes).map_err(io::Error::other));
        let (_, refresh_token) = book.login()?;
        let state = Self {
            book,
            options,
            log,
            stats: Stats::default(),
            faults: Faults::default(),
            hold: Hold::Off,
            closed: false,
        };
        Ok((state, refresh_token))
    }

    /// Counts a token request and takes its fault.
    pub(super) fn arrive(&mut self) -> Option<Fault> {
        let stats = &mut self.stats;
        stats.requests = stats.requests.saturating_add(1);
        stats.concurrent_requests = stats.concurrent_requests.saturating_add(1);
        stats.max_concurrent_requests = stats.max_concurrent_requests.max(stats.concurrent_requests);
        let fault = self.faults.take();
        if fault.is_some() {
            stats.faults = stats.faults.saturating_add(1);
        }
        fault
    }

    /// Counts a token request that has its answer.
    pub(super) fn leave(&mut self) {
        self.stats.concurrent_requests = self.stats.concurrent_requests.saturating_sub(1);
        self.stats.answered = self.stats.answered.saturating_add(1);
    }

    /// Uses the refresh token and returns the answer, `None` where the connection is to be closed without one.
    pub(super) fn token(
        &mut self,
        request: &Request,
        fault: Option<&Fault>,
        now: Duration,
    ) -> io::Result<Option<Answer>> {
        let agent = request.header("user-agent").map(str::to_string);
        let (mut line, answer) = match fault {
            Some(fault) if !fault.rotates() => (
                Line { kind: "fault", ..Line::default() },
                Answer::json(503, json!({"error": "temporarily_unavailable"})),
            ),
            _ => self.spend(request, now)?,
        };
        let answer = match fault {
            None => Some(answer),
            Some(Fault::DropBefore | Fault::DropAfter) => None,
            Some(Fault::Cut(count)) => Some(Answer { cut: Some(*count), ..answer }),
            Some(Fault::Status { status, headers, body, .. }) => {
                Some(Answer { status: *status, headers: headers.clone(), body: body.clone(), cut: None })
            }
        };
        line.status = answer.as_ref().map_or(0, |answer| answer.status);
        line.agent = agent;
        self.log(line);
        Ok(answer)
    }

    fn spend(&mut self, request: &Request, now: Duration) -> io::Result<(Line, Answer)> {
        let fields = request.fields();
        let token = field(&fields, "refresh_token").unwrap_or_default();
        let wrong = match field(&fields, "grant_type") {
            Some("refresh_token") if token.is_empty() => Some((400, "invalid_request")),
            Some("refresh_token") if field(&fields, "client_id") != Some(&self.options.client_id) => {
                Some((401, "invalid_client"))
            }
            Some("refresh_token") => None,
            Some(_) => Some((400, "unsupported_grant_type")),
            None => Some((400, "invalid_request")),
        };
        if let Some((status, code)) = wrong {
            self.stats.bad_requests = self.stats.bad_requests.saturating_add(1);
            return Ok((Line { kind: "bad_request", ..Line::default() }, Answer::json(status, json!({"error": code}))));
        }
        let refused = || Answer::json(400, json!({"error": "invalid_grant"}));
        let line = |kind, token: &str| Line { kind, refresh_token: Some(name(token)), ..Line::default() };
        let issued_line = |kind, issued: &Issued| Line {
            access_token: Some(name(&issued.access_token)),
            ..line(kind, &issued.refresh_token).at(Some(issued.place))
        };
        let outcome = self.book.spend(token, &self.options, now)?;
        let count = match &outcome {
            Use::Rotation(_) => &mut self.stats.rotations,
            Use::Grace(_) => &mut self.stats.replays_in_grace,
            Use::Replay { .. } => &mut self.stats.replays,
            Use::Revoked(_) => &mut self.stats.revoked,
            Use::Unknown => &mut self.stats.unknown,
        };
        *count = count.saturating_add(1);
        Ok(match outcome {
            Use::Rotation(issued) => (issued_line("rotation", &issued), success(&issued)),
            Use::Grace(issued) => (issued_line("replay_in_grace", &issued), success(&issued)),
            Use::Replay { place, killed } => {
                self.stats.families_revoked = self.stats.families_revoked.saturating_add(u64::from(killed));
                (line("replay", token).at(Some(place)), refused())
            }
            Use::Revoked(place) => (line("revoked", token).at(Some(place)), refused()),
            Use::Unknown => (line("unknown", token), refused()),
        })
    }

    /// Answers a call of the API.
    pub(super) fn api(&mut self, request: &Request, now: Duration) -> Answer {
        let token = request.header("authorization").and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        let (place, live) = self.book.check(token, self.options.single, now);
        let (answer, count) = if live {
            (Answer::json(200, json!({"ok": true})), &mut self.stats.api_ok)
        } else {
            // RFC 6750 section 3: without a credential in the request there is no error code.
            let challenge = if token.is_empty() { "Bearer" } else { "Bearer error=\"invalid_token\"" };
            let mut answer = Answer::json(401, json!({"error": "invalid_token"}));
            answer.headers.push(("WWW-Authenticate".into(), challenge.into()));
            (answer, &mut self.stats.api_refused)
        };
        *count = count.saturating_add(1);
        let line = Line {
            kind: "api",
            status: answer.status,
            access_token: (!token.is_empty()).then(|| name(token)),
            caller: request.query("caller").map(Into::into),
            ..Line::default()
        };
        self.log(line.at(place));
        answer
    }

    /// Carries out a command.
    pub(super) fn obey(&mut self, command: Command, now: Duration) -> io::Result<Value> {
        match command {
            Command::Fault(fault, times) => self.faults.push(fault, times),
            Command::ClearFaults => self.faults.clear(),
            Command::Hold(hold) => self.hold = hold,
            Command::Ttl(ttl) => self.options.ttl = ttl,
            Command::Latency(latency) => self.options.latency = latency,
            Command::Grace(grace) => self.options.grace = grace,
            Command::Revoke(family) => {
                let killed = self.book.revoke(family);
                self.stats.families_revoked = self.stats.families_revoked.saturating_add(u64::from(killed));
            }
            Command::Login { access } => {
                let (place, refresh_token) = self.book.login()?;
                if !access {
                    return Ok(json!({"family": place.family, "refresh_token": refresh_token}));
                }
                let access_token = self.book.access(place, self.options.ttl, now)?;
                return Ok(json!({
                    "family": place.family,
                    "refresh_token": refresh_token,
                    "access_token": access_token,
                    "token_type": "Bearer",
                    "expires_in": seconds(self.options.ttl),
                }));
            }
        }
        Ok(json!({}))
    }

    /// Returns the counters.
    pub(super) fn stats_now(&self) -> Stats {
        let newest = self.book.newest();
        Stats {
            families: u64::try_from(self.book.families()).unwrap_or(u64::MAX),
            current_sequence: newest.map(|issued| issued.place.sequence),
            current_access_token_fingerprint: newest.map(|issued| name(&issued.access_token)),
            current_refresh_token_fingerprint: newest.map(|issued| name(&issued.refresh_token)),
            ..self.stats.clone()
        }
    }

    /// Returns the counters as JSON.
    pub(super) fn stats_json(&self) -> Value {
        serde_json::to_value(self.stats_now()).unwrap_or_default()
    }

    fn log(&mut self, mut line: Line) {
        line.time = clock::now().wall.as_millis();
        line.append(self.log.as_mut());
    }
}

/// A successful answer (RFC 6749 section 5.1).
fn success(issued: &Issued) -> Answer {
    Answer::json(
        200,
        json!({
            "access_token": issued.access_token,
            "token_type": "Bearer",
            "expires_in": seconds(issued.ttl),
            "refresh_token": issued.refresh_token,
        }),
    )
}

/// Whole seconds as an integer, as servers write them; anything else as a fraction.
fn seconds(span: Duration) -> Value {
    if span.subsec_nanos() == 0 { Value::from(span.as_secs()) } else { Value::from(span.as_secs_f64()) }
}
