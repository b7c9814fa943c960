//! Answers of real servers with the class a good client reaches, as `cases/token-endpoint` names it.

use super::{Raw, Verdict, read};
use crate::UnixTime;

#[derive(Clone, Copy, Debug)]
enum Class {
    Success,
    TerminalReauth,
    TerminalConfig,
    Transient,
}

use Class::*;

#[test]
fn every_sample_reaches_its_class() {
    for (id, status, content_type, body, expected) in SAMPLES {
        let raw = Raw {
            dialect: &super::Dialect::standard(),
            status: *status,
            content_type: (!content_type.is_empty()).then_some(*content_type),
            retry_after: None,
            error_type: None,
            date: None,
            received: UnixTime::from_secs(1_795_222_923),
            body: body.as_bytes(),
        };

        let verdict = read(&raw).verdict;

        let as_expected = match expected {
            Success => matches!(verdict, Verdict::Granted(_)),
            TerminalReauth => matches!(verdict, Verdict::Refused { .. }),
            TerminalConfig => matches!(verdict, Verdict::Misconfigured { .. }),
            Transient => matches!(verdict, Verdict::Transient { .. }),
        };
        assert!(as_expected, "{id}: {expected:?} expected, but {verdict:?}");
    }
}

const JSON: &str = "application/json";
const HTML: &str = "text/html; charset=utf-8";

