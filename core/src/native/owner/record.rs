//! What one process of ours tells the next about the owner's locks: which were its own, and which stood still.

use std::{
    format,
    fs::{self, File},
    io::Read,
    os::unix::fs::FileExt,
    string::String,
    time::Duration,
    vec::Vec,
};

use super::directory::Identity;
use crate::native::{hold::open_or_make, place::Place};

/// The file `.NAME.tokenward.owner`, read and written by the holder of our lock. Where it is missing, foreign or
/// outdated, a lock directory has to be seen standing still from now on: it only ever saves time.
#[derive(Debug)]
pub(super) struct Record {
    file: Option<File>,
    text: String,
    /// Which monotonic clock this process reads.
    clock: Option<String>,
}

/// A line of the record: a directory by its number in the owner's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// It was made and last touched by a holder of ours. Who finds it exactly so knows that its maker is dead, for that
    /// held our lock while it lived, and that nobody has touched it since.
    Held(usize, Identity),
    /// Somebody else's, and it was so at this moment of the monotonic clock, which processes share.
    Seen(usize, Identity, Duration),
}

/// No record is longer.
const MAX_RECORD: u64 = 4096;

impl Record {
    /// Opens and reads the record. Without one everything goes on.
    pub(super) fn open(place: &Place) -> Self {
        let store = fs::metadata(&place.store).ok();
        let file = open_or_make(&place.owner, store.as_ref()).ok().map(|(file, _)| file);
        let mut text = String::new();
        if let Some(file) = &file {
            // What is no text tells nothing.
            let _ = file.take(MAX_RECORD).read_to_string(&mut text);
        }
        Self { file, text, clock: clock() }
    }

    pub(super) fn lines(&self) -> Vec<Line> {
        self.text.lines().filter_map(|line| Line::parse(line, self.clock.as_deref())).collect()
    }

    /// Makes these lines the whole record.
    pub(super) fn write(&mut self, lines: impl Iterator<Item = Line>) {
        let Some(file) = &self.file else { return };
        let text: String = lines.filter_map(|line| line.text(self.clock.as_deref())).collect();
        // Best effort, and without a sync: after a loss of power everything is looked at anew.
        if text != self.text && file.write_all_at(text.as_bytes(), 0).is_ok() {
            drop(file.set_len(text.len() as u64));
            self.text = text;
        }
    }
}

impl Line {
    fn text(self, clock: Option<&str>) -> Option<String> {
        let words =
            |number: usize, Identity { dev, ino, seconds, nanos }| format!("{number} {dev} {ino} {seconds} {nanos}");
        match self {
            Self::Held(number, identity) => Some(format!("held {}\n", words(number, identity))),
            Self::Seen(number, identity, since) => {
                Some(format!("seen {} {} {}\n", words(number, identity), since.as_millis(), clock?))
            }
        }
    }

    fn parse(line: &str, clock: Option<&str>) -> Option<Self> {
        let mut words = line.split(' ');
        let kind = words.next()?;
        let number = words.next()?.parse().ok()?;
        let (dev, ino) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let (seconds, nanos) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let identity = Identity { dev, ino, seconds, nanos };
        match (kind, words.next(), words.next(), words.next()) {
            ("held", None, ..) => Some(Self::Held(number, identity)),
            ("seen", Some(since), Some(of), None) if Some(of) == clock => {
                Some(Self::Seen(number, identity, Duration::from_millis(since.parse().ok()?)))
            }
            _ => None,
        }
    }
}

/// Returns the name of the monotonic clock, where it is known which processes read the same one: those of one boot and,
/// since Linux 5.6, of one time namespace.
fn clock() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = fs::read_link("/proc/self/ns/time").map(|link| link.to_string_lossy().into_owned());
    Some(format!("{}/{}", boot.trim(), namespace.unwrap_or_default())).filter(|clock| !clock.contains(' '))
}
