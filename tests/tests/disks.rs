//! The disks people have: full, read-only, pinned, shared, linked, left over from `sudo`. What stands in the way is found
//! before the refresh token is sent, whoever can be served is served, and once it is gone the same process goes on
//! (promises P3, P4, P5, P6, P8).
//!
//! Each case mounts what it needs in a mount namespace of its thread: the machine's own mounts are never touched.

#![cfg(target_os = "linux")]

use std::{
    ffi::{CStr, CString},
    fs, io,
    os::{
        fd::AsRawFd,
        unix::{
            ffi::OsStrExt,
            fs::{MetadataExt, PermissionsExt, chown, symlink},
            net::UnixListener,
        },
    },
    panic,
    path::{Path, PathBuf},
    process, thread,
};

use serde_json::json;
use tokenward_tests::real::{Command, Open, Point, Scene, Stats, When, Worker, worker_binary};

// -- No room ------------------------------------------------------------------------------------------------------

#[test]
fn a_full_disk() {
    on_mount("a full disk", |mount| {
        let full = Trouble {
            spoil: &|scene| fill(&scene.disk().join("ballast")),
            mend: &|scene| fs::remove_file(scene.disk().join("ballast")).unwrap(),
            told: &["store_unwritable", "no storage space"],
        };

        full.is_found_before_the_first_refresh(&Scene::on_disk(|disk| mount.tmpfs(disk, "size=4m")));
        full.is_found_before_the_next_refresh(&Scene::on_disk(|disk| mount.tmpfs(disk, "size=4m")));
    });
}

#[test]
fn a_full_ext4_disk_where_blocks_are_given_late() {
    on_mount("a full ext4 disk", |mount| {
        let full = Trouble {
            spoil: &|scene| fill(&scene.disk().join("ballast")),
            mend: &|scene| fs::remove_file(scene.disk().join("ballast")).unwrap(),
            told: &["store_unwritable", "no storage space"],
        };
        if !mount.can_ext4() {
            println!("SKIPPED disks: a full ext4 disk: no loop device or no mkfs.ext4");
            return;
        }

        full.is_found_before_the_first_refresh(&Scene::on_disk(|disk| mount.ext4(disk)));
        full.is_found_before_the_next_refresh(&Scene::on_disk(|disk| mount.ext4(disk)));
    });
}

#[test]
fn a_disk_without_a_free_inode() {
    on_mount("no free inode", |mount| {
        let full = Trouble {
            spoil: &|scene| {
                let folder = scene.disk().join("many");
                fs::create_dir(&folder).unwrap();
                let made = (0..1000).map(|number| fs::write(folder.join(number.to_string()), ""));
                assert!(made.take_while(Result::is_ok).count() < 1000);
            },
            mend: &|scene| fs::remove_dir_all(scene.disk().join("many")).unwrap(),
            told: &["store_unwritable", "no storage space"],
        };

        full.is_found_before_the_first_refresh(&Scene::on_disk(|disk| mount.tmpfs(disk, "nr_inodes=64")));
        full.is_found_before_the_next_refresh(&Scene::on_disk(|disk| mount.tmpfs(disk, "nr_inodes=64")));
    });
}

#[test]
fn a_disk_that_fills_up_while_the_refresh_token_is_on_its_way() {
    on_mount("a disk that fills up", |mount| {
        let scene = Scene::on_disk(|disk| mount.tmpfs(disk, "size=4m"));
        let mut worker = scene.gated();
        worker.stop_at(Point::Fetch, When::After);
        let get = worker.start_get();
        worker.stands();

        fill(&scene.disk().join("ballast"));
        worker.go_on();

        // The room was taken before: for the answer in the journal, and for the store.
        assert_eq!(worker.answer(get), scene.provider.access_token());
        worker.tells("saved");
        assert_eq!(scene.stored(), (scene.provider.access_token().ok(), scene.provider.newest_refresh_token()));
        assert_eq!(scene.provider.stats(), Stats::rotations(1));
    });
}

#[test]
fn an_answer_that_finds_no_room_in_the_store_waits_in_the_journal() {
    on_mount("no room at the commit", |mount| {
        let scene = Scene::on_disk(|disk| mount.tmpfs(disk, "size=4m"));
        let mut killed = scene.gated();
        killed.stop_at(Point::Stage, When::After);
        let _get = killed.start_get();
        killed.stands();
        killed.kill();
        let before = fs::read(scene.store()).unwrap();
        // What the dead one had reserved is taken too.
        remove_temporaries(&scene);
        fill(&scene.disk().join("ballast"));

        let mut next = scene.worker();
        assert_eq!(next.get(), scene.provider.access_token());
        assert_eq!(scene.get(), scene.provider.access_token());
        assert_told(next.refresh(), &["store_unwritable", "no storage space"]);
        assert_eq!(fs::read(scene.store()).unwrap(), before);
        assert_eq!(scene.provider.stats(), Stats::rotations(1));

        fs::remove_file(scene.disk().join("ballast")).unwrap();
        assert_eq!(next.refresh(), scene.provider.access_token());
        assert_eq!(scene.refresh(), scene.provider.access_token());
        next.close();
        assert_eq!(scene.stored(), (scene.provider.access_token().ok(), scene.provider.newest_refresh_token()));
        assert_eq!(scene.provider.stats(), Stats::rotations(3));
    });
}

