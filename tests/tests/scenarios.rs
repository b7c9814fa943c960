//! What a person would tell of tokenward, one story each.

use std::time::Duration;

use tokenward::{Guard, ReauthReason, TokenError, Trouble, UnknownOutcome};
use tokenward_tests::{Crash, Dice, Fate, Loss, Outcome, Setup, Sim};

// -- Sharing ----------------------------------------------------------------------------------------------------

#[test]
fn one_process_refreshes_an_expired_token() {
    let mut sim = Sim::new(Setup { processes: 1, ..Setup::default() });

    let caller = sim.want(0);
    sim.run();

    assert_eq!(sim.told(caller), Some(Ok(Some(1))));
    assert_eq!(sim.requests(), 1);
    assert_eq!(sim.world.stored().refresh, Some(1));
}

#[test]
fn second_process_adopts_the_token_the_first_one_stored() {
    let mut sim = Sim::new(Setup::default());

    let callers = [sim.want(0), sim.want(1)];
    sim.run();

    assert_eq!(callers.map(|caller| sim.told(caller)), [Some(Ok(Some(1))), Some(Ok(Some(1)))]);
    assert_eq!(sim.requests(), 1);
}

#[test]
fn the_loser_of_the_lock_is_served_before_the_store_is_written() {
    let mut sim = Sim::new(Setup::default());
    let winner = sim.want(0);
    sim.run_to(0, "Fetch");
    let loser = sim.want(1);
    sim.run_to(1, "nothing");

    sim.run_to(0, "Commit");
    sim.pass(Duration::from_millis(1));
    sim.tick(1);
    sim.run_to(1, "nothing");

    assert_eq!(sim.told(winner), Some(Ok(Some(1))));
    assert_eq!(sim.told(loser), Some(Ok(Some(1))));
    assert_eq!(sim.world.stored().refresh, Some(0), "the store still is the old one");
}

#[test]
fn an_answer_that_is_not_synced_is_nobodys() {
    let mut sim = Sim::new(Setup::default());
    sim.want(0);
    sim.run_to(0, "Stage");
    sim.perform(0);

    let second = sim.want(1);
    sim.run_to(1, "nothing");

    assert_eq!(sim.told(second), None);
}

#[test]
fn sixty_four_processes_send_one_request_per_503() {
    let mut sim = Sim::new(Setup { processes: 64, ..Setup::default() });
    sim.world.fates = vec![Fate::Status(503, None), Fate::Status(503, None)];

    let callers: Vec<_> = (0..64).map(|process| sim.want(process)).collect();
    sim.run();

    assert!(callers.into_iter().all(|caller| sim.told(caller) == Some(Ok(Some(1)))));
    assert_eq!(sim.count("refresh_started"), 3);
}

#[test]
fn a_token_in_its_early_window_is_served_at_once_and_replaced_behind() {
    let mut sim = fresh(3600);
    sim.pass(secs(3400));

    let caller = sim.want(0);

    assert_eq!(sim.told(caller), Some(Ok(Some(0))), "before anything is read again");
    sim.run();
    assert_eq!(sim.world.stored().refresh, Some(1));
}

// -- Trouble on the way -----------------------------------------------------------------------------------------

#[test]
fn a_503_and_then_a_healthy_server_serve_the_first_call() {
    for fate in [Fate::Status(503, None), Fate::Status(500, None), Fate::Status(429, None), Fate::NotSent, Fate::Page] {
        let mut sim = Sim::new(Setup { processes: 1, ..Setup::default() });
        sim.world.fates = vec![fate];

        let caller = sim.want(0);
        sim.run();

        assert_eq!(sim.told(caller), Some(Ok(Some(1))), "{fate:?}");
    }
}

