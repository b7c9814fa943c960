//! Finds secrets in whatever somebody prints, writes or passes on: as they are, and as other layers spell them.
//!
//! A [`Detector`] knows some secrets. It undoes every spelling it knows, two deep (base64 in JSON, a form in a hex dump),
//! and looks for a [`FRAGMENT`] of a secret: a token that was cut off is a leak too.

mod spelling;

use std::{collections::BTreeMap, fmt};

pub use spelling::{Spelling, spell};

/// The shortest piece of a secret that counts as one.
pub const FRAGMENT: usize = 12;

/// Knows secrets, and finds them.
#[derive(Clone, Default)]
pub struct Detector {
    /// The name of the secret that each fragment comes from.
    fragments: BTreeMap<Vec<u8>, String>,
    /// Which pairs of bytes a fragment begins with: nearly everything is passed over at a glance.
    beginnings: Vec<bool>,
}

/// A secret that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The name under which the secret was added.
    pub secret: String,
    /// What had to be undone to see it, the outermost first.
    pub spelled: Vec<Spelling>,
}

impl Detector {
    /// Adds a secret, by a name that may be printed.
    ///
    /// # Panics
    /// A text shorter than a fragment cannot be told from others.
    #[must_use]
    pub fn knowing(mut self, name: &str, secret: &str) -> Self {
        self.learn(name, secret);
        self
    }

    /// Adds a secret, by a name that may be printed.
    pub fn learn(&mut self, name: &str, secret: &str) {
        assert!(secret.len() >= FRAGMENT, "{name} is too short to be found for sure");
        self.beginnings.resize(1 << 16, false);
        for fragment in secret.as_bytes().windows(FRAGMENT) {
            self.beginnings[beginning(fragment)] = true;
            self.fragments.entry(fragment.into()).or_insert_with(|| name.into());
        }
    }

    /// Returns every secret that stands in some bytes.
    pub fn find(&self, bytes: &[u8]) -> Vec<Hit> {
        assert!(!self.fragments.is_empty(), "a detector without a secret finds nothing");
        let mut hits = Vec::new();
        self.look(bytes, &[], &mut hits);
        hits
    }

    /// Fails if a secret stands in some bytes, and says which and where, without telling it.
    #[track_caller]
    pub fn assert_clean(&self, channel: &str, bytes: impl AsRef<[u8]>) {
        let hits = self.find(bytes.as_ref());
        assert!(hits.is_empty(), "{channel} leaks: {}", list(&hits));
    }

    /// Fails if the channel would let `secret` through in any spelling: the proof that [`assert_clean`](Self::assert_clean)
    /// means something. `pass` sends one text through the channel and returns what comes out of it.
    #[track_caller]
    pub fn assert_catches(channel: &str, secret: &str, mut pass: impl FnMut(&str) -> Vec<u8>) {
        let detector = Self::default().knowing("the planted secret", secret);
        for (spelled, text) in spell(secret) {
            let out = pass(&text);
            assert!(!detector.find(&out).is_empty(), "{channel} hides a planted secret, spelled {spelled}");
        }
        let innocent = pass("nothing to see here, and nobody to see it");
        detector.assert_clean(&format!("{channel} without a secret"), innocent);
    }

    fn look(&self, bytes: &[u8], undone: &[Spelling], hits: &mut Vec<Hit>) {
        let suspects = bytes.windows(FRAGMENT).filter(|window| self.beginnings[beginning(window)]);
        for secret in suspects.filter_map(|window| self.fragments.get(window)) {
            if !hits.iter().any(|hit| hit.secret == *secret) {
                hits.push(Hit { secret: secret.clone(), spelled: undone.to_vec() });
            }
        }
        if undone.len() == 2 {
            return;
        }
        for spelling in Spelling::ALL {
            for view in spelling.undo(bytes).iter().filter(|view| *view != bytes) {
                self.look(view, &[undone, &[spelling]].concat(), hits);
            }
        }
    }
}

impl fmt::Debug for Detector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Detector").finish_non_exhaustive()
    }
}

fn beginning(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

fn list(hits: &[Hit]) -> String {
    let told = hits.iter().map(|hit| match hit.spelled.as_slice() {
        [] => hit.secret.clone(),
        spelled => format!("{} spelled {spelled:?}", hit.secret),
    });
    told.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "refresh-token-1/with+every=kind\"of\\letter";

    #[test]
    fn every_spelling_is_found_wherever_it_stands() {
        let detector = Detector::default().knowing("token", SECRET);
        for (name, text) in spell(SECRET) {
            for around in ["", "x", "xy", "xyz", "{\"a\":\"", "=", "%", "\\", "0a"] {
                let bytes = [around, &text, around].concat();

                assert!(!detector.find(bytes.as_bytes()).is_empty(), "{name} between {around:?}");
            }
        }
    }

    #[test]
    fn one_spelling_in_another_is_found() {
        let detector = Detector::default().knowing("token", SECRET);
        for (inner, text) in spell(SECRET) {
            for (outer, text) in spell(&text).into_iter().filter(|(outer, _)| *outer != "as a fragment") {
                assert!(!detector.find(text.as_bytes()).is_empty(), "{inner}, {outer}");
            }
        }
    }

    #[test]
    fn a_fragment_is_found_and_less_is_not() {
        let detector = Detector::default().knowing("token", SECRET);

        for start in 0..SECRET.len() - FRAGMENT {
            assert_eq!(detector.find(&SECRET.as_bytes()[start..start + FRAGMENT]).len(), 1);
            assert_eq!(detector.find(&SECRET.as_bytes()[start..start + FRAGMENT - 1]), []);
        }
    }

    #[test]
    fn what_is_no_secret_is_not_found() {
        let detector = Detector::default().knowing("token", SECRET);

        for bytes in ["", "refresh_token", "the quick brown fox", "%00%", "\\u12", "AAAA", "1, 2, 3"] {
            assert_eq!(detector.find(bytes.as_bytes()), [], "{bytes}");
        }
        assert_eq!(detector.find(&vec![0; 1_000_000]), []);
    }

    #[test]
    fn a_failure_does_not_tell_the_secret() {
        let detector = Detector::default().knowing("token", SECRET);
        let told = std::panic::catch_unwind(|| detector.assert_clean("stdout", SECRET)).expect_err("it leaks");

        let told = told.downcast_ref::<String>().expect("a message");

        assert_eq!(told, "stdout leaks: token");
    }
}
