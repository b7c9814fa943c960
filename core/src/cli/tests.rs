//! How arguments and variables are read.

use std::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use clap::{CommandFactory, Parser};

use super::{
    Cli, Command,
    exit::Failure,
    profiles::Profiles,
    settings::{self, Environment, Origin, Resolved, Settings},
};
use crate::{Config, SETTINGS, StoreFormat};

#[test]
fn command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn every_setting_but_secrets_and_resident_is_a_flag() {
    let token = Cli::command().find_subcommand("token").unwrap().clone();
    let longs: Vec<_> = token.get_arguments().filter_map(|arg| arg.get_long()).collect();

    for setting in SETTINGS {
        let has_flag = longs.contains(&settings::long(setting.name).as_str());
        assert_eq!(has_flag, !matches!(setting.name, "client_secret" | "resident"), "{}", setting.name);
    }
}

#[test]
fn flag_wins_over_variable_and_variable_over_default() {
    let config = config(&["--timeout", "7", "--trust-lock"], &[("timeout", "8"), ("patience", "9")]).unwrap();

    assert_eq!(config.timeout.as_secs(), 7);
    assert_eq!(config.patience.as_secs(), 9);
    assert_eq!(config.deadline.as_secs(), 40);
    assert!(config.trust_lock && !config.resident);
}

#[test]
fn a_user_name_in_a_url_is_not_repeated() {
    let message = usage(config(&["--token-url", "https://me:hidden-1@id.test/token"], &[]));

    assert!(message.starts_with("command line: token_url = \"(hidden)\""), "{message}");
}

#[test]
fn wrong_value_names_its_place() {
    assert_eq!(
        usage(config(&["--timeout", "soon"], &[("timeout", "8")])),
        "command line: timeout = \"soon\": not a time in seconds, 1 to 600"
    );
    assert_eq!(
        usage(config(&[], &[("timeout", "soon")])),
        "environment: timeout = \"soon\": not a time in seconds, 1 to 600"
    );
    assert_eq!(
        usage(config(&["--token-url", "http://id.test/token"], &[])),
        "command line: token_url = \"http://id.test/token\": not an https URL, or an http one on loopback"
    );
}

#[test]
fn missing_setting_names_flag_and_variable() {
    let settings = Settings::default();

    let file = tempfile::NamedTempFile::new().unwrap();

    let failure = settings.resolve(&environment(Some(&file), None, &[]));

    let message = usage(failure);
    assert!(
        message.starts_with("--")
            && message.contains(" or TOKENWARD_")
            && message.ends_with(" are missing, and no profile has them (see `tokenward --help`)")
    );
}

#[test]
fn profile_gives_way_to_variable_and_flag() {
    let file = written(
        "[profiles.work]\ntoken_url = \"https://id.test/token\"\nclient_id = \"file\"\nstore = \"/f\"\ntimeout = 5\npatience = 6\n\
         [profiles.default]\ntoken_url = \"https://default.test/token\"\nclient_id = \"default\"\nstore = \"/d\"\n",
    );
    let flags = |argv: &[&str]| settings(argv);

    let work = flags(&["--profile", "work", "--timeout", "7"]);
    let resolved = work.resolve(&environment(Some(&file), Some("default"), &[("timeout", "8"), ("patience", "9")]));
    let default = flags(&[]).resolve(&environment(Some(&file), None, &[])).unwrap();

    let Resolved { config, profile, origins, .. } = resolved.unwrap();
    assert_eq!((config.client_id.as_str(), config.store.as_deref()), ("file", Some("/f")));
    assert_eq!((config.timeout.as_secs(), config.patience.as_secs()), (7, 9));
    assert_eq!(profile.as_deref(), Some("work"));
    assert_eq!((&origins["timeout"], &origins["patience"]), (&Origin::CommandLine, &Origin::Environment));
    assert_eq!(origins["client_id"], Origin::File(format!("{}:3", file.path().display())));
    assert_eq!((default.config.client_id.as_str(), default.profile.as_deref()), ("default", Some("default")));
}