#[test]
fn retry_after_is_waited_for_within_the_deadline() {
    let mut sim = Sim::new(Setup { processes: 1, ..Setup::default() });
    sim.world.fates = vec![Fate::Status(429, Some(20))];
    let began = sim.world.time;

    let caller = sim.want(0);
    sim.run();

    assert_eq!(sim.told(caller), Some(Ok(Some(1))));
    assert!(sim.world.provider.log[0].at - began >= secs(20));
}

#[test]
fn retry_after_beyond_the_deadline_fails_at_once_and_says_when() {
    let mut sim = Sim::new(Setup { processes: 1, ..Setup::default() });
    sim.world.fates = vec![Fate::Status(503, Some(300))];
    let began = sim.world.time;

    let caller = sim.want(0);
    sim.run_to(0, "nothing");

    let error = sim.told(caller).expect("told").expect_err("no token");
    assert_eq!(error.retry_in(), Some(secs(300)));
    assert!(sim.world.time - began < secs(1));
}

#[test]
fn a_wait_that_one_process_was_told_binds_all() {
    let mut sim = Sim::new(Setup::default());
    sim.world.fates = vec![Fate::Status(503, Some(30))];
    let first = sim.want_with(0, |want| want.deadline = secs(1));
    sim.run_to(0, "nothing");

    let second = sim.want_with(1, |want| want.deadline = secs(5));
    sim.run_to(1, "nothing");

    for caller in [first, second] {
        let error = sim.told(caller).expect("told").expect_err("no token");
        assert!(matches!(error, TokenError::Unavailable { trouble: Trouble::Status(503), .. }), "{error:?}");
    }
    assert_eq!(sim.count("refresh_started"), 1);
}

#[test]
fn an_explicit_refresh_skips_the_wait() {
    let mut sim = Sim::new(Setup { processes: 1, ..Setup::default() });
    sim.world.fates = vec![Fate::Status(503, Some(300))];
    sim.want(0);
    sim.run_to(0, "nothing");

    let caller = sim.want_with(0, |want| want.explicit = true);
    sim.run_to(0, "nothing");

    assert_eq!(sim.told(caller), Some(Ok(Some(1))));
}

#[test]
fn an_explicit_refresh_replaces_a_fresh_token() {
    let mut sim = fresh(60);

    let caller = sim.want_with(0, |want| want.explicit = true);
    sim.run();

    assert_eq!(sim.told(caller), Some(Ok(Some(1))));
}

#[test]
fn a_lost_answer_comes_back_where_the_server_has_a_grace_window() {
    for fate in [Fate::LostAfter, Fate::LostBefore, Fate::Torn] {
        let mut sim = Sim::new(Setup { processes: 1, grace: true, ..Setup::default() });
        sim.world.fates = vec![fate];

        let caller = sim.want(0);
        sim.run();

        assert_eq!(sim.told(caller), Some(Ok(Some(1))), "{fate:?}");
        assert_eq!(sim.count("replay"), 1, "{fate:?}");
    }
}

#[test]
fn a_lost_answer_ends_in_rotation_lost_where_the_server_is_strict() {
    let mut sim = Sim::new(Setup { processes: 1, ..Setup::default() });
    sim.world.fates = vec![Fate::LostAfter];

    let caller = sim.want(0);
    sim.run();

    assert_eq!(sim.told(caller), reauth(ReauthReason::RotationLost));
}

#[test]
fn a_503_to_the_replay_decides_nothing() {
    let mut sim = Sim::new(Setup { processes: 1, ..Setup::default() });
    sim.world.fates = vec![Fate::LostAfter, Fate::Status(503, None)];

    let caller = sim.want(0);
    sim.run();

    assert_eq!(sim.told(caller), reauth(ReauthReason::RotationLost));
}

#[test]
fn unknown_outcome_reauth_never_replays() {
    let reauth_only = Setup { processes: 1, unknown_outcome: UnknownOutcome::Reauth, ..Setup::default() };
    let mut sim = Sim::new(reauth_only);
    sim.world.fates = vec![Fate::LostAfter];

    let caller = sim.want(0);
    sim.run();

    assert_eq!(sim.told(caller), reauth(ReauthReason::RotationLost));
    assert_eq!(sim.requests(), 1);
}

