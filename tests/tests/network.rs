//! Workers on a bad road: what is lost on the way costs waiting, and never the login (promises P1, P2, P3, P6).

use std::{io::Read, net::TcpListener, thread};

use serde_json::json;
use tokenward_tests::{
    dice::Dice,
    real::{
        Call, Command, Open, Scene, Stats, Worker,
        relay::{Mishap, Relay},
    },
};

// -- A road that drops, cuts and delays ---------------------------------------------------------------------------

#[test]
fn eight_processes_rotate_twenty_times_over_a_road_that_drops_cuts_and_delays() {
    let scene = Scene::with_grace();
    let relay = Relay::start(scene.provider.token_url(), chaos(SEED));
    let mut workers = workers(&scene, &relay);
    let family = scene.provider.stats().families_revoked;

    for round in 0..ROUNDS {
        // Another one is first each time.
        workers.rotate_left(3);
        // Who asks for a new token by name hears of every mishap, and asks again.
        let mut unserved: Vec<&mut Worker> = workers.iter_mut().collect();
        for attempt in 0.. {
            let calls: Vec<Call> = unserved.iter_mut().map(|worker| worker.order(Command::Refresh)).collect();
            let got: Vec<_> = unserved.iter().zip(calls).map(|(worker, call)| worker.answer(call)).collect();
            let is_bad = |error: &String| !error.starts_with("unavailable ") && error != "blocked";
            if attempt == MOST || got.iter().filter_map(|got| got.as_ref().err()).any(is_bad) {
                scene.fail(&format!("round {round}, seed {SEED}: {got:?}\n{:?}", relay.counts()));
            }
            let mut got = got.iter();
            unserved.retain(|_| got.next().is_some_and(Result::is_err));
            if unserved.is_empty() {
                break;
            }
        }
    }

    let (stats, counts) = (scene.provider.stats(), relay.counts());
    println!("seed {SEED}: {counts:?}, {stats:?}");
    // The road was as bad as said: answers were lost, and their requests repeated.
    for mishap in ["drop request", "cut request", "drop answer", "cut answer", "page", "delay"] {
        assert!(counts.contains_key(mishap), "no {mishap}: {counts:?}");
    }
    assert!(stats.replays_in_grace > 0, "{stats:?}");
    assert!(stats.rotations >= ROUNDS, "{stats:?}");
    assert_eq!((stats.replays, stats.unknown, stats.families_revoked - family), (0, 0, 0), "{stats:?}");
    assert_eq!(scene.stored().1, scene.provider.newest_refresh_token(), "the store fell behind");
    assert_eq!(scene.get(), scene.provider.access_token());
}

const SEED: u64 = 7;
const ROUNDS: u64 = 20;
/// More attempts than half of all requests can spoil.
const MOST: u32 = 30;

/// Half of all requests meet a mishap. They come from a pack of cards: chance makes the order, and leaves none out.
fn chaos(seed: u64) -> impl FnMut() -> Mishap + Send + 'static {
    let mut dice = Dice::new(seed);
    let mut pack = Vec::new();
    move || {
        if pack.is_empty() {
            pack = MISHAPS.iter().copied().chain([Mishap::None; MISHAPS.len()]).collect();
        }
        pack.swap_remove(dice.below(pack.len()))
    }
}

const MISHAPS: [Mishap; 6] =
    [Mishap::DropRequest, Mishap::CutRequest, Mishap::DropAnswer, Mishap::CutAnswer, Mishap::Page, Mishap::Delay(100)];

// -- Servers that are short of words ------------------------------------------------------------------------------

#[test]
fn a_server_that_refuses_a_dead_token_without_a_word_is_asked_once_by_all() {
    let scene = Scene::strict();
    let relay = Relay::silent(scene.provider.token_url());
    scene.provider.control(&json!({"revoke": "family"}));
    let mut workers = workers(&scene, &relay);

    let calls: Vec<Call> = workers.iter_mut().map(Worker::start_get).collect();
    let got: Vec<_> = workers.iter().zip(calls).map(|(worker, call)| worker.answer(call)).collect();

    assert!(got.iter().all(|got| *got == Err("reauth_required http_400".into())), "{got:?}");
    assert_eq!(scene.provider.stats().requests, 1);
}

// -- Proxies of the environment -----------------------------------------------------------------------------------

#[test]
fn a_proxy_of_the_environment_is_asked_and_its_refusal_blocks_the_way() {
    let scene = Scene::strict();
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a port left");
    let proxy = listener.local_addr().expect("it is bound");
    let asked = thread::spawn(move || {
        let (mut connection, _) = listener.accept().expect("somebody comes");
        // The whole of it: what is left unread when a connection closes takes the answer with it.
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            connection.read_exact(&mut byte).expect("a request ends in an empty line");
            head.extend(byte);
        }
        std::io::Write::write_all(&mut connection, b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            .expect("read");
        String::from_utf8_lossy(&head).into_owned()
    });

    let mut worker = outside(&scene, "HTTPS_PROXY", &format!("http://{proxy}"));
    let got = worker.refresh();

    assert_eq!(got, Err("blocked".into()));
    assert!(asked.join().expect("the proxy was asked").starts_with("CONNECT id.test:443 HTTP/1.1"));
}

#[test]
fn a_proxy_variable_that_cannot_be_used_is_a_wrong_setting_and_nobody_is_asked() {
    let scene = Scene::strict();
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a port left");
    let proxy = listener.local_addr().expect("it is bound");

    let got = outside(&scene, "ALL_PROXY", &format!("socks5://{proxy}")).refresh();

    assert_eq!(got, Err("misconfigured".into()));
    listener.set_nonblocking(true).expect("a listener can be asked");
    assert!(listener.accept().is_err(), "the proxy was asked");
}

#[test]
fn a_missing_ca_file_of_one_process_puts_no_other_off() {
    let scene = Scene::strict();
    let mut wrong = scene.worker_with(Open { ca_file: "/no-such-folder/ca.pem".into(), ..Open::default() });

    let refused = wrong.get();
    let served = scene.get();

    assert_eq!(refused, Err("misconfigured".into()));
    assert_eq!(served, scene.provider.access_token());
    assert_eq!(scene.provider.stats(), Stats::rotations(1));
}

// -- Helpers ------------------------------------------------------------------------------------------------------

fn workers(scene: &Scene, relay: &Relay) -> Vec<Worker> {
    let open = || Open { token_url: relay.token_url(), ..Open::default() };
    (0..8).map(|_| scene.worker_with(open())).collect()
}

/// Starts a worker whose server is out there, behind a proxy.
fn outside(scene: &Scene, variable: &str, proxy: &str) -> Worker {
    scene.worker_with(Open {
        token_url: "https://id.test/token".into(),
        environment: vec![(variable.into(), proxy.into())],
        ..Open::default()
    })
}
