//! Who owns which token: the rules of rotation, without a clock or a socket.

use std::{collections::BTreeMap, format, io, string::String, time::Duration, vec::Vec};

use super::Options;
use crate::Fingerprint;

/// All families of refresh tokens and what became of them.
pub(super) struct Book {
    families: Vec<Family>,
    refresh: BTreeMap<Fingerprint, Place>,
    access: BTreeMap<Fingerprint, Access>,
    dice: fn(&mut [u8]) -> io::Result<()>,
}

/// Where a token stands: the family's number, counted from 1, and how many rotations came before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) family: usize,
    pub(super) sequence: u64,
}

/// A fresh pair of tokens.
#[derive(Clone)]
pub(super) struct Issued {
    pub(super) place: Place,
    pub(super) access_token: String,
    pub(super) refresh_token: String,
    pub(super) ttl: Duration,
}

/// What a use of a refresh token leads to.
pub(super) enum Use {
    /// New tokens.
    Rotation(Issued),
    /// The predecessor, within the grace window: the same tokens again.
    Grace(Issued),
    /// A spent token; `killed` if it was this use that revoked the family.
    Replay { place: Place, killed: bool },
    /// The newest token of a dead family.
    Revoked(Place),
    /// Never issued.
    Unknown,
}

struct Family {
    alive: bool,
    sequence: u64,
    /// The last rotation and when it took place.
    last: Option<(Issued, Duration)>,
}

struct Access {
    place: Place,
    ends: Duration,
}

impl Book {
    /// Returns an empty book that draws its tokens from `dice`.
    pub(super) fn new(dice: fn(&mut [u8]) -> io::Result<()>) -> Self {
        Self { families: Vec::new(), refresh: BTreeMap::new(), access: BTreeMap::new(), dice }
    }

    /// Begins a family and returns its first refresh token.
    pub(super) fn login(&mut self) -> io::Result<(Place, String)> {
        let token = self.draw("rt")?;
        self.families.push(Family { alive: true, sequence: 0, last: None });
        let place = Place { family: self.families.len(), sequence: 0 };
        self.refresh.insert(Fingerprint::of(token.as_bytes()), place);
        Ok((place, token))
    }

    /// Issues an access token beside a family's first refresh token.
    pub(super) fn access(&mut self, place: Place, ttl: Duration, now: Duration) -> io::Result<String> {
        let token = self.draw("at")?;
        self.access.insert(Fingerprint::of(token.as_bytes()), Access { place, ends: now.saturating_add(ttl) });
        Ok(token)
    }

    /// Uses a refresh token.
    pub(super) fn spend(&mut self, token: &str, options: &Options, now: Duration) -> io::Result<Use> {
        let Some(place) = self.refresh.get(&Fingerprint::of(token.as_bytes())).copied() else {
            return Ok(Use::Unknown);
        };
        let Some(family) = family_mut(&mut self.families, place.family) else { return Ok(Use::Unknown) };
        if place.sequence < family.sequence {
            if family.alive
                && place.sequence.saturating_add(1) == family.sequence
                && let Some((issued, at)) = &family.last
                && now.saturating_sub(*at) < options.grace
            {
                return Ok(Use::Grace(issued.clone()));
            }
            let killed = std::mem::replace(&mut family.alive, false);
            return Ok(Use::Replay { place, killed });
        }
        if !family.alive {
            return Ok(Use::Revoked(place));
        }
        self.rotate(place.family, options, now).map(Use::Rotation)
    }

    fn rotate(&mut self, number: usize, options: &Options, now: Duration) -> io::Result<Issued> {
        let (access_token, refresh_token) = (self.draw("at")?, self.draw("rt")?);
        let family = family_mut(&mut self.families, number).ok_or(io::ErrorKind::NotFound)?;
        family.sequence = family.sequence.saturating_add(1);
        let place = Place { family: number, sequence: family.sequence };
        let issued = Issued { place, access_token, refresh_token, ttl: options.ttl };
        family.last = Some((issued.clone(), now));
        self.refresh.insert(Fingerprint::of(issued.refresh_token.as_bytes()), place);
        let access = Access { place, ends: now.saturating_add(options.ttl) };
        self.access.insert(Fingerprint::of(issued.access_token.as_bytes()), access);
        Ok(issued)
    }

    /// Revokes a family, the newest one if no number is given. Returns whether it was alive.
    pub(super) fn revoke(&mut self, number: Option<usize>) -> bool {
        let number = number.unwrap_or(self.families.len());
        family_mut(&mut self.families, number).is_some_and(|family| std::mem::replace(&mut family.alive, false))
    }

    /// Returns where an access token stands and whether it is live.
    pub(super) fn check(&self, token: &str, single: bool, now: Duration) -> (Option<Place>, bool) {
        let Some(access) = self.access.get(&Fingerprint::of(token.as_bytes())) else { return (None, false) };
        let family = access.place.family.checked_sub(1).and_then(|index| self.families.get(index));
        let live = now < access.ends
            && family.is_some_and(|family| family.alive && (!single || family.sequence == access.place.sequence));
        (Some(access.place), live)
    }

