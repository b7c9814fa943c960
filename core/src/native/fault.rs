//! From the system's error numbers to kinds a person can act on.

use std::{
    format, io,
    path::Path,
    string::{String, ToString},
};

use crate::{FaultKind, StoreFault};

/// Returns a fault that names what was tried and on what, from an error of the system.
pub(super) fn fault(tried: &str, path: &Path, error: &io::Error) -> StoreFault {
    named(kind(error), tried, path, &text(error))
}

/// Returns a fault that names what was tried and on what, and why it cannot be.
pub(super) fn named(kind: FaultKind, tried: &str, path: &Path, why: &str) -> StoreFault {
    StoreFault { kind, detail: format!("cannot {tried} {}: {why}", path.display()) }
}

/// Returns whether an error says that there is nothing of that name.
pub(super) fn is_missing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

/// Returns whether the system or the file system does not know what was asked of it.
pub(super) fn is_unsupported(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENOSYS | libc::EOPNOTSUPP | libc::ENOLCK))
        || error.raw_os_error() == Some(libc::ENOTSUP)
}

fn kind(error: &io::Error) -> FaultKind {
    match error.raw_os_error() {
        Some(libc::EACCES | libc::EPERM) => FaultKind::Denied,
        Some(libc::EROFS) => FaultKind::ReadOnly,
        Some(libc::ENOSPC | libc::EDQUOT | libc::EFBIG) => FaultKind::NoSpace,
        Some(libc::EBUSY | libc::ETXTBSY) => FaultKind::Pinned,
        Some(libc::EISDIR | libc::ENOTDIR | libc::ELOOP | libc::ENXIO | libc::ENODEV) => FaultKind::NotAFile,
        _ => FaultKind::Other,
    }
}

/// Says what happened without the system's number, and of a file that is missing what a person would say.
pub(crate) fn io_words(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::ENOENT) => "no such file".into(),
        Some(libc::ENXIO | libc::ENODEV) => "not a regular file".into(),
        Some(libc::ELOOP) => "its links go in a circle".into(),
        Some(_) => error.kind().to_string(),
        None => error.to_string(),
    }
}

/// The system's own words, with the number where the words are not clear.
fn text(error: &io::Error) -> String {
    let is_clear = error.raw_os_error().is_some() && kind(error) != FaultKind::Other;
    if is_clear { io_words(error) } else { error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system_become_kinds_and_plain_words() {
        let numbers = [libc::EACCES, libc::EROFS, libc::ENOSPC, libc::EDQUOT, libc::EBUSY, libc::EISDIR];
        let told: std::vec::Vec<_> = numbers
            .into_iter()
            .chain([libc::ENXIO, libc::ELOOP])
            .map(|number| fault("write", Path::new("/a/b"), &io::Error::from_raw_os_error(number)))
            .map(|fault| (fault.kind, fault.detail))
            .collect();

        assert_eq!(
            told,
            [
                (FaultKind::Denied, "cannot write /a/b: permission denied".into()),
                (FaultKind::ReadOnly, "cannot write /a/b: read-only filesystem or storage medium".into()),
                (FaultKind::NoSpace, "cannot write /a/b: no storage space".into()),
                (FaultKind::NoSpace, "cannot write /a/b: quota exceeded".into()),
                (FaultKind::Pinned, "cannot write /a/b: resource busy".into()),
                (FaultKind::NotAFile, "cannot write /a/b: is a directory".into()),
                (FaultKind::NotAFile, "cannot write /a/b: not a regular file".into()),
                (FaultKind::NotAFile, "cannot write /a/b: its links go in a circle".into()),
            ]
        );
    }
}
