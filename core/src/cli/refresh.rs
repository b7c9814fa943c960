//! `tokenward refresh`: asks the server for a new token now.

use std::{
    io::{self, Write},
    string::ToString,
};

use serde_json::json;

use super::{
    exit::{Failure, examples},
    got::Got,
    settings::Settings,
    text,
};
use crate::provider::clock::now;

/// Asks the server for a new token, even if the old one works, and stores it.
///
/// Waits that the server asked for are skipped, and a login that is known to be dead is tried once more. The token is
/// not printed: it is named by the first eight characters of its fingerprint.
#[derive(Debug, clap::Args)]
#[command(after_help = examples!("\
  tokenward refresh
  tokenward refresh --profile work --json"))]
pub(super) struct Refresh {
    #[command(flatten)]
    pub(super) settings: Settings,
}

impl Refresh {
    /// Refreshes and says what came of it.
    pub(super) fn run(self) -> Result<(), Failure> {
        let got = Got::refresh(&self.settings)?;
        let (name, end) = (got.token.fingerprint(), got.token.expires_at());
        let store = got.resolved.config.store.clone().unwrap_or_default();
        got.finish()?;
        let mut stdout = io::stdout().lock();
        if self.settings.json {
            let expires_at = end.map(text::rfc3339);
            writeln!(
                stdout,
                "{}",
                json!({"store": store, "access_token": name.to_string(), "expires_at": expires_at})
            )?;
        } else {
            let now = now().wall;
            let end = end.map_or_else(|| "end unknown".into(), |end| std::format!("ends {}", text::moment(end, now)));
            writeln!(stdout, "new access token {name}, {end}")?;
        }
        Ok(())
    }
}
