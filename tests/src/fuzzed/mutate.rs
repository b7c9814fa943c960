//! Mutations by dice: what a fuzzer does first, without a fuzzer.

use crate::Dice;

/// What is worth a try anywhere in an input.
const WORDS: &[&str] = &[
    "\"access_token\"",
    "\"refresh_token\"",
    "\"expires_in\"",
    "\"expires_at\"",
    "\"error\"",
    "\"version\"",
    "null",
    "true",
    "-1",
    "0",
    "1e999",
    "18446744073709551616",
    "0.5",
    "\"\"",
    "{}",
    "[]",
    "{",
    "}",
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "\\u00",
    ",",
    ":",
    "\u{0}",
    "\u{feff}",
    "\u{2028}",
    "é",
    "&",
    "=",
    "%",
    "%00",
    "%zz",
    "+",
    "access_token=",
    "\n",
    " ",
    "200 ",
    "400 ",
    "9999-12-31T23:59:59Z",
    "0000-00-00T00:00:00Z",
    "Bearer",
    "invalid_grant",
    "settled",
    "staged",
    "intent",
];

/// Returns a mutation of one of some inputs; others of them may be mixed in.
pub fn mutated(dice: &mut Dice, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = corpus[dice.below(corpus.len())].clone();
    for _ in 0..=dice.below(5) {
        let at = dice.below(bytes.len() + 1);
        let to = bytes.len().min(at + dice.pick(&[1, 1, 2, 4, 8, 32, 200]));
        match dice.below(10) {
            0 => change(dice, &mut bytes, at, |dice, byte| byte ^ (1 << dice.below(8))),
            1 => change(dice, &mut bytes, at, |dice, _| dice.roll().to_le_bytes()[0]),
            2 => change(dice, &mut bytes, at, |dice, _| dice.pick(b"\0\x7f\x80\xff{}[]\":,\\0 \n")),
            3 => _ = bytes.drain(at..to),
            4 => bytes.truncate(at),
            5 => insert(&mut bytes, at, dice.pick(WORDS).as_bytes()),
            6 => {
                let word = dice.pick(WORDS).as_bytes();
                _ = bytes.splice(at..to, word.iter().copied());
            }
            7 => {
                let copy = bytes[at..to].to_vec();
                for _ in 0..dice.pick(&[1, 2, 100]) {
                    insert(&mut bytes, at, &copy);
                }
            }
            8 => {
                let deep = dice.pick(&["[", "{\"a\":", "\\"]).repeat(dice.pick(&[3, 127, 129, 3000]));
                insert(&mut bytes, at, deep.as_bytes());
            }
            _ => {
                let other = &corpus[dice.below(corpus.len())];
                let from = dice.below(other.len() + 1);
                let piece = &other[from..other.len().min(from + dice.below(200))];
                insert(&mut bytes, at, piece);
            }
        }
    }
    bytes
}

fn change(dice: &mut Dice, bytes: &mut [u8], at: usize, new: impl FnOnce(&mut Dice, u8) -> u8) {
    if let Some(byte) = bytes.get_mut(at) {
        *byte = new(dice, *byte);
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, piece: &[u8]) {
    bytes.splice(at..at, piece.iter().copied());
}
