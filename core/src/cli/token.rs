//! `tokenward token`: prints a token that works.

use std::{
    env, format,
    io::{self, Write},
    time::Duration,
};

use super::{
    exit::{Failure, examples},
    format::{self, Format},
    got::Got,
    settings::{Settings, parse_seconds},
};

/// Prints an access token that works, refreshing it if it is due.
///
/// Only the token goes to standard output. While the token works nobody waits for the server: it is printed first, and
/// the refresh that its last minute brings about follows.
#[derive(Debug, clap::Args)]
#[command(after_help = examples!("\
  tokenward token
  curl --header \"$(tokenward token --header)\" https://api.example.com/
  tokenward token --profile work --min-ttl 300
  tokenward token --format kubectl-exec"))]
pub(super) struct Token {
    /// Print the header line `Authorization: Bearer …`: the same as --format header
    #[arg(long, conflicts_with_all = ["print", "json"])]
    header: bool,
    /// What is printed
    #[arg(id = "print", long = "format", value_name = "FORMAT", value_enum, default_value = "text")]
    format: Format,
    /// Life in seconds the token should have left
    #[arg(long, default_value = "0", value_name = "SECONDS", value_parser = parse_seconds)]
    min_ttl: Duration,
    #[command(flatten)]
    pub(super) settings: Settings,
}

impl Token {
    /// Gets the token and prints it, then waits for what is still to be saved.
    pub(super) fn run(self) -> Result<(), Failure> {
        let json = self.settings.json && self.format == Format::Text;
        let format = if self.header { Format::Header } else { self.format };
        let format = if json { Format::Json } else { format };
        let kubernetes = env::var("KUBERNETES_EXEC_INFO").ok();
        let got = Got::token(&self.settings, self.min_ttl)?;
        let text = format::show(format, &got.token, kubernetes.as_deref());
        let printed = text.and_then(|text| {
            let mut stdout = io::stdout().lock();
            // EXPOSE: printing the token is what this command is for.
            writeln!(stdout, "{}", text.expose())?;
            Ok(stdout.flush()?)
        });
        got.finish()?;
        printed
    }
}
