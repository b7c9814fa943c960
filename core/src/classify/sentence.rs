//! Prose, read last: whole sentences that say nothing but that the refresh token has ended.

/// Returns whether a text says that the refresh token has ended, and nothing else in its first sentence. What may follow
/// is advice: "Please log in again."
///
/// Every word must be one of a few, "refresh token" must stand in it, and a word that ends it. So "The provided
/// refresh token is invalid, expired or revoked." counts, and neither "refresh token is required" nor "processed 401
/// refresh tokens, 1 invalid" does.
pub(crate) fn ends_a_refresh_token(text: &str) -> bool {
    let mut last = "";
    let (mut names_it, mut ends_it, mut denies, mut affirms) = (false, false, false, false);
    for word in words(first_sentence(text)) {
        let is = |known: &&str| word.eq_ignore_ascii_case(known);
        names_it |= last.eq_ignore_ascii_case("refresh") && is(&"token");
        ends_it |= ENDS.iter().any(is);
        // "No refresh token found" says that we sent none.
        denies |= (DENIES.iter().any(is) && !is(&"no")) || (last.eq_ignore_ascii_case("no") && is(&"longer"));
        affirms |= AFFIRMS.iter().any(is);
        if !ENDS.iter().chain(DENIES).chain(AFFIRMS).chain(FILL).any(is) {
            return false;
        }
        last = word;
    }
    names_it && (ends_it || (denies && affirms))
}

fn first_sentence(text: &str) -> &str {
    text.split_once(". ").or_else(|| text.split_once("! ")).map_or(text, |(first, _)| first)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    let parts = text.split(|letter: char| letter.is_ascii_whitespace() || matches!(letter, '_' | '-' | '/'));
    let bare = parts.map(|word| word.trim_matches(|letter| matches!(letter, '.' | ',' | '!' | '"' | '\'' | ':' | '`')));
    bare.filter(|word| !word.is_empty())
}

const ENDS: &[&str] =
    &["invalid", "expired", "revoked", "unknown", "inactive", "malformed", "used", "invalidated", "bad", "incorrect"];

/// A word of these and one of those together end it too: "not found", "no longer valid".
const DENIES: &[&str] = &["not", "no", "cannot"];
const AFFIRMS: &[&str] = &["found", "valid", "active", "exist", "exists", "recognized"];

const FILL: &[&str] = &[
    "the",
    "your",
    "this",
    "a",
    "an",
    "provided",
    "given",
    "supplied",
    "refresh",
    "token",
    "authorization",
    "grant",
    "value",
    "is",
    "was",
    "has",
    "been",
    "or",
    "and",
    "longer",
    "already",
    "in",
    "request",
    "it",
    "may",
    "have",
    "does",
    "could",
    "be",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_that_says_only_that_counts() {
        for text in [
            "Invalid refresh token",
            "invalid refresh_token!",
            "refresh_token is invalid",
            "Invalid \"refresh_token\" in request.",
            "The refresh token is no longer valid.",
            "Refresh token not found",
            "The provided authorization grant or refresh token is invalid, expired or revoked.",
            "Your refresh token has already been used",
            "Invalid Refresh Token: Refresh Token Not Found",
            "Refresh token does not exist",
            "Bad refresh token",
            "The refresh token has expired. Please log in again.",
        ] {
            assert!(ends_a_refresh_token(text), "{text}");
        }
    }

    #[test]
    fn any_other_word_makes_it_prose() {
        for text in [
            "",
            "refresh token",
            "invalid token",
            "the refresh token is valid",
            "refresh token is required",
            "missing refresh token",
            "Invalid client for refresh token",
            "processed 401 refresh tokens, 1 invalid",
            "invalid_grant",
            "the refresh token is not valid yet",
            "refresh tokens are not allowed; the grant is invalid",
            "an invalid request for a token refresh",
            "No refresh token found in request",
            "Please log in again. The refresh token has expired.",
        ] {
            assert!(!ends_a_refresh_token(text), "{text}");
        }
    }
}
