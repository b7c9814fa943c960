use std::{
    cell::Cell,
    fs::{self, File},
    os::unix::fs::{MetadataExt, symlink},
    path::{Path, PathBuf},
    rc::Rc,
    string::String,
    thread,
    time::{Duration, UNIX_EPOCH},
    vec::Vec,
};

use super::{
    Owner,
    directory::{Directory, look, remove_abandoned},
    held::{Locks, OwnerHold},
};
use crate::{
    CommitFault, FaultKind, LockFault, StoreFormat,
    native::{
        FileStore,
        commit::moments,
        place::Place,
        sys::{self, in_forked_child},
        testing::{replace, write, writes},
    },
};

// -- The locks and their order ------------------------------------------------------------------------------------

#[test]
fn locks_of_claude_code_are_taken_in_its_order_inside_ours_and_given_back() {
    let home = Home::new();
    let order = home.watch_locks(BEFORE_LOCK);

    let store = home.locked();
    let (held, taken) = (home.lock_directories(), order.take());
    let order = home.watch_locks("before a lock of the owner's is given back");
    store.unlock();

    assert_eq!(held, [REFRESH, FOLDER]);
    assert_eq!(taken, [Vec::new(), Vec::from([REFRESH])]);
    assert_eq!(order.take(), [Vec::from([REFRESH, FOLDER]), Vec::from([REFRESH])]);
    assert_eq!(home.lock_directories(), NOTHING);
}

#[test]
fn lock_around_a_write_is_held_while_the_store_is_replaced() {
    let home = Home::new();
    let store = home.prepared();
    let seen = Rc::new(Cell::new(Vec::new()));
    let (look, see) = (home.paths(), Rc::clone(&seen));
    moments::at("before the store is replaced", move || see.set(directories(&look)));

    store.commit(Some(BEFORE), Some("after")).unwrap();

    assert_eq!(seen.take(), [REFRESH, FOLDER, WRITE, WRITE_LOCK]);
    assert_eq!(home.lock_directories(), [REFRESH, FOLDER]);
    assert_eq!(home.content(), "after");
}

#[test]
fn file_of_the_name_that_is_locked_is_left_alone() {
    let home = Home::new();
    fs::write(home.path(WRITE), "theirs").unwrap();
    let store = home.prepared();

    store.commit(Some(BEFORE), Some("after")).unwrap();
    store.unlock();

    assert_eq!(fs::read_to_string(home.path(WRITE)).unwrap(), "theirs");
    assert_eq!(home.lock_directories(), NOTHING);
}

#[test]
fn locks_stand_where_the_owner_looks_for_its_file_wherever_a_link_leads() {
    let home = Home::new();
    fs::create_dir(home.root.join("dotfiles")).unwrap();
    fs::rename(home.store_path(), home.root.join("dotfiles/claude.json")).unwrap();
    symlink("../dotfiles/claude.json", home.store_path()).unwrap();

    let _store = home.locked();

    assert_eq!(home.lock_directories(), [REFRESH, FOLDER]);
}

#[test]
fn locks_of_a_folder_that_is_a_link_stand_where_it_leads() {
    let home = Home::new();
    fs::rename(home.root.join(".claude"), home.root.join("real")).unwrap();
    symlink("real", home.root.join(".claude")).unwrap();

    let _store = home.locked();

    assert!(home.root.join("real/.oauth_refresh.lock").is_dir() && home.root.join("real.lock").is_dir());
    assert!(!home.root.join(".claude.lock").exists());
}

#[test]
fn lock_file_of_panda_is_ours_too() {
    let home = Home::new();
    let path = home.root.join("credentials.json");
    fs::write(&path, "{}").unwrap();
    let owners = File::create(home.root.join("credentials.json.lock")).unwrap();
    let open = || FileStore::open(&path, false).unwrap().with_format(StoreFormat::Panda);
    fs2::FileExt::try_lock_exclusive(&owners).unwrap();

    let busy = open().try_lock();
    fs2::FileExt::unlock(&owners).unwrap();
    let store = open();
    let free = store.try_lock();
    let owner_waits = fs2::FileExt::try_lock_exclusive(&owners).is_err();
    store.unlock();

    assert_eq!((busy, free), (Err(LockFault::Busy), Ok(())));
    assert!(owner_waits && fs2::FileExt::try_lock_exclusive(&owners).is_ok());
    let named = fs::metadata(home.root.join("credentials.json.lock")).unwrap();
    assert_eq!(named.ino(), owners.metadata().unwrap().ino());
    assert!(!home.root.join(".credentials.json.tokenward.lock").exists());
}

