//! A plain HTTP client for the demo's own server.

use std::{format, io, string::ToString, time::Duration, vec::Vec};

use serde_json::Value;

use crate::Secret;

/// Fetches a page of the demo's server.
pub(super) fn get(url: &str, authorization: Option<&Secret>) -> io::Result<(u16, Vec<u8>)> {
    let mut request = agent().get(url);
    if let Some(value) = authorization {
        // EXPOSE: goes into the request's header.
        request = request.header("Authorization", value.expose());
    }
    let mut answer = request.call().map_err(|error| io::Error::other(error.to_string()))?;
    let body = answer.body_mut().read_to_vec().map_err(|error| io::Error::other(error.to_string()))?;
    Ok((answer.status().as_u16(), body))
}

/// Gives the demo's server a command and returns its answer.
pub(super) fn control(url: &str, command: &Value) -> io::Result<Value> {
    let failed = |error: ureq::Error| io::Error::other(error.to_string());
    let mut answer = agent().post(&format!("{url}/control")).send(command.to_string()).map_err(failed)?;
    let body = answer.body_mut().read_to_string().map_err(failed)?;
    serde_json::from_str(&body).map_err(io::Error::other)
}

/// Returns a plain client for the demo's server: no proxy, no verdict on the status.
pub(super) fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .proxy(None)
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(30)));
    config.build().into()
}
