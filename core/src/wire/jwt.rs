//! JSON Web Tokens (RFC 7519), as far as their claims are a hint. No signature is checked: whoever accepts the token does.

use core::str;

use super::base64;
use crate::{SecretBytes, UnixTime, json, json::Object};

/// Returns the moment an access token says that it ends (`exp`); `None` for one that says nothing of the kind.
pub(crate) fn jwt_end(token: &str) -> Option<UnixTime> {
    // EXPOSE: the claims are parsed where they were decoded; a moment is no secret.
    let claims = claims(token)?;
    let end = json::number(Object::parse(str::from_utf8(claims.expose()).ok()?)?.get("exp")?, 1000)?;
    // Beyond the year 9999 is no moment that anybody means.
    (end < 253_402_300_800_000).then_some(UnixTime::from_millis(end))
}

/// Returns the claims, as JSON.
pub(super) fn claims(token: &str) -> Option<SecretBytes> {
    base64::decode_url(token.split('.').nth(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_the_claim_exp_in_seconds() {
        let rows = [
            // {"exp": 1795222800}, {"exp":1795222800.75}, {"exp":-1}, padded {"exp":1}
            ("e30.eyJleHAiOiAxNzk1MjIyODAwfQ.c2ln", Some(1_795_222_800_000)),
            ("e30.eyJleHAiOjE3OTUyMjI4MDAuNzV9.c2ln", Some(1_795_222_800_750)),
            ("e30.eyJleHAiOi0xfQ.c2ln", Some(0)),
            ("e30.eyJleHAiOjF9==.c2ln", Some(1000)),
            // {}, {"exp":null}, {"exp":"soon"}, {"exp":1e300}, []
            ("e30.e30.c2ln", None),
            ("e30.eyJleHAiOm51bGx9.c2ln", None),
            ("e30.eyJleHAiOiJzb29uIn0.c2ln", None),
            ("e30.eyJleHAiOjFlMzAwfQ.c2ln", None),
            ("e30.W10.c2ln", None),
            ("a.b.c", None),
            ("access-token-1", None),
            ("", None),
        ];

        for (token, millis) in rows {
            assert_eq!(jwt_end(token), millis.map(UnixTime::from_millis), "{token}");
        }
    }
}
