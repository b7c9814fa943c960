//! Completions and manual pages, read by the shells and by man.

use std::{fs, process::Command};

use tokenward_tests::real::Scene;

use crate::run::{run, say};

#[test]
fn completions_are_what_each_shell_reads() {
    let scene = Scene::strict();
    for (shell, check) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        let script = run(&scene, &["completions", shell]);
        assert!(script.code == 0 && script.stdout.contains("git-credential"), "{shell}: {}", script.stdout);
        let (good, bad) = (scene.folder().join(shell), scene.folder().join("bad"));
        fs::write(&good, &script.stdout).unwrap();
        fs::write(&bad, "if true; then (\n").unwrap();
        let read = |file| Command::new(shell).arg(check).arg(file).output();

        // The presence first: what is wrong is seen.
        match read(&bad) {
            Err(_) => println!("SKIPPED command: {shell} is missing: its completions are not read"),
            Ok(refused) => {
                assert!(!refused.status.success(), "{shell} takes anything");
                let taken = read(&good).unwrap();
                let said = String::from_utf8_lossy(&taken.stderr).into_owned();
                assert!(taken.status.success() && said.is_empty(), "{shell}: {said}");
            }
        }
    }
}

#[test]
fn bash_completes_commands_and_flags() {
    let scene = Scene::strict();
    let script = scene.folder().join("tokenward.bash");
    fs::write(&script, run(&scene, &["completions", "bash"]).stdout).unwrap();
    let complete = |words: &str, last: usize| {
        let ask = format!(
            ". '{}'; COMP_WORDS=({words}); COMP_CWORD={last}; _tokenward tokenward \"${{COMP_WORDS[{last}]}}\"; \
             printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            script.display()
        );
        let mut bash = Command::new("bash");
        bash.args(["--norc", "-c", &ask]);
        say(bash, "").stdout
    };

    assert_eq!(complete("tokenward git", 1), "git-credential\n");
    assert_eq!(complete("tokenward token --min", 2), "--min-ttl\n");
}

#[test]
fn every_command_has_a_page_that_man_renders_without_a_complaint() {
    let scene = Scene::strict();
    let folder = scene.folder().join("man1");

    let written = run(&scene, &["man", "--folder", &folder.display().to_string()]);
    let printed = run(&scene, &["man"]);

    assert_eq!((written.code, written.stderr.as_str()), (0, ""));
    assert!(printed.stdout.contains(".TH tokenward 1"), "{}", printed.stdout);
    let mut pages: Vec<_> = fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.path()).collect();
    pages.sort();
    let names: Vec<_> = pages.iter().map(|page| page.file_name().unwrap().to_string_lossy().into_owned()).collect();
    for command in ["tokenward.1", "tokenward-token.1", "tokenward-git-credential.1", "tokenward-keep-alive.1"] {
        assert!(names.contains(&command.to_string()), "{command}: {names:?}");
    }
    let rendered = |page: &std::path::Path| {
        let mut man = Command::new("man");
        man.args(["--warnings", "--local-file"]).arg(page).env("MANWIDTH", "120").env("LC_ALL", "C.UTF-8");
        say(man, "")
    };
    if Command::new("man").arg("--version").output().is_err() {
        println!("SKIPPED command: man is missing: the pages are not rendered");
        return;
    }
    for page in &pages {
        let said = rendered(page);
        assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{}", page.display());
    }
    let text = rendered(&folder.join("tokenward.1")).stdout;
    assert!(text.contains("store_busy") && text.contains("NAME"), "{text}");
}
