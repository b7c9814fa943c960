//! Settings come as one mapping, as keyword arguments, or both.

use std::collections::BTreeMap;

use pyo3::{
    exceptions::PyTypeError,
    intern,
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
    read(py, &given(settings, named)?)
}

/// Reads the settings of a source, and the store that was given in place of a path.
pub(crate) fn source<'py>(
    py: Python<'py>,
    settings: Option<&Bound<'py, PyMapping>>,
    named: Option<&Bound<'py, PyDict>>,
) -> PyResult<(Config, Option<Bound<'py, PyAny>>)> {
    let mut values = given(settings, named)?;
    let is_store = |value: &Bound<'_, PyAny>| value.hasattr(intern!(py, "perform"));
    let store = match values.get("store") {
        Some(value) if is_store(value)? => values.remove("store"),
        Some(_) | None => None,
    };
    Ok((read(py, &values)?, store))
}

type Given<'py> = BTreeMap<String, Bound<'py, PyAny>>;

fn given<'py>(settings: Option<&Bound<'py, PyMapping>>, named: Option<&Bound<'py, PyDict>>) -> PyResult<Given<'py>> {
    let settings = settings.map(|settings| settings.items()?.extract::<Vec<(String, Bound<'_, PyAny>)>>());
    let mut given = settings.transpose()?.unwrap_or_default();
    for (name, value) in named.into_iter().flatten() {
        given.push((name.extract()?, value));
    }
    // The last one counts.
    Ok(given.into_iter().filter(|(_, value)| !value.is_none()).collect())
}

fn read(py: Python<'_>, given: &Given<'_>) -> PyResult<Config> {
    let texts = given.iter().map(|(name, value)| Ok((name.clone(), text(name, value)?)));
    let values = texts.collect::<PyResult<_>>()?;
    Config::from_map(PLACE, &values).map_err(|wrong| error::raise_setting(py, &wrong))
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
