//! Runs the vectors of `tests/vectors/answers` against the Rust core. Its `README.md` describes the format.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use tokenward::{AccessToken, Account, Answered, Grant, Response, Secret, SecretBytes, UnixTime, read_answer};

/// 2026-01-01T00:00:00Z: when every answer is received.
const RECEIVED: UnixTime = UnixTime::from_secs(1_767_225_600);

/// The list of what must be run.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    pub count: usize,
    pub files: BTreeMap<String, usize>,
}

/// One file of vectors.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub vectors: Vec<Vector>,
}

/// An answer and what it means.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    pub name: String,
    /// Who says so, or the incident it prevents.
    pub why: String,
    /// The wrong implementation that it catches.
    pub catches: String,
    pub input: Input,
    pub expected: Expected,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_b64: Option<String>,
    /// So many spaces behind the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pad: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    pub class: String,
    #[serde(default)]
    pub row: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u128>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<Given>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Error {
    pub kind: String,
    pub act: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_in_ms: Option<u128>,
}

/// What an answer gives; tokens as their text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token: Option<String>,
    /// The life of the access token; missing where it is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_ms: Option<u128>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// Returns the folder of the vectors.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/answers")
}

/// Returns every file of the folder by its name.
///
/// # Errors
/// A sentence for the person who wrote the vector.
pub fn read_all() -> Result<BTreeMap<String, File>, String> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder()).map_err(|error| error.to_string())? {
        let path = entry.map_err(|error| error.to_string())?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".json") && name != "index.json" && name != "schema.json" {
            let text = fs::read_to_string(&path).map_err(|error| format!("{name}: {error}"))?;
            files.insert(name.clone(), serde_json::from_str(&text).map_err(|error| format!("{name}: {error}"))?);
        }
    }
    Ok(files)
}

/// Returns the list of what must be run.
///
/// # Errors
/// A sentence for the person who wrote the list.
pub fn read_index() -> Result<Index, String> {
    let text = fs::read_to_string(folder().join("index.json")).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| format!("index.json: {error}"))
}

/// Returns what the core makes of an answer.
///
/// # Errors
/// A sentence for the person who wrote the vector.
pub fn run(input: &Input) -> Result<Expected, String> {
    Ok(shown(&read_answer(&response(input)?, RECEIVED)))
}

/// Returns the answer itself.
///
/// # Errors
/// A sentence for the person who wrote the vector.
pub fn response(input: &Input) -> Result<Response, String> {
    let mut body = match (&input.body, &input.body_b64) {
        (Some(_), Some(_)) => return Err("body and body_b64".into()),
        (Some(text), None) => text.clone().into_bytes(),
        (None, Some(text)) => base64(text).ok_or("body_b64 is not base64")?,
        (None, None) => Vec::new(),
    };
    body.resize(body.len() + input.pad.unwrap_or_default(), b' ');
    let headers = input.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    Ok(Response { status: input.status, headers, body: SecretBytes::new(body) })
}

fn shown(answered: &Answered) -> Expected {
    Expected {
        class: answered.class.as_str().into(),
        row: answered.row.into(),
        retry_after_ms: answered.retry_after.map(|span| span.as_millis()),
        error: answered.error.as_ref().map(|error| Error {
            kind: error.kind().as_str().into(),
            act: error.act().as_str().into(),
            code: error.code().map(Into::into),
            message: error.to_string(),
            retry_in_ms: error.retry_in().map(|span| span.as_millis()),
        }),
        grant: answered.grant.as_ref().map(given),
    }
}

fn given(grant: &Grant) -> Given {
    let token = grant.access_token.as_ref();
    let ends = token.and_then(AccessToken::expires_at);
    Given {
        // EXPOSE: compared with the vector's own text.
        access_token: token.map(|token| token.expose().into()),
        expires_in_ms: ends.map(|end| end.since(RECEIVED).as_millis()),
        // EXPOSE: compared with the vector's own text.
        refresh_token: grant.refresh_token.as_ref().map(|token: &Secret| token.expose().into()),
        scope: grant.scope.clone(),
        account: grant.account.as_ref().map(|account: &Account| account.as_str().into()),
    }
}

/// Reads the standard alphabet of RFC 4648.
fn base64(text: &str) -> Option<Vec<u8>> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut word, mut bits) = (Vec::new(), 0_u32, 0);
    for letter in text.trim_end_matches('=').bytes() {
        let value = alphabet.iter().position(|known| *known == letter)?;
        word = word << 6 | u32::try_from(value).ok()?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(word >> bits & 255).ok()?);
        }
    }
    Some(bytes)
}
