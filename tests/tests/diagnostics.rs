//! The table of events in `docs/diagnostics.md`: every event is in it, under its name, its level and its fields.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use serde_json::Value;
use tokenward::{Event, Fingerprint, Holder, Level, ReauthReason, TokenError, Trouble};

#[test]
fn every_event_stands_in_the_table_with_its_level_and_its_fields() {
    let rows = rows(&read("docs/diagnostics.md"));

    let mut seen = BTreeMap::<&str, Vec<Level>>::new();
    for event in every() {
        let row = rows.get(event.kind()).unwrap_or_else(|| panic!("{} is not in the table", event.kind()));
        assert_eq!(fields(&event.to_string()), row.fields, "{}", event.kind());
        seen.entry(event.kind()).or_default().push(event.level());
    }
    for (name, levels) in &seen {
        let words: Vec<_> = levels.iter().map(|level| level.as_str()).collect();
        assert_eq!(words.join(" or "), rows[*name].level, "{name}");
    }
    assert_eq!(seen.keys().copied().collect::<Vec<_>>(), rows.keys().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn the_table_and_the_vectors_name_the_same_events() {
    let schema: Value = serde_json::from_str(&read("tests/vectors/schema.json")).expect("the schema is JSON");
    let names = schema["$defs"]["effect"]["properties"]["emit"]["properties"]["event"]["enum"].clone();
    let mut names: Vec<String> = serde_json::from_value(names).expect("the schema lists the events");
    names.sort();

    let rows = rows(&read("docs/diagnostics.md"));

    assert_eq!(names, rows.into_keys().collect::<Vec<_>>());
}

struct Row {
    level: String,
    fields: Vec<String>,
}

/// Reads the rows of the table that begin with an event's name.
fn rows(page: &str) -> BTreeMap<String, Row> {
    let cells = page.lines().filter_map(|line| {
        let cells: Vec<_> = line.strip_prefix("| `")?.split('|').map(str::trim).collect();
        let [name, level, fields, ..] = cells.as_slice() else { panic!("a row with too few cells: {line}") };
        let fields = fields.split(", ").filter(|field| !field.is_empty());
        let fields = fields.map(|field| field.trim_matches('`').to_string()).collect();
        Some((name.trim_matches('`').to_string(), Row { level: (*level).to_string(), fields }))
    });
    cells.collect()
}

/// Returns the names of the fields of a line whose texts hold neither a space nor an equals sign.
fn fields(line: &str) -> Vec<String> {
    line.split(' ').filter_map(|word| Some(word.split_once('=')?.0.to_string())).collect()
}

/// One of each, with everything known.
fn every() -> Vec<Event> {
    let name = Fingerprint::of(b"refresh-token-1");
    let [access_token, refresh_token, base] = [Some(name); 3];
    let holder = Some(Holder { pid: 4711, host: "laptop".into() });
    let passing =
        TokenError::Unavailable { retry_in: Some(Duration::from_secs(1)), trouble: Trouble::Network("reset".into()) };
    let blocked = TokenError::Blocked { by: tokenward::Barrier::Page(403), retry_in: Some(Duration::from_secs(1)) };
    let ended = TokenError::ReauthRequired { reason: ReauthReason::Revoked };
    Vec::from([
        Event::RefreshStarted { refresh_token: name, attempt: 1 },
        Event::Replay { refresh_token: name, attempt: 2 },
        Event::Answered { status: 400, row: "rfc6749.invalid_grant" },
        Event::Rotated { access_token, refresh_token, base },
        Event::Saved { refresh_token },
        Event::SaveFailed { refresh_token, detail: "full".into(), retry_in: Duration::from_secs(1) },
        Event::Adopted { access_token, refresh_token },
        Event::RolledForward { refresh_token },
        Event::Dropped { what: "answer", base },
        Event::LockBusy { holder: holder.clone() },
        Event::RefreshFailed { refresh_token, error: passing },
        Event::RefreshFailed { refresh_token, error: blocked },
        Event::ReauthRequired { refresh_token, error: ended },
        Event::SignedIn { access_token, refresh_token },
        Event::SignedOut { refresh_token },
        Event::Refused { access_token: name, believed: true },
        Event::JournalSetAside,
        Event::Parked { holder },
        Event::ParkedDropped { detail: "damaged".into() },
        Event::LateAnswer,
    ])
}

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the project");
    fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
