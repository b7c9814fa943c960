//! Settings cross as texts, by the names of the core's table.

use tokenward::{Config, Profiled, SETTINGS};

use crate::error::CoreRefusal;

/// Where a value stands that an error is about.
const PLACE: &str = "settings";

/// One setting that is given.
#[derive(uniffi::Record)]
pub(crate) struct CoreGiven {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// Reads settings, those of a profile included.
pub(crate) fn config(given: Vec<CoreGiven>) -> Result<(Config, Profiled), CoreRefusal> {
    let values = given.into_iter().map(|given| (given.name, given.value)).collect();
    Ok(Config::from_profile(PLACE, &values, &|name| std::env::var(name).ok())?)
}

/// Returns the error of a setting that has no value.
pub(crate) fn missing(name: &str) -> CoreRefusal {
    CoreRefusal::Setting { name: name.into(), message: format!("{PLACE}: {name}: missing") }
}

/// Returns the names of all settings, for the test that compares them with those of `Settings.swift`.
#[uniffi::export]
pub(crate) fn core_setting_names() -> Vec<String> {
    SETTINGS.iter().map(|setting| setting.name.into()).collect()
}