// -- Not to be replaced -------------------------------------------------------------------------------------------

#[test]
fn a_mount_that_turned_read_only() {
    on_mount("a read-only mount", |mount| {
        let read_only = Trouble {
            spoil: &|scene| run("mount", &["-o".as_ref(), "remount,ro".as_ref(), scene.disk()]),
            mend: &|scene| run("mount", &["-o".as_ref(), "remount,rw".as_ref(), scene.disk()]),
            told: &["store_unwritable", "read-only"],
        };

        read_only.is_found_before_the_first_refresh(&Scene::on_disk(|disk| mount.tmpfs(disk, "size=4m")));
        read_only.is_found_before_the_next_refresh(&Scene::on_disk(|disk| mount.tmpfs(disk, "size=4m")));
    });
}

#[test]
fn an_immutable_store() {
    on_mount("an immutable store", |mount| {
        let immutable = Trouble {
            spoil: &|scene| run("chattr", &["+i".as_ref(), &scene.store()]),
            mend: &|scene| run("chattr", &["-i".as_ref(), &scene.store()]),
            told: &["store_unwritable", "immutable"],
        };

        if !mount.can_be_immutable() {
            println!("SKIPPED disks: an immutable store: chattr is refused");
            return;
        }
        immutable.is_found_before_the_first_refresh(&Scene::on_disk(|disk| mount.tmpfs(disk, "size=4m")));
        immutable.is_found_before_the_next_refresh(&Scene::on_disk(|disk| mount.tmpfs(disk, "size=4m")));
    });
}

#[test]
fn an_immutable_folder() {
    on_mount("an immutable folder", |mount| {
        let immutable = Trouble {
            spoil: &|scene| run("chattr", &["+i".as_ref(), scene.disk()]),
            mend: &|scene| run("chattr", &["-i".as_ref(), scene.disk()]),
            told: &["store_unwritable"],
        };

        if !mount.can_be_immutable() {
            println!("SKIPPED disks: an immutable folder: chattr is refused");
            return;
        }
        immutable.is_found_before_the_first_refresh(&Scene::on_disk(|disk| mount.tmpfs(disk, "size=4m")));
        immutable.is_found_before_the_next_refresh(&Scene::on_disk(|disk| mount.tmpfs(disk, "size=4m")));
    });
}

#[test]
fn a_store_that_is_a_mount_of_its_own() {
    on_mount("a single-file mount", |mount| {
        let pinned = Trouble {
            spoil: &|scene| {
                let store = scene.store();
                run("mount", &["--bind".as_ref(), &store, &store]);
            },
            mend: &|scene| run("umount", &[&scene.store()]),
            told: &["store_unwritable", "mount its folder"],
        };

        pinned.is_found_before_the_first_refresh(&Scene::on_disk(|disk| mount.tmpfs(disk, "size=4m")));
        pinned.is_found_before_the_next_refresh(&Scene::on_disk(|disk| mount.tmpfs(disk, "size=4m")));
    });
}

#[test]
fn a_file_system_without_locks() {
    on_mount("a file system without locks", |_| {
        for number in [libc::ENOLCK, libc::ENOSYS, libc::EOPNOTSUPP] {
            let scene = Scene::on_disk(|_| {});
            let before = fs::read(scene.store()).unwrap();

            // The system call itself fails for this worker, as it does where the file system knows no locks.
            let mut without = without_locks(&scene, number);
            assert_told(without.get(), &["store_unwritable", "cannot lock"]);
            assert_told(without.refresh(), &["store_unwritable", "cannot lock"]);

            assert_eq!(scene.provider.stats(), Stats::default());
            assert_eq!(fs::read(scene.store()).unwrap(), before);
            assert_eq!(scene.get(), scene.provider.access_token());
            // What another one refreshed is used without a lock.
            assert_eq!(without.get(), scene.provider.access_token());
            assert_eq!(scene.provider.stats(), Stats::rotations(1));
        }
    });
}

// -- Other people's files -----------------------------------------------------------------------------------------

#[test]
fn a_folder_that_takes_no_new_files() {
    on_mount("a read-only folder", |mount| {
        let read_only = Trouble {
            spoil: &|scene| set_mode(scene.disk(), 0o500),
            mend: &|scene| set_mode(scene.disk(), 0o700),
            told: &["store_unwritable", "permission denied"],
        };

        read_only.is_found_before_the_first_refresh_of(&mount.users_scene(), user);
        read_only.is_found_before_the_next_refresh_of(&mount.users_scene(), user);
    });
}

