//! `tokenward logout`: removes the login from this machine.

use std::io::{self, Write};

use serde_json::json;

use super::{
    exit::{Failure, examples},
    interrupt::Interrupts,
    settings::Settings,
};
use crate::TokenError;

/// Removes the login from the store. The server is not told.
///
/// What is in the store and not ours stays. The refresh token goes on living at the server until it is revoked there
/// or ends by itself: revoke it on the provider's page for connected applications.
#[derive(Debug, clap::Args)]
#[command(after_help = examples!("\
  tokenward logout --local
  tokenward logout --local --profile work --json"))]
pub(super) struct Logout {
    /// Remove the login from this machine and leave it alive at the server
    #[arg(long)]
    local: bool,
    #[command(flatten)]
    pub(super) settings: Settings,
}

impl Logout {
    /// Removes the login, if it was asked for by its full name.
    pub(super) fn run(self) -> Result<(), Failure> {
        if !self.local {
            return Err(Failure::Usage(
                "tokenward cannot revoke a login at the server yet: revoke it on the provider's page for connected \
                 applications, then remove it here with `tokenward logout --local`"
                    .into(),
            ));
        }
        let (source, resolved) = self.settings.open_store()?;
        let interrupts = Interrupts::note_first()?;
        let cleared = interrupts.during(&source, |source| {
            source.look()?;
            let found = source.status()?.fault != Some(TokenError::SignedOut);
            source.clear().map(|()| found)
        })?;
        source.close();
        let store = resolved.config.store.unwrap_or_default();
        let removed = cleared.map_err(|error| Failure::from(error).at(Some(&store)))?;
        interrupts.check()?;
        let mut stdout = io::stdout().lock();
        if self.settings.json {
            writeln!(stdout, "{}", json!({"store": store, "removed": removed, "revoked": false}))?;
        } else if !removed {
            writeln!(stdout, "there was no login in {store}")?;
        } else {
            writeln!(stdout, "removed the login from {store}; at the server it lives on until it is revoked there")?;
        }
        Ok(())
    }
}