#[test]
fn store_whose_owner_takes_no_lock_is_only_read() {
    let home = Home::new();
    let store = FileStore::open(home.store_path(), false).unwrap().with_format(StoreFormat::Codex);

    let Err(LockFault::Fault(refused)) = store.try_lock() else { panic!("a store without locks is not locked") };

    assert_eq!(refused.kind, FaultKind::ReadOnly);
    assert_eq!(fs::read_dir(home.root.join(".claude")).unwrap().count(), 1);
}

// -- Somebody else has one ------------------------------------------------------------------------------------------

#[test]
fn second_lock_that_is_taken_leaves_the_first_and_ours_free() {
    let home = Home::new();
    let other = home.path(FOLDER);
    // Taken after it was looked at: the first is ours by then.
    moments::at(BEFORE_LOCK, || {});
    moments::at(BEFORE_LOCK, move || fs::create_dir(other).unwrap());

    let busy = home.open().try_lock();

    assert_eq!(busy, Err(LockFault::Busy));
    assert_eq!(home.lock_directories(), [FOLDER]);
    fs::remove_dir(home.path(FOLDER)).unwrap();
    assert_eq!(home.open().try_lock(), Ok(()));
}

#[test]
fn lock_that_is_taken_makes_and_removes_nothing() {
    let home = Home::new();
    fs::create_dir(home.path(FOLDER)).unwrap();
    let order = home.watch_locks(BEFORE_LOCK);

    let busy = home.open().try_lock();

    assert_eq!(busy, Err(LockFault::Busy));
    assert!(order.take().is_empty());
}

#[test]
fn file_in_the_place_of_a_lock_is_told() {
    let home = Home::new();
    fs::write(home.path(REFRESH), "").unwrap();

    let Err(LockFault::Fault(fault)) = home.open().try_lock() else { panic!("a file is no lock") };

    assert_eq!(fault.kind, FaultKind::NotAFile);
}

// -- Who is dead ----------------------------------------------------------------------------------------------------

#[test]
fn lock_that_moves_is_never_taken_over_however_old_it_looks() {
    let home = Home::new();
    fs::create_dir(home.path(REFRESH)).unwrap();
    let mut owner = Owner::new(StoreFormat::ClaudeCode);

    for minute in 0..60 {
        // The owner's clock stands an hour behind ours.
        set_time(&home.path(REFRESH), sys::now().wall.as_millis() / 1000 - 3600 + minute);
        assert_eq!(home.try_lock(&mut owner, 60 * minute), Err(LockFault::Busy));
    }

    assert_eq!(home.lock_directories(), [REFRESH]);
}

#[test]
fn lock_that_was_seen_once_is_not_taken_over_by_its_age() {
    let home = Home::new();
    fs::create_dir(home.path(FOLDER)).unwrap();
    set_time(&home.path(FOLDER), 1_000_000_000);

    let busy = home.try_lock(&mut Owner::new(StoreFormat::ClaudeCode), 1_000_000);

    assert_eq!(busy, Err(LockFault::Busy));
    assert_eq!(home.lock_directories(), [FOLDER]);
}

#[test]
fn lock_that_stood_still_for_longer_than_a_minute_is_taken_over_whatever_its_time() {
    for time in [1_000_000_000, 4_000_000_000] {
        let home = Home::new();
        fs::create_dir(home.path(REFRESH)).unwrap();
        fs::create_dir(home.path(FOLDER)).unwrap();
        set_time(&home.path(REFRESH), time);
        set_time(&home.path(FOLDER), time);
        let mut owner = Owner::new(StoreFormat::ClaudeCode);

        let waits = [0, 59, 60].map(|now| home.try_lock(&mut owner, now));
        let taken = home.locked_by(&mut owner, 61);

        assert_eq!(waits, [const { Err(LockFault::Busy) }; 3]);
        assert!(taken.check().is_ok());
        assert_eq!(home.lock_directories(), [REFRESH, FOLDER]);
        drop(taken);
        assert_eq!(home.lock_directories(), NOTHING);
    }
}

