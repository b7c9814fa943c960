//! keep-alive: the looks, and the timers it writes.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};
use tokenward_tests::real::{Scene, Stats, binary, clock};

use crate::{
    run::{ACCESS, alone, on, run, say, script, stored},
    schema,
};

#[test]
fn one_look_refreshes_what_would_end_before_the_look_after_the_next() {
    let scene = Scene::strict();
    scene.write_store(&stored(&scene, 3600));

    let rested = run(&scene, &["keep-alive", "--once", "--json"]);
    scene.write_store(&stored(&scene, 900));
    let refreshed = run(&scene, &["keep-alive", "--once", "--json"]);

    assert_eq!(rested.answer("keep-alive")["access_token"], tokenward::Fingerprint::of(ACCESS.as_bytes()).to_string());
    assert_eq!(refreshed.answer("keep-alive")["access_token"], scene.provider.access_token().unwrap());
    assert_eq!(scene.provider.stats(), Stats::rotations(1));
}

#[test]
fn loop_goes_on_after_a_failure_that_passes_and_ends_at_ctrl_c() {
    let scene = Scene::strict();
    // Later than anybody waits for: the look fails at once.
    let fault = json!({"fault": {"status": 503, "headers": {"Retry-After": "600"}}});
    scene.provider.control(&fault);
    let command = scene.command(&["keep-alive", "--json"]);
    let errors = scene.store().with_file_name("command-1.err");
    let begun = clock::now();
    while !fs::read_to_string(&errors).unwrap_or_default().contains("token endpoint answered 503") {
        assert!(clock::now() < begun + 30_000, "the failure is not told");
        std::thread::yield_now();
    }

    command.interrupt();

    assert_eq!(command.exit_code(), 130);
    let lasting = Scene::strict();
    let command = lasting.command(&["keep-alive", "--json"]);
    let first: Value = command.wait_for("first look", |line| serde_json::from_str(line).ok());
    schema::check("keep-alive", &first.to_string());
    command.interrupt();
    assert_eq!(command.exit_code(), 130);
    assert_eq!(lasting.stored().0, lasting.provider.access_token().ok());
}

#[test]
fn loop_ends_with_a_login_that_is_dead() {
    let scene = Scene::strict();
    scene.provider.control(&json!({"revoke": "family"}));

    let command = scene.command(&["keep-alive", "--json"]);

    assert_eq!(command.exit_code(), 4);
    let told = fs::read_to_string(scene.folder().join("command-1.err")).unwrap();
    assert_eq!(schema::check("error", told.trim_end())["error"]["kind"], "reauth_required");
}

#[test]
fn systemd_timer_is_written_verified_started_stopped_and_removed() {
    let home = home_with_profile();
    let manager = Fake::new(&home, "systemctl");
    let timer = |how: &str| say(manager.under(&home, &["--manager", "systemd", how]), "");
    let folder = home.path().join("config/systemd/user");

    let printed = timer("--dry-run");
    assert!(!folder.exists() && manager.asked().is_empty(), "--dry-run writes nothing and starts nothing");
    let installed = timer("--install");

    assert_eq!((printed.code, installed.code), (0, 0), "{}{}", printed.stderr, installed.stderr);
    for name in ["tokenward-work.service", "tokenward-work.timer"] {
        let text = fs::read_to_string(folder.join(name)).unwrap();
        assert!(printed.stdout.contains(&text), "{name}");
    }
    let path = |name: &str| folder.join(name).display().to_string();
    let told = format!("wrote {}\nwrote {}\nstarted\n", path("tokenward-work.service"), path("tokenward-work.timer"));
    assert_eq!(installed.stdout, told);
    assert_eq!(manager.asked(), ["--user daemon-reload", "--user enable --now tokenward-work.timer"]);
    verify(&folder);
    fs::write(folder.join("other.timer"), "[Timer]\n").unwrap();
    // The profile may be gone by then.
    fs::remove_file(home.path().join("config/tokenward/config.toml")).unwrap();
    let removed = timer("--uninstall");
    assert_eq!(removed.stdout, told.replace("wrote", "removed").replace("started\n", ""));
    assert_eq!(manager.asked(), ["--user disable --now tokenward-work.timer", "--user daemon-reload"]);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "another's file stays");
    assert!(timer("--uninstall").stdout.contains("there was no "));
}

#[test]
fn manager_that_cannot_be_asked_leaves_the_files_and_a_hint() {
    let home = home_with_profile();
    let manager = Fake::new(&home, "systemctl");
    fs::write(manager.folder.join("fails"), "").unwrap();
    let json = |how: &[&str]| {
        let said = say(manager.under(&home, &[&["--manager", "systemd", "--json"], how].concat()), "");
        assert_eq!(said.code, 0, "{}", said.stderr);
        said.answer("keep-alive-timer")
    };

    let failed = json(&["--install"]);
    let kept = json(&["--install", "--no-start"]);
    let removed = json(&["--uninstall"]);
    let absent = say(manager.under(&home, &["--manager", "launchd", "--install"]), "");

    let hint = "start it with: systemctl --user daemon-reload && systemctl --user enable --now tokenward-work.timer";
    assert_eq!(
        (&failed["running"], failed["message"].as_str()),
        (&json!(false), Some(&*format!("not started: no bus here; {hint}")))
    );
    assert_eq!((&kept["running"], kept["message"].as_str()), (&json!(false), Some(hint)));
    assert!(removed["message"].as_str().unwrap().starts_with("not stopped: no bus here; "), "{removed}");
    assert_eq!(removed["files"][0]["done"], "removed");
    assert!(
        absent.stdout.contains("not started: launchctl is not here; start it with: launchctl bootstrap gui/"),
        "{}",
        absent.stdout
    );
    assert!(home.path().join("Library/LaunchAgents/tokenward.keep-alive.work.plist").is_file());
}

