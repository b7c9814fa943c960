//! What stands in a store: our own format, and those of other tools.

mod layout;
mod read;
mod splice;
mod tokenward;

use layout::Layout;

use crate::{Grant, SecretBytes, TokenError, Unreadable};

/// How a store is written: by us, or by the tool that owns it.
///
/// ```
/// use tokenward::StoreFormat;
///
/// let format = StoreFormat::from_name("claude-code").unwrap_or_default();
/// assert_eq!(format, StoreFormat::ClaudeCode);
/// assert_eq!(format.name(), "claude-code");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreFormat {
    /// Our own.
    #[default]
    Tokenward,
    /// Claude Code's `.credentials.json`.
    ClaudeCode,
    /// ethpandaops panda's `credentials.json`.
    Panda,
    /// OpenAI Codex's `auth.json`. Its owner takes no lock, so it is only read.
    Codex,
    /// Gemini CLI's `oauth_creds.json`.
    Gemini,
    /// The credentials of a profile of Anthropic's SDKs.
    AnthropicSdk,
    /// A token in the AWS command line's SSO cache.
    AwsSso,
}

impl StoreFormat {
    /// Every format.
    pub const ALL: &[Self] =
        &[Self::Tokenward, Self::ClaudeCode, Self::Panda, Self::Codex, Self::Gemini, Self::AnthropicSdk, Self::AwsSso];

    /// The names of the formats, in the same order.
    pub(crate) const NAMES: &[&str] =
        &["tokenward", "claude-code", "panda", "codex", "gemini", "anthropic-sdk", "aws-sso"];

    /// Returns the name in settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tokenward => "tokenward",
            Self::ClaudeCode => "claude-code",
            Self::Panda => "panda",
            Self::Codex => "codex",
            Self::Gemini => "gemini",
            Self::AnthropicSdk => "anthropic-sdk",
            Self::AwsSso => "aws-sso",
        }
    }

    /// Returns the format of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.name() == name)
    }

    /// Returns why stores of this format are only read, if so: nothing is refreshed then and nothing saved.
    ///
    /// ```
    /// use tokenward::StoreFormat;
    ///
    /// assert!(StoreFormat::Codex.read_only().is_some());
    /// assert!(StoreFormat::ClaudeCode.read_only().is_none());
    /// ```
    pub const fn read_only(self) -> Option<&'static str> {
        match self {
            // Its owner rotates the refresh token and takes no lock: two writers would end the login sooner or later.
            Self::Codex => Some("Codex renews this login itself and takes no lock; run codex once"),
            Self::Tokenward | Self::ClaudeCode | Self::Panda | Self::Gemini | Self::AnthropicSdk | Self::AwsSso => None,
        }
    }

    /// Reads a store's content. `Ok(None)` is a store without a login: signed out.
    ///
    /// ```
    /// use tokenward::StoreFormat;
    ///
    /// let stored = br#"{"claudeAiOauth":{"accessToken":"at-1","refreshToken":"rt-1","expiresAt":1795222800000}}"#;
    /// let grant = StoreFormat::ClaudeCode.decode(stored)?.ok_or("signed out")?;
    /// assert_eq!(grant.access_token.map(|token| token.expose() == "at-1"), Some(true));
    ///
    /// let signed_out = br#"{"claudeAiOauth":{"accessToken":"","refreshToken":"","expiresAt":0}}"#;
    /// assert_eq!(StoreFormat::ClaudeCode.decode(signed_out)?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Unreadable::Newer`] for a version above the one we know, [`Unreadable::Unsupported`] for a credential of
    /// another kind, [`Unreadable::Corrupt`] for everything that is not one whole object with tokens that are texts. An
    /// empty file is corrupt too: nobody writes one on purpose.
    pub fn decode(self, bytes: &[u8]) -> Result<Option<Grant>, Unreadable> {
        match self.layout() {
            None => tokenward::decode(bytes),
            Some(layout) => layout.decode(bytes),
        }
    }

    /// Returns the content that holds `grant` and everything in `existing` that is not the credential's, byte for byte.
    /// A store that is absent or blank becomes a new one; an empty grant signs out.
    ///
    /// ```
    /// use tokenward::{AccessToken, Grant, Secret, StoreFormat, UnixTime};
    ///
    /// let stored = br#"{"mcpOAuth":{"x":1.0},"claudeAiOauth":{"accessToken":"at-1","refreshToken":"rt-1","expiresAt":1}}"#;
    /// let grant = Grant {
    ///     access_token: Some(AccessToken::new("at-2", Some(UnixTime::from_secs(1_795_222_800)))),
    ///     refresh_token: Some(Secret::new("rt-2")),
    ///     ..Grant::default()
    /// };
    /// let saved = StoreFormat::ClaudeCode.encode(Some(stored), &grant)?;
    /// let expected = br#"{"mcpOAuth":{"x":1.0},"claudeAiOauth":{"accessToken":"at-2","refreshToken":"rt-2","expiresAt":1795222800000}}"#;
    /// assert_eq!(saved.expose(), expected);
    /// # Ok::<(), tokenward::TokenError>(())
    /// ```
    ///
    /// # Errors
    /// [`TokenError::StoreUnreadable`] as [`decode`](Self::decode) for `existing`: a store that cannot be read is never
    /// written over. [`TokenError::StoreUnwritable`] for a format that is only read.
    pub fn encode(self, existing: Option<&[u8]>, grant: &Grant) -> Result<SecretBytes, TokenError> {
        if let Some(reason) = self.read_only() {
            return Err(TokenError::StoreUnwritable { reason: reason.into() });
        }
        let encoded = match self.layout() {
            None => tokenward::encode(existing, grant),
            Some(layout) => layout.encode(existing, grant),
        };
        encoded.map_err(TokenError::from)
    }

    const fn layout(self) -> Option<&'static Layout> {
        match self {
            Self::Tokenward => None,
            Self::ClaudeCode => Some(&layout::CLAUDE_CODE),
            Self::Panda => Some(&layout::PANDA),
            Self::Codex => Some(&layout::CODEX),
            Self::Gemini => Some(&layout::GEMINI),
            Self::AnthropicSdk => Some(&layout::ANTHROPIC_SDK),
            Self::AwsSso => Some(&layout::AWS_SSO),
        }
    }
}
