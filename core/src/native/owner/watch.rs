//! Which lock directories stand still: what a clock on the wall says of their age decides nothing.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use super::directory::Identity;

/// What was seen of other people's lock directories, from one try to the next.
///
/// Whoever lives touches its directory every few seconds. Its age says less: a clock may be set, a file system's clock
/// may differ from ours, and a time in the future never grows old.
#[derive(Debug, Default)]
pub(super) struct Watch(BTreeMap<PathBuf, Seen>);

#[derive(Debug)]
struct Seen {
    identity: Identity,
    /// On the monotonic clock.
    since: Duration,
}

impl Watch {
    /// Notes what a lock directory is now, and returns whether it has stood still for longer than `stale`.
    pub(super) fn is_abandoned(&mut self, path: &Path, identity: Identity, now: Duration, stale: Duration) -> bool {
        match self.0.get(path) {
            Some(seen) if seen.identity == identity => now.saturating_sub(seen.since) > stale,
            Some(_) | None => {
                self.0.insert(path.into(), Seen { identity, since: now });
                false
            }
        }
    }

    /// Takes in what another process saw at a moment of the same clock. Who lives has moved since.
    pub(super) fn learn(&mut self, path: &Path, identity: Identity, since: Duration) {
        match self.0.get(path) {
            Some(seen) if seen.identity != identity || seen.since <= since => {}
            Some(_) | None => _ = self.0.insert(path.into(), Seen { identity, since }),
        }
    }

    /// Returns what was seen of a lock that somebody else has, and since when it stands still.
    pub(super) fn seen(&self, path: &Path) -> Option<(Identity, Duration)> {
        self.0.get(path).map(|seen| (seen.identity, seen.since))
    }

    /// Notes that nobody has a lock.
    pub(super) fn is_free(&mut self, path: &Path) {
        self.0.remove(path);
    }
}
