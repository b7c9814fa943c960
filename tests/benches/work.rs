//! What each piece of work costs, beside its limit measured in the same run.
//!
//! `cargo build --release -p tokenward --features cli && cargo bench -p tokenward-tests --bench work`
//!
//! Each group names the target; `limit` is the part of the work that nobody can leave out.

use std::{
    fs::{self, File},
    hint::black_box,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use divan::Bencher;
use rustix::time::{ClockId, clock_gettime};
use tempfile::TempDir;
use tokenward::{
    Config, Effect, Fetch, FileStore, Input, Loaded, Machine, Now, Response, SecretBytes, StoreOp, TokenSource,
    UnixTime, Waiter, Want,
};
use tokenward_tests::Disk;

fn main() {
    divan::main();
}

/// A token that works for a long time.
const FRESH: &str = r#"{"version":1,"access_token":"access-token-1","refresh_token":"refresh-token-1",
    "issued_at":"2026-11-21T00:00:00Z","expires_at":"2999-01-01T00:00:00Z"}"#;
/// One that has ended.
const ENDED: &str = r#"{"version":1,"access_token":"access-token-1","refresh_token":"refresh-token-1",
    "issued_at":"2026-11-21T00:00:00Z","expires_at":"2026-11-21T01:00:00Z"}"#;
const ANSWER: &str =
    r#"{"access_token":"access-token-2","token_type":"Bearer","expires_in":3600,"refresh_token":"refresh-token-2"}"#;

/// Target: 15 ns. The limit is one look at the coarse clock.
#[divan::bench_group(sample_size = 10_000, sample_count = 200)]
mod fresh_token_target_15_ns {
    use super::*;

    #[divan::bench]
    fn ours(bencher: Bencher<'_, '_>) {
        let folder = Folder::with(FRESH);
        let source = folder.source();
        source.get_token().expect("it works");
        bencher.bench(|| source.get_token());
    }

    #[divan::bench]
    fn limit(bencher: Bencher<'_, '_>) {
        bencher.bench(|| clock_gettime(ClockId::MonotonicCoarse));
    }

    #[divan::bench]
    fn precise_clock(bencher: Bencher<'_, '_>) {
        bencher.bench(|| clock_gettime(ClockId::Monotonic));
    }
}

/// No target. The limit is an allocation for the effects of a step.
#[divan::bench_group(sample_size = 1000)]
mod one_step {
    use super::*;

    #[divan::bench]
    fn ours(bencher: Bencher<'_, '_>) {
        let mut world = World::new(FRESH);
        world.run(Input::Want(Want::new(Waiter(1))));
        bencher.bench_local(|| world.machine.step(world.now, Input::Want(Want::new(Waiter(2)))));
    }

    #[divan::bench]
    fn limit(bencher: Bencher<'_, '_>) {
        bencher.bench(|| Vec::<Effect>::with_capacity(black_box(1)));
    }
}

/// No target. The limit is the answer's JSON, parsed once.
#[divan::bench_group]
mod whole_refresh_without_disk_and_network {
    use super::*;

    #[divan::bench]
    fn ours(bencher: Bencher<'_, '_>) {
        bencher.with_inputs(|| World::new(ENDED)).bench_local_values(|mut world| {
            world.run(Input::Want(Want::new(Waiter(1))));
            assert_eq!((world.fetches, world.delivered), (1, 1));
            world
        });
    }

    #[divan::bench]
    fn limit(bencher: Bencher<'_, '_>) {
        bencher.bench(|| serde_json::from_str::<serde_json::Value>(black_box(ANSWER)));
    }
}

/// No target. The limit is a temporary file, written, synced and renamed, and its folder synced.
#[divan::bench_group(sample_count = 200, sample_size = 1)]
mod whole_refresh_on_the_disk {
    use super::*;

    #[divan::bench]
    fn ours(bencher: Bencher<'_, '_>) {
        bencher.with_inputs(|| Folder::with(ENDED)).bench_local_values(|folder| {
            let store = FileStore::open(folder.store(), false).expect("it names a file");
            let mut world = World { files: Some(store), ..World::new(ENDED) };
            world.run(Input::Want(Want::new(Waiter(1))));
            assert_eq!((world.fetches, world.delivered), (1, 1));
            folder
        });
    }

    #[divan::bench]
    fn limit(bencher: Bencher<'_, '_>) {
        bencher.with_inputs(|| Folder::with(ENDED)).bench_local_values(|folder| {
            replace(&folder.store(), ANSWER.as_bytes()).expect("the disk has room");
            folder
        });
    }
}

/// Target: 2 ms. The limit is a process that does nothing.
#[divan::bench_group(sample_count = 300, sample_size = 1)]
mod cold_command_target_2_ms {
    use super::*;

