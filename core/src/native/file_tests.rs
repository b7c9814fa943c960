//! The file store as its drivers see it.

use std::{os::unix::fs::symlink, string::ToString, vec, vec::Vec};

use super::*;
use crate::native::{
    sys::in_forked_child,
    testing::{World, mode, write, writes},
};

#[test]
fn opening_and_reading_make_nothing() {
    let world = World::empty();

    let loaded = world.open().load(&[0..16, 16..32]);

    assert_eq!(loaded.journal.unwrap(), [SecretBytes::default(), SecretBytes::default()]);
    assert_eq!(loaded.store.unwrap(), None);
    assert!(loaded.parked.is_empty());
    assert!(world.names().is_empty());
}

#[test]
fn store_in_a_folder_that_does_not_exist_is_absent_until_the_lock_makes_the_folder() {
    let world = World::empty();
    let path = world.path("new/deep/auth.json");
    let store = FileStore::open(&path, false).unwrap();

    let absent = store.load(&[]).store;
    let locked = store.try_lock();

    assert_eq!(absent, Ok(None));
    assert_eq!(locked, Ok(()));
    assert_eq!(mode(&world.path("new/deep")), 0o700);
}

#[test]
fn second_store_of_one_process_waits_for_the_first() {
    let world = World::with_store("old");
    let (first, second) = (world.open(), world.open());

    assert_eq!(first.try_lock(), Ok(()));
    assert_eq!(second.try_lock(), Err(LockFault::Busy));
    first.unlock();

    assert_eq!(second.try_lock(), Ok(()));
}

#[test]
fn store_that_is_dropped_gives_the_lock_back() {
    let world = World::with_store("old");

    drop(world.locked());

    assert_eq!(world.open().try_lock(), Ok(()));
}

#[test]
fn removed_lock_file_makes_no_room_for_a_second_holder() {
    let world = World::with_store("old");
    let first = world.locked();
    fs::remove_file(world.lock_path()).unwrap();

    let second = world.open().try_lock();
    let prepared = first.prepare(writes(64, &[]), 16);

    assert_eq!(second, Err(LockFault::Busy));
    let fault = prepared.unwrap_err();
    assert!(fault.detail.ends_with("it was removed or replaced while it was locked"), "{fault}");
}

#[test]
fn holder_whose_lock_and_journal_were_removed_does_nothing_more() {
    let world = World::with_store("old");
    let first = world.locked();
    fs::remove_file(world.lock_path()).unwrap();
    fs::remove_file(world.journal_path()).unwrap();
    let second = world.locked();

    let committed = first.commit(Some("old"), Some("mine"));

    assert!(matches!(committed, Err(CommitFault::Fault(_))));
    assert_eq!(second.commit(Some("old"), Some("theirs")), Ok(()));
    assert_eq!(world.content().as_deref(), Some("theirs"));
}

#[test]
fn without_the_lock_nothing_is_written() {
    let world = World::with_store("old");
    let store = world.open();

    let refused = [
        store.prepare(writes(64, &[]), 16),
        store.stage(write(0, "frame"), write(8, "mark")),
        store.note(writes(64, &[]), Vec::new()),
    ];

    assert!(refused.iter().all(Result::is_err));
    assert!(matches!(store.commit(Some("old"), Some("new")), Err(CommitFault::Fault(_))));
    assert_eq!(world.names(), ["auth.json"]);
}

#[test]
fn companions_are_for_the_owner_only_whatever_the_store_allows() {
    let world = World::with_store("old");
    fs::set_permissions(world.store_path(), std::os::unix::fs::PermissionsExt::from_mode(0o664)).unwrap();

    let _store = world.locked();

    assert_eq!(mode(&world.lock_path()), 0o600);
    assert_eq!(mode(&world.journal_path()), 0o600);
}

#[test]
fn link_in_the_place_of_the_lock_is_not_followed() {
    let world = World::with_store("old");
    fs::write(world.path("victim"), "theirs").unwrap();
    symlink(world.path("victim"), world.lock_path()).unwrap();

    let locked = world.open().try_lock();

    assert!(matches!(locked, Err(LockFault::Fault(StoreFault { kind: FaultKind::NotAFile, .. }))), "{locked:?}");
    assert_eq!(fs::read_to_string(world.path("victim")).unwrap(), "theirs");
}

#[test]
fn link_that_leads_elsewhere_by_now_is_followed_anew() {
    let world = World::empty();
    fs::create_dir(world.path("a")).unwrap();
    fs::create_dir(world.path("b")).unwrap();
    fs::write(world.path("a/auth.json"), "in a").unwrap();
    fs::write(world.path("b/auth.json"), "in b").unwrap();
    symlink("a/auth.json", world.store_path()).unwrap();
    let store = world.open();
    assert_eq!(store.load(&[]).store.unwrap().unwrap().expose(), b"in a");

    fs::remove_file(world.store_path()).unwrap();
    symlink("b/auth.json", world.store_path()).unwrap();

    assert_eq!(store.load(&[]).store.unwrap().unwrap().expose(), b"in b");
    assert_eq!(store.try_lock(), Ok(()));
    assert!(world.path("b/.auth.json.tokenward.lock").exists());
    assert!(!world.path("a/.auth.json.tokenward.lock").exists());
}

#[test]
fn two_ways_to_one_store_are_one_store() {
    let world = World::with_store("old");
    symlink(world.store_path(), world.path("alias")).unwrap();
    let (direct, alias) = (world.open(), FileStore::open(world.path("alias"), false).unwrap());

    assert_eq!(direct.identity(), alias.identity());
    assert_eq!(direct.try_lock(), Ok(()));
    assert_eq!(alias.try_lock(), Err(LockFault::Busy));
}

#[test]
fn forked_child_starts_afresh_and_leaves_the_parents_lock_alone() {
    let world = World::with_store("old");
    let store = world.locked();
    assert_eq!(store.prepare(writes(64, &[]), 16), Ok(()));

    let told = in_forked_child(|| {
        // Even the inherited handle: it neither believes that it holds the lock nor gives it back.
        let begins_anew =
            store.try_lock() == Err(LockFault::Busy) && store.stage(write(0, "x"), write(8, "x")).is_err();
        store.unlock();
        begins_anew && world.open().try_lock() == Err(LockFault::Busy)
    });

    assert_eq!(told, Some(true));
    assert_eq!(world.open().try_lock(), Err(LockFault::Busy));
    assert_eq!(store.commit(Some("old"), Some("new")), Ok(()));
}

#[test]
fn stamp_moves_when_store_or_journal_is_written() {
    let world = World::with_store("old");
    let store = world.open();
    let at_first = store.stamp();

    fs::write(world.store_path(), "longer").unwrap();
    let after_store = store.stamp();
    fs::write(world.journal_path(), "journal").unwrap();
    let after_journal = store.stamp();

    assert_eq!(after_journal, store.stamp());
    assert!(at_first != after_store && after_store != after_journal);
    assert!(at_first.is_some());
}

#[test]
fn debug_and_faults_name_the_path_and_no_content() {
    let world = World::with_store("refresh-token-1");
    let store = world.locked();
    fs::remove_file(world.store_path()).unwrap();
    fs::create_dir(world.store_path()).unwrap();

    let fault = store.commit(Some("refresh-token-1"), Some("refresh-token-2")).unwrap_err();

    let told = vec![std::format!("{store:?}"), std::format!("{fault:?}"), world.path("").display().to_string()];
    assert!(told.iter().all(|text| !text.contains("refresh-token")), "{told:?}");
}