#[test]
fn an_answer_without_an_access_token_still_saves_the_refresh_token() {
    let mut sim = Sim::new(Setup { processes: 1, ..Setup::default() });
    sim.world.fates = vec![Fate::NoAccessToken];

    let caller = sim.want(0);
    sim.run();

    assert_eq!(sim.told(caller), Some(Ok(Some(2))));
    assert_eq!(sim.world.provider.revoked, 0);
}

#[test]
fn a_dead_login_is_asked_once_and_told_once_per_process() {
    let mut sim = Sim::new(Setup::default());
    sim.world.provider.revoke(1);

    let callers = [sim.want(0), sim.want(1)];
    sim.run();
    let again = [sim.want(0), sim.want(1)];
    sim.run();

    for caller in callers.into_iter().chain(again) {
        assert_eq!(sim.told(caller), reauth(ReauthReason::Revoked));
    }
    assert_eq!(sim.requests(), 1);
    assert_eq!(sim.count("reauth_required"), 2);
}

#[test]
fn another_process_s_login_ends_the_memory_of_a_dead_one() {
    let mut sim = Sim::new(Setup::default());
    sim.world.provider.revoke(1);
    sim.want(0);
    sim.run();
    let (_, number) = sim.sign_in(1, "alice", Guard::SameAccount);
    sim.run();

    let caller = sim.want(0);
    sim.run();

    assert_eq!(sim.told(caller), Some(Ok(Some(number))), "nobody is told an error from memory");
}

// -- Crashes ----------------------------------------------------------------------------------------------------

#[test]
fn whatever_effect_a_process_dies_after_the_next_one_goes_on() {
    let (granted, lost) = (Some(Ok(Some(1))), reauth(ReauthReason::RotationLost));
    let table: [(&str, bool, &Option<Outcome>, usize); 12] = [
        // effect    grace  what the next process is told, and the requests by then
        ("Prepare", false, &granted, 1),
        ("Prepare", true, &granted, 1),
        ("Fetch", false, &lost, 2),
        ("Fetch", true, &granted, 2),
        ("Stage", false, &granted, 1),
        ("Stage", true, &granted, 1),
        ("Commit", false, &granted, 1),
        ("Commit", true, &granted, 1),
        ("Note", false, &granted, 1),
        ("Note", true, &granted, 1),
        ("Unlock", false, &granted, 1),
        ("TryLock", false, &granted, 1),
    ];
    for (effect, grace, told, requests) in table {
        let mut sim = Sim::new(Setup { grace, ..Setup::default() });
        sim.want(0);
        sim.run_to(0, effect);
        sim.finish(0);

        sim.kill(0, Crash::Unseen);
        let caller = sim.want(1);
        sim.run();

        assert_eq!(&sim.told(caller), told, "after {effect}, grace window: {grace}");
        assert_eq!(sim.requests(), requests, "after {effect}, grace window: {grace}");
    }
}

#[test]
fn a_loss_of_power_after_stage_loses_nothing() {
    for loss in [Loss::Nothing, Loss::Everything, Loss::Torn] {
        for effect in ["Commit", "Note", "Unlock"] {
            let mut sim = Sim::new(Setup { processes: 1, ..Setup::default() });
            sim.want(0);
            sim.run_to(0, effect);

            sim.lose_power(loss, &mut Dice::new(7));
            sim.restart(0);
            let caller = sim.want(0);
            sim.run();

            assert_eq!(sim.told(caller), Some(Ok(Some(1))), "{loss:?} before {effect}");
            assert_eq!(sim.requests(), 1, "{loss:?} before {effect}");
        }
    }
}

