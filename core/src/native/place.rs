//! Where a store really lies, and the names of what stands beside it.

use std::{
    ffi::{OsStr, OsString},
    format, fs, io,
    path::{Path, PathBuf},
    string::String,
};

use super::fault::is_missing;

/// The resolved path of a store and the names that are derived from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) folder: PathBuf,
    pub(super) store: PathBuf,
    pub(super) lock: PathBuf,
    pub(super) journal: PathBuf,
    /// Which locks of the store's owner are ours.
    pub(super) owner: PathBuf,
    /// `.NAME.tokenward.`, with which the names of all our files begin.
    prefix: OsString,
}

/// What a file of ours with a random name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extra {
    /// The next content of the store, on its way.
    Temporary,
    /// A grant that waits for the next holder of the lock.
    Grant,
    /// A grant on its way to become one.
    Parking,
    /// A journal that nobody understands.
    BadJournal,
}

impl Place {
    /// Follows the links of the last component and of the folders. What does not exist is where it would be made.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let (folder, name) = resolved(path)?;
        if name.len() > LONGEST_NAME {
            let why = format!("its name is longer than {LONGEST_NAME} bytes: the files beside it could have none");
            return Err(io::Error::new(io::ErrorKind::InvalidFilename, why));
        }
        let mut prefix = OsString::from(".");
        prefix.push(&name);
        prefix.push(".tokenward.");
        Ok(Self {
            store: folder.join(&name),
            lock: beside(&folder, &prefix, "lock"),
            journal: beside(&folder, &prefix, "journal"),
            owner: beside(&folder, &prefix, "owner"),
            folder,
            prefix,
        })
    }

    /// Returns a path for a new file, with a name that nobody else takes.
    pub(super) fn new_extra(&self, extra: Extra) -> PathBuf {
        beside(&self.folder, &self.prefix, &format!("{}{:016x}", extra.word(), random()))
    }

    /// Returns whether a name in the store's folder is one of ours, and of this kind.
    pub(super) fn is_extra(&self, name: &OsStr, extra: Extra) -> bool {
        let rest = name.as_encoded_bytes().strip_prefix(self.prefix.as_encoded_bytes());
        rest.and_then(|rest| rest.strip_prefix(extra.word().as_bytes())).is_some_and(is_random)
    }

    /// Returns the path of the parked grant that is known by this name; `None` for a name that is not ours, whatever
    /// it holds.
    pub(super) fn grant(&self, name: &str) -> Option<PathBuf> {
        let shown = format!("{}{}", self.prefix.to_string_lossy(), Extra::Grant.word());
        let random = name.strip_prefix(shown.as_str())?;
        let tail = format!("{}{random}", Extra::Grant.word());
        is_random(random.as_bytes()).then(|| beside(&self.folder, &self.prefix, &tail))
    }
}

impl Extra {
    const fn word(self) -> &'static str {
        match self {
            Self::Temporary => "tmp-",
            Self::Grant => "grant-",
            Self::Parking => "parking-",
            Self::BadJournal => "journal.bad-",
        }
    }
}

/// Returns the name by which a path is known outside: its last component.
pub(super) fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn beside(folder: &Path, prefix: &OsStr, rest: &str) -> PathBuf {
    let mut name = prefix.to_os_string();
    name.push(rest);
    folder.join(name)
}

fn is_random(rest: &[u8]) -> bool {
    rest.len() == 16 && rest.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Where the system has no randomness yet, the clock will do: a name taken twice is refused by the file system.
pub(super) fn random() -> u64 {
    let mut bytes = [0; 8];
    match getrandom::fill(&mut bytes) {
        Ok(()) => u64::from_ne_bytes(bytes),
        Err(_) => super::sys::now().mono.as_nanos() as u64 ^ u64::from(std::process::id()),
    }
}

fn resolved(path: &Path) -> io::Result<(PathBuf, OsString)> {
    let mut path = std::path::absolute(path)?;
    for _ in 0..MAX_LINKS {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"));
        };
        let (folder, name) = (real_folder(folder, MAX_LINKS), name.to_os_string());
        match fs::read_link(folder.join(&name)) {
            Ok(target) => path = folder.join(target),
            Err(error) if error.kind() == io::ErrorKind::InvalidFilename => {
                return Err(io::Error::new(error.kind(), "the path is too long"));
            }
            // No link, or one that we may not see: whoever opens it is told why.
            Err(_) => return Ok((folder, name)),
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "its links go in a circle"))
}

