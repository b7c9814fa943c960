//! What an error code means. Rows, not logic: a provider's habit is one more row.

/// What a code of a token endpoint asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// The refresh token is refused.
    Revoked,
    /// The refresh token was spent before.
    Reused,
    /// A person must sign in again for the reason the code gives.
    SignIn,
    /// A person must change a setting.
    Misconfigured,
    /// It passes.
    Transient,
}

/// Returns the row's own spelling of a code and its class; `None` for a code that no row knows.
///
/// The spelling is ours, so a known code brings no foreign text into a message. Case is ignored.
pub(crate) fn class(code: &str) -> Option<(&'static str, Class)> {
    CODES.iter().copied().find(|(known, _)| known.eq_ignore_ascii_case(code))
}

const CODES: &[(&str, Class)] = &[
    // RFC 6749 section 5.2
    ("invalid_grant", Class::Revoked),
    ("invalid_client", Class::Misconfigured),
    ("invalid_request", Class::Misconfigured),
    ("invalid_scope", Class::Misconfigured),
    ("unauthorized_client", Class::Misconfigured),
    ("unsupported_grant_type", Class::Misconfigured),
    // RFC 8707 section 2
    ("invalid_target", Class::Misconfigured),
    // RFC 6749 section 4.1.2.1: written for the authorization endpoint, answered by token endpoints too
    ("access_denied", Class::SignIn),
    ("server_error", Class::Transient),
    ("temporarily_unavailable", Class::Transient),
    // RFC 8628 section 3.5
    ("authorization_pending", Class::Transient),
    ("slow_down", Class::Transient),
    ("expired_token", Class::SignIn),
    // OpenID Connect Core section 3.1.2.6
    ("interaction_required", Class::SignIn),
    ("login_required", Class::SignIn),
    ("consent_required", Class::SignIn),
    ("account_selection_required", Class::SignIn),
    // Auth0, "Authenticate using the resource owner password flow with MFA"; also for a refresh, with 403
    ("mfa_required", Class::SignIn),
    // OpenAI Codex, codex-rs/login: 401 with `error.code`
    ("refresh_token_expired", Class::SignIn),
    ("refresh_token_reused", Class::Reused),
    ("refresh_token_invalidated", Class::Revoked),
    // GitHub, "Troubleshooting OAuth app access token request errors" and "Refreshing user access tokens": 200 with
    // `error`
    ("bad_refresh_token", Class::Revoked),
    ("incorrect_client_credentials", Class::Misconfigured),
    ("device_flow_disabled", Class::Misconfigured),
    // Slack, oauth.v2.access: 200 with `"ok":false`
    ("token_revoked", Class::Revoked),
    ("invalid_refresh_token", Class::Revoked),
    ("bad_client_secret", Class::Misconfigured),
    ("invalid_client_id", Class::Misconfigured),
    ("internal_error", Class::Transient),
    ("fatal_error", Class::Transient),
    ("ratelimited", Class::Transient),
    ("request_timeout", Class::Transient),
    ("service_unavailable", Class::Transient),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_stands_in_two_rows() {
        for (at, (code, _)) in CODES.iter().enumerate() {
            assert!(!CODES.iter().skip(at + 1).any(|(other, _)| other == code), "{code}");
        }
    }

    #[test]
    fn a_code_is_compared_whole_and_without_case() {
        assert_eq!(class("INVALID_GRANT"), Some(("invalid_grant", Class::Revoked)));
        assert_eq!(class("not invalid_grant"), None);
        assert_eq!(class("invalid_gran"), None);
        assert_eq!(class(""), None);
    }
}
