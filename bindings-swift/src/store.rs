//! The store as a file, and the stores that Swift brings.

use std::sync::{Arc, Mutex, PoisonError};

use tokenward::{FileStore, Reply, Store, StoreOp};

use crate::{
    effect::{CoreOp, CoreStoreOp},
    error::CoreRefusal,
    input::CoreAnswer,
};

/// A credential in a file, with its lock and its journal beside it.
#[derive(uniffi::Object)]
pub(crate) struct CoreFileStore {
    inner: FileStore,
}

#[uniffi::export]
impl CoreFileStore {
    #[uniffi::constructor]
    pub(crate) fn new(path: String, trust_lock: bool) -> Result<Arc<Self>, CoreRefusal> {
        Ok(Arc::new(Self { inner: FileStore::open(path, trust_lock)? }))
    }

    /// Carries out one operation and returns its answer.
    pub(crate) fn perform(&self, op: Arc<CoreOp>) -> Arc<CoreAnswer> {
        CoreAnswer::of(op.take().map(|op| self.inner.perform(op)))
    }

    /// Returns where the store lies now, links followed.
    pub(crate) fn resolved(&self) -> Result<String, CoreRefusal> {
        Ok(self.inner.resolved()?.to_string_lossy().into_owned())
    }

    pub(crate) fn stamp(&self) -> Option<u64> {
        self.inner.stamp()
    }

    pub(crate) fn identity(&self) -> Option<String> {
        self.inner.identity()
    }
}

/// Holds a credential.
#[uniffi::export(foreign)]
pub(crate) trait CoreStore: Send + Sync {
    fn start(&self, op: CoreStoreOp, reply: Arc<CoreReply>);
    fn stamp(&self) -> Option<u64>;
    fn identity(&self) -> Option<String>;
}

/// Takes the answer to one operation of a source.
#[derive(uniffi::Object)]
pub(crate) struct CoreReply {
    reply: Mutex<Option<Reply>>,
}

#[uniffi::export]
impl CoreReply {
    pub(crate) fn give(&self, answer: Arc<CoreAnswer>) {
        let reply = self.reply.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(reply) = reply {
            reply(answer.take());
        }
    }
}

/// Hands operations to Swift.
pub(crate) struct Keeper(pub(crate) Arc<dyn CoreStore>);

impl Store for Keeper {
    fn start(&self, op: StoreOp, reply: Reply) {
        if let Some(op) = CoreStoreOp::of(op) {
            self.0.start(op, Arc::new(CoreReply { reply: Mutex::new(Some(reply)) }));
        }
    }

    fn stamp(&self) -> Option<u64> {
        self.0.stamp()
    }

    fn identity(&self) -> Option<String> {
        self.0.identity()
    }
}
