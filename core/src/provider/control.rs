//! What tests ask of the provider: faults, holds, logins, counters.

use std::{
    collections::VecDeque,
    format,
    string::{String, ToString},
    time::Duration,
    vec::Vec,
};

use serde::Serialize;
use serde_json::{Map, Value};

/// What the provider has counted. A name that a counter has here is an `event` for `GET /control/wait`.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// Requests to the token endpoint, of whatever outcome.
    pub requests: u64,
    /// Rotations, those included whose answer was dropped, cut or replaced by a fault.
    pub rotations: u64,
    /// Uses of a spent refresh token outside the grace window, before and after its family died.
    pub replays: u64,
    /// Uses of the predecessor within the grace window.
    pub replays_in_grace: u64,
    /// Uses of the newest refresh token of a dead family.
    pub revoked: u64,
    /// Uses of refresh tokens that were never issued.
    pub unknown: u64,
    /// Token requests that are not what RFC 6749 section 6 asks for.
    pub bad_requests: u64,
    /// Families that were begun.
    pub families: u64,
    /// Families that died, by reuse or by command.
    pub families_revoked: u64,
    /// Injected faults that were used.
    pub faults: u64,
    /// Calls of the API with a live access token.
    pub api_ok: u64,
    /// Calls of the API that were refused.
    pub api_refused: u64,
    /// Token requests whose answer was written, or whose connection was closed on purpose.
    pub answered: u64,
    /// Token requests that are held now.
    pub held: u64,
    /// Token requests under way now.
    pub concurrent_requests: u64,
    /// The most token requests that were under way at once.
    pub max_concurrent_requests: u64,
    /// The number of the newest family's last rotation.
    pub current_sequence: Option<u64>,
    /// The name of the access token that came with it.
    pub current_access_token_fingerprint: Option<String>,
    /// The name of the refresh token that came with it.
    pub current_refresh_token_fingerprint: Option<String>,
}

/// One thing asked of the provider.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Command {
    Fault(Fault, u64),
    ClearFaults,
    Hold(Hold),
    Login { access: bool },
    Revoke(Option<usize>),
    Ttl(Duration),
    Latency(Duration),
    Grace(Duration),
}

/// What goes wrong with a token request.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fault {
    Status { status: u16, headers: Vec<(String, String)>, body: String, after: bool },
    DropBefore,
    DropAfter,
    Cut(usize),
}

impl Fault {
    /// Returns whether the refresh token is used all the same.
    pub(super) fn rotates(&self) -> bool {
        match self {
            Self::Status { after, .. } => *after,
            Self::DropBefore => false,
            Self::DropAfter | Self::Cut(_) => true,
        }
    }
}

/// Whether token requests wait, and where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Hold {
    #[default]
    Off,
    Before,
    After,
}

/// Faults that wait for their request.
#[derive(Default)]
pub(super) struct Faults(VecDeque<(Fault, u64)>);

