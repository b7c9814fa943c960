//! Built-in profiles: what it takes to share the login of a known tool, as a table.

use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};

use crate::{Config, ConfigError, Fingerprint, Secret};

/// A tool whose login can be shared: the settings of its server and its store.
///
/// ```
/// use tokenward::{Config, Profile};
///
/// let profile = Profile::find("claude-code").ok_or("no such profile")?;
/// let environment = |name: &str| (name == "HOME").then(|| "/home/alice".into());
/// let found = profile.look_up("", &Default::default(), &environment)?;
///
/// let config = Config::from_map("", &found.settings)?;
/// assert_eq!(config.store.as_deref(), Some("/home/alice/.claude/.credentials.json"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// The name in settings.
    pub name: &'static str,
    /// The tool in one line.
    pub doc: &'static str,
    /// What holds for everybody who uses the tool.
    settings: &'static [(&'static str, &'static str)],
    /// The variables with a token that the tool uses before its store, the first one first.
    tokens: &'static [&'static str],
    store: fn(&mut Search<'_>) -> Result<String, ConfigError>,
}

/// What a profile comes to for one user.
#[derive(Clone, Debug, Default)]
pub struct Profiled {
    /// The settings by name; what the user says himself goes before them.
    pub settings: BTreeMap<String, String>,
    /// Where an older version of the tool kept its store: used where the store is missing and this one is there.
    pub old_store: Option<String>,
    /// A token that the tool uses before its store, and the variable it stands in. Nobody refreshes it.
    pub token: Option<(&'static str, Secret)>,
    /// What is odd about the tool's variables, for a person.
    pub warnings: Vec<String>,
}

impl Profile {
    /// Every built-in profile.
    pub const ALL: &[Self] = &[CLAUDE_CODE, PANDA, CODEX];

    /// Returns the profile of a name.
    pub fn find(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|profile| profile.name == name)
    }

