//! Runs the vectors of `tests/vectors` against the Rust core. `tests/vectors/README.md` describes the format.

mod disk;
mod format;
mod run;
mod show;
mod shown;
mod write;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

pub(crate) use disk::Disk;
pub use format::{Index, Listed, Vector};
pub use run::{Arms, Mode, run};
pub use write::written;

/// Returns the folder of the vectors.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

/// Returns the file name that a vector's sentence asks for.
pub fn file_name(sentence: &str) -> String {
    let words: String =
        sentence.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { ' ' }).collect();
    let words: Vec<_> = words.split_whitespace().map(str::to_ascii_lowercase).collect();
    words.join("-") + ".json"
}

/// Returns every vector of the folder by its file name, as it stands there.
///
/// # Errors
/// A sentence for the person who wrote the vector.
pub fn read_all() -> Result<BTreeMap<String, Vector>, String> {
    let mut vectors = BTreeMap::new();
    let entries = fs::read_dir(folder()).map_err(|error| error.to_string())?;
    for entry in entries {
        let path = entry.map_err(|error| error.to_string())?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !name.ends_with(".json") || name == "index.json" || name == "schema.json" {
            continue;
        }
        let text = fs::read_to_string(&path).map_err(|error| format!("{name}: {error}"))?;
        let vector = serde_json::from_str(&text).map_err(|error| format!("{name}: {error}"))?;
        vectors.insert(name, vector);
    }
    Ok(vectors)
}

/// Returns the list of the vectors that must be run.
///
/// # Errors
/// A sentence for the person who wrote the list.
pub fn read_index() -> Result<Index, String> {
    let text = fs::read_to_string(folder().join("index.json")).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| format!("index.json: {error}"))
}