#[test]
fn another_owners_store_in_a_sticky_folder() {
    on_mount("a sticky folder", |mount| {
        let theirs = Trouble {
            spoil: &|scene| {
                give(scene.disk(), 0);
                set_mode(scene.disk(), 0o1777);
                give(&scene.store(), USER + 1);
                set_mode(&scene.store(), 0o666);
            },
            mend: &|scene| {
                give(&scene.store(), USER);
                set_mode(&scene.store(), 0o600);
            },
            told: &["store_unwritable", "denied"],
        };

        theirs.is_found_before_the_first_refresh_of(&mount.users_scene(), user);
        theirs.is_found_before_the_next_refresh_of(&mount.users_scene(), user);
    });
}

#[test]
fn companions_that_sudo_left_behind() {
    on_mount("companions of root", |mount| {
        let left_over = Trouble {
            spoil: &|scene| {
                for path in [scene.lock(), scene.journal()] {
                    if !path.exists() {
                        fs::write(&path, "").unwrap();
                    }
                    give(&path, 0);
                    set_mode(&path, 0o600);
                }
            },
            mend: &|scene| [scene.lock(), scene.journal()].iter().for_each(|path| give(path, USER)),
            told: &["store_unwritable", "permission denied"],
        };

        left_over.is_found_before_the_first_refresh_of(&mount.users_scene(), user);
        left_over.is_found_before_the_next_refresh_of(&mount.users_scene(), user);
    });
}

#[test]
fn root_leaves_nothing_that_locks_the_owner_out() {
    on_mount("root, then the owner", |mount| {
        let scene = mount.users_scene();

        assert_eq!(scene.refresh(), scene.provider.access_token());
        let mut owner = user(&scene);
        assert_eq!(owner.get(), scene.provider.access_token());
        assert_eq!(owner.refresh(), scene.provider.access_token());

        owner.close();
        assert_eq!(scene.provider.stats(), Stats::rotations(2));
        for path in [scene.store(), scene.lock(), scene.journal()] {
            assert_eq!((uid(&path), mode(&path)), (USER, 0o600), "{}", path.display());
        }
    });
}

#[test]
fn a_store_that_nobody_may_read() {
    on_mount("an unreadable store", |mount| {
        let unreadable = Trouble {
            spoil: &|scene| set_mode(&scene.store(), 0o000),
            mend: &|scene| set_mode(&scene.store(), 0o600),
            told: &["store_unreadable denied"],
        };

        unreadable.is_found_before_the_first_refresh_of(&mount.users_scene(), user);
        unreadable.is_found_before_the_next_refresh_of(&mount.users_scene(), user);
    });
}

// -- Not a store --------------------------------------------------------------------------------------------------

#[test]
fn a_folder_in_the_stores_place() {
    instead_of_the_store(|path| fs::create_dir(path).unwrap(), &["store_unreadable folder"]);
}

#[test]
fn a_pipe_in_the_stores_place() {
    instead_of_the_store(|path| run("mkfifo", &[path]), &["store_unreadable folder"]);
}

#[test]
fn a_socket_in_the_stores_place() {
    instead_of_the_store(|path| drop(UnixListener::bind(path).unwrap()), &["store_unreadable folder"]);
}

#[test]
fn a_device_in_the_stores_place() {
    on_mount("a device", |_| {
        instead_of_the_store(
            |path| run("mknod", &[path, "c".as_ref(), "1".as_ref(), "5".as_ref()]),
            &["store_unreadable folder"],
        );
    });
}

#[test]
fn a_giant_file_in_the_stores_place() {
    instead_of_the_store(
        |path| fs::File::create(path).unwrap().set_len(1 << 40).unwrap(),
        &["store_unreadable corrupt"],
    );
}

#[test]
fn half_a_file_in_the_stores_place() {
    instead_of_the_store(
        |path| fs::write(path, "{\"version\":1,\"refresh_tok").unwrap(),
        &["store_unreadable corrupt"],
    );
}

#[test]
fn a_later_versions_store() {
    instead_of_the_store(
        |path| fs::write(path, "{\"version\":2,\"refresh_token\":\"refresh-token-1\"}").unwrap(),
        &["store_unreadable newer"],
    );
}

#[test]
fn a_circle_of_links_in_the_stores_place() {
    instead_of_the_store(
        |path| {
            symlink("login.json", path.with_file_name("other")).or_else(already_there).unwrap();
            symlink("other", path).unwrap();
        },
        &["store_unreadable folder"],
    );
}

#[test]
fn a_link_into_a_folder_that_is_not_there() {
    let gone = Trouble {
        spoil: &|scene| {
            set_store_aside(scene);
            symlink("not-mounted/login.json", scene.store()).unwrap();
        },
        mend: &put_store_back,
        told: &["signed_out"],
    };

    let scene = Scene::on_disk(|_| {});
    gone.is_found_before_the_first_refresh(&scene);
    assert!(!scene.disk().join("not-mounted").exists());
    gone.is_found_before_the_next_refresh(&Scene::on_disk(|_| {}));
}

