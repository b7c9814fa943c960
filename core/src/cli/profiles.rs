//! The configuration file: profiles, each with settings by the names of the one table.
//!
//! ```toml
//! [profiles.default]
//! token_url = "https://id.example.com/token"
//! client_id = "my-client"
//! store = "~/.config/my-app/login.json"
//! ```

use std::{
    collections::BTreeMap,
    env, format,
    path::{Path, PathBuf},
    string::{String, ToString},
    vec::Vec,
};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::exit::Failure;
use crate::{ConfigError, Kind, Profile as BuiltIn, SETTINGS, native::read_whole};

/// A configuration file.
#[derive(Debug)]
pub(super) struct Profiles {
    pub(super) path: PathBuf,
    profiles: BTreeMap<String, Profile>,
}

/// The settings of one profile by name.
pub(super) type Profile = BTreeMap<String, Entry>;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) value: String,
    pub(super) line: usize,
}

/// The profile that counts when none is named.
pub(super) const DEFAULT: &str = "default";
const TABLE: &str = "profiles";

impl Profiles {
    /// Reads a file; `None` if there is none.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, Failure> {
        let Some(content) = read_whole(path).map_err(|fault| Failure::Usage(fault.detail))? else { return Ok(None) };
        // EXPOSE: parsed in place; it may hold a client secret.
        match str::from_utf8(content.expose()) {
            Ok(text) => Self::parse(path, text).map(Some),
            Err(error) => {
                let before = content.expose().get(..error.valid_up_to()).unwrap_or_default();
                let line = before.iter().filter(|byte| **byte == b'\n').count().saturating_add(1);
                Err(Failure::Usage(format!("{}:{line}: not UTF-8", path.display())))
            }
        }
    }

    /// Returns a profile by name.
    pub(super) fn get(&self, name: &str) -> Option<&Profile> {
        self.profiles.get(name)
    }

    /// Returns the names of all profiles.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.profiles.keys().map(String::as_str)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, Failure> {
        let file = File { path, text };
        let root = DeTable::parse(text).map_err(|error| {
            let line = error.span().map_or(1, |span| file.line(span.start));
            // Its own words only: the line it would quote may hold a secret.
            Failure::Usage(format!("{}:{line}: {}", path.display(), error.message()))
        })?;
        let mut profiles = BTreeMap::new();
        for (name, value) in root.get_ref() {
            let tables = value.get_ref().as_table().filter(|_| name.get_ref() == TABLE);
            let Some(tables) = tables else {
                return Err(file.wrong(name, "", "not a table [profiles.NAME]"));
            };
            for (name, table) in tables {
                let Some(table) = table.get_ref().as_table() else {
                    return Err(file.wrong(name, "", "not a table [profiles.NAME]"));
                };
                profiles.insert(name.get_ref().to_string(), file.profile(table)?);
            }
        }
        Ok(Self { path: path.to_path_buf(), profiles })
    }
}

/// Returns where the file is looked for: `TOKENWARD_CONFIG`, else the platform's folder.
pub(super) fn usual_path() -> Option<PathBuf> {
    let folder = if cfg!(target_os = "macos") {
        env::home_dir()?.join("Library/Application Support")
    } else {
        // XDG Base Directory Specification: a path that is not absolute is to be ignored.
        let named = env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        named.or_else(|| Some(env::home_dir()?.join(".config")))?
    };
    Some(folder.join("tokenward/config.toml"))
}

struct File<'a> {
    path: &'a Path,
    text: &'a str,
}

