//! What the machine asks of the store. Each effect makes its answer by its own `answer`, once; its members can be read
//! until then. A member that holds a secret is a method: nothing that prints an object calls it.

use std::cell::RefCell;

use napi::{
    Either, Env,
    bindgen_prelude::{BufferSlice, Either3, Null, Uint8Array},
};
use napi_derive::napi;
use tokenward::{Loaded, Parked};

use crate::{
    bytes::{buffer, secret},
    fault::{self, Refusal, StoreFault},
    input::Input,
};

macro_rules! effects {
    ($($name:ident $kind:literal $doc:literal;)*) => {$(
        #[doc = $doc]
        #[napi]
        pub struct $name {
            effect: RefCell<Option<tokenward::$name>>,
        }

        #[napi]
        impl $name {
            #[napi(getter)]
            pub fn kind(&self) -> String {
                $kind.into()
            }
        }

        impl $name {
            pub(crate) fn of(effect: tokenward::$name) -> Self {
                Self { effect: RefCell::new(Some(effect)) }
            }

            pub(crate) fn take(&self) -> napi::Result<tokenward::$name> {
                self.effect.take().ok_or_else(answered)
            }
        }
    )*};
}

effects! {
    Load "load" "Reads ranges of the journal first, then the store, then the parked grants.";
    TryLock "try_lock" "Tries to take the lock, and never waits for it.";
    Prepare "prepare" "Proves that the store can be replaced, then writes to the journal and syncs it.";
    Stage "stage" "Writes the frame, syncs, then writes the mark.";
    Commit "commit" "Replaces the store in one piece, if it still is what the machine has read.";
    Note "note" "Writes to the journal without syncing, then removes parked grants.";
    Park "park" "Writes a grant to a new file beside the store and syncs it.";
    Unlock "unlock" "Gives the lock back.";
}

macro_rules! readable {
    ($($name:ident)*) => {$(
        impl $name {
            fn read<T>(&self, look: impl FnOnce(&tokenward::$name) -> T) -> napi::Result<T> {
                self.effect.borrow().as_ref().map(look).ok_or_else(answered)
            }
        }
    )*};
}

readable! { Load Prepare Stage Commit Note Park }

/// One write at one offset.
#[napi]
pub struct Write {
    inner: tokenward::Write,
}

#[napi]
impl Write {
    #[napi(getter)]
    pub fn offset(&self) -> f64 {
        self.inner.offset as f64
    }

    #[napi]
    pub fn data<'env>(&self, env: &'env Env) -> napi::Result<BufferSlice<'env>> {
        buffer(env, &self.inner.bytes)
    }
}

/// Writes to the journal, in order.
#[napi(object, object_from_js = false)]
pub struct JournalWrites {
    pub set_aside: bool,
    pub reserve: f64,
    pub writes: Vec<Write>,
}

/// What a load found.
#[napi(object, object_to_js = false)]
pub struct Found {
    pub journal: Option<Either<Vec<Uint8Array>, StoreFault>>,
    pub store: Option<Either3<Uint8Array, StoreFault, Null>>,
    pub parked: Option<Vec<FoundParked>>,
}

/// A parked grant.
#[napi(object, object_to_js = false)]
pub struct FoundParked {
    pub name: String,
    pub data: Uint8Array,
}

#[napi]
impl Load {
    #[napi(getter)]
    pub fn journal(&self) -> napi::Result<Vec<Vec<f64>>> {
        self.read(|load| load.journal.iter().map(|range| vec![range.start as f64, range.end as f64]).collect())
    }

    #[napi(getter)]
    pub fn store(&self) -> napi::Result<bool> {
        self.read(|load| load.store)
    }

    #[napi(getter)]
    pub fn parked(&self) -> napi::Result<bool> {
        self.read(|load| load.parked)
    }

    #[napi]
    pub fn answer(&self, found: Option<Found>) -> napi::Result<Input> {
        let loaded = found.map_or_else(|| Ok(Loaded::default()), loaded)?;
        Ok(Input::of(self.take()?.answer(loaded)))
    }
}

#[napi]
impl TryLock {
    #[napi]
    pub fn answer(&self, fault: Option<Refusal>) -> napi::Result<Input> {
        let outcome = fault::locked(fault)?;
        Ok(Input::of(self.take()?.answer(outcome)))
    }
}

#[napi]
impl Prepare {
    #[napi(getter)]
    pub fn journal(&self) -> napi::Result<JournalWrites> {
        self.read(|prepare| writes(&prepare.journal))
    }