#[test]
fn a_store_that_is_named_is_never_shown_to_the_default_profiles_server() {
    let file =
        written("[profiles.default]\ntoken_url = \"https://id.test/token\"\nclient_id = \"x\"\nstore = \"/d\"\n");

    let by_flag = settings(&["--store", "mine.json"]).resolve(&environment(Some(&file), None, &[]));
    let by_variable = settings(&[]).resolve(&environment(Some(&file), None, &[("store", "mine.json")]));

    assert!(
        usage(by_flag).contains("--token-url or TOKENWARD_TOKEN_URL, --client-id or TOKENWARD_CLIENT_ID are missing")
    );
    assert!(usage(by_variable).contains("are missing"));
}

#[test]
fn wrong_profile_is_named_with_its_file_line_and_value() {
    let file = written("[profiles.work]\nclient_id = \"x\"\ntimeout = 0.5\n");
    let place = file.path().display();

    let wrong = settings(&["--profile", "work"]).resolve(&environment(Some(&file), None, &[]));
    let unknown = settings(&["--profile", "home"]).resolve(&environment(Some(&file), None, &[]));
    let absent = settings(&["--config", "/no-such-folder/config.toml"]).resolve(&environment(None, None, &[]));

    assert_eq!(usage(wrong), format!("{place}:3: timeout = \"0.5\": not a time in seconds, 1 to 600"));
    assert_eq!(usage(unknown), "no profile \"home\"; there are: claude-code, panda, codex, work");
    assert_eq!(usage(absent), "/no-such-folder/config.toml: no such file");
}

#[test]
fn every_setting_is_known_in_a_profile() {
    for setting in SETTINGS {
        let value = if setting.name == "profile" { "codex" } else { "?" };
        let file = written(&format!("[profiles.work]\n{} = \"{value}\"\n", setting.name));

        let profiles = Profiles::read(file.path()).unwrap().unwrap();

        assert!(profiles.get("work").unwrap().contains_key(setting.name), "{}", setting.name);
    }
}

#[test]
fn every_help_has_examples_that_are_understood() {
    let mut shown = 0;
    for command in Cli::command().get_subcommands().filter(|command| !command.is_hide_set()) {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(help.starts_with("Examples:\n  tokenward"), "{}: {help}", command.get_name());
        // A terminal of 80 columns would break a longer line in two, and what is copied from it would not run.
        for line in help.lines() {
            assert!(line.len() <= 80, "{}: {line}", command.get_name());
        }
        let whole = help.replace("\\\n", " ");
        for example in whole.lines().filter_map(|line| line.trim().strip_prefix("tokenward ")) {
            let words = example.split_once(" -- ").map_or(example, |(before, _)| before);
            let words = words.split(['<', '>', '|']).next().unwrap_or_default();
            let mut words: Vec<_> = core::iter::once("tokenward").chain(words.split_ascii_whitespace()).collect();
            if example.contains(" -- ") {
                words.extend(["--", "command"]);
            }
            let parsed = Cli::try_parse_from(&words);
            assert!(parsed.is_ok(), "{example}: {}", parsed.unwrap_err());
            shown += 1;
        }
    }
    assert!(shown >= 12, "{shown} examples");
}

