//! Grants that wait beside the store: their code is spent, and somebody else holds the lock.

use std::{
    fs::{self, OpenOptions},
    io,
    os::unix::fs::{FileExt, MetadataExt},
    path::PathBuf,
    string::String,
    time::SystemTime,
    vec::Vec,
};

use super::{
    disk::{MAX_CONTENT, create_own, open_own, read_range, remove_if_there, sync_folder},
    fault::{fault, named},
    place::{Extra, Place, name_of},
    sys,
};
use crate::{FaultKind, Parked, SecretBytes, StoreFault};

/// Writes a grant to a file of its own and returns the name under which it waits.
pub(super) fn park(place: &Place, bytes: &SecretBytes) -> Result<String, StoreFault> {
    // Under another name until it is whole: the holder of the lock must never see half a grant and drop it.
    let (parking, parked) = (place.new_extra(Extra::Parking), place.new_extra(Extra::Grant));
    let store = fs::metadata(&place.store).ok();
    let written = create_own(&parking, store.as_ref()).and_then(|file| {
        // EXPOSE: the bytes go to a file that its owner alone can read.
        file.write_all_at(bytes.expose(), 0)?;
        file.sync_all()?;
        fs::rename(&parking, &parked)?;
        sync_folder(&place.folder)
    });
    match written {
        Ok(()) => Ok(name_of(&parked)),
        Err(error) => {
            // The caller is told and still has the grant.
            drop((remove_if_there(&parking), remove_if_there(&parked)));
            Err(fault("write", &parked, &error))
        }
    }
}

/// Reads the grants that wait, oldest first. What cannot be read waits on.
pub(super) fn read_all(place: &Place) -> Vec<Parked> {
    let Ok(entries) = fs::read_dir(&place.folder) else { return Vec::new() };
    let owners = [Some(sys::effective_user()), fs::metadata(&place.store).ok().map(|store| store.uid())];
    let mut waiting: Vec<(SystemTime, PathBuf)> = entries
        .flatten()
        .filter(|entry| place.is_extra(&entry.file_name(), Extra::Grant))
        .filter_map(|entry| {
            let found = entry.metadata().ok()?;
            // In a folder that others may write to, their grants are not ours.
            let is_ours = owners.contains(&Some(found.uid()));
            is_ours.then_some((found.modified().ok()?, entry.path()))
        })
        .collect();
    waiting.sort();
    waiting.into_iter().take(MAX_GRANTS).filter_map(|(_, path)| read(path).ok()).collect()
}

/// Removes a grant that is done with. A name that is not one of ours is refused.
pub(super) fn unpark(place: &Place, name: &str) -> Result<(), StoreFault> {
    let Some(path) = place.grant(name) else {
        return Err(named(FaultKind::Other, "remove from", &place.folder, "a name that is no parked grant's"));
    };
    remove_if_there(&path).map_err(|error| fault("remove", &path, &error))
}

fn read(path: PathBuf) -> io::Result<Parked> {
    let file = open_own(&path, OpenOptions::new().read(true))?;
    let length = file.metadata()?.len();
    if length > MAX_CONTENT {
        return Err(io::Error::from_raw_os_error(libc::EFBIG));
    }
    Ok(Parked { name: name_of(&path), bytes: read_range(&file, 0, length)? })
}

/// More than anybody signs in while one process holds a lock.
const MAX_GRANTS: usize = 64;

#[cfg(test)]
mod tests {
    use core::time::Duration;
    use std::{fs::File, os::unix::fs::symlink};

    use super::*;
    use crate::native::testing::{World, mode, writes};

    #[test]
    fn grant_waits_beside_a_store_that_somebody_else_holds() {
        let world = World::with_store("old");
        let (holder, other) = (world.locked(), world.open());

        let name = other.park("grant-1").unwrap();

        let parked = holder.load(&[]).parked;
        assert_eq!(parked.len(), 1);
        assert_eq!((parked[0].name.as_str(), parked[0].bytes.expose()), (name.as_str(), &b"grant-1"[..]));
        assert_eq!(mode(&world.path(&name)), 0o600);
    }

    #[test]
    fn oldest_grant_comes_first() {
        let world = World::with_store("old");
        let store = world.open();
        let names = [store.park("first").unwrap(), store.park("second").unwrap()];
        let made = File::open(world.path(&names[0])).unwrap().metadata().unwrap().modified().unwrap();
        for (name, age) in [(&names[0], 10), (&names[1], 20)] {
            File::open(world.path(name)).unwrap().set_modified(made - Duration::from_secs(age)).unwrap();
        }

        let parked = store.load(&[]).parked;

        assert_eq!(parked.iter().map(|grant| grant.bytes.expose()).collect::<Vec<_>>(), [&b"second"[..], b"first"]);
    }

    #[test]
    fn note_removes_what_is_done_with_and_nothing_that_is_not_a_grant() {
        let world = World::with_store("old");
        let store = world.locked();
        let name = store.park("grant-1").unwrap();

        let done = store.note(writes(0, &[]), [name.clone(), name].to_vec());
        let foreign = store.note(writes(0, &[]), ["auth.json".into()].to_vec());
        let outside = store.note(writes(0, &[]), [".auth.json.tokenward.grant-../auth.json".into()].to_vec());

        assert_eq!(done, Ok(()));
        assert!(foreign.is_err() && outside.is_err());
        assert_eq!(world.content().as_deref(), Some("old"));
        assert!(store.load(&[]).parked.is_empty());
    }

    #[test]
    fn links_and_half_written_grants_are_not_read() {
        let world = World::with_store("old");
        symlink(world.store_path(), world.path(".auth.json.tokenward.grant-0123456789abcdef")).unwrap();
        fs::write(world.path(".auth.json.tokenward.parking-0123456789abcdef"), "hal").unwrap();

        let parked = world.open().load(&[]).parked;

        assert!(parked.is_empty());
    }

    #[test]
    fn grant_that_cannot_be_written_is_told_and_leaves_nothing() {
        let world = World::empty();
        let store = crate::FileStore::open(world.path("missing/auth.json"), false).unwrap();

        let parked = store.park("grant-1");

        assert!(parked.is_err());
        assert!(world.names().is_empty());
    }
}
