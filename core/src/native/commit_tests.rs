//! The store under our own and other hands.

use std::{
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    process::Command,
};

use super::{moments::at, *};
use crate::{
    FaultKind, FileStore,
    native::testing::{World, mode, replace, writes},
};

#[test]
fn store_is_replaced_if_it_is_what_was_read() {
    let world = World::with_store("old");
    let store = world.locked();
    store.prepare(writes(64, &[]), 1024).unwrap();

    let committed = store.commit(Some("old"), Some("new"));

    assert_eq!(committed, Ok(()));
    assert_eq!(world.content().as_deref(), Some("new"));
    assert_eq!(world.names(), [".auth.json.tokenward.journal", ".auth.json.tokenward.lock", "auth.json"]);
}

#[test]
fn store_is_replaced_without_a_preparation_too() {
    let world = World::with_store("old");

    let committed = world.locked().commit(Some("old"), Some("new"));

    assert_eq!((committed, world.content().as_deref()), (Ok(()), Some("new")));
}

#[test]
fn store_that_somebody_wrote_is_left_alone() {
    let world = World::with_store("theirs");

    let committed = world.locked().commit(Some("old"), Some("mine"));

    assert_eq!((committed, world.content().as_deref()), (Err(CommitFault::Moved), Some("theirs")));
}

#[test]
fn store_that_is_written_at_the_last_moment_is_put_back() {
    let world = World::with_store("old");
    let (store, path) = (world.locked(), world.store_path());
    at("before the store is replaced", move || replace(&path, "theirs"));

    let committed = store.commit(Some("old"), Some("mine"));

    assert_eq!((committed, world.content().as_deref()), (Err(CommitFault::Moved), Some("theirs")));
    assert_eq!(world.names(), [".auth.json.tokenward.journal", ".auth.json.tokenward.lock", "auth.json"]);
}

#[test]
fn store_that_is_written_again_while_it_is_put_back_keeps_the_newest() {
    let world = World::with_store("old");
    let (store, path, again) = (world.locked(), world.store_path(), world.store_path());
    at("before the store is replaced", move || replace(&path, "theirs 1"));
    at("before a foreign store is put back", move || replace(&again, "theirs 2"));

    let committed = store.commit(Some("old"), Some("mine"));

    assert_eq!((committed, world.content().as_deref()), (Err(CommitFault::Moved), Some("theirs 2")));
}

#[test]
fn store_that_is_removed_at_the_last_moment_stays_removed() {
    let world = World::with_store("old");
    let (store, path) = (world.locked(), world.store_path());
    at("before the store is replaced", move || fs::remove_file(path).unwrap());

    let committed = store.commit(Some("old"), Some("mine"));

    assert_eq!((committed, world.content()), (Err(CommitFault::Moved), None));
}

#[test]
fn without_an_exchange_the_store_is_replaced_by_a_rename() {
    let world = World::with_store("old");
    let store = world.locked();
    at("exchange is not supported", || ());

    let committed = store.commit(Some("old"), Some("new"));

    assert_eq!((committed, world.content().as_deref()), (Ok(()), Some("new")));
    assert_eq!(world.names(), [".auth.json.tokenward.journal", ".auth.json.tokenward.lock", "auth.json"]);
}

#[test]
fn without_an_exchange_a_store_written_at_the_last_moment_is_left_alone() {
    let world = World::with_store("old");
    let (store, path) = (world.locked(), world.store_path());
    at("before the store is replaced", move || replace(&path, "theirs"));
    at("exchange is not supported", || ());

    let committed = store.commit(Some("old"), Some("mine"));

    assert_eq!((committed, world.content().as_deref()), (Err(CommitFault::Moved), Some("theirs")));
}

#[test]
fn first_login_makes_the_store_for_its_owner_only() {
    let world = World::empty();

    let committed = world.locked().commit(None, Some("new"));

    assert_eq!((committed, world.content().as_deref()), (Ok(()), Some("new")));
    assert_eq!(mode(&world.store_path()), 0o600);
}

#[test]
fn store_that_somebody_made_first_is_left_alone() {
    let world = World::empty();
    let (store, path) = (world.locked(), world.store_path());
    at("before the store is made", move || fs::write(path, "theirs").unwrap());

    let committed = store.commit(None, Some("mine"));

    assert_eq!((committed, world.content().as_deref()), (Err(CommitFault::Moved), Some("theirs")));
}

#[test]
fn sign_out_removes_the_store_if_it_is_what_was_read() {
    let world = World::with_store("old");
    let store = world.locked();

    assert_eq!(store.commit(Some("other"), None), Err(CommitFault::Moved));
    assert_eq!(world.content().as_deref(), Some("old"));
    assert_eq!(store.commit(Some("old"), None), Ok(()));

    assert_eq!(world.content(), None);
    assert_eq!(store.commit(None, None), Ok(()));
    assert_eq!(world.names(), [".auth.json.tokenward.journal", ".auth.json.tokenward.lock"]);
}

