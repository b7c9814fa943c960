//! The vectors of `tests/vectors/answers`: what an answer of a token endpoint means in every language.
//! `TOKENWARD_RECORD=1` writes what is found beside the class, which a person writes.

use std::{collections::BTreeMap, env, fs, time::Duration};

use tokenward::{Input, Want};
use tokenward_tests::{
    answers::{self, Expected, File, Vector},
    fuzzed::host::Host,
};

const LEAST: usize = 120;

const HIDDEN: &str = "unprintable";

const STORE: &str =
    r#"{"access_token":"access-token-1","refresh_token":"refresh-token-1","expires_at":"2026-01-01T00:00:10Z"}"#;

#[test]
fn every_answer_of_the_index_means_what_it_says() {
    let mut files = answers::read_all().expect("every vector can be read");
    let index = answers::read_index().expect("the index can be read");
    let found: BTreeMap<_, _> = files.iter().map(|(name, file)| (name.clone(), file.vectors.len())).collect();
    assert_eq!(found, index.files, "index.json lists other vectors than the folder holds");

    let (mut run, mut failures) = (0, Vec::new());
    for (name, file) in &mut files {
        for vector in &mut file.vectors {
            run += 1;
            if let Err(error) = check(vector) {
                failures.push(format!("{name}: {}\n  catches: {}\n  {error}", vector.name, vector.catches));
            }
        }
    }

    if env::var_os("TOKENWARD_RECORD").is_some() {
        record(&files);
    }
    assert!(failures.is_empty(), "{} failures\n\n{}", failures.len(), failures.join("\n\n"));
    assert_eq!(run, index.count);
    assert!(run >= LEAST, "{run} vectors");
}

#[test]
fn a_machine_tells_its_callers_what_each_answer_means() {
    let mut failures = Vec::new();
    for vector in all() {
        let mut host = Host::new(Some(STORE.into()), None);
        host.answers.push(answers::response(&vector.input).expect("an answer"));

        // Nobody waits for a second attempt.
        let outcome = host.ask(|waiter| Input::Want(Want { deadline: Duration::from_millis(1), ..Want::new(waiter) }));

        let Expected { error, grant, .. } = vector.expected;
        let expected = match error {
            Some(error) => Err(error.message),
            None => Ok(grant.and_then(|grant| grant.access_token)),
        };
        // A code that looks like a token is shown by who knows that it is not the one that was sent.
        let is_known = matches!((&outcome, &expected), (Err(said), Err(hidden)) if hidden.strip_suffix(HIDDEN).is_some_and(|head| said.starts_with(head)));
        if outcome != expected && !is_known {
            failures.push(format!("{}: {outcome:?}, but {expected:?} was expected", vector.name));
        }
    }

    assert!(failures.is_empty(), "{} failures\n\n{}", failures.len(), failures.join("\n\n"));
}

#[test]
fn every_class_and_every_kind_of_error_is_met() {
    let vectors = all();

    let classes: Vec<_> =
        ["success", "pending", "terminal_reauth", "terminal_config", "transient", "malformed_success"]
            .into_iter()
            .filter(|class| !vectors.iter().any(|vector| vector.expected.class == *class))
            .collect();
    let kinds: Vec<_> = ["reauth_required", "misconfigured", "unavailable", "blocked"]
        .into_iter()
        .filter(|kind| !vectors.iter().any(|vector| vector.expected.error.as_ref().is_some_and(|it| it.kind == *kind)))
        .collect();

    assert!(classes.is_empty(), "no vector reaches {classes:?}");
    assert!(kinds.is_empty(), "no vector reaches {kinds:?}");
}

#[test]
fn every_answer_says_why_and_what_it_catches_and_none_stands_twice() {
    let (mut names, mut seen) = (BTreeMap::new(), BTreeMap::new());
    for vector in all() {
        assert!(vector.why.len() > 3, "{}: why?", vector.name);
        assert!(vector.catches.len() > 10, "{}: what does it catch?", vector.name);
        assert!(names.insert(vector.name.clone(), ()).is_none(), "{} stands twice", vector.name);

        let input = serde_json::to_string(&vector.input).expect("an input is JSON");
        if let Some(other) = seen.insert(input, vector.name.clone()) {
            panic!("{} is {other} under another name", vector.name);
        }
    }
}

#[test]
fn no_error_repeats_what_a_server_put_into_its_answer() {
    let errors: Vec<_> = all().into_iter().filter_map(|vector| vector.expected.error).collect();

    assert!(errors.iter().any(|error| error.message.contains("unprintable")), "nothing had to be hidden");
    for error in errors {
        assert!(!error.message.contains("-token-"), "{}", error.message);
        assert!(error.message.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{}", error.message);
        assert!(error.message.len() < 128, "{}", error.message);
    }
}

fn check(vector: &mut Vector) -> Result<(), String> {
    let found = answers::run(&vector.input)?;
    if env::var_os("TOKENWARD_RECORD").is_some() {
        vector.expected = Expected { class: vector.expected.class.clone(), ..found.clone() };
    }
    let (expected, shown) = (&vector.expected, serde_json::to_string(&found).map_err(|error| error.to_string())?);
    if *expected == found { Ok(()) } else { Err(format!("expected {expected:?}\n  found {shown}")) }
}

fn record(files: &BTreeMap<String, File>) {
    for (name, file) in files {
        let text = serde_json::to_string_pretty(file).expect("vectors are JSON") + "\n";
        fs::write(answers::folder().join(name), text).expect("a file can be written");
    }
}

fn all() -> Vec<Vector> {
    answers::read_all().expect("every vector can be read").into_values().flat_map(|file| file.vectors).collect()
}