    /// Returns the settings for one user, who gave some of his own. Looks into the environment and at no file.
    ///
    /// A variable of the tool's that cannot be used is left out with a warning; ours are errors.
    ///
    /// # Errors
    /// [`ConfigError`] names the setting that the store's path cannot be found without; `place` stands in it.
    pub fn look_up(
        &self,
        place: &str,
        given: &BTreeMap<String, String>,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Profiled, ConfigError> {
        let mut search = Search { place, given, environment, found: Profiled::default() };
        let settings = self.settings.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        search.found.settings = settings.collect();
        if !given.contains_key("store") {
            let store = (self.store)(&mut search)?;
            search.found.settings.insert("store".into(), store);
        }
        search.found.token = self.tokens.iter().find_map(|name| Some((*name, search.token(name)?)));
        Ok(search.found)
    }
}

impl Config {
    /// Reads settings as [`from_map`](Self::from_map) does, with those of the profile they name beneath them.
    ///
    /// Without a `profile` it is `from_map`, and nothing is found. `environment` looks up the variables of other tools.
    ///
    /// ```
    /// use tokenward::{Config, StoreFormat};
    ///
    /// let settings = [("profile".into(), "codex".into())].into_iter().collect();
    /// let environment = |name: &str| (name == "HOME").then(|| "/home/alice".into());
    ///
    /// let (config, _) = Config::from_profile("settings", &settings, &environment)?;
    ///
    /// assert_eq!(config.format, StoreFormat::Codex);
    /// # Ok::<(), tokenward::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// [`ConfigError`] as for `from_map`, for an unknown profile, and for what a profile's store cannot be found without.
    pub fn from_profile(
        place: &str,
        values: &BTreeMap<String, String>,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(Self, Profiled), ConfigError> {
        let Some(name) = values.get("profile") else {
            return Ok((Self::from_map(place, values)?, Profiled::default()));
        };
        let Some(profile) = Profile::find(name) else {
            let names: Vec<_> = Profile::ALL.iter().map(|profile| profile.name).collect();
            let why = format!("not one of {}", names.join(", "));
            return Err(ConfigError { place: place.into(), name: "profile".into(), value: name.clone(), why });
        };
        let found = profile.look_up(place, values, environment)?;
        let mut all = found.settings.clone();
        all.extend(values.clone());
        Ok((Self::from_map(place, &all)?, found))
    }
}

/// Claude Code. On macOS its login is in the keychain, and in the file only where the keychain refused it.
const CLAUDE_CODE: Profile = Profile {
    name: "claude-code",
    doc: "the login of Claude Code",
    settings: &[
        ("format", "claude-code"),
        ("token_url", "https://platform.claude.com/v1/oauth/token"),
        ("client_id", "9d1c250a-e61b-44d9-88ed-5944d1962f5e"),
        ("token_request", "json"),
        ("account_field", "account.uuid"),
    ],
    tokens: &["ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"],
    store: |search| {
        const SECURE: &str = "CLAUDE_SECURESTORAGE_CONFIG_DIR";
        // Defined and empty, it leads back to the default, whatever CLAUDE_CONFIG_DIR says.
        let folder = match (search.environment)(SECURE) {
            Some(empty) if empty.is_empty() => None,
            Some(_) => {
                // Versions differ in what else lies there under which name: one that is wrong about it must not write.
                search.found.settings.insert("read_only".into(), "true".into());
                search.warn(format!("{SECURE} is set: the store in it is only read (see read_only)"));
                search.path(SECURE)
            }
            None => search.path("CLAUDE_CONFIG_DIR"),
        };
        let folder = folder.map_or_else(|| search.home("/.claude"), Ok)?;
        Ok(join(&folder, ".credentials.json"))
    },
};

/// ethpandaops panda. Its issuer, client and resource are its user's; the endpoint stands in the issuer's metadata.
const PANDA: Profile = Profile {
    name: "panda",
    doc: "the login of ethpandaops panda (needs issuer, client_id, token_url and, if panda has one, resource)",
    // panda hands out the id_token of an answer that has one.
    settings: &[("format", "panda"), ("bearer", "id_token")],
    tokens: &[],
    store: |search| {
        let file = format!("credentials/{}.json", search.panda_key()?);
        search.found.old_store = Some(join(&search.home("/.config/ethpandaops-mcp")?, &file));
        Ok(join(&search.home("/.config/panda")?, &file))
    },
};

/// OpenAI Codex: read only, by its format.
const CODEX: Profile = Profile {
    name: "codex",
    doc: "the login of OpenAI Codex, only read",
    settings: &[
        ("format", "codex"),
        ("token_url", "https://auth.openai.com/oauth/token"),
        ("client_id", "app_EMoamEEZ73f0CkXaXp7hrann"),
        ("token_request", "json"),
    ],
    tokens: &[],
    store: |search| {
        let folder = search.path("CODEX_HOME").map_or_else(|| search.home("/.codex"), Ok)?;
        Ok(join(&folder, "auth.json"))
    },
};

/// Returns the name that panda gives to the store of an issuer, a client and a resource.
///
/// ```
/// use tokenward::panda_store_key;
///
/// let key = panda_store_key("https://dex.example.com/", "panda", "https://panda.example.com/");
/// assert_eq!(key, "634e10d2821288ba");
/// ```
pub fn panda_store_key(issuer: &str, client_id: &str, resource: &str) -> String {
    let url = |text: &str| text.trim_end_matches('/').trim().to_string();
    let named = [url(issuer), client_id.trim().into(), url(resource)].join("\n");
    // SHA-256, its first eight bytes.
    Fingerprint::of(named.as_bytes()).to_hex().chars().take(16).collect()
}

/// What a look-up has to go by, and what it found.
struct Search<'a> {
    place: &'a str,
    given: &'a BTreeMap<String, String>,
    environment: &'a dyn Fn(&str) -> Option<String>,
    found: Profiled,
}

impl Search<'_> {
    /// Returns a path below the user's home.
    fn home(&self, below: &str) -> Result<String, ConfigError> {
        let home =
            ["HOME", "USERPROFILE"].into_iter().find_map(|name| (self.environment)(name).filter(|it| !it.is_empty()));
        let home = home.ok_or_else(|| self.error("store", "missing, and neither HOME nor USERPROFILE leads to it"))?;
        Ok(join(&home, below.trim_start_matches('/')))
    }

