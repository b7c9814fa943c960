//! What stands in a store: our own format, and those of other tools.

mod splice;
mod tokenward;

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
}

impl StoreFormat {
    /// Every format.
    pub const ALL: &[Self] = &[Self::Tokenward, Self::ClaudeCode, Self::Panda, Self::Codex];

    /// The names of the formats, in the same order.
    pub(crate) const NAMES: &[&str] = &["tokenward", "claude-code", "panda", "codex"];

    /// Returns the name in settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tokenward => "tokenward",
            Self::ClaudeCode => "claude-code",
            Self::Panda => "panda",
            Self::Codex => "codex",
        }
    }

    /// Returns the format of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.name() == name)
    }

    /// Reads a store's content. `Ok(None)` is a store without a login: signed out.
    ///
    /// # Errors
    /// [`Unreadable::Newer`] for a version above the one we know, [`Unreadable::Corrupt`] for everything else that is
    /// not one whole object with members of the format's types.
    pub fn decode(self, bytes: &[u8]) -> Result<Option<Grant>, Unreadable> {
        match self {
            Self::Tokenward => tokenward::decode(bytes),
            Self::ClaudeCode | Self::Panda | Self::Codex => Err(Unreadable::Newer),
        }
    }

    /// Returns the content that holds `grant` and everything in `existing` that is not the credential's, byte for byte.
    /// A store that is absent or blank becomes a new one; an empty grant signs out.
    ///
    /// # Errors
    /// [`TokenError::StoreUnreadable`] as [`decode`](Self::decode) for `existing`: a store that cannot be read is never
    /// written over. [`TokenError::StoreUnwritable`] for a format that is only read.
    pub fn encode(self, existing: Option<&[u8]>, grant: &Grant) -> Result<SecretBytes, TokenError> {
        match self {
            Self::Tokenward => tokenward::encode(existing, grant).map_err(TokenError::from),
            Self::ClaudeCode | Self::Panda | Self::Codex => Err(Unreadable::Newer.into()),
        }
    }
}
