//! keep-alive: the looks, and the timers it writes.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};
use tokenward_tests::real::{Scene, Stats, binary, clock};

use crate::{
    run::{ACCESS, alone, on, run, say, stored},
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

    let said = run(&scene, &["keep-alive", "--json"]);

    assert_eq!((said.code, said.error().as_str()), (4, "reauth_required"));
}

#[test]
fn systemd_timer_is_written_verified_and_removed() {
    let home = home_with_profile();
    let timer =
        |how: &str| say(alone(home.path(), &["keep-alive", "--profile", "work", "--manager", "systemd", how]), "");
    let folder = home.path().join("config/systemd/user");

    let printed = timer("--print");
    assert!(!folder.exists(), "--print writes nothing");
    let installed = timer("--install");

    assert_eq!((printed.code, installed.code), (0, 0), "{}{}", printed.stderr, installed.stderr);
    for name in ["tokenward-work.service", "tokenward-work.timer"] {
        let text = fs::read_to_string(folder.join(name)).unwrap();
        assert!(printed.stdout.contains(&text), "{name}");
    }
    assert!(installed.stdout.contains("start it with: systemctl --user"), "{}", installed.stdout);
    verify(&folder);
    let removed = timer("--uninstall");
    assert!(removed.stdout.contains("systemctl --user disable --now tokenward-work.timer"), "{}", removed.stdout);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    assert!(timer("--uninstall").stdout.contains("there was no "));
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
