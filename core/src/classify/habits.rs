//! What providers say without a code, or with one that means something else: several places that must agree.
//!
//! A sentence counts only whole, and only where a provider is known to say nothing better.

use super::{
    Class::{self, Misconfigured, Pending, Reused, Revoked, SignIn, Transient},
    Row,
};

/// A row that more than one place decides. All must agree; the first habit that fits counts.
pub(crate) struct Habit {
    pub(crate) row: Row,
    pub(crate) all: &'static [(Path, Says)],
}

/// Names from the outside in; `"0"` is the first element of a list.
type Path = &'static [&'static str];

/// What stands at a place.
pub(crate) enum Says {
    /// This text as a whole; case and a final full stop are ignored.
    Is(&'static str),
    /// This beginning; a name follows it.
    Begins(&'static str),
    /// One of these numbers.
    Number(&'static [i64]),
    /// Any number.
    Numeric,
}

pub(crate) const fn habits() -> &'static [Habit] {
    HABITS
}

/// Where servers put the sentence for people.
pub(crate) const PATHS_OF_SENTENCES: &[Path] = &[
    &["error_description"],
    &["error"],
    &["message"],
    &["error", "message"],
    &["errors", "0", "message"],
    &["error_message"],
    &["errorSummary"],
    &["detail"],
    &["reason"],
    &["msg"],
    // Apigee
    &["Error"],
    &["fault", "faultstring"],
];

use Says::{Begins, Is, Number, Numeric};

const fn habit(id: &'static str, class: Class, all: &'static [(Path, Says)]) -> Habit {
    Habit { row: Row::of_habit(id, class), all }
}

const ERROR: Path = &["error"];
const DESCRIPTION: Path = &["error_description"];
const MESSAGE: Path = &["message"];
const STATUS: Path = &["status"];
const TYPE: Path = &["__type"];
const META_TYPE: Path = &["error", "type"];
const META_CODE: Path = &["error", "code"];
const META_SUBCODE: Path = &["error", "error_subcode"];
const META_MESSAGE: Path = &["error", "message"];
const STRAVA: Path = &["errors", "0", "resource"];
const OAUTH: (Path, Says) = (META_TYPE, Is("OAuthException"));
const REQUEST: (Path, Says) = (ERROR, Is("invalid_request"));

const HABITS: &[Habit] = &[
    // Google, "Reauthentication": the session's own life ended
    habit("google.invalid_rapt", SignIn, &[(ERROR, Is("invalid_grant")), (&["error_subtype"], Is("invalid_rapt"))]),
    habit("google.rapt_required", SignIn, &[(ERROR, Is("invalid_grant")), (&["error_subtype"], Is("rapt_required"))]),
    // X, "OAuth 2.0 user access token": 400 for a spent or revoked refresh token
    habit("x.token_invalid", Revoked, &[REQUEST, (DESCRIPTION, Is("Value passed for the token was invalid"))]),
    // LinkedIn, "Programmatic refresh tokens" and "Authorization code flow"
    habit(
        "linkedin.code_not_found",
        SignIn,
        &[REQUEST, (DESCRIPTION, Is("Unable to retrieve access token: authorization code not found"))],
    ),
    habit(
        "linkedin.code_mismatch",
        SignIn,
        &[
            REQUEST,
            (DESCRIPTION, Begins("Unable to retrieve access token: appid/redirect uri/code verifier does not match")),
        ],
    ),
    // Zoom, raycast/extensions#10896; earlier answers wrote invalid_request
    habit("zoom.invalid_token", Revoked, &[REQUEST, (&["reason"], Is("Invalid Token!"))]),
    // Salesforce: two refreshes of one token at once
    habit(
        "salesforce.already_being_processed",
        Transient,
        &[REQUEST, (DESCRIPTION, Is("token request is already being processed"))],
    ),
    // ServiceNow: 401 for a dead refresh token, although the code speaks of the server
    habit("servicenow.access_denied", SignIn, &[(ERROR, Is("server_error")), (DESCRIPTION, Is("access_denied"))]),
    // Auth0: a blocked user's refresh
    habit("auth0.user_is_blocked", SignIn, &[(ERROR, Is("unauthorized")), (DESCRIPTION, Is("user is blocked"))]),
    // Auth0: a wrong client secret
    habit("auth0.unauthorized", Misconfigured, &[(ERROR, Is("access_denied")), (DESCRIPTION, Is("Unauthorized"))]),
    // google-auth-library-python, _can_retry: the passing codes may stand in the description
    habit("google.described_internal_failure", Transient, &[(DESCRIPTION, Is("internal_failure"))]),
    habit("google.described_server_error", Transient, &[(DESCRIPTION, Is("server_error"))]),
    habit("google.described_unavailable", Transient, &[(DESCRIPTION, Is("temporarily_unavailable"))]),
    // Zoho: 400, "too many requests"
    habit(
        "zoho.too_many_requests",
        Transient,
        &[
            (ERROR, Is("Access Denied")),
            (DESCRIPTION, Is("You have made too many requests continuously. Please try again after some time")),
        ],
    ),
    // HubSpot, oauth/v1/token; the words of the code alone are GitHub's and Slack's too
    habit("hubspot.bad_refresh_token", Revoked, &[(STATUS, Is("BAD_REFRESH_TOKEN"))]),
    habit("hubspot.bad_client_secret", Misconfigured, &[(STATUS, Is("BAD_CLIENT_SECRET"))]),
    habit("hubspot.bad_redirect_uri", Misconfigured, &[(STATUS, Is("BAD_REDIRECT_URI"))]),
    habit("hubspot.invalid_token", Revoked, &[(&["subCategory"], Is("INVALID_TOKEN"))]),
    // Keycloak: 404 for a realm that does not exist
    habit("keycloak.realm_does_not_exist", Misconfigured, &[(ERROR, Is("Realm does not exist"))]),
    // Cognito, InitiateAuth: one exception for the refresh token and for the client
    habit(
        "cognito.secret_hash",
        Misconfigured,
        &[(TYPE, Is("NotAuthorizedException")), (MESSAGE, Begins("Unable to verify secret hash for client "))],
    ),
    habit(
        "cognito.secret_missing",
        Misconfigured,
        &[(TYPE, Is("NotAuthorizedException")), (MESSAGE, Begins("Client "))],
    ),
    // Twitch, "Refreshing access tokens" and "Getting OAuth access tokens": a status and a sentence
    habit("twitch.invalid_client_secret", Misconfigured, &[(STATUS, Numeric), (MESSAGE, Is("invalid client secret"))]),
    habit("twitch.missing_client_secret", Misconfigured, &[(STATUS, Numeric), (MESSAGE, Is("missing client secret"))]),
    habit("twitch.invalid_client", Misconfigured, &[(STATUS, Numeric), (MESSAGE, Is("invalid client"))]),
    habit("twitch.missing_client_id", Misconfigured, &[(STATUS, Numeric), (MESSAGE, Is("missing client id"))]),
    habit("twitch.missing_grant_type", Misconfigured, &[(STATUS, Numeric), (MESSAGE, Is("missing grant type"))]),
    habit("twitch.invalid_grant_type", Misconfigured, &[(STATUS, Numeric), (MESSAGE, Is("invalid grant type"))]),
    habit("twitch.missing_refresh_token", Misconfigured, &[(STATUS, Numeric), (MESSAGE, Is("missing refresh token"))]),
    habit("twitch.invalid_code", SignIn, &[(STATUS, Numeric), (MESSAGE, Is("Invalid authorization code"))]),
    habit("twitch.invalid_device_code", SignIn, &[(STATUS, Numeric), (MESSAGE, Is("invalid device code"))]),
    habit("twitch.authorization_pending", Pending, &[(STATUS, Numeric), (MESSAGE, Is("authorization_pending"))]),
    // Facebook, "Handling errors"; the numbers stand beside a type
    habit("facebook.client_secret", Misconfigured, &[OAUTH, (META_MESSAGE, Is("Error validating client secret"))]),
    habit("facebook.code_used", SignIn, &[OAUTH, (META_SUBCODE, Number(&[36_007, 36_009]))]),
    habit("facebook.190", Revoked, &[OAUTH, (META_CODE, Number(&[190]))]),
    habit("facebook.102", SignIn, &[OAUTH, (META_CODE, Number(&[102]))]),
    habit("facebook.limit", Transient, &[OAUTH, (META_CODE, Number(&[4, 17, 32, 341, 613]))]),
    habit("facebook.service", Transient, &[OAUTH, (META_CODE, Number(&[1, 2]))]),
    habit("facebook.101", Misconfigured, &[OAUTH, (META_CODE, Number(&[101]))]),
    habit("facebook.100", Misconfigured, &[OAUTH, (META_CODE, Number(&[3, 10, 100, 191, 200]))]),
    // Instagram, "Business login"
    habit(
        "instagram.code_used",
        SignIn,
        &[
            (&["error_type"], Is("OAuthException")),
            (&["error_message"], Is("Matching code was not found or was already used")),
        ],
    ),
    // Strava, "Faults": resource, field, code
    habit("strava.limit", Transient, &[(STRAVA, Is("Application")), (&["errors", "0", "code"], Is("exceeded"))]),
    habit("strava.refresh_token", Revoked, &[(STRAVA, Is("RefreshToken"))]),
    habit("strava.access_token", SignIn, &[(STRAVA, Is("AccessToken"))]),
    habit("strava.athlete", SignIn, &[(STRAVA, Is("Athlete"))]),
    habit("strava.code", SignIn, &[(STRAVA, Is("AuthorizationCode"))]),
    habit("strava.application", Misconfigured, &[(STRAVA, Is("Application"))]),
    habit("strava.request", Misconfigured, &[(STRAVA, Is("Request"))]),
    // Reddit: a number in `error` (praw-dev/praw#677; reddit-archive wiki, OAuth2: 401 for the client)
    habit("reddit.400", Revoked, &[(ERROR, Number(&[400])), (MESSAGE, Is("Bad Request"))]),
    habit("reddit.401", Misconfigured, &[(ERROR, Number(&[401])), (MESSAGE, Is("Unauthorized"))]),
    // Firebase Auth, securetoken: the code is the message
    habit("firebase.TOKEN_EXPIRED", SignIn, &[(META_MESSAGE, Is("TOKEN_EXPIRED"))]),
    habit("firebase.USER_DISABLED", SignIn, &[(META_MESSAGE, Is("USER_DISABLED"))]),
    habit("firebase.USER_NOT_FOUND", SignIn, &[(META_MESSAGE, Is("USER_NOT_FOUND"))]),
    habit("firebase.INVALID_REFRESH_TOKEN", Revoked, &[(META_MESSAGE, Is("INVALID_REFRESH_TOKEN"))]),
    // OneLogin, v1
    habit(
        "onelogin.authentication_failure",
        Misconfigured,
        &[(&["status", "type"], Is("Unauthorized")), (&["status", "message"], Is("Authentication Failure"))],
    ),
    // Withings: 200 with a number of its own
    habit(
        "withings.refresh_token",
        Revoked,
        &[(STATUS, Number(&[503])), (ERROR, Is("Invalid Params: invalid refresh_token"))],
    ),
    habit("withings.601", Transient, &[(STATUS, Number(&[601])), (ERROR, Begins("Too Many Request"))]),
    // WeChat: 200 with `errcode`
    habit("wechat.refresh_token", Revoked, &[(&["errcode"], Number(&[40_030, 42_002, 42_007]))]),
    habit("wechat.code", SignIn, &[(&["errcode"], Number(&[40_029, 40_163]))]),
    habit("wechat.client", Misconfigured, &[(&["errcode"], Number(&[40_013, 40_125]))]),
    habit("wechat.busy", Transient, &[(&["errcode"], Number(&[-1, 45_009, 45_011]))]),
    // Lark: 200 or 400 with `code`
    habit("lark.refresh_token", Revoked, &[(&["code"], Number(&[20_026, 20_037, 20_064]))]),
    habit("lark.refresh_token_used", Reused, &[(&["code"], Number(&[20_073]))]),
];
