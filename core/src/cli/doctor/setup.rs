//! Settings and network: what is wrong before a file is looked at.

use std::{
    env, format, fs,
    os::unix::fs::MetadataExt,
    path::Path,
    string::{String, ToString},
    vec::Vec,
};

use super::Findings;
use crate::{
    SETTINGS, Setting,
    cli::{
        exit::Failure,
        profiles::Profiles,
        settings::{Environment, Origin, Resolved, Settings},
    },
    native::ca_file_trouble,
};

/// Judges flags, variables, the configuration file and each of its profiles.
pub(super) fn settings(
    settings: &Settings,
    environment: &Result<Environment, Failure>,
    resolved: Option<&Result<Resolved, Failure>>,
    findings: &mut Findings,
) {
    const CORRECT: &str = "correct it where the message says; `tokenward token --help` lists all settings";
    let environment = match environment {
        Ok(environment) => environment,
        Err(failure) => return findings.wrong("settings", failure.message(), CORRECT),
    };
    if let Some(Err(failure)) = resolved {
        findings.wrong("settings", failure.message(), CORRECT);
    }
    for name in unknown_variables(env::vars_os().filter_map(|(name, _)| name.into_string().ok())) {
        findings.wrong("unknown_variable", format!("{name} is no setting"), "correct its name or remove it");
    }
    // What is wrong with the file itself was said above.
    let Ok(Some(file)) = settings.profiles(environment) else { return };
    secrets_in(&file, findings);
    let used = resolved.and_then(|resolved| resolved.as_ref().ok()).and_then(|resolved| resolved.profile.clone());
    for name in file.names().filter(|name| used.as_deref() != Some(*name)) {
        if let Err(failure) = settings.with_profile(name).resolve(&Environment::default().with_file(&file.path)) {
            findings.wrong("profile", format!("profile {name}: {}", failure.message()), CORRECT);
        }
    }
    let Some(Ok(Resolved { profile: Some(profile), origins, .. })) = resolved else { return };
    let overridden = file.get(profile).filter(|profile| profile.contains_key("store"));
    if overridden.is_some() && origins.get("store") == Some(&Origin::Environment) {
        let message = format!("TOKENWARD_STORE stands in for the store of profile {profile}");
        findings.note("override", message, "unset TOKENWARD_STORE if that is not meant");
    }
}

/// Judges the file of certificates and the proxy variables.
pub(super) fn network(resolved: Option<&Resolved>, findings: &mut Findings) {
    if let Some(ca_file) = resolved.and_then(|resolved| resolved.config.ca_file.as_deref())
        && let Some(trouble) = ca_file_trouble(ca_file)
    {
        findings.wrong("ca_file", trouble, "name a readable file of PEM certificates in ca_file, or leave it out");
    }
    for name in PROXIES {
        let Some(value) = env::var_os(name).filter(|value| !value.is_empty()) else { continue };
        // Its value may hold a password: the name is enough.
        match value.to_str().map(ureq::Proxy::new) {
            Some(Ok(_)) => findings.note(
                "proxy",
                format!("{name} sends requests through a proxy"),
                "add the token endpoint to NO_PROXY if that is not meant; loopback is never asked through one",
            ),
            Some(Err(_)) | None => {
                findings.wrong("proxy", format!("{name} is no proxy's URL"), "write http://host:port, or unset it");
            }
        }
    }
}

const PROXIES: [&str; 6] = ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];

/// Returns the variables that look like settings and are none.
fn unknown_variables(names: impl Iterator<Item = String>) -> Vec<String> {
    const OTHERS: [&str; 4] = ["TOKENWARD_CONFIG", "TOKENWARD_PROFILE", "TOKENWARD_LOG", "TOKENWARD_BIN"];
    let known = |name: &str| SETTINGS.iter().map(Setting::env).any(|known| known == name) || OTHERS.contains(&name);
    let mut unknown: Vec<_> = names.filter(|name| name.starts_with("TOKENWARD_") && !known(name)).collect();
    unknown.sort();
    unknown
}

fn secrets_in(file: &Profiles, findings: &mut Findings) {
    let has_secret = file.names().any(|name| file.get(name).is_some_and(|table| table.contains_key("client_secret")));
    let mode = fs::metadata(&file.path).map_or(0, |found| found.mode() & 0o777);
    if has_secret && mode & 0o077 != 0 {
        let path = shown(&file.path);
        let message = format!("{path} holds a client secret and is open to others (mode {mode:04o})");
        findings.wrong("settings_mode", message, format!("chmod 600 {path}"));
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelled_variables_are_found_and_the_others_left_alone() {
        let names = ["TOKENWARD_TOKENURL", "TOKENWARD_TOKEN_URL", "TOKENWARD_CONFIG", "HOME", "TOKENWARD_"];

        let unknown = unknown_variables(names.into_iter().map(String::from));

        assert_eq!(unknown, ["TOKENWARD_", "TOKENWARD_TOKENURL"]);
    }
}
