//! The settings: one table with name, type, default, bounds, environment variable and meaning.

use alloc::{
    collections::BTreeMap,
    string::{String, ToString},
};
use core::{fmt, time::Duration};

use crate::{Secret, StoreFormat};

/// Everything a source can be told.
///
/// ```
/// use tokenward::Config;
///
/// let config = Config::new("https://id.test/token", "my-client");
/// assert_eq!(config.timeout.as_secs(), 30);
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    /// The profile that the settings were taken from; see [`Profile`](crate::Profile).
    pub profile: Option<String>,
    /// The token endpoint: an https URL, or an http one on loopback.
    pub token_url: String,
    /// The client identifier (RFC 6749 section 2.2).
    pub client_id: String,
    /// The client secret; a native app has none (RFC 8252 section 8.4).
    pub client_secret: Option<Secret>,
    /// How the client secret is sent.
    pub client_auth: ClientAuth,
    /// How the token request is written.
    pub token_request: TokenRequest,
    /// Which token of an answer is handed out.
    pub bearer: Bearer,
    /// Where an answer names the account, its names joined by dots; an id_token says it better.
    pub account_field: Option<String>,
    /// The issuer (RFC 8414).
    pub issuer: Option<String>,
    /// The resource the token is for (RFC 8707).
    pub resource: Option<String>,
    /// The store's path. Used by the file store only.
    pub store: Option<String>,
    /// How the store is written: by us, or by the tool that owns it.
    pub format: StoreFormat,
    /// Whether the store is only read: nothing is refreshed and nothing saved.
    pub read_only: bool,
    /// Whether the process stays: one that may exit begins no early refresh while 60 s of life remain.
    pub resident: bool,
    /// The time a caller waits when it names no deadline.
    pub deadline: Duration,
    /// The time another process may hold the lock without progress.
    pub patience: Duration,
    /// The time for one request, answer included.
    pub timeout: Duration,
    /// The time for name look-up, connection and handshake.
    pub connect_timeout: Duration,
    /// What follows a request whose outcome is unknown.
    pub unknown_outcome: UnknownOutcome,
    /// Whether locks are trusted where they look untrustworthy (a network share, a single-file mount).
    pub trust_lock: bool,
    /// A file with further CA certificates (PEM), beside the system's.
    pub ca_file: Option<String>,
    /// The User-Agent of our requests.
    pub user_agent: String,
    /// What the jitter is made from. A host gives each process its own.
    pub seed: u64,
    /// The name under which this process shows up in `status`. For display only.
    pub holder: crate::Holder,
}

impl Config {
    /// Returns the defaults for a token endpoint and a client.
    pub fn new(token_url: impl Into<String>, client_id: impl Into<String>) -> Self {
        Self {
            profile: None,
            token_url: token_url.into(),
            client_id: client_id.into(),
            client_secret: None,
            client_auth: ClientAuth::Post,
            token_request: TokenRequest::Form,
            bearer: Bearer::AccessToken,
            account_field: None,
            issuer: None,
            resource: None,
            store: None,
            format: StoreFormat::Tokenward,
            read_only: false,
            resident: true,
            deadline: Duration::from_secs(40),
            patience: Duration::from_secs(35),
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            unknown_outcome: UnknownOutcome::Replay,
            trust_lock: false,
            ca_file: None,
            user_agent: concat!("tokenward/", env!("CARGO_PKG_VERSION")).into(),
            seed: 0,
            holder: crate::Holder::default(),
        }
    }

    /// Reads settings by the names of [`SETTINGS`].
    ///
    /// # Errors
    /// [`ConfigError`] for an unknown name, a value of the wrong type or out of bounds, or a required setting that is
    /// missing. `place` is where the values come from and stands in the error.
    ///
    /// ```
    /// use tokenward::Config;
    ///
    /// let wrong = [("token_url".into(), "https://id.test/token".into()), ("timeout".into(), "soon".into())];
    /// let error = Config::from_map("settings.toml", &wrong.into_iter().collect()).unwrap_err();
    /// assert_eq!(error.to_string(), "settings.toml: timeout = \"soon\": not a time in seconds, 1 to 600");
    /// ```
    pub fn from_map(place: &str, values: &BTreeMap<String, String>) -> Result<Self, ConfigError> {
        let mut config = Self::new("", "");
        for (name, value) in values {
            let Some(setting) = SETTINGS.iter().find(|setting| setting.name == name) else {
                // A secret under a misspelled name is a secret all the same.
                return Err(ConfigError::new(place, name, "", "unknown setting"));
            };
            if (setting.set)(&mut config, value).is_none() {
                // A wrong secret is a secret all the same.
                let has_user = setting.kind == Kind::Url && value.contains('@');
                let shown = if setting.kind == Kind::Secret || has_user { "(hidden)" } else { value };
                return Err(ConfigError::new(place, name, shown, &setting.kind.to_string()));
            }
        }
        for setting in SETTINGS.iter().filter(|setting| setting.required) {
            if !values.contains_key(setting.name) {
                return Err(ConfigError::new(place, setting.name, "", "missing"));
            }
        }
        Ok(config)
    }
}

