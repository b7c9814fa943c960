//! What a successful answer grants (RFC 6749 section 5.1), in the shapes servers give it.

use alloc::{string::String, vec::Vec};
use core::{str, time::Duration};

use super::{body::Members, dialect::Dialect, jwt};
use crate::{
    Account, Bearer, Secret,
    error::{DPOP, TOKEN_TYPE},
    json::{self, Object},
};

/// What a successful answer grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) access_token: Secret,
    /// `None` where the server keeps the old one: missing, null or blank.
    pub(crate) refresh_token: Option<Secret>,
    /// `None` where the server does not say, zero where it says that the token has ended; [`LONGEST`] at most.
    pub(crate) expires_in: Option<Duration>,
    /// The life of the refresh token, where the server tells it (`refresh_token_expires_in`: Google, Anthropic).
    pub(crate) refresh_token_expires_in: Option<Duration>,
    pub(crate) scope: Option<String>,
    /// `iss` and `sub` of the id_token, with a space between; else what stands in the dialect's field.
    pub(crate) account: Option<Account>,
}

impl Tokens {
    /// Takes the tokens out of an answer; `None` without a usable access token.
    pub(super) fn of(members: &Members<'_>, dialect: &Dialect) -> Option<Self> {
        // EXPOSE: looked at here, or taken apart into what is no secret; nothing of it is copied elsewhere.
        let token = |name| members.text(&[name]).filter(|token| is_usable(token.expose()));
        let id_token = || token("id_token").filter(|_| dialect.bearer == Bearer::IdToken);
        let seconds = |name| members.number(name).and_then(|text| seconds(text.expose()));
        let field = || {
            let path: Vec<_> = dialect.account_field.as_deref()?.split('.').collect();
            let id = members.text(&path).filter(|id| !id.expose().is_empty())?;
            Some(Account::new(id.expose()))
        };
        Some(Self {
            access_token: id_token().or_else(|| token("access_token")).or_else(|| token("accessToken"))?,
            refresh_token: refresh_token(members),
            expires_in: seconds(&["expires_in"]).or_else(|| seconds(&["expiresIn"])),
            refresh_token_expires_in: seconds(&["refresh_token_expires_in"]),
            scope: members.words("scope"),
            account: members.text(&["id_token"]).and_then(|token| account(token.expose())).or_else(field),
        })
    }
}

/// Returns the new refresh token, if there is one.
pub(super) fn refresh_token(members: &Members<'_>) -> Option<Secret> {
    // EXPOSE: looked at only.
    let named = |name| members.text(&[name]).filter(|token| !token.expose().trim().is_empty());
    // AWS SSO OIDC, CreateToken
    named("refresh_token").or_else(|| named("refreshToken"))
}

/// Returns what is wrong with the token's type; `None` for a token that may be sent as `Bearer`, which a server that
/// gives no type means too.
pub(super) fn odd_type(members: &Members<'_>) -> Option<&'static str> {
    // EXPOSE: a type is no secret.
    let kind = members.text(&["token_type"]).or_else(|| members.text(&["tokenType"]))?;
    let kind = kind.expose().trim();
    if kind.is_empty() || BEARER_TYPES.iter().any(|known| known.eq_ignore_ascii_case(kind)) {
        return None;
    }
    Some(if kind.eq_ignore_ascii_case("dpop") { DPOP } else { TOKEN_TYPE })
}

/// Reads a number of seconds: whole, broken, negative (zero) or absurd ([`LONGEST`]).
pub(super) fn seconds(text: &str) -> Option<Duration> {
    let text = text.trim();
    // Rust also reads "inf" and "nan", which are nobody's seconds.
    if !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')) {
        return None;
    }
    let seconds: f64 = text.parse().ok()?;
    Some(Duration::from_secs_f64(seconds.clamp(0.0, LONGEST.as_secs_f64())))
}