/// Resolves a folder as far as it exists; the rest stays as it is written.
fn real_folder(folder: &Path, links_left: usize) -> PathBuf {
    let missing = match fs::canonicalize(folder) {
        Ok(real) => return real,
        Err(error) => is_missing(&error) && links_left > 0,
    };
    let (true, Some(parent), Some(name)) = (missing, folder.parent(), folder.file_name()) else {
        return folder.to_path_buf();
    };
    let whole = real_folder(parent, links_left - 1).join(name);
    match fs::read_link(&whole) {
        Ok(target) => real_folder(&whole.parent().unwrap_or(parent).join(target), links_left - 1),
        Err(_) => whole,
    }
}

/// As many as Linux follows.
const MAX_LINKS: usize = 40;

/// What a file system takes for a name is 255 bytes; the longest of ours adds `.`, `.tokenward.journal.bad-` and 16 digits.
const LONGEST_NAME: usize = 255 - 40;

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::symlink, string::ToString};

    use super::*;

    #[test]
    fn companions_stand_beside_the_end_of_a_chain_of_links() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        fs::create_dir_all(root.join("real/deep")).unwrap();
        fs::write(root.join("real/deep/auth.json"), "{}").unwrap();
        symlink("real", root.join("dots")).unwrap();
        symlink("dots/deep/auth.json", root.join("second")).unwrap();
        symlink(root.join("second"), root.join("first")).unwrap();

        let place = Place::of(&root.join("first")).unwrap();

        assert_eq!(place.store, root.join("real/deep/auth.json"));
        assert_eq!(place.lock, root.join("real/deep/.auth.json.tokenward.lock"));
        assert_eq!(place.journal, root.join("real/deep/.auth.json.tokenward.journal"));
    }

    #[test]
    fn dangling_links_lead_to_where_the_store_would_be() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        symlink("later/auth.json", root.join("auth.json")).unwrap();
        symlink("disk/later", root.join("later")).unwrap();

        let place = Place::of(&root.join("auth.json")).unwrap();

        assert_eq!(place.store, root.join("disk/later/auth.json"));
    }

    #[test]
    fn circle_of_links_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        symlink("two", folder.path().join("one")).unwrap();
        symlink("one", folder.path().join("two")).unwrap();

        let circle = Place::of(&folder.path().join("one"));

        assert_eq!(circle.unwrap_err().to_string(), "its links go in a circle");
    }

    #[test]
    fn name_that_leaves_no_room_for_those_beside_it_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let of = |length: usize| Place::of(&folder.path().join("x".repeat(length)));

        let longest = of(LONGEST_NAME).unwrap();
        let too_long = [LONGEST_NAME + 1, 255, 256, 5000].map(|length| of(length).unwrap_err().kind());

        fs::write(longest.new_extra(Extra::BadJournal), "").unwrap();
        assert_eq!(longest.new_extra(Extra::BadJournal).file_name().unwrap().len(), 255);
        assert_eq!(too_long, [io::ErrorKind::InvalidFilename; 4]);
    }

    #[test]
    fn path_without_a_file_name_is_an_error() {
        assert_eq!(Place::of(Path::new("/")).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert_eq!(Place::of(Path::new("/tmp/..")).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn only_our_own_names_are_taken_for_grants() {
        let place = Place::of(Path::new("/no-such-folder/auth.json")).unwrap();
        let ours = place.new_extra(Extra::Grant);

        assert_eq!(place.grant(&name_of(&ours)), Some(ours.clone()));
        assert!(place.is_extra(ours.file_name().unwrap(), Extra::Grant));
        for foreign in [
            "auth.json",
            ".auth.json.tokenward.lock",
            ".auth.json.tokenward.grant-",
            ".auth.json.tokenward.grant-../../../etc/x",
            ".auth.json.tokenward.grant-0123456789ABCDEF",
            ".other.json.tokenward.grant-0123456789abcdef",
        ] {
            assert_eq!(place.grant(foreign), None, "{foreign}");
        }
    }
}