#[test]
fn minute_begins_anew_with_every_move() {
    let home = Home::new();
    fs::create_dir(home.path(REFRESH)).unwrap();
    let mut owner = Owner::new(StoreFormat::ClaudeCode);

    let first = home.try_lock(&mut owner, 0);
    set_time(&home.path(REFRESH), 1_000_000_000);
    let later = [50, 61, 110].map(|now| home.try_lock(&mut owner, now));

    assert_eq!((first, later), (Err(LockFault::Busy), [const { Err(LockFault::Busy) }; 3]));
    assert_eq!(home.try_lock(&mut owner, 111), Ok(()));
}

#[test]
fn process_that_ends_too_soon_leaves_what_it_saw_to_the_next() {
    let home = Home::new();
    fs::create_dir(home.path(FOLDER)).unwrap();
    let processes = || Owner::new(StoreFormat::ClaudeCode);

    let waits = [1, 30, 61].map(|now| home.try_lock(&mut processes(), now));
    let over = home.try_lock(&mut processes(), 62);

    assert_eq!(waits, [const { Err(LockFault::Busy) }; 3]);
    // Where nobody knows which processes share a clock, each has to see for itself.
    let is_shared = cfg!(target_os = "linux");
    assert_eq!(over, if is_shared { Ok(()) } else { Err(LockFault::Busy) });
}

#[test]
fn what_was_seen_by_another_clock_or_has_moved_since_counts_for_nothing() {
    let home = Home::new();
    fs::create_dir(home.path(FOLDER)).unwrap();
    let processes = || Owner::new(StoreFormat::ClaudeCode);

    let first = home.try_lock(&mut processes(), 1);
    let record = fs::read_to_string(home.record()).unwrap();
    fs::write(home.record(), record.replace("/time:", "/other:")).unwrap();
    let by_another_clock = home.try_lock(&mut processes(), 1000);
    set_time(&home.path(FOLDER), 1_000_000_000);
    let moved = home.try_lock(&mut processes(), 2000);

    assert_eq!([first, by_another_clock, moved], [const { Err(LockFault::Busy) }; 3]);
}

#[test]
fn second_taker_of_an_abandoned_lock_leaves_it_to_the_first() {
    let home = Home::new();
    let path = home.path(REFRESH);
    fs::create_dir(&path).unwrap();
    let abandoned = look(&path).unwrap().unwrap();
    let first = Rc::new(Cell::new(None));
    let (made, place) = (Rc::clone(&first), path.clone());
    moments::at("before an abandoned lock is moved aside", move || {
        fs::remove_dir(&place).unwrap();
        made.set(Directory::make(&place).unwrap());
    });

    let removed = remove_abandoned(&path, abandoned);

    assert!(!removed.unwrap());
    assert!(first.take().unwrap().is_ours());
    assert_eq!(home.lock_directories(), [REFRESH]);
    assert_eq!(fs::read_dir(home.root.join(".claude")).unwrap().count(), 2);
}

#[test]
fn lock_that_moved_since_it_was_looked_at_is_not_removed() {
    let home = Home::new();
    let path = home.path(REFRESH);
    fs::create_dir(&path).unwrap();
    let seen = look(&path).unwrap().unwrap();
    set_time(&path, 1_000_000_000);

    let removed = remove_abandoned(&path, seen);

    assert!(!removed.unwrap());
    assert_eq!(home.lock_directories(), [REFRESH]);
}

