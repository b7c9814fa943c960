//! The store as a file, for those who bring their own HTTP and timers.

use std::sync::Arc;

use napi::{
    Env, Task,
    bindgen_prelude::{AsyncTask, ClassInstance, Either8},
};
use napi_derive::napi;
use tokenward::{StoreFormat, StoreOp};

use crate::{
    effect::{Commit, Load, Note, Park, Prepare, Stage, TryLock, Unlock},
    input::Input,
    time::invalid,
};

/// A credential in a file, with its lock and its journal beside it.
#[napi]
pub struct FileStore {
    inner: Arc<tokenward::FileStore>,
}

/// What else a store is opened with.
#[napi(object)]
pub struct StoreOptions {
    pub trust_lock: Option<bool>,
    pub format: Option<String>,
}

type Op<'a> = Either8<
    ClassInstance<'a, Load>,
    ClassInstance<'a, TryLock>,
    ClassInstance<'a, Prepare>,
    ClassInstance<'a, Stage>,
    ClassInstance<'a, Commit>,
    ClassInstance<'a, Note>,
    ClassInstance<'a, Park>,
    ClassInstance<'a, Unlock>,
>;

#[napi]
impl FileStore {
    #[napi(constructor)]
    pub fn new(path: String, options: Option<StoreOptions>) -> napi::Result<Self> {
        let StoreOptions { trust_lock, format } = options.unwrap_or(StoreOptions { trust_lock: None, format: None });
        let mut store = tokenward::FileStore::open(path, trust_lock == Some(true)).map_err(failed)?;
        if let Some(name) = format {
            let format = StoreFormat::from_name(&name).ok_or_else(|| invalid("no such format of a store"))?;
            store = store.with_format(format);
        }
        Ok(Self { inner: Arc::new(store) })
    }

    /// Carries out one operation and returns its answer.
    #[napi]
    pub fn perform(&self, op: Op<'_>) -> napi::Result<Input> {
        Ok(Input::of(self.inner.perform(take(&op)?)))
    }

    /// The same on a thread of Node's pool.
    #[napi]
    pub fn perform_async(&self, op: Op<'_>) -> napi::Result<AsyncTask<Performing>> {
        Ok(AsyncTask::new(Performing { store: Arc::clone(&self.inner), op: Some(take(&op)?) }))
    }

    /// Returns where the store lies now, links followed.
    #[napi]
    pub fn resolved(&self) -> napi::Result<String> {
        self.inner.resolved().map(|path| path.to_string_lossy().into_owned()).map_err(failed)
    }
}

/// An operation on its way.
pub struct Performing {
    store: Arc<tokenward::FileStore>,
    op: Option<StoreOp>,
}

impl Task for Performing {
    type Output = Option<tokenward::Input>;
    type JsValue = Option<Input>;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        Ok(self.op.take().map(|op| self.store.perform(op)))
    }

    fn resolve(&mut self, _: Env, answer: Self::Output) -> napi::Result<Self::JsValue> {
        Ok(answer.map(Input::of))
    }
}

fn take(op: &Op<'_>) -> napi::Result<StoreOp> {
    Ok(match op {
        Either8::A(op) => StoreOp::Load(op.take()?),
        Either8::B(op) => StoreOp::TryLock(op.take()?),
        Either8::C(op) => StoreOp::Prepare(op.take()?),
        Either8::D(op) => StoreOp::Stage(op.take()?),
        Either8::E(op) => StoreOp::Commit(op.take()?),
        Either8::F(op) => StoreOp::Note(op.take()?),
        Either8::G(op) => StoreOp::Park(op.take()?),
        Either8::H(op) => StoreOp::Unlock(op.take()?),
    })
}

fn failed(error: std::io::Error) -> napi::Error {
    napi::Error::from_reason(error.to_string())
}
