//! Where a lock beside a store says nothing, and where a store cannot be renamed over.

use std::{fs, io, os::unix::fs::MetadataExt, path::Path};

use super::{
    fault::{fault, named},
    place::Place,
};
use crate::{FaultKind, StoreFault};

/// Refuses places where two holders could both believe that they have the lock: a file system that a second kernel
/// shares, and a store that is a mount of its own, beside which another file system's lock lies.
pub(super) fn refuse_untrusted(place: &Place) -> Result<(), StoreFault> {
    if is_shared(&place.folder).map_err(|error| fault("ask for the file system of", &place.folder, &error))? {
        let why = "the file system is shared with another kernel (see trust_lock)";
        return Err(named(FaultKind::NoLocks, "trust a lock in", &place.folder, why));
    }
    if is_mount(place) {
        return Err(named(FaultKind::Pinned, "replace", &place.store, "it is a mount of its own; mount its folder"));
    }
    Ok(())
}

/// Refuses stores that cannot be renamed over: a mount, a file or folder that is immutable or append-only.
pub(super) fn refuse_pinned(place: &Place) -> Result<(), StoreFault> {
    match fs::symlink_metadata(&place.store) {
        Ok(found) if !found.is_file() => {
            return Err(named(FaultKind::NotAFile, "replace", &place.store, "it is not a regular file"));
        }
        Ok(_) | Err(_) => {}
    }
    if is_mount(place) {
        return Err(named(FaultKind::Pinned, "replace", &place.store, "it is a mount of its own; mount its folder"));
    }
    for path in [&place.store, &place.folder] {
        if is_immutable(path) {
            return Err(named(FaultKind::Pinned, "replace", &place.store, "it or its folder is marked immutable"));
        }
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn is_mount(place: &Place) -> bool {
    use rustix::fs::StatxAttributes as Attributes;
    // The device number is only asked where the kernel does not know better (before 5.8): overlayfs gives the files of
    // one folder several.
    has_attribute(&place.store, Attributes::MOUNT_ROOT).unwrap_or_else(|| is_on_another_device(place))
}

#[cfg(target_os = "linux")]
fn is_immutable(path: &Path) -> bool {
    use rustix::fs::StatxAttributes as Attributes;
    [Attributes::IMMUTABLE, Attributes::APPEND].into_iter().any(|it| has_attribute(path, it) == Some(true))
}

/// Returns whether a file has an attribute; `None` where the system cannot tell.
#[cfg(target_os = "linux")]
fn has_attribute(path: &Path, attribute: rustix::fs::StatxAttributes) -> Option<bool> {
    use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
    let found = statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::empty()).ok()?;
    found.stx_attributes_mask.contains(attribute).then(|| found.stx_attributes.contains(attribute))
}

fn is_on_another_device(place: &Place) -> bool {
    match (fs::symlink_metadata(&place.store), fs::metadata(&place.folder)) {
        (Ok(store), Ok(folder)) => store.dev() != folder.dev(),
        (Err(_), _) | (_, Err(_)) => false,
    }
}

#[cfg(target_os = "linux")]
fn is_shared(folder: &Path) -> io::Result<bool> {
    let kind = rustix::fs::statfs(folder)?.f_type;
    // The field's width and sign differ between architectures; a magic number has 32 bits.
    Ok(SHARED.contains(&(kind as u32)))
}

/// linux/magic.h and the file systems' own headers.
#[cfg(target_os = "linux")]
const SHARED: &[u32] = &[
    0x0000_6969, // NFS
    0x0000_517B, // SMB
    0xFF53_4D42, // CIFS
    0xFE53_4D42, // SMB 2 and 3
    0x0102_1997, // 9p: WSL's /mnt, virtual machines
    0x6573_5546, // FUSE: virtiofs, sshfs, Docker Desktop's shares
    0x786F_4256, // VirtualBox shared folders
    0xBACB_ACBC, // VMware shared folders
    0x0000_564C, // NCP
    0x7375_7245, // Coda
    0x5346_414F, // AFS
    0x6B41_4653, // AFS in the kernel
    0x00C3_6400, // Ceph
    0x0BD0_0BD0, // Lustre
];

#[cfg(not(target_os = "linux"))]
fn is_mount(place: &Place) -> bool {
    is_on_another_device(place)
}

#[cfg(target_os = "macos")]
fn is_immutable(path: &Path) -> bool {
    use std::os::macos::fs::MetadataExt as _;
    const ANY: u32 = libc::UF_IMMUTABLE | libc::UF_APPEND | libc::SF_IMMUTABLE | libc::SF_APPEND;
    fs::symlink_metadata(path).is_ok_and(|found| found.st_flags() & ANY != 0)
}

#[cfg(target_os = "macos")]
fn is_shared(folder: &Path) -> io::Result<bool> {
    let name = rustix::fs::statfs(folder)?.f_fstypename.map(|letter| letter as u8);
    let name = name.split(|letter| *letter == 0).next().unwrap_or_default();
    Ok(matches!(name, b"nfs" | b"smbfs" | b"afpfs" | b"webdav" | b"virtiofs" | b"9p") || name.starts_with(b"macfuse"))
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn is_immutable(_: &Path) -> bool {
    false
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn is_shared(_: &Path) -> io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_on_a_local_disk_is_trusted_and_can_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("auth.json");
        fs::write(&path, "{}").unwrap();
        let place = Place::of(&path).unwrap();

        assert_eq!(refuse_untrusted(&place), Ok(()));
        assert_eq!(refuse_pinned(&place), Ok(()));
    }

    #[test]
    fn folder_in_the_stores_place_cannot_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::of(folder.path()).unwrap();

        let refused = refuse_pinned(&place).unwrap_err();

        assert_eq!(refused.kind, FaultKind::NotAFile);
    }

    /// Needs the right to mount; where that is missing there is nothing to see.
    #[test]
    #[cfg(target_os = "linux")]
    fn single_file_mount_is_found_out() {
        let folder = tempfile::tempdir().unwrap();
        let (path, over) = (folder.path().join("auth.json"), folder.path().join("over.json"));
        fs::write(&path, "{}").unwrap();
        fs::write(&over, "{}").unwrap();
        let mount = |args: &[&std::ffi::OsStr]| {
            std::process::Command::new(args[0]).args(&args[1..]).stderr(std::process::Stdio::null()).status()
        };
        let mounted = mount(&["mount".as_ref(), "--bind".as_ref(), over.as_ref(), path.as_ref()]);
        if !mounted.is_ok_and(|status| status.success()) {
            return;
        }

        let place = Place::of(&path).unwrap();
        let (trusted, replaceable) = (refuse_untrusted(&place), refuse_pinned(&place));
        mount(&["umount".as_ref(), path.as_ref()]).unwrap();

        assert_eq!(trusted.unwrap_err().kind, FaultKind::Pinned);
        assert_eq!(replaceable.unwrap_err().kind, FaultKind::Pinned);
    }
}
