//! What the machine asks of its host. Each effect that wants an answer makes it by its own `answer`, once.

use std::sync::{Mutex, PoisonError};

use pyo3::{
    exceptions::{PyRuntimeError, PyTypeError, PyValueError},
    intern,
    prelude::*,
    types::PyBytes,
};
use tokenward::{CommitFault, Effect, FaultKind, Loaded, LockFault, Parked, SecretBytes, StoreOp};

use crate::{error, event::Event, grant::AccessToken, http::Fetch, input::Answer};

/// A failure of the store or its folder, as the host saw it.
#[pyclass(frozen, module = "tokenward")]
pub(crate) struct StoreFault {
    inner: tokenward::StoreFault,
}

#[pymethods]
impl StoreFault {
    #[new]
    fn new(kind: &str, detail: String) -> PyResult<Self> {
        let kind = FaultKind::ALL.into_iter().find(|known| known.as_str() == kind);
        let kind = kind.ok_or_else(|| PyValueError::new_err("no such kind of fault"))?;
        Ok(Self { inner: tokenward::StoreFault { kind, detail } })
    }

    #[getter]
    fn kind(&self) -> &'static str {
        self.inner.kind.as_str()
    }

    #[getter]
    fn detail(&self) -> &str {
        &self.inner.detail
    }

    fn __repr__(&self) -> String {
        format!("StoreFault({:?}, {:?})", self.inner.kind.as_str(), self.inner.detail)
    }
}

/// One write at one offset. Prints redacted.
#[pyclass(frozen, module = "tokenward")]
pub(crate) struct Write {
    inner: tokenward::Write,
}

#[pymethods]
impl Write {
    /// Where it begins.
    #[getter]
    fn offset(&self) -> u64 {
        self.inner.offset
    }

    /// What is written.
    #[getter]
    fn data<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes(py, &self.inner.bytes)
    }

    fn __repr__(&self) -> String {
        format!("{:?}", self.inner)
    }
}

/// Writes to the journal, in order.
#[pyclass(frozen, get_all, module = "tokenward")]
pub(crate) struct JournalWrites {
    /// Whether what is there now is moved aside first.
    set_aside: bool,
    /// The size the file has before the first write, filled with zeros up to here.
    reserve: u64,
    /// The writes.
    writes: Vec<Py<Write>>,
}

impl JournalWrites {
    fn of(py: Python<'_>, journal: &tokenward::JournalWrites) -> PyResult<Py<Self>> {
        let writes = journal.writes.iter().map(|write| Py::new(py, Write { inner: write.clone() }));
        let writes = writes.collect::<PyResult<_>>()?;
        Py::new(py, Self { set_aside: journal.set_aside, reserve: journal.reserve, writes })
    }
}

