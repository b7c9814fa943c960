//! Whatever happens to a login: no block that the core frees, and nothing that it prints, holds a secret.

use std::{cell::Cell, collections::BTreeMap};

use tokenward::{AccessToken, Adopt, ClientAuth, Config, Guard, Input, Parked, SecretBytes, Waiter};
use wiping::{
    ACCESS, CLIENT_SECRET, ESCAPED, JSON, Process, REFRESH, answer, confidential, expired, granted, is_commit,
    is_fetch, live, login, older, public, refresh, stored, want, watch,
};

#[test]
fn a_fresh_token_is_delivered_and_reported_as_refused() {
    live(Some(stored(0, "2099-01-01T00:00:00Z")), public, |world, process| {
        world.run(process, want());

        assert!(process.got(ACCESS[0]) && world.sent == 0);

        world.run(process, Input::Refused(AccessToken::new(ACCESS[0], None)));
        world.run(process, Input::Look(Waiter(2)));
        assert!(process.was_told("refused"));
    });
}

#[test]
fn a_store_with_foreign_members_and_escapes_is_read_and_rewritten() {
    let store = format!(
        r#"{{"mine":{{"copy":"{}"}},"refresh_token":"{ESCAPED}","old":"{}","access_token":"{}"}}"#,
        REFRESH[3],
        ACCESS[3].replace('/', "\\/"),
        ACCESS[2].replace('/', "\\/"),
    );
    live(Some(&store), public, |world, process| {
        world.script.push_back(answer(200, JSON, granted(4)));

        world.run(process, refresh());

        assert!(process.got(ACCESS[4]) && world.holds(REFRESH[4]) && world.holds(REFRESH[3]));
    });
}

#[test]
fn three_rotations_follow_each_other() {
    live(Some(expired()), public, |world, process| {
        for pair in [1, 2, 3] {
            world.script.push_back(answer(200, JSON, granted(pair)));
            world.run(process, refresh());
            assert!(process.got(ACCESS[pair]) && world.holds(REFRESH[pair]));
        }
    });
}

#[test]
fn a_configuration_with_a_secret_is_read_cloned_and_refused() {
    // The map is the caller's: it is made before anything is watched, and freed after.
    let mut map = BTreeMap::from([
        ("token_url".into(), "https://id.test/token".into()),
        ("client_id".into(), "my client".into()),
        ("client_secret".into(), String::from(CLIENT_SECRET)),
    ]);

    let ((), report) = watch(|| {
        let config = Config::from_map("settings.toml", &map);
        drop(format!("{config:?}"));
        drop(config.clone());
    });
    report.assert_clean();

    map.insert("clientsecret".into(), CLIENT_SECRET.into());
    let ((), report) = watch(|| {
        let error = Config::from_map("settings.toml", &map).expect_err("a name that no setting has");
        drop(format!("{error} {error:?}"));
    });
    report.assert_clean();
}

#[test]
fn a_login_is_saved_and_a_worse_one_refused() {
    live(None, public, |world, process| {
        world.run(process, login(1, Guard::SameAccount));
        assert!(world.holds(REFRESH[1]) && process.was_told("signed_in"));

        world.run(process, Input::Adopt(Adopt { waiter: Waiter(8), grant: older(), guard: Guard::SameAccount }));
        assert!(process.delivered.last().is_some_and(|deliver| deliver.outcome.is_err()));

        world.run(process, login(3, Guard::Replace));
        world.run(process, want());
        assert!(process.got(ACCESS[3]) && world.holds(REFRESH[3]));
    });
}

#[test]
fn a_login_while_the_lock_is_busy_is_parked_and_adopted() {
    live(Some(expired()), public, |world, holder| {
        world.script.push_back(answer(200, JSON, granted(1)));
        world.run_until(holder, want(), is_fetch);
        let mut late = Process::new(public());
        world.run(&mut late, login(2, Guard::Replace));
        assert_eq!(world.parked.len(), 1);

        world.go_on(holder);
        let mut third = Process::new(public());
        world.script.push_back(answer(200, JSON, granted(4)));
        world.run(&mut third, refresh());
        while late.delivered.is_empty() {
            world.wake(&mut late);
        }

        assert!(late.was_told("parked") && third.was_told("signed_in") && world.parked.is_empty());
    });
}

