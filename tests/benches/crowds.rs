//! Real processes against the strict provider: how long the last of a herd waits, and what kills cost.
//!
//! `cargo build --release -p tokenward --features cli && cargo bench -p tokenward-tests --bench crowds [herds|kills]`
//!
//! Each row stands beside its limit, which is zero: a caller that is served in the moment of the server's answer, and no
//! token lost. `TOKENWARD_KILLS` sets the number of kills (10,000).

use std::env;

use tokenward_tests::real::{
    Scene, Stats,
    chaos::{Chaos, Killed, may_be_in_flight},
    herd::Herd,
};

fn main() {
    // `cargo bench` adds a flag of its own.
    let asked: Vec<String> = env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let is_asked = |name: &str| asked.is_empty() || asked.iter().any(|word| word == name);
    if is_asked("herds") {
        herds();
    }
    if is_asked("kills") {
        kills();
    }
}

fn herds() {
    println!("the last one served, after the server's answer: limit 0 ms");
    for (processes, threads, latency, target) in [
        (16, 1, 50, "target 4 ms"),
        (64, 1, 50, "target 10 ms"),
        (8, 8, 50, "target 7 ms"),
        (16, 1, 800, "no target"),
        (64, 1, 800, "no target"),
        (8, 8, 800, "no target"),
    ] {
        let herd = Herd { processes, threads, rotations: 20, ttl: 2, latency, apart: 0 };
        println!("  {target}: {}", herd.run());
    }
}

fn kills() {
    let kills = env::var("TOKENWARD_KILLS").ok().map_or(10_000, |text| text.parse().expect("a number"));
    println!("{kills} kills anywhere, a server with a grace window: limit 0 lost, 0 torn");
    let Killed { in_flight, longest, stats, .. } = Chaos::new(Scene::with_grace(), kills).run(|_, _| true);
    let Stats { replays, families_revoked, replays_in_grace, .. } = stats;
    println!(
        "  torn 0, lost {families_revoked}, replays outside the window {replays}, inside {replays_in_grace} for at most {in_flight} kills \
         in flight; nobody else waited longer than {longest} ms"
    );

    println!("{kills} kills where no answer is on its way, a strict server: limit 0 lost, 0 torn");
    let Killed { longest, stats, .. } =
        Chaos::new(Scene::strict(), kills).run(|point, when| !may_be_in_flight(point, when));
    let Stats { replays, families_revoked, .. } = stats;
    println!("  torn 0, lost {families_revoked}, replays {replays}; nobody else waited longer than {longest} ms");
}
