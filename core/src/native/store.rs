//! The two doors of a driver: what holds the credential, and what reaches the server.

use std::{boxed::Box, string::String};

use crate::{Fetch, Input, StoreOp};

/// Takes the answer to one effect. Called exactly once, from any thread.
pub type Reply = Box<dyn FnOnce(Input) + Send>;

/// Holds a credential: a file, a keychain, or yours.
///
/// ```
/// use tokenward::{Input, Loaded, Reply, Store, StoreOp};
///
/// /// Never holds anything.
/// struct Empty;
///
/// impl Store for Empty {
///     fn start(&self, op: StoreOp, reply: Reply) {
///         if let StoreOp::Load(load) = op {
///             reply(load.answer(Loaded::default()));
///         }
///     }
/// }
///
/// assert_eq!(Empty.stamp(), None);
/// ```
pub trait Store: Send + Sync {
    /// Carries out one operation and answers it, now or later. A store carries out its operations in the order in
    /// which it gets them.
    fn start(&self, op: StoreOp, reply: Reply);

    /// Returns a number that changes when somebody else wrote, without reading a byte of content. A driver asks once
    /// a second; `None` where the store cannot tell.
    fn stamp(&self) -> Option<u64> {
        None
    }

    /// Returns the name that two handles of the same store share. Sources of one process on stores with equal names
    /// share one driver; `None` shares with nobody.
    fn identity(&self) -> Option<String> {
        None
    }
}

/// Sends requests to a token endpoint.
///
/// ```
/// use tokenward::{Fetch, FetchFault, Reply, Transport};
///
/// /// Is never connected.
/// struct Unplugged;
///
/// impl Transport for Unplugged {
///     fn start(&self, fetch: Fetch, reply: Reply) {
///         reply(fetch.answer(Err(FetchFault::NotSent { detail: "unplugged".into() })));
///     }
/// }
/// # fn check(_: &dyn Transport) {}
/// # check(&Unplugged);
/// ```
pub trait Transport: Send + Sync {
    /// Sends the request once, without redirects and without an automatic resend, and answers it, now or later.
    fn start(&self, fetch: Fetch, reply: Reply);
}
