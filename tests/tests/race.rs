//! Many processes, one store, one lock, one server, one clock: every promise is checked after every step.
//!
//! `TOKENWARD_SEED` and `TOKENWARD_SCHEDULES` choose what the dice do; a failing schedule prints its seed and its story.

use std::{
    env,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
};

use tokenward_tests::{
    Dice, Fate,
    explore::{Map, explore},
    random,
};

/// What the one request of a schedule may meet that is not healthy.
const FATES: &[Fate] =
    &[Fate::Healthy, Fate::Status(503, None), Fate::NotSent, Fate::LostBefore, Fate::LostAfter, Fate::Torn];

#[test]
fn every_order_of_two_processes_and_two_rotations_with_one_fault() {
    all("one fault, strict", Map { grace: false, crashes: 0, fates: FATES, faults: 1, limit: LIMIT });
}

#[test]
fn every_order_of_two_processes_and_two_rotations_with_one_fault_and_a_grace_window() {
    all("one fault, grace", Map { grace: true, crashes: 0, fates: FATES, faults: 1, limit: LIMIT });
}

#[test]
fn every_order_of_two_processes_and_two_rotations_with_one_crash() {
    all("one crash, strict", Map { grace: false, crashes: 1, fates: &[Fate::Healthy], faults: 0, limit: LIMIT });
}

#[test]
fn every_order_of_two_processes_and_two_rotations_with_one_crash_and_a_grace_window() {
    all("one crash, grace", Map { grace: true, crashes: 1, fates: &[Fate::Healthy], faults: 0, limit: LIMIT });
}

#[test]
fn no_schedule_of_the_dice_breaks_a_promise() {
    let schedules = number("TOKENWARD_SCHEDULES", 100_000);
    let first = number("TOKENWARD_SEED", 20_260_714);

    let totals = across_threads(schedules, |index| {
        // One schedule alone is the schedule of that seed.
        let seed = if schedules == 1 { first } else { Dice::new(first ^ (index << 20)).roll() };
        let sim = random::run(seed, false);
        if !sim.is_broken() {
            return Ok([sim.steps, sim.requests() as u64, sim.outcomes.len() as u64]);
        }
        let again = random::run(seed, true);
        let broken = again.world.rules.broken.as_deref().unwrap_or("not reproduced");
        Err(format!("{}\n\n{broken}\n\nTOKENWARD_SEED={seed} TOKENWARD_SCHEDULES=1 shows it again\n", again.story()))
    });

    let [steps, requests, callers] = totals.unwrap_or_else(|story| panic!("{story}"));
    println!("seed {first}: {schedules} schedules, {steps} steps, {requests} requests, {callers} callers answered");
}

fn all(name: &str, map: Map) {
    let tally = explore(&map).unwrap_or_else(|story| panic!("{story}"));
    println!("{name}: {tally:?}");
    assert!(tally.complete, "{name}: left after {LIMIT} states");
}

/// Ten times the states of the largest map: beyond this a machine makes new states for ever.
const LIMIT: usize = 3_000_000;

fn number(name: &str, default: u64) -> u64 {
    env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
}

/// Runs all schedules in two threads and adds up what they return; the first error ends both.
fn across_threads(schedules: u64, run: impl Fn(u64) -> Result<[u64; 3], String> + Sync) -> Result<[u64; 3], String> {
    let threads = 2.min(schedules);
    let (run, over) = (&run, &AtomicBool::new(false));
    let work = |thread| {
        let mut total = [0; 3];
        for index in (thread..schedules).step_by(threads as usize) {
            if over.load(Relaxed) {
                break;
            }
            total = add(total, run(index).inspect_err(|_| over.store(true, Relaxed))?);
        }
        Ok(total)
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|thread| scope.spawn(move || work(thread))).collect();
        let totals = workers.into_iter().map(|worker| worker.join().expect("no panic in a schedule"));
        totals.reduce(|left, right| Ok(add(left?, right?))).unwrap_or(Ok([0; 3]))
    })
}

fn add(left: [u64; 3], right: [u64; 3]) -> [u64; 3] {
    std::array::from_fn(|index| left[index] + right[index])
}
