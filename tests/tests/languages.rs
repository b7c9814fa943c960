//! One file, four processes of each language: one request per rotation, and everybody is served (promises P1, P5).
//!
//! `tests/run herd` builds the packages and names the commands: `TOKENWARD_PYTHON` is an interpreter that has the wheel,
//! `TOKENWARD_SWIFT` the worker of the Swift package. Node loads the package from its folder.

use std::{env, path::PathBuf, process::Command};

use tokenward_tests::real::{Open, Scene, Worker, herd::Herd};

/// The processes of each language.
const EACH: usize = 4;

#[test]
fn processes_of_all_languages_make_one_request_per_rotation() {
    let languages = languages();
    let processes = EACH * (1 + languages.len());

    for (threads, rotations) in [(1, 10), (250, 3)] {
        Herd { processes, threads, rotations, ttl: 4, latency: 50, apart: 0 }
            .run_with(|scene| mixed(scene, &languages));
    }
}

/// Returns workers in Rust and in these languages, mixed: who is first changes with each rotation.
fn mixed(scene: &Scene, languages: &[Vec<PathBuf>]) -> Vec<Worker> {
    (0..EACH)
        .flat_map(|_| {
            let others = languages.iter().map(|command| {
                let mut words = command.iter();
                let mut worker = Command::new(words.next().expect("a command has a name"));
                worker.args(words);
                scene.worker_by(worker, Open::default())
            });
            std::iter::once(scene.worker()).chain(others).collect::<Vec<_>>()
        })
        .collect()
}

/// Returns the command of each language's worker that is there. One that is missing is a loud line.
fn languages() -> Vec<Vec<PathBuf>> {
    let tests = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let node = tests.join("../bindings-node/index.cjs");
    let python = env::var_os("TOKENWARD_PYTHON").map(|python| vec![python.into(), tests.join("herd/worker.py")]);
    let swift = env::var_os("TOKENWARD_SWIFT").map(|worker| vec![worker.into()]);
    let node = env::var_os("TOKENWARD_NODE").map(|runtime| vec![runtime.into(), tests.join("herd/worker.cjs"), node]);
    [("python", python), ("node", node), ("swift", swift)]
        .into_iter()
        .filter_map(|(name, command)| {
            if command.is_none() {
                println!("SKIPPED herd: no worker in {name}");
            }
            command
        })
        .collect()
}
