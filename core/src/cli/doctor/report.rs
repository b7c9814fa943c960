//! A text for a bug report: whatever helps, and nothing secret.

use std::{
    env, format,
    string::{String, ToString},
    vec::Vec,
};

use super::Findings;
use crate::{
    Kind, SETTINGS,
    cli::{
        colour::Paint,
        exit::Failure,
        settings::{Resolved, Settings},
        status::Shown,
    },
};

/// Returns the report.
pub(super) fn text(settings: &Settings, resolved: Option<&Result<Resolved, Failure>>, findings: &Findings) -> String {
    let mut text = format!("tokenward {} on {} {}\n", env!("CARGO_PKG_VERSION"), env::consts::OS, env::consts::ARCH);
    text.push_str("\nSettings\n");
    match resolved {
        Some(Ok(resolved)) => text.push_str(&values(resolved)),
        Some(Err(failure)) => text.push_str(&format!("  {}\n", failure.message())),
        None => text.push_str("  the environment cannot be read\n"),
    }
    text.push_str("\nState (tokens by the first eight characters of their fingerprints)\n");
    if let Ok(mut shown) = Shown::read(settings) {
        // Who signed in is nobody's business.
        shown.status.account = shown.status.account.map(|_| crate::Account::new("(hidden)"));
        let state = serde_json::to_string_pretty(&shown.json()).unwrap_or_default();
        text.extend(state.lines().map(|line| format!("  {line}\n")));
    }
    text.push_str("\nFindings\n");
    text.extend(findings.text(Paint::plain()).lines().map(|line| format!("  {line}\n")));
    without_home(&text)
}

/// Returns the settings that somebody made, and where.
fn values(resolved: &Resolved) -> String {
    let Resolved { config, profile, origins, .. } = resolved;
    let mut rows: Vec<(&str, String)> = Vec::from([("profile", profile.clone().unwrap_or_else(|| "none".into()))]);
    for setting in SETTINGS.iter().filter(|setting| setting.name != "profile") {
        let Some(origin) = origins.get(setting.name) else { continue };
        let value = match (setting.name, setting.kind) {
            ("store", _) => config.store.clone().unwrap_or_default(),
            ("ca_file", _) => config.ca_file.clone().unwrap_or_default(),
            // A path or a query may name a tenant, or worse.
            (_, Kind::Url) => host(&config.token_url),
            (_, Kind::Secret | Kind::Text | Kind::Switch | Kind::Seconds(..) | Kind::OneOf(_)) => "set".into(),
        };
        rows.push((setting.name, format!("{value}  ({origin})")));
    }
    rows.iter().map(|(name, value)| format!("  {name}: {value}\n")).collect()
}

/// Returns scheme and host of a URL.
fn host(url: &str) -> String {
    let end = url.find("://").map(|at| at.saturating_add(3)).unwrap_or_default();
    let rest = url.get(end..).unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    format!("{}{host}/…", url.get(..end).unwrap_or_default())
}

fn without_home(text: &str) -> String {
    let home = env::home_dir().map(|home| home.display().to_string()).filter(|home| home.len() > 1);
    home.map_or_else(|| text.to_string(), |home| text.replace(&home, "~"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_url_only_scheme_and_host_are_told() {
        assert_eq!(host("https://id.test/tenant-1/token?key=secret-1"), "https://id.test/…");
        assert_eq!(host("https://id.test:8443?key=secret-1"), "https://id.test:8443/…");
    }
}
