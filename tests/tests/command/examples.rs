//! Every example of every `--help`, run as it stands in an empty home.

use std::{fs, os::unix::fs::symlink, process::Command};

use serde_json::json;
use tokenward_tests::real::{Scene, binary};

use crate::run::{ACCESS, Said, alone, say, script};

#[test]
fn every_example_runs_in_an_empty_home() {
    let scene = Scene::strict();
    let home = Home::new(&scene);
    let mut examples = home.examples("");
    for command in COMMANDS {
        examples.extend(home.examples(command));
    }
    // What ends a login comes last.
    examples.sort_by_key(|example| example.contains(" logout "));
    assert!(examples.len() >= 30, "{examples:#?}");

    for example in examples.iter().filter(|example| !runs_for_long(example)) {
        // A person imports the login that is alive.
        let alive = scene.read_store()["refresh_token"].as_str().map(String::from);
        let alive = alive.unwrap_or_default();
        fs::write(scene.folder().join("refresh-token.txt"), &alive).unwrap();
        let response = json!({"access_token": ACCESS, "expires_in": 3600, "refresh_token": alive});
        fs::write(scene.folder().join("token-response.json"), response.to_string()).unwrap();

        let said = home.sh(example);

        assert_eq!(said.code, 0, "{example}: {}{}", said.stdout, said.stderr);
        if example.starts_with("curl") {
            assert!(said.stdout.contains("--header Authorization: Bearer a"), "{example}: {}", said.stdout);
        }
        if example.contains("GITLAB_TOKEN") {
            assert!(said.stdout.contains("GITLAB_TOKEN=a"), "{example}: {}", said.stdout);
        }
    }
    let stats = scene.provider.stats();
    assert_eq!((stats.replays, stats.families_revoked), (0, 0));
}

const COMMANDS: [&str; 13] = [
    "import",
    "token",
    "exec",
    "refresh",
    "status",
    "list",
    "doctor",
    "git-credential",
    "docker",
    "keep-alive",
    "completions",
    "man",
    "logout",
];

fn runs_for_long(example: &str) -> bool {
    example.contains(" demo") || example == "tokenward keep-alive --profile work"
}

/// An empty home with the command, two profiles and a refresh token; other programs say what they were given.
struct Home<'a> {
    scene: &'a Scene,
}

impl<'a> Home<'a> {
    fn new(scene: &'a Scene) -> Self {
        let folder = scene.folder();
        fs::create_dir_all(folder.join("bin")).unwrap();
        symlink(binary(), folder.join("bin/tokenward")).unwrap();
        for other in ["curl", "glab", "my-command", "systemctl", "launchctl"] {
            let text = "#!/bin/sh\necho \"$@\"\nenv | grep -e '^ACCESS_TOKEN=' -e '^GITLAB_TOKEN='\nexit 0\n";
            script(&folder.join("bin").join(other), text);
        }
        fs::create_dir_all(folder.join("config/tokenward")).unwrap();
        let (url, client) = (scene.provider.token_url(), scene.provider.client_id());
        let store = scene.store().display().to_string();
        let profile =
            |name| format!("[profiles.{name}]\ntoken_url = \"{url}\"\nclient_id = \"{client}\"\nstore = \"{store}\"\n");
        fs::write(folder.join("config/tokenward/config.toml"), profile("default") + &profile("work")).unwrap();
        Self { scene }
    }

    /// Returns the examples of a command's help, with this provider in the place of the one that is not there.
    fn examples(&self, command: &str) -> Vec<String> {
        let args = if command.is_empty() { vec!["--help"] } else { vec![command, "--help"] };
        let help = say(alone(self.scene.folder(), &args), "").stdout;
        let (_, examples) = help.split_once("Examples:\n").unwrap_or_else(|| panic!("{command}: no examples: {help}"));
        let (url, client) = (self.scene.provider.token_url(), self.scene.provider.client_id());
        // The one login is in the profile's store: a second store beside it would be a second lock on one family.
        let store = format!("--store {}", self.scene.store().display());
        let flags = format!("--token-url {url} --client-id {client}");
        let text = examples.split("\n\n").next().unwrap_or_default().replace("\\\n", " ");
        text.lines()
            .map(|line| {
                let line = line.trim().replace("https://id.example.com/token", url).replace("my-client", client);
                line.replace('…', &flags).replace("--store cred.json", &store)
            })
            .collect()
    }

    fn sh(&self, example: &str) -> Said {
        let folder = self.scene.folder();
        let bare = alone(folder, &[]);
        let mut sh = Command::new("sh");
        for (name, value) in bare.get_envs() {
            match value {
                Some(value) => sh.env(name, value),
                None => sh.env_remove(name),
            };
        }
        let path = format!("{}:{}", folder.join("bin").display(), std::env::var("PATH").unwrap());
        sh.args(["-c", example]).env("PATH", path).current_dir(folder);
        let input = if example.contains("git-credential") { "protocol=https\nhost=git.example.com\n\n" } else { "" };
        say(sh, input)
    }
}