    #[napi(getter)]
    pub fn room(&self) -> napi::Result<f64> {
        self.read(|prepare| prepare.room as f64)
    }

    #[napi]
    pub fn answer(&self, fault: Option<StoreFault>) -> napi::Result<Input> {
        let outcome = fault::outcome(fault)?;
        Ok(Input::of(self.take()?.answer(outcome)))
    }
}

#[napi]
impl Stage {
    #[napi(getter)]
    pub fn frame(&self) -> napi::Result<Write> {
        self.read(|stage| Write { inner: stage.frame.clone() })
    }

    #[napi(getter)]
    pub fn mark(&self) -> napi::Result<Write> {
        self.read(|stage| Write { inner: stage.mark.clone() })
    }

    #[napi]
    pub fn answer(&self, fault: Option<StoreFault>) -> napi::Result<Input> {
        let outcome = fault::outcome(fault)?;
        Ok(Input::of(self.take()?.answer(outcome)))
    }
}

#[napi]
impl Commit {
    /// The first 16 bytes of the SHA-256 of what was read; null if there was no store.
    #[napi(getter)]
    pub fn base<'env>(&self, env: &'env Env) -> napi::Result<Option<BufferSlice<'env>>> {
        self.read(|commit| commit.base)?.map(|base| BufferSlice::copy_from(env, base.as_bytes())).transpose()
    }

    /// The new content; null removes the store.
    #[napi]
    pub fn data<'env>(&self, env: &'env Env) -> napi::Result<Option<BufferSlice<'env>>> {
        self.read(|commit| commit.bytes.as_ref().map(|bytes| buffer(env, bytes)).transpose())?
    }

    #[napi]
    pub fn answer(&self, fault: Option<Refusal>) -> napi::Result<Input> {
        let outcome = fault::committed(fault)?;
        Ok(Input::of(self.take()?.answer(outcome)))
    }
}

#[napi]
impl Note {
    #[napi(getter)]
    pub fn journal(&self) -> napi::Result<JournalWrites> {
        self.read(|note| writes(&note.journal))
    }

    #[napi(getter)]
    pub fn unpark(&self) -> napi::Result<Vec<String>> {
        self.read(|note| note.unpark.clone())
    }

    #[napi]
    pub fn answer(&self, fault: Option<StoreFault>) -> napi::Result<Input> {
        let outcome = fault::outcome(fault)?;
        Ok(Input::of(self.take()?.answer(outcome)))
    }
}

#[napi]
impl Park {
    #[napi]
    pub fn data<'env>(&self, env: &'env Env) -> napi::Result<BufferSlice<'env>> {
        self.read(|park| buffer(env, &park.bytes))?
    }

    /// Gives the name under which the grant waits, or says why it does not.
    #[napi]
    pub fn answer(&self, outcome: Refusal) -> napi::Result<Input> {
        let outcome = match outcome {
            Either::A(name) => Ok(name),
            Either::B(fault) => Err(fault.inner()?),
        };
        Ok(Input::of(self.take()?.answer(outcome)))
    }
}

#[napi]
impl Unlock {
    #[napi]
    pub fn answer(&self) -> napi::Result<Input> {
        Ok(Input::of(self.take()?.answer()))
    }
}

fn loaded(found: Found) -> napi::Result<Loaded> {
    let ranges = |ranges: Vec<Uint8Array>| ranges.iter().map(secret).collect();
    let parked = |grant: FoundParked| Parked { name: grant.name, bytes: secret(&grant.data) };
    Ok(Loaded {
        journal: match found.journal {
            None => Ok(Vec::new()),
            Some(Either::A(read)) => Ok(ranges(read)),
            Some(Either::B(fault)) => Err(fault.inner()?),
        },
        store: match found.store {
            None | Some(Either3::C(Null)) => Ok(None),
            Some(Either3::A(content)) => Ok(Some(secret(&content))),
            Some(Either3::B(fault)) => Err(fault.inner()?),
        },
        parked: found.parked.unwrap_or_default().into_iter().map(parked).collect(),
    })
}

fn writes(journal: &tokenward::JournalWrites) -> JournalWrites {
    let writes = journal.writes.iter().map(|write| Write { inner: write.clone() });
    JournalWrites { set_aside: journal.set_aside, reserve: journal.reserve as f64, writes: writes.collect() }
}

/// Returns what is thrown when an effect is answered twice.
pub(crate) fn answered() -> napi::Error {
    napi::Error::from_reason("this effect was answered already")
}
