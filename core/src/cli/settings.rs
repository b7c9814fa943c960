//! Flags and variables from the one table of settings.

use std::{
    collections::BTreeMap,
    env, format,
    io::{self, Write},
    path::Path,
    string::{String, ToString},
    sync::OnceLock,
    time::Duration,
    vec::Vec,
};

use clap::{Arg, ArgAction, ArgMatches};

use super::exit::Failure;
use crate::{AccessToken, Config, ConfigError, Kind, Profiled, SETTINGS, Setting, TokenSource};

/// The settings a command was given, and whether it is to answer in JSON.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    flags: BTreeMap<String, String>,
    pub(super) json: bool,
}

impl Settings {
    /// Opens the source these settings describe: a token in the environment, or the store.
    pub(super) fn open(&self) -> Result<(TokenSource, Config), Failure> {
        let (mut config, found) = self.read()?;
        if let Some((variable, token)) = found.token {
            // EXPOSE: handed out as the tool itself would use it.
            let source = TokenSource::fixed(AccessToken::new(token.expose(), None));
            config.store = Some(format!("the variable {variable}"));
            return Ok((source, config));
        }
        Ok((TokenSource::open(config.clone())?, config))
    }

    /// Opens the source on the store.
    pub(super) fn open_store(&self) -> Result<(TokenSource, Config), Failure> {
        let (config, found) = self.read()?;
        if let Some((variable, _)) = found.token {
            warn(&format!("{variable} is set, and is used before the store"));
        }
        Ok((TokenSource::open(config.clone())?, config))
    }

    fn read(&self) -> Result<(Config, Profiled), Failure> {
        // Another tool's variable that is not UTF-8 is as good as none.
        let (mut config, found) = self.config(&environment()?, &|name| env::var(name).ok())?;
        found.warnings.iter().for_each(|warning| warn(warning));
        if let (Some(store), Some(old)) = (&config.store, &found.old_store)
            && !Path::new(store).exists()
            && Path::new(old).exists()
        {
            warn(&format!("the store is still where older versions had it: {old}"));
            config.store = Some(old.clone());
        }
        Ok((config, found))
    }

    /// Returns the configuration: flags over variables over the profile over defaults. `variable` looks up variables of
    /// other tools.
    pub(super) fn config(
        &self,
        environment: &BTreeMap<String, String>,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(Config, Profiled), Failure> {
        let mut given = environment.clone();
        given.extend(self.flags.clone());
        let (mut config, found) =
            Config::from_profile("", &given, variable).map_err(|error| self.failure(error, &given))?;
        if config.store.is_none() {
            return Err(missing("store"));
        }
        // The command ends after its answer.
        config.resident = false;
        Ok((config, found))
    }

    /// Names the place that a wrong value came from, or the ways to give a missing one.
    fn failure(&self, error: ConfigError, values: &BTreeMap<String, String>) -> Failure {
        if !values.contains_key(&error.name) {
            return missing(&error.name);
        }
        let place = if self.flags.contains_key(&error.name) { "command line" } else { "environment" };
        ConfigError { place: place.into(), ..error }.into()
    }
}

fn missing(name: &str) -> Failure {
    let setting = SETTINGS.iter().find(|setting| setting.name == name);
    let variable = setting.map(Setting::env).unwrap_or_default();
    Failure::Usage(format!("--{} or {variable} is missing", name.replace('_', "-")))
}

fn warn(warning: &str) {
    let _ = writeln!(io::stderr().lock(), "warning: {warning}");
}

impl clap::FromArgMatches for Settings {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut settings = Self::default();
        settings.update_from_arg_matches(matches)?;
        Ok(settings)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for flag in flags() {
            if let Some(value) = matches.get_one::<String>(flag.setting.name) {
                self.flags.insert(flag.setting.name.into(), value.clone());
            }
        }
        self.json = matches.get_flag("json");
        Ok(())
    }
}

impl clap::Args for Settings {
    fn augment_args(command: clap::Command) -> clap::Command {
        let json = Arg::new("json").long("json").action(ArgAction::SetTrue).help("Answer in JSON");
        flags().iter().fold(command, |command, flag| command.arg(flag.arg())).arg(json)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

/// Reads a time in seconds, fractions allowed.
pub(super) fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or_else(|| "not a time in seconds".into())
}

/// A setting as a flag.
struct Flag {
    setting: &'static Setting,
    long: String,
    help: String,
}

impl Flag {
    fn arg(&'static self) -> Arg {
        let arg = Arg::new(self.setting.name).long(self.long.as_str()).help(self.help.as_str());
        match self.setting.kind {
            Kind::Switch => arg.value_name("BOOL").num_args(0..=1).default_missing_value("true").require_equals(true),
            Kind::Seconds(..) => arg.value_name("SECONDS"),
            Kind::Url => arg.value_name("URL"),
            Kind::OneOf(_) => arg.value_name("WORD"),
            Kind::Text | Kind::Secret => arg.value_name("TEXT"),
        }
    }
}

/// Returns the flags. A secret has none, because arguments can be seen; `resident` has none, because a command never is.
fn flags() -> &'static [Flag] {
    static FLAGS: OnceLock<Vec<Flag>> = OnceLock::new();
    FLAGS.get_or_init(|| {
        SETTINGS
            .iter()
            .filter(|setting| setting.kind != Kind::Secret && setting.name != "resident")
            .map(|setting| {
                let default = match setting.default {
                    "" => String::new(),
                    text => format!(" [default: {text}]"),
                };
                let words = match setting.kind {
                    Kind::OneOf(words) => format!(" [{}]", words.join(", ")),
                    Kind::Url | Kind::Text | Kind::Secret | Kind::Switch | Kind::Seconds(..) => String::new(),
                };
                let help = format!("{}{words}{default} [env: {}]", capital(setting.doc), setting.env());
                Flag { setting, long: setting.name.replace('_', "-"), help }
            })
            .collect()
    })
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Returns the settings found in the environment.
fn environment() -> Result<BTreeMap<String, String>, Failure> {
    let mut values = BTreeMap::new();
    for setting in SETTINGS {
        match env::var(setting.env()) {
            Ok(value) => values.insert(setting.name.to_string(), value),
            Err(env::VarError::NotPresent) => None,
            Err(env::VarError::NotUnicode(_)) => {
                return Err(Failure::Usage(format!("environment: {} is not UTF-8", setting.env())));
            }
        };
    }
    Ok(values)
}