    /// Returns a folder that a variable of the tool's names; empty counts as not set, as the tools have it.
    fn path(&mut self, name: &str) -> Option<String> {
        let path = (self.environment)(name).filter(|path| !path.is_empty())?;
        if path.chars().any(char::is_control) {
            self.warn(format!("{name} is no path: the default is used"));
            return None;
        }
        Some(path)
    }

    /// Returns a token that a variable of the tool's holds.
    fn token(&mut self, name: &'static str) -> Option<Secret> {
        let token = Secret::new((self.environment)(name)?);
        // EXPOSE: looked at only. RFC 6749 appendix A.12.
        let text = token.expose().trim();
        if text.is_empty() {
            return None;
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            self.warn(format!("{name} holds no token: it is left out"));
            return None;
        }
        Some(Secret::new(text))
    }

    fn panda_key(&self) -> Result<String, ConfigError> {
        let given = |name: &str| self.given.get(name).map(String::as_str);
        let needed = |name| given(name).ok_or_else(|| self.error(name, "missing"));
        Ok(panda_store_key(needed("issuer")?, needed("client_id")?, given("resource").unwrap_or_default()))
    }

    fn warn(&mut self, warning: String) {
        self.found.warnings.push(warning);
    }

    fn error(&self, name: &str, why: &str) -> ConfigError {
        ConfigError { place: self.place.into(), name: name.into(), value: String::new(), why: why.into() }
    }
}

