//! What happens, told on standard error: one line per event, for a person with an incident.

use std::{
    env, format,
    io::{self, Write},
    string::{String, ToString},
    sync::OnceLock,
};

use anstyle::{AnsiColor, Style};
use clap::ArgAction;
use log::{LevelFilter, Metadata, Record};

use super::{colour::Paint, exit::Failure, text};
use crate::{Level, provider::clock::now};

/// How much is told.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Log {
    /// Tell on standard error what happens to the credential; -vv tells every step
    /// [env: TOKENWARD_LOG=error|warn|info|debug]
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
}

const VARIABLE: &str = "TOKENWARD_LOG";

impl Log {
    /// Begins to tell, if anybody asked for it. In a process that logs already its own log tells it.
    pub(super) fn start(&self) -> Result<(), Failure> {
        let variable = match env::var(VARIABLE) {
            Ok(text) => Some(text),
            Err(env::VarError::NotPresent) => None,
            Err(env::VarError::NotUnicode(_)) => return Err(usage("is not UTF-8")),
        };
        if let Some(level) = self.level(variable.as_deref())? {
            static OURS: OnceLock<bool> = OnceLock::new();
            if *OURS.get_or_init(|| log::set_logger(&STDERR).is_ok()) {
                log::set_max_level(filter(level));
            }
        }
        Ok(())
    }

    /// Returns the level: the flag wins, but does not hide a variable that is wrong.
    fn level(&self, variable: Option<&str>) -> Result<Option<Level>, Failure> {
        let variable = match variable.filter(|text| !text.is_empty()) {
            Some(text) => {
                let words = Level::ALL.map(Level::as_str).join(", ");
                Some(Level::parse(text).ok_or_else(|| usage(&format!("= {text:?}: not one of {words}")))?)
            }
            None => None,
        };
        Ok(match self.verbose {
            0 => variable,
            1 => Some(Level::Info),
            _ => Some(Level::Debug),
        })
    }
}

fn usage(what: &str) -> Failure {
    Failure::Usage(format!("environment: {VARIABLE} {what}"))
}

const fn filter(level: Level) -> LevelFilter {
    match level {
        Level::Error => LevelFilter::Error,
        Level::Warn => LevelFilter::Warn,
        Level::Info => LevelFilter::Info,
        Level::Debug => LevelFilter::Debug,
    }
}

static STDERR: Stderr = Stderr;

/// Writes our own lines and nobody else's: what libraries below us say was not written with secrets in mind.
struct Stderr;

impl log::Log for Stderr {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "tokenward"
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let mut stderr = io::stderr().lock();
            let colours = Paint::on(&stderr).is_on();
            // In one piece: other processes write there too. Nobody is left to be told that nobody reads it.
            let _ = stderr.write_all(line(record, &text::rfc3339(now().wall), colours).as_bytes());
        }
    }

    fn flush(&self) {}
}

fn line(record: &Record<'_>, time: &str, colours: bool) -> String {
    let style = if colours { style(record.level()) } else { Style::new() };
    let level = record.level().to_string();
    format!("{time} {style}{level:5}{style:#} {}\n", record.args())
}

const fn style(level: log::Level) -> Style {
    match level {
        log::Level::Error => AnsiColor::Red.on_default().bold(),
        log::Level::Warn => AnsiColor::Yellow.on_default(),
        log::Level::Info => AnsiColor::Green.on_default(),
        log::Level::Debug | log::Level::Trace => AnsiColor::BrightBlack.on_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flag_wins_over_the_variable() {
        let level = |verbose, variable| Log { verbose }.level(variable).unwrap();

        assert_eq!(level(0, None), None);
        assert_eq!(level(0, Some("")), None);
        assert_eq!(level(0, Some("error")), Some(Level::Error));
        assert_eq!(level(1, Some("debug")), Some(Level::Info));
        assert_eq!(level(2, None), Some(Level::Debug));
        assert_eq!(level(7, None), Some(Level::Debug));
    }

    #[test]
    fn wrong_variable_is_told_even_beside_the_flag() {
        for verbose in [0, 2] {
            let failure = Log { verbose }.level(Some("loud")).unwrap_err();

            let Failure::Usage(message) = failure else { panic!("another failure: {failure:?}") };
            assert_eq!(message, "environment: TOKENWARD_LOG = \"loud\": not one of error, warn, info, debug");
        }
    }

    #[test]
    fn line_has_a_time_and_a_level_and_colours_only_where_they_are_seen() {
        let args = format_args!("saved refresh_token=154f43e8");
        let record = Record::builder().level(log::Level::Info).args(args).build();
        let told = |colours| line(&record, "2027-01-15T08:50:00Z", colours);

        assert_eq!(told(false), "2027-01-15T08:50:00Z INFO  saved refresh_token=154f43e8\n");
        assert_eq!(told(true), "2027-01-15T08:50:00Z \u{1b}[32mINFO \u{1b}[0m saved refresh_token=154f43e8\n");
    }

    #[test]
    fn what_libraries_say_is_not_told() {
        let target = |target| log::Log::enabled(&STDERR, &Metadata::builder().target(target).build());

        assert!(target("tokenward"));
        assert!(!target("ureq_proto::client") && !target("tokenward::other"));
    }
}