impl File<'_> {
    fn profile(&self, table: &DeTable<'_>) -> Result<Profile, Failure> {
        let mut profile = Profile::new();
        for (name, value) in table {
            let Some(setting) = SETTINGS.iter().find(|setting| setting.name == name.get_ref()) else {
                // A secret under a misspelled name is a secret all the same.
                return Err(self.wrong(name, "", "unknown setting"));
            };
            let text = match value.get_ref() {
                DeValue::String(text) => text.to_string(),
                DeValue::Integer(number) => number.as_str().to_string(),
                DeValue::Float(number) => number.as_str().to_string(),
                DeValue::Boolean(switch) => switch.to_string(),
                DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => {
                    let shown = self.text.get(value.span()).filter(|_| setting.kind != Kind::Secret);
                    return Err(self.wrong(name, shown.unwrap_or_default(), &setting.kind.to_string()));
                }
            };
            if setting.name == "profile" && BuiltIn::find(&text).is_none() {
                let names: Vec<_> = BuiltIn::ALL.iter().map(|known| known.name).collect();
                return Err(self.wrong(name, &text, &format!("not one of {}", names.join(", "))));
            }
            let value = if is_path(setting.name) { self.resolve(&text) } else { text };
            profile.insert(setting.name.into(), Entry { value, line: self.line(name.span().start) });
        }
        Ok(profile)
    }

    /// Returns a path as it is meant in the file: `~/` is the home folder, anything relative begins at the file's folder.
    fn resolve(&self, path: &str) -> String {
        let whole = match (path.strip_prefix("~/"), env::home_dir()) {
            (Some(rest), Some(home)) => home.join(rest),
            (Some(_), None) | (None, _) if path.is_empty() => PathBuf::new(),
            (Some(_), None) | (None, _) => self.path.parent().unwrap_or(Path::new("")).join(path),
        };
        whole.display().to_string()
    }

    fn line(&self, offset: usize) -> usize {
        let before = self.text.get(..offset).unwrap_or_default();
        before.matches('\n').count().saturating_add(1)
    }

    fn wrong<T: core::fmt::Display>(&self, name: &Spanned<T>, value: &str, why: &str) -> Failure {
        let place = format!("{}:{}", self.path.display(), self.line(name.span().start));
        let (name, value) = (name.get_ref().to_string(), value.into());
        ConfigError { place, name, value, why: why.into() }.into()
    }
}

fn is_path(name: &str) -> bool {
    PATHS.contains(&name)
}

/// The settings that name a file.
const PATHS: &[&str] = &["store", "ca_file"];

/// Returns the names in a sentence.
pub(super) fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.collect();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profile_holds_its_settings_as_text_with_their_lines() {
        let file = parse(
            "# mine\n[profiles.work]\nclient_id = \"my-client\"\ntimeout = 7.5\npatience = 9\ntrust_lock = true\n",
        );

        let work = file.unwrap().get("work").unwrap().clone();

        let found: Vec<_> =
            work.iter().map(|(name, entry)| (name.as_str(), entry.value.as_str(), entry.line)).collect();
        assert_eq!(
            found,
            [("client_id", "my-client", 3), ("patience", "9", 5), ("timeout", "7.5", 4), ("trust_lock", "true", 6)]
        );
    }

    #[test]
    fn paths_begin_at_the_files_folder_or_at_home() {
        let file = parse(
            "[profiles.a]\nstore = \"cred.json\"\nca_file = \"/etc/ca.pem\"\n[profiles.b]\nstore = \"~/cred.json\"\n",
        )
        .unwrap();

        let value = |profile: &str, name: &str| file.get(profile).unwrap()[name].value.clone();

        assert_eq!(value("a", "store"), "/etc/tokenward/cred.json");
        assert_eq!(value("a", "ca_file"), "/etc/ca.pem");
        assert_eq!(value("b", "store"), env::home_dir().unwrap().join("cred.json").display().to_string());
    }

    #[test]
    fn whatever_is_wrong_is_named_with_its_line() {
        let place = "/etc/tokenward/config.toml";
        for (text, told) in [
            ("[profiles.work]\n\ntimeuot = 3\n", ":3: timeuot: unknown setting"),
            ("[profiles.work]\ntimeout = [1]\n", ":2: timeout = \"[1]\": not a time in seconds, 1 to 600"),
            (
                "[profiles.work]\nprofile = \"claud-code\"\n",
                ":2: profile = \"claud-code\": not one of claude-code, panda, codex",
            ),
            ("[profile.work]\n", ":1: profile: not a table [profiles.NAME]"),
            ("client_id = \"x\"\n", ":1: client_id: not a table [profiles.NAME]"),
            ("[profiles]\nwork = 1\n", ":2: work: not a table [profiles.NAME]"),
        ] {
            let Err(Failure::Usage(message)) = parse(text) else { panic!("taken: {text}") };

            assert_eq!(message, format!("{place}{told}"));
        }
    }

    #[test]
    fn wrong_file_is_told_without_what_stands_in_it() {
        for text in [
            "[profiles.work]\nclient_secret = client-secret-1\n",
            "[profiles.work]\nclient_secret = [\"client-secret-1\"]\n",
        ] {
            let Err(Failure::Usage(message)) = parse(text) else { panic!("taken: {text}") };

            assert!(message.starts_with("/etc/tokenward/config.toml:2: "), "{message}");
            assert!(!message.contains("client-secret-1"), "{message}");
        }
    }

    fn parse(text: &str) -> Result<Profiles, Failure> {
        Profiles::parse(Path::new("/etc/tokenward/config.toml"), text)
    }
}
