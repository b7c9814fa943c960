//! The refresh request (RFC 6749 section 6).

use alloc::{string::String, vec::Vec};

use super::{base64, form};
use crate::{ClientAuth, Config, Request, Secret, SecretBytes, TokenRequest, json};

/// Returns the one POST that spends `refresh_token`.
///
/// It names no scope: without one the grant keeps the scope it has (RFC 6749 section 6). The client proves itself in
/// one way only (section 2.3), and a parameter without a value is left out (section 3.2).
pub(crate) fn refresh_request(config: &Config, refresh_token: &Secret) -> Request {
    // EXPOSE: client secret and refresh token go into buffers that are secrets themselves.
    let secret = config.client_secret.as_ref().map(Secret::expose).filter(|secret| !secret.is_empty());
    let (basic, posted) = match config.client_auth {
        ClientAuth::Basic => (secret, None),
        ClientAuth::Post => (None, secret),
    };
    let fields = [
        ("grant_type", Some("refresh_token")),
        ("refresh_token", Some(refresh_token.expose())),
        ("client_id", basic.is_none().then_some(&config.client_id)),
        ("client_secret", posted),
        ("resource", config.resource.as_deref()),
    ];
    let (content_type, body) = match config.token_request {
        TokenRequest::Form => ("application/x-www-form-urlencoded", form_of(&fields)),
        TokenRequest::Json => ("application/json", object_of(&fields)),
    };

    let plain = |name: &str, value: &str| (String::from(name), SecretBytes::new(value.as_bytes().to_vec()));
    let mut headers = Vec::from([
        plain("content-type", content_type),
        plain("accept", "application/json"),
        plain("user-agent", &config.user_agent),
    ]);
    if let Some(secret) = basic {
        headers.push(("authorization".into(), basic_credentials(&config.client_id, secret)));
    }

    Request {
        url: config.token_url.clone(),
        headers,
        body,
        timeout: config.timeout,
        connect_timeout: config.connect_timeout,
    }
}

fn form_of(fields: &[(&str, Option<&str>)]) -> SecretBytes {
    let present = || fields.iter().filter_map(|(name, value)| value.map(|value| (*name, value)));
    // Two bytes more per field for `=` and `&`: the buffer never moves, so no copy stays behind.
    let size = present().map(|(name, value)| form::encoded_len(name) + form::encoded_len(value) + 2).sum();
    let mut body = SecretBytes::with_capacity(size);
    for (name, value) in present() {
        if !body.is_empty() {
            body.push(b"&");
        }
        form::encode(name, &mut body);
        body.push(b"=");
        form::encode(value, &mut body);
    }
    body
}