    /// Returns the newest family's last rotation.
    pub(super) fn newest(&self) -> Option<&Issued> {
        self.families.last()?.last.as_ref().map(|(issued, _)| issued)
    }

    /// Returns how many families there are.
    pub(super) fn families(&self) -> usize {
        self.families.len()
    }

    fn draw(&self, prefix: &str) -> io::Result<String> {
        let mut bytes = [0; 24];
        (self.dice)(&mut bytes)?;
        let mut token = format!("{prefix}-");
        for byte in bytes {
            token.push_str(&format!("{byte:02x}"));
        }
        Ok(token)
    }
}

fn family_mut(families: &mut [Family], number: usize) -> Option<&mut Family> {
    families.get_mut(number.checked_sub(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_use_issues_new_tokens_and_kills_the_old_refresh_token() {
        let mut book = book();
        let (_, first) = book.login().unwrap();

        let second = rotated(book.spend(&first, &strict(), at(0)).unwrap());
        let third = rotated(book.spend(&second.refresh_token, &strict(), at(1)).unwrap());

        assert_eq!(third.place, Place { family: 1, sequence: 2 });
        assert_ne!(second.access_token, third.access_token);
        assert!(matches!(book.spend(&second.refresh_token, &strict(), at(2)).unwrap(), Use::Replay { .. }));
    }

    #[test]
    fn reuse_revokes_the_whole_family_and_no_other() {
        let mut book = book();
        let (_, spent) = book.login().unwrap();
        let newest = rotated(book.spend(&spent, &strict(), at(0)).unwrap());
        let (_, other) = book.login().unwrap();

        let first = book.spend(&spent, &strict(), at(1)).unwrap();
        let again = book.spend(&spent, &strict(), at(1)).unwrap();

        assert!(matches!(first, Use::Replay { killed: true, .. }));
        assert!(matches!(again, Use::Replay { killed: false, .. }));
        assert!(matches!(book.spend(&newest.refresh_token, &strict(), at(2)).unwrap(), Use::Revoked(_)));
        assert_eq!(book.check(&newest.access_token, false, at(2)), (Some(newest.place), false));
        assert!(matches!(book.spend(&other, &strict(), at(2)).unwrap(), Use::Rotation(_)));
    }

    #[test]
    fn predecessor_gets_the_same_answer_within_the_grace_window_only() {
        let mut book = book();
        let lenient = Options { grace: Duration::from_secs(5), ..Options::default() };
        let (_, first) = book.login().unwrap();
        let second = rotated(book.spend(&first, &lenient, at(0)).unwrap());

        let within = book.spend(&first, &lenient, at(4)).unwrap();
        let after = book.spend(&first, &lenient, at(5)).unwrap();

        assert!(matches!(within, Use::Grace(issued) if issued.refresh_token == second.refresh_token));
        assert!(matches!(after, Use::Replay { killed: true, .. }));
    }

    #[test]
    fn grandparent_is_a_replay_even_within_the_grace_window() {
        let mut book = book();
        let lenient = Options { grace: Duration::from_secs(5), ..Options::default() };
        let (_, first) = book.login().unwrap();
        let second = rotated(book.spend(&first, &lenient, at(0)).unwrap());
        rotated(book.spend(&second.refresh_token, &lenient, at(1)).unwrap());

        assert!(matches!(book.spend(&first, &lenient, at(2)).unwrap(), Use::Replay { killed: true, .. }));
    }

    #[test]
    fn access_token_lives_for_its_ttl_and_as_the_only_one_until_the_next_rotation() {
        let mut book = book();
        let options = Options { ttl: Duration::from_secs(3), ..Options::default() };
        let (_, first) = book.login().unwrap();
        let old = rotated(book.spend(&first, &options, at(0)).unwrap());
        rotated(book.spend(&old.refresh_token, &options, at(1)).unwrap());

        assert!(book.check(&old.access_token, false, at(2)).1);
        assert!(!book.check(&old.access_token, true, at(2)).1);
        assert!(!book.check(&old.access_token, false, at(3)).1);
    }

    #[test]
    fn token_never_issued_is_unknown_and_harms_nobody() {
        let mut book = book();
        let (_, first) = book.login().unwrap();

        assert!(matches!(book.spend("rt-elsewhere", &strict(), at(0)).unwrap(), Use::Unknown));
        assert!(matches!(book.spend(&first, &strict(), at(0)).unwrap(), Use::Rotation(_)));
    }

    fn book() -> Book {
        Book::new(|bytes| getrandom::fill(bytes).map_err(io::Error::other))
    }

    fn strict() -> Options {
        Options::default()
    }

    fn at(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn rotated(outcome: Use) -> Issued {
        match outcome {
            Use::Rotation(issued) => issued,
            Use::Grace(_) | Use::Replay { .. } | Use::Revoked(_) | Use::Unknown => panic!("no rotation"),
        }
    }
}
