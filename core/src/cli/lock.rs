//! Who holds a store's lock at this moment, without touching it.

use std::path::Path;

/// Returns the process that holds the lock, 0 if the system does not say which; `None` if nobody does, or where the
/// system does not tell.
#[cfg(target_os = "linux")]
pub(super) fn holder(lock: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    let file = std::fs::symlink_metadata(lock).ok()?;
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    let device = (rustix::fs::major(file.dev()), rustix::fs::minor(file.dev()));
    holder_in(&locks, device, file.ino())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn holder(_: &Path) -> Option<u32> {
    None
}

/// Reads `/proc/locks` (proc_locks(5)): `1: FLOCK  ADVISORY  WRITE 4711 fe:01:524301 0 EOF`. Lines of waiters have an
/// arrow in the second place.
#[cfg(target_os = "linux")]
fn holder_in(locks: &str, device: (u32, u32), inode: u64) -> Option<u32> {
    locks.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace().skip(1);
        let (kind, _, access) = (words.next()?, words.next()?, words.next()?);
        let (pid, file) = (words.next()?, words.next()?);
        let mut parts = file.split(':');
        let major = u32::from_str_radix(parts.next()?, 16).ok()?;
        let minor = u32::from_str_radix(parts.next()?, 16).ok()?;
        let found = parts.next()?.parse::<u64>().ok()?;
        let is_it = kind == "FLOCK" && access == "WRITE" && (major, minor) == device && found == inode;
        is_it.then(|| pid.parse().unwrap_or_default())
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn holder_is_found_among_all_locks() {
        let locks = "1: POSIX  ADVISORY  WRITE 12 fe:01:77 0 EOF\n\
                     2: FLOCK  ADVISORY  WRITE 4711 fe:01:77 0 EOF\n\
                     2: -> FLOCK  ADVISORY  WRITE 4712 fe:01:77 0 EOF\n\
                     3: FLOCK  ADVISORY  READ 13 fe:01:78 0 EOF\n";

        assert_eq!(holder_in(locks, (0xfe, 1), 77), Some(4711));
        assert_eq!(holder_in(locks, (0xfe, 2), 77), None);
        assert_eq!(holder_in(locks, (0xfe, 1), 78), None);
        assert_eq!(holder_in("", (0xfe, 1), 77), None);
    }
}
