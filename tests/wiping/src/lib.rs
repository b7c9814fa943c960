//! Looks into every block of memory that the core without features frees, and finds the secrets it forgot to wipe.
//!
//! [`watch`] arms the allocator for one thread and reports; [`World`] is a host that carries out effects and keeps no
//! secret in a block of its own, so that whatever is found is the core's.

mod allocator;
mod samples;
mod secrets;
mod world;

pub use allocator::{Hit, Report, unwatched, watch};
pub use samples::*;
pub use secrets::*;
pub use world::{Process, World, answer};