#[test]
fn a_loss_of_power_that_tears_a_note_does_not_forget_the_request_before_it() {
    for seed in 0..16 {
        let mut sim = long_remembering();
        sim.world.fates = vec![Fate::LostAfter];
        sim.want(0);
        sim.run_to(0, "Unlock");

        sim.lose_power(Loss::Torn, &mut Dice::new(seed));
        sim.restart(0);
        let caller = sim.want(0);
        sim.run();

        assert_eq!(sim.told(caller), reauth(ReauthReason::RotationLost), "{seed}");
        assert_eq!(sim.count("replay"), 1, "{seed}");
    }
}

#[test]
fn a_spent_token_is_known_even_if_its_process_died_before_it_said_so() {
    let mut sim = Sim::new(Setup::default());
    let old = sim.world.disk.store.clone();
    sim.want(0);
    sim.run_to(0, "Note");
    sim.kill(0, Crash::Unseen);
    sim.want_with(1, |want| want.explicit = true);
    sim.run();

    sim.world.write_as_owner(old);
    let caller = sim.want_with(1, |want| want.explicit = true);
    sim.run();

    assert_eq!(sim.told(caller), reauth(ReauthReason::Reused));
}

// -- The store --------------------------------------------------------------------------------------------------

#[test]
fn a_store_replaced_by_an_older_one_never_sends_the_spent_token() {
    let mut sim = Sim::new(Setup::default());
    let old = sim.world.disk.store.clone();
    sim.want(0);
    sim.run();

    sim.world.write_as_owner(old);
    sim.pass(secs(61));
    let caller = sim.want(1);
    sim.run();

    assert_eq!(sim.told(caller), reauth(ReauthReason::Reused));
    assert_eq!(sim.requests(), 1);
}

#[test]
fn a_store_that_is_gone_at_commit_keeps_the_answer() {
    let mut sim = Sim::new(Setup { processes: 1, life: secs(3600), ..Setup::default() });
    let old = sim.world.disk.store.clone();
    let caller = sim.want(0);
    sim.run_to(0, "Commit");

    sim.world.write_as_owner(None);
    sim.run_for(secs(20));
    let missing = sim.world.disk.store.clone();
    sim.world.write_as_owner(old);
    sim.run_for(secs(600));

    assert_eq!(sim.told(caller), Some(Ok(Some(1))));
    assert_eq!(missing, None, "nobody makes the store anew");
    assert_eq!(sim.world.stored().refresh, Some(1));
    assert_eq!(sim.requests(), 1);
}

#[test]
fn another_login_in_the_store_at_commit_stays() {
    let mut sim = Sim::new(Setup { processes: 1, ..Setup::default() });
    sim.want(0);
    sim.run_to(0, "Commit");

    let number = sim.world.provider.log_in("alice", sim.world.time);
    let bytes = sim.world.stored_bytes(number, sim.world.time);
    sim.world.write_as_owner(Some(bytes));
    sim.run();

    assert_eq!(sim.world.stored().refresh, Some(number));
}

#[test]
fn an_owner_s_own_change_at_commit_survives() {
    let mut sim = Sim::new(Setup { processes: 1, ..Setup::default() });
    sim.want(0);
    sim.run_to(0, "Commit");

    let text = String::from_utf8(sim.world.disk.store.clone().expect("a store")).expect("text");
    sim.world.write_as_owner(Some(text.replace("keep-1", "keep-2").into_bytes()));
    sim.run();

    assert_eq!(sim.world.stored().refresh, Some(1));
    assert_eq!(sim.world.stored().kept.as_deref(), Some("keep-2"));
}

#[test]
fn a_store_that_cannot_be_replaced_is_found_before_the_token_is_spent() {
    let mut sim = Sim::new(Setup { processes: 1, ..Setup::default() });
    sim.world.failing.insert("prepare");

    let caller = sim.want(0);
    sim.run();

    assert!(matches!(sim.told(caller), Some(Err(TokenError::StoreUnwritable { .. }))));
    assert_eq!(sim.requests(), 0);
}