#[test]
fn a_folder_that_disappears_and_comes_back() {
    let gone = Trouble {
        spoil: &|scene| fs::rename(scene.disk(), scene.disk().with_extension("away")).unwrap(),
        // Had anybody made the folder anew, this would fail.
        mend: &|scene| {
            assert!(!scene.disk().exists());
            fs::rename(scene.disk().with_extension("away"), scene.disk()).unwrap();
        },
        told: &["signed_out"],
    };

    gone.is_found_before_the_first_refresh(&Scene::on_disk(|_| {}));
    gone.is_found_before_the_next_refresh(&Scene::on_disk(|_| {}));
}

// -- The journal --------------------------------------------------------------------------------------------------

#[test]
fn a_link_in_the_journals_place() {
    let scene = instead_of_the_journal(|path| symlink("victim", path).unwrap(), &["store_unwritable"]);

    assert!(!scene.disk().join("victim").exists());
}

#[test]
fn a_pipe_in_the_journals_place() {
    instead_of_the_journal(|path| run("mkfifo", &[path]), &["store_unwritable"]);
}

#[test]
fn a_folder_in_the_journals_place() {
    instead_of_the_journal(|path| fs::create_dir(path).unwrap(), &["store_unwritable"]);
}

#[test]
fn a_later_versions_journal_is_served_and_never_rewritten() {
    let newer = |path: &Path| fs::write(path, newer_journal()).unwrap();

    let scene = instead_of_the_journal(newer, &["store_unreadable newer"]);

    assert_eq!(fs::read(scene.disk().join("removed-1")).unwrap(), newer_journal());
}

#[test]
fn a_journal_of_somebody_else_is_moved_aside_and_told() {
    for foreign in [b"SQLite format 3\0".to_vec(), vec![0xff; 600_000], b"TWF9".to_vec()] {
        let scene = Scene::on_disk(|_| {});
        fs::write(scene.journal(), &foreign).unwrap();
        let mut worker = scene.worker();

        let got = worker.get();

        assert_eq!(got, scene.provider.access_token());
        worker.tells("journal_set_aside");
        worker.close();
        assert_eq!(scene.refresh(), scene.provider.access_token());
        assert_eq!(scene.provider.stats(), Stats::rotations(2));
        let aside: Vec<_> = scene.files().into_iter().filter(|name| name.contains("journal.bad-")).collect();
        assert_eq!(aside.len(), 1, "{aside:?}");
        assert_eq!(fs::read(scene.disk().join(&aside[0])).unwrap(), foreign);
    }
}

#[test]
fn a_journal_of_any_length_costs_no_login() {
    let scene = Scene::on_disk(|_| {});
    assert_eq!(scene.get(), scene.provider.access_token());
    let whole = fs::read(scene.journal()).unwrap();

    for (done, length) in [0, 1, 31, 4096, 4100, 8192, 12_288, 300_000, 552_959].into_iter().enumerate() {
        fs::write(scene.journal(), &whole[..length]).unwrap();

        assert_eq!(scene.refresh(), scene.provider.access_token(), "{length} bytes");
        assert_eq!(scene.provider.stats(), Stats::rotations(done as u64 + 2), "{length} bytes");
    }
    assert_eq!(fs::metadata(scene.journal()).unwrap().len(), whole.len() as u64);
}

// -- Links, mounts and layers that are no trouble -----------------------------------------------------------------

#[test]
fn links_of_a_dotfile_manager_survive() {
    for to in [Linked::Relative, Linked::Absolute, Linked::Chain, Linked::Folder] {
        let scene = Scene::on_disk(|_| {});
        let (link, real) = to.make(scene.disk());
        let before = fs::read_link(&link).unwrap();
        let store = || match to {
            Linked::Folder => link.join("login.json"),
            Linked::Relative | Linked::Absolute | Linked::Chain => link.clone(),
        };
        let open = Open { store: store().display().to_string(), ..Open::default() };
        let mut worker = scene.worker_with(open.clone());

        assert_eq!(worker.get(), scene.provider.access_token(), "{to:?}");
        assert_eq!(scene.worker_with(open).refresh(), scene.provider.access_token(), "{to:?}");
        worker.close();

        assert_eq!(scene.provider.stats(), Stats::rotations(2), "{to:?}");
        assert_eq!(fs::read_link(&link).unwrap(), before, "{to:?}");
        assert!(fs::symlink_metadata(&real).unwrap().is_file(), "{to:?}");
        let stored = fs::read_to_string(&real).unwrap();
        assert!(stored.contains("access_token"), "{to:?}");
        assert!(real.with_file_name(".login.json.tokenward.lock").exists(), "{to:?}");
    }
}

#[test]
fn two_ways_to_one_folder_are_one_store() {
    on_mount("a folder that is mounted twice", |mount| {
        let scene = Scene::on_disk(|disk| {
            mount.tmpfs(disk, "size=4m");
            fs::create_dir(disk.join("again")).unwrap();
            run("mount", &["--bind".as_ref(), disk, &disk.join("again")]);
        });
        scene.provider.hold_answers();
        let again = scene.disk().join("again/login.json").display().to_string();
        let mut workers = [scene.worker(), scene.worker_with(Open { store: again, ..Open::default() })];

        let first = workers[0].start_get();
        scene.provider.wait("held", 1);
        let second = workers[1].start_get();
        workers[1].tells("lock_busy");
        scene.provider.release();

        assert_eq!(workers[0].answer(first), scene.provider.access_token());
        assert_eq!(workers[1].answer(second), scene.provider.access_token());
        assert_eq!(workers[1].refresh(), scene.provider.access_token());
        assert_eq!(scene.provider.stats(), Stats::rotations(2));
    });
}

