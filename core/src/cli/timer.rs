//! A timer's files: shown, written and started, stopped and removed.

use std::{
    env, format, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    string::{String, ToString},
    time::Duration,
    vec::Vec,
};

use serde_json::{Value, json};

use super::{
    exit::Failure,
    settings::{Environment, Origin, Settings},
    units::{COMMENT, Job, MARK, Manager},
};
use crate::native::{io_words, user};

/// Shows the files.
pub(super) fn print(manager: Manager, settings: &Settings, every: Duration) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    for (path, text) in files(manager, settings, every)?.1 {
        writeln!(stdout, "# {}\n{text}", path.display())?;
    }
    Ok(())
}

/// Writes the files and has the manager start the timer, if it can be asked.
pub(super) fn install(manager: Manager, settings: &Settings, every: Duration, start: bool) -> Result<(), Failure> {
    let (profile, files) = files(manager, settings, every)?;
    files.iter().try_for_each(|(path, _)| refuse_foreign(path))?;
    let mut told = Told::default();
    for (path, text) in &files {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, text)?;
        told.file("wrote", path);
    }
    let commands = manager.start(&profile, &folder(manager)?, user());
    let failed = if start { run(&commands).err() } else { None };
    told.running = start && failed.is_none();
    told.said = match failed {
        Some(why) => Some(format!("not started: {why}; start it with: {}", line(&commands, " && "))),
        None if start => Some("started".into()),
        None => Some(format!("start it with: {}", line(&commands, " && "))),
    };
    told.tell(settings.json)
}

/// Has the manager stop the timer and removes the files, as far as they are ours. The profile may be gone.
pub(super) fn uninstall(manager: Manager, settings: &Settings) -> Result<(), Failure> {
    let profile = settings.profile_name(&Environment::read()?);
    let folder = folder(manager)?;
    let paths: Vec<_> = manager.names(&profile)?.into_iter().map(|name| folder.join(name)).collect();
    paths.iter().try_for_each(|path| refuse_foreign(path))?;
    let mut told = Told::default();
    if paths.iter().any(|path| path.exists()) {
        // Stopped first: what the manager stops has to be there.
        let stop = manager.stop(&profile, user());
        let failed = run(&stop).err();
        told.said = failed.map(|why| format!("not stopped: {why}; if it runs, stop it with: {}", line(&stop, "; ")));
        told.running = told.said.is_some();
    }
    for path in &paths {
        match fs::remove_file(path) {
            Ok(()) => told.file("removed", path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => told.file("there was no", path),
            Err(error) => return Err(error.into()),
        }
    }
    if told.said.is_none() {
        // It forgets them by itself in the end.
        let _told_anyway = run(&manager.forget());
    }
    told.tell(settings.json)
}

/// Returns the profile and its files. Not before the settings are known to be good: a timer that fails is heard by
/// nobody.
fn files(manager: Manager, settings: &Settings, every: Duration) -> Result<(String, Vec<(PathBuf, String)>), Failure> {
    let environment = Environment::read()?;
    let resolved = settings.resolve(&environment)?;
    let Some(profile) = resolved.profile else {
        return Err(Failure::Usage("a timer needs a profile: it has no flags and no variables of yours".into()));
    };
    let elsewhere = resolved.origins.iter().find(|(name, origin)| {
        name.as_str() != "profile" && matches!(origin, Origin::Environment | Origin::CommandLine)
    });
    if let Some((name, origin)) = elsewhere {
        return Err(Failure::Usage(format!("{origin}: {name}: a timer knows the profile only; write it there")));
    }
    let file = settings.file(&environment).filter(|(_, is_named)| *is_named);
    let config = file.map(|(path, _)| std::path::absolute(path)).transpose()?;
    let program = env::current_exe()?;
    let job = Job { profile: &profile, config: config.as_deref(), program: &program, every };
    let folder = folder(manager)?;
    let files = manager.files(&job)?.into_iter().map(|(name, text)| (folder.join(name), text)).collect();
    Ok((profile, files))
}

fn folder(manager: Manager) -> Result<PathBuf, Failure> {
    manager.folder().ok_or_else(|| Failure::Usage("there is no home folder".into()))
}

/// Refuses a file of this name that we did not write.
fn refuse_foreign(path: &Path) -> Result<(), Failure> {
    match fs::read_to_string(path) {
        Ok(text) if !text.contains(MARK) && !text.contains(COMMENT) => {
            Err(Failure::Usage(format!("{} is not ours: move it away or remove it", path.display())))
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Failure::Usage(format!("{}: {}", path.display(), io_words(&error)))),
    }
}

/// Runs the commands up to the first that fails, and says why it did.
fn run(commands: &[Vec<String>]) -> Result<(), String> {
    for words in commands {
        let Some((program, arguments)) = words.split_first() else { continue };
        let mut command = Command::new(program);
        let done = command.args(arguments).stdin(Stdio::null()).output().map_err(|error| {
            let why = if error.kind() == io::ErrorKind::NotFound { "is not here".into() } else { io_words(&error) };
            format!("{program} {why}")
        })?;
        if !done.status.success() {
            let said = String::from_utf8_lossy(&done.stderr);
            let said = said.lines().next().filter(|line| !line.is_empty()).map(String::from);
            return Err(said.unwrap_or_else(|| format!("{program}: {}", done.status)));
        }
    }
    Ok(())
}

fn line(commands: &[Vec<String>], between: &str) -> String {
    commands.iter().map(|words| words.join(" ")).collect::<Vec<_>>().join(between)
}

/// What was done.
#[derive(Default)]
struct Told {
    files: Vec<(&'static str, String)>,
    running: bool,
    said: Option<String>,
}

impl Told {
    fn file(&mut self, done: &'static str, path: &Path) {
        self.files.push((done, path.display().to_string()));
    }

    fn tell(self, json: bool) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        if json {
            let files: Vec<Value> =
                self.files.iter().map(|(done, path)| json!({"path": path, "done": done.replace(' ', "_")})).collect();
            writeln!(stdout, "{}", json!({"files": files, "running": self.running, "message": self.said}))?;
        } else {
            self.files.iter().try_for_each(|(done, path)| writeln!(stdout, "{done} {path}"))?;
            self.said.iter().try_for_each(|said| writeln!(stdout, "{said}"))?;
        }
        Ok(stdout.flush()?)
    }
}
