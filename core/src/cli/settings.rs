//! Flags and variables from the one table of settings.

use std::{
    collections::BTreeMap,
    env, format,
    io::{self, Write},
    path::{Path, PathBuf},
    string::{String, ToString},
    sync::OnceLock,
    time::Duration,
    vec::Vec,
};

use clap::{Arg, ArgAction, ArgMatches};

use super::{
    exit::Failure,
    profiles::{self, Profiles},
};
use crate::{
    AccessToken, Config, ConfigError, Kind, Profile, Profiled, SETTINGS, Secret, Setting, TokenSource, native::io_words,
};

/// The settings a command was given, and whether it is to answer in JSON.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    flags: BTreeMap<String, String>,
    /// The configuration file, if one is named.
    file: Option<PathBuf>,
    pub(super) json: bool,
}

/// What a command is to work with, and where each value comes from.
#[derive(Clone, Debug)]
pub(super) struct Resolved {
    pub(super) config: Config,
    pub(super) profile: Option<String>,
    pub(super) origins: BTreeMap<String, Origin>,
    /// Where an older version of the tool kept its store.
    old_store: Option<String>,
    /// A token that the tool uses before its store, and its variable.
    token: Option<(&'static str, Secret)>,
    /// What is odd about the tool's variables.
    pub(super) warnings: Vec<String>,
}

/// Where a value comes from. Later ones win.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    BuiltIn,
    File(String),
    Environment,
    CommandLine,
}

/// The environment as far as settings are concerned.
#[derive(Clone, Debug, Default)]
pub(super) struct Environment {
    pub(super) values: BTreeMap<String, String>,
    pub(super) file: Option<PathBuf>,
    /// Variables of other tools; none are looked up without.
    pub(super) others: Option<fn(&str) -> Option<String>>,
}

impl Settings {
    /// Opens the source these settings describe: a token in the environment, or the store.
    pub(super) fn open(&self) -> Result<(TokenSource, Resolved), Failure> {
        let mut resolved = self.read()?;
        if let Some((variable, token)) = resolved.token.take() {
            // EXPOSE: handed out as the tool itself would use it.
            let source = TokenSource::fixed(AccessToken::new(token.expose(), None));
            resolved.config.store = Some(format!("the variable {variable}"));
            return Ok((source, resolved));
        }
        Ok((resolved.source()?, resolved))
    }

    /// Opens the source on the store.
    pub(super) fn open_store(&self) -> Result<(TokenSource, Resolved), Failure> {
        let resolved = self.read()?;
        if let Some((variable, _)) = &resolved.token {
            warn(&format!("{variable} is set, and is used before the store"));
        }
        Ok((resolved.source()?, resolved))
    }

    fn read(&self) -> Result<Resolved, Failure> {
        let mut resolved = self.resolve(&Environment::read()?)?;
        resolved.warnings.iter().for_each(|warning| warn(warning));
        if let (Some(store), Some(old)) = (&resolved.config.store, &resolved.old_store)
            && !Path::new(store).exists()
            && Path::new(old).exists()
        {
            warn(&format!("the store is still where older versions had it: {old}"));
            resolved.config.store = Some(old.clone());
        }
        Ok(resolved)
    }

