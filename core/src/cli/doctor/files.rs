//! The store, its folder and what stands beside it.

use std::{
    format,
    fs::{self, Metadata},
    io,
    os::unix::fs::MetadataExt,
    path::Path,
    string::{String, ToString},
};

use super::Findings;
use crate::{
    UnixTime,
    cli::{lock, problem::odd_kind, text},
    native::{Left, Site, io_words, user},
};

/// Judges the store's kind, mode and owner, and its folder. `named` is the path that led there.
pub(super) fn store(site: &Site, named: &Path, findings: &mut Findings) {
    let (path, folder) = (site.store().display(), site.folder().display());
    match fs::metadata(site.folder()) {
        Ok(found) if !found.is_dir() => {
            return findings.wrong("folder", format!("{folder} is no folder"), "name a store in a folder");
        }
        Ok(found) => {
            let mode = found.mode() & 0o7777;
            // Whoever may rename in the folder may put another store in this one's place.
            if mode & 0o022 != 0 && mode & 0o1000 == 0 {
                let message = format!("{folder} can be written by others (mode {mode:04o})");
                findings.wrong("folder_mode", message, format!("chmod go-w {folder}"));
            }
            if rustix::fs::access(site.folder(), rustix::fs::Access::WRITE_OK).is_err() {
                let advice = "let its owner write there: a refresh replaces the store";
                findings.wrong("folder_read_only", format!("{folder} cannot be written"), advice);
            }
        }
        // The first login makes it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => {
            return findings.wrong("folder", format!("{folder}: {}", io_words(&error)), "let its owner read it");
        }
    }
    let found = match fs::symlink_metadata(site.store()) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if named.is_symlink() {
                let message = format!("{} is a link to {path}, which is not there", named.display());
                findings.wrong("store_link", message, "correct the link; a login would be made where it leads");
            }
            return;
        }
        Err(error) => return findings.wrong("store", format!("{path}: {}", io_words(&error)), "let its owner read it"),
    };
    if let Some(kind) = odd_kind(&found) {
        let advice = format!("move it away: {path} has to be a file, or to be missing");
        return findings.wrong("store_kind", format!("{path} is {kind}"), advice);
    }
    secret_mode("store_mode", site.store(), &found, findings);
    if found.uid() != user() && user() != 0 {
        let message = format!("{path} belongs to user {}", found.uid());
        findings.wrong("store_owner", message, "run as that user, or have the store given to you");
    }
}

/// Judges lock and journal: ours, the owner's, and closed to others.
pub(super) fn companions(site: &Site, findings: &mut Findings) {
    let owner = fs::metadata(site.store()).ok().map(|store| store.uid());
    for path in [site.lock(), site.journal()] {
        let shown = path.display();
        let found = match fs::symlink_metadata(path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                findings.wrong("companion", format!("{shown}: {}", io_words(&error)), "let its owner read it");
                continue;
            }
        };
        if let Some(kind) = odd_kind(&found) {
            findings.wrong("companion_kind", format!("{shown} is {kind}"), format!("remove {shown}"));
            continue;
        }
        secret_mode("companion_mode", path, &found, findings);
        if owner.is_some_and(|owner| owner != found.uid()) {
            let message = format!("{shown} belongs to another user than the store: the store's owner cannot refresh");
            let advice = format!("chown --reference={} {shown}", site.store().display());
            findings.wrong("companion_owner", message, advice);
        }
    }
}

/// Judges what processes left behind.
pub(super) fn leftovers(site: &Site, now: UnixTime, findings: &mut Findings) {
    for (left, path) in site.left() {
        let path = path.as_path();
        let age = fs::symlink_metadata(path).ok().and_then(|found| modified(&found)).map(|time| now.since(time));
        let age = age.unwrap_or_default();
        let shown = format!("{}, {} old", path.display(), text::span(age));
        let is_old = age.as_secs() > 3600;
        match left {
            Left::Temporary if is_old => {
                let advice = "the next refresh removes it; it holds a credential";
                findings.wrong("leftover", format!("a store that never took its place: {shown}"), advice);
            }
            // Somebody may be at it.
            Left::Temporary => {}
            Left::Grant => {
                let message = format!("a login waits for the next holder of the lock: {shown}");
                let advice = "`tokenward token` adopts it, as does any other process that uses the store";
                if is_old {
                    findings.wrong("parked_login", message, advice);
                } else {
                    findings.note("parked_login", message, advice);
                }
            }
            Left::Journal => {
                let message = format!("a journal that nobody understood was moved aside: {shown}");
                let advice = "attach its first 12,288 bytes, which hold no token, to a bug report, and remove it";
                findings.wrong("old_journal", message, advice);
            }
        }
    }
}

/// Judges whether locks mean anything here, and who holds ours.
pub(super) fn locks(site: &Site, trust_lock: bool, findings: &mut Findings) {
    if !site.folder().exists() {
        return;
    }
    if let Some(fault) = site.untrusted().filter(|_| !trust_lock) {
        let advice =
            "keep the store on a local disk, or mount its whole folder; trust_lock = true where you know better";
        findings.wrong("locks", fault.detail, advice);
    } else if let Some(fault) = site.pinned().filter(|_| site.store().is_file()) {
        findings.wrong("pinned", fault.detail, "a refresh replaces the store: mount its folder, or take the mark away");
    }
    if let Some(pid) = lock::holder(site.lock()) {
        let advice = "it is refreshing; if that lasts, look at that process";
        let holder = if pid == 0 { "a process of another container".into() } else { format!("process {pid}") };
        findings.note("locked", format!("{holder} holds the lock {}", site.lock().display()), advice);
    }
}

fn secret_mode(code: &'static str, path: &Path, found: &Metadata, findings: &mut Findings) {
    let mode = found.mode() & 0o777;
    if mode & 0o077 != 0 {
        let path = path.display();
        let message = format!("{path} is open to others (mode {mode:04o})");
        findings.wrong(code, message, format!("chmod 600 {path}"));
    }
}

/// Returns when a file was last written.
pub(super) fn modified(found: &Metadata) -> Option<UnixTime> {
    u64::try_from(found.mtime()).ok().map(UnixTime::from_secs)
}

/// Returns when a file was last written, if it is there.
pub(super) fn modified_at(path: &Path) -> Option<(String, UnixTime)> {
    let found = fs::metadata(path).ok()?;
    Some((path.display().to_string(), modified(&found)?))
}