/// How the client secret is sent (RFC 7591 section 2 names them).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientAuth {
    /// In the form: `client_secret_post`.
    Post,
    /// In the `Authorization` header: `client_secret_basic`.
    Basic,
}

/// How the token request is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenRequest {
    /// As a form (RFC 6749 section 6).
    #[default]
    Form,
    /// As a JSON object of the same members, for the providers that want it.
    Json,
}

/// Which token of an answer is handed out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bearer {
    /// The `access_token` (RFC 6749 section 5.1).
    #[default]
    AccessToken,
    /// The `id_token`, where there is one: some services take that for a bearer.
    IdToken,
}

/// What follows a request whose outcome is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnknownOutcome {
    /// The request is repeated: a server with a grace window gives the login back.
    Replay,
    /// The login counts as lost.
    Reauth,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The name in files, maps and flags.
    pub name: &'static str,
    /// The type and its bounds.
    pub kind: Kind,
    /// The default as it would be written.
    pub default: &'static str,
    /// The meaning in one line.
    pub doc: &'static str,
    /// Whether there is no default.
    pub required: bool,
    set: fn(&mut Config, &str) -> Option<()>,
}

impl Setting {
    /// Returns the name of the environment variable.
    pub fn env(&self) -> String {
        let mut name = String::from("TOKENWARD_");
        name.extend(self.name.chars().map(|letter| letter.to_ascii_uppercase()));
        name
    }
}

/// The type of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// An https URL, or an http one on loopback.
    Url,
    /// A text that is not empty.
    Text,
    /// A text that is never shown.
    Secret,
    /// `true` or `false`.
    Switch,
    /// A time in seconds between two bounds, fractions allowed.
    Seconds(u32, u32),
    /// One of some words.
    OneOf(&'static [&'static str]),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url => f.write_str("not an https URL, or an http one on loopback"),
            Self::Text | Self::Secret => f.write_str("empty"),
            Self::Switch => f.write_str("neither true nor false"),
            Self::Seconds(from, to) => write!(f, "not a time in seconds, {from} to {to}"),
            Self::OneOf(words) => write!(f, "not one of {}", words.join(", ")),
        }
    }
}

const AUTH: &[&str] = &["client_secret_post", "client_secret_basic"];
const REQUEST: &[&str] = &["form", "json"];
const BEARER: &[&str] = &["access_token", "id_token"];
const OUTCOME: &[&str] = &["replay", "reauth"];

macro_rules! settings {
    ($($name:literal $kind:expr, $default:literal, $required:literal, $doc:literal, $set:expr;)*) => {
        /// The table of settings.
        ///
        /// ```
        /// use tokenward::SETTINGS;
        ///
        /// assert!(SETTINGS.iter().any(|setting| setting.name == "token_url" && setting.required));
        /// ```
        pub const SETTINGS: &[Setting] = &[$(Setting {
            name: $name,
            kind: $kind,
            default: $default,
            doc: $doc,
            required: $required,
            set: $set,
        },)*];
    };
}

