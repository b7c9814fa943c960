//! `Settings.swift`, of the core's table.

use tokenward::{Kind, SETTINGS, Setting};

/// Returns what the file should hold.
pub(crate) fn file() -> String {
    let mut text = String::from(HEAD);
    for setting in SETTINGS {
        text += &format!("        /// {}\n        public var {}: {}?\n", about(setting), name(setting), kind(setting));
    }
    text += "\n        /// Takes settings; what is nil is not given.\n        public init(\n";
    let parameters = SETTINGS.iter().map(|row| format!("            {}: {}? = nil", name(row), kind(row)));
    text += &parameters.collect::<Vec<_>>().join(",\n");
    text += "\n        ) {\n";
    for setting in SETTINGS {
        text += &format!("            self.{0} = {0}\n", name(setting));
    }
    text += "        }\n\n        var given: [CoreGiven] {\n            var given = Given()\n";
    for setting in SETTINGS {
        text += &format!("            given.add(\"{}\", {}{})\n", setting.name, name(setting), raw(setting));
    }
    text += "            return given.settings\n        }\n";
    for setting in SETTINGS {
        if let Kind::OneOf(words) = setting.kind {
            text += &format!("\n        /// {}\n", about(setting));
            text += &format!("        public enum {}: String, CaseIterable, Sendable {{\n", kind(setting));
            for word in words {
                let case = camel(word, &['_', '-']);
                let value = if case == **word { String::new() } else { format!(" = \"{word}\"") };
                text += &format!("            case {case}{value}\n");
            }
            text += "        }\n";
        }
    }
    text + "    }\n}\n"
}

const HEAD: &str = "// Written by tools/generate, of the core's table: do not edit.

internal import TokenwardCore

extension TokenSource {
    /// What a source can be told. Each has the environment variable of the command, `TOKENWARD_` and its name.
    public struct Settings: Hashable, Sendable {
";

fn about(setting: &Setting) -> String {
    let mut letters = setting.doc.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    let doc: String = first.into_iter().chain(letters).collect();
    match (setting.required, setting.default) {
        (true, _) => format!("{doc}. Required."),
        (false, "") => format!("{doc}."),
        (false, default) => format!("{doc}. Default: {default}."),
    }
}

fn kind(setting: &Setting) -> String {
    match setting.kind {
        Kind::Switch => "Bool".into(),
        Kind::Seconds(..) => "Duration".into(),
        Kind::OneOf(_) => {
            let name = name(setting);
            let mut letters = name.chars();
            letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
        }
        // A kind that is new here is a text to us.
        Kind::Url | Kind::Text | Kind::Secret | _ => "String".into(),
    }
}

fn raw(setting: &Setting) -> &'static str {
    if matches!(setting.kind, Kind::OneOf(_)) { "?.rawValue" } else { "" }
}

fn name(setting: &Setting) -> String {
    camel(setting.name, &['_'])
}

/// Bends a name to Swift's case: `tokenURL`, `clientID`.
fn camel(name: &str, between: &[char]) -> String {
    let mut text = String::new();
    for (number, word) in name.split(between).enumerate() {
        match (number, word) {
            (0, _) => text += word,
            (_, "url" | "id") => text += &word.to_ascii_uppercase(),
            (_, _) => {
                let mut letters = word.chars();
                text.extend(letters.next().map(|first| first.to_ascii_uppercase()));
                text.extend(letters);
            }
        }
    }
    text
}