#[test]
fn a_failed_save_is_told_kept_and_tried_again() {
    let mut sim = Sim::new(Setup { processes: 1, life: secs(3600), ..Setup::default() });
    sim.world.failing.insert("commit");
    let caller = sim.want(0);
    sim.run_for(secs(10));
    let failed = sim.count("save_failed");

    sim.world.failing.clear();
    sim.run();

    assert_eq!(sim.told(caller), Some(Ok(Some(1))), "callers do not sit through the save");
    assert!(failed >= 2);
    assert_eq!(sim.world.stored().refresh, Some(1));
    assert_eq!(sim.requests(), 1);
}

#[test]
fn an_answer_the_journal_did_not_take_is_told_once_the_store_has_it() {
    let mut sim = Sim::new(Setup { processes: 1, ..Setup::default() });
    sim.world.failing.insert("stage");
    let caller = sim.want(0);
    sim.run_to(0, "Commit");
    let before = sim.told(caller);

    sim.run_to(0, "nothing");

    assert_eq!(before, None);
    assert_eq!(sim.told(caller), Some(Ok(Some(1))));
}

// -- Logins -----------------------------------------------------------------------------------------------------

#[test]
fn a_login_while_the_lock_is_busy_is_adopted_by_the_next_holder() {
    let mut sim = Sim::new(Setup::default());
    sim.want(0);
    sim.run_to(0, "Fetch");
    let (_, number) = sim.sign_in(1, "alice", Guard::SameAccount);
    sim.run_to(1, "nothing");
    sim.kill(1, Crash::Unseen);
    assert_eq!(sim.world.disk.parked.len(), 1);
    sim.run_to(0, "nothing");

    sim.want_with(0, |want| want.explicit = true);
    sim.run_to(0, "Commit");
    sim.finish(0);

    assert_eq!(sim.world.stored().refresh, Some(number));
    sim.run();
    assert_eq!(sim.world.disk.parked, []);
}

#[test]
fn a_login_that_another_holder_refuses_is_not_told_as_saved() {
    let mut sim = Sim::new(Setup::default());
    sim.want(0);
    sim.run_to(0, "Fetch");
    let (caller, _) = sim.sign_in(1, "bob", Guard::SameAccount);
    sim.run_to(1, "nothing");
    sim.run_to(0, "nothing");

    sim.want_with(0, |want| want.explicit = true);
    sim.run_to(0, "nothing");
    sim.run();

    assert_eq!(sim.told(caller), Some(Err(TokenError::AccountMismatch)));
}

#[test]
fn an_older_login_a_poorer_one_and_a_stranger_s_are_refused() {
    let mut sim = fresh(60);
    sim.pass(secs(1));

    let (stranger, _) = sim.sign_in(0, "bob", Guard::SameAccount);
    sim.run();
    let (forced, number) = sim.sign_in(0, "bob", Guard::Replace);
    sim.run();

    assert_eq!(sim.told(stranger), Some(Err(TokenError::AccountMismatch)));
    assert_eq!(sim.told(forced), Some(Ok(None)));
    assert_eq!(sim.world.stored().refresh, Some(number));
}

#[test]
fn a_sign_out_that_races_a_refresh_wins() {
    let mut sim = Sim::new(Setup::default());
    let refreshing = sim.want(0);
    sim.run_to(0, "Fetch");

    let leaving = sim.sign_out(1);
    sim.run();
    sim.hint(0);
    sim.run();
    let after = sim.want(0);
    sim.run();

    assert_eq!(sim.told(refreshing), Some(Ok(Some(1))));
    assert_eq!(sim.told(leaving), Some(Ok(None)));
    assert_eq!(sim.world.stored().refresh, None);
    assert_eq!(sim.world.stored().kept.as_deref(), Some("keep-1"), "what is the owner's stays");
    assert_eq!(sim.told(after), Some(Err(TokenError::SignedOut)));
}

