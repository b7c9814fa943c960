//! Settings come as one mapping, as keyword arguments, or both.

use std::collections::BTreeMap;

use pyo3::{
    exceptions::PyTypeError,
    prelude::*,
    types::{PyBool, PyDict, PyFloat, PyInt, PyMapping, PyString},
};
use tokenward::{Config, Kind, SETTINGS};

use crate::error;

/// Where a value stands that an error is about.
pub(crate) const PLACE: &str = "settings";

/// Reads settings by the names of the core's table. A value that is None is not given.
pub(crate) fn config(
    py: Python<'_>,
    settings: Option<&Bound<'_, PyMapping>>,
    named: Option<&Bound<'_, PyDict>>,
) -> PyResult<Config> {
    let mut values = BTreeMap::new();
    let settings = settings.map(|settings| settings.items()?.extract::<Vec<(String, Bound<'_, PyAny>)>>());
    for (name, value) in settings.transpose()?.unwrap_or_default() {
        insert(&mut values, name, &value)?;
    }
    for (name, value) in named.into_iter().flatten() {
        insert(&mut values, name.extract()?, &value)?;
    }
    Config::from_map(PLACE, &values).map_err(|wrong| error::raise_setting(py, &wrong))
}

fn insert(values: &mut BTreeMap<String, String>, name: String, value: &Bound<'_, PyAny>) -> PyResult<()> {
    if !value.is_none() {
        let text = text(&name, value)?;
        values.insert(name, text);
    }
    Ok(())
}

fn text(name: &str, value: &Bound<'_, PyAny>) -> PyResult<String> {
    if let Ok(switch) = value.cast::<PyBool>() {
        return Ok(switch.is_true().to_string());
    }
    if value.is_instance_of::<PyString>() {
        return value.extract();
    }
    if value.is_instance_of::<PyInt>() || value.is_instance_of::<PyFloat>() {
        return Ok(value.str()?.to_string_lossy().into_owned());
    }
    if value.hasattr("__fspath__")? {
        return value.call_method0("__fspath__")?.extract();
    }
    // Not the value: it may be a secret that got into the wrong place.
    Err(PyTypeError::new_err(format!("{PLACE}: {name}: not a str, a number, a bool or a path")))
}

/// Name, type, words, default, whether it is required, meaning.
type Row = (&'static str, &'static str, Vec<&'static str>, &'static str, bool, &'static str);

/// Returns the core's table, from which `tools/settings.py` writes the types.
#[pyfunction]
pub(crate) fn settings_table() -> Vec<Row> {
    let kind = |kind: Kind| match kind {
        Kind::Switch => ("bool", Vec::new()),
        Kind::Seconds(..) => ("float", Vec::new()),
        Kind::OneOf(words) => ("str", words.to_vec()),
        // A kind that is new here is a text to us.
        Kind::Url | Kind::Text | Kind::Secret | _ => ("str", Vec::new()),
    };
    let rows = SETTINGS.iter().map(|setting| {
        let (name, words) = kind(setting.kind);
        (setting.name, name, words, setting.default, setting.required, setting.doc)
    });
    rows.collect()
}
