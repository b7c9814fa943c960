//! A look at what lies at and beside a store, for who has to tell a person about it. Changes nothing.

use std::{io, path::Path, path::PathBuf};

use super::place::Place;

/// Where a store and its companions lie.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) lock: PathBuf,
}

impl Site {
    /// Follows the links of a path.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let place = Place::of(path)?;
        Ok(Self { lock: place.lock })
    }
}