#[test]
fn a_container_whose_image_holds_the_store() {
    on_mount("overlayfs", |mount| {
        let scene = Scene::on_disk(|_| {});
        assert_eq!(scene.get(), scene.provider.access_token());
        mount.overlay(scene.disk());
        // The first reader has the layer's journal open when the first writer copies it up.
        let mut reader = scene.worker();
        assert_eq!(reader.get(), scene.provider.access_token());

        for _ in 0..2 {
            assert_eq!(scene.refresh(), scene.provider.access_token());
        }

        assert_eq!(reader.refresh(), scene.provider.access_token());
        assert_eq!(scene.provider.stats(), Stats::rotations(4));
    });
}

// -- What stays as it was -----------------------------------------------------------------------------------------

#[test]
fn the_stores_mode_survives_and_companions_are_for_the_owner() {
    for wanted in [0o400, 0o600, 0o640, 0o666] {
        let scene = Scene::on_disk(|_| {});
        set_mode(&scene.store(), wanted);

        assert_eq!(scene.refresh(), scene.provider.access_token());

        assert_eq!(mode(&scene.store()), wanted);
        assert_eq!((mode(&scene.lock()), mode(&scene.journal())), (0o600, 0o600));
    }
}

#[test]
fn extended_attributes_and_an_access_list_survive() {
    let scene = Scene::on_disk(|_| {});
    let kept = [(c"user.comment", b"mine".to_vec()), (c"system.posix_acl_access", access_list())];
    for (name, value) in &kept {
        if let Err(error) = set_attribute(&scene.store(), name, value) {
            println!("SKIPPED disks: {}: {error}", name.to_string_lossy());
            return;
        }
    }

    assert_eq!(scene.refresh(), scene.provider.access_token());
    // A folder's default access list is for new files, not for one that takes another's place.
    set_attribute(scene.disk(), c"system.posix_acl_default", &kept[1].1).unwrap();
    assert_eq!(scene.refresh(), scene.provider.access_token());

    for (name, value) in &kept {
        assert_eq!(attribute(&scene.store(), name).as_ref(), Some(value), "{}", name.to_string_lossy());
    }
    for own in [scene.lock(), scene.journal()] {
        assert_eq!(attribute(&own, c"user.comment"), None);
    }
}

#[test]
fn a_folders_default_access_list_opens_the_store_to_nobody() {
    let scene = Scene::on_disk(|_| {});
    set_mode(&scene.store(), 0o640);
    if let Err(error) = set_attribute(scene.disk(), c"system.posix_acl_default", &access_list()) {
        println!("SKIPPED disks: a default access list: {error}");
        return;
    }

    assert_eq!(scene.refresh(), scene.provider.access_token());

    fs::write(scene.disk().join("new"), "").unwrap();
    assert!(attribute(&scene.disk().join("new"), c"system.posix_acl_access").is_some());
    assert_eq!(attribute(&scene.store(), c"system.posix_acl_access"), None);
    assert_eq!(mode(&scene.store()), 0o640);
}

#[test]
fn a_process_without_a_umask_opens_nothing_to_others() {
    let scene = Scene::on_disk(|_| {});
    let mut command = process::Command::new("sh");
    command.args(["-c", "umask 0; exec \"$0\""]).arg(worker_binary());
    let mut worker = scene.worker_by(command, Open { gated: true, ..Open::default() });
    worker.run(Command::Clear).unwrap();
    let login = scene.provider.control(&json!({"login": "access"}));

    worker.stop_at(Point::Commit, When::Before);
    let saved = worker.order(Command::save(&login, true));
    worker.stands();
    let during: Vec<_> = scene.files().into_iter().collect();
    let open = |name: &&String| mode(&scene.disk().join(name)) & 0o077 != 0;
    assert_eq!(during.iter().find(open), None, "{during:?}");
    worker.go_on();

    assert_eq!(worker.answer(saved), Ok(String::new()));
    let after: Vec<_> = scene.files().into_iter().collect();
    assert_eq!(after.len(), 3, "{after:?}");
    assert_eq!(after.iter().find(open), None, "{after:?}");
}

#[test]
fn another_name_of_the_store_keeps_what_it_had() {
    let scene = Scene::on_disk(|_| {});
    let backup = scene.disk().join("backup");
    fs::hard_link(scene.store(), &backup).unwrap();
    let before = fs::read(&backup).unwrap();

    assert_eq!(scene.refresh(), scene.provider.access_token());

    assert_eq!(fs::read(&backup).unwrap(), before);
    assert_eq!(scene.stored(), (scene.provider.access_token().ok(), scene.provider.newest_refresh_token()));
}

// -- Trouble and its end ------------------------------------------------------------------------------------------

