//! The text of a timer: for systemd (systemd.timer(5)) or launchd (launchd.plist(5)).

use std::{
    env, format,
    path::{Path, PathBuf},
    string::{String, ToString},
    time::Duration,
    vec::Vec,
};

use super::exit::Failure;

/// Who runs timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Manager {
    Systemd,
    Launchd,
}

/// What is to be run.
#[derive(Debug)]
pub(super) struct Job<'a> {
    pub(super) profile: &'a str,
    pub(super) config: Option<&'a Path>,
    pub(super) program: &'a Path,
    pub(super) every: Duration,
}

impl Manager {
    pub(super) const fn of_this_system() -> Self {
        if cfg!(target_os = "macos") { Self::Launchd } else { Self::Systemd }
    }

    /// Returns this user's folder for timers.
    pub(super) fn folder(self) -> Option<PathBuf> {
        let home = env::home_dir()?;
        Some(match self {
            Self::Launchd => home.join("Library/LaunchAgents"),
            Self::Systemd => {
                let named = env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
                named.unwrap_or_else(|| home.join(".config")).join("systemd/user")
            }
        })
    }

    /// Returns the files by name.
    pub(super) fn files(self, job: &Job<'_>) -> Result<Vec<(String, String)>, Failure> {
        let words = job.words()?;
        let name = self.name(job.profile);
        let every = job.every.as_secs();
        Ok(match self {
            Self::Systemd => Vec::from([
                (format!("{name}.service"), service(job.profile, &words)),
                (format!("{name}.timer"), timer(job.profile, every)),
            ]),
            Self::Launchd => Vec::from([(format!("{name}.plist"), agent(&name, &words, every))]),
        })
    }

    /// Returns the names of the files.
    pub(super) fn names(self, profile: &str) -> Result<Vec<String>, Failure> {
        check(profile)?;
        let name = self.name(profile);
        Ok(match self {
            Self::Systemd => Vec::from([format!("{name}.service"), format!("{name}.timer")]),
            Self::Launchd => Vec::from([format!("{name}.plist")]),
        })
    }

    /// Returns the commands that start the timer whose files are in `folder`, word by word.
    pub(super) fn start(self, profile: &str, folder: &Path, user: u32) -> Vec<Vec<String>> {
        let name = self.name(profile);
        match self {
            Self::Systemd => Vec::from([
                words("systemctl --user daemon-reload", []),
                words("systemctl --user enable --now", [format!("{name}.timer")]),
            ]),
            Self::Launchd => {
                let plist = folder.join(format!("{name}.plist")).display().to_string();
                Vec::from([words("launchctl bootstrap", [format!("gui/{user}"), plist])])
            }
        }
    }

    /// Returns the commands that stop the timer.
    pub(super) fn stop(self, profile: &str, user: u32) -> Vec<Vec<String>> {
        let name = self.name(profile);
        match self {
            Self::Systemd => Vec::from([words("systemctl --user disable --now", [format!("{name}.timer")])]),
            Self::Launchd => Vec::from([words("launchctl bootout", [format!("gui/{user}/{name}")])]),
        }
    }

    /// Returns what has the manager forget files that are gone.
    pub(super) fn forget(self) -> Vec<Vec<String>> {
        match self {
            Self::Systemd => Vec::from([words("systemctl --user daemon-reload", [])]),
            Self::Launchd => Vec::new(),
        }
    }

    fn name(self, profile: &str) -> String {
        match self {
            Self::Systemd => format!("tokenward-{profile}"),
            Self::Launchd => format!("tokenward.keep-alive.{profile}"),
        }
    }
}

/// Stands in every file of ours, and keeps us from the files of others.
pub(super) const MARK: &str = "Written by `tokenward keep-alive --install`; --uninstall removes it.";

fn words<const N: usize>(fixed: &str, more: [String; N]) -> Vec<String> {
    fixed.split(' ').map(String::from).chain(more).collect()
}

/// Refuses a name that would mean something else: it becomes part of file names and of commands that a person copies.
fn check(profile: &str) -> Result<(), Failure> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    if !profile.is_empty() && profile.chars().all(is_plain) {
        return Ok(());
    }
    Err(Failure::Usage(format!("profile {profile:?}: only letters, digits, - and _ can be in a timer's name")))
}

impl Job<'_> {
    fn words(&self) -> Result<Vec<String>, Failure> {
        check(self.profile)?;
        let text = |path: &Path| {
            let text = path.to_str().filter(|text| !text.chars().any(char::is_control)).map(String::from);
            text.ok_or_else(|| Failure::Usage(format!("{} cannot be written into a timer", path.display())))
        };
        let mut words = Vec::from([text(self.program)?]);
        words.extend(["keep-alive", "--once", "--profile", self.profile].map(String::from));
        words.extend(["--every".into(), self.every.as_secs().to_string()]);
        if let Some(config) = self.config {
            words.extend(["--config".into(), text(config)?]);
        }
        Ok(words)
    }
}

