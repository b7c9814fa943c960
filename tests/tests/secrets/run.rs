//! Commands that run to their end, and what they said.

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
};

use rustix::process::{Pid, Signal, kill_process};
use tokenward_tests::{
    leaks::Detector,
    real::{PATIENCE, Scene},
};

/// What a process said, and how it ended.
#[derive(Debug)]
pub struct Said {
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub code: Option<i32>,
}

/// Returns the `tokenward` command: where TOKENWARD_BIN says, else beside the tests.
pub fn binary() -> PathBuf {
    if let Some(named) = env::var_os("TOKENWARD_BIN") {
        return named.into();
    }
    let test = env::current_exe().expect("a test knows its path");
    // target/debug/deps/secrets-0123456789abcdef
    let found = test.ancestors().skip(1).take(2).map(|folder| folder.join("tokenward")).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("no tokenward beside the tests: run `cargo build -p tokenward --features cli`"))
}

/// Returns a `tokenward` command that is told of a scene's store and provider by its environment.
pub fn tokenward(scene: &Scene, args: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(args);
    settle(&mut command, scene);
    command
}

/// Tells a command of a scene's store and provider.
pub fn settle(command: &mut Command, scene: &Scene) {
    command
        .env("TOKENWARD_STORE", scene.store())
        .env("TOKENWARD_TOKEN_URL", scene.provider.token_url())
        .env("TOKENWARD_CLIENT_ID", scene.provider.client_id());
}

/// Starts a command with everything piped.
pub fn start(mut command: Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"))
}

/// Runs a command with this on its standard input.
pub fn run(command: Command, input: &str) -> Said {
    let mut child = start(command);
    if let Some(mut stdin) = child.stdin.take() {
        // One that has ended takes none.
        let _ = stdin.write_all(input.as_bytes());
    }
    finish(child)
}

/// Waits for the end of a process; kills one that does not end.
pub fn finish(child: Child) -> Said {
    let pid = Pid::from_child(&child);
    let (done, ended) = mpsc::channel();
    thread::spawn(move || done.send(child.wait_with_output()));
    let output = ended.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        let _ = kill_process(pid, Signal::KILL);
        panic!("a process did not end within {PATIENCE:?}");
    });
    let output = output.expect("the system tells how a child of ours ended");
    Said { stdout: output.stdout, stderr: output.stderr, code: output.status.code() }
}

/// Shows a detector that what a process says on either channel is heard.
pub fn show_that_words_are_heard(secret: &str) {
    for (channel, redirection) in [("standard output", ""), ("standard error", ">&2")] {
        Detector::assert_catches(channel, secret, |text| {
            let mut shell = Command::new("sh");
            shell.args(["-c", &format!("printf %s \"$1\" {redirection}"), "sh", text]);
            let said = run(shell, "");
            [said.stdout, said.stderr].concat()
        });
    }
}

/// Adds the tokens that a scene's store holds by now.
pub fn learn(detector: &mut Detector, scene: &Scene) {
    let store = scene.read_store();
    for name in ["access_token", "refresh_token"] {
        if let Some(token) = store[name].as_str().filter(|token| !token.is_empty()) {
            detector.learn(name, token);
        }
    }
}

/// Returns every file of a folder, and of the folders in it.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is ours").flatten();
    let found = entries.flat_map(|entry| {
        let path = entry.path();
        if path.is_dir() { files(&path) } else { Vec::from([path]) }
    });
    found.collect()
}