#[test]
fn store_that_is_written_while_it_is_removed_is_put_back() {
    let world = World::with_store("old");
    let (store, path) = (world.locked(), world.store_path());
    at("before the store is removed", move || replace(&path, "theirs"));

    let removed = store.commit(Some("old"), None);

    assert_eq!((removed, world.content().as_deref()), (Err(CommitFault::Moved), Some("theirs")));
}

#[test]
fn mode_of_the_store_survives_and_a_change_after_the_preparation_counts() {
    let world = World::with_store("old");
    fs::set_permissions(world.store_path(), fs::Permissions::from_mode(0o640)).unwrap();
    let store = world.locked();
    store.prepare(writes(64, &[]), 16).unwrap();
    fs::set_permissions(world.store_path(), fs::Permissions::from_mode(0o604)).unwrap();

    store.commit(Some("old"), Some("new")).unwrap();

    assert_eq!(mode(&world.store_path()), 0o604);
}

/// Only root may give files away; everybody else sees nothing here.
#[test]
fn owner_of_the_store_survives_and_gets_the_companions() {
    let world = World::with_store("old");
    if std::os::unix::fs::chown(world.store_path(), Some(12345), Some(23456)).is_err() {
        return;
    }
    let store = world.locked();
    let grant = store.park("grant-1").unwrap();

    store.commit(Some("old"), Some("new")).unwrap();

    for path in [world.store_path(), world.lock_path(), world.journal_path(), world.path(&grant)] {
        let found = fs::metadata(&path).unwrap();
        assert_eq!((found.uid(), found.gid()), (12345, 23456), "{}", path.display());
    }
}

#[test]
fn link_to_the_store_survives() {
    let world = World::with_store("old");
    symlink("auth.json", world.path("alias")).unwrap();
    let store = FileStore::open(world.path("alias"), false).unwrap();
    store.try_lock().unwrap();

    store.commit(Some("old"), Some("new")).unwrap();

    assert_eq!(fs::read_link(world.path("alias")).unwrap(), Path::new("auth.json"));
    assert_eq!(world.content().as_deref(), Some("new"));
}

#[test]
fn what_a_dead_holder_left_behind_is_removed_and_nothing_else() {
    let world = World::with_store("old");
    fs::write(world.path(".auth.json.tokenward.tmp-0123456789abcdef"), "stale").unwrap();
    let others =
        [".auth.json.tokenward.parking-0123456789abcdef", ".auth.json.tokenward.tmp-of-mine", "auth.json.lock"];
    others.iter().for_each(|name| fs::write(world.path(name), "theirs").unwrap());
    let store = world.locked();

    store.commit(Some("old"), Some("new")).unwrap();

    let names = world.names();
    assert!(!names.iter().any(|name| name.ends_with("tmp-0123456789abcdef")), "{names:?}");
    assert!(others.iter().all(|name| names.iter().any(|found| found == name)), "{names:?}");
}

#[test]
fn preparation_that_is_not_used_leaves_nothing() {
    let world = World::with_store("old");
    let store = world.locked();
    store.prepare(writes(64, &[]), 16).unwrap();
    store.prepare(writes(64, &[]), 16).unwrap();
    assert_eq!(world.names().iter().filter(|name| name.contains(".tmp-")).count(), 1);

    store.unlock();

    assert_eq!(world.names(), [".auth.json.tokenward.journal", ".auth.json.tokenward.lock", "auth.json"]);
}

#[test]
fn folder_in_the_stores_place_is_found_before_anything_is_sent() {
    let world = World::empty();
    fs::create_dir(world.store_path()).unwrap();

    let prepared = world.locked().prepare(writes(64, &[]), 16);

    assert_eq!(prepared.unwrap_err().kind, FaultKind::NotAFile);
}

/// Needs a file system that knows the attribute, and the right to set it; elsewhere there is nothing to see.
#[test]
fn immutable_store_is_found_before_anything_is_sent() {
    let world = World::with_store("old");
    let store = world.locked();
    let chattr = |flag: &str| Command::new("chattr").arg(flag).arg(world.store_path()).output();
    if !chattr("+i").is_ok_and(|set| set.status.success()) {
        return;
    }

    let prepared = store.prepare(writes(64, &[]), 16);
    chattr("-i").unwrap();

    assert_eq!(prepared.unwrap_err().kind, FaultKind::Pinned);
    assert_eq!(store.prepare(writes(64, &[]), 16), Ok(()));
}

/// As above: root is stopped by no mode, so the folder is made immutable.
#[test]
fn folder_that_takes_no_new_file_is_found_before_anything_is_sent() {
    let world = World::with_store("old");
    let store = world.locked();
    let chattr = |flag: &str| Command::new("chattr").arg(flag).arg(world.path("")).output();
    if !chattr("+i").is_ok_and(|set| set.status.success()) {
        return;
    }

    let prepared = store.prepare(writes(64, &[]), 16);
    chattr("-i").unwrap();

    assert_eq!(prepared.unwrap_err().kind, FaultKind::Pinned);
}
