//! Texts and bytes that never print and are wiped when dropped, and the fingerprints that stand for them.

use alloc::{boxed::Box, string::String, vec::Vec};
use core::fmt;

use sha2::{Digest, Sha256};
use zeroize::Zeroize;

/// A secret text. It prints as `Secret(..)`, cannot be serialised, and is wiped when dropped.
///
/// ```
/// use tokenward::Secret;
///
/// let secret = Secret::new("refresh-token-1");
/// assert_eq!(format!("{secret:?}"), "Secret(..)");
/// assert_eq!(secret.expose(), "refresh-token-1");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    /// Takes over a text. A `String` with spare capacity is moved to a block of its own size and wiped.
    pub fn new(text: impl Into<String>) -> Self {
        let mut text = text.into();
        if text.len() == text.capacity() {
            return Self(text.into_boxed_str());
        }
        let exact = Self(Box::from(text.as_str()));
        text.zeroize();
        exact
    }

    /// Returns the text itself. Every caller says why it needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns the name under which this secret may be logged and compared.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(self.0.as_bytes())
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Secret bytes: a store's content, an HTTP body, a journal frame. Prints its length only and is wiped when dropped.
///
/// ```
/// use tokenward::SecretBytes;
///
/// let body = SecretBytes::new(b"grant_type=refresh_token".to_vec());
/// assert_eq!(format!("{body:?}"), "SecretBytes(24)");
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    /// Takes over bytes, spare capacity and all.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Returns an empty value that can hold `capacity` bytes without moving, so that no copy is left behind.
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    /// Returns the bytes themselves. Every caller says why it needs them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Appends bytes. A block that has to grow is copied and the old one wiped.
    pub fn push(&mut self, bytes: &[u8]) {
        let needed = self.0.len().saturating_add(bytes.len());
        if needed > self.0.capacity() {
            let mut larger = Vec::with_capacity(needed.saturating_mul(2));
            larger.extend_from_slice(&self.0);
            core::mem::swap(&mut self.0, &mut larger);
            larger.zeroize();
        }
        self.0.extend_from_slice(bytes);
    }

    /// Returns the name under which these bytes may be logged and compared.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.0)
    }

    /// Returns the number of bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Drop for SecretBytes {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretBytes({})", self.0.len())
    }
}

/// The first 128 bits of a SHA-256: names a secret without telling it. Displays as its first eight hex characters.
///
/// ```
/// use tokenward::Secret;
///
/// let name = Secret::new("refresh-token-1").fingerprint();
/// assert_eq!(name.to_string().len(), 8);
/// assert_eq!(name, Secret::new("refresh-token-1").fingerprint());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// Returns the fingerprint of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self::of_frame([bytes, &[], &[]], &[])
    }

    /// Returns the fingerprint of several texts, each kept apart from the next by its length.
    pub(crate) fn of_all(texts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for text in texts {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        }
        Self::first_half(&mut hash)
    }

    /// Returns the fingerprint of a head's fields and the parts of a payload as if they stood in one piece.
    pub(crate) fn of_frame(head: [&[u8]; 3], payload: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in head.iter().chain(payload) {
            hash.update(part);
        }
        Self::first_half(&mut hash)
    }

    fn first_half(hash: &mut Sha256) -> Self {
        let digest = hash.finalize_reset();
        // The hash keeps the last block of what it was fed. Left on the stack, the compiler copies it into the unused
        // bytes of other values, and with them into blocks of the heap.
        hash.update([0; 63]);
        core::hint::black_box(hash);
        let mut half = [0; 16];
        for (to, from) in half.iter_mut().zip(digest.iter()) {
            *to = *from;
        }
        Self(half)
    }

    /// Returns the 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Returns all 32 hex characters.
    pub fn to_hex(&self) -> String {
        let mut hex = String::with_capacity(32);
        for byte in self.0 {
            for nibble in [byte >> 4, byte & 15] {
                hex.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
            }
        }
        hex
    }

    /// Reads 32 hex characters back; `None` for anything else.
    pub fn from_hex(hex: &str) -> Option<Self> {
        if hex.len() != 32 {
            return None;
        }
        let mut digits = hex.chars();
        let mut bytes = [0; 16];
        for byte in &mut bytes {
            let high = digits.next()?.to_digit(16)?;
            let low = digits.next()?.to_digit(16)?;
            *byte = u8::try_from(high * 16 + low).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.iter().take(4) {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}
