//! Colours: for a person at a terminal who wants them, and nobody else.

use std::{
    format,
    string::{String, ToString},
};

use anstream::{AutoStream, ColorChoice, stream::RawStream};

/// Paints a text, or leaves it as it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint(bool);

impl Paint {
    /// Paints for this stream if it is a terminal that takes colours, or somebody insists (`CLICOLOR_FORCE`), and never
    /// if somebody said no (`NO_COLOR`, `CLICOLOR=0`). The same decision as that of `--help`.
    pub(super) fn on<S: RawStream>(stream: &S) -> Self {
        Self(AutoStream::choice(stream) != ColorChoice::Never)
    }

    /// Returns whether it paints.
    pub(super) const fn is_on(self) -> bool {
        self.0
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_left_as_it_is_where_colours_are_off() {
        assert_eq!(Paint(false).red("x"), "x");
        assert_eq!(Paint(true).red("x"), "\x1b[31mx\x1b[0m");
    }
}