type Sample = (&'static str, u16, &'static str, &'static str, Class);

#[rustfmt::skip]
const SAMPLES: &[Sample] = &[
    ("tok-rfc-01", 400, JSON, r#"{"error":"invalid_grant"}"#, TerminalReauth),
    ("tok-rfc-05", 400, JSON, r#"{"error":"invalid_scope"}"#, TerminalConfig),
    ("tok-rfc-09", 400, JSON, r#"{"error":"temporarily_unavailable"}"#, Transient),
    ("tok-rfc-15", 400, JSON, r#"{"error":"expired_token"}"#, TerminalReauth),
    ("tok-oidc_provider-03", 400, JSON, r#"{"error":"unsupported_grant_type","error_description":"unsupported grant_type requested"}"#, TerminalConfig),
    ("tok-django_oauth_toolkit-02", 401, JSON, r#"{"error": "invalid_client"}"#, TerminalConfig),
    ("tok-glewlwyd-05", 200, JSON, r#"{"access_token":"at-new","token_type":"bearer","expires_in":2,"scope":"openid api:read","iat":1795219264,"refresh_token":"rt-new"}"#, Success),
    ("tok-google-04", 400, JSON, r#"{"error":"invalid_grant","error_description":"reauth related error (rapt_required)","error_subtype":"rapt_required"}"#, TerminalReauth),
    ("tok-google-09", 500, JSON, r#"{"error":"internal_failure"}"#, Transient),
    ("tok-google-16", 200, JSON, r#"{"access_token":"ya29.new","expires_in":3599,"refresh_token":"rt-new","refresh_token_expires_in":604799,"scope":"openid","token_type":"Bearer"}"#, Success),
    ("tok-entra-04", 400, JSON, r#"{"error":"invalid_grant","error_description":"AADSTS70043: The refresh token has expired or is i...","error_codes":[70043],"timestamp":"2026-01-09 02:02:12Z","trace_id":"0000aaaa-11bb-cccc-dd33-eeeeee333333","correlation_id":"aaaa0000-bb11-2222-33cc-444444dddddd"}"#, TerminalReauth),
    ("tok-entra-09", 401, JSON, r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided. Ens...","error_codes":[7000215],"timestamp":"2026-01-09 02:02:12Z","trace_id":"0000aaaa-11bb-cccc-dd33-eeeeee333333","correlation_id":"aaaa0000-bb11-2222-33cc-444444dddddd"}"#, TerminalConfig),
    ("tok-entra-13", 400, JSON, r#"{"error":"invalid_request","error_description":"AADSTS900144: The request body must contain the fo...","error_codes":[900144],"timestamp":"2026-01-09 02:02:12Z","trace_id":"0000aaaa-11bb-cccc-dd33-eeeeee333333","correlation_id":"aaaa0000-bb11-2222-33cc-444444dddddd"}"#, TerminalConfig),
    ("tok-entra-17", 400, JSON, r#"{"error":"invalid_grant","error_description":"AADSTS50173: The provided grant has expired...","error_codes":[50173,90033]}"#, TerminalReauth),
    ("tok-auth0-01", 403, JSON, r#"{"error":"invalid_grant","error_description":"Unknown or invalid refresh token."}"#, TerminalReauth),
    ("tok-auth0-07", 403, JSON, r#"{"error":"mfa_required","error_description":"Multifactor authentication required","mfa_token":"Fe26..."}"#, TerminalReauth),
    ("tok-okta-03", 401, JSON, r#"{"errorCode":"invalid_client","errorSummary":"Invalid value for 'client_id' parameter.","errorLink":"invalid_client","errorId":"oae1","errorCauses":[]}"#, TerminalConfig),
    ("tok-keycloak-01", 400, JSON, r#"{"error":"invalid_grant","error_description":"Maximum allowed refresh token reuse exceeded"}"#, TerminalReauth),
    ("tok-keycloak-05", 400, JSON, r#"{"error":"invalid_grant","error_description":"Invalid refresh token"}"#, TerminalReauth),
    ("tok-hydra-01", 400, JSON, r#"{"error":"invalid_grant","error_description":"The provided authorization grant"}"#, TerminalReauth),
    ("tok-cognito-02", 400, "application/x-amz-json-1.1", r#"{"__type":"NotAuthorizedException","message":"Refresh Token has been revoked"}"#, TerminalReauth),
    ("tok-aws_sso-02", 401, JSON, r#"{"error":"invalid_client","error_description":"x"}"#, TerminalConfig),
    ("tok-aws_sso-07", 500, JSON, r#"{"error":"server_error","error_description":"x"}"#, Transient),
    ("tok-github-04", 200, JSON, r#"{"error":"incorrect_client_credentials","error_description":"The client_id and/or client_secret passed are incorrect."}"#, TerminalConfig),
    ("tok-github-09", 200, JSON, r#"{"error":"device_flow_disabled","error_description":"Device Flow must be explicitly enabled for this App"}"#, TerminalConfig),
    ("tok-slack-02", 200, JSON, r#"{"ok":false,"error":"token_revoked"}"#, TerminalReauth),
    ("tok-slack-07", 200, JSON, r#"{"ok":false,"error":"internal_error"}"#, Transient),
    ("tok-salesforce-03", 400, JSON, r#"{"error":"invalid_client","error_description":"invalid client credentials"}"#, TerminalConfig),
    ("tok-dropbox-02", 400, JSON, r#"{"error":"invalid_grant","error_description":"code doesn't exist or has expired"}"#, TerminalReauth),
    ("tok-spotify-01", 400, JSON, r#"{"error":"invalid_grant","error_description":"Refresh token revoked"}"#, TerminalReauth),
    ("tok-twitch-03", 403, JSON, r#"{"status":403,"message":"invalid client secret"}"#, TerminalConfig),
    ("tok-box-02", 400, JSON, r#"{"error":"invalid_grant","error_description":"Invalid refresh token"}"#, TerminalReauth),
    ("tok-notion-02", 401, JSON, r#"{"error":"invalid_client","error_description":"Client authentication failed due to missing or inv...","request_id":"r2"}"#, TerminalConfig),
    ("tok-facebook-02", 400, JSON, r#"{"error":{"message":"Error validating access token: The user has not authorized application","type":"OAuthException","code":190,"fbtrace_id":"A"}}"#, TerminalReauth),
    ("tok-fitbit-01", 400, JSON, r#"{"errors":[{"errorType":"invalid_grant","message":"Refresh token invalid: abc. Visit https://dev.fitbit.com/docs/oauth2 for more information on the Fitbit Web API authorization process."}],"success":false}"#, TerminalReauth),
    ("tok-strava-02", 400, JSON, r#"{"message":"Bad Request","errors":[{"resource":"Application","field":"client_secret","code":"invalid"}]}"#, TerminalConfig),
    ("tok-anthropic-04", 529, JSON, r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#, Transient),
    ("tok-openai-03", 401, JSON, r#"{"error":{"message":"Your session has ended. Please log in again.","type":"invalid_request_error","param":null,"code":"refresh_token_invalidated"}}"#, TerminalReauth),
    ("tok-gitlab-02", 401, JSON, r#"{"error":"invalid_grant","error_description":"The provided authorization grant is invalid, expir..."}"#, TerminalReauth),
    ("tok-intuit-01", 400, JSON, r#"{"error":"invalid_grant","error_description":"Incorrect or invalid refresh token"}"#, TerminalReauth),
    ("tok-proxy-02", 502, HTML, "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n", Transient),
    ("tok-proxy-06", 522, HTML, "<!DOCTYPE html><title>x | 522: Connection timed out</title>", Transient),
    ("tok-proxy-15", 429, "text/plain", "Too Many Requests", Transient),
    ("tok-proxy-19", 408, "", "", Transient),
    ("tok-shape-01", 200, JSON, r#"{"access_token":"at-new","token_type":"Bearer","expires_in":3600,"refresh_token":"rt-new"}"#, Success),
];