#[test]
fn built_in_profile_gives_what_neither_flag_nor_variable_nor_file_says() {
    let file = written(
        "[profiles.claude-code]\npatience = 9\n[profiles.mine]\nprofile = \"claude-code\"\nstore = \"/mine.json\"\n",
    );
    let home = |name: &str| (name == "HOME").then(|| "/home/alice".into());
    let resolve = |flags: &[&str]| {
        let environment = environment(Some(&file), None, &[("client_id", "my-client")]).with_others(home);
        settings(flags).resolve(&environment).unwrap().config
    };

    let config = resolve(&["--profile", "claude-code", "--timeout", "7"]);
    let mine = resolve(&["--profile", "mine"]);

    assert_eq!(config.format, StoreFormat::ClaudeCode);
    assert_eq!(config.store.as_deref(), Some("/home/alice/.claude/.credentials.json"));
    assert_eq!(config.client_id, "my-client");
    assert_eq!(config.token_url, "https://platform.claude.com/v1/oauth/token");
    assert_eq!((config.timeout.as_secs(), config.patience.as_secs()), (7, 9));
    assert_eq!((mine.format, mine.store.as_deref()), (StoreFormat::ClaudeCode, Some("/mine.json")));
}

#[test]
fn profile_that_needs_more_says_what() {
    let bare = |flags: &[&str]| usage(settings(flags).resolve(&environment(Some(&written("")), None, &[])));
    let issuer = ["--profile", "panda", "--issuer", "https://id.test", "--client-id", "c"];

    assert!(bare(&["--profile", "panda"]).starts_with("--issuer or TOKENWARD_ISSUER is missing"));
    assert!(bare(&issuer).starts_with("--store or TOKENWARD_STORE is missing"));
    assert_eq!(bare(&["--profile", "claude"]), "no profile \"claude\"; there are: claude-code, panda, codex");
}

#[test]
fn client_secret_comes_from_the_environment_and_is_never_shown() {
    let config = config(&[], &[("client_secret", "client-secret-1")]).unwrap();

    assert_eq!(config.client_secret.as_ref().unwrap().expose(), "client-secret-1");
    assert!(!std::format!("{config:?}").contains("client-secret-1"));
    assert!(Cli::try_parse_from(["tokenward", "token", "--client-secret", "client-secret-1"]).is_err());
}

#[test]
fn demo_refuses_what_it_cannot_show() {
    for wrong in [["--workers", "1"], ["--ttl", "1"], ["--rotations", "0"]] {
        assert!(Cli::try_parse_from(["tokenward", "demo"].iter().chain(&wrong)).is_err(), "{wrong:?}");
    }
    assert!(Cli::try_parse_from(["tokenward", "demo", "--ttl", "3.5", "--naive"]).is_ok());
}

fn settings(flags: &[&str]) -> Settings {
    let argv = ["tokenward", "token"].iter().chain(flags);
    let Command::Token(token) = Cli::try_parse_from(argv).unwrap().command else { panic!("another command") };
    token.settings
}

fn written(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

fn config(flags: &[&str], environment: &[(&str, &str)]) -> Result<Config, Failure> {
    let required = ["--store", "cred.json", "--client-id", "my-client"];
    let url = ["--token-url", "https://id.test/token"];
    let url = if flags.contains(&"--token-url") { &[][..] } else { &url[..] };
    let argv = ["tokenward", "token"].iter().chain(&required).chain(url).chain(flags);
    let Command::Token(token) = Cli::try_parse_from(argv).unwrap().command else { panic!("another command") };
    let values = environment.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    token.settings.resolve(&Environment { values, ..Environment::default() }).map(|resolved| resolved.config)
}

/// Returns an environment with a configuration file of its own: nobody's real one counts.
fn environment(file: Option<&tempfile::NamedTempFile>, profile: Option<&str>, values: &[(&str, &str)]) -> Environment {
    let named = profile.map(|profile| ("profile", profile));
    let values = values.iter().chain(&named).map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let file = file.map(|file| file.path().to_path_buf());
    Environment { values, file, others: None }
}

fn usage<T>(outcome: Result<T, Failure>) -> String {
    match outcome {
        Err(Failure::Usage(message)) => message,
        Ok(_)
        | Err(
            Failure::Token { .. }
            | Failure::Io(_)
            | Failure::Command { .. }
            | Failure::Interrupted(_)
            | Failure::Told(_),
        ) => {
            panic!("no usage error")
        }
    }
}
