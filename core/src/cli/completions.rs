//! `tokenward completions` and `tokenward man`: what the command says of itself to shells and to man.

use std::{
    io::{self, Write},
    path::PathBuf,
    vec::Vec,
};

use clap::CommandFactory;

use super::{
    Cli,
    exit::{Failure, examples},
};

/// Prints a completion script for a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = examples!("\
  tokenward completions bash >> ~/.bash_completion
  mkdir -p ~/.zfunc && tokenward completions zsh > ~/.zfunc/_tokenward
  mkdir -p ~/.config/fish/completions && cd ~/.config/fish/completions && \\
      tokenward completions fish > tokenward.fish"))]
pub(super) struct Completions {
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

impl Completions {
    /// Prints the script.
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "tokenward", &mut script);
        Ok(io::stdout().lock().write_all(&script)?)
    }
}

/// Prints the manual page, or writes one page for each command.
#[derive(Debug, clap::Args)]
#[command(after_help = examples!("\
  tokenward man > tokenward.1
  tokenward man --folder ~/.local/share/man/man1"))]
pub(super) struct Man {
    /// Folder that gets a page for each command
    #[arg(long)]
    folder: Option<PathBuf>,
}

impl Man {
    /// Prints or writes.
    pub(super) fn run(self) -> Result<(), Failure> {
        match self.folder {
            Some(folder) => {
                std::fs::create_dir_all(&folder)?;
                Ok(clap_mangen::generate_to(Cli::command(), folder)?)
            }
            None => {
                let mut page = Vec::new();
                clap_mangen::Man::new(Cli::command()).render(&mut page)?;
                Ok(io::stdout().lock().write_all(&page)?)
            }
        }
    }
}
