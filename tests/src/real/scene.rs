//! One folder, one store, one provider, and whoever uses them.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicUsize, Ordering},
};

use std::io::Write;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokenward::Fingerprint;

use super::{Command, Open, Process, Provider, Worker, logs::Logs, provider::binary};

pub struct Scene {
    // In the order in which they end: nobody writes to a folder that is gone.
    pub provider: Provider,
    workers: AtomicUsize,
    logs: Logs,
    folder: TempDir,
    /// Where the store lies, in `folder`.
    disk: PathBuf,
    name: &'static str,
    format: &'static str,
}

impl Scene {
    /// Starts a provider with these options and puts its first refresh token into the store.
    pub fn new(options: &[&str]) -> Self {
        Self::start(options, "", |_| {})
    }

    /// Returns a strict scene whose store lies in a folder of its own: `prepare` makes of it the disk that is tried.
    pub fn on_disk(prepare: impl FnOnce(&Path)) -> Self {
        Self::start(&[], "disk", prepare)
    }

    /// Starts a provider beside a store that is not there yet: where in the scene's folder it will lie, its name and how
    /// it is written.
    pub fn empty(options: &[&str], disk: &str, name: &'static str, format: &'static str) -> Self {
        let folder = tempfile::tempdir().expect("the system has room for a folder");
        let logs = Logs::default();
        let provider = Provider::start(options, folder.path(), &logs);
        let disk = folder.path().join(disk);
        fs::create_dir_all(&disk).expect("a folder of our own takes another one");
        Self { provider, workers: AtomicUsize::new(0), logs, folder, disk, name, format }
    }

    fn start(options: &[&str], disk: &str, prepare: impl FnOnce(&Path)) -> Self {
        let scene = Self::empty(options, disk, "login.json", "tokenward");
        prepare(&scene.disk);
        scene.write_store(&json!({"version": 1, "refresh_token": scene.provider.refresh_token()}));
        scene
    }

    /// Returns a scene whose provider revokes a family at the first reuse.
    pub fn strict() -> Self {
        Self::new(&[])
    }

    /// Returns a scene whose provider repeats its last answer for a minute.
    pub fn with_grace() -> Self {
        Self::new(&["--grace", "60"])
    }

    /// Returns the folder of the store.
    pub fn disk(&self) -> &Path {
        &self.disk
    }

    pub fn store(&self) -> PathBuf {
        self.disk.join(self.name)
    }

    pub fn lock(&self) -> PathBuf {
        self.disk.join(format!(".{}.tokenward.lock", self.name))
    }

    pub fn journal(&self) -> PathBuf {
        self.disk.join(format!(".{}.tokenward.journal", self.name))
    }

    /// Starts a worker.
    pub fn worker(&self) -> Worker {
        self.worker_with(Open::default())
    }

    /// Starts a worker that can be told where to stop.
    pub fn gated(&self) -> Worker {
        self.worker_with(Open { gated: true, ..Open::default() })
    }

    /// Starts a worker on this scene's store with the settings as given; provider and client are the scene's if none are.
    pub fn worker_with(&self, open: Open) -> Worker {
        self.worker_by(process::Command::new(worker_binary()), open)
    }

