//! Dies if the core without features links std: std brings a panic handler of its own, and two do not compile (E0152).

#![no_std]

use tokenward::{Config, Input, Machine, Now};

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// Uses the machine, so that it is really linked.
pub fn step() -> usize {
    let mut machine = Machine::new(Config::new("https://id.test/token", "canary"));
    machine.step(Now::default(), Input::Tick).effects.len()
}
