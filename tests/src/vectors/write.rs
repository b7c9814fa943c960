//! Writes a vector as people read it: one line per effect, members in the order of the format.

use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use super::{
    format::{Step, Vector},
    shown::Current,
};

/// Returns a vector's file.
pub fn written(vector: &Vector) -> String {
    let mut lines = vec![
        format!("  \"name\": {},", line(&vector.name)),
        format!("  \"promise\": {},", line(&vector.promise)),
        format!("  \"why\": {},", line(&vector.why)),
        format!("  \"machines\": {},", line(&vector.machines)),
    ];
    if let Some(disk) = &vector.disk {
        lines.push(format!("  \"disk\": {},", line(disk)));
    }
    let steps: Vec<_> = vector.steps.iter().map(step).collect();
    lines.push(format!(
        "  \"steps\": [\n{}\n  ]{}",
        steps.join(",\n"),
        if vector.disk_after.is_some() { "," } else { "" }
    ));
    if let Some(after) = &vector.disk_after {
        lines.push(format!("  \"disk_after\": {}", line(after)));
    }
    format!("{{\n{}\n}}\n", lines.join("\n"))
}

fn step(step: &Step) -> String {
    let said = line(&Step { effects: None, wake_in_ms: None, must_stay: None, current: None, ..step.clone() });
    let said = said.strip_suffix(" }").unwrap_or(&said);
    let Some(effects) = &step.effects else { return format!("    {said} }}") };
    let rest = line(&Rest { wake_in_ms: step.wake_in_ms, must_stay: step.must_stay, current: step.current.as_ref() });
    let rest = rest.strip_prefix("{ ").map(|rest| format!(", {rest}")).unwrap_or_else(|| " }".into());
    let effects: Vec<_> = effects.iter().map(|effect| format!("\n        {}", line(effect))).collect();
    let end = if effects.is_empty() { "" } else { "\n      " };
    format!("    {said},\n      \"effects\": [{}{end}]{rest}", effects.join(","))
}

/// What stands behind the effects.
#[derive(Serialize)]
struct Rest<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    wake_in_ms: Option<Option<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    must_stay: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<&'a Option<Current>>,
}

/// Returns a value as one line of JSON with spaces.
pub(super) fn line<T: Serialize>(value: &T) -> String {
    let mut bytes = Vec::new();
    match value.serialize(&mut Serializer::with_formatter(&mut bytes, Spaced::default())) {
        Ok(()) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => error.to_string(),
    }
}

/// One line with a space where people put one.
#[derive(Default)]
struct Spaced {
    /// Whether the object that was begun last has no member yet.
    is_empty: bool,
}

impl Formatter for Spaced {
    fn begin_object<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.is_empty = true;
        writer.write_all(b"{")
    }

    fn begin_object_key<W: io::Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.is_empty = false;
        writer.write_all(if first { b" " } else { b", " })
    }

    fn begin_object_value<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn end_object<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        let end: &[u8] = if self.is_empty { b"}" } else { b" }" };
        self.is_empty = false;
        writer.write_all(end)
    }

    fn begin_array_value<W: io::Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }
}
