//! The `tokenward` command as a function, so that a wheel or an npm package can be the command too.

mod colour;
mod completions;
mod demo;
mod docker;
mod doctor;
mod execute;
mod exit;
mod format;
mod git;
mod got;
mod import;
mod interrupt;
mod keep_alive;
mod list;
mod lock;
mod log;
mod logout;
mod problem;
mod profiles;
mod provide;
mod refresh;
mod settings;
mod status;
#[cfg(test)]
mod tests;
mod text;
mod timer;
mod token;
mod units;

use std::{
    ffi::OsString,
    format,
    string::{String, ToString},
    vec::Vec,
};

use clap::{
    Parser,
    error::{ContextKind, ContextValue, ErrorKind},
};

use exit::Failure;

/// Keeps one OAuth credential usable while many processes share it.
#[derive(Debug, Parser)]
#[command(name = "tokenward", version, after_help = exit::TABLE, after_long_help = exit::MANUAL)]
struct Cli {
    #[command(flatten)]
    log: log::Log,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Import(import::Import),
    Token(token::Token),
    Exec(execute::Exec),
    Refresh(refresh::Refresh),
    Status(status::Status),
    List(list::List),
    Doctor(doctor::Doctor),
    Logout(logout::Logout),
    GitCredential(git::GitCredential),
    Docker(docker::Docker),
    KeepAlive(keep_alive::KeepAlive),
    Demo(demo::Demo),
    Completions(completions::Completions),
    Man(completions::Man),
    #[command(hide = true)]
    Provider(provide::Provide),
    #[command(hide = true)]
    DemoWorker(demo::Worker),
}

/// Runs the command and returns its exit code.
///
/// `argv0` is what this process was started as; `tokenward demo` starts its other processes the same way. Results go to
/// standard output, errors to standard error, secrets nowhere but to the standard output of `tokenward token` and the
/// helpers, and into the environment of what `tokenward exec` runs. On Unix `exec` does not return.
///
/// ```
/// assert_eq!(tokenward::cli::run("tokenward", ["--version".into()]), 0);
/// assert_eq!(tokenward::cli::run("tokenward", ["no-such-command".into()]), 2);
/// ```
pub fn run(argv0: &str, args: impl IntoIterator<Item = OsString>) -> i32 {
    interrupt::Interrupts::forget();
    let argv: Vec<OsString> = core::iter::once(OsString::from(argv0)).chain(args).collect();
    let json = argv.iter().take_while(|arg| *arg != "--").any(|arg| arg == "--json");
    let cli = match Cli::try_parse_from(argv) {
        Ok(cli) => cli,
        Err(mut error) => {
            hide_stray_text(&mut error);
            if json && error.use_stderr() {
                return Failure::Usage(usage(&error)).tell(true);
            }
            // A closed pipe behind `--help` is no failure.
            let _ = error.print();
            return error.exit_code();
        }
    };
    if let Err(failure) = cli.log.start() {
        return failure.tell(json);
    }
    let (json, outcome) = match cli.command {
        Command::Import(import) => (import.settings.json, import.run()),
        Command::Token(token) => (token.settings.json, token.run()),
        Command::Exec(exec) => (exec.settings.json, exec.run()),
        Command::Refresh(refresh) => (refresh.settings.json, refresh.run()),
        Command::Status(status) => (status.settings.json, status.run()),
        Command::List(list) => (list.settings.json, list.run()),
        Command::Doctor(doctor) => (doctor.settings.json, doctor.run()),
        Command::Logout(logout) => (logout.settings.json, logout.run()),
        Command::GitCredential(git) => (git.settings.json, git.run()),
        Command::Docker(docker) => (docker.settings.json, docker.run()),
        Command::KeepAlive(keep) => (keep.settings.json, keep.run()),
        Command::Completions(completions) => (false, completions.run()),
        Command::Man(man) => (false, man.run()),
        Command::Demo(demo) => (demo.json, demo.run(argv0)),
        Command::Provider(provide) => (false, provide.run().map_err(Failure::from)),
        Command::DemoWorker(worker) => (false, worker.run()),
    };
    match outcome {
        Ok(()) => 0,
        Err(failure) => failure.tell(json),
    }
}

/// Returns what is wrong with the arguments in one line, without the summary of all flags that follows.
fn usage(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let Some(said) = text.strip_prefix("error: ") else { return "a command is missing: see `tokenward --help`".into() };
    let lines = said.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:"));
    let lines: Vec<_> = lines.filter(|line| !line.is_empty() && !line.starts_with("For more information")).collect();
    lines.join(" ")
}

/// Hides an argument that is no flag: `tokenward import TOKEN` is the obvious mistake, and errors end up in logs.
fn hide_stray_text(error: &mut clap::Error) {
    let stray = |value: &ContextValue| matches!(value, ContextValue::String(text) if !text.starts_with('-'));
    if error.kind() == ErrorKind::UnknownArgument && error.get(ContextKind::InvalidArg).is_some_and(stray) {
        error.insert(ContextKind::InvalidArg, ContextValue::String("(hidden)".into()));
        let tip = "a token is read from standard input, and the command of `exec` stands behind `--`";
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(Vec::from([tip.into()])));
    }
}

/// Returns a text of more than one line for a terminal or a file: what `{:#}` is to JSON.
fn lines(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    rows.iter().map(|(name, value)| format!("{name:width$}  {value}\n")).collect()
}