#[test]
fn abandoned_lock_around_a_write_is_taken_over_after_fifteen_seconds() {
    let home = Home::new();
    fs::create_dir(home.path(WRITE_LOCK)).unwrap();
    let hold = home.locked_by(&mut Owner::new(StoreFormat::ClaudeCode), 0);

    let mut now = Duration::ZERO;
    let lock = hold.lock_write_by(now, || {
        now += Duration::from_secs(1);
        now
    });

    let held = home.lock_directories();
    drop(lock.unwrap());
    assert_eq!(now, Duration::from_secs(16));
    assert_eq!(held, [REFRESH, FOLDER, WRITE, WRITE_LOCK]);
    assert_eq!(home.lock_directories(), [REFRESH, FOLDER]);
}

#[test]
fn write_waits_for_the_owners_write_and_says_so_if_that_never_ends() {
    let home = Home::new();
    fs::create_dir(home.path(WRITE)).unwrap();
    let hold = home.locked_by(&mut Owner::new(StoreFormat::ClaudeCode), 0);

    let mut now = 0;
    let never = hold.lock_write_by(Duration::ZERO, || {
        now += 1;
        set_time(&home.path(WRITE), 1_000_000_000 + now);
        Duration::from_secs(now)
    });
    let fault = never.unwrap_err();
    let given = hold.lock_write_by(Duration::ZERO, || {
        fs::remove_dir(home.path(WRITE)).unwrap();
        Duration::ZERO
    });

    assert_eq!((fault.kind, now), (FaultKind::Other, 21));
    assert!(given.is_ok());
}

// -- Who is alive ---------------------------------------------------------------------------------------------------

#[test]
fn lock_that_is_held_moves_by_itself() {
    let home = Home::new();
    let place = Place::of(&home.store_path()).unwrap();
    let mut locks = Locks::new(super::claude_code(&home.store_path(), &place).unwrap(), &place);
    assert_eq!(locks.take_refresh(&mut super::Watch::default(), Duration::ZERO), Ok(true));
    let before = [REFRESH, FOLDER].map(|name| look(&home.path(name)).unwrap());

    let hold = OwnerHold::beating(locks, Duration::from_millis(1)).unwrap();

    let begin = sys::now().mono;
    for (name, before) in [REFRESH, FOLDER].into_iter().zip(before) {
        while look(&home.path(name)).unwrap() == before {
            assert!(sys::now().mono - begin < Duration::from_secs(30), "{name} stands still");
            thread::yield_now();
        }
    }
    drop(hold);
    assert_eq!(home.lock_directories(), NOTHING);
}

#[test]
fn check_makes_a_lock_that_slept_young_again() {
    let home = Home::new();
    let hold = home.locked_by(&mut Owner::new(StoreFormat::ClaudeCode), 0);
    set_time(&home.path(REFRESH), 1_000_000_000);

    hold.check().unwrap();

    assert!(look(&home.path(REFRESH)).unwrap().unwrap().seconds > 1_700_000_000);
}

#[test]
fn lost_lock_is_noticed_before_the_refresh_token_is_spent() {
    let home = Home::new();
    let store = home.locked();
    home.steal(REFRESH);

    let fault = store.prepare(writes(64, &[write(0, "intent")]), 16).unwrap_err();

    assert_eq!(fault.kind, FaultKind::Other);
    assert!(fault.detail.contains(".oauth_refresh.lock"), "{}", fault.detail);
}

#[test]
fn lost_lock_is_noticed_before_the_store_is_written_and_is_not_given_back() {
    let home = Home::new();
    let store = home.prepared();
    let thief = home.steal(FOLDER);

    let lost = store.commit(Some(BEFORE), Some("after"));
    store.unlock();

    assert!(matches!(lost, Err(CommitFault::Fault(_))), "{lost:?}");
    assert_eq!(home.content(), BEFORE);
    assert!(thief.is_ours());
    assert_eq!(home.lock_directories(), [FOLDER]);
}

#[test]
fn lock_that_is_lost_while_waiting_to_write_is_noticed() {
    let home = Home::new();
    fs::create_dir(home.path(WRITE)).unwrap();
    let hold = home.locked_by(&mut Owner::new(StoreFormat::ClaudeCode), 0);

    let lost = hold.lock_write_by(Duration::ZERO, || {
        drop(home.steal(REFRESH));
        fs::remove_dir(home.path(WRITE)).unwrap();
        Duration::ZERO
    });

    assert!(lost.is_err());
    assert!(!home.path(WRITE).exists());
}

