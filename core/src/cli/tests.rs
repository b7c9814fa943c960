//! How arguments and variables are read.

use std::{collections::BTreeMap, string::String, vec::Vec};

use clap::{CommandFactory, Parser};

use super::{Cli, Command, exit::Failure, settings::Settings};
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
        let has_flag = longs.contains(&setting.name.replace('_', "-").as_str());
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

    let failure = settings.config(&BTreeMap::new(), &|_| None).map(|(config, _)| config);

    let message = usage(failure);
    assert!(message.starts_with("--") && message.contains(" or TOKENWARD_") && message.ends_with(" is missing"));
}

#[test]
fn profile_gives_what_neither_flag_nor_variable_says() {
    let argv = ["tokenward", "token", "--profile", "claude-code", "--timeout", "7"];
    let Command::Token(token) = Cli::try_parse_from(argv).unwrap().command else { panic!("another command") };
    let environment = [("client_id".into(), "my-client".into())].into_iter().collect();
    let home = |name: &str| (name == "HOME").then(|| "/home/alice".into());

    let (config, _) = token.settings.config(&environment, &home).unwrap();

    assert_eq!(config.format, StoreFormat::ClaudeCode);
    assert_eq!(config.store.as_deref(), Some("/home/alice/.claude/.credentials.json"));
    assert_eq!(config.client_id, "my-client");
    assert_eq!(config.token_url, "https://platform.claude.com/v1/oauth/token");
    assert_eq!(config.timeout.as_secs(), 7);
}

#[test]
fn unknown_profile_is_an_error_that_names_the_known_ones() {
    assert_eq!(
        usage(config(&["--profile", "claude"], &[])),
        "command line: profile = \"claude\": not one of claude-code, panda, codex"
    );
    assert_eq!(
        usage(config(&[], &[("profile", "claude")])),
        "environment: profile = \"claude\": not one of claude-code, panda, codex"
    );
}

#[test]
fn profile_that_needs_more_says_what() {
    assert_eq!(usage(bare(&["--profile", "panda"])), "--issuer or TOKENWARD_ISSUER is missing");
    let issuer = ["--profile", "panda", "--issuer", "https://id.test", "--client-id", "c"];
    assert_eq!(usage(bare(&issuer)), "--store or TOKENWARD_STORE is missing");
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

fn config(flags: &[&str], environment: &[(&str, &str)]) -> Result<Config, Failure> {
    let required = ["--store", "cred.json", "--client-id", "my-client"];
    let url = ["--token-url", "https://id.test/token"];
    let url = if flags.contains(&"--token-url") { &[][..] } else { &url[..] };
    let argv = ["tokenward", "token"].iter().chain(&required).chain(url).chain(flags);
    let Command::Token(token) = Cli::try_parse_from(argv).unwrap().command else { panic!("another command") };
    let environment: BTreeMap<String, String> =
        environment.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    token.settings.config(&environment, &|_| None).map(|(config, _)| config)
}

/// Reads flags without a home, a store or anything else.
fn bare(flags: &[&str]) -> Result<Config, Failure> {
    let argv = ["tokenward", "token"].iter().chain(flags);
    let Command::Token(token) = Cli::try_parse_from(argv).unwrap().command else { panic!("another command") };
    token.settings.config(&BTreeMap::new(), &|_| None).map(|(config, _)| config)
}

fn usage(outcome: Result<Config, Failure>) -> String {
    match outcome {
        Err(Failure::Usage(message)) => message,
        Ok(_) | Err(Failure::Token(_) | Failure::Io(_) | Failure::Interrupted(_) | Failure::Told(_)) => {
            panic!("no usage error")
        }
    }
}