/// Something that stands in the way of a refresh.
struct Trouble<'a> {
    spoil: &'a dyn Fn(&Scene),
    mend: &'a dyn Fn(&Scene),
    /// What the error says: its kind and some of its words.
    told: &'static [&'static str],
}

impl Trouble<'_> {
    fn is_found_before_the_first_refresh(&self, scene: &Scene) {
        self.is_found_before_the_first_refresh_of(scene, Scene::worker);
    }

    fn is_found_before_the_next_refresh(&self, scene: &Scene) {
        self.is_found_before_the_next_refresh_of(scene, Scene::worker);
    }

    /// Nobody has a token yet.
    fn is_found_before_the_first_refresh_of(&self, scene: &Scene, start: impl Fn(&Scene) -> Worker) {
        let before = fs::read(scene.store()).unwrap();
        let mut worker = start(scene);
        worker.run(Command::Forget).expect("it is open");
        (self.spoil)(scene);

        assert_told(worker.get(), self.told);
        assert_told(worker.refresh(), self.told);

        assert_eq!(scene.provider.stats(), Stats::default());
        (self.mend)(scene);
        assert_eq!(fs::read(scene.store()).unwrap(), before);
        assert_eq!(worker.refresh(), scene.provider.access_token());
        self.goes_on(scene, worker, &start, 1);
    }

    /// A token works: whoever has it or can read it goes on with it.
    fn is_found_before_the_next_refresh_of(&self, scene: &Scene, start: impl Fn(&Scene) -> Worker) {
        let mut worker = start(scene);
        let token = worker.get();
        assert_eq!(token, scene.provider.access_token());
        worker.tells("saved");
        until_unlocked(&scene.lock());
        let before = fs::read(scene.store()).unwrap();
        (self.spoil)(scene);

        assert_told(worker.refresh(), self.told);
        let is_readable = self.told[0] == "store_unwritable" || self.told[0] == "store_unreadable newer";
        if self.told[0] != "signed_out" {
            assert_eq!(worker.get(), token);
        }
        if is_readable && scene.read_store()["version"] == json!(1) {
            let mut other = start(scene);
            assert_eq!(other.get(), token);
            assert_told(other.refresh(), self.told);
            assert_eq!(other.get(), token);
        }

        assert_eq!(scene.provider.stats(), Stats::rotations(1));
        (self.mend)(scene);
        assert_eq!(fs::read(scene.store()).unwrap(), before);
        assert_eq!(worker.refresh(), scene.provider.access_token());
        self.goes_on(scene, worker, &start, 2);
    }

    /// The same process has refreshed; a new one does, and nothing is left behind.
    fn goes_on(&self, scene: &Scene, mut worker: Worker, start: &impl Fn(&Scene) -> Worker, rotations: u64) {
        let mut next = start(scene);
        assert_eq!(next.get(), scene.provider.access_token());
        assert_eq!(next.refresh(), scene.provider.access_token());
        assert_eq!(scene.provider.stats(), Stats::rotations(rotations + 1));
        worker.close();
        next.close();
        assert_eq!(scene.stored(), (scene.provider.access_token().ok(), scene.provider.newest_refresh_token()));
        let left: Vec<_> = scene.files().into_iter().filter(|name| name.contains(".tmp-")).collect();
        assert_eq!(left, Vec::<String>::new());
    }
}

fn assert_told(outcome: Result<String, String>, told: &[&str]) {
    let error = outcome.expect_err("something stands in the way");
    let is_told = error.starts_with(told[0]) && told.iter().all(|words| error.contains(words));
    assert!(is_told, "{error:?} does not tell {told:?}");
}

fn instead_of_the_store(make: impl Fn(&Path), told: &'static [&'static str]) {
    let trouble = Trouble {
        spoil: &|scene: &Scene| {
            set_store_aside(scene);
            make(&scene.store());
        },
        mend: &put_store_back,
        told,
    };
    trouble.is_found_before_the_first_refresh(&Scene::on_disk(|_| {}));
    trouble.is_found_before_the_next_refresh(&Scene::on_disk(|_| {}));
}

fn instead_of_the_journal(make: impl Fn(&Path), told: &'static [&'static str]) -> Scene {
    let removed = std::cell::Cell::new(0);
    let trouble = Trouble {
        spoil: &|scene: &Scene| {
            if scene.journal().exists() {
                fs::remove_file(scene.journal()).unwrap();
            }
            make(&scene.journal());
        },
        mend: &|scene: &Scene| {
            removed.set(removed.get() + 1);
            fs::rename(scene.journal(), scene.disk().join(format!("removed-{}", removed.get()))).unwrap();
        },
        told,
    };
    trouble.is_found_before_the_first_refresh(&Scene::on_disk(|_| {}));
    removed.set(0);
    let scene = Scene::on_disk(|_| {});
    trouble.is_found_before_the_next_refresh(&scene);
    scene
}

fn set_store_aside(scene: &Scene) {
    fs::rename(scene.store(), scene.disk().join("kept")).unwrap();
}