    /// Starts a worker by a command of the caller's: another user, other rights. `open` may name another way to the store.
    pub fn worker_by(&self, mut command: process::Command, open: Open) -> Worker {
        // A proxy of the machine that runs the tests is none of theirs.
        for variable in ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"] {
            command.env_remove(variable);
        }
        command.envs(open.environment.iter().cloned());
        let name = format!("worker-{}", self.next());
        let process = self.run(command, &name);
        let mut worker = Worker::new(name.clone(), process, self.logs.clone());
        let store = if open.store.is_empty() { self.store().display().to_string() } else { open.store };
        worker.open(Open {
            store,
            token_url: given(&open.token_url, self.provider.token_url()),
            client_id: given(&open.client_id, self.provider.client_id()),
            name,
            format: self.format.into(),
            ..open
        });
        worker
    }

    /// Starts a process of another tool.
    pub fn tool(&self, command: process::Command) -> Process {
        Process::start(command, &format!("tool-{}", self.next()), self.folder.path(), &self.logs)
    }

    /// Has a new process ask for a token and end in good order.
    pub fn get(&self) -> Result<String, String> {
        let mut worker = self.worker();
        let got = worker.get();
        worker.close();
        got
    }

    /// Has a new process ask for a new token and end in good order.
    pub fn refresh(&self) -> Result<String, String> {
        let mut worker = self.worker();
        let got = worker.refresh();
        worker.close();
        got
    }

    /// Has a new process remove the credential and end in good order.
    pub fn clear(&self) -> Result<String, String> {
        let mut worker = self.worker();
        let cleared = worker.run(Command::Clear);
        worker.close();
        cleared
    }

    /// Starts `count` workers side by side.
    pub fn workers(&self, count: usize) -> Vec<Worker> {
        (0..count).map(|_| self.worker()).collect()
    }

    /// Starts the `tokenward` command, told of this scene's store and provider by its environment.
    pub fn command(&self, args: &[&str]) -> Process {
        let mut command = process::Command::new(binary());
        command
            .args(args)
            .env("TOKENWARD_STORE", self.store())
            .env("TOKENWARD_TOKEN_URL", self.provider.token_url())
            .env("TOKENWARD_CLIENT_ID", self.provider.client_id());
        let number = self.next();
        Process::start(command, &format!("command-{number}"), self.folder.path(), &self.logs)
    }

    /// Returns the store's content.
    pub fn read_store(&self) -> Value {
        let text = fs::read(self.store()).unwrap_or_else(|error| self.logs.fail(&format!("no store: {error}")));
        serde_json::from_slice(&text).unwrap_or_else(|error| self.logs.fail(&format!("the store is torn: {error}")))
    }

    /// Puts another store in the place of this one, as a restored backup would.
    pub fn write_store(&self, content: &Value) {
        let new = self.disk.join("restored");
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)
            .expect("a folder of our own takes a file");
        file.write_all(content.to_string().as_bytes()).expect("the disk has room");
        fs::rename(new, self.store()).expect("a file can take another one's place");
    }

    /// Returns the names of the tokens in the store: access token, refresh token.
    pub fn stored(&self) -> (Option<String>, Option<String>) {
        let store = self.read_store();
        (name(&store["access_token"]), name(&store["refresh_token"]))
    }

    /// Returns the names of the store's and all companions that are there.
    pub fn files(&self) -> BTreeSet<String> {
        let entries = fs::read_dir(&self.disk).expect("the folder is ours");
        let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter(|name| name.contains(self.name)).collect()
    }

    /// Ends the test with what everybody said last.
    pub fn fail(&self, what: &str) -> ! {
        self.logs.fail(what)
    }

    /// Starts another process that ends with the scene.
    pub fn run(&self, command: process::Command, name: &str) -> Process {
        Process::start(command, name, self.folder.path(), &self.logs)
    }

    /// Returns the scene's folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn next(&self) -> usize {
        self.workers.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// Returns the names of all tokens of the provider's making that stand in a file, in any slot and any state.
pub fn tokens_in(file: &Path) -> BTreeSet<String> {
    let bytes = fs::read(file).unwrap_or_default();
    let is_token = |candidate: &&[u8]| {
        (candidate.starts_with(b"at-") || candidate.starts_with(b"rt-"))
            && candidate.iter().skip(3).all(u8::is_ascii_hexdigit)
    };
    bytes.windows(TOKEN).filter(is_token).map(|token| Fingerprint::of(token).to_string()).collect()
}

/// The length of a provider's token: two letters, a hyphen and 24 bytes in hex.
const TOKEN: usize = 3 + 48;

fn name(token: &Value) -> Option<String> {
    token.as_str().filter(|text| !text.is_empty()).map(|text| Fingerprint::of(text.as_bytes()).to_string())
}

fn given(value: &str, otherwise: &str) -> String {
    if value.is_empty() { otherwise } else { value }.into()
}

/// Returns the worker, which cargo builds with the tests.
pub fn worker_binary() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its path");
    let found = test.ancestors().skip(1).take(2).map(|folder| folder.join("worker")).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("no worker beside {}: run `cargo build -p tokenward-tests`", test.display()))
}