#[test]
fn a_sign_out_that_fails_forgets_nothing() {
    let mut sim = Sim::new(Setup { processes: 1, ..Setup::default() });
    sim.world.fates = vec![Fate::Status(503, Some(300))];
    sim.want(0);
    sim.run();
    sim.world.failing.insert("commit");
    sim.sign_out(0);
    sim.run();

    let caller = sim.want(0);
    sim.run();

    let error = sim.told(caller).expect("told").expect_err("no token");
    assert!(error.retry_in().is_some_and(|wait| wait > secs(200)), "{error:?}");
}

// -- Time -------------------------------------------------------------------------------------------------------

#[test]
fn a_wall_clock_that_jumps_ahead_costs_one_refresh() {
    let mut sim = fresh(600);

    sim.jump_wall(3_600_000);
    let callers = [sim.want(0), sim.want(1)];
    sim.run();

    assert_eq!(callers.map(|caller| sim.told(caller)), [Some(Ok(Some(1))), Some(Ok(Some(1)))]);
    assert_eq!(sim.requests(), 1);
}

#[test]
fn a_wall_clock_that_jumps_back_keeps_no_ended_token_alive_where_it_was_received() {
    let mut sim = Sim::new(Setup { processes: 1, ..Setup::default() });
    sim.want(0);
    sim.run();

    sim.jump_wall(-3_600_000);
    sim.pass(secs(61));
    let caller = sim.want(0);
    sim.run();

    assert_eq!(sim.told(caller), Some(Ok(Some(2))));
}

#[test]
fn a_wait_outlives_a_wall_clock_that_jumps_back_by_nothing() {
    let mut sim = Sim::new(Setup { processes: 1, ..Setup::default() });
    sim.world.fates = vec![Fate::Status(503, None)];
    let caller = sim.want(0);
    sim.run_to(0, "nothing");

    sim.jump_wall(-60_000);
    sim.run();

    assert_eq!(sim.told(caller), Some(Ok(Some(1))), "within its deadline");
}

#[test]
fn a_life_that_is_wanted_and_not_left_is_fetched() {
    let mut sim = fresh(600);
    sim.pass(secs(200));

    let caller = sim.want_with(0, |want| want.min_ttl = secs(500));
    sim.run();

    assert_eq!(sim.told(caller), Some(Ok(Some(1))));
}

#[test]
fn a_life_that_cannot_be_had_is_not_insisted_on() {
    let mut sim = fresh(600);
    sim.world.fates = vec![Fate::Status(503, None)];
    sim.pass(secs(200));

    let caller = sim.want_with(0, |want| want.min_ttl = secs(500));
    sim.run_to(0, "nothing");

    assert_eq!(sim.told(caller), Some(Ok(Some(0))));
}

#[test]
fn a_deadline_ends_the_caller_and_not_the_refresh() {
    let mut sim = Sim::new(Setup { processes: 1, latency: secs(10), ..Setup::default() });
    let began = sim.world.time;
    let caller = sim.want_with(0, |want| want.deadline = secs(2));

    sim.run_until(began + secs(3));
    let told = sim.told(caller);
    sim.run();

    assert_eq!(told, Some(Err(TokenError::Unavailable { retry_in: None, trouble: Trouble::Deadline })));
    assert_eq!(sim.world.stored().refresh, Some(1));
}

#[test]
fn a_holder_that_stands_still_is_waited_for_with_patience_and_then_named() {
    let mut sim = Sim::new(Setup::default());
    sim.want(0);
    sim.run_to(0, "Fetch");
    sim.processes[0].op.as_mut().expect("a request").ready_at = sim.world.time + secs(1000);
    let caller = sim.want(1);

    sim.run_for(secs(39));

    let error = sim.told(caller).expect("told").expect_err("no token");
    assert!(matches!(&error, TokenError::StoreBusy { holder: Some(_) }), "{error:?}");
}