fn put_store_back(scene: &Scene) {
    if scene.store().is_dir() {
        fs::remove_dir(scene.store()).unwrap();
    }
    fs::rename(scene.disk().join("kept"), scene.store()).unwrap();
}

/// The ways in which dotfile managers link.
#[derive(Clone, Copy, Debug)]
enum Linked {
    Relative,
    Absolute,
    Chain,
    /// The whole folder.
    Folder,
}

impl Linked {
    /// Moves the store into a repository; returns the link to it, or to its folder, and where the store is now.
    fn make(self, disk: &Path) -> (PathBuf, PathBuf) {
        let (store, folder, link) = (disk.join("login.json"), disk.join("repository"), disk.join("linked"));
        fs::create_dir(&folder).unwrap();
        let real = folder.join("login.json");
        fs::rename(&store, &real).unwrap();
        match self {
            Self::Relative => symlink("repository/login.json", &link).unwrap(),
            Self::Absolute => symlink(&real, &link).unwrap(),
            Self::Chain => {
                symlink("repository/login.json", disk.join("chain-0")).unwrap();
                for number in 1..38 {
                    symlink(format!("chain-{}", number - 1), disk.join(format!("chain-{number}"))).unwrap();
                }
                symlink("chain-37", &link).unwrap();
            }
            Self::Folder => symlink("repository", &link).unwrap(),
        }
        (link, real)
    }
}

/// A superblock of the next major version, with some of what only that version understands.
fn newer_journal() -> Vec<u8> {
    let payload = br#"{"tokenward":"journal","version":2}"#;
    // The first 12 bytes of SHA-256 over what stands before and behind it.
    let checksum = [0xa3, 0xa5, 0x0f, 0xec, 0xaa, 0x42, 0x6a, 0x49, 0x9f, 0xdf, 0x2a, 0x10];
    let mut frame = b"TWF1".to_vec();
    frame.extend([1, 0, 0, 0]);
    frame.extend(1_u64.to_le_bytes());
    frame.extend((payload.len() as u32).to_le_bytes());
    frame.extend(checksum);
    frame.extend(payload);
    frame.resize(4096, 0);
    frame.extend(b"what only the next version knows");
    frame
}

// -- The machine --------------------------------------------------------------------------------------------------

/// Who uses a store that is not root's.
const USER: u32 = 12_345;

/// Mounts, in the namespace of one thread.
struct Mount {
    made: std::cell::RefCell<Vec<PathBuf>>,
    /// For images and layers, and for the worker where the user finds it.
    folder: tempfile::TempDir,
}

/// Runs a case in a mount namespace of its own. Everything it mounts ends with it.
fn on_mount(case: &str, work: impl FnOnce(&Mount) + Send) {
    in_thread(|| {
        // SAFETY: changes this thread alone, which ends with the case.
        let is_apart = unsafe { libc::unshare(libc::CLONE_NEWNS) } == 0;
        if !is_apart || !succeeds("mount", &["--make-rprivate".as_ref(), "/".as_ref()]) {
            println!("SKIPPED disks: {case}: no mount namespace can be had");
            return;
        }
        work(&Mount { made: Vec::new().into(), folder: tempfile::tempdir().unwrap() });
    });
}

fn in_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| scope.spawn(work).join().unwrap_or_else(|panic| panic::resume_unwind(panic)))
}

impl Mount {
    fn tmpfs(&self, folder: &Path, options: &str) {
        let options = format!("mode=700,{options}");
        run("mount", &["-t".as_ref(), "tmpfs".as_ref(), "-o".as_ref(), options.as_ref(), "none".as_ref(), folder]);
        self.made.borrow_mut().push(folder.into());
    }

    fn can_ext4(&self) -> bool {
        let probe = self.folder.path().join("probe");
        fs::create_dir(&probe).unwrap();
        self.image().is_some_and(|image| succeeds("mount", &["-o".as_ref(), "loop".as_ref(), &image, &probe]))
            && succeeds("umount", &[&probe])
    }

    fn ext4(&self, folder: &Path) {
        let image = self.image().unwrap();
        run("mount", &["-o".as_ref(), "loop".as_ref(), &image, folder]);
        self.made.borrow_mut().push(folder.into());
    }

    fn image(&self) -> Option<PathBuf> {
        let image = self.folder.path().join(format!("image-{}", self.made.borrow().len()));
        fs::File::create(&image).unwrap().set_len(8 << 20).unwrap();
        succeeds("mkfs.ext4", &["-q".as_ref(), "-F".as_ref(), &image]).then_some(image)
    }

    /// Lays a writable layer over what the folder holds.
    fn overlay(&self, folder: &Path) {
        let (upper, work) = (self.folder.path().join("upper"), self.folder.path().join("work"));
        fs::create_dir(&upper).unwrap();
        fs::create_dir(&work).unwrap();
        let options = format!("lowerdir={},upperdir={},workdir={}", folder.display(), upper.display(), work.display());
        run("mount", &["-t".as_ref(), "overlay".as_ref(), "-o".as_ref(), options.as_ref(), "none".as_ref(), folder]);
        self.made.borrow_mut().push(folder.into());
    }

