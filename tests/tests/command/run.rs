//! Runs the command to its end.

use std::{
    io::Write,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use tokenward::UnixTime;
use tokenward_tests::real::{Scene, binary, clock, heed_signals};

use crate::schema;

/// What a command said and how it ended.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Said {
    /// Returns the one line of JSON on standard output, which is as the schema says.
    pub fn answer(&self, kind: &str) -> Value {
        schema::check(kind, self.stdout.trim_end())
    }

    /// Returns the error's kind from the one line of JSON on standard error, which is as the schema says.
    pub fn error(&self) -> String {
        schema::check("error", self.stderr.trim_end())["error"]["kind"].as_str().expect("it is a text").into()
    }
}

/// Runs the command on a scene.
pub fn run(scene: &Scene, args: &[&str]) -> Said {
    say(on(scene, args), "")
}

/// Returns the command as it is run on a scene: told of it by its environment, and with nobody's configuration.
pub fn on(scene: &Scene, args: &[&str]) -> Command {
    let mut command = alone(scene.store().parent().expect("a store has a folder"), args);
    command
        .env("TOKENWARD_STORE", scene.store())
        .env("TOKENWARD_TOKEN_URL", scene.provider.token_url())
        .env("TOKENWARD_CLIENT_ID", scene.provider.client_id());
    command
}

/// Returns the command with a home of its own and no settings.
pub fn alone(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(binary());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TOKENWARD_")) {
        command.env_remove(name);
    }
    command.args(args).env("HOME", home).env("XDG_CONFIG_HOME", home.join("config")).current_dir(home);
    heed_signals(&mut command);
    command
}

/// Runs the command as somebody who has no rights but those of the files: as this user, or, where that is root, as one
/// to whom the scene is given first.
pub fn without_rights(scene: &Scene, args: &[&str]) -> Said {
    let mut command = on(scene, args);
    if rustix::process::geteuid().is_root() {
        // Where it was built that user may not go.
        let copied = scene.folder().join("tokenward-copy");
        if !copied.exists() {
            // By another process: what is open for writing here is open in whatever another test starts meanwhile, and
            // the system runs no such file.
            let made = Command::new("cp").arg(binary()).arg(&copied).status();
            assert!(made.is_ok_and(|made| made.success()), "a folder of our own takes a file");
            let folder = scene.store().parent().expect("a store has a folder").to_path_buf();
            std::os::unix::fs::chown(folder, Some(USER), Some(USER)).expect("root gives files away");
        }
        let mut by_user = Command::new(copied);
        by_user.args(args).uid(USER).gid(USER).current_dir(scene.folder());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => by_user.env(name, value),
                None => by_user.env_remove(name),
            };
        }
        command = by_user;
    }
    say(command, "")
}

/// Writes a script that can be run; by another process, as above.
pub fn script(path: &Path, text: &str) {
    let mut sh = Command::new("sh");
    sh.args(["-c", "cat >\"$0\" && chmod 755 \"$0\""]).arg(path);
    assert_eq!(say(sh, text).code, 0, "{}", path.display());
}

/// Nobody in particular.
pub const USER: u32 = 12_345;

/// Runs a command to its end with this on its standard input.
pub fn say(mut command: Command, input: &str) -> Said {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    // One that has ended already takes no input, and that is for its test to judge.
    let _ = child.stdin.take().expect("it is piped").write_all(input.as_bytes());
    let ended = child.wait_with_output().expect("it was started here");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the command speaks UTF-8");
    Said { code: ended.status.code().unwrap_or(-1), stdout: text(ended.stdout), stderr: text(ended.stderr) }
}

/// Returns a store with a token that has `left` seconds of life.
pub fn stored(scene: &Scene, left: u64) -> Value {
    let now = clock::now();
    let time = |millis: u64| {
        let time = UnixTime::from_millis(millis).as_millis();
        jiff::Timestamp::from_millisecond(i64::try_from(time).expect("not that far")).expect("a time").to_string()
    };
    json!({
        "version": 1,
        "access_token": ACCESS,
        "refresh_token": scene.provider.refresh_token(),
        "issued_at": time(now - 1_800_000),
        "expires_at": time(now + left * 1000),
    })
}

/// The access token of a store that was made here.
pub const ACCESS: &str = "access-token-1";