#[test]
fn a_token_of_unknown_life_works_until_it_is_refused() {
    let mut sim = Sim::new(Setup { processes: 1, ..Setup::default() });
    let bytes =
        br#"{"access_token":"access-token-0","refresh_token":"refresh-token-0","account":"alice","kept":"keep-1"}"#;
    sim.world.write_as_owner(Some(bytes.to_vec()));
    let first = sim.want(0);
    sim.run();
    sim.pass(secs(1_000_000));
    let later = sim.want(0);
    sim.run();

    sim.refuse(0);
    let refused = sim.want(0);
    sim.run();

    assert_eq!(sim.told(first), Some(Ok(Some(0))));
    assert_eq!(sim.told(later), Some(Ok(Some(0))));
    assert_eq!(sim.told(refused), Some(Ok(Some(1))));
}

// -- Storms -----------------------------------------------------------------------------------------------------

#[test]
fn a_refused_token_younger_than_a_minute_causes_no_refresh() {
    let mut sim = fresh(3600);
    sim.pass(secs(59));
    sim.want(0);
    sim.run();

    sim.refuse(0);
    let caller = sim.want(0);
    sim.run();

    assert_eq!(sim.told(caller), Some(Ok(Some(0))));
    assert_eq!(sim.requests(), 0);
}

#[test]
fn a_refused_token_older_than_a_minute_is_replaced_once_for_all() {
    let mut sim = fresh(3600);
    sim.pass(secs(61));
    for process in [0, 1] {
        sim.want(process);
        sim.run();
        sim.refuse(process);
    }

    let callers = [sim.want(0), sim.want(1)];
    sim.run();

    assert_eq!(callers.map(|caller| sim.told(caller)), [Some(Ok(Some(1))), Some(Ok(Some(1)))]);
    assert_eq!(sim.requests(), 1);
}

#[test]
fn two_rotations_are_half_a_minute_apart() {
    let mut sim = Sim::new(Setup { processes: 1, life: secs(3600), ..Setup::default() });
    sim.want(0);
    sim.run();
    let demanding = |sim: &mut Sim| sim.want_with(0, |want| want.min_ttl = secs(3599));

    sim.pass(secs(20));
    let soon = demanding(&mut sim);
    sim.run();
    sim.pass(secs(11));
    let later = demanding(&mut sim);
    sim.run();

    assert_eq!(sim.told(soon), Some(Ok(Some(1))), "what there is");
    assert_eq!(sim.told(later), Some(Ok(Some(2))));
}

#[test]
fn two_rotations_of_a_short_token_are_half_its_life_apart() {
    let mut sim = Sim::new(Setup { processes: 1, life: secs(10), ..Setup::default() });
    sim.want(0);
    sim.run();

    sim.pass(secs(4));
    let soon = sim.want_with(0, |want| want.min_ttl = secs(9));
    sim.run();

    assert_eq!(sim.told(soon), Some(Ok(Some(1))));
    assert_eq!(sim.requests(), 1);
}

fn fresh(life: u64) -> Sim {
    let mut sim = Sim::new(Setup { expired: false, life: secs(life), ..Setup::default() });
    for process in [0, 1] {
        sim.look(process);
    }
    sim.run();
    sim.pass(Duration::from_millis(1));
    sim
}

/// Returns a world whose journal remembers so many spent tokens that a state takes more than one sector.
fn long_remembering() -> Sim {
    let mut sim = Sim::new(Setup { processes: 1, ..Setup::default() });
    for _ in 0..24 {
        sim.want(0);
        sim.run();
        sim.pass(secs(61));
    }
    sim
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn reauth(reason: ReauthReason) -> Option<Outcome> {
    Some(Err(TokenError::ReauthRequired { reason }))
}
