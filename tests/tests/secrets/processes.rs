//! What other users of the machine see of our processes: arguments and environment.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use tokenward_tests::{leaks::Detector, real::Scene};

use crate::{
    CLIENT_SECRET, REFRESH, detector,
    run::{Said, binary, finish, learn, run, start, tokenward},
};

#[test]
fn a_secret_among_arguments_or_in_an_environment_is_caught() {
    for channel in ["the arguments", "the environment"] {
        Detector::assert_catches(channel, REFRESH, |text| {
            let mut shell = Command::new("sh");
            // Lives until its standard input ends.
            shell.args(["-c", "read -r end", "sh"]);
            match channel {
                "the arguments" => shell.arg(text),
                _ => shell.env("TOKENWARD_PLANTED", text),
            };
            let child = start(shell);
            let seen = look_at(child.id());
            finish(child);
            seen
        });
    }
}

#[test]
fn a_secret_in_the_wrong_place_is_refused_and_not_repeated() {
    let scene = Scene::strict();
    let flag = |name: &str, secret: &str| format!("--{name}={secret}");
    let (refresh_token, client_secret) = (flag("token", REFRESH), flag("secret", CLIENT_SECRET));
    let wrong: [&[&str]; 6] = [
        &["import", REFRESH],
        &["import", "--replace", REFRESH],
        &["token", &refresh_token],
        &["token", "--token", REFRESH],
        &["token", &client_secret],
        &["status", "--secret", CLIENT_SECRET],
    ];
    for args in wrong {
        let said = run(tokenward(&scene, args), "");

        assert_eq!(said.code, Some(2), "{args:?}");
        detector().assert_clean(args[0], [said.stdout, said.stderr].concat());
    }
    for input in
        [format!("{REFRESH} and {CLIENT_SECRET}"), format!("{{\"refresh_token\":{REFRESH:?}"), format!("{{{REFRESH}}}")]
    {
        let said = run(tokenward(&scene, &["import"]), &input);

        detector().assert_clean("import", [said.stdout, said.stderr].concat());
    }
}

#[test]
fn no_process_of_a_whole_life_shows_a_secret() {
    let scene = Scene::strict();
    let mut detector = detector();
    learn(&mut detector, &scene);
    let mut seen = Vec::from([("provider", look_at(scene.provider.id()))]);

    // It waits for its standard input: the secret comes that way.
    let mut import = start(tokenward(&scene, &["import", "--replace"]));
    seen.push(("import", look_at(import.id())));
    let stdin = import.stdin.take().expect("it is piped");
    std::io::Write::write_all(&mut &stdin, scene.provider.refresh_token().as_bytes()).expect("it reads");
    drop(stdin);
    let said = finish(import);
    assert_eq!(said.code, Some(0));
    detector.assert_clean("import", [said.stdout, said.stderr].concat());

    // It waits for the server.
    scene.provider.hold_answers();
    let token = start(tokenward(&scene, &["token"]));
    scene.provider.wait("held", 1);
    seen.push(("token", look_at(token.id())));
    let mut worker = scene.worker();
    let call = worker.start_get();
    seen.push(("worker", look_at(worker.process().id())));
    scene.provider.release();
    let Said { stderr, code, .. } = finish(token);
    learn(&mut detector, &scene);
    assert_eq!((code, worker.answer(call).is_ok()), (Some(0), true));
    detector.assert_clean("standard error of token", stderr);

    for args in [["status", "--trust-lock"], ["status", "--json"]] {
        let said = finish(start(tokenward(&scene, &args)));
        assert_eq!(said.code, Some(0));
        detector.assert_clean("status", [said.stdout, said.stderr].concat());
    }
    for (process, bytes) in seen {
        assert!(bytes.len() > 100, "{process} could not be seen");
        detector.assert_clean(process, bytes);
    }
}

#[test]
fn the_demo_and_its_processes_show_no_secret() {
    let folder = tempfile::tempdir().expect("the system has room for a folder");
    let mut demo = Command::new(binary());
    demo.args(["demo", "--workers", "2", "--rotations", "2", "--ttl", "3", "--latency", "0"]);
    demo.env("TMPDIR", folder.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut demo = demo.spawn().expect("the command can be started");
    let mut stdout = BufReader::new(demo.stdout.take().expect("it is piped"));
    let mut report = String::new();
    // The report begins when all its processes run.
    stdout.read_line(&mut report).expect("it speaks");

    let family = descendants(demo.id());
    let mut seen: Vec<u8> = family.iter().flat_map(|pid| look_at(*pid)).collect();
    let made = crate::files::modes(folder.path());
    while stdout.read_line(&mut report).expect("it speaks") > 0 {}
    let said = finish(demo);

    assert!(report.contains("rotation"), "{report}");
    assert!(family.len() >= 3, "a provider and two workers run beside the demo, not {}", family.len());
    seen.extend([report.into_bytes(), said.stderr].concat());
    assert_eq!(tokens(b"{\"refresh_token\":\"rt-0123456789abcdef\"}"), 1);
    assert_eq!(tokens(&seen), 0, "a token of the provider's making is seen");
    let open: Vec<_> =
        made.iter().filter(|(name, mode)| !name.ends_with("provider.log") && mode & 0o077 != 0).collect();
    assert!(made.len() >= 4 && open.is_empty(), "others can look into {open:?} of {made:?}");
    assert_eq!(fs::read_dir(folder.path()).expect("the folder is ours").count(), 0, "something is left over");
}

/// Returns what everybody can see of a process.
fn look_at(pid: u32) -> Vec<u8> {
    let read = |name| fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
    // The system says that a program was started a moment before it shows the arguments.
    (0..1_000_000).find(|_| !read("cmdline").is_empty()).expect("the process lives");
    [read("cmdline"), read("environ"), read("comm")].join(&0)
}

/// Returns the processes that a process has started, and those that they have started.
fn descendants(pid: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let children = tasks.flat_map(|task| {
        let listed = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        listed.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<u32>>()
    });
    children.flat_map(|child| [Vec::from([child]), descendants(child)].concat()).collect()
}

/// Counts the tokens of the provider's making, whichever they are.
fn tokens(bytes: &[u8]) -> usize {
    let is_token = |candidate: &&[u8]| {
        let (kind, rest) = candidate.split_at(3);
        matches!(kind, b"at-" | b"rt-") && rest.iter().all(u8::is_ascii_hexdigit)
    };
    bytes.windows(3 + 12).filter(is_token).count()
}
