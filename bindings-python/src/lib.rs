//! tokenward for Python. A file here converts, calls the file of the same name in the core, and converts back.

mod answered;
mod command;
mod doors;
mod effect;
mod error;
mod event;
mod grant;
mod http;
mod input;
mod machine;
mod settings;
mod source;
mod status;
mod store;
mod time;
mod wait;

use pyo3::prelude::*;

/// The compiled half of `tokenward`. Import `tokenward` instead.
// No call relies on the GIL: what is shared is frozen, atomic or behind a lock that no call into Python is made under.
#[pymodule(gil_used = false)]
mod _tokenward {
    #[pymodule_export]
    use super::{
        answered::{Answered, read_answer},
        command::run,
        effect::{
            Commit, Deliver, Emit, JournalWrites, Load, Note, Park, Prepare, Stage, StoreFault, TryLock, Unlock, Write,
        },
        error::error_kinds,
        event::{Event, Events},
        grant::{AccessToken, Grant},
        http::{Fetch, MaybeSent, NotSent, Request, Response},
        input::{Adopt, Answer, Changed, Forget, Look, Refused, SignOut, Tick, Want},
        machine::{Current, Machine, Now, Step},
        nothing,
        settings::settings_table,
        source::{TokenSource, close_all},
        status::{Holder, Status},
        store::FileStore,
        wait::Wait,
    };

    use super::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("MAX_BODY", tokenward::MAX_BODY)?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}

/// What is measured beside a call that does something.
#[pyfunction]
fn nothing() {}
