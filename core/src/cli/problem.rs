//! An error and the store it is about: what is wrong where, and what to do about it.

use std::{
    format,
    fs::Metadata,
    os::unix::fs::FileTypeExt,
    path::Path,
    string::{String, ToString},
};

use serde::de::IgnoredAny;

use super::{settings, text};
use crate::{
    Act, SETTINGS, TokenError, Unreadable,
    journal::Condition,
    native::{Site, io_words},
};

/// Says what is wrong, with the paths that an error of the library leaves to who opened the store.
pub(super) fn message(error: &TokenError, store: Option<&str>) -> String {
    let Some(store) = store else { return error.to_string() };
    match error {
        TokenError::SignedOut => format!("{error}: there is no login in {store}"),
        TokenError::StoreUnreadable { reason } => format!("store cannot be read: {}", unreadable(*reason, store)),
        TokenError::StoreBusy { .. } => match Site::of(Path::new(store)) {
            Ok(site) => format!("{error}: {}", site.lock().display()),
            Err(_) => error.to_string(),
        },
        // Most reasons name a file already.
        TokenError::StoreUnwritable { reason } if !reason.contains('/') => format!("{error}: {store}"),
        TokenError::StoreUnwritable { .. }
        | TokenError::ReauthRequired { .. }
        | TokenError::Misconfigured { .. }
        | TokenError::Unavailable { .. }
        | TokenError::Blocked { .. }
        | TokenError::Downgrade
        | TokenError::AccountMismatch => error.to_string(),
    }
}

/// Says what the person at the terminal can do next.
pub(super) fn advice(error: &TokenError) -> String {
    match (error.act(), error) {
        (Act::SignIn, _) => "sign in again and hand over the new login with `tokenward import`".into(),
        (Act::FixConfiguration, TokenError::Misconfigured { code }) => correct(code),
        (Act::FixConfiguration, _) => CLIENT.into(),
        (Act::Wait, _) => match error.retry_in() {
            Some(span) => format!("it passes: try again in {}", text::span(span)),
            None => "it passes: try again later".into(),
        },
        (Act::CheckNetwork, _) => "check the network: a proxy, a firewall or a sign-in page stands in the way".into(),
        (Act::Retry, _) => "try again; if it stays so, end the process that holds the lock".into(),
        (Act::FreeStore, TokenError::StoreUnreadable { reason }) => match reason {
            Unreadable::Corrupt => "restore it from a backup, or move it away and sign in again; it is left as it is",
            Unreadable::Denied => "let this user read it, or name another store",
            Unreadable::Folder => "move that away, or name another store: it has to be a file, or to be missing",
            Unreadable::Newer => "update this tokenward: until then the file is left as it is",
            Unreadable::Unsupported => "sign in with an account in the tool that owns it, or name another store",
            Unreadable::Locked => "unlock it and try again",
        }
        .into(),
        (Act::FreeStore, _) => {
            "let this user write there, or make room; nothing is lost. `tokenward doctor` looks closer".into()
        }
        (Act::Confirm, _) => "the stored login is kept; --replace replaces it all the same".into(),
    }
}

/// Says what it is, if it is no file.
pub(super) fn odd_kind(found: &Metadata) -> Option<&'static str> {
    let kind = found.file_type();
    if kind.is_file() {
        None
    } else if kind.is_dir() {
        Some("a folder")
    } else if kind.is_symlink() {
        Some("a link")
    } else if kind.is_fifo() {
        Some("a pipe")
    } else if kind.is_socket() {
        Some("a socket")
    } else {
        Some("a device")
    }
}

const CLIENT: &str = "check the token URL, the client id and the client secret";

/// Says what to correct: a setting, a variable, or what the server knows of the client.
fn correct(code: &str) -> String {
    let Some((name, _)) = code.split_once(": ") else {
        return match code {
            "dpop" | "token_type" => "ask the provider for a client whose tokens are bearer tokens".into(),
            _ => CLIENT.into(),
        };
    };
    match SETTINGS.iter().find(|setting| setting.name == name) {
        Some(setting) => {
            let (long, variable) = (settings::long(name), setting.env());
            format!("correct {name}, or leave it out: --{long}, {variable} or the profile")
        }
        None => format!("correct the variable {name}, or unset it"),
    }
}

/// Looks again at what cannot be read: the error knows a kind only.
fn unreadable(reason: Unreadable, store: &str) -> String {
    let site = match Site::of(Path::new(store)) {
        Ok(site) => site,
        Err(error) => return format!("{store}: {}", io_words(&error)),
    };
    let path = site.store().display();
    match reason {
        Unreadable::Folder => {
            let kind = std::fs::symlink_metadata(site.store()).ok().and_then(|found| odd_kind(&found));
            match (kind, site.read_store()) {
                (Some(kind), _) => format!("{path} is {kind}"),
                (None, Err(fault)) => fault.detail,
                (None, Ok(_)) => format!("{path} was no file"),
            }
        }
        Unreadable::Denied => site.read_store().err().map_or_else(|| format!("{path}: denied"), |fault| fault.detail),
        Unreadable::Corrupt => match site.read_store() {
            Ok(Some(bytes)) => format!("{path} {}", damage(bytes.expose())),
            Ok(None) => format!("{path} was damaged"),
            Err(fault) => fault.detail,
        },
        Unreadable::Newer => {
            let is_journal = matches!(site.read_journal().condition, Condition::Newer);
            let path = if is_journal { site.journal().display() } else { path };
            format!("{path} was written by a newer version")
        }
        Unreadable::Unsupported => format!("{path} holds a credential of another kind, an API key perhaps"),
        Unreadable::Locked => format!("{path} is locked"),
    }
}

/// Says where a content stops to make sense, without a word of it.
fn damage(content: &[u8]) -> String {
    if content.trim_ascii().is_empty() {
        return "is empty".into();
    }
    match serde_json::from_slice::<IgnoredAny>(content) {
        Ok(IgnoredAny) => "is JSON, but no login as its format has it".into(),
        Err(error) => format!("is damaged: no JSON from line {}, column {} on", error.line(), error.column()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_corrected_is_named() {
        let told = |code: &str| advice(&TokenError::Misconfigured { code: code.into() });

        assert_eq!(
            told("ca_file: /ca.pem: no such file"),
            "correct ca_file, or leave it out: --ca-file, TOKENWARD_CA_FILE or the profile"
        );
        assert_eq!(told("HTTPS_PROXY: not a URL"), "correct the variable HTTPS_PROXY, or unset it");
        assert_eq!(told("invalid_client"), "check the token URL, the client id and the client secret");
        assert!(told("dpop").contains("bearer"));
    }

    #[test]
    fn damage_is_told_by_its_place_only() {
        assert_eq!(damage(b" \n"), "is empty");
        assert_eq!(damage(b"{\"a\":1,\n\"refresh-token-1"), "is damaged: no JSON from line 2, column 16 on");
        assert_eq!(damage(b"[]"), "is JSON, but no login as its format has it");
    }
}
