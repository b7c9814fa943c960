//! Failures of the store, as a host saw them.

use napi::Either;
use napi_derive::napi;
use tokenward::{CommitFault, FaultKind, LockFault};

use crate::time::invalid;

/// A failure of the store or its folder.
#[napi(object)]
pub struct StoreFault {
    pub kind: String,
    pub detail: String,
}

/// A failure, or a word for what is none.
pub(crate) type Refusal = Either<String, StoreFault>;

impl StoreFault {
    pub(crate) fn inner(self) -> napi::Result<tokenward::StoreFault> {
        let kind = FaultKind::ALL.into_iter().find(|kind| kind.as_str() == self.kind);
        let kind = kind.ok_or_else(|| invalid("no such kind of fault"))?;
        Ok(tokenward::StoreFault { kind, detail: self.detail })
    }
}

pub(crate) fn outcome(fault: Option<StoreFault>) -> napi::Result<Result<(), tokenward::StoreFault>> {
    fault.map_or(Ok(Ok(())), |fault| fault.inner().map(Err))
}

pub(crate) fn locked(fault: Option<Refusal>) -> napi::Result<Result<(), LockFault>> {
    Ok(match fault {
        None => Ok(()),
        Some(Either::A(word)) => Err(named(&word, "busy", LockFault::Busy)?),
        Some(Either::B(fault)) => Err(LockFault::Fault(fault.inner()?)),
    })
}

pub(crate) fn committed(fault: Option<Refusal>) -> napi::Result<Result<(), CommitFault>> {
    Ok(match fault {
        None => Ok(()),
        Some(Either::A(word)) => Err(named(&word, "moved", CommitFault::Moved)?),
        Some(Either::B(fault)) => Err(CommitFault::Fault(fault.inner()?)),
    })
}

fn named<T>(word: &str, known: &str, value: T) -> napi::Result<T> {
    if word == known { Ok(value) } else { Err(invalid(&format!("neither a fault nor {known:?}"))) }
}

/// Returns the kinds of faults, for the test that compares them with the declarations.
#[napi]
pub fn fault_kinds() -> Vec<String> {
    FaultKind::ALL.iter().map(|kind| kind.as_str().into()).collect()
}
