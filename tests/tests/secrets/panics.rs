//! What is left on standard error of a process that panics with its hands full of secrets.

use std::process::Command;

use tokenward_tests::{leaks::Detector, real::Scene};

use crate::run::{Said, learn, run, settle};

#[test]
fn a_panic_that_tells_a_secret_is_caught() {
    let scene = Scene::strict();

    Detector::assert_catches("a panic", crate::REFRESH, |text| panicking(&scene, "tells", text).stderr);
}

#[test]
fn a_panic_in_the_middle_of_everything_tells_no_secret() {
    let scene = Scene::strict();
    let mut detector = Detector::default().knowing("the client secret", crate::CLIENT_SECRET);
    learn(&mut detector, &scene);

    for place in ["values", "error", "thread", "lock", "transport"] {
        let Said { stderr, stdout, code } = panicking(&scene, place, crate::CLIENT_SECRET);

        learn(&mut detector, &scene);
        let told = String::from_utf8_lossy(&stderr).into_owned();
        assert!(told.contains("panicked at") && told.contains("stack backtrace"), "{place}: {told}");
        assert!(code.is_some(), "{place}: ended by a signal");
        detector.assert_clean(place, [stderr, stdout].concat());
    }
}

fn panicking(scene: &Scene, place: &str, secret: &str) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_panics"));
    command.arg(place).env("RUST_BACKTRACE", "full");
    settle(&mut command, scene);
    run(command, secret)
}