#[test]
fn answer_is_staged_though_the_owners_lock_is_lost() {
    let home = Home::new();
    let store = home.prepared();
    home.steal(REFRESH);

    assert_eq!(store.stage(write(16, "answer"), write(0, "staged")), Ok(()));
}

#[test]
fn replaced_store_is_left_alone_and_the_write_lock_given_back() {
    let home = Home::new();
    let store = home.prepared();
    replace(&home.store_path(), "theirs");

    let moved = store.commit(Some(BEFORE), Some("after"));

    assert_eq!(moved, Err(CommitFault::Moved));
    assert_eq!(home.content(), "theirs");
    assert_eq!(home.lock_directories(), [REFRESH, FOLDER]);
}

// -- A child, and a death -------------------------------------------------------------------------------------------

#[test]
fn child_neither_touches_nor_removes_its_parents_locks() {
    let home = Home::new();
    let mut store = Some(home.locked());
    let mut hold = Some(home.open());
    let before = [REFRESH, FOLDER].map(|name| look(&home.path(name)).unwrap());

    let dropped = in_forked_child(|| {
        drop(hold.take());
        drop(store.take());
        [REFRESH, FOLDER].map(|name| look(&home.path(name)).unwrap()) == before
    });

    assert_eq!(dropped, Some(true));
    assert_eq!([REFRESH, FOLDER].map(|name| look(&home.path(name)).unwrap()), before);
    assert!(store.unwrap().prepare(writes(64, &[]), 16).is_ok());
}

#[test]
fn child_that_drops_the_locks_themselves_leaves_them() {
    let home = Home::new();
    let mut hold = Some(home.locked_by(&mut Owner::new(StoreFormat::ClaudeCode), 0));

    let dropped = in_forked_child(|| {
        drop(hold.take());
        true
    });

    assert_eq!(dropped, Some(true));
    assert_eq!(home.lock_directories(), [REFRESH, FOLDER]);
    assert!(hold.unwrap().check().is_ok());
}

#[test]
fn locks_of_a_killed_holder_of_ours_are_free_at_once() {
    let home = Home::new();
    home.die_with_the_lock();
    assert_eq!(home.lock_directories(), [REFRESH, FOLDER]);

    let store = home.locked();

    assert_eq!(home.lock_directories(), [REFRESH, FOLDER]);
    store.unlock();
    assert_eq!(home.lock_directories(), NOTHING);
}

#[test]
fn lock_that_the_owner_has_taken_over_from_a_killed_holder_of_ours_is_not_free() {
    let home = Home::new();
    home.die_with_the_lock();
    let before = look(&home.path(FOLDER)).unwrap().unwrap();
    home.steal(FOLDER);
    let after = look(&home.path(FOLDER)).unwrap().unwrap();
    assert_ne!(before, after);

    let busy = home.open().try_lock();

    assert_eq!(busy, Err(LockFault::Busy));
    assert_eq!(home.lock_directories(), [FOLDER]);
}

#[test]
fn lock_of_the_same_number_that_is_younger_than_the_record_is_not_free() {
    let home = Home::new();
    home.die_with_the_lock();
    // An inode's number is used again at once on many file systems; the touch is what tells the two apart.
    set_time(&home.path(REFRESH), sys::now().wall.as_millis() / 1000);

    assert_eq!(home.open().try_lock(), Err(LockFault::Busy));
}

#[test]
fn record_that_nobody_understands_frees_nothing() {
    for record in
        ["", "held", "held 0 1 2 3", "held 0 1 2 3 4 5\n", "held 9 1 2 3 4\n", "\0\0\0\0", "held -1 x y z w\n"]
    {
        let home = Home::new();
        home.die_with_the_lock();
        fs::write(home.record(), record).unwrap();

        assert_eq!(home.open().try_lock(), Err(LockFault::Busy), "{record:?}");
    }
}

#[test]
fn locks_work_without_a_record() {
    let home = Home::new();
    fs::create_dir(home.record()).unwrap();

    let store = home.locked();
    store.unlock();

    assert_eq!(home.lock_directories(), NOTHING);
}

