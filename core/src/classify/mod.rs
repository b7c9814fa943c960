//! What a server's words mean. Rows, not logic: a provider's habit is one more row in [`codes`] or [`habits`].
//!
//! A row has a short stable id, `provider.word`: it names the row that decided, in events and in vectors.

mod codes;
mod habits;
mod sentence;

pub(crate) use habits::{Habit, PATHS_OF_SENTENCES, Says, habits};
pub(crate) use sentence::ends_a_refresh_token;

/// What a row asks for.
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
    /// Nobody has answered the device's question yet (RFC 8628).
    Pending,
    /// The server does not serve this network.
    Blocked,
}

/// One row: its id, the word that is shown for it, and what it asks for.
///
/// The word is our own spelling, so that a known code brings no foreign text into a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: &'static str,
    pub(crate) word: &'static str,
    pub(crate) class: Class,
}

impl Row {
    /// Returns the row of a code, which is what its id ends in.
    fn of_code((id, class): &(&'static str, Class)) -> Self {
        Self { id, word: id.split_once('.').map_or(*id, |(_, word)| word), class: *class }
    }

    /// Returns the row of a habit: there is no code, so the id is shown.
    pub(crate) const fn of_habit(id: &'static str, class: Class) -> Self {
        Self { id, word: id, class }
    }
}

/// Returns the row of an error code; `None` for a code that no row knows.
///
/// Case, underscores, hyphens and spaces are ignored: servers write `INVALID_REFRESH_TOKEN`, `access-denied`, `invalid
/// grant` and `InvalidGrant`. What stands behind a colon and a space is prose (Dropbox: `invalid_client: Invalid
/// client_id or client_secret`), and what stands in front of `#` is a name space (AWS).
pub(crate) fn row(code: &str) -> Option<Row> {
    let code = code.split_once(": ").map_or(code, |(code, _)| code);
    let code = code.rsplit_once('#').map_or(code, |(_, code)| code).trim_end_matches(':');
    codes::ROWS.iter().map(Row::of_code).find(|row| letters(row.word).eq(letters(code)))
}

/// Returns the row of the number in Entra's `AADSTS700082`, if it asks for the same act as `class`.
///
/// The error member decides: "never use this field to react" (Microsoft, error codes reference). The number names the
/// row, and decides only where there is no error member (`class` is `None`).
pub(crate) fn entra(number: &str, class: Option<Class>) -> Option<Row> {
    let mut rows = codes::ENTRA.iter().map(Row::of_code).filter(|row| row.word == number);
    let row = rows.find(|row| class.is_none_or(|class| class.act() == row.class.act()))?;
    Some(Row { word: row.id, ..row })
}

/// Returns whether a text is the word of a row, as the row spells it.
pub(crate) fn is_ours(word: &str) -> bool {
    let codes = codes::ROWS.iter().map(|row| Row::of_code(row).word).chain(codes::ENTRA.iter().map(|(id, _)| *id));
    codes.chain(habits().iter().map(|habit| habit.row.word)).any(|known| known == word)
}

/// Returns whether a text is the name of a status (RFC 9110 section 15): a framework's or a gateway's, not a code.
pub(crate) fn is_status_phrase(text: &str) -> bool {
    STATUS_PHRASES.contains(&text)
}

impl Class {
    /// Returns a number for what is to be done, the same for every way to say "sign in".
    const fn act(self) -> u8 {
        match self {
            Self::Revoked | Self::Reused | Self::SignIn => 0,
            Self::Misconfigured => 1,
            Self::Transient | Self::Pending | Self::Blocked => 2,
        }
    }
}

fn letters(code: &str) -> impl Iterator<Item = char> {
    code.chars().filter(|letter| !matches!(letter, '_' | '-' | ' ')).map(|letter| letter.to_ascii_lowercase())
}

const STATUS_PHRASES: &[&str] = &[
    "Bad Request",
    "Unauthorized",
    "Payment Required",
    "Forbidden",
    "Not Found",
    "Method Not Allowed",
    "Not Acceptable",
    "Proxy Authentication Required",
    "Conflict",
    "Gone",
    "Length Required",
    "Payload Too Large",
    "Content Too Large",
    "URI Too Long",
    "Unsupported Media Type",
    "Misdirected Request",
    "Unprocessable Entity",
    "Unprocessable Content",
    "Locked",
    "Too Early",
    "Upgrade Required",
    "Unavailable For Legal Reasons",
];

#[cfg(test)]
mod tests {
    use alloc::{string::String, vec::Vec};

    use super::*;

    #[test]
    fn no_word_stands_in_two_rows() {
        let words: Vec<String> = codes::ROWS.iter().map(|row| letters(Row::of_code(row).word).collect()).collect();

        for (at, word) in words.iter().enumerate() {
            assert!(!words.iter().skip(at + 1).any(|other| other == word), "{word}");
        }
    }

    #[test]
    fn no_two_rows_share_an_id() {
        let codes = codes::ROWS.iter().chain(codes::ENTRA).map(|(id, _)| *id);
        let ids: Vec<_> = codes.chain(habits().iter().map(|habit| habit.row.id)).collect();

        for (at, id) in ids.iter().enumerate() {
            assert!(id.split_once('.').is_some(), "{id}: provider and word");
            assert!(!ids.iter().skip(at + 1).any(|other| other == id), "{id}");
        }
    }

    #[test]
    fn a_code_is_compared_whole_and_without_case() {
        let revoked = Some(Row::of_code(&("rfc6749.invalid_grant", Class::Revoked)));
        for code in ["INVALID_GRANT", "invalid grant", "InvalidGrant", "invalid-grant", "invalid_grant: token revoked"]
        {
            assert_eq!(row(code), revoked, "{code}");
        }
        for code in ["not invalid_grant", "invalid_gran", "", ":", "#", "error: invalid_grant", "invalid_grants"] {
            assert_eq!(row(code), None, "{code}");
        }
        let aws = row("com.amazonaws.ssooidc#InvalidGrantException").map(|row| row.id);
        assert_eq!(aws, Some("aws.InvalidGrantException"));
        assert_eq!(row("InvalidGrantException:").map(|row| row.id), aws);
    }

    #[test]
    fn entras_number_names_the_row_and_does_not_overrule_the_error() {
        let id = |number, class| entra(number, class).map(|row| row.id);

        assert_eq!(id("700082", Some(Class::Revoked)), Some("entra.700082"));
        assert_eq!(id("700082", None), Some("entra.700082"));
        assert_eq!(id("90033", Some(Class::Revoked)), None);
        assert_eq!(id("90033", None), Some("entra.90033"));
        assert_eq!(id("1", None), None);
    }
}
