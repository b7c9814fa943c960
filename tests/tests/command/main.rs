//! The `tokenward` command as a person, a script or another tool meets it: real processes.

mod broken;
mod configuration;
mod demo;
mod doctor;
mod examples;
mod helpers;
mod keep_alive;
mod kubectl;
mod paths;
mod run;
mod schema;
mod shells;
mod terminal;
mod tokens;
mod usage;