    #[divan::bench]
    fn ours(bencher: Bencher<'_, '_>) {
        let folder = Folder::with(FRESH);
        let binary = tokenward();
        bencher.bench_local(|| {
            let output = Command::new(&binary)
                .arg("token")
                .env("TOKENWARD_STORE", folder.store())
                .env("TOKENWARD_TOKEN_URL", "https://id.test/token")
                .env("TOKENWARD_CLIENT_ID", "my-client")
                .output()
                .expect("it can be started");
            assert_eq!(output.stdout, b"access-token-1\n");
        });
    }

    #[divan::bench]
    fn limit(bencher: Bencher<'_, '_>) {
        bencher.bench_local(|| {
            let output = Command::new("true").stdin(Stdio::null()).output().expect("it can be started");
            assert!(output.status.success());
        });
    }
}

/// A folder with a store in it.
struct Folder(TempDir);

impl Folder {
    fn with(content: &str) -> Self {
        let folder = tempfile::tempdir().expect("the system has room for a folder");
        fs::write(folder.path().join("login.json"), content).expect("a folder of our own takes a file");
        Self(folder)
    }

    fn store(&self) -> PathBuf {
        self.0.path().join("login.json")
    }

    fn source(&self) -> TokenSource {
        let store = Some(self.store().display().to_string());
        let config = Config { store, ..Config::new("https://id.test/token", "my-client") };
        TokenSource::open(config).expect("it names a file")
    }
}

/// A machine, the disk it works on, and a server that grants everything.
struct World {
    machine: Machine,
    now: Now,
    disk: Disk,
    files: Option<FileStore>,
    fetches: usize,
    delivered: usize,
}

impl World {
    fn new(store: &str) -> Self {
        let mut disk = Disk::default();
        disk.replace_store(Some(store.as_bytes().to_vec()));
        // 2027: the one token has ended.
        let now = Now { wall: UnixTime::from_secs(1_800_000_000), mono: Duration::from_secs(1) };
        let machine = Machine::new(Config::new("https://id.test/token", "my-client"));
        Self { machine, now, disk, files: None, fetches: 0, delivered: 0 }
    }

    /// Feeds an input, and every answer to what follows from it.
    fn run(&mut self, input: Input) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            for effect in self.machine.step(self.now, input).effects {
                match effect {
                    Effect::Store(op) => inputs.push(self.perform(op)),
                    Effect::Fetch(fetch) => inputs.push(self.fetch(fetch)),
                    Effect::Deliver(deliver) => self.delivered += usize::from(deliver.outcome.is_ok()),
                    _ => {}
                }
            }
        }
    }

    fn fetch(&mut self, fetch: Fetch) -> Input {
        self.fetches += 1;
        let body = SecretBytes::new(ANSWER.as_bytes().to_vec());
        let headers = vec![("content-type".into(), "application/json".into())];
        fetch.answer(Ok(Response { status: 200, headers, body }))
    }

    fn perform(&mut self, op: StoreOp) -> Input {
        if let Some(files) = &self.files {
            return files.perform(op);
        }
        match op {
            StoreOp::Load(load) => {
                let journal = self.disk.read_journal(&load.journal).into_iter().map(SecretBytes::new).collect();
                let store = self.disk.store.clone().filter(|_| load.store).map(SecretBytes::new);
                load.answer(Loaded { journal: Ok(journal), store: Ok(store), parked: Vec::new() })
            }
            StoreOp::TryLock(lock) => lock.answer(Ok(())),
            StoreOp::Prepare(prepare) => {
                self.write(&prepare.journal.writes);
                prepare.answer(Ok(()))
            }
            StoreOp::Stage(stage) => {
                self.write(&[stage.frame.clone(), stage.mark.clone()]);
                stage.answer(Ok(()))
            }
            StoreOp::Commit(commit) => {
                self.disk.replace_store(commit.bytes.as_ref().map(|bytes| bytes.expose().to_vec()));
                commit.answer(Ok(()))
            }
            StoreOp::Note(note) => {
                self.write(&note.journal.writes);
                note.answer(Ok(()))
            }
            StoreOp::Unlock(unlock) => unlock.answer(),
            other => panic!("a refresh does not ask for {other:?}"),
        }
    }

    fn write(&mut self, writes: &[tokenward::Write]) {
        for write in writes {
            self.disk.write_journal(write.offset, write.bytes.expose());
        }
    }
}

/// Replaces a file as everybody does who does it right.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let new = path.with_extension("new");
    let mut file = File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    fs::rename(&new, path)?;
    File::open(path.parent().unwrap_or(path))?.sync_all()
}

/// Returns the command, which stands beside the folder of the benchmarks.
fn tokenward() -> PathBuf {
    let bench = std::env::current_exe().expect("a program knows its path");
    let found = bench.ancestors().skip(1).take(2).map(|folder| folder.join("tokenward")).find(|path| path.is_file());
    found.expect("run `cargo build --release -p tokenward --features cli` first")
}