    /// Returns the configuration: flags over variables over the profile in the file over the built-in one over defaults.
    pub(super) fn resolve(&self, environment: &Environment) -> Result<Resolved, Failure> {
        let (profile, entries) = self.profile(environment)?;
        let mut values = BTreeMap::new();
        let mut origins = BTreeMap::new();
        let mut add = |name: &String, value: &String, origin: Origin| {
            values.insert(name.clone(), value.clone());
            origins.insert(name.clone(), origin);
        };
        for (name, (value, place)) in &entries {
            add(name, value, Origin::File(place.clone()));
        }
        environment.values.iter().for_each(|(name, value)| add(name, value, Origin::Environment));
        self.flags.iter().for_each(|(name, value)| add(name, value, Origin::CommandLine));
        // A table of the file says by `profile` which built-in one it begins with; else it has that one's name.
        let named = entries.get("profile").map(|(name, _)| name.as_str()).or(profile.as_deref());
        let built_in = named.and_then(Profile::find);
        let found = match built_in {
            Some(built_in) => built_in.look_up("", &values, &|name| environment.other(name)),
            None => Ok(Profiled::default()),
        };
        let failure = |error: ConfigError, origins: &BTreeMap<String, Origin>| match origins.get(&error.name) {
            None => missing(&[&error.name]),
            Some(origin) => ConfigError { place: origin.to_string(), ..error }.into(),
        };
        let found = found.map_err(|error| failure(error, &origins))?;
        for (name, value) in &found.settings {
            if !values.contains_key(name) {
                values.insert(name.clone(), value.clone());
                origins.insert(name.clone(), Origin::BuiltIn);
            }
        }
        let mut config = Config::from_map("", &values).map_err(|error| {
            // Whatever is missing is told at once, and after what is wrong.
            let absent: Vec<_> = REQUIRED.into_iter().filter(|name| !values.contains_key(*name)).collect();
            if absent.contains(&error.name.as_str()) { missing(&absent) } else { failure(error, &origins) }
        })?;
        if config.store.is_none() {
            return Err(missing(&["store"]));
        }
        // The command ends after its answer.
        config.resident = false;
        let Profiled { old_store, token, warnings, .. } = found;
        Ok(Resolved { config, profile, origins, old_store, token, warnings })
    }

    /// Returns the profile's name by itself, whatever else is known of it.
    pub(super) fn profile_name(&self, environment: &Environment) -> String {
        let named = self.flags.get(PROFILE).or_else(|| environment.values.get(PROFILE)).cloned();
        named.unwrap_or_else(|| profiles::DEFAULT.into())
    }

    /// Returns these settings for another profile.
    pub(super) fn with_profile(&self, name: &str) -> Self {
        let mut settings = self.clone();
        settings.flags.insert(PROFILE.into(), name.into());
        settings
    }

    /// Returns the configuration file's path, and whether somebody named it.
    pub(super) fn file(&self, environment: &Environment) -> Option<(PathBuf, bool)> {
        let named = self.file.clone().or_else(|| environment.file.clone());
        named.map(|path| (path, true)).or_else(|| Some((profiles::usual_path()?, false)))
    }

    /// Reads the configuration file; `None` if there is none and nobody named one.
    pub(super) fn profiles(&self, environment: &Environment) -> Result<Option<Profiles>, Failure> {
        let Some((path, is_named)) = self.file(environment) else { return Ok(None) };
        match Profiles::read(&path)? {
            None if is_named => Err(Failure::Usage(format!("{}: no such file", path.display()))),
            found => Ok(found),
        }
    }

    /// Returns the profile's name and its values with their places.
    fn profile(&self, environment: &Environment) -> Result<(Option<String>, Placed), Failure> {
        let named = self.flags.get(PROFILE).or_else(|| environment.values.get(PROFILE)).cloned();
        let has_store = self.flags.contains_key("store") || environment.values.contains_key("store");
        if named.is_none() && has_store && self.file.is_none() && environment.file.is_none() {
            // Whoever names a store and no profile does not mean the default one: its server must not see this store's
            // refresh token.
            return Ok((None, Placed::new()));
        }
        let file = self.profiles(environment)?;
        let name = named.clone().unwrap_or_else(|| profiles::DEFAULT.into());
        let profile = file.as_ref().and_then(|file| Some((file, file.get(&name)?)));
        match (profile, named) {
            (Some((file, profile)), named) if named.is_some() || !has_store => {
                let place = |line| format!("{}:{line}", file.path.display());
                let placed =
                    profile.iter().map(|(name, entry)| (name.clone(), (entry.value.clone(), place(entry.line))));
                Ok((Some(name), placed.collect()))
            }
            (Some(_) | None, None) => Ok((None, Placed::new())),
            (Some(_) | None, Some(name)) if Profile::find(&name).is_some() => Ok((Some(name), Placed::new())),
            (Some(_) | None, Some(name)) => {
                let built_in = Profile::ALL.iter().map(|profile| profile.name);
                let known = profiles::listed(built_in.chain(file.iter().flat_map(Profiles::names)));
                Err(Failure::Usage(format!("no profile {name:?}; there are: {known}")))
            }
        }
    }
}