    fn can_be_immutable(&self) -> bool {
        let probe = self.folder.path().join("immutable");
        fs::create_dir(&probe).unwrap();
        self.tmpfs(&probe, "size=1m");
        succeeds("chattr", &["+i".as_ref(), &probe]) && succeeds("chattr", &["-i".as_ref(), &probe])
    }

    /// Returns a scene whose store and its folder are [`USER`]'s.
    fn users_scene(&self) -> Scene {
        let scene = Scene::on_disk(|disk| {
            set_mode(disk.parent().unwrap(), 0o755);
            self.tmpfs(disk, "size=4m");
            // The way to the worker may be closed to the user.
            run("cp", &[&worker_binary(), &disk.with_file_name("worker")]);
            give(disk, USER);
        });
        give(&scene.store(), USER);
        scene
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        for folder in self.made.borrow().iter().rev() {
            succeeds("umount", &["-R".as_ref(), "-l".as_ref(), folder]);
            // A scene cannot remove its folder while something is mounted there. Never a whole tree: it may not be ours.
            let _ = fs::remove_dir(folder).and_then(|()| fs::remove_dir(folder.parent().unwrap_or(folder)));
        }
    }
}

/// Starts a worker as [`USER`].
fn user(scene: &Scene) -> Worker {
    let mut command = process::Command::new("setpriv");
    let (uid, gid) = (format!("--reuid={USER}"), format!("--regid={USER}"));
    command.args([&uid, &gid, "--clear-groups", "--"]).arg(scene.disk().with_file_name("worker"));
    scene.worker_by(command, Open::default())
}

/// Starts a worker whose `flock` fails with this error.
fn without_locks(scene: &Scene, error: i32) -> Worker {
    in_thread(|| {
        let filter = |code: u32, jf: u8, k: u32| libc::sock_filter { code: code as u16, jt: 0, jf, k };
        let mut program = [
            // The number of the system call is the first thing that is known about it.
            filter(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0),
            filter(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 1, libc::SYS_flock as u32),
            filter(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ERRNO | error.unsigned_abs()),
            filter(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ALLOW),
        ];
        let program = libc::sock_fprog { len: 4, filter: program.as_mut_ptr() };
        // SAFETY: changes this thread and the worker that it starts; the program lives until it is copied.
        let filtered = unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) == 0
        };
        assert!(filtered, "{}", io::Error::last_os_error());
        scene.worker()
    })
}

fn fill(ballast: &Path) {
    use io::Write;
    let mut file = fs::File::create(ballast).unwrap();
    for size in [64 * 1024, 4096, 512, 1] {
        while file.write_all(&vec![1; size]).and_then(|()| file.sync_data()).is_ok() {}
    }
}

fn remove_temporaries(scene: &Scene) {
    for name in scene.files().iter().filter(|name| name.contains(".tmp-")) {
        fs::remove_file(scene.disk().join(name)).unwrap();
    }
}

/// Waits until nobody holds the lock.
fn until_unlocked(lock: &Path) {
    let file = fs::File::open(lock).unwrap();
    // SAFETY: the file is open.
    assert_eq!(unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX) }, 0);
}

fn already_there(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(error) }
}

fn run(program: &str, args: &[&Path]) {
    let output = process::Command::new(program).args(args).output().unwrap();
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn succeeds(program: &str, args: &[&Path]) -> bool {
    process::Command::new(program).args(args).output().is_ok_and(|output| output.status.success())
}

/// An access list as Linux stores it: its owner reads and writes, [`USER`] reads, nobody else may do anything.
fn access_list() -> Vec<u8> {
    let entries = [(1_u16, 6_u16, !0_u32), (2, 4, USER), (4, 0, !0), (0x10, 4, !0), (0x20, 0, !0)];
    let entries = entries.iter().flat_map(|(tag, rights, id)| {
        let (tag, rights) = (tag.to_le_bytes(), rights.to_le_bytes());
        [tag[0], tag[1], rights[0], rights[1]].into_iter().chain(id.to_le_bytes())
    });
    2_u32.to_le_bytes().into_iter().chain(entries).collect()
}

fn set_attribute(path: &Path, name: &CStr, value: &[u8]) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes()).unwrap();
    // SAFETY: both texts end with a zero, and the value is as long as said.
    let set = unsafe { libc::setxattr(path.as_ptr(), name.as_ptr(), value.as_ptr().cast(), value.len(), 0) };
    if set == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Returns an attribute of a file; `None` if it has none of that name.
fn attribute(path: &Path, name: &CStr) -> Option<Vec<u8>> {
    let path = CString::new(path.as_os_str().as_bytes()).unwrap();
    let mut value = vec![0; 4096];
    // SAFETY: as above.
    let length = unsafe { libc::getxattr(path.as_ptr(), name.as_ptr(), value.as_mut_ptr().cast(), value.len()) };
    value.truncate(usize::try_from(length).ok()?);
    Some(value)
}

fn give(path: &Path, owner: u32) {
    chown(path, Some(owner), Some(owner)).unwrap();
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o777
}

fn uid(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().uid()
}