macro_rules! effects {
    ($($name:ident $kind:literal $doc:literal { $($(#[doc = $about:literal])* $field:ident: $type:ty),* };)*) => {$(
        #[doc = $doc]
        #[pyclass(frozen, module = "tokenward")]
        pub(crate) struct $name {
            effect: Mutex<Option<tokenward::$name>>,
            $($(#[doc = $about])* #[pyo3(get)] $field: $type,)*
        }

        impl $name {
            fn take(&self) -> PyResult<tokenward::$name> {
                self.effect.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or_else(answered)
            }
        }
    )*};
}

effects! {
    Load "load" "Reads ranges of the journal first, then the store, then the parked grants." {
        #[doc = "The byte ranges of the journal to read, each from its first byte to the one behind its last."]
        journal: Vec<(u64, u64)>,
        #[doc = "Whether to read the store's content too."]
        store: bool,
        #[doc = "Whether to read the parked grants too."]
        parked: bool
    };
    TryLock "try_lock" "Tries to take the lock, and never waits for it." {};
    Prepare "prepare" "Proves that the store can be replaced, then writes to the journal and syncs it." {
        #[doc = "The journal's writes."]
        journal: Py<JournalWrites>,
        #[doc = "The bytes the replaced store will need, at most."]
        room: u64
    };
    Stage "stage" "Writes the frame, syncs, then writes the mark." {
        #[doc = "The server's answer."]
        frame: Py<Write>,
        #[doc = "The state that names it."]
        mark: Py<Write>
    };
    Commit "commit" "Replaces the store in one piece, if it still is what the machine has read." {
        #[doc = "The first 16 bytes of the SHA-256 of the store's content as it was read; None if there was none."]
        base: Option<Vec<u8>>
    };
    Note "note" "Writes to the journal without syncing, then removes parked grants." {
        #[doc = "The journal's writes."]
        journal: Py<JournalWrites>,
        #[doc = "The parked grants that are done with."]
        unpark: Vec<String>
    };
    Park "park" "Writes a grant to a new file beside the store and syncs it." {};
    Unlock "unlock" "Gives the lock back." {};
}

/// A part of a store: what was read, nothing, or why not.
#[derive(FromPyObject)]
enum Read<'py, T> {
    Fault(Bound<'py, StoreFault>),
    #[pyo3(transparent)]
    Data(T),
}

#[derive(FromPyObject)]
enum Refusal<'py> {
    Fault(Bound<'py, StoreFault>),
    #[pyo3(transparent)]
    Word(String),
}

#[pymethods]
impl Load {
    #[classattr]
    #[pyo3(name = "kind")]
    const KIND: &'static str = "load";

    /// Says what was read: the bytes of each range, the store's content, and the parked grants by name, oldest first.
    #[pyo3(signature = (journal=Read::Data(Vec::new()), store=Read::Data(None), parked=Vec::new()))]
    fn answer(
        &self,
        journal: Read<'_, Vec<Vec<u8>>>,
        store: Read<'_, Option<Vec<u8>>>,
        parked: Vec<(String, Vec<u8>)>,
    ) -> PyResult<Answer> {
        let loaded = Loaded {
            journal: match journal {
                Read::Fault(fault) => Err(fault.get().inner.clone()),
                Read::Data(ranges) => Ok(ranges.into_iter().map(SecretBytes::new).collect()),
            },
            store: match store {
                Read::Fault(fault) => Err(fault.get().inner.clone()),
                Read::Data(content) => Ok(content.map(SecretBytes::new)),
            },
            parked: parked.into_iter().map(|(name, bytes)| Parked { name, bytes: SecretBytes::new(bytes) }).collect(),
        };
        Ok(Answer::of(self.take()?.answer(loaded)))
    }
}

#[pymethods]
impl TryLock {
    #[classattr]
    #[pyo3(name = "kind")]
    const KIND: &'static str = "try_lock";

    /// Says whether the lock is ours: None, "busy", or why it cannot be taken at all.
    #[pyo3(signature = (fault=None))]
    fn answer(&self, fault: Option<Refusal<'_>>) -> PyResult<Answer> {
        let outcome = match fault {
            None => Ok(()),
            Some(Refusal::Fault(fault)) => Err(LockFault::Fault(fault.get().inner.clone())),
            Some(Refusal::Word(word)) => Err(named(&word, "busy", LockFault::Busy)?),
        };
        Ok(Answer::of(self.take()?.answer(outcome)))
    }
}

impl Commit {
    fn look<T>(&self, read: impl FnOnce(&tokenward::Commit) -> T) -> PyResult<T> {
        self.effect.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(read).ok_or_else(answered)
    }
}

#[pymethods]
impl Commit {
    #[classattr]
    #[pyo3(name = "kind")]
    const KIND: &'static str = "commit";

    /// The new content; None removes the store.
    #[getter]
    fn data<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        Ok(self.look(|effect| effect.bytes.clone())?.map(|data| bytes(py, &data)))
    }

    /// Says whether the store was replaced: None, "moved" if it is not what was read, or why not.
    #[pyo3(signature = (fault=None))]
    fn answer(&self, fault: Option<Refusal<'_>>) -> PyResult<Answer> {
        let outcome = match fault {
            None => Ok(()),
            Some(Refusal::Fault(fault)) => Err(CommitFault::Fault(fault.get().inner.clone())),
            Some(Refusal::Word(word)) => Err(named(&word, "moved", CommitFault::Moved)?),
        };
        Ok(Answer::of(self.take()?.answer(outcome)))
    }
}

impl Park {
    fn look<T>(&self, read: impl FnOnce(&tokenward::Park) -> T) -> PyResult<T> {
        self.effect.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(read).ok_or_else(answered)
    }
}

#[pymethods]
impl Park {
    #[classattr]
    #[pyo3(name = "kind")]
    const KIND: &'static str = "park";

    /// The grant.
    #[getter]
    fn data<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(bytes(py, &self.look(|effect| effect.bytes.clone())?))
    }

    /// Gives the name under which the grant waits, or says why it does not.
    fn answer(&self, outcome: Refusal<'_>) -> PyResult<Answer> {
        let outcome = match outcome {
            Refusal::Word(name) => Ok(name),
            Refusal::Fault(fault) => Err(fault.get().inner.clone()),
        };
        Ok(Answer::of(self.take()?.answer(outcome)))
    }
}

macro_rules! plain {
    ($($name:ident $kind:literal $doc:literal;)*) => {$(
        #[pymethods]
        impl $name {
            #[classattr]
            #[pyo3(name = "kind")]
            const KIND: &'static str = $kind;

            #[doc = $doc]
            #[pyo3(signature = (fault=None))]
            fn answer(&self, fault: Option<&Bound<'_, StoreFault>>) -> PyResult<Answer> {
                let outcome = fault.map_or(Ok(()), |fault| Err(fault.get().inner.clone()));
                Ok(Answer::of(self.take()?.answer(outcome)))
            }
        }
    )*};
}

plain! {
    Prepare "prepare" "Says that it is done, or why not.";
    Stage "stage" "Says that the answer is on the disk, or why not.";
    Note "note" "Says that the note was written, or why not.";
}

#[pymethods]
impl Unlock {
    #[classattr]
    #[pyo3(name = "kind")]
    const KIND: &'static str = "unlock";

    /// Says that the lock is given back.
    fn answer(&self) -> PyResult<Answer> {
        Ok(Answer::of(self.take()?.answer()))
    }
}

/// Hands a caller its result. Wants no answer.
#[pyclass(frozen, get_all, module = "tokenward")]
pub(crate) struct Deliver {
    /// Who asked.
    waiter: u64,
    /// The token; None for a call that wants none, and for one that failed.
    token: Option<Py<AccessToken>>,
    /// Why it failed: an exception that is not raised.
    error: Option<Py<PyAny>>,
}

#[pymethods]
impl Deliver {
    #[classattr]
    #[pyo3(name = "kind")]
    const KIND: &'static str = "deliver";

    /// Settles a future of asyncio's or of concurrent.futures', unless it is done: its caller was cancelled, say.
    fn settle(&self, py: Python<'_>, future: &Bound<'_, PyAny>) -> PyResult<()> {
        if !future.call_method0(intern!(py, "done"))?.is_truthy()? {
            match &self.error {
                Some(error) => future.call_method1(intern!(py, "set_exception"), (error,))?,
                None => future.call_method1(intern!(py, "set_result"), (&self.token,))?,
            };
        }
        Ok(())
    }
}

/// Tells what happened. Wants no answer.
#[pyclass(frozen, get_all, module = "tokenward")]
pub(crate) struct Emit {
    /// What happened.
    event: Py<Event>,
}

#[pymethods]
impl Emit {
    #[classattr]
    #[pyo3(name = "kind")]
    const KIND: &'static str = "emit";
}

/// Any operation on a store.
#[derive(FromPyObject)]
pub(crate) enum Op<'py> {
    Load(Bound<'py, Load>),
    TryLock(Bound<'py, TryLock>),
    Prepare(Bound<'py, Prepare>),
    Stage(Bound<'py, Stage>),
    Commit(Bound<'py, Commit>),
    Note(Bound<'py, Note>),
    Park(Bound<'py, Park>),
    Unlock(Bound<'py, Unlock>),
}

impl Op<'_> {
    pub(crate) fn take(self) -> PyResult<StoreOp> {
        Ok(match self {
            Self::Load(op) => StoreOp::Load(op.get().take()?),
            Self::TryLock(op) => StoreOp::TryLock(op.get().take()?),
            Self::Prepare(op) => StoreOp::Prepare(op.get().take()?),
            Self::Stage(op) => StoreOp::Stage(op.get().take()?),
            Self::Commit(op) => StoreOp::Commit(op.get().take()?),
            Self::Note(op) => StoreOp::Note(op.get().take()?),
            Self::Park(op) => StoreOp::Park(op.get().take()?),
            Self::Unlock(op) => StoreOp::Unlock(op.get().take()?),
        })
    }
}

/// Returns the object of an effect.
pub(crate) fn object(py: Python<'_>, effect: Effect) -> PyResult<Py<PyAny>> {
    Ok(match effect {
        Effect::Store(op) => store(py, op)?,
        Effect::Fetch(fetch) => Py::new(py, Fetch::of(py, fetch)?)?.into_any(),
        Effect::Deliver(tokenward::Deliver { waiter, outcome }) => {
            let (token, error) = match outcome {
                Ok(token) => (token.map(|token| Py::new(py, AccessToken::of(token))).transpose()?, None),
                Err(error) => (None, Some(error::exception(py, &error)?.unbind())),
            };
            Py::new(py, Deliver { waiter: waiter.0, token, error })?.into_any()
        }
        Effect::Emit(event) => Py::new(py, Emit { event: Py::new(py, Event::of(py, &event)?)? })?.into_any(),
        other => return Err(unknown(&other)),
    })
}

/// Returns the object of an operation on a store.
pub(crate) fn store(py: Python<'_>, op: StoreOp) -> PyResult<Py<PyAny>> {
    let write = |write: &tokenward::Write| Py::new(py, Write { inner: write.clone() });
    Ok(match op {
        StoreOp::Load(op) => {
            let journal = op.journal.iter().map(|range| (range.start, range.end)).collect();
            let (store, parked) = (op.store, op.parked);
            Py::new(py, Load { effect: Mutex::new(Some(op)), journal, store, parked })?.into_any()
        }
        StoreOp::TryLock(op) => Py::new(py, TryLock { effect: Mutex::new(Some(op)) })?.into_any(),
        StoreOp::Prepare(op) => {
            let (journal, room) = (JournalWrites::of(py, &op.journal)?, op.room);
            Py::new(py, Prepare { effect: Mutex::new(Some(op)), journal, room })?.into_any()
        }
        StoreOp::Stage(op) => {
            let (frame, mark) = (write(&op.frame)?, write(&op.mark)?);
            Py::new(py, Stage { effect: Mutex::new(Some(op)), frame, mark })?.into_any()
        }
        StoreOp::Commit(op) => {
            let base = op.base.map(|base| base.as_bytes().to_vec());
            Py::new(py, Commit { effect: Mutex::new(Some(op)), base })?.into_any()
        }
        StoreOp::Note(op) => {
            let (journal, unpark) = (JournalWrites::of(py, &op.journal)?, op.unpark.clone());
            Py::new(py, Note { effect: Mutex::new(Some(op)), journal, unpark })?.into_any()
        }
        StoreOp::Park(op) => Py::new(py, Park { effect: Mutex::new(Some(op)) })?.into_any(),
        StoreOp::Unlock(op) => Py::new(py, Unlock { effect: Mutex::new(Some(op)) })?.into_any(),
        other => return Err(unknown(&other)),
    })
}

/// Returns what is raised when an effect is answered twice.
pub(crate) fn answered() -> PyErr {
    PyRuntimeError::new_err("this effect was answered already")
}

fn unknown(effect: &dyn std::fmt::Debug) -> PyErr {
    PyTypeError::new_err(format!("an effect that this version does not know: {effect:?}"))
}

fn named<T>(word: &str, known: &str, value: T) -> PyResult<T> {
    if word == known { Ok(value) } else { Err(PyValueError::new_err(format!("neither a StoreFault nor {known:?}"))) }
}

fn bytes<'py>(py: Python<'py>, bytes: &SecretBytes) -> Bound<'py, PyBytes> {
    // EXPOSE: the host has to write them.
    PyBytes::new(py, bytes.expose())
}