// -- Helpers --------------------------------------------------------------------------------------------------------

const REFRESH: &str = ".claude/.oauth_refresh.lock";
const FOLDER: &str = ".claude.lock";
const WRITE: &str = ".claude/.storage-write";
const WRITE_LOCK: &str = ".claude/.storage-write.lock";
const LOCKS: [&str; 4] = [REFRESH, FOLDER, WRITE, WRITE_LOCK];
const NOTHING: [&str; 0] = [];

const BEFORE: &str = "before";
const BEFORE_LOCK: &str = "before a lock of the owner's is taken";

/// A home with Claude Code's folder and its file.
struct Home {
    root: PathBuf,
    _folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = Self { root: fs::canonicalize(folder.path()).unwrap(), _folder: folder };
        fs::create_dir(home.root.join(".claude")).unwrap();
        fs::write(home.store_path(), BEFORE).unwrap();
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    fn paths(&self) -> [PathBuf; 4] {
        LOCKS.map(|name| self.path(name))
    }

    fn store_path(&self) -> PathBuf {
        self.path(".claude/.credentials.json")
    }

    fn record(&self) -> PathBuf {
        self.path(".claude/..credentials.json.tokenward.owner")
    }

    fn content(&self) -> String {
        fs::read_to_string(self.store_path()).unwrap()
    }

    fn open(&self) -> FileStore {
        FileStore::open(self.store_path(), false).unwrap().with_format(StoreFormat::ClaudeCode)
    }

    fn locked(&self) -> FileStore {
        let store = self.open();
        store.try_lock().unwrap();
        store
    }

    fn prepared(&self) -> FileStore {
        let store = self.locked();
        store.prepare(writes(64, &[write(0, "intent")]), 16).unwrap();
        store
    }

    /// The lock directories that are there, in the owner's order.
    fn lock_directories(&self) -> Vec<&'static str> {
        directories(&self.paths())
    }

    /// Tries the owner's locks at a second of the monotonic clock, and gives them back.
    fn try_lock(&self, owner: &mut Owner, second: u64) -> Result<(), LockFault> {
        let place = Place::of(&self.store_path()).unwrap();
        owner.try_lock(&self.store_path(), &place, Duration::from_secs(second)).map(drop)
    }

    fn locked_by(&self, owner: &mut Owner, second: u64) -> OwnerHold {
        let place = Place::of(&self.store_path()).unwrap();
        owner.try_lock(&self.store_path(), &place, Duration::from_secs(second)).unwrap().unwrap()
    }

    /// Takes a lock over as its owner does when it finds it old.
    fn steal(&self, name: &str) -> Directory {
        fs::remove_dir(self.path(name)).unwrap();
        Directory::make(&self.path(name)).unwrap().unwrap()
    }

    /// Has a process of ours take the lock and end without giving it back.
    fn die_with_the_lock(&self) {
        let store = in_forked_child(|| {
            std::mem::forget(self.locked());
            true
        });
        assert_eq!(store, Some(true));
    }

    /// Notes, for the next two times that this moment is reached, which locks of the owner's are held.
    fn watch_locks(&self, moment: &'static str) -> Rc<Cell<Vec<Vec<&'static str>>>> {
        let order = Rc::new(Cell::new(Vec::new()));
        for _ in 0..2 {
            let (paths, order) = (self.paths(), Rc::clone(&order));
            let ours = self.path(".claude/..credentials.json.tokenward.lock");
            moments::at(moment, move || {
                assert!(fs2::FileExt::try_lock_exclusive(&File::open(ours).unwrap()).is_err(), "ours is outermost");
                let mut so_far = order.take();
                so_far.push(directories(&paths));
                order.set(so_far);
            });
        }
        order
    }
}

fn directories(paths: &[PathBuf; 4]) -> Vec<&'static str> {
    LOCKS.into_iter().zip(paths).filter(|(_, path)| path.is_dir()).map(|(name, _)| name).collect()
}

fn set_time(path: &Path, seconds: u64) {
    let moment = UNIX_EPOCH + Duration::from_secs(seconds);
    File::open(path).unwrap().set_modified(moment).unwrap();
}
