//! The allocator sees what it is there to see. Without this, silence would prove nothing.

use std::hint::black_box;

use tokenward::{Config, Input, Secret, SecretBytes, Waiter, Want};
use wiping::{ACCESS, BASIC, CLIENT_SECRET, ESCAPED, FRAGMENT, ID_TOKEN, PLANTED, Process, REFRESH, World, watch};

#[test]
fn a_text_that_is_dropped_unwiped_is_seen() {
    for planted in PLANTED {
        let ((), report) = watch(|| drop(black_box(String::from(*planted))));

        assert_eq!((report.hits, report.first.map(|hit| hit.size)), (1, Some(planted.len())), "{planted}");
    }
}

#[test]
fn a_buffer_that_grew_is_seen() {
    let (grown, report) = watch(|| {
        let mut buffer = Vec::from(REFRESH[0]);
        buffer.push(b'\n');
        buffer
    });

    assert_eq!((report.hits, report.first.map(|hit| hit.size)), (1, Some(REFRESH[0].len())));
    drop(grown);
}

#[test]
fn what_was_cleared_but_not_wiped_is_seen() {
    let ((), report) = watch(|| {
        let mut text = black_box(String::from(ACCESS[0]));
        text.clear();
    });

    assert_eq!(report.hits, 1);
}

#[test]
fn a_fragment_is_seen_wherever_it_stands_in_a_large_block() {
    for at in [0, 1, 511, 100_000, 262_144 - FRAGMENT] {
        let ((), report) = watch(|| {
            let mut block = vec![b'x'; 262_144];
            block[at..at + FRAGMENT].copy_from_slice(&CLIENT_SECRET.as_bytes()[20..20 + FRAGMENT]);
            black_box(block);
        });

        assert_eq!((report.hits, report.first.map(|hit| hit.secret)), (1, Some(CLIENT_SECRET)), "at {at}");
    }
}

#[test]
fn less_than_a_fragment_is_nothing() {
    let ((), report) = watch(|| drop(black_box(String::from(&REFRESH[0][20..20 + FRAGMENT - 1]))));

    assert_eq!((report.blocks, report.hits), (1, 0));
}

#[test]
fn a_thread_that_is_not_armed_is_not_watched() {
    let (reports, report) = watch(|| std::thread::spawn(|| drop(String::from(REFRESH[0]))));
    drop(String::from(REFRESH[0]));

    assert_eq!(report.hits, 0);
    let _ = reports.join();
}

#[test]
fn a_secret_leaves_nothing_behind() {
    let ((), report) = watch(|| {
        for planted in [ACCESS[0], REFRESH[0], CLIENT_SECRET, BASIC, ID_TOKEN, ESCAPED] {
            let mut roomy = String::with_capacity(500);
            roomy.push_str(planted);
            drop(Secret::new(roomy));
            let mut bytes = SecretBytes::new(planted.as_bytes().to_vec());
            bytes.push(planted.as_bytes());
            drop((bytes.clone(), bytes));
        }
    });

    report.assert_clean();
}

#[test]
fn a_leak_inside_the_core_is_seen() {
    // A client's name is no secret and not wiped: planted there, a secret is found in the core's own blocks.
    let (sizes, report) = watch(|| {
        let mut world = World::new(None);
        let mut process = Process::new(Config::new("https://id.test/token", REFRESH[0]));
        world.run(&mut process, Input::Want(Want::new(Waiter(1))));
        process.delivered.len()
    });

    assert_eq!(sizes, 1);
    assert!(report.hits > 0);
}
