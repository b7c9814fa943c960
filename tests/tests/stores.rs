//! The vectors of `tests/vectors/stores`: how each format of a store is read, and what a save leaves as it was.

use std::{collections::BTreeMap, fs, path::PathBuf};

use serde::{Deserialize, de::DeserializeOwned};
use tokenward::{AccessToken, Account, Grant, Secret, StoreFormat, UnixTime};

const LEAST: usize = 70;

#[test]
fn every_store_of_the_index_is_read_and_saved_as_its_row_says() {
    let index: Index = read("index.json");
    let (mut run, mut failures) = (0, Vec::new());

    for Listed { file, rows } in &index.files {
        let vectors: Vectors = read(file);
        let format = StoreFormat::from_name(&vectors.format).expect("a format that we know");
        assert_eq!(vectors.rows.len(), *rows, "{file}");
        for row in &vectors.rows {
            run += 1;
            failures.extend(row.check(format).err().map(|error| format!("{file}: {}: {error}", row.name)));
        }
    }

    assert!(failures.is_empty(), "{} failures\n\n{}", failures.len(), failures.join("\n\n"));
    assert_eq!(run, index.rows);
    assert!(run >= LEAST, "{run} rows");
}

#[test]
fn the_index_lists_every_file_and_every_format_has_one() {
    let index: Index = read("index.json");
    let mut listed: Vec<_> = index.files.into_iter().map(|listed| listed.file).collect();
    let mut formats: Vec<_> = StoreFormat::ALL.iter().map(|format| format!("{}.json", format.name())).collect();
    let mut found: Vec<_> = fs::read_dir(folder())
        .expect("the folder is there")
        .map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8"))
        .filter(|name| !matches!(name.as_str(), "index.json" | "schema.json"))
        .collect();
    for names in [&mut listed, &mut formats, &mut found] {
        names.sort();
    }

    assert_eq!(found, listed);
    assert_eq!(found, formats);
}

#[test]
fn no_two_rows_of_a_file_have_one_name() {
    for format in StoreFormat::ALL {
        let vectors: Vectors = read(&format!("{}.json", format.name()));
        let mut names = BTreeMap::new();

        for row in &vectors.rows {
            assert!(!row.catches.is_empty(), "{}", row.name);
            assert!(names.insert(row.name.clone(), ()).is_none(), "{}", row.name);
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Index {
    rows: usize,
    files: Vec<Listed>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    file: String,
    rows: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vectors {
    format: String,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    catches: String,
    content: Option<String>,
    content_b64: Option<String>,
    load: String,
    grant: Option<Login>,
    #[serde(default)]
    saves: Vec<Save>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Save {
    grant: Login,
    expected: Option<String>,
    error: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    access_token: Option<String>,
    expires_at_ms: Option<u64>,
    refresh_token: Option<String>,
    refresh_token_expires_at_ms: Option<u64>,
    scope: Option<String>,
    issued_at_ms: Option<u64>,
    account: Option<String>,
}

impl Row {
    fn check(&self, format: StoreFormat) -> Result<(), String> {
        let content = match (&self.content, &self.content_b64) {
            (None, Some(base64)) => Some(decoded(base64)),
            (content, None) => content.clone().map(String::into_bytes),
            (Some(_), Some(_)) => return Err("content and content_b64".into()),
        };
        let (load, grant) = match content.as_deref().map(|content| format.decode(content)) {
            None | Some(Ok(None)) => ("absent", None),
            Some(Ok(Some(grant))) => ("ok", Some(grant)),
            Some(Err(reason)) => (reason.as_str(), None),
        };
        same("load", load, self.load.as_str())?;
        let expected = self.grant.as_ref().map(Login::grant);
        if grant != expected {
            return Err(format!("{grant:?}, but {expected:?} was expected"));
        }
        self.saves.iter().try_for_each(|save| save.check(format, content.as_deref()))
    }
}

impl Save {
    fn check(&self, format: StoreFormat, content: Option<&[u8]>) -> Result<(), String> {
        let grant = self.grant.grant();
        match (format.encode(content, &grant), &self.expected, &self.error) {
            (Ok(saved), Some(expected), None) => {
                same("saved", &String::from_utf8_lossy(saved.expose()), expected)?;
                let read = format.decode(saved.expose()).map_err(|reason| format!("saved, but {reason}"))?;
                same("read again", &tokens(&read.unwrap_or_default()), &tokens(&grant))
            }
            (Err(error), None, Some(expected)) => {
                let message = error.to_string();
                if message.contains("at-1") || message.contains("rt-1") || message.contains("claudeAi") {
                    return Err(format!("content in an error: {message}"));
                }
                same("error", error.kind().as_str(), expected)
            }
            (outcome, _, _) => Err(format!("{outcome:?}, but {:?} or {:?} was expected", self.expected, self.error)),
        }
    }
}

impl Login {
    fn grant(&self) -> Grant {
        let moment = |millis: Option<u64>| millis.map(UnixTime::from_millis);
        Grant {
            access_token: self.access_token.as_ref().map(|text| AccessToken::new(text, moment(self.expires_at_ms))),
            refresh_token: self.refresh_token.as_deref().map(Secret::new),
            refresh_token_expires_at: moment(self.refresh_token_expires_at_ms),
            scope: self.scope.clone(),
            issued_at: moment(self.issued_at_ms),
            account: self.account.clone().map(Account::new),
        }
    }
}

fn tokens(grant: &Grant) -> String {
    format!("{:?} {:?}", grant.access_token, grant.refresh_token.as_ref().map(Secret::fingerprint))
}

fn same(what: &str, found: &str, expected: &str) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found}\nbut expected: {expected}")) }
}

fn decoded(base64: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut word, mut bits) = (Vec::new(), 0u32, 0);
    for letter in base64.trim_end_matches('=').bytes() {
        let value = ALPHABET.iter().position(|symbol| *symbol == letter).expect("base64");
        word = word << 6 | u32::try_from(value).expect("below 64");
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(word >> bits & 255).expect("a byte"));
        }
    }
    bytes
}

fn read<T: DeserializeOwned>(file: &str) -> T {
    let text = fs::read_to_string(folder().join(file)).expect("the file is there");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors/stores")
}