#[test]
fn a_parked_login_that_is_damaged_is_dropped() {
    live(Some(expired()), public, |world, process| {
        let bytes = [b"TWF1 damaged ", REFRESH[3].as_bytes()].concat();
        world.parked.push(Parked { name: "grant-9".into(), bytes: SecretBytes::new(bytes) });
        world.script.push_back(answer(200, JSON, granted(1)));

        world.run(process, want());

        assert!(process.got(ACCESS[1]) && process.was_told("parked_dropped"));
    });
}

#[test]
fn a_sign_out_leaves_nothing_of_the_login() {
    live(Some(stored(0, "2099-01-01T00:00:00Z")), public, |world, process| {
        world.run(process, want());

        world.run(process, Input::SignOut(Waiter(5)));

        assert!(!world.holds(REFRESH[0]) && !world.holds(ACCESS[0]) && process.was_told("signed_out"));
    });
}

#[test]
fn a_staged_answer_of_a_crashed_process_is_rolled_forward() {
    live(Some(expired()), public, |world, crashed| {
        world.script.push_back(answer(200, JSON, granted(1)));
        world.run_until(crashed, want(), is_commit);
        world.break_lock();

        let mut next = Process::new(public());
        world.run(&mut next, want());
        while !next.was_told("rolled_forward") {
            world.wake(&mut next);
        }

        assert!(next.got(ACCESS[1]) && world.holds(REFRESH[1]));
    });
}

#[test]
fn a_waiter_adopts_the_answer_that_another_process_has_staged() {
    live(Some(expired()), public, |world, holder| {
        world.script.push_back(answer(200, JSON, granted(1)));
        world.run_until(holder, want(), is_fetch);
        let mut waiter = Process::new(public());
        world.run(&mut waiter, want());
        assert!(waiter.was_told("lock_busy") && waiter.delivered.is_empty());

        world.go_on_until(holder, is_commit);
        while waiter.delivered.is_empty() {
            world.wake(&mut waiter);
        }

        assert!(waiter.got(ACCESS[1]) && !world.holds(REFRESH[1]) && world.sent == 1);
    });
}

#[test]
fn an_answer_that_no_disk_takes_is_kept_and_tried_again() {
    live(Some(expired()), public, |world, process| {
        world.script.push_back(answer(200, JSON, granted(1)));
        world.broken = &["stage", "commit"];
        world.run(process, want());
        assert!(process.was_told("save_failed"));

        world.broken = &[];
        while !world.holds(REFRESH[1]) {
            world.wake(process);
        }

        world.run(process, want());
        assert!(process.got(ACCESS[1]));
    });
}

#[test]
fn a_store_that_somebody_else_replaced_is_adopted() {
    live(Some(expired()), public, |world, process| {
        world.script.push_back(answer(200, JSON, granted(1)));
        world.run_until(process, want(), is_commit);

        world.store = Some(SecretBytes::new(stored(3, "2099-01-01T00:00:00Z").as_bytes().to_vec()));
        world.go_on(process);

        assert!(process.was_told("dropped") && world.holds(REFRESH[3]) && !world.holds(REFRESH[1]));
    });
}

#[test]
fn a_damaged_store_is_reported_and_left_alone() {
    let whole = stored(0, "2099-01-01T00:00:00Z");
    let damaged = [&whole[..whole.len() - 3], &whole[..80], "", REFRESH[0], &format!("\"{}\"", ACCESS[0])];
    for store in damaged {
        live(Some(store), public, |world, process| {
            world.run(process, want());

            assert!(process.delivered.len() == 1 && world.holds(store));
        });
    }
}

#[test]
fn a_process_that_ends_at_any_effect_leaves_nothing_behind() {
    for end in 0..40 {
        live(
            Some(expired()),
            || confidential(ClientAuth::Basic),
            |world, process| {
                world.script.push_back(answer(200, JSON, granted(1)));
                let count = Cell::new(0);

                world.run_until(process, want(), |_| count.replace(count.get() + 1) == end);
            },
        );
    }
}