fn service(profile: &str, words: &[String]) -> String {
    let words: Vec<_> = words.iter().map(|word| quoted(word)).collect();
    format!(
        "# {MARK}\n\
         [Unit]\n\
         Description=Keep the login of profile {profile} in use\n\
         \n\
         [Service]\n\
         Type=oneshot\n\
         ExecStart={}\n\
         # The answer of a refresh is waited for: it holds the only good refresh token.\n\
         TimeoutStopSec=45\n",
        words.join(" ")
    )
}

fn timer(profile: &str, every: u64) -> String {
    format!(
        "# {MARK}\n\
         [Unit]\n\
         Description=Keep the login of profile {profile} in use\n\
         \n\
         [Timer]\n\
         OnStartupSec=60\n\
         OnUnitActiveSec={every}\n\
         RandomizedDelaySec={}\n\
         \n\
         [Install]\n\
         WantedBy=timers.target\n",
        every / 10
    )
}

fn agent(name: &str, words: &[String], every: u64) -> String {
    let words: String = words.iter().map(|word| format!("    <string>{}</string>\n", escaped(word))).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n\
         <!-- {COMMENT} -->\n\
         <dict>\n  <key>Label</key>\n  <string>{}</string>\n  <key>ProgramArguments</key>\n  <array>\n{words}  </array>\n  \
         <key>StartInterval</key>\n  <integer>{every}</integer>\n  <key>RunAtLoad</key>\n  <true/>\n  \
         <key>ExitTimeOut</key>\n  <integer>45</integer>\n\
         </dict>\n\
         </plist>\n",
        escaped(name)
    )
}

/// [`MARK`] for XML, whose comments take no two hyphens.
pub(super) const COMMENT: &str = "Written by `tokenward keep-alive` (install); it removes this file too (uninstall).";

/// Quotes a word for ExecStart= (systemd.syntax(7), systemd.service(5): % and $ are doubled).
fn quoted(word: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in word.chars() {
        match letter {
            '"' | '\\' => quoted.push('\\'),
            '%' | '$' => quoted.push(letter),
            _ => {}
        }
        quoted.push(letter);
    }
    quoted.push('"');
    quoted
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systemd_gets_a_service_and_a_timer() {
        let files = Manager::Systemd.files(&job("work", "/opt/50% off/token\"ward")).unwrap();

        assert_eq!(files[0].0, "tokenward-work.service");
        let line = files[0].1.lines().find(|line| line.starts_with("ExecStart=")).unwrap();
        assert_eq!(
            line,
            "ExecStart=\"/opt/50%% off/token\\\"ward\" \"keep-alive\" \"--once\" \"--profile\" \"work\" \"--every\" \"600\" \
             \"--config\" \"/etc/config.toml\""
        );
        assert_eq!(files[1].0, "tokenward-work.timer");
        assert!(files[1].1.contains("OnUnitActiveSec=600\nRandomizedDelaySec=60\n"), "{}", files[1].1);
    }

    #[test]
    fn launchd_gets_an_agent() {
        let files = Manager::Launchd.files(&job("work", "/opt/this & that/tokenward")).unwrap();

        assert_eq!(files[0].0, "tokenward.keep-alive.work.plist");
        assert_eq!(
            files[0].1,
            r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<!-- Written by `tokenward keep-alive` (install); it removes this file too (uninstall). -->
<dict>
  <key>Label</key>
  <string>tokenward.keep-alive.work</string>
  <key>ProgramArguments</key>
  <array>
    <string>/opt/this &amp; that/tokenward</string>
    <string>keep-alive</string>
    <string>--once</string>
    <string>--profile</string>
    <string>work</string>
    <string>--every</string>
    <string>600</string>
    <string>--config</string>
    <string>/etc/config.toml</string>
  </array>
  <key>StartInterval</key>
  <integer>600</integer>
  <key>RunAtLoad</key>
  <true/>
  <key>ExitTimeOut</key>
  <integer>45</integer>
</dict>
</plist>
"#
        );
    }

    #[test]
    fn names_that_would_mean_something_else_are_refused() {
        for profile in ["", "../work", "a b", "$(id)", "ä"] {
            assert!(Manager::Systemd.files(&job(profile, "/bin/tokenward")).is_err(), "{profile}");
        }
        assert!(Manager::Launchd.files(&job("work", "/bin/token\nward")).is_err());
    }

    fn job<'a>(profile: &'a str, program: &'a str) -> Job<'a> {
        let every = Duration::from_secs(600);
        Job { profile, config: Some(Path::new("/etc/config.toml")), program: Path::new(program), every }
    }
}
