//! Worlds to test tokenward in: a disk, a lock, a strict server and clocks that do what we say.
//!
//! [`World`] carries out effects by their documented meaning and knows the server and the files, nothing else; the
//! rules it checks after every step stand in `rules.rs`. [`Sim`] adds processes and their callers. [`random`] and
//! [`explore`] choose what happens: by dice, or everything.

pub mod answers;
pub mod dice;
pub mod disk;
pub mod explore;
pub mod fuzzed;
pub mod leaks;
pub mod process;
pub mod provider;
pub mod random;
#[cfg(feature = "real")]
pub mod real;
pub mod rules;
pub mod sim;
pub mod vectors;
pub mod world;

pub use dice::Dice;
pub use disk::{Disk, Loss};
pub use provider::{Fate, Provider};
pub use sim::{Crash, Outcome, Setup, Sim, Want};
pub use world::World;
