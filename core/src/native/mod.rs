//! What carries out the effects on a real machine. Unix only so far.

mod attributes;
mod commit;
mod disk;
mod doors;
mod driver;
mod fault;
mod file;
mod future;
mod handle;
mod hold;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "cli")]
mod inspect;
mod journal_file;
mod link;
mod lock;
mod log;
mod message;
mod owner;
mod parked;
mod place;
mod process;
#[cfg(feature = "http")]
mod proxy;
#[cfg(feature = "http")]
mod quiet;
mod registry;
#[cfg(feature = "http")]
mod roots;
#[cfg(feature = "http")]
mod sent;
mod slot;
mod snapshot;
mod source;
#[cfg(test)]
mod source_tests;
mod store;
mod sys;
mod temporary;
#[cfg(test)]
mod testing;
mod trust;
mod waiting;

#[cfg(feature = "cli")]
pub(crate) use fault::io_words;
pub use file::FileStore;
pub use future::GetToken;
#[cfg(feature = "http")]
pub use http::UreqTransport;
#[cfg(feature = "cli")]
pub(crate) use inspect::{Left, Site, ca_file_trouble, read_whole, user};
pub use registry::close_all;
pub use source::TokenSource;
pub use store::{Reply, Store, Transport};
#[cfg(feature = "cli")]
pub(crate) use sys::is_ignored;