/// Values of a profile, each with its place.
type Placed = BTreeMap<String, (String, String)>;

/// What a source cannot be opened without.
const REQUIRED: [&str; 3] = ["store", "token_url", "client_id"];

fn missing(names: &[&str]) -> Failure {
    let variable = |name: &str| SETTINGS.iter().find(|setting| setting.name == name).map(Setting::env);
    let told = names.iter().map(|name| format!("--{} or {}", long(name), variable(name).unwrap_or_default()));
    let told = told.collect::<Vec<_>>().join(", ");
    let (is, it) = if names.len() == 1 { ("is", "it") } else { ("are", "them") };
    Failure::Usage(format!("{told} {is} missing, and no profile has {it} (see `tokenward --help`)"))
}

impl Resolved {
    /// Opens the source on the store.
    fn source(&self) -> Result<TokenSource, Failure> {
        TokenSource::open(self.config.clone()).map_err(|error| {
            let place = self.origins.get("store").map(Origin::to_string).unwrap_or_default();
            let value = self.config.store.clone().unwrap_or_default();
            ConfigError { place, name: "store".into(), value, why: io_words(&error) }.into()
        })
    }
}

fn warn(warning: &str) {
    let _ = writeln!(io::stderr().lock(), "warning: {warning}");
}

impl core::fmt::Display for Origin {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built-in profile"),
            Self::File(place) => f.write_str(place),
            Self::Environment => f.write_str("environment"),
            Self::CommandLine => f.write_str("command line"),
        }
    }
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
        self.file = matches.get_one::<PathBuf>(FILE).cloned().or(self.file.take());
        self.json = matches.get_flag("json");
        Ok(())
    }
}

impl clap::Args for Settings {
    fn augment_args(command: clap::Command) -> clap::Command {
        let json = Arg::new("json").long("json").action(ArgAction::SetTrue).help("Answer in JSON");
        let file = Arg::new(FILE).long(FILE).value_name("FILE").value_parser(clap::value_parser!(PathBuf));
        let file = file.help("Configuration file [env: TOKENWARD_CONFIG]");
        let command = command.args([file, json]);
        flags().iter().fold(command, |command, flag| command.arg(flag.arg().help_heading("Settings")))
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
                // Here it names a table of the configuration file too.
                let is_profile = setting.name == PROFILE;
                let doc = if is_profile {
                    "Table [profiles.NAME] of the configuration file, or claude-code, panda, codex"
                } else {
                    setting.doc
                };
                let help = format!("{}{words}{default} [env: {}]", capital(doc), setting.env());
                Flag { setting, long: long(setting.name), help }
            })
            .collect()
    })
}

/// Returns a setting's flag. `--format` is what `tokenward token` prints; whose format the store has is a rarer question.
pub(super) fn long(name: &str) -> String {
    if name == "format" { "store-format".into() } else { name.replace('_', "-") }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

const FILE: &str = "config";
const PROFILE: &str = "profile";

impl Environment {
    /// Returns this environment with another configuration file.
    pub(super) fn with_file(self, path: &Path) -> Self {
        Self { file: Some(path.to_path_buf()), ..self }
    }

    /// Returns what the environment says.
    pub(super) fn read() -> Result<Self, Failure> {
        let mut values = BTreeMap::new();
        for setting in SETTINGS {
            if let Some(value) = variable(&setting.env())? {
                values.insert(setting.name.to_string(), value);
            }
        }
        let file = variable("TOKENWARD_CONFIG")?.filter(|path| !path.is_empty()).map(PathBuf::from);
        // Another tool's variable that is not UTF-8 is as good as none.
        Ok(Self { values, file, others: Some(|name| env::var(name).ok()) })
    }

    fn other(&self, name: &str) -> Option<String> {
        self.others.and_then(|look_up| look_up(name))
    }

    #[cfg(test)]
    pub(super) fn with_others(self, others: fn(&str) -> Option<String>) -> Self {
        Self { others: Some(others), ..self }
    }
}

fn variable(name: &str) -> Result<Option<String>, Failure> {
    match env::var(name) {
        Ok(value) => Ok(Some(value)),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(Failure::Usage(format!("environment: {name} is not UTF-8"))),
    }
}
