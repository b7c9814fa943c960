//! The links of this process: sources on the same credential share one, and the exit of the process waits for all.

use std::{
    string::String,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    vec::Vec,
};

use super::{link::Link, message::Message, process::PerProcess, sys};

/// What makes two sources the same: store, token endpoint, client. `None` for a store without a name of its own.
pub(super) type Key = Option<(String, String, String)>;

/// One source's part in a link.
pub(super) struct Share {
    pub(super) link: Arc<Link>,
    pub(super) id: u64,
    /// Whether this source opened the link.
    pub(super) is_first: bool,
    left: AtomicBool,
}

impl Share {
    /// Joins the link of that key, or opens the one that `make` returns.
    pub(super) fn join(key: Key, make: impl FnOnce() -> Link) -> Self {
        wait_at_exit();
        let mut links = REGISTRY.get_or(Mutex::default()).lock().unwrap_or_else(PoisonError::into_inner);
        links.retain(|(_, link)| link.strong_count() > 0);
        let same = links.iter().filter(|(of, _)| key.is_some() && *of == key);
        let found = same.filter_map(|(_, link)| link.upgrade()).find(|link| link.enter());
        let is_first = found.is_none();
        let link = found.unwrap_or_else(|| {
            let link = Arc::new(make());
            links.push((key, Arc::downgrade(&link)));
            link
        });
        Self { id: link.number(), link, is_first, left: AtomicBool::new(false) }
    }

    /// Leaves the link: waits while a refresh token is on its way if nobody else stays.
    pub(super) fn leave(&self) {
        if self.left.swap(true, Ordering::AcqRel) {
            return;
        }
        if self.link.leave() {
            self.link.wait_for_end(&self.link.close(), sys::now().mono);
        } else {
            self.link.send(Message::Leave(self.id));
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.leave();
    }
}

type Links = Vec<(Key, Weak<Link>)>;

static REGISTRY: PerProcess<Mutex<Links>> = PerProcess::new(0);

fn wait_at_exit() {
    static WAITS: AtomicBool = AtomicBool::new(false);
    if !WAITS.swap(true, Ordering::Relaxed) {
        sys::at_exit(close_all);
    }
}

/// Closes every source of this process, as the exit of the process does: it waits while a refresh token is on its way.
///
/// For a host that ends before the process does: an interpreter that is torn down can be called by nobody. A forked
/// child closes its own sources only.
///
/// ```
/// tokenward::close_all();
/// ```
pub fn close_all() {
    let Some(registry) = REGISTRY.get() else { return };
    let links: Vec<Arc<Link>> = {
        let links = registry.lock().unwrap_or_else(PoisonError::into_inner);
        links.iter().filter_map(|(_, link)| link.upgrade()).collect()
    };
    close_each(&links);
}

/// Asks all before it waits for any: they end side by side.
pub(super) fn close_each(links: &[Arc<Link>]) {
    let since = sys::now().mono;
    let ends: Vec<_> = links.iter().map(|link| (link, link.close())).collect();
    for (link, end) in ends {
        link.wait_for_end(&end, since);
    }
}