#[test]
fn timer_of_somebody_else_is_neither_written_over_nor_removed() {
    let home = home_with_profile();
    let manager = Fake::new(&home, "systemctl");
    let folder = home.path().join("config/systemd/user");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("tokenward-work.timer"), "[Timer]\n").unwrap();

    for how in ["--install", "--uninstall"] {
        let said = say(manager.under(&home, &["--manager", "systemd", "--json", how]), "");

        assert_eq!((said.code, said.error().as_str()), (2, "usage"), "{how}");
        assert!(said.stderr.contains("tokenward-work.timer is not ours"), "{}", said.stderr);
    }
    assert_eq!(fs::read_to_string(folder.join("tokenward-work.timer")).unwrap(), "[Timer]\n");
    assert!(!folder.join("tokenward-work.service").exists() && manager.asked().is_empty());
}

#[test]
fn launch_agent_is_a_property_list() {
    let home = home_with_profile();

    let said = say(alone(home.path(), &["keep-alive", "--profile", "work", "--manager", "launchd", "--print"]), "");

    let plist = said.stdout.split_once('\n').expect("the first line names the file").1;
    let read = "import json, plistlib, sys; print(json.dumps(plistlib.loads(sys.stdin.buffer.read())))";
    let mut python = Command::new("python3");
    python.args(["-c", read]);
    let parsed: Value = serde_json::from_str(&say(python, plist.trim_end()).stdout).expect("python reads it");
    let program = fs::canonicalize(binary()).unwrap().display().to_string();
    assert_eq!(parsed["Label"], "tokenward.keep-alive.work");
    assert_eq!(parsed["ProgramArguments"][0], program);
    assert_eq!(parsed["ProgramArguments"][4], "work");
    assert_eq!(parsed["StartInterval"], 600);
}

#[test]
fn timer_is_refused_where_it_would_run_without_what_was_given() {
    let home = home_with_profile();
    let mut variable = alone(home.path(), &["keep-alive", "--profile", "work", "--install", "--json"]);
    variable.env("TOKENWARD_TIMEOUT", "9");
    let flag = alone(home.path(), &["keep-alive", "--profile", "work", "--install", "--json", "--timeout", "9"]);
    let scene = Scene::strict();
    let no_profile = on(&scene, &["keep-alive", "--install", "--json"]);

    for command in [variable, flag, no_profile] {
        let said = say(command, "");

        assert_eq!((said.code, said.error().as_str()), (2, "usage"));
    }
    assert!(!home.path().join("config/systemd").exists());
}

/// A manager that notes what it is asked: nobody's real timers are touched.
struct Fake {
    folder: PathBuf,
}

impl Fake {
    fn new(home: &tempfile::TempDir, name: &str) -> Self {
        let folder = home.path().join("bin");
        fs::create_dir(&folder).unwrap();
        let text = "#!/bin/sh\nif [ -e \"${0%/*}/fails\" ]; then echo 'no bus here' >&2; exit 1; fi\necho \"$@\" >>\"${0%/*}/asked\"\n";
        script(&folder.join(name), text);
        Self { folder }
    }

    /// Returns keep-alive for the profile, which finds no other manager.
    fn under(&self, home: &tempfile::TempDir, args: &[&str]) -> Command {
        let mut command = alone(home.path(), &["keep-alive", "--profile", "work"]);
        command.args(args).env("PATH", &self.folder);
        command
    }

    /// Returns what it was asked since the last time.
    fn asked(&self) -> Vec<String> {
        let asked = fs::read_to_string(self.folder.join("asked")).unwrap_or_default();
        let _ = fs::remove_file(self.folder.join("asked"));
        asked.lines().map(String::from).collect()
    }
}

/// Has systemd read the files, where it is there.
fn verify(folder: &Path) {
    let said = |files: &[PathBuf]| {
        let mut analyze = Command::new("systemd-analyze");
        analyze.args(["--user", "--man=no", "verify"]).args(files).env("XDG_RUNTIME_DIR", folder);
        analyze.output().map(|output| String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let files: Vec<PathBuf> = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()).collect();
    // The presence first: what is wrong is seen.
    let broken = folder.join("broken.timer");
    fs::write(&broken, "[Timer]\nOnUnitActiveSec=often\n").unwrap();
    let seen = said(std::slice::from_ref(&broken));
    fs::remove_file(&broken).unwrap();
    if !seen.is_ok_and(|seen| seen.contains("Failed to parse timer value")) {
        println!("SKIPPED command: systemd-analyze is missing: the timer is checked as text only");
        return;
    }
    let told = said(&files).unwrap();
    let ours: Vec<_> = told.lines().filter(|line| line.contains("tokenward-work")).collect();
    assert_eq!(ours, Vec::<&str>::new());
    // systemd made itself at home.
    let _ = fs::remove_dir_all(folder.join("systemd"));
}

fn home_with_profile() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir_all(home.path().join("config/tokenward")).unwrap();
    let profile = "[profiles.work]\ntoken_url = \"https://id.test/token\"\nclient_id = \"x\"\nstore = \"work.json\"\n";
    fs::write(home.path().join("config/tokenward/config.toml"), profile).unwrap();
    home
}