/// Returns whether a token fits into a header: RFC 6749 appendix A.12, and not blank.
fn is_usable(token: &str) -> bool {
    !token.trim().is_empty() && token.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Returns who an id_token speaks of. Unverified: it came over TLS from the token endpoint (OpenID Connect Core section
/// 3.1.3.7, point 6) and only tells accounts apart.
fn account(id_token: &str) -> Option<Account> {
    // EXPOSE: the claims are parsed where they were decoded; issuer and subject are no secrets.
    let claims = jwt::claims(id_token)?;
    let claims = Object::parse(str::from_utf8(claims.expose()).ok()?)?;
    let claim = |name| claims.get(name).and_then(json::text).filter(|text| !text.expose().is_empty());
    let (issuer, subject) = (claim("iss")?, claim("sub")?);
    Some(Account::new([issuer.expose(), subject.expose()].join(" ")))
}

/// Token types that are sent as `Bearer`. Slack names the owner of the token instead (oauth.v2.access: "bot", "user"),
/// eBay its kind, Apigee writes one word.
const BEARER_TYPES: &[&str] =
    &["bearer", "bearertoken", "bot", "user", "user access token", "application access token"];

/// Ten years. A longer life is a server's way to say "no end" or a mistake; the moment stays one every clock can hold.
pub(super) const LONGEST: Duration = Duration::from_secs(10 * 365 * 86_400);

#[cfg(test)]
mod tests {
    use super::{super::body::Body, *};

    #[test]
    fn a_whole_success_is_granted() {
        let body = r#"{"access_token":"abc\/def","refresh_token":"\u0072t-1","token_type":"bEARER","expires_in":3600,
            "scope":"openid api:read","id_token":"e30.eyJpc3MiOiJodHRwczovL2lkLnRlc3QiLCJzdWIiOiJhbGljZSJ9.c2ln","x":[{}]}"#;

        let tokens = granted(body);

        assert_eq!(
            tokens,
            Some(Tokens {
                access_token: Secret::new("abc/def"),
                refresh_token: Some(Secret::new("rt-1")),
                expires_in: Some(Duration::from_secs(3600)),
                refresh_token_expires_in: None,
                scope: Some("openid api:read".into()),
                account: Some(Account::new("https://id.test alice")),
            })
        );
    }

    #[test]
    fn a_bare_success_is_granted_and_says_nothing_else() {
        for body in [
            r#"{"access_token":"at-1"}"#,
            r#"{"access_token":"at-1","refresh_token":"","scope":"","id_token":"","token_type":"","error":""}"#,
            r#"{"access_token":"at-1","refresh_token":null,"scope":null,"expires_in":null,"token_type":null,"error":null}"#,
            r#"{"access_token":"at-1","refresh_token":" ","scope":" ","expires_in":"soon","id_token":"a.b.c"}"#,
            r#"{"access_token":"at-1","refresh_token":7,"scope":{},"expires_in":true,"id_token":[]}"#,
            r#"{"access_token":"at-0","access_token":"at-1"}"#,
            "\u{feff}\r\n {\"access_token\":\"at-1\"}\n",
            "access_token=at-1&token_type=bearer",
            "access_token=at%2D1&refresh_token=&scope=\n",
        ] {
            assert_eq!(granted(body), Some(bare()), "{body}");
        }
    }

    #[test]
    fn expires_in_comes_in_many_shapes() {
        let rows = [
            ("3600", Some(3_600_000)),
            ("\"3600\"", Some(3_600_000)),
            ("\" 3600 \"", Some(3_600_000)),
            ("3599.5", Some(3_599_500)),
            ("\"3.6e3\"", Some(3_600_000)),
            ("0", Some(0)),
            ("-1", Some(0)),
            ("\"-3600\"", Some(0)),
            ("-1e999", Some(0)),
            ("1e999", Some(315_360_000_000)),
            ("99999999999999999999999", Some(315_360_000_000)),
            ("null", None),
            ("\"\"", None),
            ("\"inf\"", None),
            ("\"NaN\"", None),
            ("\"3600s\"", None),
            ("false", None),
            ("{}", None),
        ];

        for (written, millis) in rows {
            let body = [r#"{"access_token":"at-1","expires_in":"#, written, "}"].concat();
            let expected = Tokens { expires_in: millis.map(Duration::from_millis), ..bare() };

            assert_eq!(granted(&body), Some(expected), "{written}");
        }
    }

    #[test]
    fn a_scope_may_be_a_list() {
        let tokens = granted(r#"{"access_token":"at-1","scope":["chat:read","a\/b"]}"#);

        assert_eq!(tokens, Some(Tokens { scope: Some("chat:read a/b".into()), ..bare() }));
    }

    #[test]
    fn a_form_is_a_success_too() {
        let tokens = granted("access_token=at%2B1&expires_in=28800&refresh_token=rt-1&scope=a+b&token_type=bearer");

        let expected = Tokens {
            access_token: Secret::new("at+1"),
            refresh_token: Some(Secret::new("rt-1")),
            expires_in: Some(Duration::from_secs(28800)),
            refresh_token_expires_in: None,
            scope: Some("a b".into()),
            account: None,
        };
        assert_eq!(tokens, Some(expected));
    }

    #[test]
    fn an_id_token_without_both_claims_names_nobody() {
        // {"iss":"i","sub":""}, {"iss":"i"}, {"iss":"i","sub":7}, [], no middle part
        for token in [
            "e30.eyJpc3MiOiJpIiwic3ViIjoiIn0.x",
            "e30.eyJpc3MiOiJpIn0.x",
            "e30.eyJpc3MiOiJpIiwic3ViIjo3fQ.x",
            "e30.W10.x",
            "e30",
        ] {
            assert_eq!(account(token), None, "{token}");
        }
    }

    fn granted(body: &str) -> Option<Tokens> {
        match Body::of(body, None) {
            Body::Protocol(members) => Tokens::of(&members, &Dialect::standard()),
            Body::Damaged(_) | Body::Page | Body::Empty | Body::Foreign => None,
        }
    }

    fn bare() -> Tokens {
        Tokens {
            access_token: Secret::new("at-1"),
            refresh_token: None,
            expires_in: None,
            refresh_token_expires_in: None,
            scope: None,
            account: None,
        }
    }
}