fn join(folder: &str, name: &str) -> String {
    format!("{}/{name}", folder.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StoreFormat;

    #[test]
    fn every_profile_is_made_of_settings_that_can_be_read() {
        let given = [("issuer", "https://id.test"), ("client_id", "c"), ("token_url", "https://id.test/token")];

        for profile in Profile::ALL {
            let mut found = look_up(profile.name, &given, &[("HOME", "/home/alice")]);
            for (name, value) in given {
                found.settings.insert(name.into(), value.into());
            }

            let config = Config::from_map(profile.name, &found.settings).unwrap();

            assert_eq!(config.format.name(), profile.name);
            assert!(found.warnings.is_empty() && found.token.is_none());
        }
    }

    #[test]
    fn claude_code_keeps_its_store_where_its_variables_say() {
        let rows = [
            ([].as_slice(), "/home/alice/.claude/.credentials.json", false),
            (&[("CLAUDE_CONFIG_DIR", "")], "/home/alice/.claude/.credentials.json", false),
            (&[("CLAUDE_CONFIG_DIR", "/srv/claude/")], "/srv/claude/.credentials.json", false),
            (
                &[("CLAUDE_CONFIG_DIR", "/srv/claude"), ("CLAUDE_SECURESTORAGE_CONFIG_DIR", "")],
                "/home/alice/.claude/.credentials.json",
                false,
            ),
            (
                &[("CLAUDE_CONFIG_DIR", "/srv/claude"), ("CLAUDE_SECURESTORAGE_CONFIG_DIR", "/secure")],
                "/secure/.credentials.json",
                true,
            ),
            (&[("CLAUDE_CONFIG_DIR", "/srv\n/claude")], "/home/alice/.claude/.credentials.json", false),
        ];

        for (variables, store, read_only) in rows {
            let found = look_up("claude-code", &[], &[variables, &[("HOME", "/home/alice")]].concat());

            assert_eq!(found.settings["store"], store);
            assert_eq!(found.settings.contains_key("read_only"), read_only);
            assert_eq!(found.warnings.len(), usize::from(read_only || store_is_odd(variables)), "{variables:?}");
        }
    }

    #[test]
    fn a_token_in_the_environment_goes_before_the_store() {
        let home = ("HOME", "/home/alice");
        let of = |variables: &[(&str, &str)]| {
            let found = look_up("claude-code", &[], &[variables, &[home]].concat());
            let token = found.token.map(|(name, token)| (name, String::from(token.expose())));
            (token, found.warnings)
        };

        assert_eq!(
            of(&[("CLAUDE_CODE_OAUTH_TOKEN", " token-1\n")]).0,
            Some(("CLAUDE_CODE_OAUTH_TOKEN", "token-1".into()))
        );
        let both = [("CLAUDE_CODE_OAUTH_TOKEN", "token-1"), ("ANTHROPIC_AUTH_TOKEN", "token-2")];
        assert_eq!(of(&both).0, Some(("ANTHROPIC_AUTH_TOKEN", "token-2".into())));
        assert_eq!(of(&[("ANTHROPIC_AUTH_TOKEN", "")]), (None, Vec::new()));
        let (token, warnings) = of(&[("ANTHROPIC_AUTH_TOKEN", "two words"), ("CLAUDE_CODE_OAUTH_TOKEN", "token-1")]);
        assert_eq!(token, Some(("CLAUDE_CODE_OAUTH_TOKEN", "token-1".into())));
        assert_eq!(warnings, ["ANTHROPIC_AUTH_TOKEN holds no token: it is left out"]);
    }

    #[test]
    fn panda_names_its_store_after_issuer_client_and_resource() {
        let given = [
            ("issuer", "https://dex.example.com/"),
            ("client_id", " panda"),
            ("resource", "https://panda.example.com/"),
        ];

        let found = look_up("panda", &given, &[("HOME", "/home/alice"), ("XDG_CONFIG_HOME", "/elsewhere")]);

        assert_eq!(found.settings["store"], "/home/alice/.config/panda/credentials/634e10d2821288ba.json");
        let old = "/home/alice/.config/ethpandaops-mcp/credentials/634e10d2821288ba.json";
        assert_eq!(found.old_store.as_deref(), Some(old));
        assert_eq!(panda_store_key("https://dex.example.com", "panda", ""), "616c2316c3eda2fb");
    }

    #[test]
    fn codex_keeps_its_store_in_its_home() {
        let found = |variables: &[_]| look_up("codex", &[], variables).settings["store"].clone();

        assert_eq!(found(&[("HOME", "/home/alice")]), "/home/alice/.codex/auth.json");
        assert_eq!(found(&[("CODEX_HOME", "/codex")]), "/codex/auth.json");
        assert_eq!(found(&[("USERPROFILE", "C:/Users/alice")]), "C:/Users/alice/.codex/auth.json");
        assert!(StoreFormat::Codex.read_only().is_some());
    }

    #[test]
    fn what_the_path_needs_is_asked_for_by_name() {
        let missing = |name: &str, given: &[(&str, &str)]| {
            let profile = Profile::find(name).unwrap();
            profile.look_up("profile", &map(given), &|_| None).map(|_| ()).map_err(|error| error.name)
        };

        assert_eq!(missing("claude-code", &[]), Err("store".into()));
        assert_eq!(missing("panda", &[]), Err("issuer".into()));
        assert_eq!(missing("panda", &[("issuer", "https://id.test")]), Err("client_id".into()));
        assert_eq!(missing("panda", &[("store", "cred.json")]), Ok(()));
        assert!(Profile::find("claude").is_none());
    }

    fn look_up(name: &str, given: &[(&str, &str)], variables: &[(&str, &str)]) -> Profiled {
        let environment = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).into());
        Profile::find(name).unwrap().look_up("", &map(given), &environment).unwrap()
    }

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    fn store_is_odd(variables: &[(&str, &str)]) -> bool {
        variables.iter().any(|(_, value)| value.contains('\n'))
    }
}