impl Faults {
    pub(super) fn push(&mut self, fault: Fault, times: u64) {
        if times > 0 {
            self.0.push_back((fault, times));
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Takes the fault for the next request.
    pub(super) fn take(&mut self) -> Option<Fault> {
        let (fault, times) = self.0.front_mut()?;
        *times = times.saturating_sub(1);
        let taken = fault.clone();
        if *times == 0 {
            self.0.pop_front();
        }
        Some(taken)
    }
}

impl Command {
    /// Reads a command; the error says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let mut members = value.as_object().ok_or("not a JSON object")?.iter();
        let (Some((name, value)), None) = (members.next(), members.next()) else {
            return Err("not exactly one command".into());
        };
        match (name.as_str(), value) {
            ("fault", Value::Null) => Ok(Self::ClearFaults),
            ("fault", Value::Object(fault)) => Self::fault(fault),
            ("hold", Value::Bool(true)) => Ok(Self::Hold(Hold::After)),
            ("hold", Value::Bool(false)) => Ok(Self::Hold(Hold::Off)),
            ("hold", Value::String(when)) if when == "before" => Ok(Self::Hold(Hold::Before)),
            ("login", Value::Bool(true)) => Ok(Self::Login { access: false }),
            ("login", Value::String(what)) if what == "access" => Ok(Self::Login { access: true }),
            ("revoke", Value::String(what)) if what == "family" => Ok(Self::Revoke(None)),
            ("revoke", Value::Number(_)) => Ok(Self::Revoke(Some(number(value)?))),
            ("ttl", Value::Number(_)) => seconds(value).map(Self::Ttl),
            ("grace", Value::Number(_)) => seconds(value).map(Self::Grace),
            ("latency", Value::Number(_)) => Ok(Self::Latency(Duration::from_millis(number(value)?))),
            _ => Err(format!("unknown command {name}, or not its value")),
        }
    }

    fn fault(fault: &Map<String, Value>) -> Result<Self, String> {
        const KNOWN: [&str; 7] = ["status", "headers", "body", "after", "drop", "cut", "times"];
        if let Some(name) = fault.keys().find(|name| !KNOWN.contains(&name.as_str())) {
            return Err(format!("unknown member {name} of a fault"));
        }
        let times = fault.get("times").map_or(Ok(1), number)?;
        if let Some(status) = fault.get("status") {
            let headers = match fault.get("headers") {
                None => Vec::new(),
                Some(headers) => headers
                    .as_object()
                    .ok_or("headers are no object")?
                    .iter()
                    .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_string()))
                    .collect(),
            };
            let body = match fault.get("body") {
                None => String::new(),
                Some(Value::String(text)) => text.clone(),
                Some(json) => json.to_string(),
            };
            let after = fault.get("after").and_then(Value::as_bool).unwrap_or(false);
            return Ok(Self::Fault(Fault::Status { status: number(status)?, headers, body, after }, times));
        }
        let kind = match (fault.get("drop").map(Value::as_str), fault.get("cut")) {
            (Some(Some("before")), None) => Fault::DropBefore,
            (Some(Some("after")), None) => Fault::DropAfter,
            (None, Some(count)) => Fault::Cut(number(count)?),
            _ => return Err("a fault is one of status, drop (before, after) and cut".into()),
        };
        Ok(Self::Fault(kind, times))
    }
}

fn number<T: TryFrom<u64>>(value: &Value) -> Result<T, String> {
    value.as_u64().and_then(|number| T::try_from(number).ok()).ok_or_else(|| format!("{value} is no such number"))
}

fn seconds(value: &Value) -> Result<Duration, String> {
    value
        .as_f64()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| format!("{value} is no time in seconds"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_or_named_as_wrong() {
        let busy = Command::parse(r#"{"fault":{"status":503,"headers":{"Retry-After":"2"},"body":{"a":1},"times":2}}"#);

        let headers = Vec::from([("Retry-After".into(), "2".into())]);
        let status = Fault::Status { status: 503, headers, body: r#"{"a":1}"#.into(), after: false };
        assert_eq!(busy, Ok(Command::Fault(status, 2)));
        assert_eq!(Command::parse(r#"{"fault":{"drop":"after"}}"#), Ok(Command::Fault(Fault::DropAfter, 1)));
        assert_eq!(Command::parse(r#"{"fault":{"cut":20,"times":3}}"#), Ok(Command::Fault(Fault::Cut(20), 3)));
        assert_eq!(Command::parse(r#"{"hold":true}"#), Ok(Command::Hold(Hold::After)));
        assert_eq!(Command::parse(r#"{"ttl":2.5}"#), Ok(Command::Ttl(Duration::from_millis(2500))));
        assert!(Command::parse(r#"{"fault":{"drop":"sometimes"}}"#).is_err());
        assert!(Command::parse(r#"{"fault":{"statu":503}}"#).is_err());
        assert!(Command::parse(r#"{"hold":true,"login":true}"#).is_err());
        assert!(Command::parse("hold").is_err());
    }

    #[test]
    fn faults_are_used_in_order_and_as_often_as_said() {
        let mut faults = Faults::default();
        faults.push(Fault::DropBefore, 2);
        faults.push(Fault::Cut(1), 1);

        let taken: Vec<_> = std::iter::from_fn(|| faults.take()).collect();

        assert_eq!(taken, [Fault::DropBefore, Fault::DropBefore, Fault::Cut(1)]);
    }
}
