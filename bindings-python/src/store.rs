//! The store as a file, for those who bring their own HTTP and timers.

use std::{path::PathBuf, sync::Arc};

use pyo3::{exceptions::PyValueError, prelude::*};
use tokenward::{Store as _, StoreFormat};

use crate::{effect::Op, input::Answer};

/// A credential in a file, with its lock and its journal beside it. `format` names the tool whose store it is: its locks are
/// taken too.
#[pyclass(frozen, module = "tokenward")]
pub(crate) struct FileStore {
    inner: Arc<tokenward::FileStore>,
}

impl FileStore {
    pub(crate) fn inner(&self) -> Arc<tokenward::FileStore> {
        Arc::clone(&self.inner)
    }
}

#[pymethods]
impl FileStore {
    #[new]
    #[pyo3(signature = (path, *, trust_lock=false, format="tokenward"))]
    fn new(path: PathBuf, trust_lock: bool, format: &str) -> PyResult<Self> {
        let format = StoreFormat::from_name(format)
            .ok_or_else(|| PyValueError::new_err(format!("no such format of a store: {format}")))?;
        Ok(Self { inner: Arc::new(tokenward::FileStore::open(path, trust_lock)?.with_format(format)) })
    }

    /// Carries out one operation and returns its answer, to be fed to the machine that asked for it.
    fn perform(&self, py: Python<'_>, op: Op<'_>) -> PyResult<Answer> {
        let op = op.take()?;
        Ok(Answer::of(py.detach(|| self.inner.perform(op))))
    }

    /// Returns a number that changes when somebody else wrote, without reading a byte of content.
    fn stamp(&self, py: Python<'_>) -> Option<u64> {
        py.detach(|| self.inner.stamp())
    }

    /// Returns the name that two handles of the same store share.
    fn identity(&self) -> Option<String> {
        self.inner.identity()
    }

    /// Returns where the store lies now, links followed.
    fn resolved(&self) -> PyResult<PathBuf> {
        Ok(self.inner.resolved()?)
    }

    fn __repr__(&self) -> String {
        format!("{:?}", self.inner)
    }
}
