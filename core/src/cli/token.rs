//! `tokenward token`: prints a token that works.

use std::{
    io::{self, Write},
    time::Duration,
};

use serde_json::json;

use super::{
    exit::Failure,
    interrupt::Interrupts,
    settings::{Settings, parse_seconds},
    text,
};

/// Prints an access token that works, refreshing it if it is due.
///
/// Only the token goes to standard output. With --json: {"access_token":…,"token_type":"Bearer","expires_at":…}.
#[derive(Debug, clap::Args)]
pub(super) struct Token {
    /// Print the header line `Authorization: Bearer …` instead
    #[arg(long)]
    header: bool,
    /// Life in seconds the token should have left
    #[arg(long, default_value = "0", value_name = "SECONDS", value_parser = parse_seconds)]
    min_ttl: Duration,
    #[command(flatten)]
    pub(super) settings: Settings,
}

impl Token {
    /// Gets the token and prints it, then waits for what is still to be saved.
    pub(super) fn run(self) -> Result<(), Failure> {
        let (source, config) = self.settings.open()?;
        let (min_ttl, deadline) = (self.min_ttl, config.deadline);
        let fresh = if min_ttl.is_zero() { source.fresh() } else { None };
        let (token, interrupts) = match fresh {
            Some(token) => (token, None),
            None => {
                let interrupts = Interrupts::note_first()?;
                let token = interrupts.during(&source, move |source| source.get_token_within(min_ttl, deadline))??;
                (token, Some(interrupts))
            }
        };
        let mut stdout = io::stdout().lock();
        // EXPOSE: printing the token is what this command is for.
        let written = if self.settings.json {
            let expires_at = token.expires_at().map(text::rfc3339);
            let answer = json!({"access_token": token.expose(), "token_type": "Bearer", "expires_at": expires_at});
            writeln!(stdout, "{answer}")
        } else if self.header {
            writeln!(stdout, "Authorization: {}", token.authorization().expose())
        } else {
            writeln!(stdout, "{}", token.expose())
        };
        let flushed = written.and_then(|()| stdout.flush());
        source.close();
        interrupts.map_or(Ok(()), |interrupts| interrupts.check())?;
        Ok(flushed?)
    }
}
