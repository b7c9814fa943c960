//! A plain HTTP client for the demo's own server.

use std::{io, string::ToString, time::Duration, vec::Vec};

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

/// Returns a plain client for the demo's server: no proxy, no verdict on the status.
pub(super) fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .proxy(None)
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(30)));
    config.build().into()
}
