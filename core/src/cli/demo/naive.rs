//! The widespread way to keep a token fresh: read the file, refresh if the token has expired, replace the file.
//!
//! The pattern in public code: google-gemini/gemini-cli, `packages/core/src/mcp/oauth-provider.ts`,
//! `MCPOAuthProvider.getValidToken` (commit 0467592), and boto/botocore, `botocore/tokens.py`,
//! `SSOTokenProvider._refresher` (commit 45c9c57). Both read, compare the expiry, send the refresh token and save, with
//! nothing that keeps a second process from doing the same. This version is more careful than either: the file is
//! replaced in one piece (temporary file, sync, rename), so that what fails is not the writing.

use std::{
    fs,
    io::{self, Write},
    path::Path,
    string::ToString,
    time::Duration,
};

use serde_json::{Value, json};

use super::client::agent;
use crate::{AccessToken, ReauthReason, Secret, TokenError, Trouble, UnixTime, Unreadable, provider::clock::now};

/// Writes the first credential: a refresh token alone.
pub(super) fn import(store: &Path, refresh_token: &Secret) -> io::Result<()> {
    // EXPOSE: a credential file holds the credential.
    replace(store, &json!({"access_token": "", "refresh_token": refresh_token.expose(), "expires_at": 0}))
}

/// Returns a token that has not expired.
pub(super) fn get_token(
    store: &Path,
    token_url: &str,
    client_id: &str,
    user_agent: &str,
) -> Result<AccessToken, TokenError> {
    // 1. Read.
    let bytes = fs::read(store).map_err(|_| TokenError::SignedOut)?;
    let corrupt = |_| TokenError::StoreUnreadable { reason: Unreadable::Corrupt };
    let credential: Value = serde_json::from_slice(&bytes).map_err(corrupt)?;
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_string();
    let expires_at = UnixTime::from_millis(credential.get("expires_at").and_then(Value::as_u64).unwrap_or_default());
    if expires_at > now().wall {
        return Ok(AccessToken::new(text(&credential, "access_token"), Some(expires_at)));
    }

    // 2. Refresh. Every process that has read the same file sends the same refresh token.
    let refresh_token = text(&credential, "refresh_token");
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.as_str()), ("client_id", client_id)];
    let unavailable = |error: ureq::Error| TokenError::Unavailable {
        retry_in: Some(Duration::from_millis(100)),
        trouble: Trouble::Network(error.to_string()),
    };
    let request = agent().post(token_url).header("User-Agent", user_agent);
    let mut answer = request.send_form(form).map_err(unavailable)?;
    let body = answer.body_mut().read_to_string().map_err(unavailable)?;
    let body: Value = serde_json::from_str(&body).unwrap_or_default();
    if answer.status() != 200 {
        return Err(TokenError::ReauthRequired { reason: ReauthReason::Revoked });
    }

    // 3. Replace the file.
    let life = body.get("expires_in").and_then(Value::as_f64).unwrap_or_default();
    let expires_at = now().wall.plus(Duration::try_from_secs_f64(life).unwrap_or_default());
    let credential = json!({
        "access_token": text(&body, "access_token"),
        "refresh_token": text(&body, "refresh_token"),
        "expires_at": expires_at.as_millis(),
    });
    replace(store, &credential).map_err(|error| TokenError::StoreUnwritable { reason: error.to_string() })?;
    Ok(AccessToken::new(text(&body, "access_token"), Some(expires_at)))
}

/// Replaces the file in one piece, readable by its owner only.
fn replace(store: &Path, credential: &Value) -> io::Result<()> {
    let folder = store.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(credential.to_string().as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(store)?;
    Ok(())
}