settings! {
    "profile" Kind::Text, "", false, "the tool whose login is shared: claude-code, panda or codex",
        |config, value| { config.profile = Some(text(value)?); Some(()) };
    "token_url" Kind::Url, "", true, "token endpoint (RFC 6749 section 3.2)",
        |config, value| { config.token_url = url(value)?; Some(()) };
    "client_id" Kind::Text, "", true, "client identifier (RFC 6749 section 2.2)",
        |config, value| { config.client_id = text(value)?; Some(()) };
    "client_secret" Kind::Secret, "", false, "client secret; a native app has none",
        |config, value| { config.client_secret = Some(Secret::new(text(value)?)); Some(()) };
    "token_endpoint_auth_method" Kind::OneOf(AUTH), "client_secret_post", false, "how the client secret is sent",
        |config, value| {
            config.client_auth = if one_of(AUTH, value)? == 0 { ClientAuth::Post } else { ClientAuth::Basic };
            Some(())
        };
    "token_request" Kind::OneOf(REQUEST), "form", false, "how the token request is written",
        |config, value| {
            config.token_request = if one_of(REQUEST, value)? == 0 { TokenRequest::Form } else { TokenRequest::Json };
            Some(())
        };
    "bearer" Kind::OneOf(BEARER), "access_token", false, "which token of an answer is handed out",
        |config, value| {
            config.bearer = if one_of(BEARER, value)? == 0 { Bearer::AccessToken } else { Bearer::IdToken };
            Some(())
        };
    "account_field" Kind::Text, "", false, "where an answer names the account (account.uuid, say)",
        |config, value| { config.account_field = Some(text(value)?); Some(()) };
    "issuer" Kind::Url, "", false, "issuer (RFC 8414); names the file of some tools",
        |config, value| { config.issuer = Some(url(value)?); Some(()) };
    "resource" Kind::Text, "", false, "resource the token is for (RFC 8707)",
        |config, value| { config.resource = Some(text(value)?); Some(()) };
    "store" Kind::Text, "", false, "path of the credential file",
        |config, value| { config.store = Some(text(value)?); Some(()) };
    "format" Kind::OneOf(StoreFormat::NAMES), "tokenward", false, "how the credential file is written",
        |config, value| { config.format = StoreFormat::from_name(value)?; Some(()) };
    "read_only" Kind::Switch, "false", false, "whether the store is only read: no refresh, no change",
        |config, value| { config.read_only = switch(value)?; Some(()) };
    "resident" Kind::Switch, "true", false, "whether the process stays; one that may exit refreshes later",
        |config, value| { config.resident = switch(value)?; Some(()) };
    "deadline" Kind::Seconds(0, 3600), "40", false, "time a caller waits at most",
        |config, value| { config.deadline = seconds(value, 0, 3600)?; Some(()) };
    "patience" Kind::Seconds(1, 600), "35", false, "time another process may hold the lock without progress",
        |config, value| { config.patience = seconds(value, 1, 600)?; Some(()) };
    "timeout" Kind::Seconds(1, 600), "30", false, "time for one request, answer included",
        |config, value| { config.timeout = seconds(value, 1, 600)?; Some(()) };
    "connect_timeout" Kind::Seconds(1, 600), "10", false, "time for look-up, connection and handshake",
        |config, value| { config.connect_timeout = seconds(value, 1, 600)?; Some(()) };
    "unknown_outcome" Kind::OneOf(OUTCOME), "replay", false, "what follows a request whose outcome is unknown",
        |config, value| {
            config.unknown_outcome =
                if one_of(OUTCOME, value)? == 0 { UnknownOutcome::Replay } else { UnknownOutcome::Reauth };
            Some(())
        };
    "trust_lock" Kind::Switch, "false", false, "whether locks are trusted on network shares and single-file mounts",
        |config, value| { config.trust_lock = switch(value)?; Some(()) };
    "ca_file" Kind::Text, "", false, "file with further CA certificates (PEM)",
        |config, value| { config.ca_file = Some(text(value)?); Some(()) };
    "user_agent" Kind::Text, "tokenward/VERSION", false, "User-Agent of our requests",
        |config, value| { config.user_agent = text(value)?; Some(()) };
}

/// A setting that cannot be used.
///
/// ```
/// use tokenward::Config;
///
/// let error = Config::from_map("environment", &Default::default()).unwrap_err();
/// assert_eq!(error.to_string(), "environment: token_url: missing");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Where the value stands.
    pub place: String,
    /// The setting.
    pub name: String,
    /// The value, empty if there is none.
    pub value: String,
    /// What is wrong with it.
    pub why: String,
}

impl ConfigError {
    fn new(place: &str, name: &str, value: &str, why: &str) -> Self {
        Self { place: place.into(), name: name.into(), value: value.into(), why: why.into() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.name)?;
        if !self.value.is_empty() {
            write!(f, " = {:?}", self.value)?;
        }
        write!(f, ": {}", self.why)
    }
}

impl core::error::Error for ConfigError {}

/// Returns whether a URL may carry a secret: https, or http to loopback (RFC 6749 sections 1.6 and 10.9).
pub(crate) fn is_safe_url(value: &str) -> bool {
    let Some((scheme, rest)) = value.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() || authority.contains(['@', '\\']) || value.contains(char::is_whitespace) {
        return false;
    }
    let host = match authority.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let loopback = host == "localhost" || host == "::1" || is_loopback_v4(host);
    match scheme {
        "https" => !host.is_empty(),
        "http" => loopback,
        _ => false,
    }
}

fn is_loopback_v4(host: &str) -> bool {
    host.parse::<core::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

fn url(value: &str) -> Option<String> {
    is_safe_url(value).then(|| value.to_string())
}

fn text(value: &str) -> Option<String> {
    (!value.is_empty()).then(|| value.to_string())
}

fn switch(value: &str) -> Option<bool> {
    value.parse().ok()
}

fn seconds(value: &str, from: u32, to: u32) -> Option<Duration> {
    let seconds: f64 = value.parse().ok()?;
    let bounds = f64::from(from)..=f64::from(to);
    bounds.contains(&seconds).then(|| Duration::from_secs_f64(seconds))
}

fn one_of(words: &[&str], value: &str) -> Option<usize> {
    words.iter().position(|word| *word == value)
}
