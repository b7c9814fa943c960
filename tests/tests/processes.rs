//! Many processes share one credential: one request per rotation, and everybody is served (promises P1, P2, P5).

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::json;
use tokenward_tests::real::{Call, Command, Got, Scene, Stats, Worker, clock, herd::Herd};

// -- When the token ends, everybody asks at once ------------------------------------------------------------------

#[test]
fn thirty_two_processes_make_one_request_per_rotation_of_a_fast_server() {
    crowd(Herd { latency: 50, ..HERD });
}

#[test]
fn thirty_two_processes_make_one_request_per_rotation_of_a_slow_server() {
    crowd(Herd { latency: 400, ..HERD });
}

#[test]
fn processes_that_arrive_one_after_the_other_make_one_request_per_rotation_of_a_fast_server() {
    crowd(Herd { latency: 50, apart: 20, ..HERD });
}

#[test]
fn processes_that_arrive_one_after_the_other_make_one_request_per_rotation_of_a_slow_server() {
    crowd(Herd { latency: 400, apart: 20, ..HERD });
}

#[test]
fn eight_processes_of_eight_threads_make_one_request_per_rotation() {
    crowd(Herd { processes: 8, threads: 8, rotations: 5, latency: 50, ..HERD });
    crowd(Herd { processes: 8, threads: 8, rotations: 5, latency: 400, ..HERD });
}

// -- When the token is in use all the time --------------------------------------------------------------------------

#[test]
fn processes_that_ask_all_the_time_never_wait_and_make_one_request_per_rotation() {
    let _alone = alone();
    let scene = Scene::new(&["--ttl", "8"]);
    let mut workers = scene.workers(16);
    workers[0].get().expect("the login works");
    scene.provider.control(&json!({"latency": LATENCY}));

    let begin = clock::now() + 500;
    let mut calls = Vec::new();
    for turn in 0..40 {
        for (number, worker) in workers.iter_mut().enumerate() {
            let at = begin + turn * 250 + number as u64 * 15;
            calls.push((at, number, worker.order(Command::Get { at, threads: 1 })));
        }
    }
    let asked: Vec<(u64, Got)> =
        calls.into_iter().map(|(at, number, call)| (at, workers[number].answers(call).remove(0))).collect();

    let waited = |(at, got): &(u64, Got)| got.done_at.saturating_sub(*at);
    let is_stray = |(_, got): &&(u64, Got)| got.outcome.is_err() || got.ends_at < got.done_at;
    let strays: Vec<_> = asked.iter().filter(is_stray).collect();
    let slowest = asked.iter().map(waited).max().unwrap_or_default();
    if !strays.is_empty() || slowest >= LATENCY / 2 {
        scene.fail(&format!("somebody waited for {slowest} ms, or got no token that works: {strays:?}"));
    }
    let stats = scene.provider.stats();
    assert_eq!(stats, Stats::rotations(stats.rotations));
    // One in the middle of each token's life.
    assert!((3..=4).contains(&stats.rotations), "{} rotations in 10 s of tokens that live for 8 s", stats.rotations);
    println!(
        "640 calls of 16 processes in 10 s, {} rotations at {LATENCY} ms: the slowest took {slowest} ms",
        stats.rotations
    );
}

/// A slow server's, in milliseconds.
const LATENCY: u64 = 800;

// -- When the server stumbles, all wait as one ----------------------------------------------------------------------

#[test]
fn a_503_costs_one_request_and_no_caller() {
    stumble(&[json!({"status": 503})]);
}

#[test]
fn a_429_costs_one_request_and_no_caller() {
    stumble(&[json!({"status": 429, "headers": {"Retry-After": "1"}})]);
}

#[test]
fn a_reset_before_the_rotation_costs_one_request_and_no_caller() {
    stumble(&[json!({"drop": "before"})]);
}

#[test]
fn a_page_of_a_firewall_costs_one_request_and_no_caller() {
    let headers = json!({"Content-Type": "text/html"});
    stumble(&[json!({"status": 403, "headers": headers, "body": "<html><h1>Access denied</h1></html>"})]);
}

#[test]
fn one_trouble_after_the_other_costs_one_request_each_and_no_caller() {
    stumble(&[json!({"status": 500}), json!({"drop": "before"}), json!({"status": 503, "body": "busy"})]);
}

#[test]
fn a_server_that_is_down_is_asked_by_sixteen_processes_as_by_one() {
    let _alone = alone();
    let scene = Scene::strict();
    scene.provider.control(&json!({"fault": {"status": 503, "times": 1000}}));
    let mut workers = scene.workers(16);

    let calls: Vec<Call> = workers.iter_mut().map(Worker::start_get).collect();
    scene.provider.wait("answered", 3);
    // The next request is at least two seconds away.
    scene.provider.control(&json!({"fault": null}));
    let got: Vec<Got> = workers.iter().zip(calls).flat_map(|(worker, call)| worker.answers(call)).collect();

    let current = scene.provider.access_token();
    assert!(got.iter().all(|got| got.outcome == current), "the server gave {current:?}, and some got {got:?}");
    assert_eq!(scene.provider.stats(), Stats { requests: 4, faults: 3, ..Stats::rotations(1) });
    let times: Vec<u64> = scene.provider.log().iter().filter_map(|line| line["time"].as_u64()).collect();
    let pauses: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    println!("the server was left alone for {pauses:?} ms");
    // 1 s, doubled each time, at least half of it.
    assert!(pauses.iter().zip([500, 1000, 2000]).all(|(pause, least)| *pause >= least), "{pauses:?}");
}

// -- Helpers --------------------------------------------------------------------------------------------------------

const HERD: Herd = Herd { processes: 32, threads: 1, rotations: 10, ttl: 2, latency: 50, apart: 0 };

fn crowd(herd: Herd) {
    let _alone = alone();
    println!("{}: one request per rotation", herd.run());
}

/// Has sixteen processes ask a server that has these troubles before it is well again.
fn stumble(faults: &[serde_json::Value]) {
    let _alone = alone();
    let scene = Scene::strict();
    for fault in faults {
        scene.provider.control(&json!({"fault": fault}));
    }
    let mut workers = scene.workers(16);

    let begin = clock::now();
    let calls: Vec<Call> = workers.iter_mut().map(Worker::start_get).collect();
    let got: Vec<Got> = workers.iter().zip(calls).flat_map(|(worker, call)| worker.answers(call)).collect();

    let current = scene.provider.access_token();
    let strays: Vec<&Got> = got.iter().filter(|got| got.outcome != current).collect();
    if !strays.is_empty() {
        scene.fail(&format!("the server gave {current:?}, but some got {strays:?}"));
    }
    let faults = faults.len() as u64;
    assert_eq!(scene.provider.stats(), Stats { requests: 1 + faults, faults, ..Stats::rotations(1) });
    let served = got.iter().map(|got| got.done_at).max().unwrap_or_default();
    println!("16 callers through {faults} faults: all served within {} ms", served - begin);
}

/// Has the tests of this file run one after the other: they measure.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}
