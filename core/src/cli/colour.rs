//! Colours: for a person at a terminal who wants them, and nobody else.

use std::{
    env,
    ffi::OsStr,
    format,
    io::IsTerminal,
    string::{String, ToString},
};

/// Paints a text, or leaves it as it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint(bool);

impl Paint {
    /// Paints for this stream if it is a terminal that takes colours, and nobody said no (<https://no-color.org>).
    pub(super) fn on(stream: &impl IsTerminal) -> Self {
        let (no_color, term) = (env::var_os("NO_COLOR"), env::var_os("TERM"));
        Self(stream.is_terminal() && are_wanted(no_color.as_deref(), term.as_deref()))
    }

    /// Never paints.
    pub(super) const fn plain() -> Self {
        Self(false)
    }

    pub(super) fn red(self, text: &str) -> String {
        self.with(31, text)
    }

    pub(super) fn green(self, text: &str) -> String {
        self.with(32, text)
    }

    pub(super) fn yellow(self, text: &str) -> String {
        self.with(33, text)
    }

    fn with(self, code: u8, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }
}

fn are_wanted(no_color: Option<&OsStr>, term: Option<&OsStr>) -> bool {
    no_color.is_none_or(OsStr::is_empty) && term.is_some_and(|term| !term.is_empty() && term != "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_that_take_them() {
        let wanted =
            |no_color: Option<&str>, term: Option<&str>| are_wanted(no_color.map(str::as_ref), term.map(str::as_ref));

        assert!(wanted(None, Some("xterm")));
        assert!(wanted(Some(""), Some("xterm")));
        assert!(!wanted(Some("0"), Some("xterm")));
        assert!(!wanted(None, Some("dumb")));
        assert!(!wanted(None, None));
    }

    #[test]
    fn text_is_left_as_it_is_where_colours_are_off() {
        assert_eq!(Paint(false).red("x"), "x");
        assert_eq!(Paint(true).red("x"), "\x1b[31mx\x1b[0m");
    }
}
