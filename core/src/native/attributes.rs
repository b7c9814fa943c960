//! What a file has besides its content, mode and owner: extended attributes and the access list.

use std::{fs::File, io, path::Path};

/// Gives the file that takes the store's place the store's attributes and access list, and takes away the access list
/// that its folder gave it: that one would let in whoever the store keeps out. An error if it cannot be done.
#[cfg(target_os = "linux")]
pub(super) fn keep(store: &Path, file: &File) -> io::Result<()> {
    use rustix::{
        fs::{XattrFlags, fremovexattr, fsetxattr},
        io::Errno,
    };

    let names = match names(store) {
        // No store yet, or a file system without attributes.
        Err(Errno::NOENT | Errno::OPNOTSUPP) => return Ok(()),
        names => names?,
    };
    // Others belong to the system (`security`) or to root (`trusted`): the new file has its own.
    for name in names.split(|byte| *byte == 0).filter(|name| name.starts_with(b"user.") || *name == ACCESS_LIST) {
        if let Some(value) = value(store, name)? {
            fsetxattr(file, name, &value, XattrFlags::empty())?;
        }
    }
    if value(store, ACCESS_LIST)?.is_none() {
        match fremovexattr(file, ACCESS_LIST) {
            Err(Errno::NODATA | Errno::OPNOTSUPP) => {}
            other => other?,
        }
    }
    Ok(())
}

/// Elsewhere they are kept by means of their own.
#[cfg(not(target_os = "linux"))]
pub(super) fn keep(_: &Path, _: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(target_os = "linux")]
const ACCESS_LIST: &[u8] = b"system.posix_acl_access";

/// Linux allows no list of names and no value above 64 KiB.
#[cfg(target_os = "linux")]
const LONGEST: usize = 64 * 1024;

/// Returns the names of a file's attributes, a zero behind each.
#[cfg(target_os = "linux")]
fn names(path: &Path) -> rustix::io::Result<std::vec::Vec<u8>> {
    let mut names = std::vec![0; LONGEST];
    let length = rustix::fs::listxattr(path, names.as_mut_slice())?;
    names.truncate(length);
    Ok(names)
}

/// Returns an attribute's value; `None` if the file has none of that name.
#[cfg(target_os = "linux")]
fn value(path: &Path, name: &[u8]) -> rustix::io::Result<Option<std::vec::Vec<u8>>> {
    use rustix::io::Errno;

    let mut value = std::vec![0; LONGEST];
    match rustix::fs::getxattr(path, name, value.as_mut_slice()) {
        Ok(length) => {
            value.truncate(length);
            Ok(Some(value))
        }
        Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(None),
        Err(error) => Err(error),
    }
}