fn object_of(fields: &[(&'static str, Option<&str>)]) -> SecretBytes {
    let quoted = |(name, value): &(&'static str, Option<&str>)| Some((*name, json::quoted((*value)?)));
    let members: Vec<_> = fields.iter().filter_map(quoted).collect();
    // EXPOSE: written into one buffer that never moves and is a secret.
    let size = members.iter().map(|(name, value)| name.len() + value.expose().len() + 4).sum::<usize>() + 2;
    let mut body = SecretBytes::with_capacity(size);
    body.push(b"{");
    for (name, value) in &members {
        if body.len() > 1 {
            body.push(b",");
        }
        for piece in ["\"", name, "\":", value.expose()] {
            body.push(piece.as_bytes());
        }
    }
    body.push(b"}");
    body
}

/// Both parts are form-encoded first (RFC 6749 section 2.3.1), or a colon in the client id would end it.
fn basic_credentials(client_id: &str, client_secret: &str) -> SecretBytes {
    const SCHEME: &[u8] = b"Basic ";
    let mut pair = SecretBytes::with_capacity(form::encoded_len(client_id) + 1 + form::encoded_len(client_secret));
    form::encode(client_id, &mut pair);
    pair.push(b":");
    form::encode(client_secret, &mut pair);
    let mut header = SecretBytes::with_capacity(SCHEME.len() + base64::encoded_len(pair.len()));
    header.push(SCHEME);
    // EXPOSE: encoded into the header, which is a secret.
    base64::encode(pair.expose(), &mut header);
    header
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    #[test]
    fn a_public_client_names_itself_in_the_form_and_sends_no_credentials() {
        let config = Config::new("https://id.test/token?tenant=1", "my client");

        let request = refresh_request(&config, &Secret::new("refresh+token/1="));

        assert_eq!(body(&request), "grant_type=refresh_token&refresh_token=refresh%2Btoken%2F1%3D&client_id=my+client");
        assert_eq!(request.url, "https://id.test/token?tenant=1");
        assert_eq!(header(&request, "content-type"), Some("application/x-www-form-urlencoded"));
        assert_eq!(header(&request, "accept"), Some("application/json"));
        assert_eq!(header(&request, "user-agent"), Some(config.user_agent.as_str()));
        assert_eq!(header(&request, "authorization"), None);
        assert_eq!((request.timeout, request.connect_timeout), (Duration::from_secs(30), Duration::from_secs(10)));
    }

    #[test]
    fn client_secret_post_stands_in_the_form_only() {
        let config = Config { client_secret: Some(Secret::new("s&1")), ..Config::new("https://id.test/token", "c") };

        let request = refresh_request(&config, &Secret::new("refresh-token-1"));

        assert_eq!(
            body(&request),
            "grant_type=refresh_token&refresh_token=refresh-token-1&client_id=c&client_secret=s%261"
        );
        assert_eq!(header(&request, "authorization"), None);
    }

    #[test]
    fn client_secret_basic_stands_in_the_header_only_and_is_form_encoded_first() {
        let config = Config {
            client_secret: Some(Secret::new("s 1")),
            client_auth: ClientAuth::Basic,
            ..Config::new("https://id.test/token", "c:1")
        };

        let request = refresh_request(&config, &Secret::new("refresh-token-1"));

        assert_eq!(body(&request), "grant_type=refresh_token&refresh_token=refresh-token-1");
        // base64 of "c%3A1:s+1"
        assert_eq!(header(&request, "authorization"), Some("Basic YyUzQTE6cysx"));
    }

    #[test]
    fn client_secret_basic_without_a_secret_is_a_public_client() {
        let config = Config { client_auth: ClientAuth::Basic, ..Config::new("https://id.test/token", "c") };
        let empty = Config { client_secret: Some(Secret::new("")), ..config.clone() };

        for config in [config, empty] {
            let request = refresh_request(&config, &Secret::new("refresh-token-1"));

            assert_eq!(body(&request), "grant_type=refresh_token&refresh_token=refresh-token-1&client_id=c");
            assert_eq!(header(&request, "authorization"), None);
        }
    }

    #[test]
    fn a_resource_is_sent_and_a_scope_never() {
        let config = Config { resource: Some("https://api.test/".into()), ..Config::new("https://id.test/token", "c") };

        let request = refresh_request(&config, &Secret::new("refresh-token-1"));

        assert!(body(&request).ends_with("&client_id=c&resource=https%3A%2F%2Fapi.test%2F"));
        assert!(!body(&request).contains("scope"));
    }

    #[test]
    fn a_request_in_json_has_the_members_of_the_form() {
        let config = Config {
            token_request: TokenRequest::Json,
            client_secret: Some(Secret::new("s\"1")),
            ..Config::new("https://id.test/token", "c")
        };

        let request = refresh_request(&config, &Secret::new("refresh\\token+1"));

        assert_eq!(header(&request, "content-type"), Some("application/json"));
        assert_eq!(
            body(&request),
            r#"{"grant_type":"refresh_token","refresh_token":"refresh\\token+1","client_id":"c","client_secret":"s\"1"}"#
        );
    }

    fn body(request: &Request) -> &str {
        core::str::from_utf8(request.body.expose()).unwrap_or_default()
    }

    fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
        let (_, value) = request.headers.iter().find(|(key, _)| key == name)?;
        core::str::from_utf8(value.expose()).ok()
    }
}
